/*
 * Batches of windows through the engine, and a walk along their targets in the order of the text.
 */
#include "nn/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "text/marks.h"

struct fl_evaluator {
    const struct fl_model *model;
    struct fl_pool *pool;
    const struct fl_tokenizer *tokenizer;
    size_t B, T;       /* at most */
    uint32_t *lengths; /* (V) bytes of text of each id */
    /* for the sequences that came; NULL before the first */
    size_t windows, length;
    struct fl_engine *engine; /* of WINDOWS windows of LENGTH tokens */
    uint32_t *window;         /* (length+1) */
    uint32_t *x, *y, *best;
    float *loss; /* (windows,length) */
    /* progress within a batch */
    const struct fl_sequence *sequence;
    uint64_t tokens, told;
};

/* A share of the batch at hand is done. */
static void
tell(void *arg, double share)
{
    struct fl_evaluator *e = arg;
    uint64_t done = (uint64_t)(share * (double)e->tokens);

    if (e->sequence->batch)
        e->sequence->batch(e->sequence->arg, done - e->told);
    e->told = done;
}

static int
fill_lengths(struct fl_evaluator *e)
{
    const struct fl_tokenizer *tokenizer = e->tokenizer;
    size_t vocab = e->model->layout.config.vocab, len;

    e->lengths = fl_alloc(vocab, sizeof *e->lengths);
    if (!e->lengths)
        return -1;
    for (uint32_t id = 0; id < vocab && id < fl_tokenizer_vocab(tokenizer); id++)
        if (!fl_tokenizer_is_special(tokenizer, id) && fl_tokenizer_piece(tokenizer, id, &len))
            e->lengths[id] = (uint32_t)len;
    return 0;
}

struct fl_evaluator *
fl_evaluator_new(const struct fl_model *m, struct fl_pool *pool,
                 const struct fl_tokenizer *tokenizer, size_t B, size_t T)
{
    struct fl_evaluator *e = fl_alloc(1, sizeof *e);
    uint64_t bytes;

    if (!e)
        return NULL;
    *e = (struct fl_evaluator){.model = m, .pool = pool, .tokenizer = tokenizer, .B = B, .T = T};
    if (!fl_engine_bytes(m, fl_pool_threads(pool), B, T, FL_ENGINE_SCORE, &bytes) &&
        !fill_lengths(e))
        return e;
    fl_evaluator_free(e);
    return NULL;
}

static void
release_room(struct fl_evaluator *e)
{
    fl_engine_free(e->engine);
    free(e->window);
    free(e->x);
    free(e->y);
    free(e->best);
    free(e->loss);
    e->engine = NULL;
    e->window = e->x = e->y = e->best = NULL;
    e->loss = NULL;
}

void
fl_evaluator_free(struct fl_evaluator *e)
{
    if (!e)
        return;
    release_room(e);
    free(e->lengths);
    free(e);
}

/*
 * Room for B windows of T tokens, at most the evaluator's: a context may be much longer than a
 * text. What is there only grows, and results do not depend on it.
 */
static int
need_room(struct fl_evaluator *e, size_t B, size_t T)
{
    if (e->engine && e->windows >= B && e->length >= T)
        return 0;
    B = e->windows = fl_max(B, e->windows);
    T = e->length = fl_max(T, e->length);
    release_room(e);
    e->window = fl_alloc(T + 1, sizeof *e->window);
    e->x = fl_alloc(B * T, sizeof *e->x);
    e->y = fl_alloc(B * T, sizeof *e->y);
    e->best = fl_alloc(B * T, sizeof *e->best);
    e->loss = fl_alloc(B * T, sizeof *e->loss);
    if (e->window && e->x && e->y && e->best && e->loss)
        e->engine = fl_engine_new(e->model, e->pool, B, T, FL_ENGINE_SCORE);
    if (e->engine)
        fl_engine_watch(e->engine, tell, e);
    return e->engine ? 0 : -1;
}

/* LEN + 1 tokens of the sequence from AT on. */
static int
read_window(struct fl_evaluator *e, const struct fl_sequence *s, uint64_t at, size_t b, size_t len)
{
    if (s->data && fl_data_read(s->data, s->first + at, len + 1, e->window))
        return -1;
    const uint32_t *ids = s->data ? e->window : s->ids + at;
    memcpy(e->x + b * len, ids, len * sizeof *ids);
    memcpy(e->y + b * len, ids + 1, len * sizeof *ids);
    return 0;
}

/* What a sequence is read with. */
struct reading {
    const struct fl_sequence *s;
    struct fl_walk walk;
    struct fl_score score;
};

/* The next id in the place that the walk has come to, as not scored yet. */
static struct fl_scored
look_at(const struct fl_evaluator *e, struct fl_walk *walk, uint64_t position, uint32_t id,
        bool *begin)
{
    enum fl_walk_role role = fl_walk_next(walk, id);
    uint32_t bytes = e->lengths[id];

    if (role == FL_WALK_FIRST && bytes)
        bytes = (uint32_t)fl_tokenizer_first_bytes(e->tokenizer, id);
    *begin = role == FL_WALK_BEGIN;
    return (struct fl_scored){position, id, role == FL_WALK_END ? 0 : bytes, NAN};
}

/* Target number I of a batch whose first is AT. */
static int
score_token(struct fl_evaluator *e, struct reading *r, uint64_t at, size_t i)
{
    double loss = (double)e->loss[i];
    bool begin;
    struct fl_scored token = look_at(e, &r->walk, at + i + 1, e->y[i], &begin);

    if (!isfinite(loss))
        return fl_error(FL_FAILED,
                        "the loss of token %llu is not a finite number; the model was made by "
                        "a training that went astray",
                        (unsigned long long)(at + i + 1));
    if (!begin) {
        token.logprob = -loss;
        r->score.loss += loss;
        r->score.correct += e->best[i] == token.id;
        r->score.bytes += token.bytes;
        r->score.tokens++;
    }
    return r->s->token ? r->s->token(r->s->arg, &token) : 0;
}

/* COUNT windows of LEN tokens, the first of them at AT. */
static int
score_batch(struct fl_evaluator *e, struct reading *r, uint64_t at, size_t count, size_t len)
{
    const struct fl_batch batch = {count, len, e->x, e->y, NULL};

    for (size_t b = 0; b < count; b++)
        if (read_window(e, r->s, at + b * len, b, len))
            return -1;
    e->sequence = r->s;
    e->tokens = count * len;
    e->told = 0;
    if (fl_engine_loss(e->engine, e->model->stored, &batch, e->loss, e->best))
        return -1;
    for (size_t i = 0; i < count * len; i++)
        if (score_token(e, r, at, i))
            return -1;
    tell(e, 1);
    return 0;
}

/* The first token, which nothing predicts; *BYTES of text are in it. */
static int
read_first(struct fl_evaluator *e, struct reading *r, uint64_t *bytes)
{
    const struct fl_sequence *s = r->s;
    uint32_t id = s->data ? 0 : s->ids[0];
    bool begin;

    if (s->data && fl_data_read(s->data, s->first, 1, &id))
        return -1;
    if (id >= e->model->layout.config.vocab)
        return fl_error(FL_FAILED, "token 0 is %lu, and the model's ids end at %lu",
                        (unsigned long)id, (unsigned long)e->model->layout.config.vocab - 1);
    struct fl_scored token = look_at(e, &r->walk, 0, id, &begin);
    *bytes = token.bytes;
    return s->token ? s->token(s->arg, &token) : 0;
}

int
fl_evaluate(struct fl_evaluator *e, const struct fl_sequence *s, struct fl_score *score)
{
    uint64_t at = 0, left = s->n ? s->n - 1 : 0; /* predictions */
    struct reading r = {.s = s};
    uint64_t unread = 0;

    size_t T = fl_piece(left, e->T), B = left ? fl_piece(left / T, e->B) : 0;

    fl_walk_init(&r.walk, fl_tokenizer_marks(e->tokenizer), false);
    if ((left && need_room(e, B, T)) || (s->n && read_first(e, &r, &unread)))
        return -1;
    while (left) {
        size_t len = fl_piece(left, e->T), count = fl_piece(left / len, e->B);
        if (score_batch(e, &r, at, count, len))
            return -1;
        at += count * len;
        left -= count * len;
    }
    if (s->bytes)
        r.score.bytes = *s->bytes > unread ? *s->bytes - unread : 0;
    fl_score_add(score, &r.score);
    return 0;
}

size_t
fl_evaluator_length(const struct fl_evaluator *e)
{
    return e->T;
}

/* Put COUNT tails into rows of LEN predictions, the rest of each row being id 0. */
static int
lay_tails(struct fl_evaluator *e, const struct fl_tail *tails, size_t count, size_t len)
{
    const uint32_t vocab = e->model->layout.config.vocab;

    memset(e->x, 0, count * len * sizeof *e->x);
    memset(e->y, 0, count * len * sizeof *e->y);
    for (size_t i = 0; i < count; i++) {
        size_t n = fl_min(tails[i].n - 1, len);
        const uint32_t *ids = tails[i].ids + (tails[i].n - 1 - n);
        for (size_t t = 0; t <= n; t++)
            if (ids[t] >= vocab)
                return fl_error(FL_FAILED, "id %lu is not in the model's vocabulary of %lu",
                                (unsigned long)ids[t], (unsigned long)vocab);
        memcpy(e->x + i * len, ids, n * sizeof *ids);
        memcpy(e->y + i * len, ids + 1, n * sizeof *ids);
    }
    return 0;
}

/* What row ROW of LEN predictions says of a tail. */
static int
score_tail(const struct fl_evaluator *e, struct fl_tail *tail, size_t row, size_t len)
{
    size_t end = row * len + fl_min(tail->n - 1, len);

    tail->logprob = 0;
    tail->greedy = true;
    for (size_t i = end - tail->length; i < end; i++) {
        tail->logprob -= (double)e->loss[i];
        tail->greedy = tail->greedy && e->best[i] == e->y[i];
    }
    if (!isfinite(tail->logprob))
        return fl_error(FL_FAILED, "a loss is not a finite number; the model was made by a "
                                   "training that went astray");
    return 0;
}

int
fl_evaluate_tails(struct fl_evaluator *e, struct fl_tail *tails, size_t count)
{
    static const struct fl_sequence unwatched = {.n = 0};

    e->sequence = &unwatched;
    e->tokens = e->told = 0;
    for (size_t at = 0, n = 0; at < count; at += n) {
        size_t len = 0;
        for (n = 0; n < e->B && at + n < count; n++)
            len = fl_max(len, fl_min(tails[at + n].n - 1, e->T));
        if (need_room(e, n, len) || lay_tails(e, tails + at, n, len) ||
            fl_engine_loss(e->engine, e->model->stored,
                           &(struct fl_batch){n, len, e->x, e->y, NULL}, e->loss, e->best))
            return -1;
        for (size_t i = 0; i < n; i++)
            if (score_tail(e, &tails[at + i], i, len))
                return -1;
    }
    return 0;
}

void
fl_score_add(struct fl_score *sum, const struct fl_score *s)
{
    sum->tokens += s->tokens;
    sum->bytes += s->bytes;
    sum->correct += s->correct;
    sum->loss += s->loss;
}
