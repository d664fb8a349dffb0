/*
 * One pass over units in the order of their scores, highest first, ties as one step. Counts are
 * whole numbers, so that the area under the curve is exact to its one division.
 */
#include "audit/membership.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

static int
highest_first(const void *a, const void *b)
{
    double x = ((const struct fl_scored_unit *)a)->score,
           y = ((const struct fl_scored_unit *)b)->score;

    return (x < y) - (x > y);
}

static int
check_counts(const struct fl_membership *m)
{
    const uint64_t most = UINT64_C(1) << 31;

    if (!m->members || !m->others)
        return fl_error(FL_FAILED,
                        "there are %llu members and %llu others; both are needed to "
                        "tell them apart",
                        (unsigned long long)m->members, (unsigned long long)m->others);
    return m->members <= most && m->others <= most
               ? 0
               : fl_error(FL_FAILED, "there are more than 2^31 members or others");
}

int
fl_membership_measure(struct fl_scored_unit *units, size_t n, struct fl_membership *out)
{
    uint64_t yes = 0, no = 0;

    *out = (struct fl_membership){0};
    for (size_t i = 0; i < n; i++)
        *(units[i].member ? &out->members : &out->others) += 1;
    if (check_counts(out))
        return -1;
    qsort(units, n, sizeof *units, highest_first);
    for (size_t i = 0; i < n;) {
        uint64_t more_yes = 0, more_no = 0;
        double score = units[i].score;
        for (; i < n && units[i].score == score; i++)
            *(units[i].member ? &more_yes : &more_no) += 1;
        out->wins += more_no * (2 * yes + more_yes);
        yes += more_yes;
        no += more_no;
        double tpr = (double)yes / (double)out->members;
        if (no * 1000 <= out->others)
            out->tpr_1000 = tpr;
        if (no * 100 <= out->others)
            out->tpr_100 = tpr;
        out->advantage = fmax(out->advantage, tpr - (double)no / (double)out->others);
    }
    out->auc = (double)out->wins / (2 * (double)out->members * (double)out->others);
    return 0;
}

struct fl_exposure
fl_exposure(const double *logprobs, size_t count, size_t planted)
{
    double before = 0, as_likely = 0;

    for (size_t i = 0; i < count; i++) {
        before += logprobs[i] > logprobs[planted];
        as_likely += i != planted && logprobs[i] == logprobs[planted];
    }
    double rank = 1 + before + as_likely / 2;
    return (struct fl_exposure){(uint64_t)ceil(rank), log2((double)count) - log2(rank)};
}
