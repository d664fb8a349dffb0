/*
 * Losses of one step on a grid. A mechanism is given by what lies below and above a loss, under P
 * and under Q; the mass of a cell is the difference of the tails on the side where they are small.
 * The masses a, b of a cell under P, Q go to its two ends so that both sums stay: no epsilon gets
 * less, and between grid points delta is a chord. What goes to one end is taken from the other, so
 * that round-off moves mass by one cell and loses none.
 */
#include "priv/loss.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { REACH = 12 }; /* standard deviations: 2e-33 lies beyond */
static const double discrete_most = 131072;

/* What lies at a loss and below, and above it, under P and under Q; infinite losses left out. */
struct edge {
    double below_p, above_p, below_q, above_q;
};

/* A step: its event, and tables of discrete noise. */
struct law {
    const struct fl_event *event;
    double scale; /* of noise in units of the sensitivity: nm, b */
    int64_t reach;
    double *below; /* (2 reach + 1,) P[X <= x - reach] of discrete noise; NULL: continuous */
};

static bool
is_gauss(const struct fl_event *e)
{
    return e->mechanism <= FL_MECH_PDGAUSS && e->mechanism != FL_MECH_WOR;
}

bool
fl_loss_has(const struct fl_event *event)
{
    return event->mechanism != FL_MECH_WOR && !event->squares;
}

bool
fl_loss_is_continuous(const struct fl_event *event)
{
    return event->mechanism == FL_MECH_PDGAUSS ||
           (event->mechanism == FL_MECH_DGAUSS && event->noise > discrete_most);
}

bool
fl_loss_is_symmetric(const struct fl_event *event)
{
    return event->q == 1;
}

double
fl_loss_spread(const struct fl_event *event)
{
    double scale = fl_event_ratio(event), q = event->q;

    if (event->mechanism == FL_MECH_EPSDELTA)
        return event->eps;
    if (is_gauss(event))
        return fmin(1 / scale, q * sqrt(expm1(fmin(1 / (scale * scale), 600))));
    return fmin(1 / scale, q * expm1(fmin(1 / scale, 600)));
}

/* The loss of the event drawn with q, of the loss T of the same without drawing, and back. */
static double
sampled(double q, double t)
{
    if (q == 1)
        return t;
    return t > 600 ? t + log(q) : log1p(q * expm1(t));
}

static double
unsampled(double q, double loss)
{
    if (q == 1)
        return loss;
    if (loss > 600)
        return loss - log(q);
    double grown = expm1(loss) + q;
    return grown > 0 ? log(grown / q) : -INFINITY;
}

/* The loss of a Gaussian, at most, at REACH deviations; of it without drawing. */
static double
gauss_loss(double scale, double deviations)
{
    return (2 * deviations * scale + 1) / (2 * scale * scale);
}

static void
range(const struct fl_event *e, double *lo, double *hi)
{
    double scale = fl_event_ratio(e), most, least;

    if (e->mechanism == FL_MECH_EPSDELTA) {
        most = e->eps;
        least = -most;
    } else if (is_gauss(e)) {
        most = gauss_loss(scale, REACH);
        least = gauss_loss(scale, -REACH) - 1 / (scale * scale);
    } else {
        most = 1 / scale;
        least = -most;
    }
    *hi = sampled(e->q, most);
    *lo = sampled(e->q, least);
}

double
fl_loss_width(const struct fl_event *event)
{
    double lo, hi;

    range(event, &lo, &hi);
    return hi - lo;
}

static double
above_normal(double x)
{
    return 0.5 * erfc(x * 0.70710678118654752440);
}

/* T is the loss without drawing; P is the output with the unit. */
static struct edge
gauss_edge(const struct law *law, double t)
{
    double s = law->scale, x = s * s * t + 0.5;

    return (struct edge){above_normal(-(x - 1) / s), above_normal((x - 1) / s),
                         above_normal(-x / s), above_normal(x / s)};
}

static struct edge
laplace_edge(const struct law *law, double t)
{
    double b = law->scale, x = (b * t + 1) / 2;

    if (t < -1 / b)
        return (struct edge){0, 1, 0, 1};
    if (t >= 1 / b)
        return (struct edge){1, 0, 1, 0};
    double p = exp((x - 1) / b) / 2, q = exp(-x / b) / 2;
    return (struct edge){p, 1 - p, 1 - q, q};
}

static double
below_discrete(const struct law *law, double x)
{
    if (x < -(double)law->reach)
        return 0;
    return x >= (double)law->reach ? 1 : law->below[(int64_t)floor(x) + law->reach];
}

/* Symmetric noise: P[X > x] = P[X <= -x - 1] for whole x. */
static struct edge
discrete_edge(const struct law *law, double t)
{
    const struct fl_event *e = law->event;
    double x = floor(t * e->noise * e->noise / e->sens + e->sens / 2);

    return (struct edge){below_discrete(law, x - e->sens), below_discrete(law, e->sens - x - 1),
                         below_discrete(law, x), below_discrete(law, -x - 1)};
}

static struct edge
response_edge(const struct law *law, double t)
{
    double eps = law->event->eps, left = 1 - law->event->delta, yes = left / (1 + exp(-eps)),
           no = left / (1 + exp(eps));

    if (t < -eps)
        return (struct edge){0, left, 0, left};
    if (t >= eps)
        return (struct edge){left, 0, left, 0};
    return (struct edge){no, yes, yes, no};
}

static struct edge
edge_at(const struct law *law, double loss)
{
    double q = law->event->q, t = unsampled(q, loss);
    struct edge at;

    if (law->below)
        return discrete_edge(law, t);
    if (law->event->mechanism == FL_MECH_EPSDELTA)
        return response_edge(law, t);
    at = is_gauss(law->event) ? gauss_edge(law, t) : laplace_edge(law, t);
    if (q < 1) {
        at.below_p = (1 - q) * at.below_q + q * at.below_p;
        at.above_p = (1 - q) * at.above_q + q * at.above_p;
    }
    return at;
}

static int
law_init(struct law *law, const struct fl_event *e)
{
    *law = (struct law){.event = e, .scale = fl_event_ratio(e)};
    if (e->mechanism != FL_MECH_DGAUSS || fl_loss_is_continuous(e))
        return 0;
    law->reach = (int64_t)ceil(REACH * e->noise) + 1;
    size_t n = 2 * (size_t)law->reach + 1;
    if (!(law->below = fl_alloc(n, sizeof *law->below)))
        return -1;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = ((double)i - (double)law->reach) / e->noise;
        law->below[i] = sum += exp(-x * x / 2);
    }
    for (size_t i = 0; i < n; i++)
        law->below[i] /= sum;
    return 0;
}

static double
between(double below_lo, double below_hi, double above_lo, double above_hi)
{
    return fmax(0, below_hi < above_lo ? below_hi - below_lo : above_lo - above_hi);
}

/* Masses of the cell from LO to HI under P and Q. */
static void
masses(const struct edge *lo, const struct edge *hi, bool reversed, double *a, double *b)
{
    double p = between(lo->below_p, hi->below_p, lo->above_p, hi->above_p);
    double q = between(lo->below_q, hi->below_q, lo->above_q, hi->above_q);

    *a = reversed ? q : p;
    *b = reversed ? p : q;
}

/* Cells of L in the order of the loss: from the lowest L up or, reversed, from the highest down. */
static void
fill(const struct law *law, bool reversed, struct fl_loss *loss)
{
    double sign = reversed ? -1 : 1, h = loss->h;
    struct edge last = edge_at(law, sign * (double)loss->first * h);

    loss->mass[0] += reversed ? last.above_q : last.below_p;
    for (size_t k = 0; k + 1 < loss->count; k++) {
        double lo = (double)(loss->first + (int64_t)k) * h, a, b;
        double hi = (double)(loss->first + (int64_t)k + 1) * h;
        struct edge next = edge_at(law, sign * hi);
        masses(reversed ? &next : &last, reversed ? &last : &next, reversed, &a, &b);
        double scaled = fabs(lo) < 300 ? b * exp(lo) : b > 0 ? exp(lo + log(b)) : 0;
        double up = (a - scaled) / -expm1(-h);
        up = fmin(fmax(up, 0), a);
        loss->mass[k + 1] += up;
        loss->mass[k] += a - up;
        last = next;
    }
    loss->infinite += reversed ? last.below_q : last.above_p;
}

int
fl_loss_init(struct fl_loss *loss, const struct fl_event *event, bool reversed, double h)
{
    double lo, hi;
    struct law law;

    *loss = (struct fl_loss){.h = h};
    range(event, &lo, &hi);
    if (reversed) {
        double t = lo;
        lo = -hi;
        hi = -t;
    }
    loss->first = (int64_t)floor(lo / h) - 1;
    loss->count = (size_t)((int64_t)ceil(hi / h) + 1 - loss->first) + 1;
    loss->infinite = event->delta;
    if (!(loss->mass = fl_alloc(loss->count, sizeof *loss->mass)))
        return -1;
    int failed = law_init(&law, event);
    if (!failed)
        fill(&law, reversed, loss);
    free(law.below);
    return failed;
}

void
fl_loss_release(struct fl_loss *loss)
{
    free(loss->mass);
    loss->mass = NULL;
}
