/*
 * Candidates are ordered only for a cut: by number of ids (top-k, Fan et al. 2018), by probability
 * together (top-p, Holtzman et al. 2020) or by each one's own (min-p, Nguyen et al. 2024). A heap
 * gives them likeliest first, since few of a large vocabulary are left; without a cut the order of
 * ids serves as well. Weights are relative to the likeliest id, so that none overflows.
 */
#include "nn/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct candidate {
    float logit;
    uint32_t id;
};

struct fl_sampler {
    struct fl_sampling how;
    size_t vocab;
    bool *seen;                   /* (V) */
    struct candidate *candidates; /* (V) in any order; with a cut a heap, and taken ones after it */
    size_t heap;                  /* how many are in the heap; the likeliest is the first */
    double *weights;              /* (V) of those that are drawn from, in the order of drawing */
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
    s->weights = fl_alloc(vocab, sizeof *s->weights);
    if (s->seen && s->candidates && s->weights)
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
    free(s->weights);
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

/* Let candidate I of a heap of N sink to its place. */
static void
sink(struct candidate *heap, size_t n, size_t i)
{
    struct candidate c = heap[i];

    for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], c))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = c;
}

static void
make_heap(struct fl_sampler *s)
{
    s->heap = s->vocab;
    for (size_t i = s->vocab / 2; i > 0; i--)
        sink(s->candidates, s->vocab, i - 1);
}

/* Candidate number I of those that are drawn from. */
static struct candidate *
drawn(struct fl_sampler *s, bool cut, size_t i)
{
    return &s->candidates[cut ? s->vocab - 1 - i : i];
}

/* Take the likeliest that is left out of the heap; it becomes the next to be drawn from. */
static struct candidate
take_likeliest(struct fl_sampler *s)
{
    struct candidate best = s->candidates[0];

    s->candidates[0] = s->candidates[--s->heap];
    s->candidates[s->heap] = best;
    sink(s->candidates, s->heap, 0);
    return best;
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
        c[i] = (struct candidate){logit, (uint32_t)i};
        best = c[i].logit > c[best].logit ? i : best;
    }
    if (bad || !isfinite(c[best].logit))
        return fl_error(
            FL_FAILED,
            "a logit is not a finite number; the model was made by a training that went astray");
    return (int64_t)best;
}

/* Probability of C in parts of the likeliest one's, whose logit is BEST. */
static double
weight_of(const struct fl_sampler *s, struct candidate c, double best)
{
    return exp(((double)c.logit - best) / s->how.temperature);
}

/* Order what the cuts leave, likeliest first, with its weights: how many. */
static size_t
keep_likeliest(struct fl_sampler *s, double best)
{
    const struct fl_sampling *how = &s->how;
    bool few = how->top_k > 0 && (uint64_t)how->top_k < s->vocab;
    size_t most = few ? (size_t)how->top_k : s->vocab, n = 0;
    double sum = 0, reached = 0;

    make_heap(s);
    if (few)
        for (size_t i = 0; i < most; i++)
            sum += s->weights[i] = weight_of(s, take_likeliest(s), best);
    else if (how->top_p < 1)
        for (size_t i = 0; i < s->vocab; i++)
            sum += weight_of(s, s->candidates[i], best);
    while (n < most && (!n || how->top_p >= 1 || reached < how->top_p * sum)) {
        double weight = few ? s->weights[n] : weight_of(s, take_likeliest(s), best);
        if (n && weight < how->min_p)
            break;
        reached += s->weights[n++] = weight;
    }
    return n;
}

int64_t
fl_sampler_choose(struct fl_sampler *s, const float *logits, double u)
{
    const struct fl_sampling *how = &s->how;
    bool cut = how->top_k > 0 || how->top_p < 1 || how->min_p > 0;
    int64_t likeliest = take_logits(s, logits);
    size_t n = s->vocab, chosen = 0;
    double sum = 0;

    if (likeliest < 0 || how->temperature <= 0)
        return likeliest;
    double best = (double)s->candidates[likeliest].logit;
    if (cut)
        n = keep_likeliest(s, best);
    else
        for (size_t i = 0; i < n; i++)
            s->weights[i] = weight_of(s, s->candidates[i], best);
    for (size_t i = 0; i < n; i++)
        sum += s->weights[i];
    double left = u * sum;
    for (size_t i = 0; i < n; i++) {
        if (s->weights[i] > 0)
            chosen = i;
        if ((left -= s->weights[i]) < 0)
            break;
    }
    return drawn(s, cut, chosen)->id;
}
