#include "test.h"

#include <stdint.h>

#include "math/gemm.h"
#include "math/random.h"
#include "nn/attention.h"

struct plain { /* one head in doubles, for one output gradient */
    size_t T, D, window;
    double *q, *k, *v, *dout, *out, *dq, *dk, *dv, *lse;
};

/* out, and the gradients of sum(dout out), straight from the definition. */
static void
plain_head(struct plain *s)
{
    size_t T = s->T, D = s->D;
    double *p = calloc(T, sizeof *p), *dp = calloc(T, sizeof *dp);

    for (size_t t = 0; t < T; t++) {
        double sum = 0, mean = 0;
        size_t first = s->window && t + 1 > s->window ? t + 1 - s->window : 0;
        for (size_t u = first; u <= t; u++) {
            double dot = 0;
            for (size_t i = 0; i < D; i++)
                dot += s->q[t * D + i] * s->k[u * D + i];
            sum += p[u] = exp(dot / sqrt((double)D));
        }
        s->lse[t] = log(sum);
        for (size_t u = first; u <= t; u++) {
            p[u] /= sum;
            dp[u] = 0;
            for (size_t i = 0; i < D; i++) {
                s->out[t * D + i] += p[u] * s->v[u * D + i];
                dp[u] += s->dout[t * D + i] * s->v[u * D + i];
                s->dv[u * D + i] += p[u] * s->dout[t * D + i];
            }
            mean += p[u] * dp[u];
        }
        for (size_t u = first; u <= t; u++)
            for (size_t i = 0; i < D; i++) {
                double ds = p[u] * (dp[u] - mean) / sqrt((double)D);
                s->dq[t * D + i] += ds * s->k[u * D + i];
                s->dk[u * D + i] += ds * s->q[t * D + i];
            }
    }
    free(p), free(dp);
}

static double *
zeros(size_t n)
{
    return calloc(n, sizeof(double));
}

/* Columns AT .. AT + D - 1 of rows STRIDE apart, as doubles. */
static void
take(double *to, const float *from, size_t stride, size_t at, size_t T, size_t D)
{
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < D; i++)
            to[t * D + i] = from[t * stride + at + i];
}

static void
compare(const double *want, const float *got, size_t stride, size_t at, size_t T, size_t D)
{
    double d = 0, n = 0;

    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < D; i++) {
            double w = want[t * D + i], e = got[t * stride + at + i] - w;
            d += e * e, n += w * w;
        }
    CHECK(d <= 1e-10 * n + 1e-10); /* vanishing for one key */
}

/* Without the keys that nobody sees, the same to the bit: what a sliding cache relies on. */
static void
test_dropped(const struct fl_attention *all)
{
    struct fl_attention a = *all;
    size_t seen = a.window && a.window < a.before + 1 ? a.window - 1 : a.before;
    size_t dropped = a.before - seen, outs = a.n * a.out_stride;
    float *out = malloc(outs * sizeof *out);

    memcpy(out, all->out, outs * sizeof *out);
    a.before = seen;
    a.k += dropped * a.kv_stride;
    a.v += dropped * a.kv_stride;
    a.out = out;
    fl_attention_forward(&a);
    CHECK(!memcmp(out, all->out, outs * sizeof *out));
    free(out);
}

/* Queries from number T / 3 on, over keys that were read before: what the whole window gave them. */
static void
test_going_on(const struct fl_attention *whole, const float *want)
{
    struct fl_attention a = *whole;
    size_t before = a.n / 3, outs = a.n * a.out_stride;
    float *out = malloc(outs * sizeof *out),
          *scratch = malloc(fl_attention_scratch(a.n, false) * sizeof *scratch);

    a.n -= before;
    a.before = before;
    a.q += before * a.stride;
    a.out = out;
    a.lse = NULL;
    a.scratch = scratch;
    fl_attention_forward(&a);
    test_dropped(&a);
    for (size_t t = 0; t < a.n; t++)
        for (size_t i = 0; i < a.heads * a.D; i++)
            CHECK_NEAR(out[t * a.out_stride + i], want[(before + t) * a.out_stride + i], 2e-6);
    free(out), free(scratch);
}

/* Two heads of queries on one of keys and values, in rows that hold other things too. */
static void
test_group(size_t T, size_t D, size_t window)
{
    size_t stride = 4 * D + 3, out_stride = 2 * D + 1;
    size_t all = T * stride, outs = T * out_stride;
    float *qkv = malloc(all * sizeof *qkv), *dqkv = malloc(all * sizeof *dqkv);
    float *out = malloc(outs * sizeof *out), *dout = malloc(outs * sizeof *dout);
    float *lse = malloc(2 * T * sizeof *lse);
    float *scratch = malloc(fl_attention_scratch(T, true) * sizeof *scratch);
    struct plain s = {.T = T,
                      .D = D,
                      .window = window,
                      .q = zeros(T * D),
                      .k = zeros(T * D),
                      .v = zeros(T * D),
                      .dk = zeros(T * D),
                      .dv = zeros(T * D),
                      .dout = zeros(T * D)};

    fl_random_normal(T, 1, 0, qkv, all, 1);
    fl_random_normal(T, 2, 0, dout, outs, 1);
    for (size_t i = 0; i < all; i++)
        dqkv[i] = 777;
    for (size_t i = 0; i < outs; i++)
        out[i] = 777;
    struct fl_attention a = {.n = T,
                             .D = D,
                             .heads = 2,
                             .window = window,
                             .q = qkv,
                             .k = qkv + 2 * D,
                             .v = qkv + 3 * D,
                             .stride = stride,
                             .kv_stride = stride,
                             .out = out,
                             .out_stride = out_stride,
                             .lse = lse,
                             .scratch = scratch};
    fl_attention_forward(&a);
    fl_attention_backward(&a, &(struct fl_attention_grads){dout, dqkv, dqkv + 2 * D, dqkv + 3 * D});
    take(s.k, qkv, stride, 2 * D, T, D);
    take(s.v, qkv, stride, 3 * D, T, D);
    for (size_t head = 0; head < 2; head++) {
        s.out = zeros(T * D), s.dq = zeros(T * D), s.lse = zeros(T);
        take(s.q, qkv, stride, head * D, T, D);
        take(s.dout, dout, out_stride, head * D, T, D);
        plain_head(&s);
        compare(s.out, out, out_stride, head * D, T, D);
        compare(s.dq, dqkv, stride, head * D, T, D);
        for (size_t t = 0; t < T; t++)
            CHECK_NEAR(lse[head * T + t], s.lse[t], 1e-5);
        free(s.out), free(s.dq), free(s.lse);
    }
    compare(s.dk, dqkv, stride, 2 * D, T, D);
    compare(s.dv, dqkv, stride, 3 * D, T, D);
    for (size_t t = 0; t < T; t++) {
        CHECK(out[t * out_stride + 2 * D] == 777);
        CHECK(dqkv[t * stride + 4 * D] == 777);
    }
    test_going_on(&a, out);
    free(qkv), free(dqkv), free(out), free(dout), free(lse), free(scratch);
    free(s.q), free(s.k), free(s.v), free(s.dk), free(s.dv), free(s.dout);
}

static void
test_shapes(void)
{
    static const size_t shapes[][2] = {{1, 2},  {2, 6},    {63, 8},  {64, 16},
                                       {65, 5}, {130, 10}, {200, 64}};

    CHECK(!fl_gemm_start(1));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        test_group(shapes[i][0], shapes[i][1], 0);
}

/* Windows of one key, within a span, over the edges of spans, of all keys and more. */
static void
test_windows(void)
{
    static const size_t windows[] = {1, 2, 63, 64, 65, 100, 149, 150, 151, 1000};

    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        test_group(150, 8, windows[i]);
}

int
main(void)
{
    RUN(test_shapes);
    RUN(test_windows);
    return test_end();
}
