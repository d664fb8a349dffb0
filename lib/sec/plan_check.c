/* Is what came with a plan what it is of: a roster, the model, an update. */
#include <string.h>

#include "base/error.h"
#include "sec/plan.h"

int
fl_plan_update_schema(const struct fl_plan *plan, struct fl_schema *s)
{
    int failed = fl_schema_start(s, "an update for this plan");

    for (size_t i = 0; i < plan->count && !failed; i++) {
        const struct fl_tensor *of = plan->tensors[i].tensor;
        struct fl_tensor t;
        fl_tensor_init(&t, of->name, FL_F32, of->rank, of->dims);
        failed = fl_schema_add(s, &t, true);
    }
    return failed ? -1 : 0;
}

int
fl_plan_match(const struct fl_plan *plan, const struct fl_object *update)
{
    struct fl_schema want = {0};
    int failed = fl_plan_update_schema(plan, &want);

    if (!failed)
        failed = fl_schema_match(&want, update, FL_SCHEMA_IN_ORDER);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

int
fl_plan_check_base(const struct fl_plan *plan, struct fl_object *model, struct fl_pool *pool)
{
    unsigned char base[32], params[32];
    const char *file = fl_object_name(model);

    if (fl_object_digest(model, pool, base) || fl_object_params(model, pool, params))
        return -1;
    if (memcmp(base, plan->base, 32))
        return fl_error(FL_REFUSED,
                        "%s: is not the model of the plan; take the model that came with it", file);
    if (memcmp(params, plan->params, 32))
        return fl_error(FL_REFUSED,
                        "%s: has other numbers than the plan says; the hub planned wrongly or lies",
                        file);
    size_t k = 0;
    for (size_t i = 0; i < fl_object_count(model); i++) {
        const struct fl_tensor *t = fl_object_tensor(model, i);
        if (fl_dtype_is_float(t->dtype) && fl_schema_match_next(&plan->model, k++, file, t))
            return fl_error_as(FL_REFUSED);
    }
    return fl_schema_match_end(&plan->model, k, file) ? fl_error_as(FL_REFUSED) : 0;
}

int
fl_plan_check_roster(const struct fl_plan *plan, const char *file, const char *roster)
{
    struct fl_roster r;

    if (fl_roster_read(&r, roster))
        return -1;
    bool same = !memcmp(r.digest, plan->roster.digest, sizeof r.digest);
    fl_roster_release(&r);
    if (same)
        return 0;
    fl_error(FL_REFUSED, "%s: is a plan of another roster than %s", file, roster);
    return fl_error_cure(
        "it is of one of \"%s\", epoch %lld: give that one if its sites agreed on it",
        plan->roster.federation, (long long)plan->roster.epoch);
}
