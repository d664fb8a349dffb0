/*
 * Renyi divergences of each mechanism. Sums and integrals of many magnitudes run in logarithms;
 * what is a small difference from 1 is computed as that difference, never as 1 + tiny - 1.
 */
#include "priv/rdp.h"

#include <math.h>

static double
log_add(double a, double b)
{
    double hi = fmax(a, b), lo = fmin(a, b);

    return lo == -INFINITY ? hi : hi + log1p(exp(lo - hi));
}

/* ln(exp(x) - 1) for x > 0. */
static double
log_expm1(double x)
{
    return x > 40 ? x + log1p(-exp(-x)) : log(expm1(x));
}

static double
log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* log1p(exp(l)) / (alpha - 1): the divergence whose moment exceeds 1 by exp(l). */
static double
divergence(double l, double alpha)
{
    return (l > 40 ? l + exp(-l) : log1p(exp(l))) / (alpha - 1);
}

/*
 * Sum over k of C(a,k) (1-q)^(a-k) q^k (exp(k (k-1) / 2 s^2) - 1): the moment less 1, since the
 * binomial weights add up to 1, and k = 0, 1 give nothing.
 */
static double
pgauss_sum(double q, double s, double a)
{
    double total = -INFINITY, lq = log(q), lp = log1p(-q);

    for (int i = 2; i <= (int)a; i++) {
        double k = i;
        double grown = k * (k - 1) / (2 * s * s);
        double term = log_choose(a, k) + k * lq + log_expm1(grown);
        if (k < a)
            term += (a - k) * lp;
        total = log_add(total, term);
    }
    return total;
}

/* ln((1+w)^a - 1 - a w), which is never negative: w = q (exp(t) - 1). */
static double
log_excess(double q, double t, double a)
{
    double w = q * expm1(t);

    if (fabs(w) < 0.3) { /* the binomial series from its third term on */
        double power = a * (a - 1) / 2 * w * w, sum = power;
        for (double j = 3; j < 200 && fabs(power) > 1e-18 * sum; j++) {
            power *= (a - j + 1) / j * w;
            sum += power;
        }
        return log(sum);
    }
    double y = t < 600 ? log1p(w) : log(q) + t; /* ln(1 + w) */
    y *= a;
    if (y < 600)
        return log(expm1(y) - a * w);
    return y + log1p(-exp(log(a) + y / a - y)); /* w is above 10^5 here */
}

static double
pgauss_integral(double q, double s, double a)
{
    const double step = s / 60;
    double total = -INFINITY;
    long points = (long)ceil((a + 90 * s) / step);

    for (long i = 0; i <= points; i++) {
        double x = -45 * s + (double)i * step, t = (2 * x - 1) / (2 * s * s);
        if (t == 0)
            continue; /* w = 0 */
        total = log_add(total, log_excess(q, t, a) - x * x / (2 * s * s));
    }
    return total + log(step / s) - 0.5 * log(8 * atan(1));
}

static double
gauss(double s, double alpha)
{
    return alpha / (2 * s * s);
}

double
fl_rdp_pgauss_integral(double q, double s, double alpha)
{
    return q == 0 ? 0 : divergence(pgauss_integral(q, s, alpha), alpha);
}

/*
 * Below this noise an integral's points, which are s / 60 apart, are too many, and from 1e-17 on no
 * longer a number of points at all. Larger bounds do: such noise hides nothing anyway.
 */
static const double little = 1e-2;

double
fl_rdp_pgauss(double q, double s, double alpha)
{
    if (q == 0 || isinf(s))
        return 0;
    if (q == 1)
        return gauss(s, alpha);
    if (s < little)
        alpha = ceil(alpha); /* divergences do not fall as their order grows */
    return divergence(alpha == floor(alpha) ? pgauss_sum(q, s, alpha)
                                            : pgauss_integral(q, s, alpha),
                      alpha);
}

static double
laplace(double b, double a)
{
    return log_add(log(a / (2 * a - 1)) + (a - 1) / b, log((a - 1) / (2 * a - 1)) - a / b) /
           (a - 1);
}

/* Randomized response, the worst of all mechanisms with that guarantee. */
static double
pure(double eps, double a)
{
    double yes = -log1p(exp(-eps)), no = yes - eps;

    if (eps == 0)
        return 0;
    return log_add(a * yes + (1 - a) * no, a * no + (1 - a) * yes) / (a - 1);
}

/*
 * ln of the L-th forward difference at 0, L even, of exp(i (i-1) / 2 s^2): the moment
 * E[(exp((2x-1) / 2 s^2) - 1)^L] over N(0, s^2), by trapezoids, since differences cancel.
 */
static double
log_moment(double s, double L)
{
    const double step = s / 40;
    double total = -INFINITY;
    long points = (long)ceil((L + 80 * s) / step);

    for (long i = 0; i <= points; i++) {
        double x = -40 * s + (double)i * step, t = (2 * x - 1) / (2 * s * s);
        double log_size = t > 0 ? log_expm1(t) : log(-expm1(t));
        total = log_add(total, L * log_size - x * x / (2 * s * s));
    }
    return total + log(step / s) - 0.5 * log(8 * atan(1));
}

enum { WOR_EXACT = 256 }; /* above that order the simpler, larger terms */

/*
 * Theorem 27 of Wang et al. at whole orders up to A: into OUT[j] the log of the bound's moment. The
 * moments of even powers do not depend on the order, so they are had once.
 */
struct wor {
    double q, s;
    double moment[WOR_EXACT + 2]; /* of even index; NAN: not computed yet */
};

static double
moment_of(struct wor *w, size_t L)
{
    if (isnan(w->moment[L]))
        w->moment[L] = log_moment(w->s, (double)L);
    return w->moment[L];
}

static double
wor_term(struct wor *w, size_t j, bool exact)
{
    double grown = (double)j * ((double)j - 1) / (2 * w->s * w->s), simple = log(2) + grown;

    if (j == 2)
        return fmin(log(4) + log_expm1(grown), simple);
    if (!exact)
        return simple;
    size_t lo = j / 2 * 2, hi = (j + 1) / 2 * 2;
    return fmin(simple, log(4) + 0.5 * (moment_of(w, lo) + moment_of(w, hi)));
}

/* ln of the moment's bound at the whole order A; 0 at A = 1. */
static double
wor_whole(struct wor *w, double a)
{
    double total = 0;

    for (size_t j = 2; j <= (size_t)a; j++)
        total = log_add(total, log_choose(a, (double)j) + (double)j * log(w->q) +
                                   wor_term(w, j, a <= WOR_EXACT && w->s >= little));
    return total;
}

/* Between whole orders the moment's logarithm is convex (Corollary 10): a chord lies above it. */
static double
wor_rdp(struct wor *w, double a)
{
    double lo = floor(a), part = a - lo, moment;

    if (w->q == 0)
        return 0;
    if (w->q == 1)
        return gauss(w->s, a);
    moment = (1 - part) * wor_whole(w, lo);
    if (part > 0)
        moment += part * wor_whole(w, lo + 1);
    return moment / (a - 1);
}

void
fl_rdp_start(struct fl_rdp *rdp, bool integers)
{
    *rdp = (struct fl_rdp){.integers = integers};
    if (integers)
        for (int a = 2; a <= 128; a++)
            rdp->order[rdp->count++] = a;
    else {
        for (int a = 11; a <= 109; a++)
            rdp->order[rdp->count++] = a / 10.0;
        for (int a = 11; a <= 63; a++)
            rdp->order[rdp->count++] = a;
        rdp->order[rdp->count++] = 128;
    }
    rdp->order[rdp->count++] = 256;
    for (int a = 512; !integers && a <= 1024; a *= 2)
        rdp->order[rdp->count++] = a;
}

static double
one_order(const struct fl_event *e, struct wor *w, double a)
{
    switch (e->mechanism) {
    case FL_MECH_GAUSS:
    case FL_MECH_DGAUSS: return gauss(fl_event_ratio(e), a);
    case FL_MECH_PGAUSS:
    case FL_MECH_PDGAUSS: return fl_rdp_pgauss(e->q, fl_event_ratio(e), a);
    case FL_MECH_WOR: return wor_rdp(w, a);
    case FL_MECH_LAP: return laplace(e->noise, a);
    default: return pure(e->eps, a);
    }
}

static int
check_bounded(const struct fl_rdp *rdp, const struct fl_events *events)
{
    if (fl_events_check(events))
        return -1;
    if (fl_events_have(events, FL_MECH_PLAP))
        return fl_error(FL_USAGE, "plap has no Renyi bound here; its loss distribution (pld) has");
    if (fl_events_have(events, FL_MECH_PDGAUSS) && !rdp->integers)
        return fl_error(FL_USAGE, "pdgauss is bounded at whole orders only");
    return 0;
}

int
fl_rdp_add(struct fl_rdp *rdp, const struct fl_events *events)
{
    if (check_bounded(rdp, events))
        return -1;
    for (size_t i = 0; i < events->count; i++) {
        const struct fl_event *e = &events->items[i];
        struct wor w = {.s = e->noise};
        if (!e->count)
            continue;
        if (e->mechanism == FL_MECH_WOR)
            w.q = (double)e->m / (double)e->n;
        for (size_t L = 0; L < WOR_EXACT + 2; L++)
            w.moment[L] = NAN;
        for (size_t k = 0; k < rdp->count; k++)
            rdp->rdp[k] += (double)e->count * one_order(e, &w, rdp->order[k]);
        rdp->delta += (double)e->count * e->delta;
    }
    rdp->pure += fl_events_pure(events);
    return 0;
}

int
fl_rdp_compute(struct fl_rdp *rdp, const struct fl_events *events)
{
    fl_rdp_start(rdp, fl_events_have(events, FL_MECH_PDGAUSS));
    return fl_rdp_add(rdp, events);
}

static double
convert(double r, double a, double delta)
{
    if (!isfinite(r))
        return INFINITY;
    if (delta * delta + expm1(-r) > 0)
        return 0;
    return delta > 0 ? fmax(0, r + log1p(-1 / a) - log(delta * a) / (a - 1)) : INFINITY;
}

struct fl_rdp_answer
fl_rdp_epsilon(const struct fl_rdp *rdp, double delta)
{
    double left = delta - rdp->delta;
    struct fl_rdp_answer answer = {left >= 0 ? rdp->pure : INFINITY, INFINITY};

    for (size_t k = 0; left >= 0 && k < rdp->count; k++) {
        double eps = convert(rdp->rdp[k], rdp->order[k], left);
        if (eps < answer.eps)
            answer = (struct fl_rdp_answer){eps, rdp->order[k]};
    }
    return answer;
}
