/*
 * The ways in which tensors of a plan travel, what each takes and what it shows: for those who
 * decide on a roster (sec/roster_show.h) and for who plans (fed/classes.h, with seconds).
 */
#ifndef FL_SEC_CLASS_H
#define FL_SEC_CLASS_H

#include "sec/plan.h"

enum fl_class { FL_CLASS_PLAIN, FL_CLASS_MASK, FL_CLASS_HE, FL_CLASS_FROZEN, FL_CLASSES };

extern const char *const fl_class_names[FL_CLASSES];
extern const char *const fl_class_seen[FL_CLASSES]; /* by who reads the hub's disk */

struct fl_class_cost {
    uint64_t values;
    uint64_t up_bytes;      /* of an upload */
    uint64_t down_bytes;    /* of the mean, in f32 */
    uint64_t answer_bytes;  /* of a helper's answer */
    uint64_t reading_bytes; /* of each upload that a helper reads */
};

enum fl_class fl_class_of(const struct fl_plan_tensor *t);

/*
 * Tensor I of the plan's model: its payloads into COST, and its class. AT counts those that travel:
 * 0 with I 0, then as it was left. Tensors of protection he share ciphertexts, so each has a part
 * of their bytes by its values, in whole bytes that add up to all.
 */
enum fl_class fl_class_tensor(const struct fl_plan *plan, size_t i, size_t *at,
                              struct fl_class_cost *cost);

/* The sums of these by class; COSTS (FL_CLASSES). The weight's word is of no class. */
void fl_classes_count(const struct fl_plan *plan, struct fl_class_cost *costs);

#endif
