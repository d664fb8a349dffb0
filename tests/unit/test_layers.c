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

/* In floats the 1 would be lost; from the other end 2^60 would take it. */
static void
test_sum(void)
{
    const float loss[] = {0x1p30f, 1, -0x1p30f, 0x1p60f, -0x1p60f};

    CHECK(fl_loss_sum(loss, 3) == 1);
    CHECK(fl_loss_sum(loss, 5) == 0);
    CHECK(fl_loss_sum(loss, 0) == 0);
}

int
main(void)
{
    RUN(test_cross_entropy);
    RUN(test_sum);
    return test_end();
}
