/*
 * One way through every program, so that all end alike: parse, compare the files (cli/files.c),
 * run, flush, one line of error, exit status. Writing to a pipe without a reader is an error like
 * any other until the outputs are removed; only then the process dies by SIGPIPE, as a filter
 * should.
 */
#include "cli/program.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/visible.h"
#include "crypt/secret.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/progress.h"
#include "os/stop.h"
#include "os/watch.h"

/* What fl_main holds: the shared options, and where those values go that struct fl_cli has not. */
struct line {
    struct fl_cli *cli;
    const struct fl_option *own;
    struct fl_option common[12]; /* ends with FL_OPT_END, which is zero */
    bool help, version, progress, level_given;
    int64_t threads, seed;
    const char *level, *completion;
};

static void
add_common(struct line *l, bool wanted, struct fl_option option)
{
    size_t n = 0;

    while (l->common[n].type != FL_OPTION_END)
        n++;
    if (wanted)
        l->common[n] = option;
}

static void
fill_common(struct line *l)
{
    struct fl_cli *cli = l->cli;
    unsigned has = cli->program->common;
    const char *seed = has & FL_HAS_SEED ? "seed of the random numbers (default 0)"
                                         : "refused: secrets need fresh randomness";

    add_common(l, has & FL_HAS_OUTPUT,
               (struct fl_option)
                   FL_OPT_OUTPUT('o', "output", "FILE",
                                 "write to FILE, whole or not at all (default: standard output)",
                                 &cli->output));
    add_common(l, has & FL_HAS_THREADS,
               (struct fl_option)
                   FL_OPT_I64('j', "threads", "N", 1, 1024,
                              "use N threads (default: all cores); results do not depend on it",
                              &l->threads));
    add_common(l, has & FL_HAS_LEVEL,
               (struct fl_option)
                   FL_OPT_TEXT('z', "compress", "[=LEVEL]",
                               "compress the output with zstd (level 1 to 19, default 3)",
                               &l->level, .given = &l->level_given));
    add_common(l, has & (FL_HAS_SEED | FL_REFUSES_SEED),
               (struct fl_option)FL_OPT_I64(0, "seed", "N", 0, 9007199254740992.0, seed, &l->seed,
                                            .given = &cli->seed_given));
    add_common(l, has & FL_HAS_JSON,
               (struct fl_option)
                   FL_OPT_FLAG(0, "json",
                               "report one JSON object a line instead of tab-separated columns",
                               &cli->json));
    add_common(l, true,
               (struct fl_option)
                   FL_OPT_FLAG(0, "progress",
                               "show progress on standard error even if that is no terminal",
                               &l->progress));
    add_common(l, true,
               (struct fl_option)FL_OPT_FLAG('q', "quiet", "no progress and no warnings",
                                             &cli->quiet));
    add_common(l, true, (struct fl_option)FL_OPT_FLAG('h', "help", "show this help", &l->help));
    add_common(l, true,
               (struct fl_option)FL_OPT_FLAG('V', "version", "show the version", &l->version));
}

static int
parse(struct line *l, int argc, char **argv)
{
    struct fl_cli *cli = l->cli;
    struct fl_options options = {.own = l->own, .common = l->common, .operands = cli->operands};
    int64_t level = 0;

    if (fl_options_parse(&options, argc, argv))
        return -1;
    cli->operand_count = options.operand_count;
    l->completion = options.completion;
    if (l->help || l->version || l->completion)
        return 0;
    if (cli->seed_given && (cli->program->common & FL_REFUSES_SEED))
        return fl_error(FL_USAGE, "--seed is refused: these secrets need fresh randomness");
    if (cli->operand_count > cli->program->max_operands)
        return fl_error(FL_USAGE, "\"%s\" is one operand too many; see --help",
                        cli->operands[cli->program->max_operands]);
    if (l->level_given && fl_parse_i64(l->level, 1, 19, &level))
        return fl_error_about("-z");
    cli->level = (int)level;
    cli->threads = (int)l->threads;
    cli->seed = (uint64_t)l->seed;
    fl_progress_mode(cli->quiet ? -1 : l->progress);
    return fl_check_files(cli, l->common);
}

static void
print_options(FILE *out, const struct fl_option *o)
{
    for (; o->type != FL_OPTION_END; o++) {
        char left[120];
        snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
                 o->arg && o->letter != 'z' ? " " : "", o->arg ? o->arg : "");
        fprintf(out, strlen(left) > 28 ? "%s\n%30s" : "%-29s%s", left,
                strlen(left) > 28 ? "" : " ");
        fprintf(out, "%s", o->help);
        if (o->choices)
            fprintf(out, " (%s)", o->choices);
        putc('\n', out);
    }
}

static void
print_help(FILE *out, const struct line *l)
{
    const struct fl_program *program = l->cli->program;

    fprintf(out, "Usage: %s [OPTION...]%s%s\n%s\n\n", program->name, *program->operands ? " " : "",
            program->operands, program->summary);
    print_options(out, l->own);
    print_options(out, l->common);
    fprintf(out,
            "\nExit status: 0 done, 1 failed, 2 wrong command line, 3 refused for safety, 4 not "
            "yet.\nSee also: man %s, man 7 fl\n",
            program->name);
}

/* What a program tells of itself; printed in memory, since stdio does not wait for a pipe. */
static int
show(struct line *l)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int result = 0;

    if (!out)
        return fl_error_errno(errno, "standard output: cannot write");
    if (l->help)
        print_help(out, l);
    else if (l->version)
        fprintf(out, "%s %s\n", l->cli->program->name, FL_VERSION);
    else
        result = fl_print_completion(out, l->cli->program, l->common, l->completion);
    if (fclose(out))
        result = fl_error_errno(errno, "standard output: cannot write");
    if (!result)
        result = fl_write_full(1, "standard output", text, len);
    free(text);
    return result;
}

static int
show_or_run(struct line *l)
{
    return l->help || l->version || l->completion ? show(l) : l->cli->program->run(l->cli);
}

/* One line whatever is in TEXT: names of files and tensors may hold line ends and escapes. */
static void
print_line(const char *program, const char *text)
{
    struct fl_buf line = {0};

    if (fl_buf_printf(&line, "%s: ", program) ||
        fl_buf_add_visible(&line, text, strlen(text), FL_VISIBLE_LINE) ||
        fl_buf_add_byte(&line, '\n'))
        fl_say("out of memory\n");
    else
        fl_say(fl_buf_text(&line));
    fl_buf_release(&line);
}

/* Once, at the end, since only then it is known. */
static void
warn_of_swap(const struct fl_cli *cli)
{
    if (fl_memory_swappable())
        fl_warn(cli, "not all secrets could be locked in memory, so they may lie in swap; raise "
                     "ulimit -l, or use no swap that is not encrypted");
}

void
fl_warn(const struct fl_cli *cli, const char *format, ...)
{
    char text[1024];
    va_list ap;

    if (cli->quiet)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    print_line(cli->program->name, text);
}

void
fl_warn_lines(const struct fl_cli *cli, const char *text)
{
    for (const char *end; (end = strchr(text, '\n')); text = end + 1)
        fl_warn(cli, "%.*s", (int)(end - text), text);
}

int
fl_report_beside(struct fl_report *r, const struct fl_cli *cli)
{
    bool to_file = cli->output && strcmp(cli->output, "-") != 0;

    return to_file ? fl_report_end(r, 1, "standard output") : fl_report_end(r, 2, "standard error");
}

int
fl_main(int argc, char **argv, const struct fl_program *program)
{
    static const struct fl_option none[] = {FL_OPT_END};
    struct fl_cli cli = {.program = program};
    struct line line = {.cli = &cli, .own = program->options ? program->options : none};

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    fl_watch_signals(program->name);
    fill_common(&line);
    cli.operands = fl_alloc((size_t)argc + 1, sizeof *cli.operands);
    int result = cli.operands && !fl_hold_standard() && !fl_crypt_init() ? parse(&line, argc, argv)
                                                                         : -1;
    if (!result)
        result = show_or_run(&line);
    if (!result)
        result = fl_watch_check_rest();
    else if (fl_error_status() == FL_FAILED)
        result = fl_watch_check() ? -1 : result; /* an input that changed explains the error */
    for (const struct fl_option *o = line.own; o->type != FL_OPTION_END; o++)
        if (fl_option_is_list(o))
            free(o->value.list->items);
    free(cli.operands);
    if (!result) {
        warn_of_swap(&cli);
        return FL_OK;
    }
    if (fl_error_status() == FL_PIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    int status = fl_error_status() ? (int)fl_error_status() : FL_FAILED;
    print_line(program->name, fl_error_text());
    fl_stop_now(status);
}
