/* fl-import: models that other tools made, as streams. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/program.h"
#include "flt/emit.h"
#include "os/file.h"
#include "port/hf_folder.h"

static int
write_model(void *arg, struct fl_writer *w)
{
    return fl_hf_folder_write(arg, w);
}

static void
show_notes(const struct fl_cli *cli, const struct fl_buf *notes)
{
    const char *line = fl_buf_text(notes), *end;

    for (; (end = strchr(line, '\n')); line = end + 1)
        fl_warn(cli, "%.*s", (int)(end - line), line);
}

static int
run(struct fl_cli *cli)
{
    struct fl_hf_folder folder;
    struct stat st;

    if (!cli->operand_count)
        return fl_error(FL_USAGE, "a Hugging Face folder is missing; see --help");
    const char *dir = cli->operands[0];
    if (!stat(dir, &st) && !S_ISDIR(st.st_mode))
        return fl_error(FL_FAILED,
                        "%s: is no folder; name the one that holds config.json, model.safetensors "
                        "and tokenizer.json",
                        dir);
    int result = fl_hf_folder_open(&folder, dir) ||
                         fl_emit(cli->output, cli->level, write_model, &folder)
                     ? -1
                     : 0;
    if (!result)
        show_notes(cli, &folder.notes);
    fl_hf_folder_close(&folder);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-import",
        .summary = "Make a model stream of a Hugging Face folder.",
        .operands = "DIR",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_LEVEL,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
