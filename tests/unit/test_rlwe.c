/*
 * sec/rlwe: exact sums at every lane width with as many sites and helpers as the page allows, noise
 * as large as the formula says, all shares but one open nothing; opening against whole numbers, and
 * the decryptions of ../shared/data/privacy when it is here.
 */
#include "sec/rlwe.h"

#include "test.h"

#include "../naive/rlwe.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "math/ntt_table.h"
#include "math/random.h"
#include "sec/rlwe_message.h"

enum { N = FL_RING_N, LINE = 1 << 16 };

static void
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

static void
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

static void
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
static void
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
static void
answer(struct round *r, size_t from, size_t to)
{
    unsigned char seed[32];

    for (size_t h = from; h < to; h++) {
        seed_of(seed, "smudge", h);
        fl_rlwe_share(r->secrets[h], r->work, &r->size, seed, 7, r->c1, r->packed);
        CHECK(!fl_ring_add(r->c0, r->packed, 0, FL_RING_UNITS));
    }
}

/*
 * The largest sum that a lane holds and the least, beside each other in all ways, and drawn ones:
 * of S sites, each with an S-th of it.
 */
static void
check_sums(size_t sites, size_t helpers, unsigned bits, uint64_t coordinates)
{
    struct round r;

    begin(&r, sites, helpers, bits, coordinates);
    const size_t count = fl_rlwe_capacity(&r.part.lanes) - 5;
    const int64_t most = ((int64_t)1 << (bits - 1)) - 1, least = -most - 1;
    for (uint64_t s = 0; s < sites; s++) {
        for (size_t i = 0; i < count; i++) {
            uint64_t drawn = fl_random_at(9, s, i);
            int64_t of = i / N % 4 == 0 ? most : i / N % 4 == 1 ? least : i % 2 ? most : least;
            int64_t part = of / (int64_t)sites;
            r.values[i] = i / N % 4 == 3
                              ? (int64_t)(drawn % (uint64_t)(2 * llabs(part) + 1)) - llabs(part)
                          : s ? part
                              : of - part * (int64_t)(sites - 1);
            r.sums[i] += r.values[i];
        }
        send(&r, s, count);
    }
    answer(&r, 0, helpers);
    fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
    CHECK(!memcmp(r.got, r.sums, count * sizeof *r.got));
    for (size_t i = 0, w=0; i < count && w < 5; i++) if (r.got[i] != r.sums[i]) w++, printf("# %zu %zu b%u sl %u l%u: %zu got %lld want %lld\n", sites, helpers, bits, r.part.lanes.slots, r.size.lambda, i, (long long)r.got[i], (long long)r.sums[i]);
    end(&r);
}

static void
test_sums(void)
{
    static const unsigned bits[] = {2, 10, 16, 20, 24, 31, 32, 33, 48, 62};

    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        check_sums(3, 2, bits[i], 1000000);
        check_sums(1, 1, bits[i], 1);
        if (!test_under_valgrind())
            check_sums(5, 15, bits[i], 100000000);
    }
}

static void
test_most_sites(void)
{
    check_sums(test_under_valgrind() ? 3 : 256, 15, 32, 1000000);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_sums);
    RUN(test_most_sites);
    return test_end();
}
