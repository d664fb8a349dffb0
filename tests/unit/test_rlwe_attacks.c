/*
 * What encryption does not hold against (fl-protocol(7), ENCRYPTED TENSORS): attacks that must work,
 * as long as the manual says that they do, and the one that the roster's roots are there for.
 */
#include "rlwe_round.h"

#include "math/random.h"

/*
 * The hub and one site that cheats read another's update: the site posts an encryption of zeros
 * less the sum of all others, which the hub knows, so that the honest opening shows that one alone.
 * No program of ours can tell such an upload from a good one; so no tensor is encrypted unless the
 * roster says so.
 */
static void
test_one_site_cheats(void)
{
    enum { SITES = 5 };
    struct round r;
    uint64_t *others = malloc((size_t)2 * FL_RING_RESIDUES * sizeof *others);

    begin(&r, SITES, 3, 16, 100000);
    const size_t count = fl_rlwe_capacity(&r.part.lanes);
    for (uint64_t s = 0; s < SITES - 1; s++) {
        for (size_t i = 0; i < count; i++)
            r.values[i] = (int64_t)(fl_random_at(20 + s, 0, i) % 2001) - 1000;
        if (s == SITES - 2) { /* the victim, after the others */
            memcpy(r.sums, r.values, count * sizeof *r.sums);
            memcpy(others, r.c0, FL_RING_RESIDUES * sizeof *others);
            memcpy(others + FL_RING_RESIDUES, r.c1, FL_RING_RESIDUES * sizeof *others);
        }
        send(&r, s, count);
    }
    memset(r.values, 0, count * sizeof *r.values);
    send(&r, SITES - 1, count);
    fl_ring_reduce(others);
    fl_ring_reduce(others + FL_RING_RESIDUES);
    for (size_t i = 0; i < FL_RING_RESIDUES; i++) {
        r.c0[i] += fl_ring_primes[i / N] - others[i];
        r.c1[i] += fl_ring_primes[i / N] - others[FL_RING_RESIDUES + i];
    }
    answer(&r, 0, 3);
    fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
    CHECK(lanes_read(&r, count) == count);
    end(&r);
    free(others);
}

/*
 * A ciphertext that no program of ours makes, c1 = q / 8 at X^0, fixed before the round's secrets
 * were drawn, makes the honest opening show their sum: t s / 8 is in the highest lane, beside the
 * sum of honest zeros. A key serves one round, so the damage stays in it.
 */
static void
test_malformed_shows_secret(void)
{
    struct round r;
    int8_t *s = calloc(N, 1);
    struct fl_big eighth = q_of_ring(), eight = fl_big_of(8), rest;
    size_t read = 0;

    begin(&r, 2, 3, 32, 100000);
    joint_secret(&r, s);
    CHECK(r.part.lanes.slots == 4);
    send(&r, 0, 0);
    send(&r, 1, 0);
    eighth = naive_divide(&eighth, &eight, NULL);
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        struct fl_big p = fl_big_of(fl_ring_primes[k]);
        (void)naive_divide(&eighth, &p, &rest);
        r.c1[k * N] += rest.word[0] + ((uint64_t)rest.word[1] << 32);
    }
    answer(&r, 0, 3);
    fl_rlwe_open(&r.part.lanes, r.c0, r.got, (size_t)4 * N);
    for (size_t i = 0; i < N; i++)
        read += r.got[4 * i + 3] == (int64_t)s[i] * (1 << 29);
    CHECK(read == N);
    end(&r);
    free(s);
}

/*
 * A helper that picks its b after it saw the others', minus their sum and an own key, makes the
 * joint key its own: it reads every upload alone. Why the roster commits to all keys beforehand.
 */
static void
test_rogue_key(void)
{
    struct round r;
    unsigned char seed[32];
    uint64_t *own = calloc(FL_RING_RESIDUES, sizeof *own);

    begin(&r, 3, 3, 16, 100000);
    const size_t count = fl_rlwe_capacity(&r.part.lanes);
    seed_of(seed, "rogue", 0);
    struct fl_rlwe_secret *rogue = fl_rlwe_secret_new(&r.ring, seed);
    fl_rlwe_public(rogue, r.work, r.a, own);
    for (size_t i = 0; i < FL_RING_RESIDUES; i++) /* honest sum, and own less the honest sum */
        r.b[i] = r.b[i] % fl_ring_primes[i / N] + own[i] + fl_ring_primes[i / N] -
                 r.b[i] % fl_ring_primes[i / N];
    fl_rlwe_key_free(r.key);
    r.key = fl_rlwe_key_new(&r.ring, r.a, r.b);
    for (size_t i = 0; i < count; i++)
        r.values[i] = r.sums[i] = (int64_t)(i % 3001) - 1500;
    send(&r, 0, count);
    fl_rlwe_share(rogue, r.work, &r.size, seed, 0, r.c1, r.packed);
    CHECK(!fl_ring_add(r.c0, r.packed, 0, FL_RING_UNITS));
    fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
    CHECK(lanes_read(&r, count) == count);
    fl_rlwe_secret_free(rogue);
    end(&r);
    free(own);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_one_site_cheats);
    RUN(test_malformed_shows_secret);
    RUN(test_rogue_key);
    return test_end();
}
