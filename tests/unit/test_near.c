/*
 * Sets over bases that are near each other: which bases count together, which sets are refused,
 * what fits, over epochs.
 */
#include "sec/near.h"

#include "federation.h"

/* Indices of "abd", in order: how many. */
static size_t
sites_of(const char *names, uint32_t *sites)
{
    size_t n = 0;

    for (; names[n]; n++)
        sites[n] = (uint32_t)(names[n] - 'a');
    return n;
}

static int
check(struct fl_near *near, const unsigned char *base, const struct fl_plan *plan, const char *set)
{
    uint32_t sites[FED_SITES];
    size_t n = sites_of(set, sites);
    struct fl_near_base *b = fl_near_add(near, base, NULL);

    return b ? fl_near_check(near, b, plan, sites, n) : -1;
}

static void
record(struct fl_near *near, const unsigned char *base, const struct fl_plan *plan, const char *set)
{
    uint32_t sites[FED_SITES];
    size_t n = sites_of(set, sites);
    struct fl_near_base *b = fl_near_add(near, base, NULL);

    CHECK(b && !fl_near_record(near, b, plan, sites, n));
}

/* "abd" of those that are HERE. */
static const char *
fit(struct fl_near *near, const unsigned char *base, const struct fl_plan *plan, const char *here)
{
    static char names[FED_SITES + 1];
    uint32_t sites[FED_SITES], fits[FED_SITES];
    size_t n = sites_of(here, sites), count = 0;

    CHECK(!fl_near_fit(near, fl_near_add(near, base, NULL), plan, sites, n, fits, &count));
    for (size_t i = 0; i < count; i++)
        names[i] = (char)('a' + fits[i]);
    names[count] = '\0';
    return names;
}

/* "abd": sites that must come; *DISTANCE to the nearest base that has sets. */
static const char *
must(struct fl_near *near, const unsigned char *base, const struct fl_plan *plan, double *distance)
{
    static char names[FED_SITES + 1];
    bool flags[FED_SITES];
    size_t n = 0;

    CHECK(!fl_near_view(near, fl_near_add(near, base, NULL), plan, flags, distance));
    for (size_t i = 0; i < plan->roster.n; i++)
        if (flags[i])
            names[n++] = (char)('a' + i);
    names[n] = '\0';
    return names;
}

static void
add_model(const struct federation *f, struct fl_near *near, const char *file,
          unsigned char digest[32])
{
    struct fl_object *o = fl_object_open(fed_path(f, file), FL_KIND_MODEL);

    CHECK(o && !fl_object_digest(o, NULL, digest) && fl_near_add(near, digest, o));
    fl_object_free(o);
}

/* The model with its numbers moved by ARG / 2^16 each. */
static float
moved(uint64_t i, int arg)
{
    return fed_usual(i, 0) + (float)arg * 0x1p-16F;
}

static void
write_moved(const struct federation *f, const char *file, int arg)
{
    struct fl_meta meta = {0};
    struct fed_object o = {file, FL_KIND_MODEL, &meta, moved, arg, NULL, {0}};

    CHECK(!fl_meta_set_i64(&meta, "round", 4));
    fed_write(f, &o);
    fl_meta_release(&meta);
}

/* The cases of the design, over one base. */
static void
test_one_base(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    double distance;

    fed_start(&f, 11, FED_HELPERS "min_sum: 5\n");
    fed_plan(&f, &plan, 1);
    CHECK(!check(&near, f.model, &plan, "abcde") && !check(&near, f.model, &plan, "abcdefghijk"));
    CHECK_REFUSED(check(&near, f.model, &plan, "abcd"), FL_REFUSED, "the sum of 4 sites");
    CHECK_TEXT(must(&near, f.model, &plan, &distance), "");
    CHECK(isinf(distance));
    record(&near, f.model, &plan, "abcdefghijk");
    CHECK_TEXT(must(&near, f.model, &plan, &distance), "abcdefghijk");
    CHECK(distance == 0);
    CHECK(!check(&near, f.model, &plan, "abcdefghijk")); /* the same set is always fine */
    CHECK(!check(&near, f.model, &plan, "abcde") && !check(&near, f.model, &plan, "fghijk"));
    CHECK_REFUSED(check(&near, f.model, &plan, "abcdefghij"), FL_REFUSED, "the sum of 1 site ");
    CHECK(fed_says("\"k\" among them") && fed_says("at least 5"));
    record(&near, f.model, &plan, "abcde");
    CHECK(!check(&near, f.model, &plan, "abcde") && !check(&near, f.model, &plan, "fghijk"));
    CHECK_REFUSED(check(&near, f.model, &plan, "fghij"), FL_REFUSED, "\"k\" among them");
    CHECK_REFUSED(check(&near, f.model, &plan, "abcdf"), FL_REFUSED, "");
    CHECK_TEXT(fit(&near, f.model, &plan, "abcdefghijk"), "abcdefghijk");
    CHECK_TEXT(fit(&near, f.model, &plan, "abcdefghij"), "abcde");
    CHECK_TEXT(fit(&near, f.model, &plan, "bcdefghijk"), "fghijk");
    CHECK_TEXT(fit(&near, f.model, &plan, "bcdefghij"), "");
    const struct fl_near_base *b = fl_near_find(&near, f.model);
    CHECK(near.base_count == 1 && b->set_count == 2 && b->epoch == 1 && !b->sketched);
    record(&near, f.model, &plan, "abcde");
    CHECK(fl_near_find(&near, f.model)->set_count == 2 && near.member_count == 11);
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

static void
ask(struct fl_near *near, const unsigned char *base, const struct fl_plan *plan, const char *set)
{
    uint32_t sites[FED_SITES];
    size_t n = sites_of(set, sites);
    struct fl_near_base *b = fl_near_add(near, base, NULL);

    CHECK(b && !fl_near_ask(near, b, plan, sites, n));
}

/* What the hub asked for in a round that was given up is chosen again, and does not judge. */
static void
test_asked(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    double distance;

    fed_start(&f, 11, FED_HELPERS "min_sum: 5\n");
    fed_plan(&f, &plan, 1);
    ask(&near, f.model, &plan, "abcdef");
    ask(&near, f.model, &plan, "abcdef");
    CHECK(fl_near_find(&near, f.model)->set_count == 1);
    CHECK_TEXT(fit(&near, f.model, &plan, "abcdeg"), "abcdeg"); /* in this round another may be */
    CHECK_TEXT(must(&near, f.model, &plan, &distance), "");
    plan.digest[0]++;
    CHECK_TEXT(fit(&near, f.model, &plan, "abcdeg"), "");
    CHECK_TEXT(fit(&near, f.model, &plan, "abcdefg"), "abcdef");
    CHECK_TEXT(must(&near, f.model, &plan, &distance), "abcdef");
    CHECK(distance == 0);
    CHECK(!check(&near, f.model, &plan, "abcdeg")); /* perhaps nobody answered the other */
    ask(&near, f.model, &plan, "abcdeg");
    record(&near, f.model, &plan,
           "abcdeg"); /* this round led on: so the other sets of it did not */
    ask(&near, f.model, &plan, "abcdefg");
    fl_near_forget_asked(&near, plan.digest);
    CHECK(fl_near_find(&near, f.model)->set_count == 2);
    plan.digest[0]++;
    CHECK_REFUSED(check(&near, f.model, &plan, "abcdef"), FL_REFUSED, "the sum of 1 site ");
    CHECK_TEXT(fit(&near, f.model, &plan, "abcdefg"), "abcde"); /* f and g each stood alone */
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Both sides of the edge: sets over a base count where the base lies within it. */
static void
test_edge(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    unsigned char digest[32];
    double distance;

    /* The edge is 142.7 * 0.5 / 64 = 1.1147; 512 / 2^16 moves by 1.1147 too, to a sixteenth. */
    fed_start(&f, 6, FED_HELPERS "min_sum: 4\n");
    fed_plan(&f, &plan, 1);
    add_model(&f, &near, "model.flt", digest);
    record(&near, digest, &plan, "abcdef");
    static const struct {
        int moved;
        bool near;
    } cases[] = {{0, true}, {1, true}, {256, true}, {360, true}, {720, false}, {4096, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_moved(&f, "moved.flt", cases[i].moved);
        add_model(&f, &near, "moved.flt", digest);
        if (cases[i].near)
            CHECK_REFUSED(check(&near, digest, &plan, "abcde"), FL_REFUSED, "\"f\" among them");
        else
            CHECK(!check(&near, digest, &plan, "abcde"));
        CHECK(!check(&near, digest, &plan, "abcdef"));
        CHECK_TEXT(must(&near, digest, &plan, &distance), cases[i].near ? "abcdef" : "");
        CHECK_NEAR(distance / 142.7 * 65536 / fmax(cases[i].moved, 1), i ? 1 : 0, 0.25);
        CHECK((distance < fl_sketch_edge(&plan)) == cases[i].near);
        CHECK_TEXT(fit(&near, digest, &plan, "abcde"), cases[i].near ? "" : "abcde");
    }
    /* Of a base whose numbers nobody has seen nothing is known: it is near to all. */
    const unsigned char unseen[32] = {42};
    CHECK_REFUSED(check(&near, unseen, &plan, "abcde"), FL_REFUSED, "");
    CHECK_TEXT(must(&near, unseen, &plan, &distance), "abcdef");
    CHECK(distance == 0);
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

/*
 * Near is not transitive: of three models in a row only neighbours are near, and the sets over all
 * three leave two sites of the one in the middle. Found by tests/model.
 */
static void
test_in_a_row(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    unsigned char digest[3][32];

    fed_start(&f, 8, FED_HELPERS "min_sum: 3\n");
    fed_plan(&f, &plan, 1);
    for (int i = 0; i < 3; i++) {
        write_moved(&f, "moved.flt", 360 * i); /* the edge is 512, as above */
        add_model(&f, &near, "moved.flt", digest[i]);
    }
    record(&near, digest[0], &plan, "abc");
    CHECK(!check(&near, digest[2], &plan, "defgh")); /* over models that are far apart */
    record(&near, digest[1], &plan, "abcdefgh");
    CHECK_REFUSED(check(&near, digest[2], &plan, "def"), FL_REFUSED, "the sum of 2 sites");
    CHECK(!check(&near, digest[2], &plan, "defgh") && !check(&near, digest[2], &plan, "abc"));
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* move: 0 means the same base alone; a set over a base without a sketch counts for all. */
static void
test_no_move(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    unsigned char digest[32], other[32];
    const unsigned char unseen[32] = {42};

    fed_start(&f, 6, FED_HELPERS "min_sum: 4\nmove: 0\n");
    fed_plan(&f, &plan, 1);
    add_model(&f, &near, "model.flt", digest);
    write_moved(&f, "moved.flt", 1);
    add_model(&f, &near, "moved.flt", other);
    record(&near, digest, &plan, "abcdef");
    CHECK_REFUSED(check(&near, digest, &plan, "abcde"), FL_REFUSED, "");
    CHECK(!check(&near, other, &plan, "abcde"));
    record(&near, unseen, &plan, "abcdef");
    CHECK_REFUSED(check(&near, other, &plan, "abcde"), FL_REFUSED, "");
    /* once it is seen it is judged as what it is */
    struct fl_object *o = fl_object_open(fed_path(&f, "model.flt"), FL_KIND_MODEL);
    CHECK(fl_near_add(&near, unseen, o) && fl_near_find(&near, unseen)->sketched);
    fl_object_free(o);
    CHECK(!check(&near, other, &plan, "abcde"));
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* weights.hide: all bases of the epoch, however far; those of another epoch only when near. */
static void
test_hide(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    unsigned char digest[32], far[32];

    fed_start(&f, 6, FED_HELPERS "min_sum: 4\nweights: {hide: true}\n");
    fed_plan(&f, &plan, 1);
    write_moved(&f, "far.flt", 30000);
    add_model(&f, &near, "model.flt", digest);
    add_model(&f, &near, "far.flt", far);
    record(&near, far, &plan, "abcdef");
    CHECK_REFUSED(check(&near, digest, &plan, "abcde"), FL_REFUSED, "");
    fl_near_find(&near, far)->epoch = 0; /* of an earlier epoch */
    CHECK(!check(&near, digest, &plan, "abcde"));
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Members are keys: other indices in the next epoch, the same people; who left counts still. */
static void
test_epochs(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};

    fed_start(&f, 8, FED_HELPERS "min_sum: 4\n");
    fed_plan(&f, &plan, 1);
    record(&near, f.model, &plan, "abcdefgh");
    fl_plan_release(&plan);
    /* a is gone, the others stand in another order */
    CHECK(!fed_roster(&f, FED_HELPERS "min_sum: 4\nepoch: 1\nsites: [\"@h\", \"@g\", \"@f\", "
                                      "\"@e\", \"@d\", \"@c\", \"@b\"]\n"));
    fed_plan(&f, &plan, 1);
    CHECK_REFUSED(check(&near, f.model, &plan, "abcdefg"), FL_REFUSED,
                  "the sum of 1 site could be computed, \"a site of an earlier epoch\"");
    CHECK(!check(&near, f.model, &plan, "abcd")); /* h g f e: four in, four out */
    CHECK_REFUSED(check(&near, f.model, &plan, "abcde"), FL_REFUSED, "the sum of 3 sites");
    record(&near, f.model, &plan, "abcd");
    CHECK(near.member_count == 8);
    fl_plan_release(&plan);
    /* a joiner is a member of its own */
    CHECK(!fed_roster(&f, "protection: helpers\nhelpers: [b, \"@aux\"]\nmin_sum: 4\n"));
    fed_plan(&f, &plan, 1);
    CHECK(!check(&near, f.model, &plan, "efgh") && !check(&near, f.model, &plan, "abcd"));
    CHECK_REFUSED(check(&near, f.model, &plan, "abcdh"), FL_REFUSED, "");
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* More different sets than are watched: refused, and the same ones are fine still. */
static void
test_many_sets(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_near near = {0};
    uint32_t sites[FED_SITES];
    unsigned char digest[32];

    fed_start(&f, 12, FED_HELPERS "min_sum: 3\n");
    fed_plan(&f, &plan, 1);
    struct fl_near_base *base = fl_near_add(&near, f.model, NULL);
    for (unsigned set = 0; set < FL_NEAR_SETS_MAX; set++) { /* as if they had been allowed */
        size_t n = 0;
        for (uint32_t i = 0; i < 12; i++)
            if (i >= 6 || set >> i & 1)
                sites[n++] = i;
        CHECK(!fl_near_record(&near, base, &plan, sites, n));
    }
    CHECK(base->set_count == FL_NEAR_SETS_MAX);
    CHECK_REFUSED(check(&near, f.model, &plan, "ghijkl"), FL_REFUSED, "the sum of 1 site");
    memset(digest, 7, 32);
    record(&near, digest, &plan, "abcdef");
    CHECK_REFUSED(check(&near, f.model, &plan, "ghijkl"), FL_REFUSED, "64 different sets");
    fl_near_release(&near);
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_one_base);
    RUN(test_asked);
    RUN(test_edge);
    RUN(test_in_a_row);
    RUN(test_no_move);
    RUN(test_hide);
    RUN(test_epochs);
    RUN(test_many_sets);
    return test_end();
}
