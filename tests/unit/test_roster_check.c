/*
 * The table "Checks of a roster" of fl-protocol(7), row by row: each holds at its edge, is broken
 * by one beside it, and where a refusal names numbers that would do, they do.
 */
#include <float.h>

#include "../naive/lanes.h"
#include "federation.h"

/* ---- parties ---- */

/* YAML lines that are good, and the same with one thing wrong: status and words of the refusal. */
static const struct edge {
    const char *good, *bad;
    enum fl_status status;
    const char *words;
} edges[] = {
    /* sites and min_sum */
    {"", "sites: [\"@a\", \"@b\"]\n", FL_USAGE, "has 2 sites; at least 3"},
    {"sites: [\"@a\", \"@b\", \"@c\"]\n", "sites: []\n", FL_USAGE, "has 0 sites; at least 3"},
    {"min_sum: 5\n", "min_sum: 4\n", FL_USAGE, "only when all 5 sites"},
    {"", "min_sum: 6\n", FL_USAGE, "only when all 5 sites"},
    {FED_HELPERS "min_sum: 3\n", FED_HELPERS "min_sum: 2\n", FL_USAGE,
     "2 is not from 3 to the number of sites, 5"},
    {FED_HELPERS "min_sum: 5\n", FED_HELPERS "min_sum: 6\n", FL_USAGE,
     "6 is not from 3 to the number of sites, 5"},
    {FED_HELPERS "min_sum: 4\n", FED_HELPERS, FL_USAGE, "lacks \"min_sum\""},
    /* helpers */
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nhelpers: [b]\nmin_sum: 4\n", FL_USAGE,
     "has 1 helpers; protection helpers needs 2 to 16"},
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nmin_sum: 4\n", FL_USAGE,
     "has 0 helpers; protection helpers needs 2 to 16"},
    {"", "helpers: [b, c]\n", FL_USAGE, "pairwise has neither helpers nor replay"},
    {"", "replay: [b]\n", FL_USAGE, "pairwise has neither helpers nor replay"},
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nhelpers: [b, hub]\nmin_sum: 4\n", FL_USAGE,
     "stands here with its public line"},
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nhelpers: [b, aux]\nmin_sum: 4\n", FL_USAGE,
     "stands here with its public line"},
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nhelpers: [b, b]\nmin_sum: 4\n", FL_USAGE,
     "\"b\" is named twice"},
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nhelpers: [b, \"@hub\"]\nmin_sum: 4\n",
     FL_REFUSED, "\"hub\" is there twice"},
    {FED_HELPERS "min_sum: 4\n", "protection: helpers\nhelpers: [b, \"@c\"]\nmin_sum: 4\n",
     FL_REFUSED, "\"c\" is there twice"},
    {FED_HELPERS "min_sum: 4\n",
     "protection: helpers\nhelpers: [b, \"@aux\", \"@aux\"]\nmin_sum: 4\n", FL_REFUSED,
     "\"aux\" is there twice"},
    /* replay */
    {FED_HELPERS "min_sum: 4\nreplay: [aux, e, b]\n",
     FED_HELPERS "min_sum: 4\nreplay: [aux, hub]\n", FL_USAGE, "replay: \"hub\" is none of"},
    {FED_HELPERS "min_sum: 4\nreplay: []\n", FED_HELPERS "min_sum: 4\nreplay: [x]\n", FL_USAGE,
     "replay: \"x\" is none of"},
    {FED_HELPERS "min_sum: 4\nreplay: [e]\n", FED_HELPERS "min_sum: 4\nreplay: [e, e]\n", FL_USAGE,
     "\"e\" is named twice"},
    /* lines */
    {"", "hub: fl1 hub 1 00\n", FL_USAGE, "hub: "},
    {"", "sites: [\"@a\", \"@b\", c]\n", FL_USAGE, "sites: "},
    {"", "epoch: 2\n", FL_USAGE, "is for epoch 1, the roster is of epoch 2; ask for the line"},
    {"", "epoch: 0\n", FL_USAGE, "is for epoch 1, the roster is of epoch 0; ask for the line"},
    {"", "model: 12\n", FL_USAGE, "\"12\" is no digest"},
    /* weights; min_sum is 5 */
    {"weights: {rule: uniform, floor: 1, cap: 1}\n", "weights: {floor: 0.5, cap: 1}\n", FL_USAGE,
     "under rule uniform every site counts 1"},
    {"", "weights: {cap: 2}\n", FL_USAGE, "under rule uniform every site counts 1"},
    {"weights: {rule: loss, floor: 1, cap: 1}\n", "weights: {rule: loss, cap: 1}\n", FL_USAGE,
     "rule loss needs floor and cap"},
    {"weights: {rule: loss, floor: 1, cap: 1}\n", "weights: {rule: loss, floor: 1}\n", FL_USAGE,
     "rule loss needs floor and cap"},
    {"weights: {rule: loss, floor: 1, cap: 1}\n", "weights: {rule: loss, floor: 1.01, cap: 1}\n",
     FL_USAGE, "floor must be at most cap"},
    {"weights: {rule: loss, floor: 0.5, cap: 2}\n",
     "weights: {rule: loss, floor: 0.5, cap: 2.001}\n", FL_USAGE, "at most 4 times (min_sum - 1)"},
    {FED_HELPERS "min_sum: 3\nweights: {rule: dynamic, floor: 3, cap: 6}\n",
     FED_HELPERS "min_sum: 3\nweights: {rule: dynamic, floor: 3, cap: 6.01}\n", FL_USAGE,
     "at most 2 times (min_sum - 1)"},
    {FED_HELPERS "min_sum: 4\nweights: {rule: dynamic, floor: 2, cap: 6}\n",
     FED_HELPERS "min_sum: 3\nweights: {rule: dynamic, floor: 2, cap: 6}\n", FL_USAGE,
     "no site is more than half of a least sum of 3"},
    /* the step */
    {"apply: {rule: momentum, lr: 1e-9, momentum: 0.999999}\n",
     "apply: {rule: sgd, momentum: 0.1}\n", FL_USAGE,
     "momentum belongs to rules momentum and nesterov"},
    {"apply: {rule: nesterov, momentum: 0}\n", "apply: {momentum: 0.9}\n", FL_USAGE,
     "momentum belongs to rules momentum and nesterov"},
    /* limits */
    {"steps: 16\n", "steps: 15.9\n", FL_USAGE, "15.9 must be at least 16"},
    /* rules */
    {"tensors: [{match: a, protect: plain, bits: 8, clip: 1}, {match: b, protect: mask, bits: 16, "
     "clip: 1}]\nsteps: 16\n",
     "tensors: [{match: a, protect: plain, bits: 16, clip: 1}]\n", FL_USAGE,
     "no rule masks anything"},
    {"", "tensors: [{match: a, protect: frozen}]\n", FL_USAGE, "no rule masks anything"},
    {"", "tensors: [{match: \"\", protect: mask, bits: 16, clip: 1}]\n", FL_USAGE,
     "a pattern is empty"},
    {"tensors: [{match: x, protect: mask, bits: 32, clip: 1}]\n",
     "tensors: [{match: x, protect: mask, bits: 33, clip: 1}]\n", FL_USAGE,
     "bits are 8 to 32 or 64"},
    {"tensors: [{match: x, protect: mask, bits: 64, clip: 1}]\n",
     "tensors: [{match: x, protect: mask, bits: 63, clip: 1}]\n", FL_USAGE,
     "bits are 8 to 32 or 64"},
    {"",
     "tensors: [{match: x, protect: mask, bits: 64, clip: 1}, {match: y, protect: plain, bits: 33, "
     "clip: 1}]\n",
     FL_USAGE, "\"y\": bits 33"},
};

static void
test_edges(void)
{
    struct federation f;

    fed_start(&f, 5, "");
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        if (fed_roster(&f, edges[i].good)) {
            test_failed++;
            printf("# good %zu: \"%s\"\n", i, fl_error_text());
        }
        CHECK_REFUSED(fed_roster(&f, edges[i].bad), edges[i].status, edges[i].words);
    }
    fed_end(&f);
}

/* A pattern may be as long as a tensor's name, 255 bytes. */
static void
test_pattern(void)
{
    struct federation f;
    char more[400], name[300];

    fed_start(&f, 3, "");
    memset(name, 'n', sizeof name);
    for (int len = 255; len <= 256; len++) {
        snprintf(more, sizeof more, "tensors: [{match: %.*s, protect: mask, bits: 16, clip: 1}]\n",
                 len, name);
        if (len == 255)
            CHECK(!fed_roster(&f, more));
        else
            CHECK_REFUSED(fed_roster(&f, more), FL_USAGE, "longer than 255");
    }
    fed_end(&f);
}

/* 16 helpers, and 17. */
static void
test_helpers(void)
{
    struct fl_key *keys[17];
    struct federation f;
    struct fl_buf more = {0};

    fed_start(&f, 5, "");
    for (int i = 0; i < 17; i++) {
        char name[8];
        snprintf(name, sizeof name, "h%d", i);
        keys[i] = fl_key_new(name, 1);
    }
    for (int count = 16; count <= 17; count++) {
        fl_buf_clear(&more);
        fl_buf_printf(&more, "protection: helpers\nmin_sum: 4\nhelpers:\n");
        for (int i = 0; i < count; i++) {
            struct fl_line line;
            fl_key_line(keys[i], &line);
            fl_buf_printf(&more, "  - %s\n", line.text);
        }
        if (count == 16)
            CHECK(!fed_roster(&f, fl_buf_text(&more)) && f.roster.m == 16 &&
                  f.roster.party_count == 21 && f.roster.helpers[15] == 20);
        else
            CHECK_REFUSED(fed_roster(&f, fl_buf_text(&more)), FL_USAGE,
                          "has 17 helpers; at most 16");
    }
    for (int i = 0; i < 17; i++)
        fl_key_free(keys[i]);
    fl_buf_release(&more);
    fed_end(&f);
}

/* 10,000 sites, and one more; two of many are the same. */
static void
test_many_sites(void)
{
    const int most = test_under_valgrind() ? 100 : FL_SITES_MAX;
    struct federation f;
    struct fl_buf sites = {0};
    struct fl_key *key = fl_key_new("x", 1);
    struct fl_line line;

    fed_start(&f, 3, "");
    fl_buf_printf(&sites, "sites:\n");
    for (int i = 0; i < most; i++) {
        snprintf(key->name, sizeof key->name, "s%d", i);
        fl_random_bytes(key->seed, 32);
        fl_sign_pair(key->seed, key->public, key->secret);
        fl_random_bytes(key->dh, 32);
        fl_key_line(key, &line);
        fl_buf_printf(&sites, "  - %s\n", line.text);
    }
    CHECK(!fed_roster(&f, fl_buf_text(&sites)) && f.roster.n == (size_t)most);
    fl_buf_printf(&sites, "  - %s\n", line.text);
    if (most == FL_SITES_MAX)
        CHECK_REFUSED(fed_roster(&f, fl_buf_text(&sites)), FL_USAGE,
                      "has 10001 sites; at most 10000");
    char *first = strstr((char *)sites.data, "  - "), *second = strstr(first + 1, "  - ");
    memmove(first, second, strlen(second) + 1); /* the last one is there twice instead */
    CHECK_REFUSED(fed_roster(&f, (char *)sites.data), FL_REFUSED, "is there twice");
    fl_buf_release(&sites);
    fl_key_free(key);
    fed_end(&f);
}

/* Names and keys that are there twice, the hub's among them; lines for another epoch. */
static void
test_twice(void)
{
    struct federation f;
    struct fl_key *old;

    fed_start(&f, 3, "");
    old = f.key[2];
    f.key[2] = f.key[0];
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"a\" is there twice");
    f.key[2] = fl_key_new("a", 1);
    CHECK_REFUSED(fed_roster(&f, "sites: [\"@a\", \"@b\", \"@a\"]\n"), FL_REFUSED,
                  "\"a\" is there twice");
    memcpy(f.key[2]->name, "hub", 4);
    char more[FL_LINE_MAX + 40];
    struct fl_line line;
    fl_key_line(f.key[2], &line);
    snprintf(more, sizeof more, "sites: [\"@a\", \"@b\", %s]\n", line.text);
    CHECK_REFUSED(fed_roster(&f, more), FL_REFUSED, "\"hub\" is there twice");
    memcpy(f.key[2]->name, "x", 2);
    memcpy(f.key[2]->dh, f.key[1]->dh, 32);
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"b\" and \"x\" have the same key");
    fl_key_renew(f.key[2], 1);
    CHECK(!fed_roster(&f, ""));
    memcpy(f.key[2]->secret, f.key[FED_HUB]->secret, 64);
    memcpy(f.key[2]->public, f.key[FED_HUB]->public, 32);
    CHECK_REFUSED(fed_roster(&f, ""), FL_REFUSED, "\"x\" and \"hub\" have the same key");
    memcpy(f.key[2]->secret, f.key[FED_AUX]->secret, 64);
    memcpy(f.key[2]->public, f.key[FED_AUX]->public, 32);
    CHECK_REFUSED(fed_roster(&f, FED_HELPERS "min_sum: 3\n"), FL_REFUSED,
                  "\"x\" and \"aux\" have the same key");
    fl_key_free(f.key[2]);
    f.key[2] = fl_key_new("x", 2);
    CHECK_REFUSED(fed_roster(&f, ""), FL_USAGE, "epoch 2, the roster is of epoch 1");
    fl_key_free(f.key[2]);
    f.key[2] = old;
    fl_key_renew(f.key[FED_AUX], 2);
    CHECK_REFUSED(fed_roster(&f, FED_HELPERS "min_sum: 3\n"), FL_USAGE,
                  "the line of \"aux\" is for epoch 2");
    fl_key_renew(f.key[FED_HUB], 2); /* the hub has no chains: an older line of it does */
    CHECK_REFUSED(fed_roster(&f, ""), FL_USAGE, "the hub's line is for epoch 2");
    fl_key_renew(f.key[FED_HUB], 0);
    CHECK(!fed_roster(&f, ""));
    fed_end(&f);
}

/* ---- no wrap, resolution, share ---- */

/* The scale against a loop over all, for every width and numbers of sites up to 10,000. */
static void
test_scale(void)
{
    static const double clips[] = {1, 0.2, 1e-9, 1e9, 0.7, 1.0 / 3, 0x1p-20, 127, 128, 1e-3};
    size_t wrong = 0, none = 0, some = 0;

    for (size_t n = 3; n <= 10000; n += n < 300 ? 1 : n / 23)
        for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1)
            for (size_t c = 0; c < sizeof clips / sizeof *clips; c++) {
                double want = naive_scale(n, bits, clips[c]);
                wrong += fl_roster_scale(n, bits, clips[c]) != want;
                none += want == 0;
                some += want != 0;
            }
    CHECK(wrong == 0 && none > 100 && some > 1000);
}

/*
 * To the unit: a clip with which n sites reach the last sum that a lane holds, and the next clip.
 * The definition holds at the scale that is given, and not at twice of it.
 */
static void
test_no_wrap(void)
{
    static const size_t counts[] = {3, 4, 7, 100, 127, 128, 1000, 9999, 10000};

    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1) {
            const uint64_t most = ((UINT64_C(1) << (bits - 1)) - 1) / counts[k];
            /* clips are doubles, so those of 64 bits cannot be on the unit */
            const double unit = bits < 64 ? 1 : 0x1p12;
            if (!most) {
                CHECK(fl_roster_scale(counts[k], bits, 1) == 0);
                CHECK(fl_roster_scale(counts[k], bits, 1e-9) == 0);
                continue;
            }
            const double clip = floor((double)most / unit) * unit - (bits < 64 ? 0 : unit);
            CHECK(fl_roster_scale(counts[k], bits, clip) >= 1);
            CHECK(fl_roster_scale(counts[k], bits, clip) < 2);
            if (bits < 64) { /* a part of a unit more rounds up to one more */
                CHECK(fl_roster_scale(counts[k], bits, nextafter(clip, INFINITY)) == 0.5);
                CHECK(fl_roster_scale(counts[k], bits, clip + 1) == 0.5);
            } else {
                CHECK(fl_roster_scale(counts[k], bits, clip + 3 * unit) == 0.5);
            }
        }
}

/* A roster of F with these values instead of its own: fl_roster_check alone. */
static int
check_again(struct federation *f, unsigned bits, double clip, double floor, double cap)
{
    struct fl_roster *r = &f->roster;
    struct fl_roster with = *r;
    struct fl_tensor_rule rule = r->rules[0];

    rule.bits = bits;
    rule.clip = clip;
    with.rules = &rule;
    with.rule_count = 1;
    with.weights.floor = floor;
    with.weights.cap = cap;
    with.weights.rule = FL_WEIGHT_LOSS;
    return fl_roster_check(&with);
}

/*
 * Resolution: at every width the roster is taken whose steps are just enough, refused with a little
 * less, and the bits or the cap of the refusal are taken.
 */
static void
test_resolution(void)
{
    struct federation f;
    size_t tried = 0, with_cap = 0;

    fed_start(&f, 10, "");
    struct fl_roster *r = &f.roster;
    for (unsigned bits = 8; bits <= 32; bits++) {
        const double clip = 0.2, scale = fl_roster_scale(10, bits, clip);
        const double ratio = clip * scale / 64; /* the largest cap / floor at 64 steps */
        if (ratio < 1) {
            CHECK_REFUSED(check_again(&f, bits, clip, 1, 1), FL_USAGE, "64 are asked for");
        } else if (ratio <= 9) {
            CHECK(!check_again(&f, bits, clip, 1, ratio));
            CHECK_REFUSED(check_again(&f, bits, clip, 1, ratio * 1.001), FL_USAGE,
                          "64 are asked for");
        } else {
            CHECK(!check_again(&f, bits, clip, 1, 9)); /* the share is the edge */
            CHECK_REFUSED(check_again(&f, bits, clip, 1, 9.001), FL_USAGE, "at most 9 times");
            continue;
        }
        unsigned better = 0;
        double cap = 0;
        const char *bits_at = strstr(fl_error_text(), "bits: "),
                   *cap_at = strstr(fl_error_text(), "at most ");
        CHECK(bits_at && sscanf(bits_at, "bits: %u would do", &better) == 1);
        CHECK(ratio < 1 || (cap_at && sscanf(cap_at, "at most %lf times floor", &cap) == 1));
        CHECK(better > bits && !check_again(&f, better, clip, 1, ratio < 1 ? 1 : ratio * 1.001));
        CHECK(better == bits + 1 || /* and fewer would not do */
              check_again(&f, better - 1, clip, 1, ratio < 1 ? 1 : ratio * 1.001));
        if (ratio >=
            1) { /* a number that is shown is cut to three digits, so it may be a bit more */
            CHECK(!check_again(&f, bits, clip, 1, cap > ratio ? ratio : cap));
            with_cap++;
        }
        tried++;
    }
    CHECK(tried >= 4 && with_cap >= 2);
    CHECK(fl_roster_steps(r, &r->rules[0]) == 0.5 * r->rules[0].scale);
    r->weights.cap = 4;
    CHECK(fl_roster_steps(r, &r->rules[0]) == 0.125 * r->rules[0].scale);
    r->weights.cap = 1;
    /* no lane has so many: then only the cap can help, or fewer steps */
    r->steps = 1e18;
    CHECK_REFUSED(check_again(&f, 32, 0.2, 1, 9), FL_USAGE, "no lane has 1e+18 steps");
    fed_end(&f);
}

/* cap / floor of the design's table, at 64 steps and clip .2; its numbers are cut, not rounded. */
static void
test_design_table(void)
{
    static const struct {
        size_t n;
        unsigned bits;
        double ratio;
    } rows[] = {
        {3, 12, 6.4},  {10, 12, 1.6},  {3, 16, 102},    {10, 16, 26},   {100, 16, 3.2},
        {3, 21, 3280}, {10, 21, 819},  {100, 21, 102},  {1000, 21, 13}, {3, 32, 7e6},
        {10, 32, 2e6}, {100, 32, 2e5}, {1000, 32, 3e4},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double got = 0.2 * fl_roster_scale(rows[i].n, rows[i].bits, 0.2) / 64;
        CHECK(got >= rows[i].ratio * 0.8 && got <= rows[i].ratio * 1.3);
    }
    CHECK(0.2 * fl_roster_scale(100, 12, 0.2) / 64 < 1);
    CHECK(0.2 * fl_roster_scale(1000, 16, 0.2) / 64 < 1);
}

/* cap / floor <= min_sum - 1: exactly so, and by the least more. */
static void
test_share(void)
{
    struct federation f;

    fed_start(&f, 10, "");
    for (int64_t min_sum = 3; min_sum <= 10; min_sum++) {
        f.roster.protection = FL_PROTECTION_HELPERS;
        f.roster.m = 2;
        f.roster.min_sum = min_sum;
        const double most = (double)min_sum - 1;
        char words[40];
        snprintf(words, sizeof words, "at most %d times (min_sum - 1)", (int)most);
        CHECK(!check_again(&f, 32, 0.5, 0.25, most / 4));
        CHECK_REFUSED(check_again(&f, 32, 0.5, 0.25, nextafter(most / 4, 100)), FL_USAGE, words);
    }
    f.roster.m = 0;
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_edges);
    RUN(test_pattern);
    RUN(test_helpers);
    RUN(test_many_sites);
    RUN(test_twice);
    RUN(test_scale);
    RUN(test_no_wrap);
    RUN(test_resolution);
    RUN(test_design_table);
    RUN(test_share);
    return test_end();
}
