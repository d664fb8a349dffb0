/* fl-import: models and adapters that other tools made, as streams. */
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "flt/emit.h"
#include "os/file.h"
#include "port/hf_folder.h"
#include "port/peft.h"

static struct {
    const char *model, *dtype;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model that an adapter is for, to be named in it",
                 &opt.model),
    FL_OPT_CHOICE(0, "dtype", "DTYPE", "f32|f16|bf16|q8_0",
                  "what a model's weights are stored as (default: as they are)", &opt.dtype),
    FL_OPT_END,
};

/* What is being imported: one of the two. */
struct job {
    struct fl_hf_folder folder;
    struct fl_peft peft;
    struct fl_object *base;
};

static int
write_model(void *arg, struct fl_writer *w)
{
    return fl_hf_folder_write(&((struct job *)arg)->folder,
                              opt.dtype ? fl_dtype_find(opt.dtype) : 0, w);
}

static int
write_adapter(void *arg, struct fl_writer *w)
{
    struct job *job = arg;

    return fl_peft_write(&job->peft, job->base, w);
}

static int
import_model(const struct fl_cli *cli, struct job *job, const char *dir)
{
    if (opt.model)
        return fl_error(FL_USAGE, "-m MODEL belongs to adapters, and %s holds none", dir);
    if (fl_hf_folder_open(&job->folder, dir) || fl_emit(cli->output, cli->level, write_model, job))
        return -1;
    fl_warn_lines(cli, fl_buf_text(&job->folder.notes));
    return 0;
}

static int
import_adapter(const struct fl_cli *cli, struct job *job, const char *dir)
{
    if (opt.dtype)
        return fl_error(FL_USAGE, "--dtype belongs to models, and %s holds an adapter", dir);
    if ((opt.model && !(job->base = fl_object_open(opt.model, FL_KIND_MODEL))) ||
        fl_peft_open(&job->peft, dir) || fl_emit(cli->output, cli->level, write_adapter, job))
        return -1;
    fl_warn_lines(cli, fl_buf_text(&job->peft.notes));
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct job job = {.base = NULL};
    struct stat st;

    if (!cli->operand_count)
        return fl_error(FL_USAGE, "a Hugging Face folder is missing; see --help");
    const char *dir = cli->operands[0];
    if (!stat(dir, &st) && !S_ISDIR(st.st_mode))
        return fl_error(FL_FAILED,
                        "%s: is no folder; name the one that holds config.json, model.safetensors "
                        "and tokenizer.json",
                        dir);
    int result = fl_peft_is_folder(dir) ? import_adapter(cli, &job, dir)
                                        : import_model(cli, &job, dir);
    fl_hf_folder_close(&job.folder);
    fl_peft_close(&job.peft);
    fl_object_free(job.base);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-import",
        .summary = "Make a stream of the model or adapter in a Hugging Face folder.",
        .operands = "DIR",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_LEVEL,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
