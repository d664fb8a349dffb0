/*
 * Candidates are ordered for a cut only, by number (top-k, Fan et al. 2018) or by probability
 * together (top-p, Holtzman et al. 2020), and then no further than to find the last one that stays
 * (Hoare 1961, Find), since a vocabulary is large. Min-p (Nguyen et al. 2024) needs no order.
 * Weights are relative to the likeliest id, so that none overflows.
 */
#include "nn/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct candidate {
    double weight; /* probability in parts of the likeliest one's */
    float logit;
    uint32_t id;
};

struct fl_sampler {
    struct fl_sampling how;
    size_t vocab;
    bool *seen;                   /* (V) */
    struct candidate *candidates; /* (V) by id */
    struct candidate *order;      /* (V) the same, as far as a cut orders them */
};

struct fl_sampler *
fl_sampler_new(const struct fl_sampling *how, size_t vocab)
{
    struct fl_sampler *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->how = *how;
    s->vocab = vocab;
    s->seen = fl_alloc(vocab, sizeof *s->seen);
    s->candidates = fl_alloc(vocab, sizeof *s->candidates);
    s->order = fl_alloc(vocab, sizeof *s->order);
    if (s->seen && s->candidates && s->order)
        return s;
    fl_sampler_free(s);
    return NULL;
}

void
fl_sampler_free(struct fl_sampler *s)
{
    if (!s)
        return;
    free(s->seen);
    free(s->candidates);
    free(s->order);
    free(s);
}

void
fl_sampler_restart(struct fl_sampler *s, const struct fl_sampling *how)
{
    s->how = *how;
    memset(s->seen, 0, s->vocab * sizeof *s->seen);
}

void
fl_sampler_see(struct fl_sampler *s, uint32_t id)
{
    s->seen[id] = true;
}

/* Does X come before Y: is it likelier, or as likely and has the lower number? */
static bool
before(struct candidate x, struct candidate y)
{
    return x.logit > y.logit || (x.logit == y.logit && x.id < y.id);
}

/* Fill the candidates, penalised, and return the likeliest (the first of equals), or -1. */
static int64_t
take_logits(struct fl_sampler *s, const float *logits)
{
    const float penalty = (float)s->how.repetition_penalty;
    struct candidate *c = s->candidates;
    size_t best = 0;
    bool bad = false;

    for (size_t i = 0; i < s->vocab; i++) {
        bad = bad || isnan(logits[i]);
        float logit = logits[i];
        if (s->seen[i])
            logit = logit < 0 ? logit * penalty : logit / penalty;
        c[i] = (struct candidate){0, logit, (uint32_t)i};
        best = c[i].logit > c[best].logit ? i : best;
    }
    if (bad || !isfinite(c[best].logit))
        return fl_error(
            FL_FAILED,
            "a logit is not a finite number; the model was made by a training that went astray");
    return (int64_t)best;
}

static void
swap(struct candidate *a, struct candidate *b)
{
    struct candidate c = *a;

    *a = *b;
    *b = c;
}

/* Move those of N >= 1 that come before one of them, the median of three, before it: its place. */
static size_t
part(struct candidate *c, size_t n)
{
    size_t place = 0, last = n - 1;

    if (before(c[n / 2], c[0]))
        swap(&c[n / 2], &c[0]);
    if (before(c[last], c[0]))
        swap(&c[last], &c[0]);
    if (before(c[n / 2], c[last]))
        swap(&c[n / 2], &c[last]);
    for (size_t i = 0; i < last; i++)
        if (before(c[i], c[last]))
            swap(&c[i], &c[place++]);
    swap(&c[last], &c[place]);
    return place;
}

/*
 * Move the likeliest of N to the front, as few as reach ENOUGH together by their number (COUNTED)
 * or weights, the last of them last: how many.
 */
static size_t
cut(struct candidate *c, size_t n, bool counted, double enough)
{
    double reached = 0; /* by those before FROM, which stay */
    size_t from = 0, to = n;

    while (from < to) {
        size_t place = from + part(c + from, to - from);
        double more = reached;
        for (size_t i = from; i < place; i++)
            more += counted ? 1 : c[i].weight;
        if (place > from && more >= enough) {
            to = place;
            continue;
        }
        reached = more + (counted ? 1 : c[place].weight);
        from = place + 1;
        if (reached >= enough)
            break;
    }
    return from;
}

static double
sum_of(const struct candidate *c, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += c[i].weight;
    return sum;
}

/* Weights of all candidates; those that are cut off get 0. */
static void
weigh(struct fl_sampler *s, double best)
{
    const struct fl_sampling *how = &s->how;
    bool few = how->top_k > 0 && (uint64_t)how->top_k < s->vocab;
    struct candidate *c = s->candidates;
    size_t n = s->vocab;

    for (size_t i = 0; i < n; i++)
        c[i].weight = exp(((double)c[i].logit - best) / how->temperature);
    if (few || how->top_p < 1) {
        memcpy(s->order, c, n * sizeof *c);
        if (few)
            n = cut(s->order, n, true, (double)how->top_k);
        if (how->top_p < 1)
            n = cut(s->order, n, false, how->top_p * sum_of(s->order, n));
    }
    for (size_t i = 0; i < s->vocab; i++)
        if (c[i].weight < how->min_p || (n < s->vocab && before(s->order[n - 1], c[i])))
            c[i].weight = 0;
}

int64_t
fl_sampler_choose(struct fl_sampler *s, const float *logits, double u)
{
    int64_t likeliest = take_logits(s, logits), chosen = likeliest;

    if (likeliest < 0 || s->how.temperature <= 0)
        return likeliest;
    weigh(s, (double)s->candidates[likeliest].logit);
    double left = u * sum_of(s->candidates, s->vocab);
    for (size_t i = 0; i < s->vocab && left >= 0; i++) {
        if (s->candidates[i].weight > 0)
            chosen = (int64_t)i;
        left -= s->candidates[i].weight;
    }
    return chosen;
}
