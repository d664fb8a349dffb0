/* Evaluation against the slow twin of the model, window by window. */
#include "nn/evaluate.h"

#include "../naive/decoder.h"
#include "base/mem.h"
#include "shard.h"
#include "floats.h"
#include "merging.h"
#include "test.h"

enum { N = 61, T = 8, VOCAB = MERGING_VOCAB };

/* Ids near the end of the vocabulary, where the long pieces are. */
static uint32_t
id_at(size_t i)
{
    return VOCAB - 1 - shard_id(1, i);
}

static size_t
bytes_of(uint32_t id)
{
    return id == 256 ? 0 : id == 257 ? 2 : id == 258 ? 3 : 1;
}

struct seen {
    struct fl_scored token[N];
    size_t count, batches;
};

static int
see(void *arg, const struct fl_scored *token)
{
    struct seen *s = arg;

    if (s->count == N)
        return fl_error(FL_FAILED, "more tokens than there are");
    s->token[s->count++] = *token;
    return 0;
}

static void
see_batch(void *arg, uint64_t tokens)
{
    ((struct seen *)arg)->batches += tokens;
}

/* The same by the twin: losses of all tokens but the first, and how many were the likeliest. */
static uint64_t
twin(const struct fl_model *m, const uint32_t *ids, double losses[N], double *sum)
{
    double *w = fl_alloc(m->layout.size, sizeof *w), logits[T * VOCAB];
    uint64_t correct = 0;

    for (size_t i = 0; i < m->layout.size; i++)
        w[i] = (double)floats(m)[i];
    *sum = 0;
    for (size_t at = 0; at + 1 < N; at += T) {
        struct naive_batch b = {1, N - 1 - at < T ? N - 1 - at : T, ids + at, ids + at + 1, 1};
        *sum += naive_decoder(m, w, &b, losses + at + 1, logits, NULL);
        for (size_t t = 0; t < b.T; t++) {
            const double *l = logits + t * VOCAB;
            size_t best = 0;
            for (size_t v = 1; v < VOCAB; v++)
                best = l[v] > l[best] ? v : best;
            correct += best == b.y[t];
        }
    }
    free(w);
    return correct;
}

static void
test_against_the_twin(void)
{
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    uint32_t ids[N];
    double losses[N], sum;
    uint64_t bytes = 0;

    for (size_t i = 0; i < N; i++)
        bytes += bytes_of(ids[i] = id_at(i)) * (i > 0);
    uint64_t correct = twin(m, ids, losses, &sum);
    for (size_t B = 1; B <= 9; B += 4) {
        struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, B, T);
        struct seen seen = {.count = 0};
        struct fl_score score = {0};
        const struct fl_sequence s = {.ids = ids,
                                      .n = N,
                                      .token = see,
                                      .batch = see_batch,
                                      .arg = &seen};
        CHECK(e && !fl_evaluate(e, &s, &score));
        CHECK(score.tokens == N - 1 && score.bytes == bytes && score.correct == correct);
        CHECK_NEAR(score.loss, sum, 1e-6);
        CHECK(seen.count == N && seen.batches == N - 1 && isnan(seen.token[0].logprob));
        for (size_t i = 0; i < N; i++) {
            CHECK(seen.token[i].position == i && seen.token[i].id == ids[i]);
            CHECK(seen.token[i].bytes == bytes_of(ids[i]));
            if (i)
                CHECK_NEAR(-seen.token[i].logprob, losses[i], 1e-5);
        }
        fl_evaluator_free(e);
    }
    fl_tokenizer_free(t);
    fl_model_free(m);
}

static void
test_shard_as_ids(void)
{
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    struct fl_data *d = shard_data(1, 1000);
    struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, 3, T);
    struct fl_score a = {0}, b = {0}, twice = {0};
    uint32_t ids[N];

    CHECK(d && e && !fl_data_read(d, 77, N, ids));
    CHECK(!fl_evaluate(e, &(struct fl_sequence){.data = d, .first = 77, .n = N}, &a));
    CHECK(!fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = N}, &b));
    CHECK(!memcmp(&a, &b, sizeof a) && a.tokens == N - 1);
    fl_score_add(&twice, &a);
    fl_score_add(&twice, &b);
    CHECK(twice.tokens == 2 * a.tokens && twice.bytes == 2 * a.bytes &&
          twice.correct == 2 * a.correct && twice.loss == 2 * a.loss);
    fl_evaluator_free(e);
    fl_data_free(d);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

/* Longer and shorter sequences after each other, as each alone. */
static void
test_one_after_another(void)
{
    static const size_t n[] = {2, 4, T + 1, 5, T + 3, N, 3, 3 * T, N};
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, 3, T);
    uint32_t ids[N];

    for (size_t i = 0; i < N; i++)
        ids[i] = id_at(i);
    for (size_t k = 0; e && k < sizeof n / sizeof *n; k++) {
        struct fl_evaluator *own = fl_evaluator_new(m, NULL, t, 3, T);
        struct fl_score got = {0}, want = {0};
        const struct fl_sequence s = {.ids = ids, .n = n[k]};
        CHECK(own && !fl_evaluate(own, &s, &want) && !fl_evaluate(e, &s, &got));
        CHECK(got.tokens == n[k] - 1 && !memcmp(&got, &want, sizeof got));
        fl_evaluator_free(own);
    }
    CHECK(e && !fl_evaluator_new(m, NULL, t, 3, 0) && fl_error_status() == FL_USAGE);
    CHECK(!fl_evaluator_new(m, NULL, t, 3, m->layout.config.ctx + 1) &&
          fl_error_status() == FL_USAGE);
    CHECK(!fl_evaluator_new(m, NULL, t, 0, T) && fl_error_status() == FL_USAGE);
    fl_error_clear();
    fl_evaluator_free(e);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

static void
test_uniform_model(void)
{
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    struct fl_score s = {0};
    uint32_t ids[N], zeros = 0;

    memset(floats(m), 0, m->layout.size * sizeof(float));
    for (size_t i = 0; i < N; i++)
        zeros += (ids[i] = shard_id(1, i)) == 0 && i;
    struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, 2, 5);
    CHECK(e && !fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = N}, &s));
    CHECK_NEAR(s.loss / (double)s.tokens, log(VOCAB), 1e-6);
    CHECK(zeros > 0 && s.correct == zeros); /* the lowest of equal ones */
    fl_evaluator_free(e);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

/* Ends of sequences, together and alone, cut where they are too long; losses by the twin. */
static void
test_tails(void)
{
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    double *w = fl_alloc(m->layout.size, sizeof *w), logits[T * VOCAB], losses[T];
    uint32_t ids[N];
    enum { TAILS = 40 };
    struct fl_tail tails[TAILS];

    for (size_t i = 0; i < m->layout.size; i++)
        w[i] = (double)floats(m)[i];
    for (size_t i = 0; i < N; i++)
        ids[i] = id_at(i);
    for (size_t B = 1; B <= 7; B += 3) {
        struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, B, T);
        CHECK(e && fl_evaluator_length(e) == T);
        for (size_t k = 0; k < TAILS; k++)
            tails[k] = (struct fl_tail){.ids = ids + k % 20, .n = 2 + k % 13, .length = 1 + k % 8};
        for (size_t k = 0; k < TAILS; k++)
            if (tails[k].length >= tails[k].n)
                tails[k].length = tails[k].n - 1;
        CHECK(!fl_evaluate_tails(e, tails, TAILS));
        for (size_t k = 0; k < TAILS; k++) {
            size_t n = tails[k].n - 1 < T ? tails[k].n - 1 : T;
            const uint32_t *x = tails[k].ids + tails[k].n - 1 - n;
            struct naive_batch batch = {1, n, x, x + 1, 1};
            double want = 0;
            bool best = true;
            naive_decoder(m, w, &batch, losses, logits, NULL);
            for (size_t i = n - tails[k].length; i < n; i++) {
                want -= losses[i];
                for (size_t v = 0; v < VOCAB; v++)
                    best = best && logits[i * VOCAB + v] <= logits[i * VOCAB + x[i + 1]];
            }
            CHECK_NEAR(tails[k].logprob, want, 1e-5);
            CHECK(tails[k].greedy == best);
        }
        uint32_t bad[2] = {1, VOCAB};
        struct fl_tail wrong = {.ids = bad, .n = 2, .length = 1};
        CHECK(fl_evaluate_tails(e, &wrong, 1) == -1);
        fl_evaluator_free(e);
    }
    free(w);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

static void
test_short_and_wrong(void)
{
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, 2, T);
    struct fl_score s = {0};
    struct seen seen = {.count = 0};
    uint32_t ids[3] = {1, 2, VOCAB};

    CHECK(!fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = 0}, &s));
    CHECK(
        !fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = 1, .token = see, .arg = &seen}, &s));
    CHECK(s.tokens == 0 && s.loss == 0 && seen.count == 1);
    CHECK(!fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = 2}, &s) && s.tokens == 1);
    CHECK(fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = 3}, &s) == -1);
    CHECK(fl_evaluate(e, &(struct fl_sequence){.ids = ids + 2, .n = 1, .token = see, .arg = &seen},
                      &s) == -1);
    floats(m)[3 * 16] = NAN; /* of the embedding of 3, so of its logit */
    CHECK(fl_evaluate(e, &(struct fl_sequence){.ids = ids, .n = 2}, &s) == -1);
    CHECK(strstr(fl_error_text(), "token 1 is not a finite number"));
    fl_evaluator_free(e);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

int
main(void)
{
    RUN(test_against_the_twin);
    RUN(test_shard_as_ids);
    RUN(test_one_after_another);
    RUN(test_uniform_model);
    RUN(test_tails);
    RUN(test_short_and_wrong);
    return test_end();
}
