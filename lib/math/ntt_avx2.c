/*
 * The transform with AVX2 and FMA, four at a time: without products of 64 bits, in doubles, which
 * are whole numbers within +-(p / 2 + 2), so that a sum of two is exact below 2^53 > p + 4. Of a
 * product, h is rounded and l what that left (FMA has it exactly, at most p / 8); the quotient b is
 * off by at most 7 / 8, so h - b p is below 2^53 and exact too. In the last two layers four blocks
 * lie side by side in four vectors.
 */
#include "math/ntt_table.h"

#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include <immintrin.h>

enum { WIDTH = 4 };

/* A root within +-p / 2, or four of them, and root / p. */
struct turn {
    __m256d w, fraction;
};

struct modulus {
    __m256d p, inverse;
};

static inline __m256d
nearest(__m256d x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* X within +-p, to +-p / 2. */
static inline __m256d
reduce(__m256d x, const struct modulus *m)
{
    return _mm256_fnmadd_pd(nearest(_mm256_mul_pd(x, m->inverse)), m->p, x);
}

/* Y w, within +-p / 2. */
static inline __m256d
times(__m256d y, const struct turn *by, const struct modulus *m)
{
    __m256d high = _mm256_mul_pd(y, by->w), low = _mm256_fmsub_pd(y, by->w, high);
    __m256d quotient = nearest(_mm256_mul_pd(y, by->fraction));

    return reduce(_mm256_add_pd(_mm256_fnmadd_pd(quotient, m->p, high), low), m);
}

static inline void
butterfly(__m256d *low, __m256d *high, const struct turn *by, const struct modulus *m)
{
    __m256d a = *low, b = times(*high, by, m);

    *low = reduce(_mm256_add_pd(a, b), m);
    *high = reduce(_mm256_sub_pd(a, b), m);
}

static inline void
butterfly_back(__m256d *low, __m256d *high, const struct turn *by, const struct modulus *m)
{
    __m256d a = *low, b = *high;

    *low = reduce(_mm256_add_pd(a, b), m);
    *high = times(reduce(_mm256_sub_pd(a, b), m), by, m);
}

static inline struct modulus
modulus(uint64_t p)
{
    return (struct modulus){_mm256_set1_pd((double)p), _mm256_set1_pd(1 / (double)p)};
}

/* Numbers below 2^53 to doubles: two halves, each as the low bits of a double of its own size. */
static inline __m256d
to_doubles(__m256i x)
{
    const __m256i low = _mm256_blend_epi32(x, _mm256_castpd_si256(_mm256_set1_pd(0x1p52)), 0xaa);
    const __m256i high = _mm256_xor_si256(_mm256_srli_epi64(x, 32),
                                          _mm256_castpd_si256(_mm256_set1_pd(0x1p84)));
    const __m256d both = _mm256_set1_pd(0x1p84 + 0x1p52);

    return _mm256_add_pd(_mm256_sub_pd(_mm256_castsi256_pd(high), both), _mm256_castsi256_pd(low));
}

/* Numbers within +-p / 2 to those from 0 to p - 1. */
static inline __m256i
to_numbers(__m256d x, const struct modulus *m)
{
    const __m256d magic = _mm256_set1_pd(0x1p52), word = _mm256_set1_pd(0x1p32);

    x = _mm256_add_pd(x, _mm256_and_pd(m->p, _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ)));
    __m256d high = _mm256_floor_pd(_mm256_mul_pd(x, _mm256_set1_pd(0x1p-32)));
    __m256d low = _mm256_fnmadd_pd(high, word, x);
    __m256i a = _mm256_castpd_si256(_mm256_add_pd(high, magic));
    __m256i b = _mm256_castpd_si256(_mm256_add_pd(low, magic));
    return _mm256_or_si256(_mm256_slli_epi64(a, 32),
                           _mm256_and_si256(b, _mm256_set1_epi64x(0xffffffff)));
}

static inline struct turn
turn(__m256i w, const struct modulus *m)
{
    __m256d x = reduce(to_doubles(w), m);

    return (struct turn){x, _mm256_div_pd(x, m->p)};
}

static inline struct turn
one_turn(const uint64_t *roots, size_t i, const struct modulus *m)
{
    return turn(_mm256_set1_epi64x((long long)roots[i]), m);
}

/* Roots AT, AT + STEP, .., AT + 3 STEP. */
static inline struct turn
turns(const uint64_t *roots, size_t at, size_t step, const struct modulus *m)
{
    return turn(_mm256_set_epi64x((long long)roots[at + 3 * step], (long long)roots[at + 2 * step],
                                  (long long)roots[at + step], (long long)roots[at]),
                m);
}

/* Number j of vector i becomes number i of vector j. */
static inline void
transpose(__m256d v[WIDTH])
{
    __m256d a = _mm256_unpacklo_pd(v[0], v[1]), b = _mm256_unpackhi_pd(v[0], v[1]);
    __m256d c = _mm256_unpacklo_pd(v[2], v[3]), d = _mm256_unpackhi_pd(v[2], v[3]);

    v[0] = _mm256_permute2f128_pd(a, c, 0x20);
    v[1] = _mm256_permute2f128_pd(b, d, 0x20);
    v[2] = _mm256_permute2f128_pd(a, c, 0x31);
    v[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

static inline __m256d
load(const uint64_t *x)
{
    return _mm256_castsi256_pd(_mm256_loadu_si256((const __m256i *)x));
}

static inline void
store(uint64_t *x, __m256d v)
{
    _mm256_storeu_si256((__m256i *)x, _mm256_castpd_si256(v));
}

/* The last two layers of the 16 numbers at X, which become whole numbers; and the way back. */
static inline void
short_layers(const struct fl_ntt *ntt, uint64_t *x, size_t at, const struct modulus *m)
{
    const uint64_t *roots = ntt->table->roots;
    __m256d v[WIDTH];

    for (size_t i = 0; i < WIDTH; i++)
        v[i] = load(x + WIDTH * i);
    transpose(v);
    struct turn by = turns(roots, ntt->n / 4 + at, 1, m);
    butterfly(&v[0], &v[2], &by, m);
    butterfly(&v[1], &v[3], &by, m);
    for (size_t h = 0; h < 2; h++) {
        by = turns(roots, ntt->n / 2 + 2 * at + h, 2, m);
        butterfly(&v[2 * h], &v[2 * h + 1], &by, m);
    }
    transpose(v);
    for (size_t i = 0; i < WIDTH; i++)
        store(x + WIDTH * i, _mm256_castsi256_pd(to_numbers(v[i], m)));
}

static inline void
short_layers_back(const struct fl_ntt *ntt, uint64_t *x, size_t at, const struct modulus *m)
{
    const uint64_t *roots = ntt->table->back_roots;
    struct turn by;
    __m256d v[WIDTH];

    for (size_t i = 0; i < WIDTH; i++)
        v[i] = reduce(to_doubles(_mm256_loadu_si256((const __m256i *)(x + WIDTH * i))), m);
    transpose(v);
    for (size_t h = 0; h < 2; h++) {
        by = turns(roots, ntt->n / 2 + 2 * at + h, 2, m);
        butterfly_back(&v[2 * h], &v[2 * h + 1], &by, m);
    }
    by = turns(roots, ntt->n / 4 + at, 1, m);
    butterfly_back(&v[0], &v[2], &by, m);
    butterfly_back(&v[1], &v[3], &by, m);
    transpose(v);
    for (size_t i = 0; i < WIDTH; i++)
        store(x + WIDTH * i, v[i]);
}

void
fl_ntt_forward_avx2(const struct fl_ntt *ntt, uint64_t *x)
{
    const struct modulus m = modulus(ntt->p);

    for (size_t j = 0; j < ntt->n; j += WIDTH)
        store(x + j, reduce(to_doubles(_mm256_loadu_si256((const __m256i *)(x + j))), &m));
    for (size_t blocks = 1, t = ntt->n / 2; t >= WIDTH; blocks *= 2, t /= 2)
        for (size_t i = 0; i < blocks; i++) {
            const struct turn by = one_turn(ntt->table->roots, blocks + i, &m);
            uint64_t *low = x + 2 * t * i, *high = low + t;
            for (size_t j = 0; j < t; j += WIDTH) {
                __m256d a = load(low + j), b = load(high + j);
                butterfly(&a, &b, &by, &m);
                store(low + j, a);
                store(high + j, b);
            }
        }
    for (size_t at = 0; at < ntt->n / WIDTH; at += WIDTH)
        short_layers(ntt, x + WIDTH * at, at, &m);
}

void
fl_ntt_back_avx2(const struct fl_ntt *ntt, uint64_t *x)
{
    const struct modulus m = modulus(ntt->p);

    for (size_t at = 0; at < ntt->n / WIDTH; at += WIDTH)
        short_layers_back(ntt, x + WIDTH * at, at, &m);
    for (size_t blocks = ntt->n / 8, t = WIDTH; blocks; blocks /= 2, t *= 2)
        for (size_t i = 0; i < blocks; i++) {
            const struct turn by = one_turn(ntt->table->back_roots, blocks + i, &m);
            uint64_t *low = x + 2 * t * i, *high = low + t;
            for (size_t j = 0; j < t; j += WIDTH) {
                __m256d a = load(low + j), b = load(high + j);
                butterfly_back(&a, &b, &by, &m);
                store(low + j, a);
                store(high + j, b);
            }
        }
    const struct turn by = one_turn(ntt->table->back_roots, 0, &m);
    for (size_t j = 0; j < ntt->n; j += WIDTH)
        store(x + j, _mm256_castsi256_pd(to_numbers(times(load(x + j), &by, &m), &m)));
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
void
fl_ntt_forward_avx2(const struct fl_ntt *ntt, uint64_t *x)
{
    fl_ntt_forward_plain(ntt, x);
}

void
fl_ntt_back_avx2(const struct fl_ntt *ntt, uint64_t *x)
{
    fl_ntt_back_plain(ntt, x);
}
#endif
