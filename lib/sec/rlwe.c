/*
 * Prime by prime, so that a thread holds two transforms at a time and not two elements. The
 * polynomial that is multiplied (u, or a sum of c1) is transformed once; what multiplies it (a and
 * b, or s) lies transformed, with quotients.
 */
#include "sec/rlwe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "math/ntt_table.h"
#include "priv/noise.h"
#include "sec/rlwe_draw.h"
#include "sec/rlwe_message.h"

enum { N = FL_RING_N, PRIME_UNITS = N / FL_RING_UNIT, PRIME_WORDS = PRIME_UNITS * 53 };

/* Chunks of a seed: of a ciphertext INDEX, 4 index + these. */
enum { DRAW_U, DRAW_E0, DRAW_E1, DRAWS = 4 };
/* Chunks of a helper's secret. */
enum { DRAW_S, DRAW_E };

/* A transformed element and its quotients. */
struct factor {
    uint64_t x[FL_RING_RESIDUES], quotients[FL_RING_RESIDUES];
};

struct fl_rlwe_secret {
    struct factor s;
    const struct fl_ring *ring;
    unsigned char key[FL_STREAM_KEY];
};

struct fl_rlwe_key {
    struct factor a, b;
    const struct fl_ring *ring;
};

struct fl_rlwe_work {
    uint64_t u[N], product[N];
    uint64_t words[FL_RLWE_MESSAGE_WORDS * N]; /* of a message, or of smudging */
    int8_t small[3][N];                        /* u, e0, e1; or s or e alone */
    unsigned char buffer[FL_NOISE_BUFFER];
};

struct fl_rlwe_work *
fl_rlwe_work_new(void)
{
    return fl_secret_alloc(1, sizeof(struct fl_rlwe_work));
}

void
fl_rlwe_work_free(struct fl_rlwe_work *work)
{
    fl_secret_free(work);
}

/* X = SMALL modulo prime P. */
static void
residues(uint64_t *x, const int8_t *small, uint64_t p)
{
    for (size_t i = 0; i < N; i++) {
        const int64_t v = (int64_t)small[i];
        x[i] = (uint64_t)v + (p & (uint64_t)(v >> 63));
    }
}

/* X += SMALL + p, which is not negative; not reduced. */
static void
add_small(uint64_t *x, const int8_t *small, uint64_t p)
{
    for (size_t i = 0; i < N; i++)
        x[i] += p + (uint64_t)(int64_t)small[i];
}

static void
transform_factor(struct factor *f, const struct fl_ring *ring)
{
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        fl_ntt_forward(&ring->ntt[k], f->x + k * N);
        fl_ntt_quotients(&ring->ntt[k], f->quotients + k * N, f->x + k * N);
    }
}

/* PRODUCT = the polynomial of U's transform times F modulo prime K, no longer transformed. */
static void
times_factor(uint64_t *product, const uint64_t *u, const struct factor *f,
             const struct fl_ring *ring, size_t k)
{
    fl_ntt_multiply(&ring->ntt[k], product, u, f->x + k * N, f->quotients + k * N);
    fl_ntt_inverse(&ring->ntt[k], product);
}

struct fl_rlwe_secret *
fl_rlwe_secret_new(const struct fl_ring *ring, const unsigned char seed[FL_RING_SEED])
{
    struct fl_rlwe_secret *secret = fl_secret_alloc(1, sizeof *secret);
    struct fl_rlwe_work *work = fl_rlwe_work_new();

    if (secret && work) {
        secret->ring = ring;
        fl_hash_once(secret->key, seed, "fl1.he.key", NULL, 0);
        fl_rlwe_draw_ternary(work->small[0], N, secret->key, DRAW_S);
        for (size_t k = 0; k < FL_RING_PRIMES; k++)
            residues(secret->s.x + k * N, work->small[0], fl_ring_primes[k]);
        transform_factor(&secret->s, ring);
        fl_rlwe_work_free(work);
        return secret;
    }
    fl_rlwe_secret_free(secret);
    fl_rlwe_work_free(work);
    return NULL;
}

void
fl_rlwe_secret_free(struct fl_rlwe_secret *secret)
{
    fl_secret_free(secret);
}

void
fl_rlwe_public(const struct fl_rlwe_secret *secret, struct fl_rlwe_work *work, const uint64_t *a,
               uint64_t *b)
{
    fl_rlwe_draw_error(work->small[0], N, secret->key, DRAW_E);
    for (size_t k = 0; k < FL_RING_PRIMES; k++, b += N) {
        const uint64_t p = fl_ring_primes[k];
        memcpy(work->u, a + k * N, sizeof work->u);
        fl_ntt_forward(&secret->ring->ntt[k], work->u);
        times_factor(work->product, work->u, &secret->s, secret->ring, k);
        for (size_t i = 0; i < N; i++)
            b[i] = p - work->product[i];
        add_small(b, work->small[0], p);
        fl_ring_reduce_prime(b, N, k);
    }
}

struct fl_rlwe_key *
fl_rlwe_key_new(const struct fl_ring *ring, const uint64_t *a, const uint64_t *b)
{
    struct fl_rlwe_key *key = fl_alloc_aligned(1, sizeof *key);

    if (!key)
        return NULL;
    key->ring = ring;
    memcpy(key->a.x, a, sizeof key->a.x);
    memcpy(key->b.x, b, sizeof key->b.x);
    fl_ring_reduce(key->b.x);
    transform_factor(&key->a, ring);
    transform_factor(&key->b, ring);
    return key;
}

void
fl_rlwe_key_free(struct fl_rlwe_key *key)
{
    free(key);
}

void
fl_rlwe_encrypt(const struct fl_rlwe_key *key, struct fl_rlwe_work *work,
                const struct fl_rlwe_text *text, uint64_t *c0, uint64_t *c1)
{
    const uint64_t chunk = DRAWS * text->index;

    fl_rlwe_draw_ternary(work->small[0], N, text->seed, chunk + DRAW_U);
    if (c0) {
        fl_rlwe_draw_error(work->small[1], N, text->seed, chunk + DRAW_E0);
        fl_rlwe_message(work->words, &text->lanes, text->values, text->count);
    }
    if (c1)
        fl_rlwe_draw_error(work->small[2], N, text->seed, chunk + DRAW_E1);
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        const uint64_t p = fl_ring_primes[k];
        residues(work->u, work->small[0], p);
        fl_ntt_forward(&key->ring->ntt[k], work->u);
        if (c0) {
            times_factor(work->product, work->u, &key->b, key->ring, k);
            add_small(work->product, work->small[1], p);
            fl_rlwe_message_add(work->product, work->words, &text->lanes, k);
            fl_ring_reduce_prime(work->product, N, k);
            fl_ring_pack_units(c0 + k * PRIME_WORDS, work->product, PRIME_UNITS);
        }
        if (c1) {
            times_factor(work->product, work->u, &key->a, key->ring, k);
            add_small(work->product, work->small[2], p);
            fl_ring_reduce_prime(work->product, N, k);
            fl_ring_pack_units(c1 + k * PRIME_WORDS, work->product, PRIME_UNITS);
        }
    }
}

/* Add HIGH 2^64 + LOW - B modulo prime K to X; not reduced, at most 2^57 are added. */
static void
add_smudging(uint64_t *x, const uint64_t *low, const uint64_t *high, fl_u128 b, size_t k)
{
    const uint64_t p = fl_ring_primes[k], above = ((uint64_t)1 << 53) - p;
    const struct fl_ntt_divisor by = fl_ntt_divisor(p);
    const uint64_t word = (uint64_t)(((fl_u128)1 << 64) % p), quotient = fl_ntt_quotient(word, &by);
    const uint64_t less = p - (uint64_t)(b % p), mask = ((uint64_t)1 << 53) - 1;

    for (size_t i = 0; i < N; i++)
        x[i] += fl_ntt_times(high[i], word, quotient, p) + (low[i] & mask) +
                (low[i] >> 53) * above + less;
}

void
fl_rlwe_share(const struct fl_rlwe_secret *secret, struct fl_rlwe_work *work,
              const struct fl_rlwe_size *size, const unsigned char seed[FL_RING_SEED],
              uint64_t index, const uint64_t *c1, uint64_t *d)
{
    uint64_t *low = work->words, *high = work->words + N;

    fl_rlwe_draw_smudging(low, high, N, size, seed, index, work->buffer);
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        memcpy(work->u, c1 + k * N, sizeof work->u);
        fl_ring_reduce_prime(work->u, N, k);
        fl_ntt_forward(&secret->ring->ntt[k], work->u);
        times_factor(work->product, work->u, &secret->s, secret->ring, k);
        add_smudging(work->product, low, high, size->smudging, k);
        fl_ring_reduce_prime(work->product, N, k);
        fl_ring_pack_units(d + k * PRIME_WORDS, work->product, PRIME_UNITS);
    }
}

/* p / q modulo p, for prime K. */
static uint64_t
cofactor(size_t k)
{
    const uint64_t p = fl_ring_primes[k];
    uint64_t product = 1;

    for (size_t i = 0; i < FL_RING_PRIMES; i++)
        if (i != k)
            product = fl_ntt_product(product, fl_ring_primes[i] % p, p);
    return fl_ntt_power(product, p - 2, p);
}

void
fl_rlwe_open(const struct fl_rlwe_lanes *lanes, uint64_t *v, int64_t *values, size_t count)
{
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        const uint64_t p = fl_ring_primes[k], f = cofactor(k);
        const struct fl_ntt_divisor by = fl_ntt_divisor(p);
        const uint64_t quotient = fl_ntt_quotient(f, &by);
        for (uint64_t *x = v + k * N; x < v + (k + 1) * N; x++)
            *x = fl_ntt_less(fl_ntt_times(*x, f, quotient, p), p);
    }
    fl_rlwe_message_open(values, count, lanes, v);
}
