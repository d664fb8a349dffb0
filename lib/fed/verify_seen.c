/*
 * Uploads over several rounds: those of one key follow on each other, whatever the plans say was
 * counted. So a key or a ledger of which an older copy was put back shows to whoever has the files
 * of both rounds, even where the hub says nothing of it. Rounds may come in any order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/verify_parts.h"

struct seen {
    int64_t epoch;
    uint64_t round;
    struct fl_sent sent;
    char *file;
};

struct by_key {
    unsigned char sign[32];
    size_t count, cap;
    struct seen *seen;
};

struct fl_verify_seen {
    struct by_key *keys;
    size_t count, cap;
};

struct fl_verify_seen *
fl_verify_seen_new(void)
{
    return fl_alloc(1, sizeof(struct fl_verify_seen));
}

void
fl_verify_seen_free(struct fl_verify_seen *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->count; i++) {
        for (size_t k = 0; k < all->keys[i].count; k++)
            free(all->keys[i].seen[k].file);
        free(all->keys[i].seen);
    }
    free(all->keys);
    free(all);
}

/* What was seen of the key SIGN; at first nothing. NULL with an error. */
static struct by_key *
by_key(struct fl_verify_seen *all, const unsigned char sign[32])
{
    for (size_t i = 0; i < all->count; i++)
        if (!memcmp(all->keys[i].sign, sign, 32))
            return &all->keys[i];
    struct by_key *grown = fl_grow(all->keys, all->count, &all->cap, sizeof *grown);
    if (!grown)
        return NULL;
    all->keys = grown;
    struct by_key *key = &grown[all->count++];
    *key = (struct by_key){0};
    memcpy(key->sign, sign, 32);
    return key;
}

static bool
is_before(const struct seen *a, const struct seen *b)
{
    return a->epoch != b->epoch ? a->epoch < b->epoch : a->round < b->round;
}

/* The upload of the last round before NEW's, or of the first after it; NULL: none. */
static const struct seen *
neighbour(const struct by_key *key, const struct seen *new, bool before)
{
    const struct seen *best = NULL;

    for (size_t i = 0; i < key->count; i++) {
        const struct seen *s = &key->seen[i];
        if (!(before ? is_before(s, new) : is_before(new, s)))
            continue;
        if (!best || (before ? is_before(best, s) : is_before(s, best)))
            best = s;
    }
    return best;
}

/* A finding where LATER, PARTY's, does not follow on FIRST. 0 or -1. */
static int
check_pair(struct fl_verify *v, const char *party, const struct seen *first,
           const struct seen *later)
{
    const struct fl_counted *was = &first->sent.is, *is = &later->sent.is;
    const char *breaks = fl_sent_breaks(&later->sent, was);
    struct fl_buf reason = {0};
    struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                           .status = FL_REFUSED,
                           .file = later->file,
                           .party = party,
                           .expected = was->digest,
                           .found = is->digest};

    if (!breaks)
        return 0;
    int failed = fl_buf_printf(&reason,
                               "%s, %.300s (upload %llu, %llu lines in the ledger; this is %llu, "
                               "with %llu): two copies of a key or of a ledger are in use, or an "
                               "old one was restored",
                               breaks, first->file, (unsigned long long)was->ctr,
                               (unsigned long long)was->spent, (unsigned long long)is->ctr,
                               (unsigned long long)is->spent);
    f.reason = failed ? NULL : fl_buf_text(&reason);
    failed = failed || fl_findings_add(&v->findings, &f);
    fl_buf_release(&reason);
    return failed ? -1 : 0;
}

int
fl_verify_follows(struct fl_verify *v, const struct fl_arrival *a, const char *path)
{
    const struct fl_line *party = &v->plan.roster.parties[a->upload.from.party];

    if (!v->seen)
        return 0;
    struct by_key *key = by_key(v->seen, party->sign);
    struct seen *grown = key ? fl_grow(key->seen, key->count, &key->cap, sizeof *grown) : NULL;
    if (!grown)
        return -1;
    key->seen = grown;
    struct seen *new = &grown[key->count];
    *new = (struct seen){.epoch = v->plan.roster.epoch,
                         .round = v->plan.round,
                         .sent = fl_arrival_sent(a),
                         .file = fl_strdup(path)};
    if (!new->file)
        return -1;
    const struct seen *before = neighbour(key, new, true), *after = neighbour(key, new, false);
    key->count++;
    return (before && check_pair(v, party->name, before, new)) ||
                   (after && check_pair(v, party->name, new, after))
               ? -1
               : 0;
}
