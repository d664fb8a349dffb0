/* fl-generate: let a model go on with a text. See fl-generate(1). */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "nn/generate.h"
#include "os/file.h"
#include "text/marks.h"

enum { PROMPT_MAX = 16 << 20 };

static struct {
    const char *model;
    int64_t tokens, top_k;
    double temperature, top_p;
    bool only_new;
} opt = {.tokens = 256, .temperature = 0.8, .top_p = 0.95};

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model (required)", &opt.model),
    FL_OPT_I64('n', "tokens", "TOKENS", 0, 1e9, "at most so many new tokens (default 256)",
               &opt.tokens),
    FL_OPT_F64(0, "temperature", "X", 0, 100,
               "0: always the likeliest; 1: as trained (default 0.8)", &opt.temperature),
    FL_OPT_F64(0, "top-p", "X", 0, 1,
               "only the likeliest that have this probability (default 0.95)", &opt.top_p),
    FL_OPT_I64(0, "top-k", "N", 0, 1e9, "only the N likeliest (default 0: all)", &opt.top_k),
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

/* The prompt's ids; an empty one is the begin of a text, which follows the end of another. */
static int
encode(const struct fl_tokenizer *t, const struct fl_buf *prompt, struct fl_ids *ids)
{
    struct fl_encoder *e = fl_encoder_new(t);
    int result = e ? fl_encode(e, (const char *)prompt->data, prompt->len, FL_ENCODE_PROMPT, ids)
                   : -1;

    fl_encoder_free(e);
    if (result)
        return fl_error_about("prompt");
    if (ids->len)
        return 0;
    int64_t end = fl_tokenizer_marks(t)->end;
    if (end < 0)
        return fl_error(FL_USAGE, "the prompt is empty, and this model has no end-of-text token to "
                                  "begin after; give a prompt");
    return fl_ids_add(ids, (uint32_t)end);
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

static int
generate(const struct fl_cli *cli, const struct fl_bundle *bundle)
{
    struct fl_pool *pool = fl_pool_new(cli->threads);
    struct fl_buf prompt = {0};
    struct fl_ids ids = {0};
    const struct fl_generation g = {.bundle = bundle,
                                    .pool = pool,
                                    .how = {opt.temperature, opt.top_p, opt.top_k},
                                    .seed = cli->seed,
                                    .tokens = (size_t)opt.tokens,
                                    .text = print};
    int result = -1;

    if (pool && !read_prompt(cli, &prompt) && !encode(bundle->tokenizer, &prompt, &ids)) {
        uint32_t ctx = bundle->model->layout.config.ctx;
        if (ids.len > ctx)
            fl_warn(cli,
                    "the prompt has %zu tokens and the model's context %lu; its last %lu are used",
                    ids.len, (unsigned long)ctx, (unsigned long)(ctx > 1 ? ctx / 2 : 1));
        result = opt.only_new ? 0 : print(NULL, prompt.data, prompt.len);
        if (!result && !(result = fl_generate(&g, ids.data, ids.len)) && last_byte != '\n')
            result = print(NULL, "\n", 1);
    }
    fl_ids_release(&ids);
    fl_buf_release(&prompt);
    fl_pool_free(pool);
    return result;
}

static int
run(struct fl_cli *cli)
{
    struct fl_bundle bundle;

    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; it names the model that writes");
    if (!strcmp(opt.model, "-") && prompt_is_piped(cli))
        return fl_error(FL_USAGE,
                        "the model is on standard input, so the prompt must be an operand");
    if (fl_bundle_open(&bundle, opt.model))
        return -1;
    int result = generate(cli, &bundle);
    fl_bundle_release(&bundle);
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
