/* fl-import: models that other tools made, as streams. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "flt/writer.h"
#include "nn/model.h"
#include "os/file.h"
#include "os/output.h"
#include "port/llama.h"
#include "text/tokenizer.h"

enum { PATH_SIZE = 4096 };

static int
join_path(char path[PATH_SIZE], const char *dir, const char *file)
{
    if (snprintf(path, PATH_SIZE, "%s/%s", dir, file) >= PATH_SIZE)
        return fl_error(FL_USAGE, "%.80s...: the path is too long", dir);
    return 0;
}

/* The bytes of tokenizer.json, after they were understood and found to fit the vocabulary. */
static int
read_tokenizer(const char *dir, const struct fl_config *config, struct fl_buf *json)
{
    char path[PATH_SIZE];

    if (join_path(path, dir, "tokenizer.json") || fl_read_file(path, FL_TOKENIZER_MAX, json))
        return -1;
    struct fl_tokenizer *t = fl_tokenizer_parse(path, json->data, json->len);
    if (!t)
        return -1;
    uint32_t vocab = fl_tokenizer_vocab(t);
    fl_tokenizer_free(t);
    if (vocab > config->vocab)
        return fl_error(FL_FAILED, "%s: has %u tokens, and the model's vocabulary %u", path, vocab,
                        config->vocab);
    return 0;
}

static int
write_model(const struct fl_cli *cli, const struct fl_model *m, const struct fl_buf *tokenizer)
{
    struct fl_output out;
    struct fl_meta meta = {0};
    int result = -1;

    if (fl_meta_set_i64(&meta, "round", 0) || fl_output_open(&out, cli->output, FL_OUTPUT_BINARY)) {
        fl_meta_release(&meta);
        return -1;
    }
    struct fl_writer *w = fl_writer_new(out.fd, out.name, cli->level);
    if (w && !fl_model_write(m, w, &meta, tokenizer->data, tokenizer->len))
        result = fl_output_commit(&out);
    else
        fl_output_abort(&out);
    fl_writer_free(w);
    fl_meta_release(&meta);
    return result;
}

static int
run(struct fl_cli *cli)
{
    struct fl_config config;
    struct fl_buf tokenizer = {0};
    struct fl_model *m = NULL;
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
    if (join_path(path, dir, "config.json") || fl_llama_config(&config, path) ||
        read_tokenizer(dir, &config, &tokenizer) || join_path(path, dir, "model.safetensors")) {
        fl_buf_release(&tokenizer);
        return -1;
    }
    struct fl_safetensors *s = fl_safetensors_open(path);
    if (s)
        m = fl_llama_model(&config, s);
    int result = m ? write_model(cli, m, &tokenizer) : -1;
    fl_model_free(m);
    fl_safetensors_free(s);
    fl_buf_release(&tokenizer);
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
