/*
 * Candidates are sorted only for a cut, by number of ids (Fan et al. 2018) or by probability
 * (Holtzman et al. 2020); without one the order of ids serves as well. Weights are relative to the
 * likeliest id, so that none overflows.
 */
#include "nn/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

struct candidate {
    float logit;
    uint32_t id;
};

struct fl_sampler {
    struct fl_sampling how;
    size_t vocab;
    struct candidate *candidates;
    double *weights;
};

struct fl_sampler *
fl_sampler_new(const struct fl_sampling *how, size_t vocab)
{
    struct fl_sampler *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->how = *how;
    s->vocab = vocab;
    s->candidates = fl_alloc(vocab, sizeof *s->candidates);
    s->weights = fl_alloc(vocab, sizeof *s->weights);
    if (s->candidates && s->weights)
        return s;
    fl_sampler_free(s);
    return NULL;
}

void
fl_sampler_free(struct fl_sampler *s)
{
    if (!s)
        return;
    free(s->candidates);
    free(s->weights);
    free(s);
}

static int
by_likelihood(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Fill the candidates and return the likeliest of them (the first of equals), or -1. */
static int64_t
take_logits(struct fl_sampler *s, const float *logits)
{
    size_t best = 0;

    bool bad = false;

    for (size_t i = 0; i < s->vocab; i++) {
        bad = bad || isnan(logits[i]);
        s->candidates[i] = (struct candidate){logits[i], (uint32_t)i};
        best = logits[i] > logits[best] ? i : best;
    }
    if (bad || !isfinite(logits[best]))
        return fl_error(
            FL_FAILED,
            "a logit is not a finite number; the model was made by a training that went astray");
    return (int64_t)best;
}

int64_t
fl_sampler_choose(struct fl_sampler *s, const float *logits, double u)
{
    const struct fl_sampling *how = &s->how;
    size_t n = s->vocab;
    double sum = 0;
    int64_t best = take_logits(s, logits);

    if (best < 0 || how->temperature <= 0)
        return best;
    if (how->top_k > 0 || how->top_p < 1)
        qsort(s->candidates, n, sizeof *s->candidates, by_likelihood);
    if (how->top_k > 0 && (uint64_t)how->top_k < n)
        n = (size_t)how->top_k;
    for (size_t i = 0; i < n; i++) {
        double below = (double)s->candidates[i].logit - (double)logits[best];
        s->weights[i] = exp(below / how->temperature);
        sum += s->weights[i];
    }
    if (how->top_p < 1) { /* sorted: cut after the first place where the sum is reached */
        double reached = s->weights[0];
        size_t keep = 1;
        while (keep < n && reached < how->top_p * sum)
            reached += s->weights[keep++];
        n = keep;
        sum = reached;
    }
    double left = u * sum;
    size_t chosen = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->weights[i] > 0)
            chosen = i;
        if ((left -= s->weights[i]) < 0)
            break;
    }
    return s->candidates[chosen].id;
}
