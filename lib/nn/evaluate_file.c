/*
 * Reading, checking and scoring of one input. A file is scored as a whole or refused: rows of what
 * was counted in part would look like rows of files.
 */
#include "nn/evaluate_file.h"

#include "base/buf.h"
#include "base/error.h"
#include "flt/sniff.h"
#include "os/file.h"
#include "data/kind.h"

enum { TEXT_MAX = 1 << 30, BATCH_TOKENS = 4096 };

struct fl_evaluator *
fl_evaluator_for(const struct fl_bundle *b, struct fl_pool *pool, int64_t batch, int64_t length)
{
    int64_t ctx = b->model->layout.config.ctx, T = length ? length : ctx;

    if (T > ctx) {
        fl_error(FL_USAGE, "-l %lld is longer than the model's context; use -l %lld or less",
                 (long long)T, (long long)ctx);
        return NULL;
    }
    int64_t B = batch ? batch : T < BATCH_TOKENS ? BATCH_TOKENS / T : 1;
    return fl_evaluator_new(b->model, pool, b->tokenizer, (size_t)B, (size_t)T);
}

static void
begin(const struct fl_sequence *like, uint64_t total)
{
    if (like->begin)
        like->begin(like->arg, total);
}

static void
one_more(const struct fl_sequence *like)
{
    if (like->batch)
        like->batch(like->arg, 1);
}

static int
evaluate(struct fl_evaluator *e, const char *name, const struct fl_sequence *s,
         struct fl_score *score)
{
    if (!fl_evaluate(e, s, score))
        return 0;
    return fl_error_status() == FL_PIPE ? -1 : fl_error_about(name);
}

static int
check_score(const char *name, const struct fl_score *score)
{
    return score->tokens
               ? 0
               : fl_error(FL_FAILED, "%s: has less than two tokens, so there is nothing to predict",
                          name);
}

static int
read_text(const struct fl_bundle *b, const char *path, struct fl_buf *text, struct fl_ids *ids)
{
    const char *name = fl_input_name(path);
    struct fl_encoder *encoder = fl_encoder_new(b->tokenizer);
    char what[FL_SNIFF_TEXT];
    int result = encoder ? fl_read_file(path, TEXT_MAX, text) : -1;

    if (!result && fl_sniff_own(text->data, text->len, what))
        result = fl_error(FL_FAILED, "%s: is %s, not text; shards are operands, without --text",
                          name, what);
    if (!result)
        result = fl_kind_check(name, fl_buf_text(text), text->len, true, FL_KIND_AS_IS);
    if (!result && fl_encode(encoder, fl_buf_text(text), text->len, FL_ENCODE_PROMPT, ids))
        result = fl_error_about(name);
    fl_encoder_free(encoder);
    return result;
}

int
fl_evaluate_text(struct fl_evaluator *e, const struct fl_bundle *b, const char *path,
                 const struct fl_sequence *like, struct fl_score *score)
{
    struct fl_buf text = {0};
    struct fl_ids ids = {0};
    struct fl_score own = {0};
    int result = read_text(b, path, &text, &ids);
    const uint64_t bytes = text.len;
    struct fl_sequence s = *like;

    s.ids = ids.data;
    s.n = ids.len;
    s.bytes = &bytes;
    if (!result)
        begin(like, s.n);
    if (!result && !evaluate(e, fl_input_name(path), &s, &own) &&
        !check_score(fl_input_name(path), &own))
        fl_score_add(score, &own);
    else
        result = -1;
    fl_ids_release(&ids);
    fl_buf_release(&text);
    return result;
}

int
fl_evaluate_shards(struct fl_evaluator *e, const struct fl_bundle *b, const char *path,
                   const struct fl_sequence *like, struct fl_score *score)
{
    const char *name = fl_input_name(path);
    struct fl_data *data = fl_bundle_data(b, &path, 1);
    struct fl_score own = {0};
    int result = data ? 0 : -1;

    if (!result && like->token && fl_data_count(data) > 1)
        result = fl_error(FL_FAILED, "%s: has more than one shard; --per-token takes one", name);
    if (!result)
        begin(like, fl_data_tokens(data));
    for (size_t i = 0; !result && i < fl_data_count(data); i++) {
        const struct fl_data_shard *shard = fl_data_shard(data, i);
        struct fl_sequence s = *like;
        s.data = data;
        s.first = shard->first;
        s.n = shard->tokens;
        s.bytes = shard->counted ? &shard->bytes : NULL;
        result = evaluate(e, name, &s, &own);
    }
    if (!result && !(result = check_score(name, &own)))
        fl_score_add(score, &own);
    fl_data_free(data);
    return result;
}

int
fl_evaluate_choices(struct fl_evaluator *e, const struct fl_bundle *b, const char *path,
                    const char *between, const struct fl_sequence *like, fl_choice_watch *watch,
                    struct fl_choice_score *score)
{
    struct fl_questions q = {.items = NULL};
    int result = fl_questions_read(&q, path, b->tokenizer, fl_evaluator_length(e), between);

    if (!result)
        begin(like, q.count);
    for (size_t i = 0; !result && i < q.count; i++) {
        result = fl_questions_score(&q, i, e) || (watch && watch(like->arg, &q, i)) ? -1 : 0;
        one_more(like);
        score->questions++;
        for (int by = 0; by < FL_CHOICE_WAYS; by++)
            score->correct[by] += q.items[i].chosen[by] == q.items[i].answer;
    }
    fl_questions_release(&q);
    return result;
}

int
fl_evaluate_exact(struct fl_generator *g, const struct fl_bundle *b, const char *path,
                  const struct fl_generation *usual, const struct fl_sequence *like,
                  fl_exact_watch *watch, struct fl_exact_score *score)
{
    struct fl_generation greedy = {.how = FL_SAMPLING_GREEDY,
                                   .tokens = usual->tokens,
                                   .stops = usual->stops};
    struct fl_prompts p = {.items = NULL};
    struct fl_buf text = {0};
    struct fl_generated done;
    int result = fl_prompts_read(&p, path, b->tokenizer, &greedy, true);

    if (!result)
        begin(like, p.count);
    for (size_t i = 0; !result && i < p.count; i++) {
        if ((result = fl_prompts_generate(&p, i, g, &text, &done)))
            break;
        const struct fl_exact_answer answer = {p.rows.rows[i].line, &text, &done,
                                               fl_prompts_match(&p.items[i], &text)};
        one_more(like);
        score->prompts++;
        score->correct += answer.right;
        result = watch ? watch(like->arg, &answer) : 0;
    }
    fl_buf_release(&text);
    fl_prompts_release(&p);
    return result;
}
