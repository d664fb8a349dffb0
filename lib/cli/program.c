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
#include "crypt/secret.h"
#include "os/file.h"
#include "os/stop.h"

/* Everything one parse needs: the program's options, the shared ones, and where their values go. */
struct parse {
    struct fl_cli *cli;
    const struct fl_option *own;
    struct fl_option common[12];
    bool help, version, no_more;
    bool level_given;
    const char *completion;
    int64_t threads, seed;
    const char *level;
};

static void
add_common(struct parse *p, size_t *n, struct fl_option option)
{
    p->common[(*n)++] = option;
}

static void
fill_common(struct parse *p)
{
    struct fl_cli *cli = p->cli;
    unsigned has = cli->program->common;
    size_t n = 0;

    if (has & FL_HAS_OUTPUT)
        add_common(p, &n, (struct fl_option){'o', "output", FL_OPT_FILE, "FILE",
                   "write to FILE, whole or not at all (default: standard output)", &cli->output,
                   0, 0, NULL, NULL});
    if (has & FL_HAS_THREADS)
        add_common(p, &n, (struct fl_option){'j', "threads", FL_OPT_I64, "N",
                   "use N threads (default: all cores); results do not depend on it", &p->threads,
                   1, 1024, NULL, NULL});
    if (has & FL_HAS_LEVEL)
        add_common(p, &n, (struct fl_option){'z', "compress", FL_OPT_TEXT, "[=LEVEL]",
                   "compress the output with zstd (level 1 to 19, default 3)", &p->level,
                   0, 0, NULL, &p->level_given});
    if (has & (FL_HAS_SEED | FL_REFUSES_SEED))
        add_common(p, &n, (struct fl_option){0, "seed", FL_OPT_I64, "N",
                   has & FL_HAS_SEED ? "seed of the random numbers (default 0)"
                                     : "refused: secrets need fresh randomness", &p->seed,
                   0, 9007199254740992.0, NULL, &cli->seed_given});
    if (has & FL_HAS_JSON)
        add_common(p, &n, (struct fl_option){0, "json", FL_OPT_FLAG, NULL,
                   "report one JSON object a line instead of tab-separated columns", &cli->json,
                   0, 0, NULL, NULL});
    add_common(p, &n, (struct fl_option){0, "progress", FL_OPT_FLAG, NULL,
               "show progress on standard error even if that is no terminal", &cli->progress,
               0, 0, NULL, NULL});
    add_common(p, &n, (struct fl_option){'q', "quiet", FL_OPT_FLAG, NULL,
               "no progress and no warnings", &cli->quiet, 0, 0, NULL, NULL});
    add_common(p, &n, (struct fl_option){'h', "help", FL_OPT_FLAG, NULL, "show this help",
               &p->help, 0, 0, NULL, NULL});
    add_common(p, &n, (struct fl_option){'V', "version", FL_OPT_FLAG, NULL, "show the version",
               &p->version, 0, 0, NULL, NULL});
}

/* The option with this letter or this long name of LEN characters; NULL when there is none. */
static const struct fl_option *
find(const struct parse *p, char letter, const char *name, size_t len)
{
    const struct fl_option *tables[2] = {p->own, p->common};

    for (int t = 0; t < 2; t++)
        for (const struct fl_option *o = tables[t]; o->type != FL_OPT_END; o++)
            if (name ? strlen(o->name) == len && !strncmp(o->name, name, len)
                     : letter && o->letter == letter)
                return o;
    return NULL;
}

static bool
is_choice(const char *choices, const char *word)
{
    size_t len = strcspn(word, "|");

    if (word[len])
        return false;
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
        if (len && !strncmp(c, word, len) && (c[len] == '|' || !c[len]))
            return true;
    return false;
}

static int
set_value(const struct parse *p, const struct fl_option *o, const char *text)
{
    double max = o->min == 0 && o->max == 0 ? 9.2e18 : o->max;
    double min = o->min == 0 && o->max == 0 && o->type != FL_OPT_SIZE ? -max : o->min;
    struct fl_option_list *list;
    int result = 0;

    switch (o->type) {
    case FL_OPT_FLAG:
        if (o->value == &p->cli->progress)
            p->cli->progress = 1;
        else
            *(bool *)o->value = true;
        break;
    case FL_OPT_TEXT:
    case FL_OPT_FILE:
        *(const char **)o->value = text;
        break;
    case FL_OPT_CHOICE:
        if (!is_choice(o->choices, text))
            result = fl_error(FL_USAGE, "\"%s\" is not one of %s", text, o->choices);
        *(const char **)o->value = text;
        break;
    case FL_OPT_I64:
        result = fl_parse_i64(text, (int64_t)min, (int64_t)max, o->value);
        break;
    case FL_OPT_F64:
        result = fl_parse_f64(text, min, max, o->value);
        break;
    case FL_OPT_SIZE:
        result = fl_parse_size(text, (uint64_t)min, (uint64_t)max, o->value);
        break;
    case FL_OPT_LIST:
        list = o->value;
        list->items = fl_grow(list->items, list->count, &list->cap, sizeof *list->items);
        if (!list->items)
            return -1;
        list->items[list->count++] = text;
        break;
    case FL_OPT_END:
        break;
    }
    if (o->given)
        *o->given = true;
    if (result) {
        char about[80];
        snprintf(about, sizeof about, "--%s", o->name);
        fl_error_about(about);
    }
    return result;
}

static bool
wants_argument(const struct fl_option *o)
{
    return o->type != FL_OPT_FLAG;
}

static int
parse_long(struct parse *p, char **argv, int argc, int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct fl_option *o = find(p, 0, name, len);
    const char *text = equals ? equals + 1 : NULL;

    if (len == 10 && !strncmp(name, "completion", 10) && (text || *i + 1 < argc)) {
        p->completion = text ? text : argv[++*i];
        return 0;
    }
    if (!o)
        return fl_error(FL_USAGE, "there is no option \"--%.*s\"; see --help", (int)len, name);
    if (!wants_argument(o) && text)
        return fl_error(FL_USAGE, "--%s takes no argument", o->name);
    if (wants_argument(o) && !text && o->letter != 'z') {
        if (*i + 1 >= argc)
            return fl_error(FL_USAGE, "--%s needs an argument (%s)", o->name, o->arg);
        text = argv[++*i];
    }
    return set_value(p, o, text ? text : "3");
}

static int
parse_short(struct parse *p, char **argv, int argc, int *i)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct fl_option *o = find(p, *c, NULL, 0);
        if (!o)
            return fl_error(FL_USAGE, "there is no option \"-%c\"; see --help", *c);
        if (!wants_argument(o)) {
            if (set_value(p, o, NULL))
                return -1;
            continue;
        }
        const char *text = c[1] ? c + 1 : NULL;
        if (!text && o->letter == 'z')
            text = "3";
        if (!text && *i + 1 >= argc)
            return fl_error(FL_USAGE, "-%c needs an argument (%s)", *c, o->arg);
        return set_value(p, o, text ? text : argv[++*i]);
    }
    return 0;
}

static int
parse(struct parse *p, int argc, char **argv)
{
    struct fl_cli *cli = p->cli;
    int64_t level = 0;

    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        int result = 0;
        if (p->no_more || a[0] != '-' || !a[1])
            cli->operands[cli->operand_count++] = a;
        else if (!strcmp(a, "--"))
            p->no_more = true;
        else if (a[1] == '-')
            result = parse_long(p, argv, argc, &i);
        else
            result = parse_short(p, argv, argc, &i);
        if (result)
            return -1;
    }
    if (p->help || p->version || p->completion)
        return 0;
    if (cli->seed_given && (cli->program->common & FL_REFUSES_SEED))
        return fl_error(FL_USAGE, "--seed is refused: these secrets need fresh randomness");
    if (cli->operand_count > cli->program->max_operands)
        return fl_error(FL_USAGE, "\"%s\" is one operand too many; see --help",
                        cli->operands[cli->program->max_operands]);
    if (p->level_given && fl_parse_i64(p->level, 1, 19, &level))
        return fl_error_about("-z");
    cli->level = (int)level;
    cli->threads = (int)p->threads;
    cli->seed = (uint64_t)p->seed;
    if (cli->quiet)
        cli->progress = -1;
    return 0;
}

static void
print_options(const struct fl_option *o)
{
    for (; o->type != FL_OPT_END; o++) {
        char left[120];
        snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
                 o->arg && o->letter != 'z' ? " " : "", o->arg ? o->arg : "");
        printf(strlen(left) > 28 ? "%s\n%30s" : "%-29s%s", left, strlen(left) > 28 ? "" : " ");
        printf("%s", o->help);
        if (o->choices)
            printf(" (%s)", o->choices);
        putchar('\n');
    }
}

static void
print_help(const struct parse *p)
{
    const struct fl_program *program = p->cli->program;

    printf("Usage: %s [OPTION...]%s%s\n%s\n\n", program->name, *program->operands ? " " : "",
           program->operands, program->summary);
    print_options(p->own);
    print_options(p->common);
    printf("\nExit status: 0 done, 1 failed, 2 wrong command line, 3 refused for safety.\n"
           "See also: man %s, man 7 fl\n", program->name);
}

static int
flush_stdout(void)
{
    if (fflush(stdout) && errno == EPIPE)
        return fl_error(FL_PIPE, "standard output: its reader went away");
    if (ferror(stdout))
        return fl_error_errno(errno, "standard output: cannot write");
    return 0;
}

static int
show_or_run(struct parse *p)
{
    int result;

    if (p->help)
        print_help(p);
    else if (p->version)
        printf("%s %s\n", p->cli->program->name, FL_VERSION);
    else if (p->completion) {
        if (fl_print_completion(p->cli->program, p->common, p->completion))
            return -1;
    } else if ((result = p->cli->program->run(p->cli)))
        return result;
    return flush_stdout();
}

/* One line whatever is in TEXT: names of files and tensors may hold line ends and escapes. */
static void
print_line(const char *program, const char *text)
{
    char line[1200];
    size_t n = (size_t)snprintf(line, sizeof line - 1, "%s: %s", program, text);

    n = n < sizeof line - 1 ? n : sizeof line - 2;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127)
            line[i] = '?';
    line[n] = '\n';
    line[n + 1] = '\0';
    fputs(line, stderr);
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

int
fl_main(int argc, char **argv, const struct fl_program *program)
{
    static const struct fl_option none[] = {{.type = FL_OPT_END}};
    struct fl_cli cli = {.program = program};
    struct parse p = {.cli = &cli, .own = program->options ? program->options : none};

    signal(SIGPIPE, SIG_IGN);
    fill_common(&p);
    cli.operands = fl_alloc((size_t)argc + 1, sizeof *cli.operands);
    int result = cli.operands && !fl_hold_standard() && !fl_crypt_init() ? parse(&p, argc, argv)
                                                                         : -1;
    if (!result)
        result = show_or_run(&p);
    for (const struct fl_option *o = p.own; o->type != FL_OPT_END; o++)
        if (o->type == FL_OPT_LIST)
            free(((struct fl_option_list *)o->value)->items);
    free(cli.operands);
    if (!result)
        return FL_OK;
    if (fl_error_status() == FL_PIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    print_line(program->name, fl_error_text());
    fl_stop_now(fl_error_status() ? (int)fl_error_status() : FL_FAILED);
}
