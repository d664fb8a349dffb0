#include "test.h"

#include <stdint.h>

#include "math/random.h"
#include "nn/rope.h"

/* A rotated query and key meet in a product that depends on their distance alone. */
static void
test_turning(void)
{
    enum { T = 40, D = 12, HEADS = 2, STRIDE = HEADS * D + 1 };
    float cosine[T * D / 2], sine[T * D / 2], x[T * STRIDE], y[T * STRIDE];

    const struct fl_config c = {.head_dim = D, .rope_base = 500};
    fl_rope_table(cosine, sine, T, &c);
    for (int t = 0; t < T; t++)
        for (int i = 0; i < D / 2; i++) {
            CHECK_NEAR(cosine[t * D / 2 + i], cos(t * pow(500, -2.0 * i / D)), 1e-7);
            CHECK_NEAR(sine[t * D / 2 + i], sin(t * pow(500, -2.0 * i / D)), 1e-7);
        }
    struct fl_rope rope = {cosine, sine, T, 0, D, D};
    float row[STRIDE];
    fl_random_normal(3, 3, 0, row, STRIDE, 1);
    for (int t = 0; t < T; t++)
        memcpy(x + t * STRIDE, row, sizeof row);
    memcpy(y, x, sizeof y);
    fl_rope_forward(&rope, y, STRIDE, HEADS, 0, T);
    CHECK(!memcmp(y, x, STRIDE * sizeof *y)); /* position 0 is not turned */
    double first = 0;
    for (int t = 0; t + 3 < T; t++) {
        double dot = 0;
        for (int i = 0; i < D; i++)
            dot += (double)y[t * STRIDE + i] * y[(t + 3) * STRIDE + i];
        first = t ? first : dot;
        CHECK_NEAR(dot, first, 2e-6);
        CHECK(y[t * STRIDE + HEADS * D] == row[HEADS * D]); /* only whole heads */
    }
    fl_rope_backward(&rope, y, STRIDE, HEADS, 0, T);
    for (int i = 0; i < T * STRIDE; i++)
        CHECK_NEAR(y[i], x[i], 1e-6);
    /* rows of several windows: positions begin anew */
    rope.T = 10;
    memcpy(y, x, sizeof y);
    fl_rope_forward(&rope, y, STRIDE, HEADS, 7, T);
    CHECK(!memcmp(y + 3 * STRIDE, x, STRIDE * sizeof *y));
    CHECK(!memcmp(y, y + 10 * STRIDE, STRIDE * sizeof *y));
    /* a text that goes on: row 0 is at position 7 */
    float z[T * STRIDE];
    rope.start = 7;
    memcpy(z, x, sizeof z);
    fl_rope_forward(&rope, z, STRIDE, HEADS, 0, T);
    CHECK(!memcmp(y, z, sizeof z));
    rope.cosine = NULL; /* positions are learned */
    memcpy(z, x, sizeof z);
    fl_rope_forward(&rope, z, STRIDE, HEADS, 0, T);
    CHECK(!memcmp(x, z, sizeof z));
}

/* Of each head only the first channels are turned, by the angles of a head of that size. */
static void
test_partial(void)
{
    enum { T = 5, D = 10, R = 6, HEADS = 3 };
    const struct fl_config c = {.head_dim = D, .rope_base = 100, .rope_dim = R};
    const struct fl_config small = {.head_dim = R, .rope_base = 100};
    float cosine[T * R / 2], sine[T * R / 2], x[T * HEADS * D], y[T * HEADS * D];
    struct fl_rope rope = {cosine, sine, T, 0, D, R};

    fl_rope_table(cosine, sine, T, &c);
    fl_random_normal(3, 4, 0, x, T * HEADS * D, 1);
    memcpy(y, x, sizeof y);
    fl_rope_forward(&rope, y, HEADS * D, HEADS, 0, T);
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < HEADS * D; i++) {
            size_t head = t * HEADS * D + i / D * D, k = i % D, pair = k % (R / 2);
            double angle = (double)t * fl_rope_frequency(&small, pair);
            double a = x[head + pair], b = x[head + pair + R / 2];
            double want = k >= R      ? x[head + k]
                          : k < R / 2 ? a * cos(angle) - b * sin(angle)
                                      : b * cos(angle) + a * sin(angle);
            CHECK_NEAR(y[head + k], want, 1e-6);
        }
    fl_rope_backward(&rope, y, HEADS * D, HEADS, 0, T);
    for (size_t i = 0; i < T * HEADS * D; i++)
        CHECK_NEAR(y[i], x[i], 1e-6);
}

/*
 * Llama 3.2's own numbers: head 64, base 500000, factor 32, low 1, high 4, context 8192. The cases
 * are the published formula in decimals of 40 digits (Python): pairs below 15 are left, 15 to 17 are
 * mixed, 31 is divided.
 */
static void
test_scaling(void)
{
    struct fl_config c = {.head_dim = 64,
                          .rope_base = 500000,
                          .rope_scaling = {FL_ROPE_LLAMA3, 32, 1, 4, 8192}};
    static const struct {
        size_t pair;
        double plain, scaled;
    } cases[] = {{0, 1.00000000000000000000e+0, 1.00000000000000000000e+0},
                 {13, 4.83942134571989314630e-3, 4.83942134571989314630e-3},
                 {14, 3.21144599475259101854e-3, 3.21144599475259101854e-3},
                 {15, 2.13111953691196535218e-3, 1.29054792820926381842e-3},
                 {16, 1.41421356237309504880e-3, 4.29556796559368200541e-4},
                 {17, 9.38473870357380247069e-4, 9.70828780262767226081e-5},
                 {31, 3.01385815213917114875e-6, 9.41830672543490983985e-8}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c.rope_scaling.kind = FL_ROPE_LLAMA3;
        CHECK_NEAR(fl_rope_frequency(&c, cases[i].pair) / cases[i].scaled, 1, 1e-12);
        c.rope_scaling.kind = FL_ROPE_PLAIN;
        CHECK_NEAR(fl_rope_frequency(&c, cases[i].pair) / cases[i].plain, 1, 1e-12);
        c.rope_scaling.kind = FL_ROPE_LINEAR;
        CHECK_NEAR(fl_rope_frequency(&c, cases[i].pair) / (cases[i].plain / 32), 1, 1e-12);
    }
}

int
main(void)
{
    RUN(test_turning);
    RUN(test_partial);
    RUN(test_scaling);
    return test_end();
}
