/*
 * Uploads over several rounds: those of one key follow on each other, whatever the plans say was
 * counted. So a key or a ledger of which an older copy was put back shows to whoever has the files
 * of both rounds, even where the hub says nothing of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/verify_parts.h"

/* The last upload of a key, and where it lies. */
struct seen {
    unsigned char sign[32];
    struct fl_counted last;
    char *file;
};

struct fl_verify_seen {
    struct seen *keys;
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
    for (size_t i = 0; i < all->count; i++)
        free(all->keys[i].file);
    free(all->keys);
    free(all);
}

/* What was seen of the key SIGN; a new place for it at first. NULL with an error. */
static struct seen *
seen_of(struct fl_verify_seen *all, const unsigned char sign[32])
{
    for (size_t i = 0; i < all->count; i++)
        if (!memcmp(all->keys[i].sign, sign, 32))
            return &all->keys[i];
    struct seen *grown = fl_grow(all->keys, all->count, &all->cap, sizeof *grown);
    if (!grown)
        return NULL;
    all->keys = grown;
    struct seen *seen = &grown[all->count++];
    *seen = (struct seen){0};
    memcpy(seen->sign, sign, 32);
    return seen;
}

static int
add_broken(struct fl_verify *v, const struct fl_arrival *a, const char *path,
           const struct seen *seen)
{
    const char *breaks = fl_arrival_breaks(a, &seen->last);
    struct fl_buf reason = {0};
    struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                           .status = FL_REFUSED,
                           .file = path,
                           .party = v->plan.roster.parties[a->upload.from.party].name,
                           .expected = seen->last.digest,
                           .found = a->digest};

    if (!breaks)
        return 0;
    int failed = fl_buf_printf(&reason,
                               "%s, %.300s (upload %llu, %llu lines in the ledger; this is %llu, "
                               "with %llu): two copies of a key or of a ledger are in use, or an "
                               "old one was restored",
                               breaks, seen->file, (unsigned long long)seen->last.ctr,
                               (unsigned long long)seen->last.spent,
                               (unsigned long long)a->upload.from.ctr,
                               (unsigned long long)a->upload.ledger_count);
    f.reason = failed ? NULL : fl_buf_text(&reason);
    failed = failed || fl_findings_add(&v->findings, &f);
    fl_buf_release(&reason);
    return failed ? -1 : 0;
}

int
fl_verify_follows(struct fl_verify *v, const struct fl_arrival *a, const char *path)
{
    const uint32_t site = a->upload.from.party;
    struct seen *seen = v->seen ? seen_of(v->seen, v->plan.roster.parties[site].sign) : NULL;

    if (!seen)
        return v->seen ? -1 : 0;
    if (seen->file && add_broken(v, a, path, seen))
        return -1;
    char *file = fl_strdup(path);
    if (!file)
        return -1;
    free(seen->file);
    seen->file = file;
    seen->last = (struct fl_counted){a->upload.from.ctr, {0}, a->upload.ledger_count};
    memcpy(seen->last.digest, a->digest, 32);
    return 0;
}
