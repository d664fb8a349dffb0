/* A helper's line for encryption, its tree, and what a roster with encrypted tensors must have. */
#include "sec/he_line.h"

#include "federation.h"

static void
test_line(void)
{
    const unsigned char root[32] = {7, 8, 9};
    struct fl_key *key = fl_key_new("alice", 3);
    struct fl_he_line line, again;
    char spaced[FL_LINE_MAX + 8];

    fl_he_line_make(&line, key, "demo", root);
    CHECK(!strncmp(line.text, "fl1-he demo alice 3 ", 20));
    snprintf(spaced, sizeof spaced, " \n%s\r\n", line.text);
    CHECK(!fl_he_line_parse(&again, spaced) && !memcmp(&line, &again, sizeof line));
    CHECK(!memcmp(again.root, root, 32) && !memcmp(again.sign, key->public, 32));
    size_t len = strlen(line.text);
    for (size_t i = 0; i < len; i++) { /* every character, to two others; and cut */
        static const char others[] = "0aZ .f";
        for (size_t k = 0, changed = 0; changed < 2; k++) {
            memcpy(spaced, line.text, len + 1);
            if (spaced[i] == others[k])
                continue;
            spaced[i] = others[k];
            changed++;
            CHECK(i + 1 == len && others[k] == ' ' ? true : fl_he_line_parse(&again, spaced) == -1);
        }
        memcpy(spaced, line.text, i);
        spaced[i] = '\0';
        CHECK(fl_he_line_parse(&again, spaced) == -1);
    }
    fl_key_free(key);
}

/* Every path leads to the root that halves of halves make; another leaf, place or path does not. */
static void
test_tree(void)
{
    static unsigned char leaves[FL_HE_ROUNDS * 32];
    unsigned char root[32], path[FL_HE_PATH], got[32];

    for (size_t k = 0; k < FL_HE_ROUNDS; k++)
        fl_he_leaf(leaves + 32 * k, "demo", 1, leaves, k, "key", 3);
    fl_he_root(root, leaves);
    for (size_t k = 0; k < FL_HE_ROUNDS; k += k < 8 ? 1 : 127) {
        fl_he_path(path, leaves, k);
        fl_he_climb(got, leaves + 32 * k, path, k);
        CHECK(!memcmp(got, root, 32) && !memcmp(path, leaves + 32 * (k ^ 1), 32));
        fl_he_climb(got, leaves + 32 * (k ^ 1), path, k);
        CHECK(memcmp(got, root, 32));
        fl_he_climb(got, leaves + 32 * k, path, k ^ 2);
        CHECK(memcmp(got, root, 32));
        path[k % FL_HE_PATH] ^= 1;
        fl_he_climb(got, leaves + 32 * k, path, k);
        CHECK(memcmp(got, root, 32));
    }
}

/* A leaf is of one federation, epoch, helper, round and key. */
static void
test_leaf(void)
{
    const unsigned char sign[32] = {1}, other[32] = {2};
    unsigned char leaf[6][32];

    fl_he_leaf(leaf[0], "ab", 1, sign, 2, "c", 1);
    fl_he_leaf(leaf[1], "a", 1, sign, 2, "c", 1);
    fl_he_leaf(leaf[2], "ab", 2, sign, 2, "c", 1);
    fl_he_leaf(leaf[3], "ab", 1, other, 2, "c", 1);
    fl_he_leaf(leaf[4], "ab", 1, sign, 3, "c", 1);
    fl_he_leaf(leaf[5], "ab", 1, sign, 2, "d", 1);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            CHECK(memcmp(leaf[i], leaf[j], 32));
}

/* ---- rosters ---- */

#define HE      "tensors: [{match: \"*\", protect: he, bits: 16, clip: 0.5}]\n"
#define HELPERS FED_HELPERS "min_sum: 4\n"

/* "he: [...]" of b and aux, whose roots begin with these bytes; NAME, if not NULL, is aux's. */
static const char *
lines(const struct federation *f, const char *federation, int b, int aux, int count)
{
    static char text[3 * FL_LINE_MAX];
    const unsigned char roots[2][32] = {{(unsigned char)b}, {(unsigned char)aux}};
    struct fl_he_line line;
    int n = snprintf(text, sizeof text, "he:\n");

    for (int i = 0; i < count; i++) { /* aux first: any order will do */
        fl_he_line_make(&line, f->key[i % 2 ? 1 : FED_AUX], federation, roots[i % 2 ? 0 : 1]);
        n += snprintf(text + n, sizeof text - (size_t)n, "  - %s\n", line.text);
    }
    return text;
}

/* A roster of MORE and those lines: 0 or -1. */
static int
try(struct federation *f, const char *more, const char *he)
{
    char yaml[4000];

    snprintf(yaml, sizeof yaml, "%s%s", more, he);
    return fed_roster(f, yaml);
}

static void
test_roster(void)
{
    struct fl_roster again = {0};
    struct federation f;
    char foreign[2 * FL_LINE_MAX];
    struct fl_he_line line;

    fed_start(&f, 5, "");
    CHECK(!f.roster.he && !f.roster.encrypts);
    CHECK(!try(&f, HELPERS HE, lines(&f, "test", 1, 2, 2)));
    CHECK(f.roster.encrypts && f.roster.he[0][0] == 1 && f.roster.he[1][0] == 2);
    CHECK(!fl_roster_decode(&again, f.roster.canonical.data, f.roster.canonical.len) &&
          !memcmp(again.digest, f.roster.digest, 32));
    fl_roster_release(&again);

    CHECK_REFUSED(try(&f, HELPERS HE, ""), FL_USAGE, "fl-keygen --he test prints at each helper");
    CHECK_REFUSED(try(&f, HELPERS, lines(&f, "test", 1, 2, 2)), FL_USAGE,
                  "no tensor has protect: he");
    CHECK_REFUSED(try(&f, HELPERS HE, lines(&f, "test", 1, 2, 1)), FL_USAGE,
                  "lacks the line of \"b\"");
    CHECK_REFUSED(try(&f, HELPERS HE, lines(&f, "test", 1, 2, 3)), FL_REFUSED, "or a line twice");
    CHECK_REFUSED(try(&f, HELPERS HE, lines(&f, "test", 3, 3, 2)), FL_REFUSED,
                  "has the root of another helper");
    CHECK_REFUSED(try(&f, HELPERS HE, lines(&f, "other", 1, 2, 2)), FL_USAGE,
                  "is for \"other\", epoch 1");
    CHECK_REFUSED(try(&f, HE, lines(&f, "test", 1, 2, 2)), FL_USAGE,
                  "none of the roster's helpers");
    CHECK_REFUSED(try(&f, HE, ""), FL_USAGE, "protect he needs protection: helpers");
    CHECK_REFUSED(try(&f, HELPERS HE "max_age: 1025\n", lines(&f, "test", 1, 2, 2)), FL_USAGE,
                  "at most 1024");
    CHECK(!try(&f, HELPERS HE "max_age: 1024\n", lines(&f, "test", 1, 2, 2)));
    CHECK_REFUSED(try(&f, HELPERS "tensors: [{match: a, protect: he, bits: 64, clip: 1}]\n",
                      lines(&f, "test", 1, 2, 2)),
                  FL_USAGE, "lanes of 8 to 32 bits");
    CHECK_REFUSED(try(&f,
                      HELPERS HE "noise: {site: {clip: 1, multiplier: 1}}\nbudget: {epsilon: 100, "
                                 "delta: 1e-6}\n",
                      lines(&f, "test", 1, 2, 2)),
                  FL_USAGE, "protect he, where others can multiply what a site sent");
    fl_he_line_make(&line, f.key[2], "test", f.model);
    snprintf(foreign, sizeof foreign, "he:\n  - %s\n", line.text);
    CHECK_REFUSED(try(&f, HELPERS HE, foreign), FL_USAGE, "\"c\" is none of the roster's helpers");
    snprintf(f.key[2]->name, sizeof f.key[2]->name, "b");
    fl_he_line_make(&line, f.key[2], "test", f.model);
    snprintf(f.key[2]->name, sizeof f.key[2]->name, "c");
    snprintf(foreign, sizeof foreign, "he:\n  - %s\n", line.text);
    CHECK_REFUSED(try(&f, HELPERS HE, foreign), FL_REFUSED,
                  "\"b\" is of another key than the roster's");
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_line);
    RUN(test_tree);
    RUN(test_leaf);
    RUN(test_roster);
    return test_end();
}
