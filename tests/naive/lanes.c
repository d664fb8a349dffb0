#include "lanes.h"

#include <math.h>

static uint64_t
mask_of(unsigned bits)
{
    return bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;
}

uint64_t
naive_lanes_add(unsigned bits, uint64_t x, uint64_t y, int sign)
{
    uint64_t out = 0;

    for (unsigned l = 0; l < 64 / bits; l++) {
        uint64_t u = x >> (l * bits) & mask_of(bits), v = y >> (l * bits) & mask_of(bits);
        out |= ((sign > 0 ? u + v : u - v) & mask_of(bits)) << (l * bits);
    }
    return out;
}

void
naive_lanes_put(unsigned bits, uint64_t *words, size_t i, int64_t value)
{
    const size_t lanes = 64 / bits;
    const unsigned shift = (unsigned)(i % lanes) * bits;

    words[i / lanes] &= ~(mask_of(bits) << shift);
    words[i / lanes] |= ((uint64_t)value & mask_of(bits)) << shift;
}

int64_t
naive_lanes_get(unsigned bits, const uint64_t *words, size_t i)
{
    const size_t lanes = 64 / bits;
    uint64_t v = words[i / lanes] >> ((i % lanes) * bits) & mask_of(bits);

    if (bits < 64 && v >> (bits - 1))
        return (int64_t)v - (int64_t)(UINT64_C(1) << bits);
    return (int64_t)v;
}

int64_t
naive_encode(float u, double clip, double scale, uint64_t q)
{
    if (u != u)
        return 0;
    double v = u > clip ? clip : u < -clip ? -clip : (double)u;
    v *= (double)q * (scale / 0x1p40);
    int64_t below = (int64_t)v; /* toward zero */
    if (v < (double)below)
        below--;
    double up = v - (double)below; /* exact: both are below 2^63 and within one of each other */
    return below + (up > 0.5 || (up == 0.5 && below % 2 != 0));
}

double
naive_scale(size_t n, unsigned bits, double clip)
{
    const uint64_t most = (UINT64_C(1) << (bits - 1)) - 1;
    double found = 0;

    for (int e = -60; e <= 93; e++) {
        double product = ldexp(clip, e); /* exact */
        if (product >= 0x1p63)
            break;
        uint64_t largest = (uint64_t)product + (product > (double)(uint64_t)product);
        if (largest <= most / n)
            found = ldexp(1, e);
    }
    return found;
}
