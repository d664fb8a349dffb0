/*
 * What each way in which tensors travel takes and shows, for fl-plan --explain: values, bytes,
 * seconds of one core of this machine, and what stands on the hub's disk.
 */
#ifndef FL_FED_CLASSES_H
#define FL_FED_CLASSES_H

#include "base/must.h"
#include "cli/report.h"
#include "sec/plan.h"

enum fl_class { FL_CLASS_PLAIN, FL_CLASS_MASK, FL_CLASS_HE, FL_CLASS_FROZEN, FL_CLASSES };

struct fl_class_cost {
    uint64_t values;
    uint64_t up_bytes;      /* of an upload */
    uint64_t down_bytes;    /* of the mean, in f32 */
    uint64_t answer_bytes;  /* of a helper's answer */
    uint64_t reading_bytes; /* of each upload that a helper reads */
    double make_seconds;    /* a site's, for an upload */
    double add_seconds;     /* the hub's, for an upload */
};

/* The payloads of PLAN by class, without seconds; COSTS (FL_CLASSES). */
void fl_classes_count(const struct fl_plan *plan, struct fl_class_cost *costs);

/* Fill in the seconds: each kernel that is needed is tried for about 50 ms. 0 or -1. */
FL_MUST int fl_classes_time(const struct fl_plan *plan, struct fl_class_cost *costs);

/* Both, into R, a record that was started: lists, an item for each class that has values. */
FL_MUST int fl_classes_report(struct fl_report *r, const struct fl_plan *plan);

#endif
