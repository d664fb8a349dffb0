/*
 * Choosing the next token from its logits.
 */
#ifndef FL_NN_SAMPLE_H
#define FL_NN_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct fl_sampling {
    double temperature; /* 0: always the likeliest */
    double top_p;       /* only the likeliest whose probabilities reach it together; 1: all */
    int64_t top_k;      /* only so many; 0: all */
};

struct fl_sampler;

/* For V ids; NULL with an error. */
struct fl_sampler *fl_sampler_new(const struct fl_sampling *how, size_t vocab);
void fl_sampler_free(struct fl_sampler *s);

/*
 * The id chosen from LOGITS (V) by U, uniform in [0, 1): its inverse distribution function, ids in
 * falling order of likelihood, equal ones by number, when top_k or top_p cut, and by number
 * otherwise. -1 with an error when a logit is not a number. Cost O(V), and O(V log V) with a cut.
 */
int64_t fl_sampler_choose(struct fl_sampler *s, const float *logits, double u);

#endif
