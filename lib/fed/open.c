#include "fed/open.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "fed/encode.h"
#include "fed/store.h"

enum { ROW = 1 << 16 }; /* coordinates that are decoded at a time */

struct fl_open {
    const struct fl_plan *plan;
    struct fl_schema schema; /* of an upload */
    struct fl_lanes lanes;
    struct fl_store *store;
    struct fl_progress *progress;
    uint64_t bytes;       /* of words, added so far */
    uint64_t **sums;      /* (count) words of each tensor of the plan; NULL: nothing is summed */
    uint64_t weight;      /* summed q, times 2^40 */
    unsigned char **tags; /* (n) those of a site that is there, else NULL */
    int64_t *row;         /* (ROW) */
    float *means;         /* (ROW) */
    double divisor;       /* scale times the summed q; after fl_open_check */
};

struct fl_open *
fl_open_new_inspector(const struct fl_plan *plan, struct fl_progress *progress)
{
    struct fl_open *o = fl_alloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->plan = plan;
    o->progress = progress;
    fl_lanes_init(&o->lanes, plan->bits);
    o->tags = fl_alloc(plan->roster.n, sizeof *o->tags);
    if (!fl_schema_start(&o->schema, "an upload of this plan") &&
        !fl_plan_upload_schema(plan, &o->schema) && o->tags)
        return o;
    fl_open_free(o);
    return NULL;
}

struct fl_open *
fl_open_new(const struct fl_plan *plan, uint64_t memory, struct fl_progress *progress)
{
    struct fl_open *o = fl_open_new_inspector(plan, progress);

    if (!o)
        return NULL;
    o->store = fl_store_new(memory);
    o->sums = fl_alloc(plan->count, sizeof *o->sums);
    o->row = fl_alloc(ROW, sizeof *o->row);
    o->means = fl_alloc(ROW, sizeof *o->means);
    int bad = !o->store || !o->sums || !o->row || !o->means;
    for (size_t i = 0; i < plan->count && !bad; i++) {
        o->sums[i] = fl_store_words(o->store, (size_t)plan->tensors[i].words);
        bad = !o->sums[i];
    }
    if (!bad)
        return o;
    fl_open_free(o);
    return NULL;
}

void
fl_open_free(struct fl_open *o)
{
    if (!o)
        return;
    for (size_t i = 0; o->tags && i < o->plan->roster.n; i++)
        free(o->tags[i]);
    fl_schema_release(&o->schema);
    fl_store_free(o->store);
    free(o->sums);
    free(o->tags);
    free(o->row);
    free(o->means);
    free(o);
}

static int
check_bytes(const char *file, const struct fl_meta *meta, const char *key,
            const unsigned char want[32], const char *what)
{
    const unsigned char *got;

    if (fl_meta_get_bytes(meta, key, 32, &got))
        return fl_error_about(file);
    if (memcmp(got, want, 32))
        return fl_error(FL_REFUSED, "%s: was masked for another %s than this plan's", file, what);
    return 0;
}

/* What the plan and the chain of uploads say as well: it must be there and agree. */
static int
check_record(const struct fl_open *o, const char *file, const struct fl_meta *meta)
{
    const unsigned char *prev;
    const char *next;
    int64_t round, base_round, ctr;

    if (fl_meta_get_i64(meta, "round", 0, INT64_MAX, &round) ||
        fl_meta_get_i64(meta, "base.round", 0, INT64_MAX, &base_round) ||
        fl_meta_get_i64(meta, "ctr", 1, INT64_MAX, &ctr) ||
        fl_meta_get_bytes(meta, "prev", 32, &prev) || fl_meta_get_text(meta, "next", &next))
        return fl_error_about(file);
    if ((uint64_t)round != o->plan->round || base_round != o->plan->base_round)
        return fl_error(
            FL_REFUSED,
            "%s: says round %lld from base round %lld; its plan is of round %llu from %lld", file,
            (long long)round, (long long)base_round, (unsigned long long)o->plan->round,
            (long long)o->plan->base_round);
    return 0;
}

/* Whose upload it is, for this plan, and not there yet. */
static int
check_head(const struct fl_open *o, const char *file, const struct fl_meta *meta, uint32_t *site)
{
    const struct fl_roster *r = &o->plan->roster;
    const char *name;
    int64_t index;

    if (check_bytes(file, meta, "roster", r->digest, "roster or epoch") ||
        check_bytes(file, meta, "sid", o->plan->sid, "plan") ||
        check_bytes(file, meta, "base", o->plan->base, "base model") || check_record(o, file, meta))
        return -1;
    if (fl_meta_get_i64(meta, "site.index", 0, (int64_t)r->n - 1, &index) ||
        fl_meta_get_text(meta, "site", &name))
        return fl_error_about(file);
    if (strcmp(name, r->sites[index].name))
        return fl_error(FL_REFUSED,
                        "%s: says that site %lld is \"%.80s\"; in the roster it is \"%s\"", file,
                        (long long)index, name, r->sites[index].name);
    if (o->tags[index])
        return fl_error(FL_REFUSED, "%s: the upload of \"%s\" is there already; a site counts once",
                        file, name);
    *site = (uint32_t)index;
    return 0;
}

/* Add the payload at hand, of that place of an upload; no bit may be set above its lanes. */
static int
add_payload(struct fl_open *o, struct fl_reader *in, size_t place)
{
    const struct fl_plan_tensor *of = fl_plan_at(o->plan, place);
    uint64_t *sum = of && o->sums ? o->sums[o->plan->order[place]] : NULL, stray = 0;
    const unsigned char *data;
    size_t len;
    int got;

    for (size_t at = 0; (got = fl_reader_block(in, &data, &len)) == 1; at += len / sizeof *sum) {
        const uint64_t *words = (const uint64_t *)(const void *)data;
        size_t n = len / sizeof *words;
        for (size_t i = 0; of && i < n; i++)
            stray |= words[i] & ~o->lanes.used;
        if (sum)
            fl_lanes_add(&o->lanes, sum + at, words, n);
        else if (!of)
            o->weight += *words;
        o->bytes += len;
        if (o->progress)
            fl_progress_show(o->progress, o->bytes, "%s", "");
    }
    if (stray)
        return fl_error(
            FL_FAILED,
            "%s: tensor \"%s\" has bits where the plan has no lanes; it was not made by fl-mask",
            fl_reader_name(in), of->name);
    return got;
}

static int
add_tensors(struct fl_open *o, struct fl_reader *in)
{
    const char *file = fl_reader_name(in);
    const struct fl_tensor *t;
    size_t place = 0;
    int got;

    for (; (got = fl_reader_tensor(in, &t)) == 1; place++) {
        if (fl_schema_match_next(&o->schema, place, file, t) || add_payload(o, in, place))
            return -1;
    }
    return got ? got : fl_schema_match_end(&o->schema, place, file);
}

/* Signed by SITE; whatever else signed it must hold too. */
static int
check_signatures(const struct fl_open *o, struct fl_reader *in, uint32_t site)
{
    const struct fl_roster *r = &o->plan->roster;
    const struct fl_sign *sign;
    unsigned char digest[32];
    bool own = false;
    int got;

    fl_reader_digest(in, digest);
    while ((got = fl_reader_sign(in, &sign)) == 1) {
        if (fl_roster_check_sign(r, FL_KIND_MASKED, digest, sign))
            return fl_error_about(fl_reader_name(in));
        own |= sign->signer == site;
    }
    if (!got && !own)
        return fl_error(FL_REFUSED,
                        "%s: is not signed by \"%s\"; ask for a copy with its signature",
                        fl_reader_name(in), r->sites[site].name);
    return got;
}

/* The tag that I publishes for its key with J: those of the other sites, by index. */
static const unsigned char *
tag(const unsigned char *tags, uint32_t i, uint32_t j)
{
    return tags + (size_t)(j < i ? j : j - 1) * 32;
}

/* Both ends of every pair say the same of their key. */
static int
check_tags(const struct fl_open *o, const char *file, uint32_t site)
{
    const struct fl_roster *r = &o->plan->roster;

    for (uint32_t j = 0; j < r->n; j++)
        if (!fl_open_agree(o, site, j))
            return fl_error(
                FL_FAILED,
                "%s: the tags of \"%s\" and \"%s\" differ: they share no key in this round, so "
                "their masks would not cancel; both must accept a roster of a new epoch",
                file, r->sites[site].name, r->sites[j].name);
    return 0;
}

/* The upload at hand; its site is in only when all of it is good. */
static int
add_upload(struct fl_open *o, struct fl_reader *in, const struct fl_meta *meta, uint32_t *site)
{
    const size_t size = 32 * (o->plan->roster.n - 1);
    const char *file = fl_reader_name(in);
    const unsigned char *tags;

    if (check_head(o, file, meta, site))
        return -1;
    if (fl_meta_get_bytes(meta, "tags", size, &tags))
        return fl_error_about(file);
    unsigned char *copy = fl_alloc(size, 1);
    if (!copy)
        return -1;
    memcpy(copy, tags, size);
    if (add_tensors(o, in) || check_signatures(o, in, *site)) {
        free(copy);
        return -1;
    }
    o->tags[*site] = copy;
    return 0;
}

int
fl_open_inspect(struct fl_open *o, struct fl_reader *in, const struct fl_head *head, int64_t *site)
{
    const struct fl_roster *r = &o->plan->roster;
    const struct fl_meta_item *name = fl_meta_find(&head->meta, "site");
    uint32_t index;

    *site = name && name->type == FL_META_TEXT ? fl_roster_find(r, name->value.text) : -1;
    if (*site == (int64_t)FL_SIGNER_HUB)
        *site = -1;
    if (strcmp(head->kind, FL_KIND_MASKED))
        return fl_wrong_kind(fl_reader_name(in), head->kind, FL_KIND_MASKED);
    return add_upload(o, in, &head->meta, &index);
}

bool
fl_open_agree(const struct fl_open *o, uint32_t i, uint32_t j)
{
    return i == j || !o->tags[i] || !o->tags[j] ||
           !memcmp(tag(o->tags[i], i, j), tag(o->tags[j], j, i), 32);
}

int
fl_open_add(struct fl_open *o, struct fl_reader *in)
{
    const struct fl_head *head;
    uint32_t site = 0;
    int got;

    fl_reader_want_digest(in);
    while ((got = fl_reader_expect(in, FL_KIND_MASKED, &head)) == 1)
        if (add_upload(o, in, &head->meta, &site) || check_tags(o, fl_reader_name(in), site))
            return -1;
    return got;
}

static int
check_missing(const struct fl_open *o)
{
    const struct fl_roster *r = &o->plan->roster;
    struct fl_buf names = {0};
    size_t missing = 0;

    for (size_t i = 0; i < r->n; i++)
        if (!o->tags[i] && fl_buf_printf(&names, "%s%s", missing++ ? ", " : "", r->sites[i].name)) {
            fl_buf_release(&names);
            return -1;
        }
    if (missing)
        fl_error(FL_NOT_YET,
                 "%zu of %zu uploads missing: %.800s; with protection pairwise the sum opens when "
                 "all are there",
                 missing, r->n, fl_buf_text(&names));
    fl_buf_release(&names);
    return missing ? -1 : 0;
}

/* Up to ROW coordinates of tensor I from AT on, as integers into o->row. */
static int
decode(struct fl_open *o, size_t i, uint64_t at, size_t *n)
{
    const struct fl_plan_tensor *t = &o->plan->tensors[i];
    const uint64_t row = ROW / o->lanes.count * o->lanes.count;

    *n = (size_t)(t->elements - at < row ? t->elements - at : row);
    return fl_decode_words(&o->lanes, o->sums[i] + at / o->lanes.count, *n, o->row);
}

/* No coordinate beyond what sites of this summed weight can reach. */
static int
check_range(struct fl_open *o, size_t i)
{
    const struct fl_plan_tensor *t = &o->plan->tensors[i];
    double reach = ceil(o->divisor * o->plan->clip * (1 + 0x1p-48)) + (double)o->plan->roster.n;
    int64_t limit = reach < 0x1p63 ? (int64_t)reach : INT64_MAX;
    size_t n;

    for (uint64_t at = 0; at < t->elements; at += n) {
        int bad = decode(o, i, at, &n);
        for (size_t k = 0; k < n; k++)
            bad |= o->row[k] > limit || o->row[k] < -limit;
        if (bad)
            return fl_error(FL_FAILED,
                            "tensor \"%s\": the opened sum is out of the plan's range: an upload "
                            "was not made by the plan, and masks do not show which",
                            t->name);
    }
    return 0;
}

int
fl_open_check(struct fl_open *o)
{
    const struct fl_plan *plan = o->plan;

    if (check_missing(o))
        return -1;
    if (o->weight == 0)
        return fl_error(FL_FAILED, "all weights are zero under the plan's cap; take a smaller cap");
    if (o->weight > (uint64_t)plan->roster.n << FL_WEIGHT_BITS)
        return fl_error(FL_FAILED, "the summed weight is out of range: an upload was not made by "
                                   "the plan, and masks do not show which");
    o->divisor = (double)o->weight * ldexp(plan->scale, -FL_WEIGHT_BITS);
    for (size_t i = 0; i < plan->count; i++)
        if (check_range(o, i))
            return -1;
    return 0;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
set_meta(const struct fl_open *o, struct fl_meta *meta)
{
    const struct fl_plan *plan = o->plan;
    const char *names[FL_SITES_MAX];

    for (size_t i = 0; i < plan->roster.n; i++)
        names[i] = plan->roster.sites[i].name;
    qsort(names, plan->roster.n, sizeof *names, compare_names);
    return fl_meta_set_bytes(meta, "base", plan->base, 32) ||
           fl_meta_set_i64(meta, "base.round", plan->base_round) ||
           (plan->rule == FL_WEIGHT_DYNAMIC && fl_meta_set_f64(meta, "sum.alpha", plan->alpha)) ||
           fl_meta_set_i64(meta, "sum.round", (int64_t)plan->round) ||
           fl_meta_set_text(meta, "sum.rule", "mean") ||
           fl_meta_set_bytes(meta, "sum.sid", plan->sid, 32) ||
           fl_meta_set_text_list(meta, "sum.sites", names, plan->roster.n) ||
           fl_meta_set_f64(meta, "sum.weight", o->divisor / plan->scale * plan->cap) ||
           fl_meta_set_text(meta, "sum.weights", fl_weight_rule_name(plan->rule));
}

static int
write_mean(struct fl_open *o, struct fl_writer *out, size_t i)
{
    const struct fl_plan_tensor *t = &o->plan->tensors[i];
    struct fl_tensor head;
    size_t n;

    fl_tensor_init(&head, t->name, FL_F32, t->rank, t->dims);
    if (fl_writer_tensor(out, &head))
        return -1;
    for (uint64_t at = 0; at < t->elements; at += n) {
        if (decode(o, i, at, &n))
            return fl_error(FL_FAILED, "tensor \"%s\": the opened sum changed", t->name);
        for (size_t k = 0; k < n; k++)
            o->means[k] = (float)((double)o->row[k] / o->divisor);
        if (fl_writer_data(out, o->means, n * sizeof *o->means))
            return -1;
    }
    return 0;
}

int
fl_open_write(struct fl_open *o, struct fl_writer *out)
{
    struct fl_meta meta = {0};
    int bad = set_meta(o, &meta) || fl_writer_head(out, FL_KIND_UPDATE, &meta);

    for (size_t i = 0; i < o->plan->count && !bad; i++)
        bad = write_mean(o, out, i);
    fl_meta_release(&meta);
    return bad || fl_writer_done(out) ? -1 : 0;
}
