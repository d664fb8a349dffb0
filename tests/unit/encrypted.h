/*
 * Federations with encrypted tensors, for tests (round.h): b and aux are helpers whose lines commit
 * them to keys of the first HE_KEYS rounds alone, since all 1024 take seconds.
 */
#ifndef FL_TEST_ENCRYPTED_H
#define FL_TEST_ENCRYPTED_H

#include "round.h"
#include "sec/he_key.h"

enum { HE_KEYS = 3 };

#define HE_HELPERS FED_HELPERS "min_sum: 4\n"

static inline size_t
he_key_of(int h)
{
    return h ? FED_AUX : 1;
}

/* Helper H's chain at round K. */
static inline void
he_chain(int h, uint64_t k, unsigned char hs[32])
{
    memset(hs, 17 + h, 32);
    for (uint64_t at = 0; at < k; at++)
        fl_he_step(hs, at);
}

/* Its key of round K. */
static inline void
he_key(int h, uint64_t k, unsigned char rk[32])
{
    unsigned char hs[32];

    he_chain(h, k, hs);
    fl_he_round_key(rk, hs, k);
}

/* Its public key of round K. */
static inline const uint64_t *
he_public(const struct federation *f, int h, uint64_t k)
{
    static uint64_t keys[2][HE_KEYS][FL_RING_WORDS];
    static unsigned char of[2][32]; /* by which Ed25519 key they were made */
    const unsigned char *sign = f->key[he_key_of(h)]->public;
    const struct fl_he_owner owner = {"test", 1, sign};
    unsigned char rk[32];

    for (uint64_t i = 0; i < HE_KEYS && memcmp(of[h], sign, 32); i++) {
        he_key(h, i, rk);
        CHECK(!fl_he_public(keys[h][i], &owner, rk, i));
    }
    memcpy(of[h], sign, 32);
    return keys[h][k];
}

/* Its leaves, of which those after the first HE_KEYS are zero. */
static inline const unsigned char *
he_leaves(const struct federation *f, int h)
{
    static unsigned char leaves[2][FL_HE_ROUNDS * 32];

    for (uint64_t k = 0; k < HE_KEYS; k++)
        fl_he_leaf(leaves[h] + 32 * k, "test", 1, f->key[he_key_of(h)]->public, k,
                   he_public(f, h, k), FL_HE_KEY);
    return leaves[h];
}

/* Let helper H's key file have a chain; its line into TEXT. */
static inline void
he_offer(const struct federation *f, int h, struct fl_he_line *line)
{
    struct fl_key *key = f->key[he_key_of(h)];

    key->has_he = true;
    snprintf(key->he_federation, sizeof key->he_federation, "test");
    he_chain(h, 0, key->he_seed);
    if (!key->he_leaves)
        key->he_leaves = fl_alloc(FL_HE_ROUNDS, 32);
    memcpy(key->he_leaves, he_leaves(f, h), FL_HE_ROUNDS * 32);
    fl_he_root(key->he_root, key->he_leaves);
    fl_he_line_make(line, key, "test", key->he_root);
    CHECK(!fl_key_write(key, fed_file(f, he_key_of(h), ".key")));
}

/* The keys of a plan's round. */
static inline void
he_give(const struct federation *f, struct fl_plan *plan)
{
    const uint64_t k = fl_plan_he_round(plan);

    plan->keys = fl_alloc_aligned(2, sizeof *plan->keys);
    for (int h = 0; h < 2; h++) {
        memcpy(plan->keys[h].key, he_public(f, h, k), FL_HE_KEY);
        fl_he_path(plan->keys[h].path, he_leaves(f, h), k);
    }
}

/* N sites under a roster with these lines, which has encrypted tensors; nobody has accepted. */
static inline void
he_start(struct federation *f, size_t n, const char *more)
{
    struct fl_he_line line[2];
    struct fl_buf text = {0};

    fed_start(f, n, "");
    f->keys = he_give;
    for (int h = 0; h < 2; h++)
        he_offer(f, h, &line[h]);
    fl_buf_printf(&text, "%s%she: [\"%s\", \"%s\"]\n", HE_HELPERS, more, line[0].text,
                  line[1].text);
    if (fed_roster(f, fl_buf_text(&text))) {
        test_failed++;
        printf("# \"%s\"\n", fl_error_text());
    }
    fl_buf_release(&text);
}

/* As round_start, of round 1. */
static inline void
he_round_start(struct round *r, struct federation *f, size_t n, const char *more, fed_value *value)
{
    he_start(f, n, more);
    fed_accept_all(f);
    CHECK(!round_plan(r, f, &(struct fed_planning){.round = 1}));
    for (size_t i = 0; i < n; i++)
        fed_update(f, i, f->model, 10 + (int64_t)i, value);
}

/* Cut the upload FROM in two: its object of ciphertexts, and what comes after it. */
static inline void
he_split(const struct federation *f, const char *from, const char *ciphers, const char *rest)
{
    struct fl_buf bytes = {0};
    size_t at = 64;

    CHECK(!fl_read_file(fed_path(f, from), 1 << 26, &bytes));
    while (at < bytes.len && memcmp(bytes.data + at, "FLT1", 4)) /* objects are whole 64s */
        at += 64;
    CHECK(at < bytes.len &&
          !fl_output_write_file(fed_path(f, ciphers), bytes.data, at, FL_OUTPUT_SECRET) &&
          !fl_output_write_file(fed_path(f, rest), bytes.data + at, bytes.len - at,
                                FL_OUTPUT_SECRET));
    fl_buf_release(&bytes);
}

#endif
