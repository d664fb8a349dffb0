/*
 * What each way in which tensors travel takes and shows (sec/class.h), with seconds of one core of
 * this machine, for fl-plan --explain.
 */
#ifndef FL_FED_CLASSES_H
#define FL_FED_CLASSES_H

#include "base/must.h"
#include "cli/report.h"
#include "sec/class.h"

struct fl_class_time { /* seconds for an upload: */
    double make;       /* a site's */
    double add;        /* the hub's */
};

/*
 * TIMES (FL_CLASSES) of what COSTS counts of PLAN: each kernel that is needed is tried for about
 * 50 ms. 0 or -1.
 */
FL_MUST int fl_classes_time(const struct fl_plan *plan, const struct fl_class_cost *costs,
                            struct fl_class_time *times);

/* Counts and seconds into R, a record that was started: lists, an item for each class that has
 * values. */
FL_MUST int fl_classes_report(struct fl_report *r, const struct fl_plan *plan);

/* Counts of each tensor of the model into R, begun with these columns: a row each, in its order. */
extern const char *const fl_tensors_columns[];
void fl_tensors_report(struct fl_report *r, const struct fl_plan *plan);

#endif
