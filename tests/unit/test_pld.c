/* fl_pld against the tables of ../shared/data/privacy and against closed forms. */
#include "priv/pld.h"

#include <time.h>

#include "table.h"

enum { CASE_ROWS = 8 };

struct row {
    double delta, pess, opt, exact;
};

static int
check_case(const char *name, const char *spec, const struct row *rows, size_t n)
{
    struct fl_events events = {0};
    struct fl_pld_answer answer;
    double deltas[CASE_ROWS], eps[CASE_ROWS];
    int checked = 0;

    CHECK(!fl_events_parse(&events, spec));
    for (size_t i = 0; i < n; i++)
        deltas[i] = rows[i].delta;
    if (isnan(rows[0].pess)) {
        CHECK(!fl_pld_has(&events) && fl_pld_epsilon(&events, deltas, n, eps, &answer));
        fl_events_release(&events);
        return 0;
    }
    CHECK(!fl_pld_epsilon(&events, deltas, n, eps, &answer));
    for (size_t i = 0; i < n; i++, checked++) {
        double most = rows[i].pess + fmax(1e-3, 1e-3 * rows[i].pess);
        int good = (isnan(rows[i].opt) || eps[i] >= rows[i].opt) && eps[i] <= most;
        if (!isnan(rows[i].exact))
            good &= eps[i] >= rows[i].exact && eps[i] <= rows[i].exact + 5e-5;
        if (!good)
            printf("# %s %s at %g: %.12g, not %.12g to %.12g (exact %.12g)\n", name, spec,
                   deltas[i], eps[i], rows[i].opt, most, rows[i].exact);
        CHECK(good);
    }
    fl_events_release(&events);
    return checked;
}

static void
test_table(void)
{
    struct table t;
    struct row rows[CASE_ROWS];
    char name[32] = "", spec[512] = "";
    size_t n = 0;
    int checked = 0, more;
    clock_t begin = clock();

    if (!table_open(&t, "dp_accounting.tsv"))
        SKIP("no ../shared/data/privacy");
    do {
        more = table_next(&t);
        if (n && (!more || strcmp(name, table_text(&t, "case")))) {
            checked += check_case(name, spec, rows, n);
            n = 0;
        }
        if (more) {
            snprintf(name, sizeof name, "%s", table_text(&t, "case"));
            snprintf(spec, sizeof spec, "%s", table_text(&t, "spec"));
            rows[n++] = (struct row){table_f64(&t, "delta"), table_f64(&t, "pld_pess_eps"),
                                     table_f64(&t, "pld_opt_eps"), table_f64(&t, "exact_eps")};
        }
    } while (more);
    printf("# %d rows in %.1f s\n", checked, (double)(clock() - begin) / CLOCKS_PER_SEC);
    CHECK(checked == 111);
}

static double
eps_of(const char *text, double delta)
{
    struct fl_events events = {0};
    struct fl_pld_answer answer;
    double eps;

    CHECK(!fl_events_parse(&events, text));
    CHECK(!fl_pld_epsilon(&events, &delta, 1, &eps, &answer));
    fl_events_release(&events);
    return eps;
}

/* Another accountant, by another method, brackets the true epsilon. */
static void
test_brackets(void)
{
    struct table t;
    int rows = 0;

    if (!table_open(&t, "prv_cases.tsv"))
        SKIP("no ../shared/data/privacy");
    while (table_next(&t)) {
        char text[128];
        double lower = table_f64(&t, "ms_prv_lower"), upper = table_f64(&t, "ms_prv_upper");
        if (isnan(lower))
            lower = table_f64(&t, "opacus_prv_lower"), upper = table_f64(&t, "opacus_prv_upper");
        if (isnan(lower))
            continue;
        snprintf(text, sizeof text, "pgauss:q=%s,nm=%s*%s", table_text(&t, "q"),
                 table_text(&t, "nm"), table_text(&t, "steps"));
        double eps = eps_of(text, table_f64(&t, "delta"));
        if (!(eps >= lower && eps <= upper + 1e-3 * fmax(1, upper)))
            printf("# %s: %.9g, not %.9g to %.9g\n", text, eps, lower, upper);
        CHECK(eps >= lower && eps <= upper + 1e-3 * fmax(1, upper));
        rows++;
    }
    CHECK(rows > 3);
}

/* exp(eps) Phi(-x), for any eps. */
static double
scaled_tail(double eps, double x)
{
    if (x < 30)
        return exp(eps) * 0.5 * erfc(x / sqrt(2));
    return exp(eps - x * x / 2) / (x * sqrt(8 * atan(1))) * (1 - 1 / (x * x) + 3 / pow(x, 4));
}

/* Of one Gaussian step: delta = Phi(-x + 1/2s) - e^eps Phi(-x - 1/2s), x = eps s. */
static double
gauss_delta(double s, double eps)
{
    return scaled_tail(0, eps * s - 0.5 / s) - scaled_tail(eps, eps * s + 0.5 / s);
}

static void
test_closed(void)
{
    for (double s = 0.01; s < 200; s *= 2.7)
        for (double delta = 1e-3; delta > 1e-10; delta /= 100) {
            char text[64];
            snprintf(text, sizeof text, "gauss:nm=%.17g", s);
            double eps = eps_of(text, delta), tight = eps - 1e-4 * fmax(1, eps);
            CHECK(gauss_delta(s, eps) <= delta * (1 + 1e-6) || eps == 0);
            CHECK(eps == 0 || tight < 0 || gauss_delta(s, tight) > delta);
        }
}

/* More steps, more rate, less noise never cost less. */
static void
test_order(void)
{
    static const char *const chains[][6] = {
        {"pgauss:q=0.01,nm=1*1", "pgauss:q=0.01,nm=1*2", "pgauss:q=0.01,nm=1*10",
         "pgauss:q=0.01,nm=1*11", "pgauss:q=0.01,nm=1*1000", "pgauss:q=0.01,nm=0.9*1000"},
        {"pgauss:q=0.01,nm=1*300", "pgauss:q=0.011,nm=1*300", "pgauss:q=0.1,nm=1*300",
         "pgauss:q=0.99,nm=1*300", "pgauss:q=1,nm=1*300", "gauss:nm=0.99*300"},
        {"plap:q=0.1,b=3*7", "plap:q=0.2,b=3*7", "plap:q=1,b=3*7", "lap:b=2.9*7",
         "lap:b=2.9*7+epsdelta:eps=0.01,delta=0", "lap:b=2.9*7+epsdelta:eps=0.01,delta=1e-6"},
        {"dgauss:sigma=5,sens=1*20", "dgauss:sigma=5,sens=2*20", "dgauss:sigma=4,sens=2*20",
         "dgauss:sigma=4,sens=2*21", "dgauss:sigma=0.5,sens=2*21", "dgauss:sigma=0.3,sens=2*21"},
    };

    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        for (size_t k = 1; k < 6; k++) {
            double less = eps_of(chains[i][k - 1], 1e-5), more = eps_of(chains[i][k], 1e-5);
            if (!(more >= less - 1e-9))
                printf("# %s costs %.12g, %s %.12g\n", chains[i][k - 1], less, chains[i][k], more);
            CHECK(more >= less - 1e-9);
        }
}

static void
test_edges(void)
{
    CHECK(eps_of("gauss:nm=1*0", 1e-5) == 0);
    CHECK(eps_of("pgauss:q=0,nm=1*100", 1e-5) == 0);
    CHECK(eps_of("epsdelta:eps=0,delta=1e-6*3", 4e-6) == 0);
    CHECK(isinf(eps_of("epsdelta:eps=0,delta=1e-6*3", 2e-6)));
    CHECK(eps_of("gauss:nm=1e4", 1e-3) == 0);
    CHECK(isinf(eps_of("pgauss:q=0.01,nm=1*1000", 1e-13))); /* below what is rounded off */
    CHECK(isfinite(eps_of("pgauss:q=0.01,nm=1*1000", 1e-11)));
    CHECK_NEAR(eps_of("epsdelta:eps=0.5,delta=0*2", 1e-9), 1, 1e-6);
    CHECK_NEAR(eps_of("epsdelta:eps=0.5,delta=1e-7", 1e-7 + 1e-12), 0.5, 1e-6);
    CHECK(eps_of("dgauss:sigma=3,sens=0*9", 1e-6) == 0);
    /* an extreme of width: the grid is coarser, the answer still a bound near the truth */
    CHECK_NEAR(eps_of("gauss:nm=0.01", 1e-5), 5425.512, 1e-4);
    CHECK(eps_of("pgauss:q=1e-9,nm=1*5", 1e-5) == 0);
    /* many small steps are as good as one normal one */
    CHECK_NEAR(eps_of("pgauss:q=0.0001,nm=20*1000000", 1e-6), eps_of("gauss:nm=200", 1e-6), 1e-3);
    /* discrete noise of large scale costs what continuous noise does */
    CHECK_NEAR(eps_of("dgauss:sigma=5000,sens=1000", 1e-6), eps_of("gauss:nm=5", 1e-6), 1e-4);
    CHECK_NEAR(eps_of("pdgauss:q=0.01,sigma=16777216,sens=16777216*100", 1e-6),
               eps_of("pgauss:q=0.01,nm=1*100", 1e-6), 1e-12);
}

int
main(void)
{
    RUN(test_table);
    RUN(test_brackets);
    RUN(test_closed);
    RUN(test_order);
    RUN(test_edges);
    return test_end();
}
