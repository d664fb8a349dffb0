/*
 * Two accountants side by side, and their inverse by bisection. What bisection finds is rounded to
 * the safe side and accounted for once more, so that a printed answer is itself within the target.
 */
#include "priv/budget.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int
fl_charge(const struct fl_events *events, double delta, struct fl_charge *charge)
{
    struct fl_rdp rdp;

    *charge = (struct fl_charge){.rdp = {INFINITY, INFINITY}, .pld = INFINITY, .eps = INFINITY};
    if (fl_events_check(events))
        return -1;
    charge->has_rdp = !fl_events_have(events, FL_MECH_PLAP);
    charge->has_pld = fl_pld_has(events);
    if (charge->has_rdp) {
        if (fl_rdp_compute(&rdp, events))
            return -1;
        charge->rdp = fl_rdp_epsilon(&rdp, delta);
        charge->integers = rdp.integers;
        charge->eps = charge->rdp.eps;
    }
    if (charge->has_pld && fl_pld_epsilon(events, &delta, 1, &charge->pld, &charge->about_pld))
        return -1;
    if (charge->has_pld && !charge->about_pld.continuous && charge->pld < charge->eps) {
        charge->eps = charge->pld;
        charge->by = FL_ACCOUNT_PLD;
    }
    return 0;
}

const char *
fl_accountant_name(enum fl_accountant by)
{
    return by == FL_ACCOUNT_PLD ? "pld" : "rdp";
}

int
fl_charge_by(const struct fl_events *events, double delta, enum fl_accountant by, double *eps)
{
    struct fl_pld_answer answer;
    struct fl_rdp rdp;

    if (by == FL_ACCOUNT_PLD)
        return fl_pld_epsilon(events, &delta, 1, eps, &answer);
    if (fl_rdp_compute(&rdp, events))
        return -1;
    *eps = fl_rdp_epsilon(&rdp, delta).eps;
    return 0;
}

const char *
fl_charge_orders(const struct fl_charge *charge)
{
    return charge->integers ? "2-128,256" : "1.1-10.9/0.1,11-63,128,256,512,1024";
}

struct search {
    struct fl_events *events;
    struct fl_event *last;
    double delta, target;
    enum fl_accountant by;
    enum fl_solve what;
    bool failed;
};

static void
put_number(const struct search *s, double x)
{
    if (s->what == FL_SOLVE_NOISE)
        s->last->noise = x;
    else if (s->what == FL_SOLVE_RATE)
        s->last->q = x;
    else
        s->last->count = (uint64_t)x;
}

/* Is X within the target? */
static bool
within(struct search *s, double x)
{
    double eps = INFINITY;

    put_number(s, x);
    if (!s->failed && fl_charge_by(s->events, s->delta, s->by, &eps))
        s->failed = true;
    return !s->failed && eps <= s->target;
}

/* X rounded to 6 digits: not below it (UP), or not above. */
static double
six_digits(double x, bool up)
{
    char text[40];
    double unit = pow(10, floor(log10(x)) - 5);

    snprintf(text, sizeof text, "%.5e", x);
    double r = strtod(text, NULL);
    if (up ? r < x : r > x) {
        snprintf(text, sizeof text, "%.5e", up ? x + unit : x - unit);
        r = strtod(text, NULL);
    }
    return r;
}

/*
 * A number between BAD and GOOD, of which the one is not within the target and the other is, near
 * the edge: to 1e-7 of it, or of whole numbers the edge itself.
 */
static double
bisect(struct search *s, double bad, double good)
{
    bool whole = s->what == FL_SOLVE_STEPS;

    while (!s->failed && (whole ? fabs(good - bad) > 1 : fabs(good / bad - 1) > 1e-7)) {
        double middle = whole ? floor((good + bad) / 2) : sqrt(good) * sqrt(bad);
        *(within(s, middle) ? &good : &bad) = middle;
    }
    return good;
}

static int
unreachable(const struct search *s, const char *what)
{
    if (s->failed)
        return -1;
    return fl_error(FL_FAILED,
                    "an epsilon of %g at delta %g cannot be kept with %s of the last event; allow "
                    "more, or spend less in the events before it",
                    s->target, s->delta, what);
}

static int
solve_noise(struct search *s)
{
    double good = 1, bad;

    while (!within(s, good))
        if (s->failed || (good *= 4) > 1e15)
            return unreachable(s, "any noise");
    for (bad = good / 4; within(s, bad); bad /= 4) {
        if (s->failed || bad < 1e-3)
            return unreachable(s, "noise above 0.001: any is enough, so no least one");
        good = bad;
    }
    good = six_digits(bisect(s, bad, good), true);
    while (!within(s, good)) {
        if (s->failed)
            return -1;
        good = six_digits(good * (1 + 1e-5), true);
    }
    return 0;
}

static int
solve_rate(struct search *s)
{
    double bad = 1, good;

    if (within(s, 1))
        return 0;
    for (good = 0.25; !within(s, good); good /= 4) {
        if (s->failed || good < 1e-15)
            return unreachable(s, "any rate");
        bad = good;
    }
    good = six_digits(bisect(s, bad, good), false);
    while (!within(s, good)) {
        if (s->failed)
            return -1;
        good = six_digits(good * (1 - 1e-5), false);
    }
    return 0;
}

static int
solve_steps(struct search *s)
{
    const double most = 1e12;
    double good = 0, bad = 1;

    if (!within(s, 0))
        return unreachable(s, "any number of steps");
    for (; within(s, bad); bad = fmin(4 * bad, most)) {
        good = bad;
        if (good == most)
            return 0;
    }
    good = bisect(s, bad, good);
    return within(s, good) ? 0 : -1;
}

int
fl_budget_solve(struct fl_events *events, double delta, double target, enum fl_accountant by,
                enum fl_solve what)
{
    if (!events->count)
        return fl_error(FL_USAGE, "an event is missing; the last one is that whose noise, steps "
                                  "or rate is looked for");
    struct fl_event *last = &events->items[events->count - 1];
    struct search s = {events, last, delta, target, by, what, false};

    if (what == FL_SOLVE_STEPS)
        return solve_steps(&s);
    if (last->count == 0)
        return fl_error(FL_USAGE, "the last event has no steps, so that its noise and rate do not "
                                  "matter; give their number, as in \"gauss:nm=1*10\"");
    if (what == FL_SOLVE_RATE)
        return last->mechanism == FL_MECH_PGAUSS || last->mechanism == FL_MECH_PDGAUSS ||
                       last->mechanism == FL_MECH_PLAP
                   ? solve_rate(&s)
                   : fl_error(FL_USAGE, "the last event has no rate q; those of pgauss, pdgauss "
                                        "and plap are looked for");
    return last->mechanism != FL_MECH_EPSDELTA
               ? solve_noise(&s)
               : fl_error(FL_USAGE,
                          "the last event has no noise; epsdelta says only what it costs");
}
