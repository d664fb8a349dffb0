/* The two ways of a model to the next one stand side by side here; all programs ask this file. */
#include "sec/pace.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define STEP_BASE "step.base"

const char fl_pace_delay_words[] =
    "1: a round is trained while the one before it travels; its mean steps the model that came "
    "after the one it was trained from";

int
fl_pace_check(const struct fl_roster *r)
{
    if (r->delay && r->protection == FL_PROTECTION_HELPERS)
        return fl_error(FL_USAGE, "delay: with protection helpers rounds do not overlap, since a "
                                  "helper follows one model at a time; write delay: 0");
    if (r->stale && r->protection != FL_PROTECTION_NONE)
        return fl_error(FL_USAGE,
                        "stale: belongs to protection none; with %s an update is masked in a plan "
                        "of its own model only, so a late one is dropped",
                        fl_protection_name(r->protection));
    if (r->stale && r->delay)
        return fl_error(FL_USAGE, "stale: a buffered round waits for nobody, so that delay: 1 "
                                  "would gain nothing; leave one of them out");
    return 0;
}

/* Digest KEY of METADATA, or NULL. */
static const unsigned char *
digest_of(const struct fl_meta *metadata, const char *key)
{
    const struct fl_meta_item *item = fl_meta_find(metadata, key);

    return item && item->type == FL_META_BYTES && item->count == 32 ? item->value.bytes : NULL;
}

int
fl_pace_check_step(const struct fl_plan *plan, const char *file, const unsigned char model[32],
                   const struct fl_meta *metadata)
{
    const struct fl_roster *r = &plan->roster;
    const unsigned char *trained = model;

    if (r->delay && memcmp(model, r->model, 32) != 0)
        trained = digest_of(metadata, "parent");
    if (trained && !memcmp(trained, plan->base, 32))
        return 0;
    if (!r->delay)
        return fl_error(FL_REFUSED, "%s: is not the model of the plan; take the one that it names",
                        file);
    return fl_error(FL_REFUSED,
                    "%s: is not the model that came after the plan's; with delay: 1 a mean steps "
                    "that one, and the epoch's first mean the roster's model too",
                    file);
}

int
fl_pace_check_follows(const struct fl_roster *r, const char *file, const struct fl_meta *metadata,
                      int64_t round, const struct fl_pace_mean *mean)
{
    const bool first = r->delay && !memcmp(mean->base, r->model, 32);
    const unsigned char *from = digest_of(metadata, r->delay ? STEP_BASE : "parent");
    const int64_t later = round - mean->base_round;

    if (from && !memcmp(from, mean->base, 32) && (later == 1 + r->delay || (first && later == 1)))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: does not follow from %s; give the model that fl-apply %smade of it", file,
                    mean->file, r->delay ? "-p " : "");
}

int
fl_pace_mark(const struct fl_roster *r, struct fl_meta *metadata, const unsigned char base[32])
{
    if (r->delay)
        return fl_meta_set_bytes(metadata, STEP_BASE, base, 32);
    fl_meta_remove(metadata, STEP_BASE); /* of an epoch before, which had a delay */
    return 0;
}

static int
compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

int
fl_pace_lineage(struct fl_plan *plan, const struct fl_meta *meta)
{
    const struct fl_meta_item *item = fl_meta_find(meta, "lineage");
    const size_t count = item && item->type == FL_META_BYTES ? item->count / 32 : 0;
    unsigned char(*sorted)[32] = item ? fl_alloc(count + 1, sizeof *sorted) : NULL;
    bool twice = false;

    if (!item)
        return 0;
    if (!sorted || !count || item->count % 32 || count > (size_t)plan->roster.stale) {
        free(sorted);
        return fl_error(FL_REFUSED, "its \"lineage\" is not of 1 to %lld models",
                        (long long)plan->roster.stale);
    }
    plan->lineage = fl_alloc(count, sizeof *plan->lineage);
    if (plan->lineage) {
        plan->lineage_count = count;
        memcpy(plan->lineage, item->value.bytes, 32 * count);
        memcpy(sorted, plan->lineage, 32 * count);
        memcpy(sorted[count], plan->base, 32);
        qsort(sorted, count + 1, sizeof *sorted, compare_digests);
        for (size_t i = 1; i <= count; i++)
            twice |= !memcmp(sorted[i - 1], sorted[i], 32);
    }
    free(sorted);
    if (twice)
        return fl_error(FL_REFUSED, "its \"lineage\" has a model twice");
    return plan->lineage ? 0 : -1;
}
