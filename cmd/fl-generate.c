/* fl-generate: let a model go on with a text. See fl-generate(1). */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "nn/generate.h"
#include "nn/prompts.h"
#include "os/file.h"
#include "os/progress.h"

enum { PROMPT_MAX = 16 << 20 };

static struct {
    const char *model, *adapter, *batch;
    int64_t tokens;
    struct fl_sampling how;
    struct fl_option_list stops;
    bool only_new;
} opt = {.tokens = 256, .how = {.temperature = 0.8, .top_p = 0.95, .repetition_penalty = 1}};

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model (required)", &opt.model),
    FL_OPT_INPUT('a', "adapter", "ADAPTER", "an adapter of the model, beside it", &opt.adapter),
    FL_OPT_INPUT(0, "batch", "FILE", "prompts, and results, as JSON Lines", &opt.batch),
    FL_OPT_I64('n', "tokens", "TOKENS", 0, FL_TOKENS_MAX,
               "at most so many new tokens (default 256)", &opt.tokens),
    FL_OPT_LIST(0, "stop", "TEXT", "end before this text; may be given many times", &opt.stops),
    FL_OPT_F64(0, "temperature", "X", 0, FL_TEMPERATURE_MAX,
               "0: always the likeliest; 1: as trained (default 0.8)", &opt.how.temperature),
    FL_OPT_I64(0, "top-k", "N", 0, 1e9, "only the N likeliest (default 0: all)", &opt.how.top_k),
    FL_OPT_F64(0, "top-p", "X", 0, 1,
               "only the likeliest that have this probability (default 0.95)", &opt.how.top_p),
    FL_OPT_F64(0, "min-p", "X", 0, 1,
               "only what has this part of the likeliest one's probability (default 0: all)",
               &opt.how.min_p),
    FL_OPT_F64(0, "repetition-penalty", "X", FL_PENALTY_MIN, FL_PENALTY_MAX,
               "above 1: what is in the text is less likely (default 1)",
               &opt.how.repetition_penalty),
    FL_OPT_FLAG(0, "only-new", "print what is new, without the prompt", &opt.only_new),
    FL_OPT_END,
};

static bool
prompt_is_piped(const struct fl_cli *cli)
{
    return !cli->operand_count || (cli->operand_count == 1 && !strcmp(cli->operands[0], "-"));
}

/* The operands with spaces between, or standard input without its last line feed. */
static int
read_prompt(const struct fl_cli *cli, struct fl_buf *prompt)
{
    bool piped = prompt_is_piped(cli);

    for (size_t i = 0; i < cli->operand_count && !piped; i++)
        if ((i && fl_buf_add_byte(prompt, ' ')) || fl_buf_add_text(prompt, cli->operands[i]))
            return -1;
    if (!piped)
        return 0;
    if (fl_read_file(NULL, PROMPT_MAX, prompt))
        return -1;
    if (prompt->len && prompt->data[prompt->len - 1] == '\n')
        prompt->len--;
    return 0;
}

static char last_byte = '\n'; /* of what was printed */

static int
print(void *arg, const void *data, size_t len)
{
    (void)arg;
    if (len)
        last_byte = ((const char *)data)[len - 1];
    return fl_write_text(1, "standard output", data, len);
}

/* The prompt, and what comes after it. */
static int
go_on(const struct fl_cli *cli, const struct fl_bundle *b, struct fl_generator *generator,
      const struct fl_generation *how)
{
    struct fl_buf prompt = {0};
    struct fl_ids ids = {0};
    int result = -1;

    if (!read_prompt(cli, &prompt) &&
        !fl_prompt_encode(b->tokenizer, fl_buf_text(&prompt), prompt.len, &ids)) {
        uint32_t ctx = b->model->layout.config.ctx;
        if (ids.len > ctx)
            fl_warn(cli,
                    "the prompt has %zu tokens and the model's context %lu; its last %zu are used",
                    ids.len, (unsigned long)ctx, ids.len - fl_prompt_dropped(ids.len, ctx));
        result = opt.only_new ? 0 : print(NULL, prompt.data, prompt.len);
        if (!result && !(result = fl_generate(generator, how, ids.data, ids.len, NULL)) &&
            last_byte != '\n')
            result = print(NULL, "\n", 1);
    }
    fl_ids_release(&ids);
    fl_buf_release(&prompt);
    return result;
}

/* A line of JSON for every line of the file, as soon as it is known. */
static int
answer_batch(const struct fl_bundle *b, struct fl_generator *generator,
             const struct fl_generation *usual)
{
    struct fl_prompts prompts = {.items = NULL};
    struct fl_buf text = {0}, line = {0};
    struct fl_progress progress = {0};
    int result = fl_prompts_read(&prompts, opt.batch, b->tokenizer, usual, false);

    fl_progress_start(&progress, "generate", "prompts", prompts.count);
    for (size_t i = 0; !result && i < prompts.count; i++) {
        struct fl_generated done;
        fl_progress_show(&progress, i, "%s", "");
        fl_buf_clear(&line);
        result = fl_prompts_generate(&prompts, i, generator, &text, &done) ||
                         fl_prompts_write(&line, &prompts.items[i], &text, &done) ||
                         fl_write_full(1, "standard output", line.data, line.len)
                     ? -1
                     : 0;
    }
    if (!result)
        fl_progress_end(&progress, prompts.count, NULL);
    fl_buf_release(&line);
    fl_buf_release(&text);
    fl_prompts_release(&prompts);
    return result;
}

static int
generate(const struct fl_cli *cli, const struct fl_bundle *bundle, const struct fl_generation *how)
{
    struct fl_pool *pool = fl_pool_new(cli->threads);
    struct fl_generator *generator = pool ? fl_generator_new(bundle, pool) : NULL;
    int result = !generator  ? -1
                 : opt.batch ? answer_batch(bundle, generator, how)
                             : go_on(cli, bundle, generator, how);

    fl_generator_free(generator);
    fl_pool_free(pool);
    return result;
}

/* What can be known before the model is read. */
static int
check(const struct fl_cli *cli, struct fl_stop_strings *stops)
{
    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; it names the model that writes");
    if (opt.batch && cli->operand_count)
        return fl_error(FL_USAGE, "--batch FILE has the prompts, so none may be an operand");
    if (!strcmp(opt.model, "-") && opt.batch && !strcmp(opt.batch, "-"))
        return fl_error(FL_USAGE, "the model is on standard input, so the batch must be a file");
    if (!strcmp(opt.model, "-") && !opt.batch && prompt_is_piped(cli))
        return fl_error(FL_USAGE,
                        "the model is on standard input, so the prompt must be an operand");
    return fl_stop_strings_add_texts(stops, opt.stops.items, opt.stops.count);
}

static int
run(struct fl_cli *cli)
{
    struct fl_bundle bundle = {.object = NULL};
    struct fl_generation how = {.how = opt.how,
                                .seed = cli->seed,
                                .tokens = (size_t)opt.tokens,
                                .text = print};
    int result = check(cli, &how.stops) || fl_bundle_open(&bundle, opt.model, opt.adapter)
                     ? -1
                     : generate(cli, &bundle, &how);

    fl_bundle_release(&bundle);
    fl_stop_strings_release(&how.stops);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-generate",
        .summary = "Let a model go on with a prompt; print the text as it comes.",
        .operands = "[PROMPT...]",
        .max_operands = SIZE_MAX,
        .operands_are_text = true,
        .common = FL_HAS_THREADS | FL_HAS_SEED,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
