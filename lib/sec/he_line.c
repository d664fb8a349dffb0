/*
 * The line is taken apart word by word and written again: what differs in a byte is none. The tree
 * is small enough to be computed anew for each path.
 */
#include "sec/he_line.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "crypt/hash.h"
#include "sec/sign.h"

#define WORD "fl1-he"

enum { FIELDS = 7 };

static void
line_root(unsigned char root[32], const char *text, size_t len)
{
    fl_hash_once(root, NULL, "fl1.heline", text, len);
}

/* All but the signature; returns its length. */
static size_t
write_front(struct fl_he_line *line)
{
    char sign[65], root[65];

    fl_hex(sign, line->sign, 32);
    fl_hex(root, line->root, 32);
    return (size_t)snprintf(line->text, sizeof line->text, WORD " %s %s %lld %s %s",
                            line->federation, line->name, (long long)line->epoch, sign, root);
}

void
fl_he_line_make(struct fl_he_line *line, const struct fl_key *key, const char *federation,
                const unsigned char root[32])
{
    unsigned char hash[32], sig[FL_SIGN_BYTES];
    char hex[2 * FL_SIGN_BYTES + 1];

    *line = (struct fl_he_line){.epoch = key->epoch};
    snprintf(line->federation, sizeof line->federation, "%s", federation);
    snprintf(line->name, sizeof line->name, "%s", key->name);
    memcpy(line->sign, key->public, sizeof line->sign);
    memcpy(line->root, root, sizeof line->root);
    size_t n = write_front(line);
    line_root(hash, line->text, n);
    fl_sig_make(sig, "heline", NULL, 0, hash, key->secret);
    fl_hex(hex, sig, sizeof sig);
    snprintf(line->text + n, sizeof line->text - n, " %s", hex);
}

/* The words of TEXT, cut at single spaces: FIELDS of them, or -1. */
static int
cut(char *text, char *field[FIELDS])
{
    size_t count = 0;

    for (char *p = text; p; count++) {
        if (count == FIELDS)
            return -1;
        char *space = strchr(p, ' ');
        if (space)
            *space++ = '\0';
        field[count] = p;
        p = space;
    }
    return count == FIELDS ? 0 : -1;
}

static int
take(struct fl_he_line *line, char *const field[FIELDS], unsigned char sig[FL_SIGN_BYTES])
{
    if (strcmp(field[0], WORD) || strlen(field[1]) > FL_SITE_MAX ||
        strlen(field[2]) > FL_SITE_MAX || fl_name_check(field[1]) || fl_name_check(field[2]) ||
        fl_parse_i64(field[3], 0, FL_EPOCH_MAX, &line->epoch) ||
        fl_unhex(line->sign, 32, field[4]) || fl_unhex(line->root, 32, field[5]) ||
        fl_unhex(sig, FL_SIGN_BYTES, field[6]))
        return -1;
    snprintf(line->federation, sizeof line->federation, "%s", field[1]);
    snprintf(line->name, sizeof line->name, "%s", field[2]);
    return 0;
}

int
fl_he_line_parse(struct fl_he_line *line, const char *text)
{
    unsigned char hash[32], sig[FL_SIGN_BYTES] = {0};
    char words[FL_LINE_MAX], hex[2 * FL_SIGN_BYTES + 1], *field[FIELDS];

    *line = (struct fl_he_line){0};
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    int bad = len >= sizeof words;
    if (!bad) {
        memcpy(words, text, len);
        words[len] = '\0';
        bad = cut(words, field) || take(line, field, sig);
    }
    size_t n = bad ? 0 : write_front(line);
    fl_hex(hex, sig, sizeof sig);
    if (!bad) {
        snprintf(line->text + n, sizeof line->text - n, " %s", hex);
        bad = strlen(line->text) != len || memcmp(line->text, text, len);
    }
    if (bad)
        return fl_error(FL_USAGE,
                        "\"%.24s...\" is not a helper's line for encryption; fl-keygen --he "
                        "FEDERATION prints one",
                        text);
    line_root(hash, line->text, n);
    return fl_sig_check(sig, "heline", NULL, 0, hash, line->sign)
               ? fl_error(FL_REFUSED,
                          "the line for encryption of \"%s\" is not signed by its own key; ask for "
                          "it again",
                          line->name)
               : 0;
}

/* ---- the tree ---- */

void
fl_he_leaf(unsigned char leaf[32], const char *federation, int64_t epoch,
           const unsigned char sign[32], uint64_t k, const void *key, size_t len)
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.he.leaf");
    fl_hash_add_sized(&h, federation, strlen(federation));
    fl_hash_add64(&h, (uint64_t)epoch);
    fl_hash_add(&h, sign, 32);
    fl_hash_add64(&h, k);
    fl_hash_add(&h, key, len);
    fl_hash_final(&h, leaf);
}

static void
node(unsigned char out[32], const unsigned char left[32], const unsigned char right[32])
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.he.node");
    fl_hash_add(&h, left, 32);
    fl_hash_add(&h, right, 32);
    fl_hash_final(&h, out);
}

/* The root, and the siblings of leaf K on the way to it, if PATH is not NULL. */
static void
build(unsigned char root[32], const unsigned char *leaves, unsigned char *path, uint64_t k)
{
    unsigned char row[FL_HE_ROUNDS][32];

    memcpy(row, leaves, sizeof row);
    for (size_t n = FL_HE_ROUNDS, level = 0; n > 1; n /= 2, level++, k /= 2) {
        if (path)
            memcpy(path + 32 * level, row[k ^ 1], 32);
        for (size_t i = 0; i < n / 2; i++)
            node(row[i], row[2 * i], row[2 * i + 1]);
    }
    memcpy(root, row[0], 32);
}

void
fl_he_root(unsigned char root[32], const unsigned char *leaves)
{
    build(root, leaves, NULL, 0);
}

void
fl_he_path(unsigned char path[FL_HE_PATH], const unsigned char *leaves, uint64_t k)
{
    unsigned char root[32];

    build(root, leaves, path, k);
}

void
fl_he_climb(unsigned char root[32], const unsigned char leaf[32],
            const unsigned char path[FL_HE_PATH], uint64_t k)
{
    unsigned char at[32];

    memcpy(at, leaf, 32);
    for (size_t level = 0; level < FL_HE_DEPTH; level++, k /= 2)
        node(at, k & 1 ? path + 32 * level : at, k & 1 ? at : path + 32 * level);
    memcpy(root, at, 32);
}
