/* fl-import: models that other tools made, as streams. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "flt/emit.h"
#include "nn/model.h"
#include "os/file.h"
#include "port/llama.h"
#include "port/text_marks.h"
#include "text/marks.h"

enum { PATH_SIZE = 4096 };

static int
join_path(char path[PATH_SIZE], const char *dir, const char *file)
{
    if (snprintf(path, PATH_SIZE, "%s/%s", dir, file) >= PATH_SIZE)
        return fl_error(FL_USAGE, "%.80s...: the path is too long", dir);
    return 0;
}

/* What becomes a model. */
struct folder {
    struct fl_config config;
    struct fl_buf tokenizer; /* the bytes of tokenizer.json */
    struct fl_ids stops;     /* that end a text, where the folder says it */
    struct fl_buf notes;     /* lines about what is not taken over */
    struct fl_model *model;
};

static void
release(struct folder *f)
{
    fl_buf_release(&f->tokenizer);
    fl_ids_release(&f->stops);
    fl_buf_release(&f->notes);
    fl_model_free(f->model);
}

/* tokenizer.json, after it was understood and found to fit the vocabulary. */
static int
read_tokenizer(struct folder *f, const char *dir)
{
    char path[PATH_SIZE];

    if (join_path(path, dir, "tokenizer.json") ||
        fl_read_file(path, FL_TOKENIZER_MAX, &f->tokenizer))
        return -1;
    struct fl_tokenizer *t = fl_tokenizer_parse(path, f->tokenizer.data, f->tokenizer.len);
    if (!t)
        return -1;
    uint32_t vocab = fl_tokenizer_vocab(t);
    int result = vocab > f->config.vocab
                     ? fl_error(FL_FAILED, "%s: has %u tokens, and the model's vocabulary %u", path,
                                vocab, f->config.vocab)
                     : fl_port_stops(dir, t, &f->stops, &f->notes);
    fl_tokenizer_free(t);
    return result;
}

static int
read_weights(struct folder *f, const char *dir)
{
    char path[PATH_SIZE];
    struct fl_safetensors *s = NULL;

    if (!join_path(path, dir, "model.safetensors") && (s = fl_safetensors_open(path)))
        f->model = fl_llama_model(&f->config, s);
    fl_safetensors_free(s);
    return f->model ? 0 : -1;
}

/* What transformers would change the model by when it loads the folder. */
static int
check_adapter(const char *dir)
{
    char path[PATH_SIZE];
    struct stat st;

    if (join_path(path, dir, "adapter_config.json"))
        return -1;
    if (lstat(path, &st))
        return 0;
    return fl_error(FL_FAILED, "%s: adapters are not read; merge it into the weights", path);
}

static int
write_model(void *arg, struct fl_writer *w)
{
    const struct folder *f = arg;
    struct fl_meta meta = {0};
    int failed = fl_meta_set_i64(&meta, "round", 0) ||
                 (f->stops.len && fl_marks_write(&f->stops, &meta)) ||
                 fl_model_write(f->model, w, &meta, f->tokenizer.data, f->tokenizer.len);

    fl_meta_release(&meta);
    return failed ? -1 : 0;
}

static void
show_notes(const struct fl_cli *cli, const struct folder *f)
{
    const char *line = fl_buf_text(&f->notes), *end;

    for (; (end = strchr(line, '\n')); line = end + 1)
        fl_warn(cli, "%.*s", (int)(end - line), line);
}

static int
run(struct fl_cli *cli)
{
    struct folder f = {.model = NULL};
    char path[PATH_SIZE];
    struct stat st;

    if (!cli->operand_count)
        return fl_error(FL_USAGE, "a Hugging Face folder is missing; see --help");
    const char *dir = cli->operands[0];
    if (!stat(dir, &st) && !S_ISDIR(st.st_mode))
        return fl_error(FL_FAILED,
                        "%s: is no folder; name the one that holds config.json, model.safetensors "
                        "and tokenizer.json",
                        dir);
    int result = join_path(path, dir, "config.json") ||
                         fl_llama_config(&f.config, path, &f.notes) || check_adapter(dir) ||
                         read_tokenizer(&f, dir) || read_weights(&f, dir) ||
                         fl_emit(cli->output, cli->level, write_model, &f)
                     ? -1
                     : 0;
    if (!result)
        show_notes(cli, &f);
    release(&f);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-import",
        .summary = "Make a model stream of a Hugging Face folder of the Llama family.",
        .operands = "DIR",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_LEVEL,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
