/*
 * Choosing the next token from its logits, as Hugging Face's transformers do it: the repetition
 * penalty changes the logits, the temperature divides them, and top-k, top-p and min-p, in this
 * order, leave a part of the vocabulary, of which one id is drawn.
 */
#ifndef FL_NN_SAMPLE_H
#define FL_NN_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct fl_sampling {
    double temperature; /* 0: always the likeliest */
    double top_p;       /* only the likeliest whose probabilities reach it together; 1: all */
    int64_t top_k;      /* only so many; 0: all */
    double min_p;       /* only those at least so likely, the likeliest being 1; 0: all */
    double repetition_penalty; /* > 0: logits of seen ids are divided by it, negative ones
                                  multiplied (Keskar et al. 2019); 1: not */
};

/* What a user may ask for. */
#define FL_TEMPERATURE_MAX 100.0
#define FL_PENALTY_MIN     0.01
#define FL_PENALTY_MAX     100.0

/* As the model was trained; for initialisers. */
#define FL_SAMPLING_PLAIN                                                                          \
    {                                                                                              \
        .temperature = 1, .top_p = 1, .repetition_penalty = 1                                      \
    }

/* The likeliest id, always. */
#define FL_SAMPLING_GREEDY                                                                         \
    {                                                                                              \
        .temperature = 0, .top_p = 1, .repetition_penalty = 1                                      \
    }

struct fl_sampler;

/* For V ids, none of them seen; NULL with an error. */
struct fl_sampler *fl_sampler_new(const struct fl_sampling *how, size_t vocab);
void fl_sampler_free(struct fl_sampler *s);

/* Begin another text: forget what was seen, and choose like HOW. */
void fl_sampler_restart(struct fl_sampler *s, const struct fl_sampling *how);

/* ID (below V) is in the text: in its prompt, or chosen. */
void fl_sampler_see(struct fl_sampler *s, uint32_t id);

/*
 * The id chosen from LOGITS (V) by U, uniform in [0, 1): its inverse distribution function, ids in
 * the order of their numbers. Of equal logits a cut leaves the lower numbers. -1 with an error when
 * a logit is not a number. Cost O(V), as a rule also with a cut.
 */
int64_t fl_sampler_choose(struct fl_sampler *s, const float *logits, double u);

#endif
