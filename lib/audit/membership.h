/*
 * How well scores tell those a model was trained on from those it was not: membership inference.
 * And how much likelier than its rivals a planted secret has become: exposure.
 *
 * Sources: Yeom et al. 2018 (loss); Carlini et al. 2022 (true positives at few false ones); Carlini
 * et al. 2019 (exposure).
 */
#ifndef FL_AUDIT_MEMBERSHIP_H
#define FL_AUDIT_MEMBERSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct fl_scored_unit {
    double score; /* the higher, the likelier a member; finite */
    bool member;
};

struct fl_membership {
    uint64_t members, others;
    uint64_t wins;   /* pairs in which the member's score is higher count 2, ties 1 */
    double auc;      /* wins / (2 members others), rounded once */
    double tpr_1000; /* most members found by a threshold that takes 0.1% of the others, or fewer */
    double tpr_100;  /* and 1% */
    double advantage; /* most of true less false positives, over the thresholds */
};

/*
 * Measure N units, which are sorted by score. A threshold takes all of one score or none of them.
 * -1 (FL_FAILED) unless there are both members and others, at most 2^31 of each. O(n log n).
 */
FL_MUST int fl_membership_measure(struct fl_scored_unit *units, size_t n,
                                  struct fl_membership *out);

struct fl_exposure {
    uint64_t rank;   /* of the planted one, from 1: those before it are likelier */
    double exposure; /* log2(count) - log2(rank); half of those that are as likely count */
};

/* LOGPROBS of COUNT rivals, number PLANTED among them. */
struct fl_exposure fl_exposure(const double *logprobs, size_t count, size_t planted);

#endif
