/*
 * Everything is encoded before anything is scored, so that a wrong line is found at once. The way
 * is that of lm-evaluation-harness (lm_eval/api/model.py _encode_pair, models/huggingface.py
 * _loglikelihood_tokens, api/task.py process_results).
 */
#include "nn/choices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "text/marks.h"

static const char space[] = " \t\n\v\f\r";

static bool
is_space(char c)
{
    return memchr(space, c, sizeof space - 1) != NULL;
}

void
fl_questions_release(struct fl_questions *q)
{
    for (size_t i = 0; i < q->count; i++) {
        for (size_t c = 0; c < q->items[i].count && q->items[i].tails; c++)
            free((void *)q->items[i].tails[c].ids);
        free(q->items[i].tails);
        free(q->items[i].choices);
    }
    free(q->items);
    fl_json_rows_release(&q->rows);
    *q = (struct fl_questions){.items = NULL};
}

/* The fields of one line. */
static int
read_fields(struct fl_question *q, const json_t *o, struct fl_json_text *context)
{
    const json_t *choices = json_object_get(o, "choices");
    int64_t answer = -1;

    if (fl_json_text(o, "context", context))
        return -1;
    if (!json_is_array(choices) || !json_array_size(choices))
        return fl_error(FL_FAILED, "its field \"choices\" is not a list of at least one string");
    size_t count = json_array_size(choices);
    q->choices = fl_alloc(count, sizeof *q->choices);
    q->tails = q->choices ? fl_alloc(count, sizeof *q->tails) : NULL;
    if (!q->tails)
        return -1;
    q->count = count;
    for (size_t i = 0; i < count; i++) {
        if (fl_json_item(choices, "choices", i, &q->choices[i]))
            return -1;
        if (!q->choices[i].len)
            return fl_error(FL_FAILED, "choice %zu is empty, so that it has no probability", i);
    }
    if (fl_json_whole(o, "answer", 0, (int64_t)count - 1, &answer))
        return -1;
    if (answer < 0)
        return fl_error(FL_FAILED, "has no field \"answer\", the number of the right choice");
    q->answer = (size_t)answer;
    return 0;
}

/* What the encoding of a question needs. */
struct encoding {
    const struct fl_tokenizer *tokenizer;
    struct fl_encoder *encoder;
    const char *between;
    struct fl_buf text;
    struct fl_ids context, whole;
};

/* Context and choice as one text, the context without white space at its end being LEN bytes. */
static int
join(struct encoding *e, struct fl_json_text context, size_t len, struct fl_json_text choice)
{
    const char *between = e->between;

    if (!between)
        between = !context.len || context.len > len || is_space(choice.data[0]) ? "" : " ";
    fl_buf_clear(&e->text);
    return fl_buf_add(&e->text, context.data, context.len) || fl_buf_add_text(&e->text, between) ||
                   fl_buf_add(&e->text, choice.data, choice.len)
               ? -1
               : 0;
}

/* Ids of the context alone, LEN bytes of it: how many are its own goes to *OWN. */
static int
encode_context(struct encoding *e, const char *context, size_t len, size_t *own)
{
    int64_t end = fl_tokenizer_marks(e->tokenizer)->end;

    e->context.len = 0;
    if (fl_encode(e->encoder, context, len, FL_ENCODE_PROMPT, &e->context))
        return -1;
    *own = e->context.len;
    if (*own)
        return 0;
    if (end < 0)
        return fl_error(FL_FAILED, "its context is empty, and this model has no end-of-text token "
                                   "for a choice to begin after");
    return fl_ids_add(&e->context, (uint32_t)end);
}

/* Ids of the context, then those of the choice in e->text, number I. */
static int
encode_choice(struct encoding *e, size_t own, size_t T, size_t i, struct fl_tail *tail)
{
    e->whole.len = 0;
    if (fl_encode(e->encoder, fl_buf_text(&e->text), e->text.len, FL_ENCODE_PROMPT, &e->whole))
        return -1;
    if (e->whole.len <= own)
        return fl_error(FL_FAILED, "choice %zu has no token of its own after the context's %zu", i,
                        own);
    size_t length = e->whole.len - own;
    if (length > T)
        return fl_error(FL_FAILED,
                        "choice %zu has %zu tokens, and windows have %zu, so that not all of them "
                        "can be scored",
                        i, length, T);
    uint32_t *ids = fl_alloc(e->context.len + length, sizeof *ids);
    if (!ids)
        return -1;
    memcpy(ids, e->context.data, e->context.len * sizeof *ids);
    memcpy(ids + e->context.len, e->whole.data + own, length * sizeof *ids);
    *tail = (struct fl_tail){.ids = ids, .n = e->context.len + length, .length = length};
    return 0;
}

static int
read_question(struct encoding *e, const json_t *o, size_t T, struct fl_question *q)
{
    struct fl_json_text context;
    size_t own;

    if (read_fields(q, o, &context))
        return -1;
    size_t len = context.len;
    while (len && is_space(context.data[len - 1]))
        len--;
    if (encode_context(e, context.data, len, &own))
        return -1;
    for (size_t i = 0; i < q->count; i++)
        if (join(e, context, len, q->choices[i]) || encode_choice(e, own, T, i, &q->tails[i]))
            return -1;
    return 0;
}

int
fl_questions_read(struct fl_questions *q, const char *path, const struct fl_tokenizer *t, size_t T,
                  const char *between)
{
    struct encoding e = {.tokenizer = t, .between = between};
    int result = fl_json_rows_read(&q->rows, path);

    if (!result)
        q->items = fl_alloc(q->rows.count, sizeof *q->items);
    e.encoder = q->items ? fl_encoder_new(t) : NULL;
    if (!e.encoder)
        return -1;
    for (size_t i = 0; i < q->rows.count && !result; i++) {
        q->count++;
        if (read_question(&e, q->rows.rows[i].object, T, &q->items[i]))
            result = fl_json_rows_fail(&q->rows, i);
    }
    fl_encoder_free(e.encoder);
    fl_buf_release(&e.text);
    fl_ids_release(&e.context);
    fl_ids_release(&e.whole);
    return result;
}

/* What the sum of ln p is divided by. */
static double
length_of(struct fl_json_text choice, enum fl_choice_by by)
{
    size_t characters = 0;

    if (by == FL_CHOICE_SUM)
        return 1;
    if (by == FL_CHOICE_BYTES)
        return (double)choice.len;
    for (size_t i = 0; i < choice.len; i++)
        characters += ((unsigned char)choice.data[i] & 0xc0) != 0x80;
    return (double)characters;
}

int
fl_questions_score(struct fl_questions *questions, size_t i, struct fl_evaluator *e)
{
    struct fl_question *q = &questions->items[i];

    if (fl_evaluate_tails(e, q->tails, q->count))
        return fl_json_rows_fail(&questions->rows, i);
    for (int by = 0; by < FL_CHOICE_WAYS; by++) {
        double best = -INFINITY;
        for (size_t c = 0; c < q->count; c++) {
            double score = q->tails[c].logprob / length_of(q->choices[c], (enum fl_choice_by)by);
            if (score > best) {
                best = score;
                q->chosen[by] = c;
            }
        }
    }
    return 0;
}
