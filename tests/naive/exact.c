#include "exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bits of v > 0 as positions above 2^unit. */
static int
bits_of(double v, int unit, int at[64])
{
    int n = 0;

    while (v > 0) {
        int e;
        frexp(v, &e); /* v is at least 2^(e-1) */
        at[n++] = e - 1 - unit;
        v -= ldexp(1, e - 1);
    }
    return n;
}

void
naive_sum_add(struct naive_sum *s, float x, double weight)
{
    int xs[64], ws[64];
    int nx = bits_of(fabs((double)x), -149, xs), nw = bits_of(weight, -40, ws);

    for (int i = 0; i < nw; i++) {
        s->weight[ws[i]]++;
        for (int k = 0; k < nx; k++)
            s->count[xs[k] + ws[i]] += x < 0 ? -1 : 1;
    }
}

/* Counts to binary digits, lowest first; true when the value is negative (then its magnitude). */
static int
digits(const int64_t *count, unsigned char *bit)
{
    int64_t c[NAIVE_BITS], carry = 0;

    memcpy(c, count, sizeof c);
    for (int pass = 0;; pass++) {
        carry = 0;
        for (int i = 0; i < NAIVE_BITS; i++) {
            int64_t v = (pass ? -c[i] : c[i]) + carry;
            bit[i] = (unsigned char)(v & 1);
            carry = (v - bit[i]) / 2;
        }
        if (carry >= 0)
            return pass;
    }
}

/* r -= d when r >= d */
static int
take(unsigned char *r, const unsigned char *d)
{
    int borrow = 0;
    unsigned char left[NAIVE_BITS];

    for (int i = 0; i < NAIVE_BITS; i++) {
        int v = r[i] - d[i] - borrow;
        left[i] = (unsigned char)(v & 1);
        borrow = v < 0;
    }
    if (!borrow)
        memcpy(r, left, sizeof left);
    return !borrow;
}

float
naive_sum_mean(const struct naive_sum *s)
{
    unsigned char n[NAIVE_BITS], d[NAIVE_BITS], r[NAIVE_BITS] = {0};
    int negative = digits(s->count, n), kept = 0, sticky = 0, exponent = 0;
    double mantissa = 0;

    digits(s->weight, d);
    /* quotient in units of 2^-150: half of the smallest f32 */
    for (int i = NAIVE_BITS - 1; i >= -1; i--) {
        memmove(r + 1, r, NAIVE_BITS - 1);
        r[0] = i >= 0 ? n[i] : 0;
        int q = take(r, d);
        if (kept == 0 && !q)
            continue;
        if (kept < 25) { /* 24 bits and the one that decides */
            mantissa = mantissa * 2 + q;
            kept++;
            exponent = i;
        } else {
            sticky |= q;
        }
    }
    for (int i = 0; i < NAIVE_BITS; i++)
        sticky |= r[i];
    /* mantissa * 2^(exponent+1) units of 2^-150; the lowest place that counts is 2^-149 */
    int place = exponent + 1;
    int drop = kept == 25 ? 1 : place == 0 ? 1 : 0;
    double whole = floor(mantissa / (1 << drop)), rest = mantissa - whole * (1 << drop);
    if (rest > 0 && (sticky || fmod(whole, 2) == 1))
        whole++;
    float v = (float)ldexp(whole, place + drop - 150);
    return negative && v != 0 ? -v : v;
}
