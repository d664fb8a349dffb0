/*
 * What encryption of tensors costs: encrypting beside SEAL's CKKS as the npm package node-seal runs
 * it (seal_ckks.mjs), on one core; bytes of an upload; a share beside adding what it is for. For 10^6
 * coordinates of a round of 256 sites and 15 helpers.
 */
#include <string.h>
#include <time.h>

#include "bench.h"
#include "crypt/secret.h"
#include "math/random.h"
#include "sec/rlwe.h"

enum { SITES = 256, HELPERS = 15, COORDINATES = 1000000, REPEAT = 10 };

struct bench {
    struct fl_ring ring;
    struct fl_rlwe_secret *secret;
    struct fl_rlwe_key *key;
    struct fl_rlwe_work *work;
    uint64_t *a, *b, *c0, *c1, *sum;
    int64_t *values;
};

/* Of this core: the machine may do something else. */
static double
core_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Seconds of a ciphertext whose lanes have so many bits. */
static double
encrypt(struct bench *b, const struct fl_rlwe_part *part, bool only_c1)
{
    static const unsigned char seed[FL_RING_SEED] = {1};
    struct fl_rlwe_text text = {.lanes = part->lanes,
                                .seed = seed,
                                .values = b->values,
                                .count = (size_t)fl_rlwe_capacity(&part->lanes)};
    const double began = core_seconds();

    for (int i = 0; i < REPEAT; i++, text.index++)
        fl_rlwe_encrypt(b->key, b->work, &text, only_c1 ? NULL : b->c0, b->c1);
    return (core_seconds() - began) / REPEAT;
}

static double
share(struct bench *b, const struct fl_rlwe_size *size)
{
    static const unsigned char seed[FL_RING_SEED] = {2};
    const double began = core_seconds();

    for (uint64_t i = 0; i < REPEAT; i++)
        fl_rlwe_share(b->secret, b->work, size, seed, i, b->sum, b->c0);
    return (core_seconds() - began) / REPEAT;
}

static double
add(struct bench *b)
{
    const double began = core_seconds();

    for (int i = 0; i < REPEAT * 16; i++)
        bench_need(fl_ring_add(b->sum, b->c1, 0, FL_RING_UNITS));
    return (core_seconds() - began) / REPEAT / 16;
}

static double
open_sum(struct bench *b, const struct fl_rlwe_part *part)
{
    const double began = core_seconds();

    for (int i = 0; i < REPEAT; i++)
        fl_rlwe_open(&part->lanes, b->sum, b->values, (size_t)fl_rlwe_capacity(&part->lanes));
    return (core_seconds() - began) / REPEAT;
}

/* Coordinates a second, or 0 where it is not installed. */
static double
seal(void)
{
    char text[64] = "";
    FILE *in = popen("NODE_PATH=\"${NODE_PATH:-$(npm root -g 2>/dev/null)}\" "
                     "node tests/bench/seal_ckks.mjs 2>/dev/null",
                     "r");

    bench_need(in ? 0 : fl_error(FL_FAILED, "popen: failed"));
    double speed = fgets(text, sizeof text, in) ? strtod(text, NULL) : 0;
    pclose(in);
    return speed;
}

static void
start(struct bench *b)
{
    static const unsigned char seed[FL_RING_SEED] = {3};
    const size_t most = (size_t)FL_RLWE_MESSAGE_BITS / 2 * FL_RING_N;

    bench_need(fl_ring_init(&b->ring));
    b->a = calloc((size_t)5 * FL_RING_RESIDUES, sizeof *b->a);
    b->values = calloc(most, sizeof *b->values);
    b->work = fl_rlwe_work_new();
    b->secret = fl_rlwe_secret_new(&b->ring, seed);
    bench_need(!b->a || !b->values || !b->work || !b->secret);
    b->b = b->a + FL_RING_RESIDUES;
    b->c0 = b->b + FL_RING_RESIDUES;
    b->c1 = b->c0 + FL_RING_RESIDUES;
    b->sum = b->c1 + FL_RING_RESIDUES;
    fl_ring_uniform(b->a, seed);
    fl_rlwe_public(b->secret, b->work, b->a, b->b);
    b->key = fl_rlwe_key_new(&b->ring, b->a, b->b);
    bench_need(!b->key);
    for (size_t i = 0; i < most; i++)
        b->values[i] = (int64_t)(fl_random_at(1, 0, i) % 255) - 127;
}

/* Take the fastest form away from all primes, so that the plain one is measured. */
static void
make_plain(struct bench *b)
{
    for (size_t k = 0; k < FL_RING_PRIMES; k++)
        b->ring.ntt[k].form = FL_NTT_PLAIN;
}

static double
bytes(const struct fl_rlwe_part *part)
{
    return 2.0 * sizeof(uint64_t) * FL_RING_WORDS * (double)part->ciphertexts / COORDINATES;
}

int
main(void)
{
    enum { WIDE, NARROW, ONE, SHARE, ADD, OPEN, PLAIN, ALL };
    static struct bench b;
    struct fl_rlwe_part parts[2] = {{.coordinates = COORDINATES, .lanes = {.bits = 32}},
                                    {.coordinates = COORDINATES, .lanes = {.bits = 16}}};
    struct fl_rlwe_size size[2] = {{SITES, HELPERS, &parts[0], 1, 0, 0, 0},
                                   {SITES, HELPERS, &parts[1], 1, 0, 0, 0}};
    double seconds[ALL][BENCH_TIMES], m[ALL];

    bench_need(fl_crypt_init() || fl_rlwe_fit(&size[0]) || fl_rlwe_fit(&size[1]));
    start(&b);
    for (int i = 0; i < BENCH_TIMES; i++) {
        seconds[WIDE][i] = encrypt(&b, &parts[0], false);
        seconds[NARROW][i] = encrypt(&b, &parts[1], false);
        seconds[ONE][i] = encrypt(&b, &parts[0], true);
        seconds[ADD][i] = add(&b);
        seconds[SHARE][i] = share(&b, &size[0]);
        seconds[OPEN][i] = open_sum(&b, &parts[0]);
    }
    const double ckks = seal();
    make_plain(&b);
    for (int i = 0; i < BENCH_TIMES; i++)
        seconds[PLAIN][i] = encrypt(&b, &parts[0], false);
    for (int i = 0; i < ALL; i++)
        m[i] = bench_median(seconds[i], BENCH_TIMES);

    const double wide = (double)fl_rlwe_capacity(&parts[0].lanes);
    int good = 1;
    bench_tell("he: encrypting lanes of 32 bits, a core", wide / m[WIDE] / 1e6, "10^6/s");
    bench_tell("he: encrypting lanes of 16 bits, a core",
               (double)fl_rlwe_capacity(&parts[1].lanes) / m[NARROW] / 1e6, "10^6/s");
    bench_tell("he: the first half of a ciphertext alone, times both", m[ONE] / m[WIDE], "ratio");
    bench_tell("he: a ciphertext with transforms in plain C, times those chosen here",
               m[PLAIN] / m[WIDE], "ratio");
    bench_tell("he: a share, times adding one ciphertext's half", m[SHARE] / m[ADD], "ratio");
    bench_tell("he: opening, times a share", m[OPEN] / m[SHARE], "ratio");
    good &= bench_at_most("he: an upload of 10^6 coordinates of 32 bits", bytes(&parts[0]),
                          "bytes each", 16);
    good &= bench_at_most("he: an upload of 10^6 coordinates of 16 bits", bytes(&parts[1]),
                          "bytes each", 7);
    if (ckks > 0) {
        bench_tell("he: SEAL's CKKS in node-seal, a core", ckks / 1e6, "10^6/s");
        good &= bench_at_least("he: encrypting lanes of 32 bits, times SEAL's CKKS in node-seal",
                               wide / m[WIDE] / ckks, "ratio", 10);
    } else {
        puts(
            "he: SEAL's CKKS in node-seal is not installed (npm install -g node-seal)\t-\t-\t-\t-");
    }
    return !good;
}
