/*
 * What an evaluation found, as rows of tables: the columns of each kind, and the figures in them.
 */
#ifndef FL_NN_SCORES_H
#define FL_NN_SCORES_H

#include "cli/report.h"
#include "nn/evaluate_file.h"
#include "nn/score_table.h"

enum fl_scores_of { FL_SCORES_TEXTS, FL_SCORES_CHOICES, FL_SCORES_EXACT };

struct fl_scores { /* a zeroed struct has none; one kind of the three is used */
    struct fl_score texts;
    struct fl_choice_score choices;
    struct fl_exact_score exact;
};

void fl_scores_add(struct fl_scores *sum, const struct fl_scores *s);

/* Columns of a table of inputs, and the row that says S. */
const struct fl_table_form *fl_scores_form(enum fl_scores_of of);
struct fl_table_row fl_scores_row(enum fl_scores_of of, const struct fl_scores *s);

/* Columns of a table of tokens, questions or prompts. */
const char *const *fl_scores_columns(enum fl_scores_of of);

/*
 * Rows of such a table, written to standard output as they come: watchers (nn/evaluate_file.h)
 * whose ARG begins with this.
 */
struct fl_scores_rows {
    struct fl_report report;
    const char *name; /* of the input at hand */
};
FL_MUST int fl_scores_token(void *arg, const struct fl_scored *token);
FL_MUST int fl_scores_question(void *arg, const struct fl_questions *all, size_t i);
FL_MUST int fl_scores_answer(void *arg, const struct fl_exact_answer *answer);

#endif
