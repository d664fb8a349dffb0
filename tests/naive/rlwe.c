/* The definitions of additive encryption as they are written down, in whole numbers. */
#include "rlwe.h"

void
naive_negacyclic(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, uint64_t p)
{
    for (size_t k = 0; k < n; k++) {
        fl_u128 plus = 0, minus = 0; /* what wraps comes back negative */
        for (size_t i = 0; i < n; i++) {
            size_t j = (k + n - i) % n;
            fl_u128 *side = i <= k ? &plus : &minus;
            *side += (fl_u128)a[i] * b[j];
            if (*side >> 126)
                *side %= p;
        }
        out[k] = (uint64_t)((plus % p + p - minus % p) % p);
    }
}

struct fl_big
naive_add(const struct fl_big *a, const struct fl_big *b, const struct fl_big *q)
{
    struct fl_big sum = fl_big_add(a, b);

    return fl_big_compare(&sum, q) >= 0 ? fl_big_sub(&sum, q) : sum;
}

struct fl_big
naive_sub(const struct fl_big *a, const struct fl_big *b, const struct fl_big *q)
{
    struct fl_big sum = fl_big_add(a, q);

    sum = fl_big_sub(&sum, b);
    return fl_big_compare(&sum, q) >= 0 ? fl_big_sub(&sum, q) : sum;
}

void
naive_times_ternary(struct fl_big *out, const struct fl_big *a, const int8_t *b, size_t n,
                    const struct fl_big *q)
{
    for (size_t k = 0; k < n; k++) {
        out[k] = fl_big_of(0);
        for (size_t i = 0; i < n; i++) {
            int sign = b[(k + n - i) % n] * (i <= k ? 1 : -1);
            if (sign)
                out[k] = sign > 0 ? naive_add(&out[k], &a[i], q) : naive_sub(&out[k], &a[i], q);
        }
    }
}

struct fl_big
naive_divide(const struct fl_big *a, const struct fl_big *b, struct fl_big *rest)
{
    struct fl_big quotient = fl_big_of(0), left = fl_big_of(0);

    for (size_t bit = (size_t)32 * FL_BIG_WORDS; bit-- > 0;) {
        const struct fl_big next = fl_big_of(a->word[bit / 32] >> bit % 32 & 1);
        left = fl_big_add(&left, &left);
        left = fl_big_add(&left, &next);
        if (fl_big_compare(&left, b) >= 0) {
            left = fl_big_sub(&left, b);
            quotient.word[bit / 32] |= (uint32_t)1 << bit % 32;
        }
    }
    if (rest)
        *rest = left;
    return quotient;
}

struct fl_big
naive_decimal(const char *digits)
{
    struct fl_big x = fl_big_of(0), ten = fl_big_of(10);

    for (; *digits >= '0' && *digits <= '9'; digits++) {
        const struct fl_big digit = fl_big_of((fl_u128)(*digits - '0'));
        x = fl_big_mul(&x, &ten);
        x = fl_big_add(&x, &digit);
    }
    return x;
}

struct fl_big
naive_open(const struct fl_big *v, const struct fl_big *t, const struct fl_big *q)
{
    struct fl_big twice = fl_big_mul(v, t), two = fl_big_of(2), divisor = fl_big_mul(q, &two), rest;

    twice = fl_big_mul(&twice, &two);
    twice = fl_big_add(&twice, q); /* floor((2 t v + q) / 2 q) */
    twice = naive_divide(&twice, &divisor, NULL);
    (void)naive_divide(&twice, t, &rest);
    return rest;
}
