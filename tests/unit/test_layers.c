#include "test.h"

#include <stdint.h>

#include "math/random.h"
#include "nn/engine.h"
#include "nn/layers.h"

static void
test_cross_entropy(void)
{
    enum { V = 301 };
    float logits[V], d[V];

    for (int large = 0; large < 2; large++) {
        double sum = 0, max = -INFINITY;
        fl_random_normal(1, 1, 0, logits, V, large ? 300 : 2); /* 300: overflows without a shift */
        for (int i = 0; i < V; i++)
            max = fmax(max, logits[i]);
        for (int i = 0; i < V; i++)
            sum += exp(logits[i] - max);
        for (uint32_t y = 0; y < V; y += 100) {
            memcpy(d, logits, sizeof d);
            float loss = fl_cross_entropy(d, V, y, 0.5f);
            CHECK_NEAR(loss, log(sum) + max - logits[y], 1e-6);
            for (uint32_t i = 0; i < V; i++)
                CHECK_NEAR(d[i], 0.5 * (exp(logits[i] - max) / sum - (i == y)), 1e-6);
        }
    }
    memcpy(d, logits, sizeof d);
    CHECK(fl_cross_entropy(d, V, FL_IGNORE, 0.5f) == 0);
    for (int i = 0; i < V; i++)
        CHECK(d[i] == 0);
    logits[17] = NAN;
    CHECK(isnan(fl_cross_entropy(logits, V, 3, 1)));
}

/* A rotated query and key meet in a product that depends on their distance alone. */
static void
test_rope(void)
{
    enum { T = 40, D = 12, HEADS = 2, STRIDE = HEADS * D + 1 };
    float cosine[T * D / 2], sine[T * D / 2], x[T * STRIDE], y[T * STRIDE];

    fl_rope_table(cosine, sine, T, D, 500);
    for (int t = 0; t < T; t++)
        for (int i = 0; i < D / 2; i++) {
            CHECK_NEAR(cosine[t * D / 2 + i], cos(t * pow(500, -2.0 * i / D)), 1e-7);
            CHECK_NEAR(sine[t * D / 2 + i], sin(t * pow(500, -2.0 * i / D)), 1e-7);
        }
    struct fl_rope rope = {cosine, sine, T, D};
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
}

int
main(void)
{
    RUN(test_cross_entropy);
    RUN(test_rope);
    return test_end();
}
