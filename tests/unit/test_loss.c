/*
 * The loss of one step, in both directions: delta(eps) of the grid is that of the mechanism at grid
 * points, and above it between them, also below eps = 0. (For all mechanisms here removing a unit
 * costs most, so that a wrong direction of adding one would not show in any epsilon.)
 */
#include "priv/loss.h"

#include "test.h"

static double
normal(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double
laplace(double x)
{
    return x < 0 ? exp(x) / 2 : 1 - exp(-x) / 2;
}

/* delta(eps) = P[L > eps] - e^eps Q[L > eps]: of a Gaussian, or Laplace noise, drawn with Q. */
static double
truth(bool gauss, double q, double s, bool reversed, double eps)
{
    double loss = reversed ? -eps : eps, grown = expm1(loss) + q, x;

    if (gauss)
        x = grown > 0 ? s * s * log(grown / q) + 0.5 : -INFINITY;
    else
        x = grown > 0 ? (s * log(grown / q) + 1) / 2 : -INFINITY;
    if (!gauss) /* atoms at both ends */
        x = x < 0 ? -INFINITY : x >= 1 ? INFINITY : x;
    double without = gauss ? normal(x / s) : laplace(x / s);
    double with = gauss ? normal((x - 1) / s) : laplace((x - 1) / s);
    double mixed = (1 - q) * without + q * with;
    if (reversed) /* L' > eps below x; an atom at x itself has L' = eps, and costs nothing */
        return without - exp(eps) * mixed;
    return 1 - mixed - exp(eps) * (1 - without);
}

static double
delta_of(const struct fl_loss *loss, double eps)
{
    double sum = loss->infinite;

    for (size_t k = 0; k < loss->count; k++) {
        double L = (double)(loss->first + (int64_t)k) * loss->h;
        if (L > eps)
            sum -= loss->mass[k] * expm1(eps - L);
    }
    return sum;
}

static void
check_law(bool gauss, double q, double s, bool reversed)
{
    const double h = 1e-3;
    struct fl_events events = {0};
    struct fl_loss loss;
    char text[80];
    double total = 0, worst = 0, below = 0;

    snprintf(text, sizeof text, gauss ? "pgauss:q=%.17g,nm=%.17g" : "plap:q=%.17g,b=%.17g", q, s);
    CHECK(!fl_events_parse(&events, text));
    CHECK(fl_loss_has(events.items) && fl_loss_is_symmetric(events.items) == (q == 1));
    CHECK(!fl_loss_init(&loss, events.items, reversed, h));
    for (size_t k = 0; k < loss.count; k++) {
        CHECK(loss.mass[k] >= 0);
        total += loss.mass[k];
    }
    CHECK_NEAR(total + loss.infinite, 1, 1e-12);
    for (double at = -1; at < 1; at += 0.02) {
        double grid = rint(at / h) * h;
        worst = fmax(worst, fabs(delta_of(&loss, grid) - truth(gauss, q, s, reversed, grid)));
        double between = grid + h / 3;
        below = fmin(below, delta_of(&loss, between) - truth(gauss, q, s, reversed, between));
    }
    if (!(worst < 1e-12 && below > -1e-12))
        printf("# %s%s: off by %.3g, below by %.3g\n", text, reversed ? ", reversed" : "", worst,
               below);
    CHECK(worst < 1e-12);
    CHECK(below > -1e-12);
    fl_loss_release(&loss);
    fl_events_release(&events);
}

static void
test_laws(void)
{
    static const double rates[] = {0.001, 0.1, 0.5, 0.95, 1}, scales[] = {0.4, 1, 3, 20};

    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 4; k++)
            for (int way = 0; way < 4; way++)
                check_law(way & 1, rates[i], scales[k], way & 2);
}

/* Discrete noise, against the sum over whole numbers. */
static void
test_discrete(void)
{
    struct fl_events events = {0};

    CHECK(!fl_events_parse(&events, "dgauss:sigma=1.3,sens=2+dgauss:sigma=9.7,sens=1"));
    for (size_t i = 0; i < events.count; i++) {
        const struct fl_event *e = &events.items[i];
        struct fl_loss loss;
        double sum = 0;
        CHECK(!fl_loss_init(&loss, e, false, 1e-3));
        for (int x = -200; x <= 200; x++)
            sum += exp(-x * x / (2 * e->noise * e->noise));
        for (double eps = -0.5; eps < 2; eps += 0.1) {
            double grid = rint(eps * 1e3) / 1e3, want = 0;
            for (int x = -200; x <= 200; x++) {
                double y = x - e->sens, s2 = 2 * e->noise * e->noise;
                want += fmax(0, exp(-y * y / s2) / sum - exp(grid) * exp(-x * x / s2) / sum);
            }
            CHECK(fabs(delta_of(&loss, grid) - want) < 1e-12);
        }
        fl_loss_release(&loss);
    }
    fl_events_release(&events);
}

int
main(void)
{
    RUN(test_laws);
    RUN(test_discrete);
    return test_end();
}
