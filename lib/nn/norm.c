/* Loops over rows, one for each kind of norm; what is done to one row is in math/vector.c. */
#include "nn/norm.h"

#include "math/vector.h"

size_t
fl_norm_stats(enum fl_norm_kind kind)
{
    return kind == FL_NORM_LAYER ? 2 : 1;
}

static struct fl_vec_stat
stat_of(const float *stat, size_t i)
{
    return (struct fl_vec_stat){.r = stat[2 * i], .mean = stat[2 * i + 1]};
}

void
fl_norm_forward(const struct fl_norm *f, float *y, float *stat, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * f->width;
        if (f->kind == FL_NORM_RMS) {
            stat[i] = fl_vec_inverse_rms(row, f->width, f->eps);
            continue;
        }
        struct fl_vec_stat s = fl_vec_stat(row, f->width, f->eps);
        stat[2 * i] = s.r;
        stat[2 * i + 1] = s.mean;
    }
    fl_norm_again(f, y, stat, x, n);
}

void
fl_norm_again(const struct fl_norm *f, float *y, const float *stat, const float *x, size_t n)
{
    size_t C = f->width;

    for (size_t i = 0; i < n; i++) {
        if (f->kind == FL_NORM_RMS) {
            fl_vec_rmsnorm(y + i * C, x + i * C, f->gain, stat[i], C);
            continue;
        }
        fl_vec_layernorm(y + i * C, x + i * C, f->gain, stat_of(stat, i), C);
        fl_vec_add(y + i * C, f->bias, C);
    }
}

void
fl_norm_backward(const struct fl_norm *f, const struct fl_norm_grads *d, const float *stat,
                 const float *x, size_t n)
{
    size_t C = f->width;

    for (size_t i = 0; i < n; i++) {
        float *dx = d->dx + i * C;
        const float *dy = d->dy + i * C;
        if (f->kind == FL_NORM_RMS) {
            fl_vec_rmsnorm_back(dx, d->dgain, dy, x + i * C, f->gain, stat[i], C);
            continue;
        }
        fl_vec_layernorm_back(dx, d->dgain, dy, x + i * C, f->gain, stat_of(stat, i), C);
        fl_vec_add(d->dbias, dy, C);
    }
}
