/*
 * One pass over each input: its metadata joins what all inputs must agree on, its tensors go to
 * fed/sum. Losses are summed as the coordinates are, in integers, so that the order of inputs and
 * a tree of partial sums change no bit of them either.
 */
#include "fed/aggregate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "fed/sum.h"
#include "fed/update.h"
#include "math/exact.h"

/* Metadata that is added up; missing when it was missing in one of the inputs. */
struct count {
    bool missing;
    int64_t sum;
};

struct loss {
    bool missing;
    uint64_t word[FL_EXACT_WORDS];
};

static const char *const count_keys[] = {"examples", "tokens"};
static const char *const loss_keys[] = {"loss.first", "loss.last"};
static const char *const loss_sum_keys[] = {"sum.loss.first", "sum.loss.last"};

enum { COUNTS = 2, LOSSES = 2 };

#define KINDS FL_KIND_UPDATE "|" FL_KIND_SUM /* that can be added */

/* A line of the explanation. */
struct row {
    const char **sites; /* names of the aggregate's, or NULL; SITE_COUNT of them */
    size_t site_count;
    double weight, loss, bandwidth; /* NaN: not known; bandwidth 0: not given */
    int64_t counts[COUNTS];         /* -1: not known */
    int age;                        /* of its base; -1: a sum, which may have several */
};

struct fl_aggregate {
    struct fl_aggregate_settings set;
    struct fl_sum *sum;
    struct fl_meta common;
    size_t inputs;
    bool nameless; /* there is an update without a site */
    bool rule_known;
    enum fl_weight_rule rule;
    double alpha;
    char **sites;   /* sorted */
    uint64_t *ages; /* of them: bit I is set when an update of age I is in */
    size_t site_count, site_cap, age_cap;
    int64_t stale; /* greatest age that is in */
    struct count counts[COUNTS];
    struct loss losses[LOSSES];
    struct row *rows;
    size_t row_cap; /* INPUTS of them in use */
};

const char *const fl_aggregate_columns[] = {"sites",          "weight", "share",
                                            "examples",       "tokens", "loss_first",
                                            "bandwidth_mbit", "age",    NULL};

struct fl_aggregate *
fl_aggregate_new(const struct fl_aggregate_settings *settings)
{
    struct fl_aggregate *a = fl_alloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->set = *settings;
    a->sum = fl_sum_new(settings->memory, settings->pool, settings->progress);
    if (!a->sum) {
        fl_aggregate_free(a);
        return NULL;
    }
    return a;
}

void
fl_aggregate_free(struct fl_aggregate *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->site_count; i++)
        free(a->sites[i]);
    for (size_t i = 0; i < a->inputs; i++)
        free(a->rows[i].sites);
    free(a->sites);
    free(a->ages);
    free(a->rows);
    fl_meta_release(&a->common);
    fl_sum_free(a->sum);
    free(a);
}

/*
 * Take SITE into the set, and as a site of ROW, which has room. AGES are those of its updates: none
 * of them was in.
 */
static int
add_site(struct fl_aggregate *a, const char *file, const char *site, uint64_t ages, struct row *row)
{
    size_t low = 0, high = a->site_count;

    if (a->set.expected && fl_expected_admit(a->set.expected, file, site))
        return -1;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(site, a->sites[mid]);
        if (order == 0 && a->ages[mid] & ages)
            return fl_error(FL_REFUSED, "%s: site \"%s\" is in the sum already; a site counts once",
                            file, site);
        if (order == 0) {
            a->ages[mid] |= ages;
            row->sites[row->site_count++] = a->sites[mid];
            return 0;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    char **grown = fl_grow(a->sites, a->site_count, &a->site_cap, sizeof *grown);
    if (!grown)
        return -1;
    a->sites = grown;
    uint64_t *more = fl_grow(a->ages, a->site_count, &a->age_cap, sizeof *more);
    char *copy = more ? fl_strdup(site) : NULL;
    a->ages = more ? more : a->ages;
    if (!copy)
        return -1;
    memmove(grown + low + 1, grown + low, (a->site_count - low) * sizeof *grown);
    memmove(more + low + 1, more + low, (a->site_count - low) * sizeof *more);
    grown[low] = copy;
    more[low] = ages;
    a->site_count++;
    row->sites[row->site_count++] = copy;
    return 0;
}

/* With a lineage: make of what an input says what an update of the newest model would. */
static int
make_newest(const struct fl_lineage *lineage, const char *file, struct fl_meta *said, int *age)
{
    const unsigned char *base;

    if (fl_update_base(file, said, &base) || (*age = fl_lineage_age(lineage, file, base)) < 0)
        return -1;
    if (!*age)
        return 0;
    fl_meta_remove(said, "base.params");
    fl_meta_remove(said, "base.round");
    return fl_meta_set_bytes(said, "base", fl_lineage_newest(lineage), FL_HASH_BYTES);
}

/*
 * The base of the first input is everybody's, and its contract; of other keys those stay that all
 * share.
 */
static int
join_common(struct fl_aggregate *a, const char *file, const struct fl_meta *said)
{
    const unsigned char *base, *first;
    char got[FL_UPDATE_HEX], want[FL_UPDATE_HEX];

    if (fl_update_base(file, said, &base))
        return -1;
    if (a->inputs > 0) {
        if (fl_meta_get_bytes(&a->common, "base", FL_HASH_BYTES, &first))
            return -1;
        if (memcmp(base, first, FL_HASH_BYTES))
            return fl_error(FL_REFUSED,
                            "%s: belongs to the model %s..., and the first input to %s...; updates "
                            "of different models cannot be added without --lineage",
                            file, fl_update_short(base, got), fl_update_short(first, want));
        if (!a->set.plain && fl_update_check_contract(file, said, &a->common))
            return -1;
        fl_update_keep_common(&a->common, said);
        return 0;
    }
    if (fl_update_check_contract(file, said, said) || fl_meta_copy(&a->common, said))
        return -1;
    for (size_t i = a->common.count; i > 0; i--)
        if (fl_update_own_key(a->common.items[i - 1].key))
            fl_meta_remove(&a->common, a->common.items[i - 1].key);
    return 0;
}

/* Take what an input says into what all say; *AGE is that of its base. */
static int
add_common(struct fl_aggregate *a, const char *file, const struct fl_meta *meta, int *age)
{
    const struct fl_lineage *lineage = a->set.lineage;
    struct fl_meta said = {NULL, 0, 0};

    *age = 0;
    int failed = (a->set.plain && fl_plain_check_contract(a->set.plain, file, meta)) ||
                 fl_meta_copy(&said, meta) || (lineage && make_newest(lineage, file, &said, age)) ||
                 join_common(a, file, &said);
    fl_meta_release(&said);
    return failed ? -1 : 0;
}

static int
add_rule(struct fl_aggregate *a, const char *file, enum fl_weight_rule rule, double alpha)
{
    const struct fl_weighting *mine = a->set.weighting;
    bool given = a->rule_known || a->set.weighting_given;
    enum fl_weight_rule want = a->rule_known ? a->rule : mine->rule;
    double want_alpha = a->rule_known ? a->alpha : mine->alpha;

    if (given && rule != want)
        return fl_error(FL_FAILED,
                        "%s: is weighted by %s, and the rest by %s; sums must have one rule", file,
                        fl_weight_rule_name(rule), fl_weight_rule_name(want));
    if (given && rule == FL_WEIGHT_DYNAMIC && alpha != want_alpha)
        return fl_error(
            FL_FAILED,
            "%s: is weighted with alpha %g, and the rest with %g; sums must have one rule", file,
            alpha, want_alpha);
    a->rule_known = true;
    a->rule = rule;
    a->alpha = alpha;
    return 0;
}

static int
add_counts(struct fl_aggregate *a, const char *file, const struct fl_meta *meta, struct row *row)
{
    for (int i = 0; i < COUNTS; i++) {
        struct count *c = &a->counts[i];
        int64_t n;
        row->counts[i] = -1;
        if (!fl_meta_find(meta, count_keys[i])) {
            c->missing = true;
            continue;
        }
        if (fl_meta_get_i64(meta, count_keys[i], 0, INT64_MAX, &n))
            return fl_error_about(file);
        c->missing |= a->set.plain && n > INT64_MAX - c->sum; /* no site's number stops others */
        if (n > INT64_MAX - c->sum && !a->set.plain)
            return fl_error(FL_FAILED, "%s: with its %lld %s the total leaves 63 bits", file,
                            (long long)n, count_keys[i]);
        c->sum += c->missing ? 0 : n;
        row->counts[i] = n;
    }
    return 0;
}

static void
word_pointers(uint64_t *word[FL_EXACT_WORDS], struct loss *l)
{
    for (int w = 0; w < FL_EXACT_WORDS; w++)
        word[w] = &l->word[w];
}

/* The losses of one update, times its weight. */
static int
add_losses(struct fl_aggregate *a, const char *file, const struct fl_meta *meta, double weight)
{
    for (int i = 0; i < LOSSES; i++) {
        uint64_t *word[FL_EXACT_WORDS];
        struct fl_exact_span span;
        double loss;
        if (!fl_meta_find(meta, loss_keys[i])) {
            a->losses[i].missing = true;
            continue;
        }
        if (fl_meta_get_f64(meta, loss_keys[i], &loss))
            return fl_error_about(file);
        float x = (float)loss;
        fl_exact_span(&x, 1, &span);
        if (fl_exact_reach(&span, weight) < 0)
            return fl_error(FL_FAILED, "%s: \"%s\" is %g, which is no loss of any use", file,
                            loss_keys[i], loss);
        word_pointers(word, &a->losses[i]);
        fl_exact_add(word, &x, 1, weight);
    }
    return 0;
}

static int
add_update(struct fl_aggregate *a, struct fl_reader *in, const struct fl_meta *meta,
           struct row *row)
{
    const char *file = fl_reader_name(in), *site;

    if (fl_meta_find(meta, "sum.weight"))
        return fl_error(FL_FAILED,
                        "%s: is a mean already, and rounded; add what it was made of, or make "
                        "partial sums with --partial",
                        file);
    if (!(row->sites = fl_alloc(1, sizeof *row->sites)) || fl_update_site(file, meta, &site) ||
        (site && add_site(a, file, site, a->set.plain ? UINT64_MAX : UINT64_C(1) << row->age, row)))
        return -1;
    if (!site && a->set.partial)
        return fl_error(FL_FAILED,
                        "%s: has no site, which a partial sum must know; make it with --site NAME",
                        file);
    if (!site && a->set.expected && fl_expected_admit(a->set.expected, file, NULL))
        return -1;
    a->nameless = a->nameless || !site;
    if (a->set.plain)
        row->weight = fl_plain_weight(a->set.plain, meta);
    else if (fl_weight_of(a->set.weighting, meta, &row->weight))
        return fl_error_about(file);
    row->weight = fl_lineage_weight(row->weight, row->age);
    a->stale = row->age > a->stale ? row->age : a->stale;
    row->bandwidth = fl_weighting_bandwidth(a->set.weighting, site);
    if (fl_meta_find(meta, "loss.first") && fl_meta_get_f64(meta, "loss.first", &row->loss))
        return fl_error_about(file);
    if (add_rule(a, file, a->set.weighting->rule, a->set.weighting->alpha) ||
        add_losses(a, file, meta, row->weight) || fl_sum_add_update(a->sum, in, row->weight))
        return -1;
    return a->set.plain ? fl_plain_admit_upload(a->set.plain, in, site, a->sum) : 0;
}

/* The sites of a partial sum, into the set; with old updates it may have several of a site. */
static int
add_partial_sites(struct fl_aggregate *a, const char *file, const struct fl_meta *meta,
                  struct row *row, uint64_t *terms)
{
    const struct fl_meta_item *sites = fl_meta_find(meta, "sum.sites");

    if (!sites || sites->type != FL_META_TEXT_LIST || sites->count == 0)
        return fl_error(FL_FAILED, "%s: does not say which sites are in it (\"sum.sites\")", file);
    if (!(row->sites = fl_alloc(sites->count, sizeof *row->sites)))
        return -1;
    for (size_t i = 0; i < sites->count; i++) {
        if (fl_update_check_site(file, sites->value.text_list[i]) ||
            add_site(a, file, sites->value.text_list[i], UINT64_MAX, row))
            return -1;
    }
    *terms = sites->count;
    if (!fl_meta_find(meta, "sum.updates"))
        return 0;
    int64_t updates, count = (int64_t)sites->count;
    if (fl_meta_get_i64(meta, "sum.updates", count, count * FL_LINEAGE_AGES, &updates))
        return fl_error_about(file);
    *terms = (uint64_t)updates;
    return 0;
}

static int
add_partial_rule(struct fl_aggregate *a, const char *file, const struct fl_meta *meta)
{
    const char *name;
    double alpha = 0;

    if (fl_meta_get_text(meta, "sum.weights", &name))
        return fl_error_about(file);
    int rule = fl_weight_rule_find(name);
    if (rule < 0) {
        fl_choice_check(FL_WEIGHT_CHOICES, name);
        fl_error_as(FL_FAILED);
        return fl_error_about(file);
    }
    if (rule == FL_WEIGHT_DYNAMIC && fl_meta_get_f64(meta, "sum.alpha", &alpha))
        return fl_error_about(file);
    return add_rule(a, file, (enum fl_weight_rule)rule, alpha);
}

static int
add_partial_losses(struct fl_aggregate *a, const char *file, const struct fl_meta *meta,
                   uint64_t terms)
{
    for (int i = 0; i < LOSSES; i++) {
        const unsigned char *stored;
        uint64_t *word[FL_EXACT_WORDS];
        if (!fl_meta_find(meta, loss_sum_keys[i])) {
            a->losses[i].missing = true;
            continue;
        }
        if (fl_meta_get_bytes(meta, loss_sum_keys[i], sizeof a->losses[i].word, &stored))
            return fl_error_about(file);
        word_pointers(word, &a->losses[i]);
        if (fl_exact_add_stored(word, 0, stored, 1, terms))
            return fl_error(FL_FAILED, "%s: \"%s\" is a sum that %llu losses cannot have", file,
                            loss_sum_keys[i], (unsigned long long)terms);
    }
    return 0;
}

static int
add_partial(struct fl_aggregate *a, struct fl_reader *in, const struct fl_meta *meta,
            struct row *row)
{
    const char *file = fl_reader_name(in);
    const unsigned char *stored;
    uint64_t terms = 0;
    int64_t stale = 0;

    if (row->age)
        return fl_error(
            FL_REFUSED,
            "%s: is a sum for a model before the newest; add its updates by this lineage", file);
    if (fl_meta_get_bytes(meta, "sum.total", 16, &stored))
        return fl_error_about(file);
    if (fl_meta_find(meta, "sum.stale") &&
        fl_meta_get_i64(meta, "sum.stale", 0, FL_LINEAGE_AGES - 1, &stale))
        return fl_error_about(file);
    if (a->set.lineage && (uint64_t)stale > a->set.lineage->stale)
        return fl_error(FL_REFUSED,
                        "%s: has an update that began %lld models ago, and %zu may pass (--stale); "
                        "make the sum again without it",
                        file, (long long)stale, a->set.lineage->stale);
    a->stale = stale > a->stale ? stale : a->stale;
    row->age = -1;
    struct fl_exact_total total = {fl_get64(stored), fl_get64(stored + 8)};
    if (add_partial_sites(a, file, meta, row, &terms) || add_partial_rule(a, file, meta))
        return -1;
    if (terms > FL_EXACT_TERMS)
        return fl_error(FL_FAILED, "%s: has %llu sites; a sum can hold %d", file,
                        (unsigned long long)terms, FL_EXACT_TERMS);
    if ((!total.low && !total.high) || total.high > terms << 16)
        return fl_error(FL_FAILED, "%s: \"sum.total\" is not a sum of %llu weights", file,
                        (unsigned long long)terms);
    if (add_partial_losses(a, file, meta, terms))
        return -1;
    row->weight = fl_exact_total_value(&total);
    return fl_sum_add_partial(a->sum, in, terms, &total);
}

int
fl_aggregate_add_object(struct fl_aggregate *a, struct fl_reader *in, const struct fl_head *head)
{
    const char *file = fl_reader_name(in);
    bool partial = !strcmp(head->kind, FL_KIND_SUM);
    int age;
    struct row *rows = fl_grow(a->rows, a->inputs, &a->row_cap, sizeof *rows);

    if (!rows)
        return -1;
    a->rows = rows;
    if (!strcmp(head->kind, FL_KIND_MASKED))
        return fl_error(FL_FAILED, "%s: is masked; give the plan of its round with -p PLAN", file);
    if (!fl_kind_is(head->kind, KINDS))
        return fl_wrong_kind(file, head->kind, KINDS);
    if (partial && a->set.plain)
        return fl_plain_no_sum(file);
    if (add_common(a, file, &head->meta, &age))
        return -1;
    struct row *row = &rows[a->inputs++];
    *row = (struct row){.loss = NAN, .age = age};
    if (add_counts(a, file, &head->meta, row))
        return -1;
    int result = partial ? add_partial(a, in, &head->meta, row)
                         : add_update(a, in, &head->meta, row);
    if (!result && a->nameless && a->inputs > 1)
        return fl_error(FL_FAILED,
                        "%s: of several inputs each must name its site, so that none counts twice; "
                        "make updates with --site NAME",
                        file);
    return result;
}

int
fl_aggregate_add(struct fl_aggregate *a, struct fl_reader *in)
{
    const struct fl_head *head;
    int got;

    if (a->set.plain)
        fl_reader_want_digest(in);
    while ((got = fl_reader_expect(in, KINDS "|" FL_KIND_MASKED, &head)) == 1)
        if (fl_aggregate_add_object(a, in, head))
            return -1;
    return got;
}

int
fl_aggregate_check(const struct fl_aggregate *a)
{
    if (!a->set.expected)
        return 0;
    return fl_expected_check(a->set.expected, (const char *const *)a->sites, a->site_count,
                             a->set.lineage ? a->site_count : fl_sum_terms(a->sum));
}

uint64_t
fl_aggregate_bytes(const struct fl_aggregate *a)
{
    return fl_sum_bytes(a->sum);
}

uint64_t
fl_aggregate_updates(const struct fl_aggregate *a)
{
    return fl_sum_terms(a->sum);
}

const char *const *
fl_aggregate_sites(const struct fl_aggregate *a, size_t *count)
{
    *count = a->site_count;
    return (const char *const *)a->sites;
}

int
fl_aggregate_form(const struct fl_aggregate *a, struct fl_aggregate_form *form)
{
    const unsigned char *base;

    *form = (struct fl_aggregate_form){.rule = a->rule};
    if (a->rule == FL_WEIGHT_DYNAMIC)
        form->alpha = a->alpha;
    if (fl_meta_get_bytes(&a->common, "base", FL_HASH_BYTES, &base))
        return -1;
    memcpy(form->base, base, FL_HASH_BYTES);
    fl_sum_shapes(a->sum, form->tensors);
    return 0;
}

static int
put_losses(struct fl_aggregate *a, struct fl_meta *meta)
{
    for (int i = 0; i < LOSSES; i++) {
        uint64_t *word[FL_EXACT_WORDS];
        unsigned char stored[8 * FL_EXACT_WORDS];
        float mean;
        word_pointers(word, &a->losses[i]);
        if (a->losses[i].missing)
            continue;
        fl_exact_store(stored, word, 0, 1);
        fl_exact_mean(&mean, word, 1, fl_sum_total(a->sum));
        if (a->set.partial ? fl_meta_set_bytes(meta, loss_sum_keys[i], stored, sizeof stored)
                           : fl_meta_set_f64(meta, loss_keys[i], (double)mean))
            return -1;
    }
    return 0;
}

static int
put_sum(struct fl_aggregate *a, struct fl_meta *meta)
{
    const struct fl_exact_total *total = fl_sum_total(a->sum);
    unsigned char exact[16];

    fl_put64(exact, total->low);
    fl_put64(exact + 8, total->high);
    if (fl_meta_set_text_list(meta, "sum.sites", (const char *const *)a->sites, a->site_count) ||
        fl_meta_set_f64(meta, "sum.weight", fl_exact_total_value(total)) ||
        fl_meta_set_text(meta, "sum.weights", fl_weight_rule_name(a->rule)))
        return -1;
    if ((a->rule == FL_WEIGHT_DYNAMIC && fl_meta_set_f64(meta, "sum.alpha", a->alpha)) ||
        (a->stale && fl_meta_set_i64(meta, "sum.stale", a->stale)))
        return -1;
    if (a->set.partial && a->stale && fl_sum_terms(a->sum) > a->site_count &&
        fl_meta_set_i64(meta, "sum.updates", (int64_t)fl_sum_terms(a->sum)))
        return -1;
    if (a->set.plain && fl_plain_to_meta(a->set.plain, meta))
        return -1;
    return a->set.partial ? fl_meta_set_bytes(meta, "sum.total", exact, sizeof exact)
                          : fl_meta_set_text(meta, "sum.rule", "mean");
}

static int
put_meta(struct fl_aggregate *a, struct fl_meta *meta)
{
    if (fl_meta_copy(meta, &a->common))
        return -1;
    for (int i = 0; i < COUNTS; i++)
        if (!a->counts[i].missing && fl_meta_set_i64(meta, count_keys[i], a->counts[i].sum))
            return -1;
    return put_losses(a, meta) || put_sum(a, meta) ? -1 : 0;
}

int
fl_aggregate_write(struct fl_aggregate *a, struct fl_writer *out)
{
    struct fl_meta meta = {NULL, 0, 0};

    assert(a->inputs > 0);
    int failed = put_meta(a, &meta) ||
                 fl_writer_head(out, a->set.partial ? FL_KIND_SUM : FL_KIND_UPDATE, &meta);
    fl_meta_release(&meta);
    if (failed ||
        (a->set.partial ? fl_sum_write_partial(a->sum, out) : fl_sum_write_mean(a->sum, out)))
        return -1;
    return fl_writer_done(out);
}

/* By the first site of each and the age, which no two have; what has none comes first. */
static int
by_sites(const void *a, const void *b)
{
    const struct row *const *x = a, *const *y = b;

    int order = strcmp((*x)->site_count ? *(*x)->sites : "", (*y)->site_count ? *(*y)->sites : "");

    return order ? order : (*x)->age - (*y)->age;
}

static void
explain_row(const struct row *row, double total, bool lineage, struct fl_report *report)
{
    fl_report_list_text(report, row->sites, row->site_count);
    fl_report_f64(report, row->weight, 0);
    fl_report_f64(report, row->weight / total, 6);
    for (int i = 0; i < COUNTS; i++) {
        if (row->counts[i] < 0)
            fl_report_none(report);
        else
            fl_report_i64(report, row->counts[i]);
    }
    fl_report_f64(report, row->loss, 9);
    fl_report_f64(report, row->bandwidth > 0 ? row->bandwidth : NAN, 9);
    if (lineage && row->age >= 0)
        fl_report_i64(report, row->age);
    else
        fl_report_none(report);
}

void
fl_aggregate_explain(const struct fl_aggregate *a, struct fl_report *report)
{
    double total = fl_exact_total_value(fl_sum_total(a->sum));
    const struct row **order = fl_alloc(a->inputs, sizeof *order);

    report->failed |= !order;
    if (!order)
        return;
    for (size_t i = 0; i < a->inputs; i++)
        order[i] = &a->rows[i];
    qsort(order, a->inputs, sizeof *order, by_sites);
    for (size_t i = 0; i < a->inputs; i++)
        explain_row(order[i], total, a->set.lineage, report);
    free(order);
}
