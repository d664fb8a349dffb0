/*
 * Whether decryption ever fails: 10^7 coefficients of the largest sum that a roster allows, 256
 * sites under a key of 15 helpers, with lanes of 32 bits at their ends. The noise is beyond what
 * fits with probability 2^-69 a coefficient, so one wrong number is a fault. test_rlwe does the
 * same for one ciphertext. Two minutes of a core with AVX-512.
 *
 *     bench_he_exact [K N]      part K (from 0) of N alone
 */
#include <string.h>

#include "bench.h"
#include "crypt/secret.h"
#include "math/random.h"
#include "os/pool.h"
#include "sec/rlwe.h"

enum { SITES = 256, HELPERS = 15, SUMS = 10000000 / FL_RING_N + 1, THREADS = 64 };

/* Of one thread. */
struct place {
    struct fl_rlwe_work *work;
    uint64_t *c0, *c1, *packed;
    int64_t *values, *got, *totals;
};

struct bench {
    struct fl_ring ring;
    struct fl_rlwe_size size;
    struct fl_rlwe_part part;
    struct fl_rlwe_secret *secrets[HELPERS];
    struct fl_rlwe_key *key;
    struct place places[THREADS];
    size_t from, to; /* sums that are made */
    unsigned wrong[SUMS];
};

/* What all sites' values of lane I of sum S are together: the ends of the lane, and others. */
static int64_t
total(size_t s, size_t i)
{
    const uint64_t drawn = fl_random_at(7, s, i);

    return drawn % 4 == 0   ? INT32_MIN
           : drawn % 4 == 1 ? INT32_MAX
                            : (int32_t)(uint32_t)(drawn >> 32);
}

static void
add_site(struct bench *b, struct place *p, size_t s, size_t site, size_t count)
{
    unsigned char seed[FL_RING_SEED] = {'s', (unsigned char)site, (unsigned char)(s & 255),
                                        (unsigned char)(s >> 8)};
    struct fl_rlwe_text text = {b->part.lanes, seed, s, p->values, count};

    for (size_t i = 0; i < count; i++) { /* floors, and one more for as many sites as it takes */
        int64_t all = p->totals[i], part = (all - (all & (SITES - 1))) / SITES;
        p->values[i] = part + ((int64_t)site < (all & (SITES - 1)));
    }
    fl_rlwe_encrypt(b->key, p->work, &text, p->packed, p->packed + FL_RING_WORDS);
    if (fl_ring_add(p->c0, p->packed, 0, FL_RING_UNITS) ||
        fl_ring_add(p->c1, p->packed + FL_RING_WORDS, 0, FL_RING_UNITS))
        b->wrong[s]++;
}

static void
one_sum(void *arg, size_t index, int worker)
{
    struct bench *b = arg;
    const size_t s = b->from + index;
    struct place *p = &b->places[worker];
    const size_t count = (size_t)fl_rlwe_capacity(&b->part.lanes);

    memset(p->c0, 0, FL_RING_RESIDUES * sizeof *p->c0);
    memset(p->c1, 0, FL_RING_RESIDUES * sizeof *p->c1);
    for (size_t i = 0; i < count; i++)
        p->totals[i] = total(s, i);
    for (size_t site = 0; site < SITES; site++)
        add_site(b, p, s, site, count);
    for (size_t h = 0; h < HELPERS; h++) {
        unsigned char seed[FL_RING_SEED] = {'E', (unsigned char)h};
        fl_rlwe_share(b->secrets[h], p->work, &b->size, seed, s, p->c1, p->packed);
        if (fl_ring_add(p->c0, p->packed, 0, FL_RING_UNITS))
            b->wrong[s]++;
    }
    fl_rlwe_open(&b->part.lanes, p->c0, p->got, count);
    for (size_t i = 0; i < count; i++)
        b->wrong[s] += p->got[i] != p->totals[i];
}

static void
start(struct bench *b)
{
    static uint64_t a[FL_RING_RESIDUES], one[FL_RING_RESIDUES], sum[FL_RING_RESIDUES];
    struct fl_rlwe_work *work = fl_rlwe_work_new();
    unsigned char seed[FL_RING_SEED] = {'a'};

    b->part = (struct fl_rlwe_part){.coordinates = 1000000, .lanes = {.bits = 32}};
    b->size = (struct fl_rlwe_size){SITES, HELPERS, &b->part, 1, 0, 0, 0};
    bench_need(!work || fl_ring_init(&b->ring) || fl_rlwe_fit(&b->size));
    fl_ring_uniform(a, seed);
    for (size_t h = 0; h < HELPERS; h++) {
        seed[1] = (unsigned char)(h + 1);
        b->secrets[h] = fl_rlwe_secret_new(&b->ring, seed);
        bench_need(!b->secrets[h]);
        fl_rlwe_public(b->secrets[h], work, a, one);
        for (size_t i = 0; i < FL_RING_RESIDUES; i++)
            sum[i] += one[i];
    }
    b->key = fl_rlwe_key_new(&b->ring, a, sum);
    fl_rlwe_work_free(work);
    bench_need(!b->key);
}

static void
start_place(struct place *p, size_t count)
{
    p->work = fl_rlwe_work_new();
    p->c0 = calloc((size_t)4 * FL_RING_RESIDUES, sizeof *p->c0);
    p->values = calloc(3 * count, sizeof *p->values);
    bench_need(!p->work || !p->c0 || !p->values);
    p->c1 = p->c0 + FL_RING_RESIDUES;
    p->packed = p->c1 + FL_RING_RESIDUES;
    p->got = p->values + count;
    p->totals = p->got + count;
}

int
main(int argc, char **argv)
{
    static struct bench b;
    const size_t part = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    const size_t parts = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    uint64_t wrong = 0;

    bench_need(fl_crypt_init());
    start(&b);
    b.from = parts ? part * SUMS / parts : 0;
    b.to = parts && part < parts ? (part + 1) * SUMS / parts : b.from;
    struct fl_pool *pool = fl_pool_new(fl_cores() < THREADS ? fl_cores() : THREADS);
    bench_need(!pool);
    for (int i = 0; i < fl_pool_threads(pool); i++)
        start_place(&b.places[i], (size_t)fl_rlwe_capacity(&b.part.lanes));
    fl_pool_run(pool, b.to - b.from, one_sum, &b);
    for (size_t s = 0; s < SUMS; s++)
        wrong += b.wrong[s];
    bench_tell("he: coefficients of sums of 256 sites and 15 helpers that were opened",
               (double)(b.to - b.from) * FL_RING_N, "");
    return !bench_at_most("he: wrong numbers among them", (double)wrong, "", 0);
}
