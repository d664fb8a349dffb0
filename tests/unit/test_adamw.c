#include "shape.h"
#include "floats.h"
#include "test.h"

#include <stdint.h>

#include "math/random.h"
#include "nn/adamw.h"

static struct fl_model *
new_model(void)
{
    /* more floats than one task of a step, and sizes that no block divides */
    struct fl_config c = {LLAMA(1031, 16, 2, 72, 4, 2, 18, 130, 1e-5, 1e4, false)};
    struct fl_model *m = fl_model_new(&c);

    fl_random_normal(1, 0, 0, floats(m), m->layout.size, 1);
    return m;
}

/* Ten steps of every parameter by the formulas, in doubles; every FROZEN-th one is frozen. */
static void
against_formulas(size_t frozen)
{
    struct fl_model *m = new_model();
    for (size_t p = 0; p < m->layout.count; p++)
        m->layout.params[p].frozen = frozen && p % frozen == 0;
    fl_layout_trainables(&m->layout);
    struct fl_adamw a = FL_ADAMW_INIT;
    float *grads = fl_layout_array(&m->layout);
    double *w = malloc(m->layout.size * sizeof *w), *m1 = calloc(m->layout.size, sizeof *m1);
    double *v = calloc(m->layout.size, sizeof *v), worst = 0;

    CHECK(!fl_adamw_start(&a, &m->layout));
    for (size_t i = 0; i < m->layout.size; i++)
        w[i] = floats(m)[i];
    for (int step = 1; step <= 10; step++) {
        double lr = 0.01 * step, clip = step & 1 ? 1 : 0.25;
        fl_random_normal(2, (uint64_t)step, 0, grads, m->layout.trained, step == 5 ? 0 : 0.1);
        for (size_t p = 0; p < m->layout.count; p++)
            for (size_t j = 0; !m->layout.params[p].frozen && j < m->layout.params[p].count; j++) {
                size_t i = m->layout.params[p].offset + j;
                double g = clip * grads[m->layout.params[p].place + j];
                m1[i] = 0.9 * m1[i] + (1 - 0.9) * g;
                v[i] = 0.95 * v[i] + (1 - 0.95) * g * g;
                double update = m1[i] / (1 - pow(0.9, step)) /
                                (sqrt(v[i] / (1 - pow(0.95, step))) + 1e-8);
                w[i] -= lr * (update + (m->layout.params[p].rank == 2 ? 0.1 * w[i] : 0));
            }
        fl_adamw_step(&a, m, NULL, grads, clip, lr);
    }
    for (size_t i = 0; i < m->layout.size; i++)
        worst = fmax(worst, fabs(floats(m)[i] - w[i]));
    CHECK(fl_array_norm(NULL, grads, m->layout.trained) == 0);
    CHECK(worst < 5e-6);
    CHECK(frozen ? m->layout.trained < m->layout.size : m->layout.trained == m->layout.size);
    CHECK(a.step == 10);
    fl_adamw_release(&a);
    fl_model_free(m);
    free(grads), free(w), free(m1), free(v);
}

static void
test_against_formulas(void)
{
    against_formulas(0);
    against_formulas(2);
    against_formulas(5);
}

static void
test_threads(void)
{
    struct fl_model *m[2];
    double norm[2];

    for (int k = 0; k < 2; k++) {
        struct fl_adamw a = FL_ADAMW_INIT;
        struct fl_pool *pool = fl_pool_new(k ? 3 : 1);
        m[k] = new_model();
        float *grads = fl_layout_array(&m[k]->layout);
        CHECK(!fl_adamw_start(&a, &m[k]->layout));
        fl_random_normal(2, 1, 0, grads, m[k]->layout.size, 1);
        norm[k] = fl_array_norm(pool, grads, m[k]->layout.trained);
        fl_adamw_step(&a, m[k], pool, grads, 0.5, 0.01);
        fl_adamw_release(&a);
        fl_pool_free(pool);
        free(grads);
    }
    CHECK(norm[0] == norm[1]);
    CHECK_NEAR(norm[0], sqrt((double)m[0]->layout.size), 0.01);
    CHECK(!memcmp(floats(m[0]), floats(m[1]), m[0]->layout.size * sizeof(float)));
    fl_model_free(m[0]), fl_model_free(m[1]);
}

static void
test_norm_and_clip(void)
{
    struct fl_model *m = new_model();
    float *grads = fl_layout_array(&m->layout);

    CHECK(fl_array_norm(NULL, grads, m->layout.trained) == 0);
    grads[0] = 3, grads[m->layout.size - 1] = -4;
    CHECK_NEAR(fl_array_norm(NULL, grads, m->layout.trained), 5, 1e-15);
    grads[m->layout.size / 2] = NAN;
    CHECK(isnan(fl_array_norm(NULL, grads, m->layout.trained)));
    CHECK(fl_clip(0.5, 1) == 1);
    CHECK_NEAR(fl_clip(4, 1), 1 / (4 + 1e-6), 1e-15);
    CHECK(fl_clip(1000, 0) == 1);
    fl_model_free(m);
    free(grads);
}

static void
test_schedule(void)
{
    struct fl_schedule s = {.lr = 2, .final = 0.1, .warmup = 4, .steps = 105};

    CHECK_NEAR(fl_schedule_lr(&s, 0), 0.5, 1e-15);
    CHECK_NEAR(fl_schedule_lr(&s, 3), 2, 1e-15);
    CHECK_NEAR(fl_schedule_lr(&s, 4), 2, 1e-15);
    CHECK_NEAR(fl_schedule_lr(&s, 54), 2 * (0.1 + 0.9 / 2), 1e-12);
    CHECK_NEAR(fl_schedule_lr(&s, 104), 0.2, 1e-12);
    CHECK_NEAR(fl_schedule_lr(&s, 1000), 0.2, 1e-12);
    for (uint64_t i = 5; i < 105; i++)
        CHECK(fl_schedule_lr(&s, i) < fl_schedule_lr(&s, i - 1));
    s = (struct fl_schedule){.kind = FL_SCHEDULE_WSD,
                             .lr = 2,
                             .final = 0.1,
                             .warmup = 4,
                             .steps = 101,
                             .decay = 10};
    CHECK_NEAR(fl_schedule_lr(&s, 1), 1, 1e-15);
    for (uint64_t i = 3; i <= 90; i++)
        CHECK_NEAR(fl_schedule_lr(&s, i), 2, 1e-15);
    CHECK_NEAR(fl_schedule_lr(&s, 91), 2 * (0.1 + 0.9 * 0.9), 1e-12);
    CHECK_NEAR(fl_schedule_lr(&s, 95), 2 * (0.1 + 0.9 / 2), 1e-12);
    CHECK_NEAR(fl_schedule_lr(&s, 100), 0.2, 1e-12);
    CHECK_NEAR(fl_schedule_lr(&s, 1000), 0.2, 1e-12);
    s = (struct fl_schedule){.lr = 3, .final = 1, .steps = 10};
    CHECK(fl_schedule_lr(&s, 0) == 3 && fl_schedule_lr(&s, 9) == 3);
    s = (struct fl_schedule){.lr = 3, .final = 0, .warmup = 5, .steps = 5};
    CHECK(isfinite(fl_schedule_lr(&s, 5)));
    s = (struct fl_schedule){.lr = 3, .final = 0, .warmup = 0, .steps = 1};
    CHECK(fl_schedule_lr(&s, 0) == 3);
}

int
main(void)
{
    RUN(test_against_formulas);
    RUN(test_threads);
    RUN(test_norm_and_clip);
    RUN(test_schedule);
    return test_end();
}
