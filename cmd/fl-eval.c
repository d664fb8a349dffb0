/* fl-eval: how well a model predicts texts, and answers questions. See fl-eval(1). */
#include <string.h>

#include "audit/attack.h"
#include "base/error.h"
#include "base/least.h"
#include "cli/program.h"
#include "nn/scores.h"
#include "os/file.h"
#include "os/progress.h"

static struct {
    const char *model, *adapter, *delimiter, *attack, *reference;
    struct fl_option_list texts, choices, exact, stops, members;
    int64_t batch, length, tokens;
    bool per_file, per_token, per_example, fairness;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model (required)", &opt.model),
    FL_OPT_INPUT('a', "adapter", "ADAPTER", "an adapter of the model, beside it", &opt.adapter),
    FL_OPT_INPUTS(0, "text", "FILE", "score this text as it is; may be given many times",
                  &opt.texts),
    FL_OPT_INPUTS(0, "choices", "FILE", "multiple choice, as JSON Lines; may be given many times",
                  &opt.choices),
    FL_OPT_INPUTS(0, "exact", "FILE", "prompts and answers, as JSON Lines; many times too",
                  &opt.exact),
    FL_OPT_FLAG(0, "per-file", "a row for every input, and one for all", &opt.per_file),
    FL_OPT_FLAG(0, "per-token", "a row for every token of the one input", &opt.per_token),
    FL_OPT_FLAG(0, "per-example", "a row for every question or prompt", &opt.per_example),
    FL_OPT_FLAG(0, "fairness", "mean, worst and spread over the inputs", &opt.fairness),
    FL_OPT_I64('b', "batch", "N", 1, 1e6, "windows at a time (default: 4096 tokens)", &opt.batch),
    FL_OPT_I64('l', "length", "TOKENS", 1, 1e6, "length of a window (default: the model's context)",
               &opt.length),
    FL_OPT_TEXT(0, "delimiter", "TEXT", "before a choice (default: a space)", &opt.delimiter),
    FL_OPT_LIST(0, "stop", "TEXT", "an answer ends before this text; may be given many times",
                &opt.stops),
    FL_OPT_I64('n', "tokens", "TOKENS", 1, FL_TOKENS_MAX,
               "an answer has at most so many tokens (default 256)", &opt.tokens),
    FL_OPT_CHOICE(0, "attack", "NAME", FL_ATTACK_CHOICES,
                  "measure what the model tells of its text", &opt.attack),
    FL_OPT_INPUTS(0, "members", "SHARD", "it was trained on this; may be given many times",
                  &opt.members),
    FL_OPT_INPUT(0, "reference", "MODEL", "one that was trained on neither", &opt.reference),
    FL_OPT_END,
};

/* What is at hand while inputs are scored. */
struct work {
    struct fl_scores_rows rows; /* in place of the table; first, for fl_scores_token */
    const struct fl_cli *cli;
    enum fl_scores_of of;
    const struct fl_option_list *list; /* inputs that are no operands */
    size_t inputs;
    struct fl_bundle bundle;
    struct fl_pool *pool;
    struct fl_evaluator *evaluator;
    struct fl_generator *generator;
    struct fl_stop_strings stops;
    struct fl_table table;
    struct fl_progress progress;
    uint64_t done; /* tokens, questions or prompts */
};

/* How many there are is known when this is the only input. */
static void
begin(void *arg, uint64_t total)
{
    static const char *const units[] = {"tokens", "questions", "prompts"};
    struct work *w = arg;

    if (!w->progress.what)
        fl_progress_start(&w->progress, "eval", units[w->of], w->inputs > 1 ? 0 : total);
}

static void
show(void *arg, uint64_t more)
{
    struct work *w = arg;

    fl_progress_show(&w->progress, w->done += more, "%s", w->rows.name);
}

/* Score one input: add it to the total, and its row to the table. */
static int
score(struct work *w, const char *path, bool is_text, struct fl_scores *total)
{
    const struct fl_sequence like = {.token = opt.per_token ? fl_scores_token : NULL,
                                     .begin = begin,
                                     .batch = show,
                                     .arg = w};
    const struct fl_generation usual = {.tokens = opt.tokens ? (size_t)opt.tokens : 256,
                                        .stops = w->stops};
    struct fl_scores s = {.exact = {0}};
    int result;

    w->rows.name = fl_input_name(path);
    if (w->of == FL_SCORES_CHOICES)
        result = fl_evaluate_choices(w->evaluator, &w->bundle, path, opt.delimiter, &like,
                                     opt.per_example ? fl_scores_question : NULL, &s.choices);
    else if (w->of == FL_SCORES_EXACT)
        result = fl_evaluate_exact(w->generator, &w->bundle, path, &usual, &like,
                                   opt.per_example ? fl_scores_answer : NULL, &s.exact);
    else
        result = (is_text ? fl_evaluate_text : fl_evaluate_shards)(w->evaluator, &w->bundle, path,
                                                                   &like, &s.texts);
    fl_scores_add(total, &s);
    return result ? -1
                  : fl_table_add(&w->table, w->rows.name, fl_scores_row(w->of, &s), 1,
                                 "standard output");
}

static int
score_inputs(struct work *w)
{
    const struct fl_option_list *list = w->list;
    const char *const *operands = w->cli->operand_count ? w->cli->operands : NULL;
    struct fl_scores total = {.exact = {0}};

    fl_table_start(&w->table, fl_scores_form(w->of), opt.per_file, opt.fairness, w->cli->json);
    fl_report_start(&w->rows.report, fl_scores_columns(w->of), w->cli->json);
    for (size_t i = 0; i < w->inputs; i++) {
        bool listed = i < list->count;
        if (score(w,
                  listed     ? list->items[i]
                  : operands ? operands[i - list->count]
                             : NULL,
                  listed, &total))
            return -1;
    }
    fl_progress_end(&w->progress, w->done, NULL);
    return opt.per_token || opt.per_example
               ? fl_report_flush(&w->rows.report, 1, "standard output")
               : fl_table_end(&w->table, fl_scores_row(w->of, &total), 1, "standard output");
}

static int
prepare(struct work *w)
{
    if (!(w->pool = fl_pool_new(w->cli->threads)))
        return -1;
    if (opt.exact.count)
        return (w->generator = fl_generator_new(&w->bundle, w->pool)) ? 0 : -1;
    w->evaluator = fl_evaluator_for(&w->bundle, w->pool, opt.batch, opt.length);
    return w->evaluator ? 0 : -1;
}

/* In place of scores: what the model tells of its text. */
static int
attack(struct work *w)
{
    const struct fl_attack a = {.name = opt.attack,
                                .target = &w->bundle,
                                .evaluator = w->evaluator,
                                .pool = w->pool,
                                .batch = opt.batch,
                                .length = opt.length,
                                .reference = opt.reference,
                                .members = {opt.members.items, opt.members.count},
                                .others = {w->cli->operands, w->cli->operand_count},
                                .canaries = {opt.choices.items, opt.choices.count},
                                .each = opt.per_example,
                                .json = w->cli->json};

    return fl_attack_run(&a, 1, "standard output");
}

/* Which mode, how many inputs, and do the options go together? */
static int
check(struct work *w)
{
    static const struct fl_option_list *const lists[] = {&opt.texts, &opt.choices, &opt.exact};
    bool texts = opt.texts.count || w->cli->operand_count;
    bool questions = opt.choices.count || opt.exact.count;

    for (w->of = FL_SCORES_EXACT; w->of && !lists[w->of]->count;)
        w->of--;
    w->list = lists[w->of];
    w->inputs = w->list->count + w->cli->operand_count;
    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; it names the model to evaluate");
    if ((opt.choices.count && opt.exact.count) || (questions && texts))
        return fl_error(FL_USAGE, "texts, --choices and --exact are tables of different columns; "
                                  "give one of them");
    if (!opt.attack && (opt.members.count || opt.reference))
        return fl_error(FL_USAGE, "--members and --reference are for --attack; give that too");
    if (opt.attack)
        return fl_attack_check(opt.attack, opt.members.count, w->cli->operand_count,
                               opt.choices.count, opt.reference != NULL);
    if (!strcmp(opt.model, "-") && !w->inputs)
        return fl_error(FL_USAGE, "the model is on standard input, so the shards must be operands");
    w->inputs = fl_max(w->inputs, 1); /* standard input */
    if ((opt.per_token || opt.per_example) && (opt.per_file || opt.fairness))
        return fl_error(FL_USAGE,
                        "--per-%s and --%s exclude each other; they are tables of other columns",
                        opt.per_token ? "token" : "example",
                        opt.per_file ? "per-file" : "fairness");
    if (questions ? opt.per_token : opt.per_example)
        return fl_error(FL_USAGE, "--per-token is for texts, --per-example for questions");
    if (opt.per_token && w->inputs > 1)
        return fl_error(FL_USAGE, "--per-token takes one input, and there are %zu", w->inputs);
    if (opt.fairness && w->inputs < 2)
        return fl_error(FL_USAGE, "--fairness compares inputs, and there is one");
    if ((opt.delimiter && !opt.choices.count) ||
        ((opt.stops.count || opt.tokens) && !opt.exact.count))
        return fl_error(FL_USAGE, "--delimiter is for --choices, --stop and -n are for --exact");
    return fl_stop_strings_add_texts(&w->stops, opt.stops.items, opt.stops.count);
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli};
    int result = check(&w) || fl_bundle_open(&w.bundle, opt.model, opt.adapter) || prepare(&w) ||
                         (opt.attack ? attack(&w) : score_inputs(&w))
                     ? -1
                     : 0;

    fl_evaluator_free(w.evaluator);
    fl_generator_free(w.generator);
    fl_stop_strings_release(&w.stops);
    fl_table_release(&w.table);
    fl_report_release(&w.rows.report);
    fl_pool_free(w.pool);
    fl_bundle_release(&w.bundle);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-eval",
        .summary = "Loss, perplexity, bits per byte and accuracy of a model, and its answers.",
        .operands = "[SHARD...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_THREADS | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
