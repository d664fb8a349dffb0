/*
 * The slow twin of priv/noise: discrete Gaussian and Laplace noise of any rational scale, by
 * Algorithms 1 to 3 of Canonne, Kamath, Steinke 2020, in integers of 128 bits.
 */
#ifndef NAIVE_DGAUSS_H
#define NAIVE_DGAUSS_H

#include <stdbool.h>

#include "priv/noise.h"

__extension__ typedef unsigned __int128 naive_wide;

/* True with probability exp(-a / b); a, b below 2^100. */
bool naive_coin_exp(struct fl_noise *noise, naive_wide a, naive_wide b);

/* P[x] proportional to exp(-|x| s / t). */
int64_t naive_dlaplace(struct fl_noise *noise, uint64_t s, uint64_t t);

/* P[x] proportional to exp(-x^2 / (2 a / b)), sqrt(a / b) below 2^24. */
int64_t naive_dgauss(struct fl_noise *noise, uint64_t a, uint64_t b);

#endif
