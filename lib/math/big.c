/*
 * Long arithmetic as it is done on paper, in words of 32 bits, so that no product of two of them
 * and a carry leaves 64 bits.
 */
#include "math/big.h"

struct fl_big
fl_big_of(fl_u128 x)
{
    struct fl_big r = {{0}};

    for (int i = 0; i < 4; i++, x >>= 32)
        r.word[i] = (uint32_t)x;
    return r;
}

struct fl_big
fl_big_add(const struct fl_big *a, const struct fl_big *b)
{
    struct fl_big r;
    uint64_t carry = 0;

    for (int i = 0; i < FL_BIG_WORDS; i++, carry >>= 32) {
        carry += (uint64_t)a->word[i] + b->word[i];
        r.word[i] = (uint32_t)carry;
    }
    return r;
}

struct fl_big
fl_big_sub(const struct fl_big *a, const struct fl_big *b)
{
    struct fl_big r;
    uint64_t borrow = 0;

    for (int i = 0; i < FL_BIG_WORDS; i++) {
        uint64_t left = (uint64_t)a->word[i] - b->word[i] - borrow;
        r.word[i] = (uint32_t)left;
        borrow = left >> 63;
    }
    return r;
}

struct fl_big
fl_big_mul(const struct fl_big *a, const struct fl_big *b)
{
    struct fl_big r = {{0}};

    for (int i = 0; i < FL_BIG_WORDS; i++) {
        uint64_t carry = 0;
        for (int k = 0; a->word[i] && i + k < FL_BIG_WORDS; k++, carry >>= 32) {
            carry += (uint64_t)a->word[i] * b->word[k] + r.word[i + k];
            r.word[i + k] = (uint32_t)carry;
        }
    }
    return r;
}

uint32_t
fl_big_divide(struct fl_big *a, uint32_t by)
{
    uint64_t rest = 0;

    for (int i = FL_BIG_WORDS; i-- > 0;) {
        rest = rest << 32 | a->word[i];
        a->word[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    return (uint32_t)rest;
}

int
fl_big_compare(const struct fl_big *a, const struct fl_big *b)
{
    for (int i = FL_BIG_WORDS; i-- > 0;)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

fl_u128
fl_u128_mul(fl_u128 a, fl_u128 b)
{
    return b && a > FL_U128_MAX / b ? FL_U128_MAX : a * b;
}

fl_u128
fl_u128_add(fl_u128 a, fl_u128 b)
{
    return a > FL_U128_MAX - b ? FL_U128_MAX : a + b;
}
