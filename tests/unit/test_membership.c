/* Membership against sets whose area is an exact fraction, and against the pairs that define it. */
#include "audit/membership.h"

#include "table.h"

#include "math/random.h"

static struct fl_membership
measure(struct fl_scored_unit *units, size_t n)
{
    struct fl_membership m;

    CHECK(!fl_membership_measure(units, n, &m));
    return m;
}

static size_t
read_set(const char *name, struct fl_scored_unit *units, size_t most)
{
    struct table t;
    size_t n = 0;

    CHECK(table_open(&t, "mia_scores.tsv"));
    while (table_next(&t))
        if (!strcmp(table_text(&t, "set"), name) && n < most)
            units[n++] = (struct fl_scored_unit){table_f64(&t, "score"),
                                                 table_f64(&t, "label") == 1};
    return n;
}

static void
test_table(void)
{
    static struct fl_scored_unit units[8192];
    struct table t;
    int sets = 0;

    if (!table_open(&t, "mia_answers.tsv"))
        SKIP("no ../shared/data/privacy");
    for (; table_next(&t); sets++) {
        size_t n = read_set(table_text(&t, "set"), units, 8192);
        struct fl_membership m = measure(units, n);
        char *slash;
        uint64_t top = strtoull(table_text(&t, "auc_fraction"), &slash, 10),
                 bottom = strtoull(slash + 1, NULL, 10);
        CHECK(m.members == (uint64_t)table_f64(&t, "n_member"));
        CHECK(m.others == (uint64_t)table_f64(&t, "n_nonmember"));
        CHECK(m.wins * bottom == top * 2 * m.members * m.others);
        CHECK(m.auc == table_f64(&t, "auc"));
        CHECK_NEAR(m.tpr_1000, table_f64(&t, "tpr_at_fpr_0.001"), 1e-15);
        CHECK_NEAR(m.tpr_100, table_f64(&t, "tpr_at_fpr_0.01"), 1e-15);
        CHECK_NEAR(m.advantage, table_f64(&t, "max_advantage"), 1e-15);
    }
    CHECK(sets == 7);
}

/* All pairs, for scores with many ties. */
static void
test_pairs(void)
{
    for (size_t round = 0; round < 50; round++) {
        struct fl_scored_unit units[60];
        uint64_t wins = 0;
        size_t n = 10 + round;
        for (size_t i = 0; i < n; i++) {
            uint64_t r = fl_random_at(round, 0, i);
            units[i] = (struct fl_scored_unit){(double)(r % (2 + round)), i % 3 == 0 || r >> 63};
        }
        units[0].member = true;
        units[1].member = false;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++)
                if (units[i].member && !units[k].member)
                    wins += units[i].score > units[k].score    ? 2
                            : units[i].score == units[k].score ? 1
                                                               : 0;
        CHECK(measure(units, n).wins == wins);
    }
}

static void
test_small(void)
{
    struct fl_scored_unit one_sided[] = {{1, true}, {2, true}};
    struct fl_scored_unit hand[] = {{4, true}, {3, false}, {2, true}, {1, false}};
    struct fl_membership m;

    CHECK(fl_membership_measure(one_sided, 2, &m) && strstr(fl_error_text(), "0 others"));
    CHECK(measure(hand, 4).auc == 0.75);
}

static void
test_exposure(void)
{
    const double logprobs[] = {-5, -1, -3, -3, -9, -2, -8, -7};

    CHECK(fl_exposure(logprobs, 8, 1).rank == 1 && fl_exposure(logprobs, 8, 1).exposure == 3);
    CHECK(fl_exposure(logprobs, 8, 5).rank == 2 && fl_exposure(logprobs, 8, 5).exposure == 2);
    CHECK(fl_exposure(logprobs, 8, 4).rank == 8 && fl_exposure(logprobs, 8, 4).exposure == 0);
    CHECK_NEAR(fl_exposure(logprobs, 8, 2).exposure, 3 - log2(3.5), 1e-15); /* a tie of two */
    CHECK(fl_exposure(logprobs, 1, 0).exposure == 0);
}

int
main(void)
{
    RUN(test_table);
    RUN(test_pairs);
    RUN(test_small);
    RUN(test_exposure);
    return test_end();
}
