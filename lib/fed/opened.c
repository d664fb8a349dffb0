/* Coordinates are decoded row by row, twice: once to be judged, once to be divided. */
#include "fed/opened.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"

enum { ROW = 1 << 15 };

/* Coordinates of a tensor that whole words hold, at most ROW. */
static size_t
row_of(const struct fl_plan_tensor *t)
{
    return ROW / t->lanes.count * t->lanes.count;
}

static int
check_weight(const struct fl_plan *plan, uint64_t weight, size_t sites)
{
    const struct fl_weight_policy *w = &plan->roster.weights;
    const uint64_t most = (uint64_t)sites << FL_WEIGHT_BITS;
    const double least = floor((double)most * (w->floor / w->cap)) - (double)sites;

    if (w->rule == FL_WEIGHT_UNIFORM ? weight == most : weight <= most && (double)weight >= least)
        return 0;
    return fl_error(FL_FAILED,
                    "the summed weight is %.9g of %zu sites, which these cannot have: an upload or "
                    "an answer was not made by the plan, and masks do not show which",
                    ldexp((double)weight, -FL_WEIGHT_BITS), sites);
}

/* No coordinate beyond what sites of this summed weight can reach. */
static int
check_range(const struct fl_plan *plan, const struct fl_lane_sum *sums, size_t i, size_t sites,
            int64_t *row)
{
    const struct fl_plan_tensor *t = &plan->tensors[i];
    const double q = ldexp((double)fl_lane_sum_weight(sums), -FL_WEIGHT_BITS);
    const double noise = t->noise ? (double)t->noise->reach : 0;
    const double reach = ceil(t->rule->clip * t->rule->scale * q * (1 + 0x1p-48)) + (double)sites +
                         noise;
    const int64_t limit = reach < 0x1p63 ? (int64_t)reach : INT64_MAX;
    const size_t most = row_of(t);

    for (uint64_t at = 0; at < t->elements; at += most) {
        size_t n = fl_piece(t->elements - at, most);
        int bad = fl_lane_sum_decode(sums, i, at, n, row);
        for (size_t k = 0; k < n; k++)
            bad |= row[k] > limit || row[k] < -limit;
        if (bad)
            return fl_error(
                FL_FAILED,
                "tensor \"%s\": the opened sum is out of the plan's range: an upload or "
                "an answer was not made by the plan, and masks do not show which",
                t->tensor->name);
    }
    return 0;
}

int
fl_opened_check(const struct fl_plan *plan, const struct fl_lane_sum *sums,
                const struct fl_members *members)
{
    int64_t *row = fl_alloc(ROW, sizeof *row);
    int failed = !row || check_weight(plan, fl_lane_sum_weight(sums), members->count);

    for (size_t i = 0; i < plan->count && !failed; i++)
        failed = check_range(plan, sums, i, members->count, row);
    free(row);
    return failed ? -1 : 0;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
set_sites(struct fl_meta *meta, const struct fl_plan *plan, const struct fl_members *members)
{
    const char **names = fl_alloc(members->count, sizeof *names);
    int failed = !names;

    for (size_t i = 0; i < members->count && !failed; i++)
        names[i] = plan->roster.parties[members->sites[i]].name;
    if (!failed) {
        qsort(names, members->count, sizeof *names, compare_names);
        failed = fl_meta_set_text_list(meta, "sum.sites", names, members->count);
    }
    free(names);
    return failed ? -1 : 0;
}

/* How long the noise of this mean is: its deviation, over all values. */
static int
set_noise(struct fl_meta *meta, const struct fl_plan *plan, const struct fl_members *members)
{
    const struct fl_bound *b = &plan->noise;

    return b->sigma ? fl_meta_set_f64(meta, "sum.noise",
                                      fl_bound_noise_length(b, members->count) *
                                          fl_decimal_f64(&b->clip))
                    : 0;
}

static int
set_meta(struct fl_meta *meta, const struct fl_plan *plan, const struct fl_lane_sum *sums,
         const struct fl_members *members)
{
    const struct fl_weight_policy *w = &plan->roster.weights;
    unsigned char set[32];

    return fl_members_set(members, plan, set) || fl_members_to_meta(members, meta) ||
           fl_meta_set_bytes(meta, "base", plan->base, 32) ||
           fl_meta_set_bytes(meta, "base.params", plan->params, 32) ||
           fl_meta_set_i64(meta, "base.round", plan->base_round) ||
           (w->rule == FL_WEIGHT_DYNAMIC && fl_meta_set_f64(meta, "sum.alpha", w->alpha)) ||
           fl_meta_set_i64(meta, "sum.round", (int64_t)plan->round) ||
           fl_meta_set_text(meta, "sum.rule", "mean") || set_noise(meta, plan, members) ||
           fl_meta_set_bytes(meta, "sum.set", set, 32) ||
           fl_meta_set_bytes(meta, "sum.sid", plan->sid, 32) || set_sites(meta, plan, members) ||
           fl_meta_set_f64(meta, "sum.weight",
                           ldexp((double)fl_lane_sum_weight(sums), -FL_WEIGHT_BITS) * w->cap) ||
           fl_meta_set_text(meta, "sum.weights", fl_weight_rule_name(w->rule));
}

struct rows {
    int64_t *sums;
    float *means;
};

static int
write_mean(const struct fl_plan *plan, const struct fl_lane_sum *sums, size_t i,
           const struct rows *rows, struct fl_writer *out)
{
    const struct fl_plan_tensor *t = &plan->tensors[i];
    const double divisor = (double)fl_lane_sum_weight(sums) *
                           ldexp(t->rule->scale, -FL_WEIGHT_BITS);
    const size_t most = row_of(t);
    struct fl_tensor head;

    fl_tensor_init(&head, t->tensor->name, FL_F32, t->tensor->rank, t->tensor->dims);
    if (fl_writer_tensor(out, &head))
        return -1;
    for (uint64_t at = 0; at < t->elements; at += most) {
        size_t n = fl_piece(t->elements - at, most);
        if (fl_lane_sum_decode(sums, i, at, n, rows->sums))
            return fl_error(FL_FAILED, "tensor \"%s\": the opened sum changed", t->tensor->name);
        for (size_t k = 0; k < n; k++)
            rows->means[k] = (float)((double)rows->sums[k] / divisor);
        if (fl_writer_data(out, rows->means, n * sizeof *rows->means))
            return -1;
    }
    return 0;
}

int
fl_opened_write(const struct fl_plan *plan, const struct fl_lane_sum *sums,
                const struct fl_members *members, struct fl_writer *out)
{
    const struct rows rows = {fl_alloc(ROW, sizeof *rows.sums), fl_alloc(ROW, sizeof *rows.means)};
    struct fl_meta meta = {0};
    int failed = !rows.sums || !rows.means || set_meta(&meta, plan, sums, members) ||
                 fl_writer_head(out, FL_KIND_UPDATE, &meta);

    for (size_t i = 0; i < plan->count && !failed; i++)
        failed = write_mean(plan, sums, i, &rows, out);
    fl_meta_release(&meta);
    free(rows.sums);
    free(rows.means);
    return failed || fl_writer_done(out) ? -1 : 0;
}
