/*
 * Multiple choice: which continuation of a context does a model hold for the likeliest? A question
 * is a line of JSON with the fields
 *
 *     context     text; may be empty
 *     choices     a list of texts, at least one, none of them empty
 *     answer      the number of the right one, from 0
 *
 * Scores are those of EleutherAI's lm-evaluation-harness (tasks of output type multiple_choice,
 * loglikelihood requests): white space at the end of the context belongs to the choice; the ids of
 * a choice are those of context and choice together, after as many as the context has alone; they
 * follow the context's own ids; what does not fit the model is cut at the begin of the context.
 */
#ifndef FL_NN_CHOICES_H
#define FL_NN_CHOICES_H

#include "base/must.h"
#include "nn/evaluate.h"
#include "data/json_rows.h"
#include "text/tokenizer.h"

/* How the chosen one is found: the first of the greatest. */
enum fl_choice_by {
    FL_CHOICE_SUM,        /* sum of ln p ("acc") */
    FL_CHOICE_CHARACTERS, /* divided by the characters of the choice ("acc_norm") */
    FL_CHOICE_BYTES,      /* divided by its bytes of UTF-8 ("acc_bytes") */
    FL_CHOICE_WAYS
};

struct fl_question {
    size_t answer, count;
    struct fl_json_text *choices; /* (count) */
    struct fl_tail *tails;        /* (count) ids, their own memory */
    size_t chosen[FL_CHOICE_WAYS];
};

struct fl_questions { /* a zeroed struct has none */
    struct fl_json_rows rows;
    struct fl_question *items;
    size_t count;
};

/*
 * All questions of PATH (NULL or "-": standard input), for an evaluator of T predictions. BETWEEN
 * stands between context and choice; NULL: a space, unless the context is empty or white space
 * stands there already. -1 with line and field of what is wrong, also when a choice has no token
 * or more than T. Release it also after -1.
 */
FL_MUST int fl_questions_read(struct fl_questions *q, const char *path,
                              const struct fl_tokenizer *t, size_t T, const char *between);
void fl_questions_release(struct fl_questions *q);

/* Fill in what is out in the tails of question I, and which choice is chosen in each way. */
FL_MUST int fl_questions_score(struct fl_questions *q, size_t i, struct fl_evaluator *e);

#endif
