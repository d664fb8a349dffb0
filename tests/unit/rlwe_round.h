/* A round of encryption without messages, for tests: helpers, the joint key, sums of ciphertexts. */
#ifndef FL_TEST_RLWE_ROUND_H
#define FL_TEST_RLWE_ROUND_H

#include "../naive/rlwe.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "sec/rlwe.h"
#include "sec/rlwe_draw.h"
#include "test.h"

enum { N = FL_RING_N };

static inline void
seed_of(unsigned char seed[32], const char *what, uint64_t number)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    fl_hash_once(seed, NULL, what, bytes, sizeof bytes);
}

/* A round: the helpers' secrets and the joint key. */
struct round {
    struct fl_ring ring;
    struct fl_rlwe_size size;
    struct fl_rlwe_part part;
    struct fl_rlwe_secret *secrets[255];
    struct fl_rlwe_key *key;
    struct fl_rlwe_work *work;
    uint64_t *a, *b, *c0, *c1, *packed; /* FL_RING_RESIDUES each */
    int64_t *values, *sums, *got;       /* of one ciphertext, 96 N each */
};

static inline void
begin(struct round *r, size_t sites, size_t helpers, unsigned bits, uint64_t coordinates)
{
    unsigned char seed[32];
    uint64_t *one = malloc(FL_RING_RESIDUES * sizeof *one);

    memset(r, 0, sizeof *r);
    r->part = (struct fl_rlwe_part){.coordinates = coordinates, .lanes = {.bits = bits}};
    r->size = (struct fl_rlwe_size){sites, helpers, &r->part, 1, 0, 0, 0};
    CHECK(!fl_ring_init(&r->ring));
    CHECK(!fl_rlwe_fit(&r->size));
    r->work = fl_rlwe_work_new();
    r->a = calloc((size_t)5 * FL_RING_RESIDUES, sizeof *r->a);
    r->b = r->a + FL_RING_RESIDUES;
    r->c0 = r->b + FL_RING_RESIDUES;
    r->c1 = r->c0 + FL_RING_RESIDUES;
    r->packed = r->c1 + FL_RING_RESIDUES;
    r->values = calloc((size_t)3 * 96 * N, sizeof *r->values);
    r->sums = r->values + (size_t)96 * N;
    r->got = r->sums + (size_t)96 * N;
    seed_of(seed, "a", 1);
    fl_ring_uniform(r->a, seed);
    for (size_t h = 0; h < helpers; h++) {
        seed_of(seed, "helper", h);
        r->secrets[h] = fl_rlwe_secret_new(&r->ring, seed);
        fl_rlwe_public(r->secrets[h], r->work, r->a, one);
        fl_ring_pack(r->packed, one);
        CHECK(!fl_ring_add(r->b, r->packed, 0, FL_RING_UNITS));
    }
    r->key = fl_rlwe_key_new(&r->ring, r->a, r->b);
    free(one);
}

static inline void
end(struct round *r)
{
    for (size_t h = 0; h < r->size.helpers; h++)
        fl_rlwe_secret_free(r->secrets[h]);
    fl_rlwe_key_free(r->key);
    fl_rlwe_work_free(r->work);
    fl_ring_release(&r->ring);
    free(r->a);
    free(r->values);
}

/* Add site S's ciphertext of r->values to c0 and c1. */
static inline void
send(struct round *r, uint64_t s, size_t count)
{
    unsigned char seed[32];
    struct fl_rlwe_text text = {r->part.lanes, seed, s % 3, r->values, count};

    seed_of(seed, "site", s);
    fl_rlwe_encrypt(r->key, r->work, &text, r->packed, NULL);
    CHECK(!fl_ring_add(r->c0, r->packed, 0, FL_RING_UNITS));
    fl_rlwe_encrypt(r->key, r->work, &text, NULL, r->packed);
    CHECK(!fl_ring_add(r->c1, r->packed, 0, FL_RING_UNITS));
}

/* Add the shares of helpers FROM to TO to c0. */
static inline void
answer(struct round *r, size_t from, size_t to)
{
    unsigned char seed[32];

    for (size_t h = from; h < to; h++) {
        seed_of(seed, "smudge", h);
        fl_rlwe_share(r->secrets[h], r->work, &r->size, seed, 7, r->c1, r->packed);
        CHECK(!fl_ring_add(r->c0, r->packed, 0, FL_RING_UNITS));
    }
}

/* Nothing like the truth: lanes equal it as often as drawn ones would. */
static inline size_t
lanes_read(const struct round *r, size_t count)
{
    size_t read = 0;

    for (size_t i = 0; i < count; i++)
        read += r->got[i] == r->sums[i];
    return read;
}

/* What the helpers' secrets are together. */
static inline void
joint_secret(const struct round *r, int8_t *s)
{
    int8_t *one = calloc(N, 1);

    memset(s, 0, N);
    for (size_t h = 0; h < r->size.helpers; h++) {
        unsigned char seed[32], key[32];
        seed_of(seed, "helper", h);
        fl_hash_once(key, seed, "fl1.he.key", NULL, 0);
        fl_rlwe_draw_ternary(one, N, key, 0);
        for (size_t i = 0; i < N; i++)
            s[i] = (int8_t)(s[i] + one[i]);
    }
    free(one);
}

static inline struct fl_big
q_of_ring(void)
{
    struct fl_big q = fl_big_of(1);

    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        struct fl_big p = fl_big_of(fl_ring_primes[k]);
        q = fl_big_mul(&q, &p);
    }
    return q;
}

#endif
