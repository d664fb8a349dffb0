/*
 * The fast Fourier transform: bit reversal, then one pass of butterflies for each power of two,
 * taken two at a time so that long vectors are read half as often. Roots are computed one by one,
 * not by products, whose errors would add up.
 */
#include "math/fft.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

int
fl_fft_init(struct fl_fft *fft, size_t n)
{
    const double turn = 8 * atan(1);

    fft->n = n;
    if (!(fft->roots = fl_alloc(n, sizeof *fft->roots)))
        return -1;
    for (size_t k = 0; k < n / 2; k++) {
        double angle = turn * (double)k / (double)n;
        fft->roots[2 * k] = cos(angle);
        fft->roots[2 * k + 1] = -sin(angle);
    }
    return 0;
}

void
fl_fft_release(struct fl_fft *fft)
{
    free(fft->roots);
    fft->roots = NULL;
}

static void
reverse(double *z, size_t n)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j)
            for (int part = 0; part < 2; part++) {
                double t = z[2 * i + (size_t)part];
                z[2 * i + (size_t)part] = z[2 * j + (size_t)part];
                z[2 * j + (size_t)part] = t;
            }
    }
}

/* Add and subtract W times the second: one butterfly. */
static inline void
butterfly(double *a, double *b, double wr, double wi)
{
    double r = b[0] * wr - b[1] * wi, i = b[0] * wi + b[1] * wr;

    b[0] = a[0] - r;
    b[1] = a[1] - i;
    a[0] += r;
    a[1] += i;
}

/* The pass that joins halves of LENGTH / 2 values. */
static void
pass(const struct fl_fft *fft, double *z, size_t length)
{
    size_t half = length / 2, stride = fft->n / length;

    for (size_t at = 0; at < fft->n; at += length)
        for (size_t k = 0; k < half; k++) {
            const double *w = fft->roots + 2 * k * stride;
            butterfly(z + 2 * (at + k), z + 2 * (at + k + half), w[0], w[1]);
        }
}

/* The passes of LENGTH and 2 * LENGTH in one: four values are read, joined twice, written. */
static void
two_passes(const struct fl_fft *fft, double *z, size_t length)
{
    size_t half = length / 2, stride = fft->n / length;

    for (size_t at = 0; at < fft->n; at += 2 * length)
        for (size_t k = 0; k < half; k++) {
            double *a = z + 2 * (at + k), *b = a + length, *c = b + length, *d = c + length;
            const double *w = fft->roots + 2 * k * stride;
            const double *v = fft->roots + k * stride; /* 2 k (stride / 2) */
            butterfly(a, b, w[0], w[1]);
            butterfly(c, d, w[0], w[1]);
            butterfly(a, c, v[0], v[1]);
            butterfly(b, d, v[1], -v[0]); /* a quarter turn further: times -i */
        }
}

void
fl_fft_forward(const struct fl_fft *fft, double *z)
{
    size_t length = 2;

    reverse(z, fft->n);
    for (; length < fft->n; length *= 4)
        two_passes(fft, z, length);
    if (length == fft->n)
        pass(fft, z, length);
}

void
fl_fft_inverse(const struct fl_fft *fft, double *z)
{
    double scale = 1 / (double)fft->n;

    for (size_t i = 0; i < fft->n; i++)
        z[2 * i + 1] = -z[2 * i + 1];
    fl_fft_forward(fft, z);
    for (size_t i = 0; i < fft->n; i++) {
        z[2 * i] *= scale;
        z[2 * i + 1] *= -scale;
    }
}
