/* What right guesses prove: against published limits, and sums in 50 digits. */
#include "audit/guess.h"

#include <math.h>

#include "test.h"

/* Clopper, Pearson: 95% of both sides. Published tables have the first four to four digits. */
static void
test_limits(void)
{
    static const struct {
        uint64_t right, count;
        double alpha, least, most;
    } cases[] = {
        {5, 10, .025, .18708602844739853, .81291397155260147},
        {10, 100, .025, .0490046892214859584, .17622259774002269},
        {1, 20, .025, .00126508949794980369, .24873276277202778},
        {0, 10, .025, 0, .30849710781876082},
        {100, 100, .05, .97048695039296007, 1},
        {240, 256, .05, .90661843307613046, .96040788886543457},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double least = fl_binomial_least(cases[i].right, cases[i].count, cases[i].alpha);
        double most = fl_binomial_most(cases[i].right, cases[i].count, cases[i].alpha);
        CHECK(fabs(least - cases[i].least) < 1e-12);
        CHECK(fabs(most - cases[i].most) < 1e-12);
    }
}

/* The program of Steinke, Nasr, Jagielski 2023, its sums made in 50 digits. */
static void
test_guesses(void)
{
    static const struct {
        uint64_t units, guesses, right;
        double delta, epsilon;
    } cases[] = {
        {100, 100, 100, 0, 3.4929654311522934},
        {256, 256, 240, 1e-5, 2.2722782351640476},
        {1000, 200, 150, 1e-6, .82125448647434180},
        {1000, 200, 150, 1e-4, .80651158772995915},
        {512, 512, 300, 1e-6, .19601318653846609},
        {1000, 1000, 1000, 1e-5, 5.7822831353940305},
        {100, 100, 55, 0, 0},
        {100, 0, 0, 1e-6, 0},
        {100, 100, 0, 1e-6, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(fabs(fl_guess_epsilon(cases[i].units, cases[i].guesses, cases[i].right,
                                    cases[i].delta, .05) -
                   cases[i].epsilon) < 1e-9);
}

/* Without delta it is the limit of Clopper and Pearson, in odds. */
static void
test_odds(void)
{
    for (uint64_t right = 60; right <= 100; right += 8) {
        double p = fl_binomial_least(right, 100, .05);
        double odds = p / (1 - p);
        double want = odds > 1 ? log(odds) : 0;
        CHECK(fabs(fl_guess_epsilon(100, 100, right, 0, .05) - want) < 1e-9);
        CHECK(fabs(fl_secret_epsilon(100, right, 2, 1, .05) - want / 2) < 1e-9);
    }
    CHECK(fabs(fl_secret_epsilon(100, 100, 64, 1, .05) - log(32.883317 * 63) / 2) < 1e-6);
    CHECK(fl_secret_epsilon(100, 2, 64, 1, .05) == 0); /* as chance has it */
    CHECK(fl_secret_epsilon(100, 0, 64, 1, .05) == 0);
}

int
main(void)
{
    RUN(test_limits);
    RUN(test_guesses);
    RUN(test_odds);
    return test_end();
}
