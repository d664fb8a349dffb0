/*
 * Figures have the names of the field: acc and acc_norm are lm-evaluation-harness's, exact_match
 * too; the rest is what fl-eval has always called so.
 */
#include "nn/scores.h"

#include <math.h>

enum { DIGITS = 9 };

void
fl_scores_add(struct fl_scores *sum, const struct fl_scores *s)
{
    fl_score_add(&sum->texts, &s->texts);
    sum->choices.questions += s->choices.questions;
    for (int by = 0; by < FL_CHOICE_WAYS; by++)
        sum->choices.correct[by] += s->choices.correct[by];
    sum->exact.prompts += s->exact.prompts;
    sum->exact.correct += s->exact.correct;
}

const struct fl_table_form *
fl_scores_form(enum fl_scores_of of)
{
    static const struct fl_table_form forms[] = {
        [FL_SCORES_TEXTS] = {{"row", "file", "tokens", "bytes", "loss", "perplexity",
                              "bits_per_byte", "accuracy", NULL},
                             2,
                             4,
                             1 | 2 | 4},
        [FL_SCORES_CHOICES] = {{"row", "file", "questions", "acc", "acc_norm", "acc_bytes", NULL},
                               1,
                               3,
                               0},
        [FL_SCORES_EXACT] = {{"row", "file", "prompts", "exact_match", NULL}, 1, 1, 0},
    };

    return &forms[of];
}

struct fl_table_row
fl_scores_row(enum fl_scores_of of, const struct fl_scores *s)
{
    const struct fl_score *t = &s->texts;
    const uint64_t *correct = s->choices.correct;
    double tokens = (double)t->tokens, n = (double)s->choices.questions;

    if (of == FL_SCORES_CHOICES)
        return (struct fl_table_row){{s->choices.questions},
                                     {(double)correct[FL_CHOICE_SUM] / n,
                                      (double)correct[FL_CHOICE_CHARACTERS] / n,
                                      (double)correct[FL_CHOICE_BYTES] / n}};
    if (of == FL_SCORES_EXACT)
        return (struct fl_table_row){{s->exact.prompts},
                                     {(double)s->exact.correct / (double)s->exact.prompts}};
    return (struct fl_table_row){{t->tokens, t->bytes},
                                 {t->loss / tokens, exp(t->loss / tokens),
                                  t->bytes ? t->loss / log(2) / (double)t->bytes : NAN,
                                  (double)t->correct / tokens}};
}

const char *const *
fl_scores_columns(enum fl_scores_of of)
{
    static const char *const columns[][9] = {
        [FL_SCORES_TEXTS] = {"position", "id", "bytes", "logprob", NULL},
        [FL_SCORES_CHOICES] = {"file", "line", "answer", "acc", "acc_norm", "acc_bytes", "tokens",
                               "logprobs", NULL},
        [FL_SCORES_EXACT] = {"file", "line", "exact_match", "finish_reason", "text", NULL},
    };

    return columns[of];
}

static void
put_token(struct fl_report *r, const struct fl_scored *token)
{
    fl_report_u64(r, token->position);
    fl_report_u64(r, token->id);
    fl_report_u64(r, token->bytes);
    fl_report_f64(r, token->logprob, DIGITS);
}

static void
put_question(struct fl_report *r, const char *name, const struct fl_questions *all, size_t i)
{
    const struct fl_question *q = &all->items[i];

    fl_report_text(r, name);
    fl_report_u64(r, all->rows.rows[i].line);
    fl_report_u64(r, q->answer);
    for (int by = 0; by < FL_CHOICE_WAYS; by++)
        fl_report_u64(r, q->chosen[by]);
    fl_report_list(r);
    for (size_t c = 0; c < q->count; c++)
        fl_report_u64(r, q->tails[c].length);
    fl_report_list_end(r);
    fl_report_list(r);
    for (size_t c = 0; c < q->count; c++)
        fl_report_f64(r, q->tails[c].logprob, DIGITS);
    fl_report_list_end(r);
}

static void
put_answer(struct fl_report *r, const char *name, const struct fl_exact_answer *answer)
{
    fl_report_text(r, name);
    fl_report_u64(r, answer->line);
    fl_report_bool(r, answer->right);
    fl_report_text(r, fl_generated_reason(answer->done->end));
    fl_report_text(r, fl_buf_text(answer->text));
}

int
fl_scores_token(void *arg, const struct fl_scored *token)
{
    struct fl_scores_rows *rows = arg;

    put_token(&rows->report, token);
    return fl_report_drain(&rows->report, 1, "standard output");
}

int
fl_scores_question(void *arg, const struct fl_questions *all, size_t i)
{
    struct fl_scores_rows *rows = arg;

    put_question(&rows->report, rows->name, all, i);
    return fl_report_flush(&rows->report, 1, "standard output");
}

int
fl_scores_answer(void *arg, const struct fl_exact_answer *answer)
{
    struct fl_scores_rows *rows = arg;

    put_answer(&rows->report, rows->name, answer);
    return fl_report_flush(&rows->report, 1, "standard output");
}
