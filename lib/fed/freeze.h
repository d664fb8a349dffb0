/*
 * What a plan says to a training: over which model, what of it is not trained, and how.
 */
#ifndef FL_FED_FREEZE_H
#define FL_FED_FREEZE_H

#include "base/must.h"
#include "conf/recipe.h"
#include "fed/payment.h"
#include "nn/bundle.h"
#include "os/pool.h"

/*
 * Freeze the parameters of B's model, or adapter, that do not travel in the plan in the file PATH,
 * and set in RECIPE what is not set there from the recipe of the plan's roster, if it has one; in
 * AGREED the roster's budget, where trainings hide documents.
 * -1: FL_REFUSED when the plan is over another model than B's. Whether this site would take part
 * in the round is for fl-mask --check to say.
 */
FL_MUST int fl_freeze_by_plan(struct fl_bundle *b, const char *path, struct fl_pool *pool,
                              struct fl_recipe *recipe, struct fl_limit *agreed);

#endif
