/* Rows of an evaluation, and what is said of several inputs, against sums written out. */
#include "nn/scores.h"

#include <unistd.h>

#include "test.h"

static void
test_spread(void)
{
    static const double x[] = {3, 1, 2, 6}, one[] = {7}, bad[] = {1, NAN, 2};
    double s[FL_SPREADS];

    fl_spread_of(x, 4, true, s);
    CHECK(s[FL_SPREAD_MEAN] == 3 && s[FL_SPREAD_WORST] == 6 && s[FL_SPREAD_SPREAD] == 5);
    CHECK_NEAR(s[FL_SPREAD_DEVIATION], sqrt((0. + 4 + 1 + 9) / 4), 1e-15);
    fl_spread_of(x, 4, false, s);
    CHECK(s[FL_SPREAD_MEAN] == 3 && s[FL_SPREAD_WORST] == 1 && s[FL_SPREAD_SPREAD] == 5);
    fl_spread_of(one, 1, true, s);
    CHECK(s[FL_SPREAD_MEAN] == 7 && s[FL_SPREAD_WORST] == 7 && s[FL_SPREAD_SPREAD] == 0 &&
          s[FL_SPREAD_DEVIATION] == 0);
    fl_spread_of(bad, 3, true, s);
    for (size_t i = 0; i < FL_SPREADS; i++)
        CHECK(isnan(s[i]));
}

/* What a table of scores A and B says. */
static void
table(const struct fl_scores *a, const struct fl_scores *b, enum fl_scores_of of, bool fairness,
      bool json, const char *want)
{
    struct fl_scores total = {.exact = {0}};
    struct fl_table t;
    FILE *f = tmpfile();
    char got[2000] = "";

    fl_scores_add(&total, a);
    fl_scores_add(&total, b);
    fl_table_start(&t, fl_scores_form(of), fairness, fairness, json);
    CHECK(!fl_table_add(&t, "mean", fl_scores_row(of, a), fileno(f), "out"));
    CHECK(!fl_table_add(&t, "b", fl_scores_row(of, b), fileno(f), "out"));
    CHECK(!fl_table_end(&t, fl_scores_row(of, &total), fileno(f), "out"));
    CHECK(pread(fileno(f), got, sizeof got - 1, 0) > 0);
    CHECK_TEXT(got, want);
    fl_table_release(&t);
    fclose(f);
}

static void
test_tables(void)
{
    const struct fl_scores a = {.choices = {10, {5, 6, 7}}, .exact = {4, 1}};
    const struct fl_scores b = {.choices = {30, {30, 0, 3}}, .exact = {1, 1}};

    table(&a, &b, FL_SCORES_CHOICES, false, false,
          "file\tquestions\tacc\tacc_norm\tacc_bytes\ntotal\t40\t0.875\t0.15\t0.25\n");
    table(&a, &b, FL_SCORES_CHOICES, true, false,
          "row\tfile\tquestions\tacc\tacc_norm\tacc_bytes\n"
          "file\tmean\t10\t0.5\t0.6\t0.7\n"
          "file\tb\t30\t1\t0\t0.1\n"
          "total\t-\t40\t0.875\t0.15\t0.25\n"
          "mean\t-\t-\t0.75\t0.3\t0.4\n"
          "worst\t-\t-\t0.5\t0\t0.1\n"
          "spread\t-\t-\t0.5\t0.6\t0.6\n"
          "deviation\t-\t-\t0.25\t0.3\t0.3\n");
    table(&a, &b, FL_SCORES_EXACT, true, true,
          "{\"row\": \"file\", \"file\": \"mean\", \"prompts\": 4, \"exact_match\": 0.25}\n"
          "{\"row\": \"file\", \"file\": \"b\", \"prompts\": 1, \"exact_match\": 1}\n"
          "{\"row\": \"total\", \"file\": null, \"prompts\": 5, \"exact_match\": 0.4}\n"
          "{\"row\": \"mean\", \"file\": null, \"prompts\": null, \"exact_match\": 0.625}\n"
          "{\"row\": \"worst\", \"file\": null, \"prompts\": null, \"exact_match\": 0.25}\n"
          "{\"row\": \"spread\", \"file\": null, \"prompts\": null, \"exact_match\": 0.75}\n"
          "{\"row\": \"deviation\", \"file\": null, \"prompts\": null, \"exact_match\": 0.375}\n");
}

/* Of losses the greatest is the worst, of accuracies the least; no bytes: not known. */
static void
test_texts(void)
{
    const struct fl_scores a = {.texts = {4, 8, 3, 4 * log(2)}};
    const struct fl_scores b = {.texts = {2, 0, 1, 2 * log(8)}};

    table(&a, &b, FL_SCORES_TEXTS, true, false,
          "row\tfile\ttokens\tbytes\tloss\tperplexity\tbits_per_byte\taccuracy\n"
          "file\tmean\t4\t8\t0.693147181\t2\t0.5\t0.75\n"
          "file\tb\t2\t0\t2.07944154\t8\t-\t0.5\n"
          "total\t-\t6\t8\t1.1552453\t3.1748021\t1.25\t0.666666667\n"
          "mean\t-\t-\t-\t1.38629436\t5\t-\t0.625\n"
          "worst\t-\t-\t-\t2.07944154\t8\t-\t0.5\n"
          "spread\t-\t-\t-\t1.38629436\t6\t-\t0.25\n"
          "deviation\t-\t-\t-\t0.693147181\t3\t-\t0.125\n");
}

int
main(void)
{
    RUN(test_spread);
    RUN(test_tables);
    RUN(test_texts);
    return test_end();
}
