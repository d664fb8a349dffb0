/*
 * The discrete Fourier transform of a power-of-two number of complex values, in place.
 */
#ifndef FL_MATH_FFT_H
#define FL_MATH_FFT_H

#include <stddef.h>

#include "base/must.h"

/* The roots of unity of one length; fl_fft_release it. */
struct fl_fft {
    size_t n;      /* a power of two */
    double *roots; /* (n / 2, 2) exp(-2 pi i k / n) */
};

/* -1 when there is no memory. N: a power of two, at least 2. 8 N bytes. */
FL_MUST int fl_fft_init(struct fl_fft *fft, size_t n);
void fl_fft_release(struct fl_fft *fft);

/*
 * Z[k] = sum over j of Z[j] exp(-2 pi i j k / n); fl_fft_inverse has the other sign and divides by
 * n, so that it undoes the first. Relative error of the whole vector in L2: below
 * 4 * 2^-53 * log2(n). O(n log n).
 *   z  (n, 2) real and imaginary parts; overwritten
 * Source: Cooley, Tukey 1965.
 */
void fl_fft_forward(const struct fl_fft *fft, double *z);
void fl_fft_inverse(const struct fl_fft *fft, double *z);

#endif
