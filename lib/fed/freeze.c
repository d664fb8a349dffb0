/*
 * A plan may leave tensors out of a round. A training that changed them anyway would be refused by
 * fl-mask afterwards; so they are frozen before it begins. Sites agreed on a recipe in the roster,
 * which every plan carries.
 */
#include "fed/freeze.h"

#include "sec/plan.h"

int
fl_freeze_by_plan(struct fl_bundle *b, const char *path, struct fl_pool *pool,
                  struct fl_recipe *recipe, struct fl_limit *agreed)
{
    struct fl_layout *t = &b->model->layout;
    struct fl_plan plan;

    if (fl_plan_read(&plan, path, pool))
        return -1;
    int failed = fl_plan_check_base(&plan, fl_bundle_trained(b), pool);
    for (size_t i = 0; i < t->count && !failed; i++)
        t->params[i].frozen = !fl_plan_travels(&plan, t->params[i].name);
    fl_layout_trainables(t);
    fl_recipe_take(recipe, &plan.roster.recipe);
    if (plan.roster.noise.kind == FL_NOISE_LOCAL)
        *agreed = fl_payment_agreed(&plan.roster.noise);
    fl_plan_release(&plan);
    return failed ? -1 : 0;
}
