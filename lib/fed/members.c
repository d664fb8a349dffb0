/* Two arrays that are kept in one order; they are in one place, so that they agree. */
#include "fed/members.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "sec/set.h"

#define SPENT "sum.uploads.spent"

void
fl_members_release(struct fl_members *m)
{
    free(m->sites);
    free(m->uploads);
    *m = (struct fl_members){0};
}

/* The place of SITE, or where it would come. */
static size_t
place_of(const struct fl_members *m, uint32_t site)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->sites[middle] < site)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
fl_members_has(const struct fl_members *m, uint32_t site)
{
    size_t at = place_of(m, site);

    return at < m->count && m->sites[at] == site;
}

/* Room for one more in both arrays. */
static int
grow(struct fl_members *m)
{
    size_t cap = m->cap ? 2 * m->cap : 16;

    if (m->count < m->cap)
        return 0;
    uint32_t *sites = fl_resize(m->sites, cap, sizeof *sites);
    m->sites = sites ? sites : m->sites;
    struct fl_counted *uploads = fl_resize(m->uploads, cap, sizeof *uploads);
    m->uploads = uploads ? uploads : m->uploads;
    if (!sites || !uploads)
        return -1;
    m->cap = cap;
    return 0;
}

int
fl_members_add(struct fl_members *m, const struct fl_plan *plan, uint32_t site,
               const struct fl_counted *upload)
{
    size_t at = place_of(m, site);

    if (at < m->count && m->sites[at] == site)
        return fl_error(FL_REFUSED, "the upload of \"%s\" is there already; a site counts once",
                        plan->roster.parties[site].name);
    if (grow(m))
        return -1;
    memmove(m->sites + at + 1, m->sites + at, (m->count - at) * sizeof *m->sites);
    memmove(m->uploads + at + 1, m->uploads + at, (m->count - at) * sizeof *m->uploads);
    m->sites[at] = site;
    m->uploads[at] = *upload;
    m->count++;
    return 0;
}

int
fl_members_set(const struct fl_members *m, const struct fl_plan *plan, unsigned char set[32])
{
    unsigned char *digests = fl_alloc(m->count, 32);

    if (!digests)
        return -1;
    for (size_t i = 0; i < m->count; i++)
        memcpy(digests + 32 * i, m->uploads[i].digest, 32);
    fl_set_digest(set, plan->sid, m->sites, digests, m->count);
    free(digests);
    return 0;
}

static int
put_counted(struct fl_meta *meta, const char *key, const char *ctr_key,
            const struct fl_counted *counted, size_t count)
{
    unsigned char *digests = fl_alloc(count, 32);
    int64_t *ctr = fl_alloc(count, sizeof *ctr);
    int failed = !digests || !ctr;

    for (size_t i = 0; i < count && !failed; i++) {
        memcpy(digests + 32 * i, counted[i].digest, 32);
        ctr[i] = (int64_t)counted[i].ctr;
    }
    if (!failed)
        failed = fl_meta_set_bytes(meta, key, digests, 32 * count) ||
                 fl_meta_set_i64_list(meta, ctr_key, ctr, count);
    free(digests);
    free(ctr);
    return failed ? -1 : 0;
}

/* How long their ledgers were, where any has one. */
static int
put_spent(struct fl_meta *meta, const struct fl_members *m)
{
    int64_t *spent = fl_alloc(m->count, sizeof *spent), any = 0;
    int failed = !spent;

    for (size_t i = 0; i < m->count && !failed; i++)
        any |= spent[i] = (int64_t)m->uploads[i].spent;
    if (!failed && any)
        failed = fl_meta_set_i64_list(meta, SPENT, spent, m->count);
    free(spent);
    return failed ? -1 : 0;
}

static int
get_spent(const struct fl_meta *meta, struct fl_members *m)
{
    const struct fl_meta_item *spent = fl_meta_find(meta, SPENT);

    if (!spent)
        return 0;
    if (spent->type != FL_META_I64_LIST || spent->count != m->count)
        return fl_error(FL_FAILED, "its \"" SPENT "\" has another form");
    for (size_t i = 0; i < m->count; i++) {
        if (spent->value.i64_list[i] < 0)
            return fl_error(FL_FAILED, "its \"" SPENT "\" has a number below zero");
        m->uploads[i].spent = (uint64_t)spent->value.i64_list[i];
    }
    return 0;
}

int
fl_members_to_meta(const struct fl_members *m, struct fl_meta *meta)
{
    int64_t *parties = fl_alloc(m->count, sizeof *parties);
    int failed = !parties;

    for (size_t i = 0; i < m->count && !failed; i++)
        parties[i] = m->sites[i];
    if (!failed)
        failed = fl_meta_set_i64_list(meta, "sum.parties", parties, m->count) ||
                 put_counted(meta, "sum.uploads", "sum.uploads.ctr", m->uploads, m->count) ||
                 put_spent(meta, m) ||
                 (m->answer_count &&
                  put_counted(meta, "sum.answers", "sum.answers.ctr", m->answers, m->answer_count));
    free(parties);
    return failed ? -1 : 0;
}

/* COUNT counts and digests under two keys. */
static int
get_counted(const struct fl_meta *meta, const char *key, const char *ctr_key,
            struct fl_counted *counted, size_t count)
{
    const struct fl_meta_item *ctr = fl_meta_find(meta, ctr_key);
    const unsigned char *digests;

    if (fl_meta_get_bytes(meta, key, 32 * count, &digests))
        return -1;
    if (!ctr || ctr->type != FL_META_I64_LIST || ctr->count != count)
        return fl_error(FL_FAILED, "its \"%s\" is missing or has another form", ctr_key);
    for (size_t i = 0; i < count; i++) {
        if (ctr->value.i64_list[i] < 1)
            return fl_error(FL_FAILED, "its \"%s\" counts from 1", ctr_key);
        counted[i].ctr = (uint64_t)ctr->value.i64_list[i];
        memcpy(counted[i].digest, digests + 32 * i, 32);
    }
    return 0;
}

int
fl_members_from_meta(struct fl_members *m, const struct fl_meta *meta, size_t n, size_t helpers)
{
    const struct fl_meta_item *parties = fl_meta_find(meta, "sum.parties");

    *m = (struct fl_members){0};
    if (!parties || parties->type != FL_META_I64_LIST || !parties->count || parties->count > n)
        return fl_error(FL_FAILED, "does not say which sites are in it");
    m->sites = fl_alloc(parties->count, sizeof *m->sites);
    m->uploads = fl_alloc(parties->count, sizeof *m->uploads);
    if (!m->sites || !m->uploads)
        return -1;
    m->cap = parties->count;
    for (; m->count < parties->count; m->count++) {
        int64_t site = parties->value.i64_list[m->count];
        if (site < 0 || site >= (int64_t)n || (m->count && site <= m->sites[m->count - 1]))
            return fl_error(FL_FAILED, "its sites are no ascending list");
        m->sites[m->count] = (uint32_t)site;
    }
    if (get_counted(meta, "sum.uploads", "sum.uploads.ctr", m->uploads, m->count) ||
        get_spent(meta, m))
        return -1;
    if (!fl_meta_find(meta, "sum.answers"))
        return 0;
    m->answer_count = helpers;
    return get_counted(meta, "sum.answers", "sum.answers.ctr", m->answers, helpers);
}
