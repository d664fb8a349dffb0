/* fl-eval: how well a model predicts token shards and texts. See fl-eval(1). */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "flt/sniff.h"
#include "nn/bundle.h"
#include "nn/evaluate.h"
#include "os/file.h"
#include "os/progress.h"
#include "text/kind.h"
#include "text/marks.h"

enum { TEXT_MAX = 1 << 30, BATCH_TOKENS = 4096 };

static struct {
    const char *model;
    struct fl_option_list texts;
    int64_t batch, length;
    bool per_file, per_token;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model (required)", &opt.model),
    FL_OPT_INPUTS(0, "text", "FILE", "score this text as it is; may be given many times",
                  &opt.texts),
    FL_OPT_FLAG(0, "per-file", "a row for every input, and one for all", &opt.per_file),
    FL_OPT_FLAG(0, "per-token", "a row for every token of the one input", &opt.per_token),
    FL_OPT_I64('b', "batch", "N", 1, 1e6, "windows at a time (default: 4096 tokens)", &opt.batch),
    FL_OPT_I64('l', "length", "TOKENS", 1, 1e6, "length of a window (default: the model's context)",
               &opt.length),
    FL_OPT_END,
};

/* What is at hand while inputs are scored. */
struct work {
    const struct fl_cli *cli;
    struct fl_bundle bundle;
    struct fl_pool *pool;
    struct fl_evaluator *evaluator;
    struct fl_report report;
    struct fl_score total;
    struct fl_progress progress;
    uint64_t done;    /* tokens */
    const char *name; /* of the input at hand */
};

static int
add_token(void *arg, const struct fl_scored *token)
{
    struct work *w = arg;

    fl_report_u64(&w->report, token->position);
    fl_report_u64(&w->report, token->id);
    fl_report_u64(&w->report, token->bytes);
    fl_report_f64(&w->report, token->logprob, 9);
    return fl_report_drain(&w->report, 1, "standard output");
}

static void
show_batch(void *arg, uint64_t tokens)
{
    struct work *w = arg;

    fl_progress_show(&w->progress, w->done += tokens, "%s", w->name);
}

static int
evaluate(struct work *w, struct fl_sequence *s, struct fl_score *score)
{
    s->token = opt.per_token ? add_token : NULL;
    s->batch = show_batch;
    s->arg = w;
    if (!w->progress.what) /* how many there are is known when this is the only input */
        fl_progress_start(&w->progress, "eval", "tokens",
                          opt.texts.count + w->cli->operand_count > 1 ? 0
                          : s->data                                   ? fl_data_tokens(s->data)
                                                                      : s->n);
    if (!fl_evaluate(w->evaluator, s, score))
        return 0;
    return fl_error_status() == FL_PIPE ? -1 : fl_error_about(w->name);
}

static int
add_row(struct work *w, const char *name, const struct fl_score *s)
{
    double tokens = (double)s->tokens;

    fl_report_text(&w->report, name);
    fl_report_u64(&w->report, s->tokens);
    fl_report_u64(&w->report, s->bytes);
    fl_report_f64(&w->report, s->loss / tokens, 9);
    fl_report_f64(&w->report, exp(s->loss / tokens), 9);
    fl_report_f64(&w->report, s->bytes ? s->loss / log(2) / (double)s->bytes : NAN, 9);
    fl_report_f64(&w->report, (double)s->correct / tokens, 9);
    return fl_report_flush(&w->report, 1, "standard output");
}

/* After an input: its row if rows are wanted, and its part of the total. */
static int
finish(struct work *w, const struct fl_score *s)
{
    if (!s->tokens)
        return fl_error(FL_FAILED, "%s: has less than two tokens, so there is nothing to predict",
                        w->name);
    fl_score_add(&w->total, s);
    return opt.per_file ? add_row(w, w->name, s) : 0;
}

static int
score_text(struct work *w, const char *path)
{
    struct fl_encoder *encoder = fl_encoder_new(w->bundle.tokenizer);
    struct fl_buf text = {0};
    struct fl_ids ids = {0};
    struct fl_score score = {0};
    char what[FL_SNIFF_TEXT];
    int result = encoder ? fl_read_file(path, TEXT_MAX, &text) : -1;

    w->name = fl_input_name(path);
    if (!result && fl_sniff_own(text.data, text.len, what))
        result = fl_error(FL_FAILED, "%s: is %s, not text; shards are operands, without --text",
                          w->name, what);
    if (!result)
        result = fl_kind_check(w->name, fl_buf_text(&text), text.len, true, FL_KIND_AS_IS);
    if (!result && fl_encode(encoder, fl_buf_text(&text), text.len, FL_ENCODE_PROMPT, &ids))
        result = fl_error_about(w->name);
    const uint64_t bytes = text.len;
    if (!result)
        result = evaluate(w, &(struct fl_sequence){.ids = ids.data, .n = ids.len, .bytes = &bytes},
                          &score);
    if (!result)
        result = finish(w, &score);
    fl_ids_release(&ids);
    fl_buf_release(&text);
    fl_encoder_free(encoder);
    return result;
}

static int
score_shards(struct work *w, const char *path)
{
    struct fl_data *data = fl_bundle_data(&w->bundle, &path, 1);
    struct fl_score score = {0};
    int result = data ? 0 : -1;

    w->name = fl_input_name(path);
    if (!result && opt.per_token && fl_data_count(data) > 1)
        result = fl_error(FL_FAILED, "%s: has more than one shard; --per-token takes one", w->name);
    for (size_t i = 0; !result && i < fl_data_count(data); i++) {
        const struct fl_data_shard *s = fl_data_shard(data, i);
        struct fl_sequence sequence = {.data = data,
                                       .first = s->first,
                                       .n = s->tokens,
                                       .bytes = s->counted ? &s->bytes : NULL};
        result = evaluate(w, &sequence, &score);
    }
    if (!result)
        result = finish(w, &score);
    fl_data_free(data);
    return result;
}

static int
score_inputs(struct work *w)
{
    static const char *const rows[] = {"file",       "tokens",        "bytes",    "loss",
                                       "perplexity", "bits_per_byte", "accuracy", NULL};
    static const char *const tokens[] = {"position", "id", "bytes", "logprob", NULL};
    const struct fl_cli *cli = w->cli;
    size_t texts = opt.texts.count, shards = cli->operand_count;
    int result = 0;

    if (!texts && !shards)
        shards = 1; /* standard input */
    if (opt.per_token && texts + shards > 1)
        return fl_error(FL_USAGE, "--per-token takes one input, and there are %zu", texts + shards);
    fl_report_start(&w->report, opt.per_token ? tokens : rows, cli->json);
    for (size_t i = 0; !result && i < texts; i++)
        result = score_text(w, opt.texts.items[i]);
    for (size_t i = 0; !result && i < shards; i++)
        result = score_shards(w, cli->operand_count ? cli->operands[i] : NULL);
    if (result)
        return -1;
    fl_progress_end(&w->progress, w->done, NULL);
    return opt.per_token ? fl_report_flush(&w->report, 1, "standard output")
                         : add_row(w, "total", &w->total);
}

static int
prepare(struct work *w)
{
    const struct fl_config *c = &w->bundle.model->layout.config;
    int64_t T = opt.length ? opt.length : c->ctx;

    if (T > c->ctx)
        return fl_error(
            FL_USAGE,
            "windows of %lld tokens are longer than the model's context; use -l %lu or less",
            (long long)T, (unsigned long)c->ctx);
    int64_t B = opt.batch ? opt.batch : T < BATCH_TOKENS ? BATCH_TOKENS / T : 1;
    w->pool = fl_pool_new(w->cli->threads);
    if (w->pool)
        w->evaluator = fl_evaluator_new(w->bundle.model, w->pool, w->bundle.tokenizer, (size_t)B,
                                        (size_t)T);
    return w->evaluator ? 0 : -1;
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli};

    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; it names the model to evaluate");
    if (!strcmp(opt.model, "-") && !cli->operand_count && !opt.texts.count)
        return fl_error(FL_USAGE, "the model is on standard input, so the shards must be operands");
    if (opt.per_token && opt.per_file)
        return fl_error(
            FL_USAGE,
            "--per-token and --per-file exclude each other; they are tables of other columns");
    if (fl_bundle_open(&w.bundle, opt.model))
        return -1;
    int result = prepare(&w) ? -1 : score_inputs(&w);
    fl_evaluator_free(w.evaluator);
    fl_report_release(&w.report);
    fl_pool_free(w.pool);
    fl_bundle_release(&w.bundle);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-eval",
        .summary = "Loss, perplexity, bits per byte and accuracy of a model on shards and texts.",
        .operands = "[SHARD...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_THREADS | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
