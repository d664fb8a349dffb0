/*
 * The transform with AVX-512, eight numbers at a time. A quotient is the product of a number below
 * p and root / p rounded down, in doubles rounded toward zero: at most 2 too small, as p < 2^53, so
 * that the rest lies in [0, 2p) as with Shoup's. In the last three layers, whose blocks are shorter
 * than a vector, eight blocks lie side by side in eight vectors.
 */
#include "math/ntt_table.h"

#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq")
#endif
#include <immintrin.h>

enum { WIDTH = 8, TOWARD_ZERO = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC };

/* A root, or eight of them, and root / p rounded down to 53 bits. */
struct turn {
    __m512i w;
    __m512d fraction;
};

struct modulus {
    __m512i p, twice;
};

static inline struct modulus
modulus(uint64_t p)
{
    return (struct modulus){_mm512_set1_epi64((long long)p), _mm512_set1_epi64((long long)(2 * p))};
}

static inline struct turn
turn(__m512i w, __m512i quotient)
{
    __m512d high = _mm512_cvtepu64_pd(_mm512_srli_epi64(quotient, 11));

    return (struct turn){w, _mm512_mul_pd(high, _mm512_set1_pd(0x1p-53))};
}

static inline struct turn
one_turn(const uint64_t *roots, const uint64_t *quotients, size_t i)
{
    return turn(_mm512_set1_epi64((long long)roots[i]), _mm512_set1_epi64((long long)quotients[i]));
}

/* Roots AT, AT + STEP, .., AT + 7 STEP. */
static inline struct turn
turns(const uint64_t *roots, const uint64_t *quotients, size_t at, size_t step)
{
    const __m512i places = _mm512_mullo_epi64(_mm512_set1_epi64((long long)step),
                                              _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));

    return turn(_mm512_i64gather_epi64(places, roots + at, 8),
                _mm512_i64gather_epi64(places, quotients + at, 8));
}

static inline __m512i
less(__m512i x, __m512i m)
{
    return _mm512_min_epu64(x, _mm512_sub_epi64(x, m));
}

/* Y w modulo p in [0, 2p), of Y in [0, 4p). */
static inline __m512i
times(__m512i y, const struct turn *by, const struct modulus *m)
{
    y = less(less(y, m->twice), m->p);
    __m512d product = _mm512_mul_round_pd(_mm512_cvtepu64_pd(y), by->fraction, TOWARD_ZERO);
    __m512i quotient = _mm512_cvttpd_epu64(product);

    return _mm512_sub_epi64(_mm512_mullo_epi64(y, by->w), _mm512_mullo_epi64(quotient, m->p));
}

/* Numbers in [0, 4p) to such. */
static inline void
butterfly(__m512i *low, __m512i *high, const struct turn *by, const struct modulus *m)
{
    __m512i a = less(*low, m->twice), b = times(*high, by, m);

    *low = _mm512_add_epi64(a, b);
    *high = _mm512_sub_epi64(_mm512_add_epi64(a, m->twice), b);
}

/* Numbers in [0, 2p) to such. */
static inline void
butterfly_back(__m512i *low, __m512i *high, const struct turn *by, const struct modulus *m)
{
    __m512i a = *low, b = *high;

    *low = less(_mm512_add_epi64(a, b), m->twice);
    *high = times(_mm512_sub_epi64(_mm512_add_epi64(a, m->twice), b), by, m);
}

/* Number j of vector i becomes number i of vector j. */
static inline void
transpose(__m512i v[WIDTH])
{
    __m512i a[WIDTH], b[WIDTH];

    for (size_t i = 0; i < WIDTH; i += 2) {
        a[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    for (size_t i = 0; i < WIDTH; i += 4)
        for (size_t j = 0; j < 2; j++) {
            b[i + j] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0x88);
            b[i + j + 2] = _mm512_shuffle_i64x2(a[i + j], a[i + j + 2], 0xdd);
        }
    for (size_t j = 0; j < 4; j++) {
        v[j] = _mm512_shuffle_i64x2(b[j], b[j + 4], 0x88);
        v[j + 4] = _mm512_shuffle_i64x2(b[j], b[j + 4], 0xdd);
    }
}

/* The last three layers of the 64 numbers at X, the first three of the way back. */
static inline void
short_layers(const struct fl_ntt *ntt, uint64_t *x, size_t group, const struct modulus *m)
{
    const uint64_t *roots = ntt->table->roots, *quotients = ntt->table->quotients;
    const size_t n = ntt->n, at = group * WIDTH;
    __m512i v[WIDTH];

    for (size_t i = 0; i < WIDTH; i++)
        v[i] = _mm512_loadu_si512(x + WIDTH * i);
    transpose(v);
    struct turn by = turns(roots, quotients, n / 8 + at, 1);
    for (size_t i = 0; i < 4; i++)
        butterfly(&v[i], &v[i + 4], &by, m);
    for (size_t h = 0; h < 2; h++) {
        by = turns(roots, quotients, n / 4 + 2 * at + h, 2);
        butterfly(&v[4 * h], &v[4 * h + 2], &by, m);
        butterfly(&v[4 * h + 1], &v[4 * h + 3], &by, m);
    }
    for (size_t h = 0; h < 4; h++) {
        by = turns(roots, quotients, n / 2 + 4 * at + h, 4);
        butterfly(&v[2 * h], &v[2 * h + 1], &by, m);
    }
    transpose(v);
    for (size_t i = 0; i < WIDTH; i++)
        _mm512_storeu_si512(x + WIDTH * i, less(less(v[i], m->twice), m->p));
}

static inline void
short_layers_back(const struct fl_ntt *ntt, uint64_t *x, size_t group, const struct modulus *m)
{
    const uint64_t *roots = ntt->table->back_roots, *quotients = ntt->table->back_quotients;
    const size_t n = ntt->n, at = group * WIDTH;
    struct turn by;
    __m512i v[WIDTH];

    for (size_t i = 0; i < WIDTH; i++)
        v[i] = _mm512_loadu_si512(x + WIDTH * i);
    transpose(v);
    for (size_t h = 0; h < 4; h++) {
        by = turns(roots, quotients, n / 2 + 4 * at + h, 4);
        butterfly_back(&v[2 * h], &v[2 * h + 1], &by, m);
    }
    for (size_t h = 0; h < 2; h++) {
        by = turns(roots, quotients, n / 4 + 2 * at + h, 2);
        butterfly_back(&v[4 * h], &v[4 * h + 2], &by, m);
        butterfly_back(&v[4 * h + 1], &v[4 * h + 3], &by, m);
    }
    by = turns(roots, quotients, n / 8 + at, 1);
    for (size_t i = 0; i < 4; i++)
        butterfly_back(&v[i], &v[i + 4], &by, m);
    transpose(v);
    for (size_t i = 0; i < WIDTH; i++)
        _mm512_storeu_si512(x + WIDTH * i, v[i]);
}

void
fl_ntt_forward_avx512(const struct fl_ntt *ntt, uint64_t *x)
{
    const struct modulus m = modulus(ntt->p);

    for (size_t blocks = 1, t = ntt->n / 2; t >= WIDTH; blocks *= 2, t /= 2)
        for (size_t i = 0; i < blocks; i++) {
            const struct turn by = one_turn(ntt->table->roots, ntt->table->quotients, blocks + i);
            uint64_t *low = x + 2 * t * i, *high = low + t;
            for (size_t j = 0; j < t; j += WIDTH) {
                __m512i a = _mm512_loadu_si512(low + j), b = _mm512_loadu_si512(high + j);
                butterfly(&a, &b, &by, &m);
                _mm512_storeu_si512(low + j, a);
                _mm512_storeu_si512(high + j, b);
            }
        }
    for (size_t g = 0; g < ntt->n / 64; g++)
        short_layers(ntt, x + 64 * g, g, &m);
}

void
fl_ntt_back_avx512(const struct fl_ntt *ntt, uint64_t *x)
{
    const struct modulus m = modulus(ntt->p);
    const uint64_t *roots = ntt->table->back_roots, *quotients = ntt->table->back_quotients;

    for (size_t g = 0; g < ntt->n / 64; g++)
        short_layers_back(ntt, x + 64 * g, g, &m);
    for (size_t blocks = ntt->n / 16, t = WIDTH; blocks; blocks /= 2, t *= 2)
        for (size_t i = 0; i < blocks; i++) {
            const struct turn by = one_turn(roots, quotients, blocks + i);
            uint64_t *low = x + 2 * t * i, *high = low + t;
            for (size_t j = 0; j < t; j += WIDTH) {
                __m512i a = _mm512_loadu_si512(low + j), b = _mm512_loadu_si512(high + j);
                butterfly_back(&a, &b, &by, &m);
                _mm512_storeu_si512(low + j, a);
                _mm512_storeu_si512(high + j, b);
            }
        }
    const struct turn by = one_turn(roots, quotients, 0);
    for (size_t j = 0; j < ntt->n; j += WIDTH)
        _mm512_storeu_si512(x + j, less(times(_mm512_loadu_si512(x + j), &by, &m), m.p));
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
void
fl_ntt_forward_avx512(const struct fl_ntt *ntt, uint64_t *x)
{
    fl_ntt_forward_plain(ntt, x);
}

void
fl_ntt_back_avx512(const struct fl_ntt *ntt, uint64_t *x)
{
    fl_ntt_back_plain(ntt, x);
}
#endif
