#include "sec/roster.h"

#include "federation.h"

static void
test_defaults(void)
{
    struct federation f;
    struct fl_roster again;

    fed_start(&f, 5, "");
    const struct fl_roster *r = &f.roster;
    CHECK_TEXT(r->federation, "test");
    CHECK(r->n == 5 && r->m == 5 && r->threshold == 4 && r->min_sum == 4 && r->epoch == 1);
    CHECK(r->first_round == 0 && !r->psk && r->policy.protection == 3);
    CHECK(r->policy.bits_min == 8 && r->policy.bits_max == 64 && r->policy.max_skip == 4096);
    CHECK(r->policy.clip_min == 1e-6 && r->policy.clip_max == 1000 && r->policy.spread == 16);
    CHECK(r->policy.cap[FL_WEIGHT_EXAMPLES] == 1e6 && r->policy.plain.count == 0);
    CHECK(!fl_roster_decode(&again, r->canonical.data, r->canonical.len));
    CHECK(!memcmp(again.digest, r->digest, 32));
    CHECK(fl_roster_find(r, "c") == 2 && fl_roster_find(r, "x") == -1);
    CHECK(fl_roster_find(r, "hub") == (int64_t)FL_SIGNER_HUB);
    CHECK(fl_roster_find_key(r, f.site[3]->public) == 3 && fl_roster_line(r, 9) == NULL);
    fl_roster_release(&again);
    fed_end(&f);
}

static void
test_policy(void)
{
    struct federation f;

    fed_start(&f, 3,
              "first_round: 7\npsk: true\ncommittee: [c, a]\nthreshold: 2\nmin_sum: 3\n"
              "policy:\n  bits: [16, 32]\n  clip: 0.5\n  weights: {loss: 5, uniform: 1}\n"
              "  protection: [pairwise]\n  spread: 2\n  max_skip: 9\n  plain: [x, y]\n");
    const struct fl_policy *p = &f.roster.policy;
    CHECK(f.roster.first_round == 7 && f.roster.psk && f.roster.m == 2);
    CHECK(f.roster.committee[0] == 2 && f.roster.committee[1] == 0);
    CHECK(p->bits_min == 16 && p->bits_max == 32 && p->clip_min == 0.5 && p->clip_max == 0.5);
    CHECK(p->cap[FL_WEIGHT_LOSS] == 5 && p->cap[FL_WEIGHT_UNIFORM] == 1);
    CHECK(p->cap[FL_WEIGHT_EXAMPLES] == 0 && p->cap[FL_WEIGHT_DYNAMIC] == 0);
    CHECK(p->protection == FL_PROTECT_PAIRWISE && p->spread == 2 && p->max_skip == 9);
    CHECK(p->plain.count == 2 && fl_name_list_has(&p->plain, "y"));
    fed_end(&f);
}

/* A policy key that came later: its default is not in the canonical form, whether written or not.
 */
static void
test_vary(void)
{
    struct federation f;
    struct fl_roster r;
    struct fl_meta meta = {0};
    struct fl_buf forged = {0};
    unsigned char silent[32];
    size_t at = 0;

    fed_start(&f, 3, "");
    memcpy(silent, f.roster.digest, 32);
    CHECK(!fed_roster(&f, "policy: {vary: false}\n"));
    CHECK(!f.roster.policy.vary && !memcmp(f.roster.digest, silent, 32));
    CHECK(!fed_roster(&f, "policy: {vary: true}\n"));
    CHECK(f.roster.policy.vary && memcmp(f.roster.digest, silent, 32));
    CHECK(!fl_roster_decode(&r, f.roster.canonical.data, f.roster.canonical.len) && r.policy.vary);
    fl_roster_release(&r);
    CHECK(!fl_meta_decode(&meta, f.roster.canonical.data, f.roster.canonical.len, &at));
    CHECK(!fl_meta_set_i64(&meta, "policy.vary", 0) && !fl_meta_encode(&meta, &forged));
    CHECK(fl_roster_decode(&r, forged.data, forged.len) == -1);
    fl_meta_release(&meta);
    fl_buf_release(&forged);
    fed_end(&f);
}

static void
test_wrong_settings(void)
{
    static const struct {
        const char *more, *words;
    } bad[] = {
        {"color: red\n", "no key \"color\""},
        {"threshold: 1\n", "above half"},
        {"threshold: 4\n", "at most the 3"},
        {"min_sum: 2\n", "from 3 to"},
        {"min_sum: 4\n", "from 3 to"},
        {"committee: [a, z]\n", "is none of the roster's sites"},
        {"committee: [a, hub]\n", "is none of the roster's sites"},
        {"committee: [a, a, b]\n", "there twice"},
        {"policy: {bits: [7, 32]}\n", "8 to 64"},
        {"policy: {bits: [32, 16]}\n", "above its greatest"},
        {"policy: {bits: [8.5, 32]}\n", "whole"},
        {"policy: {clip: [0, 1]}\n", "clip"},
        {"policy: {weights: {size: 1}}\n", "not one of"},
        {"policy: {weights: []}\n", "weights"},
        {"policy: {weights: {loss: 0}}\n", "cap of loss"},
        {"policy: {protection: [none]}\n", "protection: \"none\" is not one of pairwise|double"},
        {"policy: {protection: []}\n", "allows none"},
        {"policy: {noise: gauss}\n", "none"},
        {"policy: {max_skip: 0}\n", "max_skip"},
        {"policy: {color: red}\n", "no key \"color\""},
        {"epoch: x\n", "epoch"},
        {"psk: maybe\n", "psk: \"maybe\" is not one of true|false"},
    };
    struct federation f;

    fed_start(&f, 3, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error_clear();
        CHECK_REFUSED(fed_roster(&f, bad[i].more), FL_USAGE, bad[i].words);
    }
    f.n = 2;
    CHECK_REFUSED(fed_roster(&f, ""), FL_USAGE, "at least 3");
    f.n = 3;
    fed_end(&f);
}

/* Adversarial test 21: names and keys that are there twice; a line for another epoch. */
static void
test_twice(void)
{
    struct federation f;
    struct fl_key *old;

    fed_start(&f, 3, "");
    old = f.site[2];
    f.site[2] = f.site[0];
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"a\" is there twice");
    f.site[2] = fl_key_new("a", 1);
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"a\" is there twice");
    fl_key_free(f.site[2]);
    f.site[2] = fl_key_new("hub", 1);
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"hub\" is there twice");
    memcpy(f.site[2]->name, "x", 2);
    memcpy(f.site[2]->dh, f.site[1]->dh, 32);
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"b\" and \"x\" have the same key");
    fl_key_renew(f.site[2], 1);
    memcpy(f.site[2]->secret, f.hub->secret, 64);
    memcpy(f.site[2]->public, f.hub->public, 32);
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"x\" and \"hub\" have the same key");
    fl_key_free(f.site[2]);
    f.site[2] = fl_key_new("x", 2);
    CHECK_REFUSED(fed_roster(&f, ""), FL_USAGE, "epoch 2, the roster is of epoch 1");
    fl_key_free(f.site[2]);
    f.site[2] = old;
    fl_key_renew(f.hub, 2);
    CHECK_REFUSED(fed_roster(&f, ""), FL_USAGE, "hub's line");
    fed_end(&f);
}

/* One bit anywhere in the canonical form: refused, or another fingerprint. */
static void
test_every_bit(void)
{
    struct federation f;
    struct fl_roster other;

    fed_start(&f, 3, "");
    unsigned char *bytes = f.roster.canonical.data;
    size_t more = test_under_valgrind() ? 80 : 0; /* fewer bytes */
    for (size_t bit = 0; bit < 8 * f.roster.canonical.len; bit += more + (bit % 8 == 5 ? 3 : 5)) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (!fl_roster_decode(&other, bytes, f.roster.canonical.len)) {
            CHECK(memcmp(other.digest, f.roster.digest, 32));
            fl_roster_release(&other);
        }
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < f.roster.canonical.len; cut += 7)
        CHECK(fl_roster_decode(&other, bytes, cut) == -1);
    fed_end(&f);
}

/* A roster of a later version: what this one cannot keep to, it refuses. */
static void
test_unknown_key(void)
{
    struct federation f;
    struct fl_roster other;
    struct fl_meta meta = {0};
    struct fl_buf bytes = {0};
    size_t at = 0;

    fed_start(&f, 3, "");
    CHECK(!fl_meta_decode(&meta, f.roster.canonical.data, f.roster.canonical.len, &at));
    CHECK(!fl_meta_set_i64(&meta, "policy.groups", 2) && !fl_meta_encode(&meta, &bytes));
    CHECK_REFUSED(fl_roster_decode(&other, bytes.data, bytes.len), FL_USAGE, "this version knows");
    fl_meta_release(&meta);
    fl_buf_release(&bytes);
    fed_end(&f);
}

static void
test_signatures(void)
{
    struct federation f;
    struct fl_sign sign, other;
    unsigned char digest[32] = {1};

    fed_start(&f, 3, "");
    fl_roster_sign(&f.roster, 1, f.site[1], "masked", digest, &sign);
    CHECK(!fl_roster_check_sign(&f.roster, "masked", digest, &sign));
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "update", digest, &sign), FL_REFUSED, "\"b\"");
    digest[5] = 1;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &sign), FL_REFUSED, "\"b\"");
    digest[5] = 0;
    other = sign; /* b's signature in a's place, then as the hub's */
    other.signer = 0;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other.signer = FL_SIGNER_HUB;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other.signer = 3;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other = sign; /* a's name and key, b's signature */
    other.signer = 0;
    memcpy(other.key, f.site[0]->public, 32);
    memcpy(other.name, "a", 2);
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "hold");
    other = sign; /* a good signature beside a key that is not b's */
    other.key[0] ^= 1;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "its own");
    other = sign;
    other.roster[0] ^= 1;
    CHECK_REFUSED(fl_roster_check_sign(&f.roster, "masked", digest, &other), FL_REFUSED, "another");
    for (int bit = 0; bit < 512; bit += test_under_valgrind() ? 41 : 3) {
        other = sign;
        other.signature[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(fl_roster_check_sign(&f.roster, "masked", digest, &other) == -1);
    }
    fed_end(&f);
}

static void
test_members(void)
{
    struct federation f;
    unsigned char one[32], two[32];

    fed_start(&f, 4, "");
    fl_roster_members(&f.roster, one);
    struct fl_key *a = f.site[0];
    f.site[0] = f.site[2];
    f.site[2] = a;
    CHECK(!fed_roster(&f, ""));
    fl_roster_members(&f.roster, two);
    CHECK(!memcmp(one, two, 32));
    f.n = 3;
    CHECK(!fed_roster(&f, ""));
    fl_roster_members(&f.roster, two);
    CHECK(memcmp(one, two, 32));
    f.n = 4;
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_defaults);
    RUN(test_policy);
    RUN(test_vary);
    RUN(test_wrong_settings);
    RUN(test_twice);
    RUN(test_every_bit);
    RUN(test_unknown_key);
    RUN(test_signatures);
    RUN(test_members);
    return test_end();
}
