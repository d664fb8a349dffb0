/* fl_rdp against the tables of ../shared/data/privacy, and against numbers of 40 digits. */
#include "priv/rdp.h"

#include "table.h"

/* Computed with 40 digits: rate, noise, order, divergence. */
static const struct {
    double q, s, a, want;
} edges[] = {
    {1e-9, 1, 2, 1.71828182846e-18},
    {0.2, 0.1, 4, 197.854082783},
    {0.9, 0.2, 1.1, 12.8164019589},
    {0.5, 0.05, 1.3, 256.996362218},
    {1e-4, 0.25, 10.9, 77.0593222167},
    {1e-3, 100, 1024, 5.12077888984e-8},
    {0.05, 1000, 3, 3.75000204844e-9},
    {0, 1, 7, 0},
    {1, 3, 9, 0.5},
};

static void
test_edges(void)
{
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        double got = fl_rdp_pgauss(edges[i].q, edges[i].s, edges[i].a);
        if (!(fabs(got - edges[i].want) <= 1e-11 * edges[i].want)) {
            printf("# q %g s %g order %g: %.13g, not %.13g\n", edges[i].q, edges[i].s, edges[i].a,
                   got, edges[i].want);
            CHECK(0);
        }
    }
}

/* The sum and the integral are two ways to the same number. */
static void
test_twins(void)
{
    static const double rates[] = {1e-9, 1e-4, 0.01, 0.3, 0.9}, scales[] = {0.2, 0.7, 1, 5, 80},
                        orders[] = {2, 3, 5, 16, 63, 256};
    double worst = 0;

    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            for (size_t k = 0; k < 6; k++) {
                double sum = fl_rdp_pgauss(rates[i], scales[j], orders[k]);
                double integral = fl_rdp_pgauss_integral(rates[i], scales[j], orders[k]);
                worst = fmax(worst, fabs(sum / integral - 1));
            }
    printf("# sum and integral differ by %.2g\n", worst);
    CHECK(worst < 2e-12);
}

/* What stands beside whole orders lies between them: the divergence rises with the order. */
static void
test_monotone(void)
{
    struct fl_rdp rdp;

    for (double q = 1e-6; q < 1; q *= 30)
        for (double s = 0.1; s < 50; s *= 3) {
            double last = 0;
            fl_rdp_start(&rdp, false);
            for (size_t k = 0; k < rdp.count; k++) {
                double r = fl_rdp_pgauss(q, s, rdp.order[k]);
                CHECK(r >= last * (1 - 1e-12));
                last = r;
            }
        }
}

static void
test_curve(void)
{
    struct table t;
    double worst = 0, worst_wor = 0;
    int rows = 0;

    if (!table_open(&t, "rdp_curve.tsv"))
        SKIP("no ../shared/data/privacy");
    while (table_next(&t)) {
        double a = table_f64(&t, "order"), nm = table_f64(&t, "nm"), q = table_f64(&t, "q"), got;
        double want = table_f64(&t, "rdp_quad");
        struct fl_events events = {0};
        struct fl_rdp rdp = {.count = 1, .order = {a}};
        char text[128];
        if (!strcmp(table_text(&t, "mech"), "pgauss")) {
            worst = fmax(worst, fabs(fl_rdp_pgauss(q, nm, a) / want - 1));
            rows++;
            continue;
        }
        if (!strcmp(table_text(&t, "mech"), "lap"))
            snprintf(text, sizeof text, "lap:b=%.17g", nm);
        else
            snprintf(text, sizeof text, "wor:n=1000000,m=%.0f,nm=%.17g", q * 1e6, nm);
        CHECK(!fl_events_parse(&events, text) && !fl_rdp_add(&rdp, &events));
        got = rdp.rdp[0];
        want = table_f64(&t, "rdp_google");
        worst_wor = fmax(worst_wor, fabs(got / want - 1));
        fl_events_release(&events);
        rows++;
    }
    printf("# %d rows: sampled Gaussian within %.2g, others within %.2g\n", rows, worst, worst_wor);
    CHECK(rows == 151);
    CHECK(worst < 1e-12);
    CHECK(worst_wor < 1e-8); /* that library takes differences of large numbers */
}

static void
check_row(const struct table *t, double *worst, int *rows)
{
    struct fl_events events = {0};
    struct fl_rdp rdp;
    double want = table_f64(t, "rdp_exact_eps"), loose = table_f64(t, "rdp_eps");

    CHECK(!fl_events_parse(&events, table_text(t, "spec")));
    if (isnan(loose)) {
        CHECK(fl_rdp_compute(&rdp, &events) && fl_error_status() == FL_USAGE);
        fl_events_release(&events);
        return;
    }
    CHECK(!fl_rdp_compute(&rdp, &events));
    CHECK(!strcmp(fl_events_relation(&events), "replace-one") ==
          !strcmp(table_text(t, "neighbour"), "replace_one"));
    struct fl_rdp_answer answer = fl_rdp_epsilon(&rdp, table_f64(t, "delta"));
    if (isnan(want))
        CHECK(answer.eps <= loose * (1 + 1e-11) && answer.eps > loose * (1 - 1e-6));
    else if (want > rdp.pure)
        CHECK(answer.eps == rdp.pure && isinf(answer.order));
    else {
        double error = fabs(answer.eps - want);
        if (!(error < 1e-9)) {
            printf("# %s: %.13g, not %.13g\n", table_text(t, "case"), answer.eps, want);
            CHECK(0);
        }
        CHECK(answer.order == table_f64(t, "rdp_exact_order"));
        *worst = fmax(*worst, error);
    }
    (*rows)++;
    fl_events_release(&events);
}

static void
test_table(void)
{
    struct table t;
    double worst = 0;
    int rows = 0;

    if (!table_open(&t, "dp_accounting.tsv"))
        SKIP("no ../shared/data/privacy");
    while (table_next(&t))
        check_row(&t, &worst, &rows);
    printf("# %d rows within %.2g\n", rows, worst);
    CHECK(rows == 117);
}

static struct fl_rdp_answer
answer_of(const char *text, double delta)
{
    struct fl_events events = {0};
    struct fl_rdp rdp;

    CHECK(!fl_events_parse(&events, text));
    CHECK(!fl_rdp_compute(&rdp, &events));
    fl_events_release(&events);
    return fl_rdp_epsilon(&rdp, delta);
}

/* Many tiny releases are none less: by their count, and one by one, they add up to one of nm 1. */
static void
test_tiny(void)
{
    const double one = answer_of("gauss:nm=1", 1e-6).eps;
    char text[100 * 13] = "gauss:nm=10";

    CHECK_NEAR(answer_of("gauss:nm=1000*1000000", 1e-6).eps, one, 1e-12);
    CHECK_NEAR(answer_of("gauss:nm=1e6*1000000000000", 1e-6).eps, one, 1e-12);
    CHECK_NEAR(answer_of("gauss:nm=2*4", 1e-6).eps, one, 1e-12);
    for (int i = 1; i < 100; i++)
        strcat(text, "+gauss:nm=10");
    CHECK_NEAR(answer_of(text, 1e-6).eps, one, 1e-12);
}

static void
test_conversion(void)
{
    CHECK(answer_of("gauss:nm=1*0", 1e-5).eps == 0);
    CHECK(answer_of("pgauss:q=0,nm=1*9", 1e-5).eps == 0);
    CHECK(answer_of("gauss:nm=1e6", 1e-3).eps == 0); /* delta is above sqrt(1 - exp(-KL)) */
    CHECK(isinf(answer_of("gauss:nm=1", 0).eps));
    CHECK_NEAR(answer_of("epsdelta:eps=0.1,delta=0*3", 0).eps, 0.3, 1e-15);
    CHECK(answer_of("lap:b=1", 1e-5).eps == 1);
    CHECK(isinf(answer_of("epsdelta:eps=0.1,delta=1e-6*3", 2e-6).eps));
    CHECK(answer_of("epsdelta:eps=0.1,delta=0.125*3", 0.375).eps == 3 * 0.1);
    CHECK(isfinite(answer_of("epsdelta:eps=0.1,delta=1e-6*3+gauss:nm=5", 4e-6).eps));
    CHECK(answer_of("pgauss:q=1,nm=2*3", 1e-6).eps == answer_of("gauss:nm=2*3", 1e-6).eps);
    /* a discrete Gaussian on vectors costs what a continuous one of the same ratio does */
    CHECK_NEAR(answer_of("dgauss:sigma2=9,sens2=4*2", 1e-6).eps,
               answer_of("gauss:nm=1.5*2", 1e-6).eps, 1e-15);
    /* at whole orders only: the answer may not be smaller than that of all orders */
    CHECK(answer_of("pdgauss:q=0.01,sigma=16777216,sens=16777216", 1e-5).eps >=
          answer_of("pgauss:q=0.01,nm=1", 1e-5).eps);
    CHECK(answer_of("pdgauss:q=0.01,sigma=16777216,sens=16777216", 1e-5).eps <=
          0.956281055679 + 1e-9); /* the best of whole orders */
}

static void
test_refused(void)
{
    struct fl_events events = {0};
    struct fl_rdp rdp;

    CHECK(!fl_events_parse(&events, "wor:n=10,m=1,nm=2+gauss:nm=1"));
    CHECK(fl_rdp_compute(&rdp, &events) && fl_error_status() == FL_USAGE);
    fl_events_release(&events);
    CHECK(!fl_events_parse(&events, "pdgauss:q=0.1,sigma=5,sens=1"));
    fl_rdp_start(&rdp, false);
    CHECK(fl_rdp_add(&rdp, &events) && fl_error_status() == FL_USAGE);
    fl_events_release(&events);
}

int
main(void)
{
    RUN(test_edges);
    RUN(test_twins);
    RUN(test_monotone);
    RUN(test_curve);
    RUN(test_table);
    RUN(test_tiny);
    RUN(test_conversion);
    RUN(test_refused);
    return test_end();
}
