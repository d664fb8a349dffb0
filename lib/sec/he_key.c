/* Chains and labels; the arithmetic is that of sec/rlwe.h. */
#include "sec/he_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/secret.h"

void
fl_he_step(unsigned char hs[32], uint64_t k)
{
    struct fl_hash h;

    fl_hash_init(&h, hs, "fl1.he.step");
    fl_hash_add64(&h, k + 1);
    fl_hash_final(&h, hs);
}

void
fl_he_round_key(unsigned char rk[32], const unsigned char hs[32], uint64_t k)
{
    struct fl_hash h;

    fl_hash_init(&h, hs, "fl1.he.round");
    fl_hash_add64(&h, k);
    fl_hash_final(&h, rk);
}

void
fl_he_secret(unsigned char seed[32], const unsigned char rk[32])
{
    struct fl_hash h;

    fl_hash_init(&h, rk, "fl1.he.key");
    fl_hash_final(&h, seed);
}

void
fl_he_smudge(unsigned char seed[32], const unsigned char rk[32], const unsigned char sid[32],
             const unsigned char set[32])
{
    struct fl_hash h;

    fl_hash_init(&h, rk, "fl1.he.smudge");
    fl_hash_add(&h, sid, 32);
    fl_hash_add(&h, set, 32);
    fl_hash_final(&h, seed);
}

void
fl_he_common(uint64_t *a, const char *federation, int64_t epoch, uint64_t k)
{
    unsigned char seed[32];
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.he.a");
    fl_hash_add_sized(&h, federation, strlen(federation));
    fl_hash_add64(&h, (uint64_t)epoch);
    fl_hash_add64(&h, k);
    fl_hash_final(&h, seed);
    fl_ring_uniform(a, seed);
}

/* ---- one key ---- */

struct maker { /* memory of one thread */
    struct fl_rlwe_work *work;
    uint64_t *a, *b; /* (FL_RING_RESIDUES) */
    uint64_t *packed;
};

static void
maker_free(struct maker *m)
{
    fl_rlwe_work_free(m->work);
    free(m->a);
    free(m->b);
    free(m->packed);
}

static int
maker_start(struct maker *m)
{
    m->work = fl_rlwe_work_new();
    m->a = fl_alloc_aligned(FL_RING_RESIDUES, sizeof *m->a);
    m->b = fl_alloc_aligned(FL_RING_RESIDUES, sizeof *m->b);
    m->packed = fl_alloc_aligned(FL_RING_WORDS, sizeof *m->packed);
    return m->work && m->a && m->b && m->packed ? 0 : -1;
}

static int
make(struct maker *m, const struct fl_ring *ring, const struct fl_he_owner *owner,
     const unsigned char rk[32], uint64_t k)
{
    unsigned char seed[32];

    fl_he_secret(seed, rk);
    struct fl_rlwe_secret *secret = fl_rlwe_secret_new(ring, seed);
    fl_wipe(seed, sizeof seed);
    if (!secret)
        return -1;
    fl_he_common(m->a, owner->federation, owner->epoch, k);
    fl_rlwe_public(secret, m->work, m->a, m->b);
    fl_ring_pack(m->packed, m->b);
    fl_rlwe_secret_free(secret);
    return 0;
}

int
fl_he_public(uint64_t *key, const struct fl_he_owner *owner, const unsigned char rk[32], uint64_t k)
{
    struct fl_ring ring;
    struct maker m = {0};

    if (fl_ring_init(&ring))
        return -1;
    int failed = maker_start(&m) || make(&m, &ring, owner, rk, k);
    if (!failed)
        memcpy(key, m.packed, FL_HE_KEY);
    maker_free(&m);
    fl_ring_release(&ring);
    return failed ? -1 : 0;
}

/* ---- all of an epoch ---- */

struct leaves {
    const struct fl_he_owner *owner;
    struct fl_ring ring;
    unsigned char *rk; /* (FL_HE_ROUNDS, 32) secret */
    unsigned char *out;
    struct maker *makers; /* one a thread */
    int *failed;
};

static void
make_leaf(void *arg, size_t k, int worker)
{
    struct leaves *l = arg;
    struct maker *m = &l->makers[worker];

    if (make(m, &l->ring, l->owner, l->rk + 32 * k, k))
        l->failed[worker] = 1;
    else
        fl_he_leaf(l->out + 32 * k, l->owner->federation, l->owner->epoch, l->owner->sign, k,
                   m->packed, FL_HE_KEY);
}

static int
run_leaves(struct leaves *l, const unsigned char seed[32], struct fl_pool *pool, size_t threads)
{
    unsigned char hs[32];

    for (size_t i = 0; i < threads; i++)
        if (maker_start(&l->makers[i]))
            return -1;
    memcpy(hs, seed, 32);
    for (size_t k = 0; k < FL_HE_ROUNDS; k++) {
        fl_he_round_key(l->rk + 32 * k, hs, k);
        fl_he_step(hs, k);
    }
    fl_wipe(hs, sizeof hs);
    fl_pool_run(pool, FL_HE_ROUNDS, make_leaf, l);
    for (size_t i = 0; i < threads; i++)
        if (l->failed[i])
            return fl_error(FL_FAILED, "there is no memory for a helper's keys");
    return 0;
}

int
fl_he_leaves(unsigned char *leaves, const struct fl_he_owner *owner, const unsigned char seed[32],
             struct fl_pool *pool)
{
    const size_t threads = pool ? (size_t)fl_pool_threads(pool) : 1;
    struct leaves l = {.owner = owner, .out = leaves};

    if (fl_ring_init(&l.ring))
        return -1;
    l.rk = fl_secret_alloc(FL_HE_ROUNDS, 32);
    l.makers = fl_alloc(threads, sizeof *l.makers);
    l.failed = fl_alloc(threads, sizeof *l.failed);
    int failed = !l.rk || !l.makers || !l.failed || run_leaves(&l, seed, pool, threads);
    for (size_t i = 0; l.makers && i < threads; i++)
        maker_free(&l.makers[i]);
    free(l.makers);
    free(l.failed);
    fl_secret_free(l.rk);
    fl_ring_release(&l.ring);
    return failed ? -1 : 0;
}
