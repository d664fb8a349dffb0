/*
 * Encryption under valgrind as in secrets.c: seeds and values are marked as undefined, and nothing
 * in keys, ciphertexts and shares branches on them or is looked up by them, in any form of the
 * transform that valgrind's processor has. What is drawn by rejection (ternary numbers, smudging)
 * is drawn of known bits and marked then: which bits were passed over may show.
 *
 *     ciphers [LEAK]      LEAK: branch, index: put one in, which must be found
 */
#include <valgrind/memcheck.h>

#include "../unit/test.h"
#include "crypt/secret.h"
#include "sec/rlwe.h"
#include "sec/rlwe_draw.h"
#include "sec/rlwe_message.h"

enum { HELPERS = 2, BITS = 20 };

static const char *leak = "";
static volatile unsigned sink;

static void
hide(const void *p, size_t n)
{
    VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void
tell(const void *p, size_t n)
{
    VALGRIND_MAKE_MEM_DEFINED(p, n);
}

void __real_fl_rlwe_draw_ternary(int8_t *x, size_t n, const unsigned char *key, uint64_t chunk);
void __wrap_fl_rlwe_draw_ternary(int8_t *x, size_t n, const unsigned char *key, uint64_t chunk);

void
__wrap_fl_rlwe_draw_ternary(int8_t *x, size_t n, const unsigned char *key, uint64_t chunk)
{
    static volatile unsigned char table[256];
    unsigned char known[FL_STREAM_KEY];

    memcpy(known, key, sizeof known);
    tell(known, sizeof known);
    __real_fl_rlwe_draw_ternary(x, n, known, chunk);
    hide(x, n);
    if (!strcmp(leak, "branch") && x[0] > 0)
        sink = 1;
    if (!strcmp(leak, "index"))
        sink = table[x[0] + 1];
}

void __real_fl_rlwe_draw_smudging(uint64_t *low, uint64_t *high, size_t n,
                                  const struct fl_rlwe_size *size, const unsigned char *key,
                                  uint64_t chunk, unsigned char *buffer);
void __wrap_fl_rlwe_draw_smudging(uint64_t *low, uint64_t *high, size_t n,
                                  const struct fl_rlwe_size *size, const unsigned char *key,
                                  uint64_t chunk, unsigned char *buffer);

void
__wrap_fl_rlwe_draw_smudging(uint64_t *low, uint64_t *high, size_t n,
                             const struct fl_rlwe_size *size, const unsigned char *key,
                             uint64_t chunk, unsigned char *buffer)
{
    unsigned char known[FL_STREAM_KEY];

    memcpy(known, key, sizeof known);
    tell(known, sizeof known);
    __real_fl_rlwe_draw_smudging(low, high, n, size, known, chunk, buffer);
    hide(low, n * sizeof *low);
    hide(high, n * sizeof *high);
}

/* One site, all helpers, with transforms of this form. */
static void
check_form(enum fl_ntt_form form)
{
    struct fl_rlwe_part part = {.coordinates = 1, .lanes = {.bits = BITS}};
    struct fl_rlwe_size size = {3, HELPERS, &part, 1, 0, 0, 0};
    struct fl_rlwe_secret *secrets[HELPERS];
    struct fl_rlwe_work *work = fl_rlwe_work_new();
    struct fl_ring ring;
    uint64_t *a = calloc((size_t)5 * FL_RING_RESIDUES, sizeof *a), *b = a + FL_RING_RESIDUES;
    uint64_t *one = b + FL_RING_RESIDUES, *c0 = one + FL_RING_RESIDUES, *c1 = c0 + FL_RING_RESIDUES;
    unsigned char seed[FL_RING_SEED] = {1};

    CHECK(!fl_ring_init(&ring) && !fl_rlwe_fit(&size));
    for (size_t k = 0; k < FL_RING_PRIMES; k++)
        ring.ntt[k].form = form;
    fl_ring_uniform(a, seed);
    for (size_t h = 0; h < HELPERS; h++) {
        seed[1] = (unsigned char)(h + 1);
        hide(seed, sizeof seed);
        secrets[h] = fl_rlwe_secret_new(&ring, seed);
        tell(seed, sizeof seed);
        fl_rlwe_public(secrets[h], work, a, one);
        tell(one, FL_RING_RESIDUES * sizeof *one);
        for (size_t i = 0; i < FL_RING_RESIDUES; i++)
            b[i] += one[i];
    }
    struct fl_rlwe_key *key = fl_rlwe_key_new(&ring, a, b);
    const size_t count = fl_rlwe_capacity(&part.lanes) - 1;
    int64_t *values = calloc(2 * count, sizeof *values), *got = values + count;
    for (size_t i = 0; i < count; i++)
        values[i] = (int64_t)(i % 1001) - 500;
    hide(values, count * sizeof *values);
    hide(seed, sizeof seed);
    struct fl_rlwe_text text = {part.lanes, seed, 5, values, count};
    fl_rlwe_encrypt(key, work, &text, one, NULL);
    tell(one, FL_RING_WORDS * sizeof *one);
    CHECK(!fl_ring_unpack(c0, one));
    fl_rlwe_encrypt(key, work, &text, NULL, one);
    tell(one, FL_RING_WORDS * sizeof *one);
    CHECK(!fl_ring_unpack(c1, one));
    for (size_t h = 0; h < HELPERS; h++) {
        fl_rlwe_share(secrets[h], work, &size, seed, 5, c1, one);
        tell(one, FL_RING_WORDS * sizeof *one);
        CHECK(!fl_ring_add(c0, one, 0, FL_RING_UNITS));
        fl_rlwe_secret_free(secrets[h]);
    }
    fl_rlwe_open(&part.lanes, c0, got, count);
    tell(values, count * sizeof *values);
    CHECK(!memcmp(values, got, count * sizeof *got));
    fl_rlwe_key_free(key);
    fl_rlwe_work_free(work);
    fl_ring_release(&ring);
    free(values);
    free(a);
}

static void
test_plain(void)
{
    check_form(FL_NTT_PLAIN);
}

static void
test_fast(void)
{
    if (!fl_ntt_has(FL_NTT_AVX2, FL_RING_N, fl_ring_primes[0]))
        SKIP("this processor has no AVX2");
    check_form(FL_NTT_AVX2);
}

int
main(int argc, char **argv)
{
    leak = argc > 1 ? argv[1] : "";
    if (fl_crypt_init())
        return 1;
    RUN(test_plain);
    RUN(test_fast);
    return test_end();
}
