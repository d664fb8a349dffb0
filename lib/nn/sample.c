/*
 * Candidates are ordered for a cut only, by number (top-k, Fan et al. 2018) or by probability
 * together (top-p, Holtzman et al. 2020), and then no further than to find the last one that stays:
 * they are counted in buckets of logits, and those of one bucket are divided further (Hoare 1961,
 * Find). Min-p (Nguyen et al. 2024) needs no order. Weights are relative to the likeliest id, so
 * that none overflows. A vocabulary is large: loops over it are vectors where they can be.
 */
#include "nn/sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/vector.h"

enum {
    BUCKETS = 2048,    /* the last one takes all from 32 down */
    BUCKETS_EACH = 64, /* in the logarithm of weights */
    PIECE = 256        /* weights that a draw passes over at once */
};

struct candidate {
    double weight; /* probability in parts of the likeliest one's */
    float logit;
    uint32_t id;
};

struct fl_sampler {
    struct fl_sampling how;
    size_t vocab;
    bool *seen;               /* (V) */
    float *logits;            /* (V) penalised */
    double *weights;          /* (V) */
    uint16_t *buckets;        /* (V) the likeliest are in bucket 0 */
    struct candidate *bucket; /* (V) those of one */
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
    s->logits = fl_alloc(vocab, sizeof *s->logits);
    s->weights = fl_alloc(vocab, sizeof *s->weights);
    s->buckets = fl_alloc(vocab, sizeof *s->buckets);
    s->bucket = fl_alloc(vocab, sizeof *s->bucket);
    if (s->seen && s->logits && s->weights && s->buckets && s->bucket)
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
    free(s->logits);
    free(s->weights);
    free(s->buckets);
    free(s->bucket);
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

/* Take the logits, penalised: the likeliest id (the first of equals), or -1. */
static int64_t
take_logits(struct fl_sampler *s, const float *logits)
{
    const float penalty = (float)s->how.repetition_penalty;
    unsigned bad = 0;

    for (size_t i = 0; i < s->vocab; i++) {
        float logit = logits[i], penalised = logit < 0 ? logit * penalty : logit / penalty;
        s->logits[i] = s->seen[i] ? penalised : logit;
        bad |= logit != logit;
    }
    size_t best = fl_vec_largest(s->logits, s->vocab);
    if (bad || !isfinite(s->logits[best]))
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

/* Weights and buckets of all candidates; logits are relative to BEST. */
static void
weigh(struct fl_sampler *s, double best)
{
    const double temperature = s->how.temperature, last = BUCKETS - 1;

    for (size_t i = 0; i < s->vocab; i++) {
        double x = ((double)s->logits[i] - best) / temperature, bucket = -x * BUCKETS_EACH;
        s->weights[i] = x;
        s->buckets[i] = (uint16_t)(int32_t)(bucket < last ? bucket : last);
    }
    fl_vec_exp_doubles(s->weights, s->weights, s->vocab);
}

/* The last of the likeliest that reach ENOUGH together, by their number or weights; or of all. */
static struct candidate
last_of(struct fl_sampler *s, bool counted, double enough)
{
    double sums[BUCKETS] = {0}, reached = 0;
    size_t b = 0, n = 0;

    for (size_t i = 0; i < s->vocab; i++)
        sums[s->buckets[i]] += counted ? 1 : s->weights[i];
    while (b < BUCKETS && reached + sums[b] < enough)
        reached += sums[b++];
    if (b == BUCKETS)
        return (struct candidate){0, -INFINITY, UINT32_MAX};
    for (size_t i = 0; i < s->vocab; i++)
        if (s->buckets[i] == b)
            s->bucket[n++] = (struct candidate){s->weights[i], s->logits[i], (uint32_t)i};
    return s->bucket[cut(s->bucket, n, counted, enough - reached) - 1];
}

/* Set the weights of those beyond the last one that stays to 0. */
static void
cut_off(struct fl_sampler *s, struct candidate last)
{
    for (size_t i = 0; i < s->vocab; i++) {
        bool stays = s->logits[i] > last.logit || (s->logits[i] == last.logit && i <= last.id);
        s->weights[i] = stays ? s->weights[i] : 0;
    }
}

/* The candidate where weights pass U of their sum; the last one where rounding passes all. */
static int64_t
draw(const struct fl_sampler *s, double u)
{
    double left = u * fl_vec_sum_doubles(s->weights, s->vocab), from_left = left;
    size_t from = 0;
    int64_t chosen = 0;

    for (size_t at = 0; at < s->vocab && left >= 0; at += PIECE) {
        double sum = fl_vec_sum_doubles(s->weights + at, fl_min(s->vocab - at, PIECE));
        if (sum > 0) {
            from = at;
            from_left = left;
        }
        left -= sum;
    }
    for (size_t i = from; i < s->vocab && from_left >= 0; i++) {
        if (s->weights[i] > 0)
            chosen = (int64_t)i;
        from_left -= s->weights[i];
    }
    return chosen;
}

int64_t
fl_sampler_choose(struct fl_sampler *s, const float *logits, double u)
{
    const struct fl_sampling *how = &s->how;
    int64_t likeliest = take_logits(s, logits);

    if (likeliest < 0 || how->temperature <= 0)
        return likeliest;
    weigh(s, (double)s->logits[likeliest]);
    if (how->top_k > 0 && (uint64_t)how->top_k < s->vocab)
        cut_off(s, last_of(s, true, (double)how->top_k));
    if (how->top_p < 1)
        cut_off(s, last_of(s, false, how->top_p * fl_vec_sum_doubles(s->weights, s->vocab)));
    for (size_t i = 0; how->min_p > 0 && i < s->vocab; i++)
        s->weights[i] = s->weights[i] < how->min_p ? 0 : s->weights[i];
    return draw(s, u);
}
