/* The algorithms as that paper writes them; see naive/dgauss.h. */
#include "dgauss.h"

#include <math.h>

typedef naive_wide wide;

static wide
below(struct fl_noise *noise, wide n)
{
    wide mask = 1;

    while (mask < n)
        mask <<= 1;
    for (;;) {
        wide x = fl_noise_u64(noise);
        x = (x | (wide)fl_noise_u64(noise) << 64) & (mask - 1);
        if (x < n)
            return x;
    }
}

/* gamma in [0, 1] */
static bool
coin_exp_small(struct fl_noise *noise, wide a, wide b)
{
    wide k = 1;

    while (below(noise, b * k) < a)
        k++;
    return k & 1;
}

bool
naive_coin_exp(struct fl_noise *noise, wide a, wide b)
{
    for (; a > b; a -= b)
        if (!coin_exp_small(noise, 1, 1))
            return false;
    return coin_exp_small(noise, a, b);
}

int64_t
naive_dlaplace(struct fl_noise *noise, uint64_t s, uint64_t t)
{
    for (;;) {
        uint64_t u = (uint64_t)below(noise, t), v = 0;
        if (!naive_coin_exp(noise, u, t))
            continue;
        while (naive_coin_exp(noise, 1, 1))
            v++;
        int64_t y = (int64_t)((u + t * v) / s);
        bool negative = below(noise, 2);
        if (negative && y == 0)
            continue;
        return negative ? -y : y;
    }
}

int64_t
naive_dgauss(struct fl_noise *noise, uint64_t a, uint64_t b)
{
    uint64_t t = (uint64_t)floor(sqrt((double)a / (double)b)) + 1;

    for (;;) {
        int64_t y = naive_dlaplace(noise, 1, t);
        wide size = (wide)(y < 0 ? -y : y) * t * b, gap = size > a ? size - a : a - size;
        if (naive_coin_exp(noise, gap * gap, (wide)2 * a * b * t * t))
            return y;
    }
}
