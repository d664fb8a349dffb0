/*
 * Sums of privacy losses. Powers of the transforms of one step's losses; the window of the result
 * is chosen by Chernoff bounds so that e^-36 is left out on each side. That mass, and a bound of
 * what the transforms round off, count as infinite loss, so that the answer stays a bound.
 */
#include "priv/pld.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "math/fft.h"
#include "priv/loss.h"

enum { WINDOW_MOST = 1 << 22, RATES = 40 };
static const double tail = 36; /* -ln of the mass that each side of the window leaves out */

bool
fl_pld_has(const struct fl_events *events)
{
    for (size_t i = 0; i < events->count; i++)
        if (events->items[i].count && !fl_loss_has(&events->items[i]))
            return false;
    return true;
}

/*
 * Fold events that lose the same in each step into one, and all undrawn continuous Gaussians into
 * one step: their losses are normal and add up to a normal one.
 */
static int
fold(const struct fl_events *events, struct fl_events *folded)
{
    double precision = 0;

    for (size_t i = 0; i < events->count; i++) {
        struct fl_event e = events->items[i];
        double ratio = fl_event_ratio(&e);
        size_t k = 0;
        if (!e.count || (fl_loss_spread(&e) == 0 && !e.delta))
            continue;
        if (e.q == 1 && (e.mechanism == FL_MECH_GAUSS || e.mechanism == FL_MECH_PGAUSS ||
                         fl_loss_is_continuous(&e))) {
            precision += (double)e.count / (ratio * ratio);
            continue;
        }
        while (k < folded->count && !fl_event_same(&folded->items[k], &e))
            k++;
        if (k < folded->count)
            folded->items[k].count += e.count;
        else if (fl_events_add(folded, &e))
            return -1;
    }
    struct fl_event one = {.mechanism = FL_MECH_GAUSS,
                           .q = 1,
                           .noise = 1 / sqrt(precision),
                           .count = 1};
    return precision > 0 ? fl_events_add(folded, &one) : 0;
}

/* ---- the window ---------------------------------------------------------------------------- */

/* Chernoff bounds at fixed rates, gathered event by event. */
struct window {
    double h;
    double rate[RATES];            /* of exp(rate * loss) */
    double up[RATES], down[RATES]; /* ln of the moment of exp(+rate L), exp(-rate L) */
    double infinite;               /* ln of the chance that no loss is infinite */
};

/* ln of the moment of exp(c L), or exp(-c L): summed from the end where its terms are largest. */
static double
log_moment(const struct fl_loss *loss, double c, bool up)
{
    double sum = 0, weight = 1, factor = exp(-c * loss->h);

    for (size_t i = 0; i < loss->count; i++) {
        size_t k = up ? loss->count - 1 - i : i;
        if (i % 256 == 0)
            weight = exp(-c * loss->h * (double)i);
        if (weight == 0)
            break;
        sum += loss->mass[k] * weight;
        weight *= factor;
    }
    double end = (double)(loss->first + (up ? (int64_t)loss->count - 1 : 0)) * loss->h;
    return log(sum) + (up ? c : -c) * end;
}

static void
window_add(struct window *w, const struct fl_loss *loss, double count)
{
    for (size_t i = 0; i < RATES; i++) {
        w->up[i] += count * log_moment(loss, w->rate[i], true);
        w->down[i] += count * log_moment(loss, w->rate[i], false);
    }
    w->infinite += count * log1p(-fmin(loss->infinite, 1));
}

/* The window's ends in cells. */
static void
window_ends(const struct window *w, double *lo, double *hi)
{
    *hi = INFINITY;
    *lo = -INFINITY;
    for (size_t i = 0; i < RATES; i++) {
        *hi = fmin(*hi, (w->up[i] + tail) / w->rate[i]);
        *lo = fmax(*lo, -(w->down[i] + tail) / w->rate[i]);
    }
    *lo = floor(*lo / w->h) - 1;
    *hi = ceil(*hi / w->h) + 1;
}

/* Rates around that which would be best for a normal sum. */
static void
window_start(struct window *w, const struct fl_events *folded, double h)
{
    double variance = 0;

    *w = (struct window){.h = h};
    for (size_t i = 0; i < folded->count; i++) {
        double spread = fl_loss_spread(&folded->items[i]);
        variance += (double)folded->items[i].count * spread * spread;
    }
    for (int i = 0; i < RATES; i++)
        w->rate[i] = sqrt(2 * tail / (variance + h * h)) * exp2((i - 26) / 2.0);
}

/* ---- the sum ------------------------------------------------------------------------------- */

/* The transform of the sum so far, for frequencies 0 to n / 2 (it is that of real numbers). */
struct sum {
    struct fl_fft fft;
    double *step;    /* (n, 2) of one event's step */
    double *product; /* (n, 2) */
    double *size;    /* (n / 2 + 1,) ln of |product|, or of more where that is all error */
    double *doubt;   /* (n / 2 + 1,) relative error of the product */
    size_t n;
};

static void
sum_release(struct sum *s)
{
    fl_fft_release(&s->fft);
    free(s->step);
    free(s->product);
    free(s->size);
    free(s->doubt);
}

static int
sum_init(struct sum *s, size_t n)
{
    *s = (struct sum){.n = n};
    if (fl_fft_init(&s->fft, n) || !(s->step = fl_alloc(2 * n, sizeof *s->step)) ||
        !(s->product = fl_alloc(2 * n, sizeof *s->product)) ||
        !(s->size = fl_alloc(n / 2 + 1, sizeof *s->size)) ||
        !(s->doubt = fl_alloc(n / 2 + 1, sizeof *s->doubt))) {
        sum_release(s);
        return -1;
    }
    for (size_t k = 0; k <= n / 2; k++)
        s->product[2 * k] = 1;
    return 0;
}

static size_t
cell_of(int64_t at, size_t n)
{
    return (size_t)at & (n - 1); /* two's complement, n a power of two */
}

/* Z := Z * (RE + i IM)^COUNT, by squaring. */
static void
times_power(double z[2], double re, double im, uint64_t count)
{
    for (; count; count >>= 1) {
        double r = re * re - im * im, i = 2 * re * im;
        if (count & 1) {
            double t = z[0] * re - z[1] * im;
            z[1] = z[0] * im + z[1] * re;
            z[0] = t;
        }
        re = r;
        im = i;
    }
}

/*
 * Add COUNT steps. The transform errs by at most 4 * 2^-53 log2(n) |mass|_2 a value, or so: it does
 * in the mean, and thirty times less in fact. The power multiplies the relative error by COUNT.
 */
static void
sum_add(struct sum *s, const struct fl_loss *loss, uint64_t count)
{
    double squares = 0, times = (double)count;

    for (size_t i = 0; i < 2 * s->n; i++)
        s->step[i] = 0;
    for (size_t k = 0; k < loss->count; k++) {
        s->step[2 * cell_of(loss->first + (int64_t)k, s->n)] += loss->mass[k];
        squares += loss->mass[k] * loss->mass[k];
    }
    fl_fft_forward(&s->fft, s->step);
    double error = 2 * DBL_EPSILON * log2((double)s->n) * sqrt(squares);
    for (size_t k = 0; k <= s->n / 2; k++) {
        double re = s->step[2 * k], im = s->step[2 * k + 1];
        double size = fmax(sqrt(re * re + im * im), error);
        s->doubt[k] += times * (error / size + 2 * DBL_EPSILON);
        s->size[k] += times * log(size);
        times_power(s->product + 2 * k, re, im, count);
    }
}

/*
 * Transform back; returns a bound of the sum of all errors of the masses, which is at most the L2
 * norm of the errors of the transform, by Cauchy and Schwarz.
 */
static double
sum_back(struct sum *s)
{
    double squares = 0, total = 0;

    for (size_t k = 0; k <= s->n / 2; k++) {
        double size = exp(s->size[k]), doubt = s->doubt[k], twice = k && k < s->n / 2 ? 2 : 1;
        double error = doubt < 1 ? size * expm1(doubt) : exp(s->size[k] + doubt);
        squares += twice * error * error;
        total += twice * size * size;
    }
    for (size_t k = 1; k < s->n / 2; k++) {
        s->product[2 * (s->n - k)] = s->product[2 * k];
        s->product[2 * (s->n - k) + 1] = -s->product[2 * k + 1];
    }
    fl_fft_inverse(&s->fft, s->product);
    return sqrt(squares) + 2 * DBL_EPSILON * log2((double)s->n) * sqrt(total);
}

/* ---- epsilon ------------------------------------------------------------------------------- */

/* Masses of the sum from the loss FIRST h on; what is infinite besides. */
struct result {
    const double *mass; /* mass[cell_of(k, n) * stride] at the loss k h */
    size_t n, stride;
    int64_t first, last;
    double h, infinite;
};

/*
 * The least eps, not below 0, with delta(eps) <= DELTA: from the highest loss down. Between grid
 * points delta(eps) = infinite + S - e^eps T over the losses above.
 */
static double
epsilon(const struct result *r, double delta)
{
    double left = delta - r->infinite, S = 0, T = 0; /* T: of mass e^-(loss - k h) */
    double fall = exp(-r->h);

    if (!(left > 0))
        return delta > 0 || r->infinite > 0 || r->last > 0 ? INFINITY : 0;
    for (int64_t k = r->last; k >= r->first; k--) {
        double mass = fmax(0, r->mass[cell_of(k, r->n) * r->stride]), above = T * fall;
        /* of all losses above k h: delta at k h is S - above */
        if (S - above > left) /* passed between k and k + 1 */
            return fmax(0, (double)(k + 1) * r->h + log((S - left) / T));
        if (k < 0)
            return 0;
        S += mass;
        T = above + mass;
    }
    /* below the lowest loss delta(eps) goes on as S - e^eps T */
    return S > left ? fmax(0, (double)r->first * r->h + log((S - left) / T)) : 0;
}

struct job {
    const struct fl_events *folded;
    const double *deltas;
    size_t n;
    double *eps;
    struct fl_pld_answer *answer;
    bool reversed;
};

static void
answer_all(const struct job *job, const struct result *r)
{
    job->answer->floor = fmax(job->answer->floor, r->infinite);
    for (size_t i = 0; i < job->n; i++)
        job->eps[i] = fmax(job->eps[i], epsilon(r, job->deltas[i]));
}

/* One step alone needs no transform; the tails that its masses come from are rounded. */
static int
one_step(const struct job *job, double h)
{
    struct fl_loss loss;

    if (fl_loss_init(&loss, job->folded->items, job->reversed, h))
        return -1;
    size_t n = 1;
    while (n < loss.count)
        n *= 2;
    double *ring = fl_alloc(n, sizeof *ring);
    struct result r = {.mass = ring,
                       .n = n,
                       .stride = 1,
                       .first = loss.first,
                       .h = h,
                       .last = loss.first + (int64_t)loss.count - 1,
                       .infinite = loss.infinite + 4 * DBL_EPSILON};
    for (size_t k = 0; ring && k < loss.count; k++)
        ring[cell_of(loss.first + (int64_t)k, n)] = loss.mass[k];
    if (ring)
        answer_all(job, &r);
    free(ring);
    fl_loss_release(&loss);
    return ring ? 0 : -1;
}

static int
each_loss(const struct job *job, double h, struct window *w, struct sum *s)
{
    for (size_t i = 0; i < job->folded->count; i++) {
        const struct fl_event *e = &job->folded->items[i];
        struct fl_loss loss;
        if (fl_loss_init(&loss, e, job->reversed, h))
            return -1;
        if (w)
            window_add(w, &loss, (double)e->count);
        else
            sum_add(s, &loss, e->count);
        fl_loss_release(&loss);
    }
    return 0;
}

/* The sum of all steps in one direction. *H grows until the window has its size. */
static int
all_steps(const struct job *job, double *h)
{
    struct window w;
    struct sum s;
    double lo, hi;
    size_t n = 2;

    for (;; *h *= 2) {
        window_start(&w, job->folded, *h);
        if (each_loss(job, *h, &w, NULL))
            return -1;
        window_ends(&w, &lo, &hi);
        if (hi - lo < WINDOW_MOST)
            break;
    }
    while ((double)n < hi - lo + 1)
        n *= 2;
    if (sum_init(&s, n))
        return -1;
    int failed = each_loss(job, *h, NULL, &s);
    if (!failed) {
        double rounded = sum_back(&s);
        struct result r = {.mass = s.product,
                           .n = n,
                           .stride = 2,
                           .first = (int64_t)lo,
                           .last = (int64_t)lo + (int64_t)n - 1,
                           .h = *h,
                           .infinite = -expm1(w.infinite) + 2 * exp(-tail) + rounded};
        answer_all(job, &r);
    }
    sum_release(&s);
    return failed ? -1 : 0;
}

static double
grid_of(const struct fl_events *folded)
{
    double h = 1e-4, least = 0;

    for (size_t i = 0; i < folded->count; i++) {
        double spread = fl_loss_spread(&folded->items[i]);
        if (spread > 0)
            h = fmin(h, spread / 4);
        least = fmax(least, fl_loss_width(&folded->items[i]) / (FL_LOSS_CELLS - 8));
    }
    return fmax(h, least);
}

static int
both_directions(struct job *job)
{
    const struct fl_events *f = job->folded;
    double h = grid_of(f);
    bool symmetric = true;

    for (size_t i = 0; i < f->count; i++)
        symmetric &= fl_loss_is_symmetric(&f->items[i]);
    for (int i = 0; i < (symmetric ? 1 : 2); i++) {
        job->reversed = i == 1;
        if (f->count == 1 && f->items[0].count == 1 ? one_step(job, h) : all_steps(job, &h))
            return -1;
    }
    job->answer->grid = h;
    return 0;
}

int
fl_pld_epsilon(const struct fl_events *events, const double *deltas, size_t n, double *eps,
               struct fl_pld_answer *answer)
{
    struct fl_events folded = {0};
    struct job job = {.folded = &folded, .deltas = deltas, .n = n, .eps = eps, .answer = answer};

    *answer = (struct fl_pld_answer){0};
    if (!fl_pld_has(events))
        return fl_error(FL_USAGE, "wor, and dgauss of vectors, have no loss distribution; their "
                                  "Renyi bound (rdp) is one");
    for (size_t i = 0; i < n; i++)
        eps[i] = 0;
    for (size_t i = 0; i < events->count; i++)
        answer->continuous |= events->items[i].count && fl_loss_is_continuous(&events->items[i]);
    int failed = fold(events, &folded) || (folded.count && both_directions(&job));
    fl_events_release(&folded);
    return failed ? -1 : 0;
}
