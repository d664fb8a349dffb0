/*
 * Nothing here needs q itself but its low words: t is a power of two, so what a division by t
 * leaves is in low bits, and a division by q is one by each prime, whose fractions are added.
 */
#include "sec/rlwe_message.h"

#include <assert.h>

#include "math/ntt_table.h"

enum { WORDS = FL_RLWE_MESSAGE_WORDS, N = FL_RING_N };

/* q modulo 2^192, words from the lowest. */
static void
low_words_of_q(uint64_t q[WORDS])
{
    q[0] = 1;
    q[1] = q[2] = 0;
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        fl_u128 carry = 0;
        for (size_t i = 0; i < WORDS; i++) {
            carry += (fl_u128)q[i] * fl_ring_primes[k];
            q[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
}

/* m of the values of one coefficient: digits of BITS bits, a negative one borrows of the next. */
static void
join(uint64_t m[WORDS], const struct fl_rlwe_lanes *lanes, const int64_t *values, size_t count)
{
    const uint64_t mask = ((uint64_t)1 << lanes->bits) - 1;
    uint64_t word = 0;
    unsigned fill = 0;
    size_t at = 0;
    int64_t borrow = 0;

    assert(lanes->bits >= 2 && lanes->bits <= 62);
    m[0] = m[1] = m[2] = 0;
    for (size_t j = 0; j < lanes->slots; j++) {
        int64_t x = (j < count ? values[j] : 0) + borrow;
        uint64_t digit = (uint64_t)x & mask;
        borrow = x >> lanes->bits;
        word |= digit << fill;
        if ((fill += lanes->bits) < 64)
            continue;
        m[at++] = word;
        fill -= 64;
        word = fill ? digit >> (lanes->bits - fill) : 0;
    }
    if (fill)
        m[at] = word;
}

void
fl_rlwe_message(uint64_t *words, const struct fl_rlwe_lanes *lanes, const int64_t *values,
                size_t count)
{
    const unsigned bits = lanes->bits * lanes->slots;
    uint64_t q[WORDS], half[WORDS] = {0}, mask[WORDS];

    low_words_of_q(q);
    half[(bits - 1) / 64] = (uint64_t)1 << (bits - 1) % 64;
    for (size_t i = 0; i < WORDS; i++)
        mask[i] = bits >= 64 * (i + 1) ? ~(uint64_t)0
                  : bits > 64 * i      ? ((uint64_t)1 << bits % 64) - 1
                                       : 0;
    for (size_t c = 0; c < N; c++) {
        size_t from = c * lanes->slots;
        uint64_t m[WORDS];

        join(m, lanes, values + (from < count ? from : 0), from < count ? count - from : 0);
        fl_u128 low = (fl_u128)m[0] * q[0] + half[0];
        fl_u128 next = (low >> 64) + half[1], a = (fl_u128)m[0] * q[1], b = (fl_u128)m[1] * q[0];
        uint64_t top = half[2] + m[0] * q[2] + m[1] * q[1] + m[2] * q[0];

        next += (uint64_t)a;
        next += (uint64_t)b;
        top += (uint64_t)(a >> 64) + (uint64_t)(b >> 64) + (uint64_t)(next >> 64);
        words[c] = (uint64_t)low & mask[0];
        words[N + c] = (uint64_t)next & mask[1];
        words[2 * N + c] = top & mask[2];
    }
}

void
fl_rlwe_message_add(uint64_t *x, const uint64_t *words, const struct fl_rlwe_lanes *lanes, size_t k)
{
    const uint64_t p = fl_ring_primes[k];
    const struct fl_ntt_divisor by = fl_ntt_divisor(p);
    const size_t used = (lanes->bits * lanes->slots + 63) / 64;
    uint64_t factor = fl_ntt_power((p + 1) / 2, lanes->bits * lanes->slots, p); /* 1 / t */

    /* -(w - t / 2) / t = 1 / 2 - w / t */
    for (size_t c = 0; c < N; c++)
        x[c] += (p + 1) / 2;
    for (size_t i = 0; i < used; i++) {
        const uint64_t f = p - factor, quotient = fl_ntt_quotient(f, &by);
        for (size_t c = 0; c < N; c++)
            x[c] += fl_ntt_times(words[i * N + c], f, quotient, p);
        factor = fl_ntt_product(factor, (uint64_t)(((fl_u128)1 << 64) % p), p);
    }
}

enum { MOST_DIGITS = 7 }; /* 448 bits: enough for 192 of t, 212 of q and what is rounded down */

/*
 * The sum of y_k / p_k without its whole part: DIGITS words, the first the highest, each fraction
 * rounded down, so that the sum is less than 4 units of the last word too small.
 */
static void
add_fractions(uint64_t f[MOST_DIGITS], size_t digits, const uint64_t *v,
              const struct fl_ntt_divisor by[FL_RING_PRIMES])
{
    for (size_t i = 0; i < digits; i++)
        f[i] = 0;
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        uint64_t rest = v[k * N], fraction[MOST_DIGITS], carry = 0;
        for (size_t i = 0; i < digits; i++) {
            fraction[i] = fl_ntt_quotient(rest, &by[k]);
            rest = -fraction[i] * fl_ring_primes[k]; /* of rest 2^64 */
        }
        for (size_t i = digits; i-- > 0;) {
            fl_u128 sum = (fl_u128)f[i] + fraction[i] + carry;
            f[i] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
    }
}

/* Add AMOUNT at bit AT from the highest (bit 0) of the fraction, whose carry beyond is dropped. */
static void
add_at(uint64_t *f, size_t at)
{
    uint64_t amount = (uint64_t)1 << (63 - at % 64);

    for (size_t i = at / 64 + 1; i-- > 0 && amount;) {
        f[i] += amount;
        amount = f[i] < amount;
    }
}

/* Whether the bits of F after the first BITS are so close below a carry that 4 units could make it.
 */
static int
undecided(const uint64_t *f, size_t digits, unsigned bits)
{
    uint64_t all = ~(uint64_t)0;

    for (size_t i = bits / 64; i < digits; i++) {
        uint64_t low = i == bits / 64 ? all >> bits % 64 : all;
        uint64_t near = i + 1 == digits ? low - 3 : low;
        if ((f[i] & low) < near)
            return 0;
    }
    return 1;
}

void
fl_rlwe_message_open(int64_t *values, size_t count, const struct fl_rlwe_lanes *lanes,
                     const uint64_t *v)
{
    const unsigned bits = lanes->bits * lanes->slots;
    const size_t few = bits / 64 + 2;
    struct fl_ntt_divisor by[FL_RING_PRIMES];

    for (size_t k = 0; k < FL_RING_PRIMES; k++)
        by[k] = fl_ntt_divisor(fl_ring_primes[k]);
    for (size_t c = 0, at = 0; at < count; c++) {
        uint64_t f[MOST_DIGITS], m[WORDS + 1] = {0};

        add_fractions(f, few, v + c, by);
        add_at(f, bits);
        if (undecided(f, few, bits)) { /* once in 2^62 */
            add_fractions(f, MOST_DIGITS, v + c, by);
            add_at(f, bits);
        }
        /* the highest bits, as a number with the lowest word first */
        const size_t words = (bits + 63) / 64;
        const unsigned down = (unsigned)(64 * words) - bits;
        for (size_t i = 0; i < words; i++)
            m[words - 1 - i] = f[i];
        for (size_t i = 0; i < words; i++)
            m[i] = m[i] >> down | (down ? m[i + 1] << (64 - down) : 0);
        for (size_t j = 0; j < lanes->slots && at < count; j++) {
            int64_t x = (int64_t)(m[0] << (64 - lanes->bits)) >> (64 - lanes->bits);
            values[at++] = x;
            for (size_t i = 0; i < WORDS; i++)
                m[i] = m[i] >> lanes->bits | m[i + 1] << (64 - lanes->bits);
            for (size_t i = 0; x < 0 && i < WORDS; i++)
                if (++m[i])
                    break;
        }
    }
}
