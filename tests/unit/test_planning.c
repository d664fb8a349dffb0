/* What a hub knows when it plans: what it counts of a mean, which it follows, who must come. */
#include "fed/planning.h"

#include "round.h"

/* A plan of this round over MODEL after MEAN, with what the hub's state counts: 0 or -1. */
static int
follow(struct federation *f, struct fl_state *s, struct fl_plan *plan, uint64_t round,
       const char *model, const char *mean)
{
    const struct fed_planning how = {.round = round, .model = model, .after = mean};
    struct fl_object *after = mean ? fl_object_open(fed_path(f, mean), FL_KIND_UPDATE) : NULL;
    struct fl_object *base = fl_object_open(fed_path(f, model), FL_KIND_MODEL);
    int failed = !base || (mean && !after) || fed_draft(f, plan, &how) ||
                 (after && fl_planning_follow(s, plan, after));

    if (!failed) {
        fl_state_last(s, &plan->roster, plan->last);
        failed = fl_planning_base(s, plan, base);
    }
    fl_object_free(after);
    fl_object_free(base);
    return failed ? -1 : 0;
}

/* "abd" of the flags. */
static const char *
names_of(const bool *flags, size_t n)
{
    static char names[FED_SITES + 1];
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        if (flags[i])
            names[count++] = (char)('a' + i);
    names[count] = '\0';
    return names;
}

/* A round of these sites, opened to rN/mean.flt. */
static void
whole_round(struct round *r, const char *sites)
{
    round_turns(r, sites);
    CHECK(!round_ask(r, sites, false));
    round_answers(r);
    CHECK(!round_open(r, ROUND_FILES("sum.flt", "answer/aux.flt", "answer/b.flt")));
}

static void
test_follow(void)
{
    struct federation f;
    struct round r;
    struct fl_plan plan;
    struct fl_planning_view view;
    struct fl_arrival a = {0};

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\napply: {rule: sgd, lr: 1e-6}\n", fed_usual);
    struct fl_state *s = fed_state(&f, FED_HUB);
    CHECK(!follow(&f, s, &plan, 1, "model.flt", NULL));
    CHECK(!fl_planning_look(s, &plan, &view) && isinf(view.distance));
    CHECK_TEXT(names_of(view.must, 6), "");
    CHECK_NEAR(view.edge, 0.5 / 64 * 142.688472, 1e-5);
    CHECK(fl_near_find(&s->near, f.model)->sketched);
    free(view.must);
    fl_plan_release(&plan);
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    whole_round(&r, "abcdf");
    CHECK(!round_step(&r, "model.flt", NULL, "next.flt"));

    s = fed_state(&f, FED_HUB);
    CHECK(!follow(&f, s, &plan, 2, "next.flt", "r1/mean.flt"));
    CHECK(plan.has_after && !memcmp(plan.after, fl_state_plan(s, 1)->set, 32));
    for (size_t i = 0; i < 6; i++)
        CHECK(plan.last[i].ctr == (i == 4 ? 0U : 1U));
    CHECK(plan.last[6].ctr == 1 && plan.last[7].ctr == 1);
    CHECK(!round_arrival(&r, "up/c.flt", &a) && !memcmp(plan.last[2].digest, a.digest, 32));
    CHECK(!round_arrival(&r, "answer/aux.flt", &a) && !memcmp(plan.last[7].digest, a.digest, 32));
    fl_arrival_release(&a);
    /* The set is remembered now, over the base that it was summed over; so small a step is near. */
    CHECK(fl_near_find(&s->near, f.model)->set_count == 1);
    CHECK(!fl_planning_look(s, &plan, &view) && view.distance > 0 && view.distance < view.edge);
    CHECK_TEXT(names_of(view.must, 6), "abcdf");
    free(view.must);
    fl_plan_release(&plan);
    CHECK(!fl_state_save(s));
    fl_state_free(s);

    /* Again, out of the same mean: nothing more is counted. */
    s = fed_state(&f, FED_HUB);
    CHECK(!follow(&f, s, &plan, 3, "next.flt", "r1/mean.flt"));
    CHECK(fl_near_find(&s->near, f.model)->set_count == 1 && s->member_count == 6);
    fl_plan_release(&plan);
    fl_state_free(s);
    round_end(&r);
}

static void
change_meta(struct fl_meta *meta, void *arg)
{
    static const unsigned char other[32] = {3};
    const char *key = arg;

    if (!strcmp(key, "sum.set"))
        CHECK(!fl_meta_set_bytes(meta, key, other, 32));
    else if (!strcmp(key, "sum.round"))
        CHECK(!fl_meta_set_i64(meta, key, 9));
    else if (!strcmp(key, "base"))
        CHECK(!fl_meta_set_bytes(meta, key, other, 32));
    else
        fl_meta_remove(meta, key);
}

/* Means that are of no round of this hub's, or of another set than it asked for. */
static void
test_refused(void)
{
    static const struct {
        const char *key;
        enum fl_status status;
        const char *words;
    } cases[] = {{"sum.set", FL_REFUSED, "another set of uploads than the one"},
                 {"sum.round", FL_REFUSED, "this hub signed no plan"},
                 {"base", FL_REFUSED, "this hub signed no plan"},
                 {"sum.parties", FL_FAILED, "which sites"},
                 {"sum.uploads", FL_FAILED, "sum.uploads"},
                 {"sum.answers.ctr", FL_FAILED, "sum.answers.ctr"},
                 {"sum.sites", FL_OK, ""}};
    struct federation f;
    struct round r;
    struct fl_plan plan;

    round_start(&r, &f, 5, FED_HELPERS "min_sum: 4\n", fed_usual);
    whole_round(&r, "abcd");
    CHECK(!round_step(&r, "model.flt", NULL, "next.flt"));
    CHECK(!fed_draft(&f, &plan,
                     &(struct fed_planning){2, "next.flt", "r1/mean.flt", NULL, NULL, NULL}));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_forge(&f, &(struct fed_forgery){.from = "r1/mean.flt",
                                            .to = "bad.flt",
                                            .kind = FL_KIND_UPDATE,
                                            .change = change_meta,
                                            .arg = (void *)(uintptr_t)cases[i].key});
        struct fl_object *o = fl_object_open(fed_path(&f, "bad.flt"), FL_KIND_UPDATE);
        struct fl_state *s = fed_state(&f, FED_HUB);
        if (cases[i].status == FL_OK)
            CHECK(!fl_planning_follow(s, &plan, o));
        else
            CHECK_REFUSED(fl_planning_follow(s, &plan, o), cases[i].status, cases[i].words);
        CHECK(cases[i].status == FL_OK || fed_says("bad.flt: "));
        fl_object_free(o);
        fl_state_free(s);
    }
    fl_plan_release(&plan);

    /* The hub asked for another set since: its mean is not the one. */
    round_turns(&r, "e");
    CHECK(!round_ask(&r, "abcde", false));
    struct fl_state *s = fed_state(&f, FED_HUB);
    CHECK_REFUSED(follow(&f, s, &plan, 2, "next.flt", "r1/mean.flt"), FL_REFUSED, "another set");
    fl_plan_release(&plan);
    fl_state_free(s);
    CHECK(!round_ask(&r, "abcd", false));
    s = fed_state(&f, FED_HUB);
    CHECK(!follow(&f, s, &plan, 2, "next.flt", "r1/mean.flt"));
    fl_plan_release(&plan);
    fl_state_free(s);
    round_end(&r);
}

/* Pairwise nothing is asked: the mean of all is followed. */
static void
test_pairwise(void)
{
    struct federation f;
    struct round r;
    struct fl_plan plan;

    round_start(&r, &f, 3, "", fed_usual);
    round_turns(&r, "abc");
    CHECK(!round_open(&r, round_uploads("abc", NULL)));
    CHECK(!round_step(&r, "model.flt", NULL, "next.flt"));
    struct fl_state *s = fed_state(&f, FED_HUB);
    CHECK(!follow(&f, s, &plan, 2, "next.flt", "r1/mean.flt"));
    CHECK(plan.last[0].ctr == 1 && plan.last[2].ctr == 1);
    fl_plan_release(&plan);
    fl_state_free(s);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_follow);
    RUN(test_refused);
    RUN(test_pairwise);
    return test_end();
}
