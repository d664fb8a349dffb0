/* A distance that is no number is not far: a model that holds one would switch the rule off. */
#include "sec/near.h"

#include <math.h>

#include "crypt/secret.h"
#include "test.h"

enum { SITES = 5 };

/* A set without the last site over a model whose first sum is VALUE, after all over FIRST. */
static int
second_set(double first, double value)
{
    static const struct fl_tensor_rule rule = {.clip = 1};
    struct fl_plan_tensor tensor = {.rule = &rule, .elements = 64};
    struct fl_line parties[SITES] = {0};
    struct fl_plan plan = {.tensors = &tensor, .count = 1};
    static const uint32_t all[SITES] = {0, 1, 2, 3, 4}, less[SITES - 1] = {0, 1, 2, 3};
    unsigned char object[32] = {1};
    struct fl_near near = {0};

    plan.roster = (struct fl_roster){.n = SITES, .min_sum = 3, .move = 1, .parties = parties};
    for (int i = 0; i < SITES; i++)
        parties[i].sign[0] = (unsigned char)(i + 1);
    struct fl_near_base *base = fl_near_add(&near, object, NULL);
    base->sketched = true;
    base->sketch.sum[0] = first;
    CHECK(!fl_near_record(&near, base, &plan, all, SITES));
    object[0] = 2;
    base = fl_near_add(&near, object, NULL);
    base->sketched = true;
    base->sketch.sum[0] = value;
    int result = fl_near_check(&near, base, &plan, less, SITES - 1);
    fl_near_release(&near);
    return result;
}

static void
test_distances(void)
{
    CHECK(second_set(0, 7.5) == -1 && fl_error_status() == FL_REFUSED); /* the edge is 8 */
    CHECK(second_set(0, 8) == 0);
    CHECK(second_set(0, INFINITY) == 0);
    CHECK(second_set(INFINITY, INFINITY) == -1);
    CHECK(second_set(NAN, 0) == -1);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_distances);
    return test_end();
}
