/*
 * The update that leads from one model to another: trained - base in f32, each difference rounded
 * once. So base + update may miss trained by one unit in its last place (never where trained lies
 * between half and twice of base: there the difference is exact).
 */
#ifndef FL_FED_DIFF_H
#define FL_FED_DIFF_H

#include "base/must.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "os/progress.h"
#include "sec/plan.h"

/*
 * That TRAINED is BASE with other numbers in its trained tensors (flt/schema.h): the same tensors
 * of the same shapes, in any order and any float dtype, all others with the same bytes, the same
 * architecture in the metadata. Of the files that both carry only tokenizer.json must be the same,
 * and TRAINED need have none: another trainer writes its own. -1 with an error that names the first
 * thing that differs.
 */
FL_MUST int fl_diff_check(struct fl_object *base, struct fl_object *trained);

/*
 * For a round of PLAN, which must be over BASE (FL_REFUSED): tensors that do not travel in it are
 * not in the update, and must be the same bytes. NULL: none.
 */
FL_MUST int fl_diff_check_plan(struct fl_object *base, struct fl_object *trained,
                               const struct fl_plan *plan, struct fl_pool *pool);

/*
 * Write the tensors of the update, in the order of BASE; head and end are the caller's. -1 with
 * an error at the first value that is not finite. What fl_diff_check checks holds. POOL and
 * PROGRESS (of bytes) may be NULL.
 */
FL_MUST int fl_diff_write(struct fl_object *base, struct fl_object *trained,
                          const struct fl_plan *plan, struct fl_pool *pool,
                          struct fl_progress *progress, struct fl_writer *out);

#endif
