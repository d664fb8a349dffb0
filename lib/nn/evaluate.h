/*
 * How well a model predicts a sequence of tokens, in windows that do not overlap: window w reads
 * the tokens wT .. wT + T - 1 and predicts each one's successor, so that every token but the first
 * is predicted once, from at most T tokens before it. The begin ids of a document (text/marks.h)
 * are read, but not scored: nobody has to predict them.
 */
#ifndef FL_NN_EVALUATE_H
#define FL_NN_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "nn/data.h"
#include "nn/engine.h"
#include "nn/model.h"
#include "text/tokenizer.h"

struct fl_score {
    uint64_t tokens;  /* predicted and scored */
    uint64_t bytes;   /* of text that these stand for; an end of text stands for none */
    uint64_t correct; /* that were the most probable id */
    double loss;      /* sum of -ln p, the end of text's too */
};

struct fl_evaluator;
struct fl_scored;

/*
 * For batches of up to B windows of T tokens. M, POOL and TOKENIZER are borrowed; NULL with an
 * error. Memory for activations is taken when a sequence needs it: never more than B windows of T,
 * and for shorter sequences less.
 */
struct fl_evaluator *fl_evaluator_new(const struct fl_model *m, struct fl_pool *pool,
                                      const struct fl_tokenizer *tokenizer, size_t B, size_t T);
void fl_evaluator_free(struct fl_evaluator *e);

/* What is evaluated, and who watches. */
struct fl_sequence {
    const struct fl_data *data; /* tokens FIRST .. FIRST + N - 1 of it, or */
    const uint32_t *ids;        /* N ids in memory, when DATA is NULL */
    uint64_t first, n;
    const uint64_t *bytes; /* of text in all of it, when it is known; NULL: as its ids say */

    /* Called with ARG; each may be NULL. */
    void (*begin)(void *arg, uint64_t tokens); /* by nn/evaluate_file.h: of all of the file */
    int (*token)(void *arg, const struct fl_scored *token); /* every one in order; -1 ends it all */
    void (*batch)(void *arg, uint64_t tokens);              /* so many more are done */
    void *arg;
};

struct fl_scored {
    uint64_t position; /* in the sequence, from 0 */
    uint32_t id;
    uint32_t bytes; /* of text, as its id says */
    double logprob; /* NAN for one that is not scored: the first, and begin ids */
};

/*
 * Add to *SCORE what the model makes of S. Sums are in the order of tokens. -1 with an error, also
 * when a loss is not finite.
 */
FL_MUST int fl_evaluate(struct fl_evaluator *e, const struct fl_sequence *s,
                        struct fl_score *score);

/* The end of a sequence, given what stands before it. */
struct fl_tail {
    const uint32_t *ids; /* (N), borrowed */
    size_t n, length;    /* the last LENGTH of them are scored; 1 <= LENGTH < N, LENGTH <= T */
    double logprob;      /* out: sum of ln p of these, in order */
    bool greedy;         /* out: each of them is the likeliest */
};

/*
 * Score COUNT tails. What stands before one is cut to its last ids when it does not fit the
 * evaluator's T. Tails of one call are read together, as many as the evaluator's B at a time, so
 * that those of similar length cost least. Last digits may depend on which are read together.
 */
FL_MUST int fl_evaluate_tails(struct fl_evaluator *e, struct fl_tail *tails, size_t count);

/* Predictions from at most so many tokens: T. */
size_t fl_evaluator_length(const struct fl_evaluator *e);

void fl_score_add(struct fl_score *sum, const struct fl_score *s);

#endif
