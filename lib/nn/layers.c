/* One switch a direction; what is done to the numbers themselves is in math/vector.c. */
#include "nn/layers.h"

#include <math.h>
#include <string.h>

#include "math/vector.h"
#include "nn/engine.h"

size_t
fl_act_inputs(enum fl_act act, size_t F)
{
    return act == FL_ACT_SWIGLU ? 2 * F : F;
}

void
fl_act_forward(enum fl_act act, float *h, const float *u, size_t n, size_t F)
{
    switch (act) {
    case FL_ACT_SWIGLU:
        for (size_t i = 0; i < n; i++)
            fl_vec_swiglu(h + i * F, u + i * 2 * F, u + i * 2 * F + F, F);
        break;
    case FL_ACT_GELU: fl_vec_gelu(h, u, n * F); break;
    case FL_ACT_GELU_TANH: fl_vec_gelu_tanh(h, u, n * F); break;
    }
}

void
fl_act_backward(enum fl_act act, float *h, float *u, const float *dh, size_t n, size_t F)
{
    switch (act) {
    case FL_ACT_SWIGLU:
        for (size_t i = 0; i < n; i++)
            fl_vec_swiglu_back(h + i * F, u + i * 2 * F, u + i * 2 * F + F, dh + i * F, F);
        break;
    case FL_ACT_GELU: fl_vec_gelu_back(h, u, dh, n * F); break;
    case FL_ACT_GELU_TANH: fl_vec_gelu_tanh_back(h, u, dh, n * F); break;
    }
}

float
fl_cross_entropy(float *logits, size_t V, uint32_t y, float scale)
{
    if (y == FL_IGNORE) {
        memset(logits, 0, V * sizeof *logits);
        return 0;
    }
    float max = fl_vec_max(logits, V), target = logits[y];
    float sum = fl_vec_exp_sum(logits, logits, 1, max, V);
    if (scale != 0) {
        fl_vec_scale(logits, scale / sum, V);
        logits[y] -= scale;
    }
    return (float)(log((double)sum) + (double)(max - target));
}

double
fl_loss_sum(const float *loss, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)loss[i];
    return sum;
}
