/*
 * Evaluation of what is in a file: a text, token shards, questions of multiple choice, prompts
 * whose answer is known. PATH is NULL or "-" for standard input; errors name the file. What is
 * found is added to the score, and who watches sees it as it comes.
 */
#ifndef FL_NN_EVALUATE_FILE_H
#define FL_NN_EVALUATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "nn/bundle.h"
#include "nn/choices.h"
#include "nn/evaluate.h"
#include "nn/prompts.h"

/*
 * For the model of B: of BATCH windows at a time (0: 4096 tokens) of LENGTH tokens (0: the model's
 * context, which it may not pass: FL_USAGE).
 */
struct fl_evaluator *fl_evaluator_for(const struct fl_bundle *b, struct fl_pool *pool,
                                      int64_t batch, int64_t length);

/*
 * A text of UTF-8 as it is, begin ids before it. LIKE is the sequence but for its ids: who watches.
 * A text of less than two tokens is refused, as nothing in it is predicted.
 */
FL_MUST int fl_evaluate_text(struct fl_evaluator *e, const struct fl_bundle *b, const char *path,
                             const struct fl_sequence *like, struct fl_score *score);

/* The shards in a file, each a sequence; only one of them when LIKE->token is there. */
FL_MUST int fl_evaluate_shards(struct fl_evaluator *e, const struct fl_bundle *b, const char *path,
                               const struct fl_sequence *like, struct fl_score *score);

struct fl_choice_score {
    uint64_t questions, correct[FL_CHOICE_WAYS];
};

/* Question I has been scored; -1 ends it all. */
typedef int fl_choice_watch(void *arg, const struct fl_questions *q, size_t i);

/* BETWEEN: as fl_questions_read. Of LIKE, begin and batch count questions; WATCH may be NULL. */
FL_MUST int fl_evaluate_choices(struct fl_evaluator *e, const struct fl_bundle *b, const char *path,
                                const char *between, const struct fl_sequence *like,
                                fl_choice_watch *watch, struct fl_choice_score *score);

struct fl_exact_score {
    uint64_t prompts, correct;
};

struct fl_exact_answer {
    uint64_t line;
    const struct fl_buf *text; /* that the model wrote */
    const struct fl_generated *done;
    bool right;
};
typedef int fl_exact_watch(void *arg, const struct fl_exact_answer *answer);

/*
 * Is what the model writes after each prompt, always the likeliest token, its answer? Of USUAL,
 * tokens and stops are used. Of LIKE, begin and batch count prompts; WATCH may be NULL.
 */
FL_MUST int fl_evaluate_exact(struct fl_generator *g, const struct fl_bundle *b, const char *path,
                              const struct fl_generation *usual, const struct fl_sequence *like,
                              fl_exact_watch *watch, struct fl_exact_score *score);

#endif
