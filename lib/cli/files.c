/*
 * No output replaces an input: which files a command line reads and writes, compared by device and
 * inode before anything is opened. Names are compared after links are followed, so a hard link, a
 * symbolic link and "./x" are all the file itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/program.h"
#include "os/file.h"
#include "os/folder.h"

struct named {
    const char *path;
    const struct fl_option *option; /* NULL: an operand */
};

struct files {
    const struct fl_cli *cli;
    struct named *outputs, *inputs;
    size_t output_count, output_cap, input_count, input_cap;
    const struct fl_option *standard; /* whose output is standard output */
};

static int
add(struct named **list, size_t *count, size_t *cap, const char *path, const struct fl_option *o)
{
    struct named *grown = fl_grow(*list, *count, cap, sizeof *grown);

    if (!grown)
        return -1;
    *list = grown;
    grown[(*count)++] = (struct named){path, o};
    return 0;
}

/* Without -o, the shared option, the output goes to standard output; of others only by "-". */
static int
add_output(struct files *f, const struct fl_option *o)
{
    const char *path = *o->value.text;

    if (path ? !strcmp(path, "-") : o->value.text == &f->cli->output) {
        if (f->standard)
            return fl_error(
                FL_USAGE, "--%s and --%s are both on standard output; name a file for one of them",
                f->standard->name, o->name);
        f->standard = o;
        return 0;
    }
    return !path ? 0 : add(&f->outputs, &f->output_count, &f->output_cap, path, o);
}

static int
add_input(struct files *f, const char *path, const struct fl_option *o)
{
    return path ? add(&f->inputs, &f->input_count, &f->input_cap, path, o) : 0;
}

static int
add_option(struct files *f, const struct fl_option *o)
{
    int failed = 0;

    if (o->type == FL_OPTION_OUTPUT)
        return add_output(f, o);
    if (o->type == FL_OPTION_INPUTS)
        for (size_t i = 0; !failed && i < o->value.list->count; i++)
            failed = add_input(f, o->value.list->items[i], o);
    else if (o->type == FL_OPTION_INPUT || o->type == FL_OPTION_KEY)
        failed = add_input(f, *o->value.text, o);
    return failed;
}

/* Do two names lead to one file? "-" as an input is what standard input comes from. */
static bool
same(const char *output, const char *input)
{
    return fl_same_file(output, strcmp(input, "-") ? input : "/dev/stdin");
}

static bool
may_replace(const struct files *f, const struct named *out, const struct named *in)
{
    return in->option && in->option->replaceable && out->option->value.text == &f->cli->output;
}

static int
check_output(const struct files *f, const struct named *out)
{
    for (size_t i = 0; i < f->input_count; i++) {
        const struct named *in = &f->inputs[i];
        if (may_replace(f, out, in) || !same(out->path, in->path))
            continue;
        return fl_error(
            FL_USAGE, "%s: is an input%s%s%s as well as the output of --%s; write to another file",
            out->path, in->option ? " (--" : "", in->option ? in->option->name : "",
            in->option ? ")" : "", out->option->name);
    }
    for (const struct named *other = f->outputs; other < out; other++)
        if (fl_same_file(out->path, other->path))
            return fl_error(FL_USAGE, "%s: is the output of both --%s and --%s; name two files",
                            out->path, other->option->name, out->option->name);
    return 0;
}

/* Nothing is written into the folder of a key's state but by the key's own programs. */
static int
check_state(const struct files *f, const struct fl_option *o)
{
    char *dir = NULL;
    int failed = 0;

    if (!*o->value.text)
        return 0;
    dir = o->type == FL_OPTION_KEY ? fl_folder_of_key(*o->value.text) : fl_strdup(*o->value.text);
    if (!dir)
        return -1;
    for (size_t i = 0; !failed && i < f->output_count; i++)
        if (fl_folder_holds(dir, f->outputs[i].path))
            failed = fl_error(
                FL_USAGE,
                "%s: lies in %s, where a key remembers its rounds; write to another folder",
                f->outputs[i].path, dir);
    free(dir);
    return failed;
}

static int
collect(struct files *f, const struct fl_option *const *tables)
{
    const struct fl_cli *cli = f->cli;

    for (int t = 0; t < 2; t++)
        for (const struct fl_option *o = tables[t]; o->type != FL_OPTION_END; o++)
            if (add_option(f, o))
                return -1;
    for (size_t i = 0; i < cli->operand_count && !cli->program->operands_are_text; i++)
        if (add_input(f, cli->operands[i], NULL))
            return -1;
    return cli->operand_count ? 0 : add_input(f, "-", NULL);
}

static int
check_all(struct files *f, const struct fl_option *const *tables)
{
    if (collect(f, tables))
        return -1;
    for (size_t i = 0; i < f->output_count; i++)
        if (check_output(f, &f->outputs[i]))
            return -1;
    for (int t = 0; t < 2; t++)
        for (const struct fl_option *o = tables[t]; o->type != FL_OPTION_END; o++)
            if ((o->type == FL_OPTION_KEY || o->type == FL_OPTION_FOLDER) && check_state(f, o))
                return -1;
    return 0;
}

int
fl_check_files(const struct fl_cli *cli, const struct fl_option *common)
{
    static const struct fl_option none[] = {FL_OPT_END};
    const struct fl_option *own = cli->program->options;
    const struct fl_option *const tables[] = {own ? own : none, common};
    struct files f = {.cli = cli};
    int result = check_all(&f, tables);

    free(f.outputs);
    free(f.inputs);
    return result;
}
