#include "test.h"

#include <stdint.h>

#include "flt/values.h"
#include "math/random.h"
#include "nn/linear.h"
#include "os/pool.h"

/* Shapes around the cuts: 256 rows and 512 columns of a gradient, 256 outputs of a wide product. */
static const struct shape {
    size_t in, out, n;
    int bias;
} shapes[] = {{1, 1, 1, 1},    {7, 5, 3, 0},    {20, 256, 2, 1}, {513, 257, 4, 1}, {64, 700, 1, 1},
              {3, 1025, 6, 1}, {64, 300, 3, 0}, {512, 600, 2, 1}}; /* rows of whole blocks */
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* W is what NARROW holds, as f32; rows that are no whole blocks are f16 in place of q8_0. */
struct numbers {
    enum fl_dtype dtype;
    void *narrow;
    float *w, *b, *x, *dy, *y, *tile;
    size_t stride;
};

static const enum fl_dtype dtypes[] = {FL_F32, FL_BF16, FL_F16, FL_Q8_0};
enum { DTYPES = sizeof dtypes / sizeof *dtypes, THREADS = 3 };

static float *
normal(uint64_t sequence, size_t n)
{
    float *x = malloc(n * sizeof *x);

    fl_random_normal(8, sequence, 0, x, n, 1);
    return x;
}

static struct numbers
make(const struct shape *s, enum fl_dtype dtype)
{
    size_t stride = s->out + 3, size = s->in * s->out;
    if (s->in % fl_dtype_block(dtype))
        dtype = FL_F16;
    struct numbers a = {.dtype = dtype,
                        .narrow = malloc(size * sizeof(float)),
                        .w = normal(0, size),
                        .b = normal(1, s->out),
                        .x = normal(2, s->n * s->in),
                        .dy = normal(3, s->n * stride),
                        .y = normal(4, s->n * stride),
                        .tile = malloc(THREADS * fl_linear_tile(s->in) * sizeof(float)),
                        .stride = stride};

    fl_values_from_f32(dtype, a.narrow, a.w, size);
    if (dtype != FL_F32)
        fl_values_f32(dtype, a.narrow, 0, size, a.w);
    return a;
}

static void
release(struct numbers *a)
{
    free(a->w), free(a->b), free(a->x), free(a->dy), free(a->y), free(a->narrow), free(a->tile);
}

static struct fl_linear
map_of(const struct shape *s, const struct numbers *a)
{
    return (struct fl_linear){s->in, s->out, a->dtype, a->narrow, s->bias ? a->b : NULL};
}

static double
want_y(const struct shape *s, const struct numbers *a, size_t i, size_t o)
{
    double sum = s->bias ? a->b[o] : 0;

    for (size_t k = 0; k < s->in; k++)
        sum += (double)a->x[i * s->in + k] * a->w[o * s->in + k];
    return sum;
}

/* Whole (HOW 0, 1), or wide in one thread; kept where HOW is odd. */
static void
forward(const struct shape *s, const struct numbers *a, int how, float *y)
{
    struct fl_linear f = map_of(s, a);
    struct fl_linear_rows r =
        {.n = s->n, .stride = a->stride, .x = a->x, .y = y, .keep = how & 1, .tile = a->tile};

    memcpy(y, a->y, s->n * a->stride * sizeof *y);
    if (how & 2)
        fl_linear_forward_wide(&f, &r, NULL);
    else
        fl_linear_forward(&f, &r);
    for (size_t i = 0; i < s->n; i++)
        for (size_t o = 0; o < a->stride; o++) {
            size_t at = i * a->stride + o;
            if (o < s->out)
                CHECK_NEAR(y[at], want_y(s, a, i, o) + (how & 1 ? a->y[at] : 0), 1e-4);
            else
                CHECK(y[at] == a->y[at]);
        }
}

/*
 * Of every dtype: whole, wide with one and three threads to the bit, kept and not; what lies
 * between rows stays.
 */
static void
test_forward(void)
{
    struct fl_pool *pool = fl_pool_new(THREADS);

    for (int k = 0; k < SHAPES * DTYPES; k++) {
        const struct shape *s = &shapes[k / DTYPES];
        struct numbers a = make(s, dtypes[k % DTYPES]);
        struct fl_linear f = map_of(s, &a);
        size_t size = s->n * a.stride;
        float *y = malloc(size * sizeof *y), *three = malloc(size * sizeof *three);
        for (int how = 0; how < 4; how++) {
            forward(s, &a, how, y);
            memcpy(three, a.y, size * sizeof *y);
            fl_linear_forward_wide(&f,
                                   &(struct fl_linear_rows){.n = s->n,
                                                            .stride = a.stride,
                                                            .x = a.x,
                                                            .y = three,
                                                            .keep = how & 1,
                                                            .tile = a.tile},
                                   pool);
            CHECK(how < 2 || !memcmp(y, three, size * sizeof *y));
        }
        free(y), free(three);
        release(&a);
    }
    fl_pool_free(pool);
}

/* Of every dtype, overwritten and kept; rows of dy have something between them. */
static void
test_back(void)
{
    for (int k = 0; k < 2 * SHAPES * DTYPES; k++) {
        const struct shape *s = &shapes[k / 2 / DTYPES];
        struct numbers a = make(s, dtypes[k / 2 % DTYPES]);
        struct fl_linear f = map_of(s, &a);
        float *dx = malloc(s->n * s->in * sizeof *dx);
        bool keep = k & 1;
        for (size_t i = 0; i < s->n * s->in; i++)
            dx[i] = 3;
        fl_linear_back(&f, &(struct fl_linear_back){.n = s->n,
                                                    .stride = a.stride,
                                                    .dy = a.dy,
                                                    .dx = dx,
                                                    .keep = keep,
                                                    .tile = a.tile});
        for (size_t i = 0; i < s->n; i++)
            for (size_t j = 0; j < s->in; j++) {
                double sum = keep ? 3 : 0;
                for (size_t o = 0; o < s->out; o++)
                    sum += (double)a.dy[i * a.stride + o] * a.w[o * s->in + j];
                CHECK_NEAR(dx[i * s->in + j], sum, 2e-4);
            }
        free(dx);
        release(&a);
    }
}

static void
check_grad(const struct shape *s, const struct numbers *a, const float *dw, const float *db)
{
    for (size_t o = 0; o < s->out; o++) {
        double bias = 1;
        for (size_t i = 0; i < s->n; i++)
            bias += a->dy[i * a->stride + o];
        CHECK_NEAR(db[o], s->bias ? bias : 1, 1e-5);
        for (size_t j = 0; j < s->in; j++) {
            double sum = 1;
            for (size_t i = 0; i < s->n; i++)
                sum += (double)a->dy[i * a->stride + o] * a->x[i * s->in + j];
            CHECK_NEAR(dw[o * s->in + j], sum, 1e-4);
        }
    }
}

/* Gradients are added to what is there; each number belongs to one task, in any order of tasks. */
static void
test_grad(void)
{
    for (int k = 0; k < SHAPES; k++) {
        const struct shape *s = &shapes[k];
        struct numbers a = make(s, FL_F32);
        float *dw = malloc(s->in * s->out * sizeof *dw), *db = malloc(s->out * sizeof *db);
        for (size_t i = 0; i < s->in * s->out; i++)
            dw[i] = 1;
        for (size_t i = 0; i < s->out; i++)
            db[i] = 1;
        struct fl_linear_grad g = {.in = s->in,
                                   .out = s->out,
                                   .n = s->n,
                                   .dweight = dw,
                                   .dbias = s->bias ? db : NULL,
                                   .dy = a.dy,
                                   .stride = a.stride,
                                   .x = a.x};
        for (size_t i = fl_linear_grad_tasks(&g); i-- > 0;)
            fl_linear_grad_task(&g, i, 0);
        check_grad(s, &a, dw, db);
        g.dweight = g.dbias = NULL;
        CHECK(fl_linear_grad_tasks(&g) == 0);
        free(dw), free(db);
        release(&a);
    }
}

/* A run of outputs is the map's own numbers, of every dtype. */
static void
test_outputs(void)
{
    for (int k = 0; k < 2 * DTYPES; k++) {
        const struct shape *s = &shapes[k & 1 ? 3 : 7];
        struct numbers a = make(s, dtypes[k / 2]);
        struct fl_linear f = map_of(s, &a), part = fl_linear_outputs(&f, 250, 7);
        float y[4 * 7];
        fl_linear_forward(&part, &(struct fl_linear_rows){.n = s->n,
                                                          .stride = 7,
                                                          .x = a.x,
                                                          .y = y,
                                                          .tile = a.tile});
        for (size_t i = 0; i < s->n; i++)
            for (size_t o = 0; o < 7; o++)
                CHECK_NEAR(y[i * 7 + o], want_y(s, &a, i, 250 + o), 1e-4);
        release(&a);
    }
}

int
main(void)
{
    RUN(test_forward);
    RUN(test_back);
    RUN(test_grad);
    RUN(test_outputs);
    return test_end();
}
