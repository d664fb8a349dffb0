/* The command line: each case runs fl_main in a child, with its output and errors in files. */
#include "cli/program.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "os/progress.h"
#include "test.h"

static struct {
    bool flag, choice_given;
    const char *text, *file, *choice;
    int64_t count;
    double rate;
    uint64_t size;
    struct fl_option_list list;
} opt;

static const struct fl_option options[] = {
    FL_OPT_FLAG('f', "flag", "a flag", &opt.flag),
    FL_OPT_TEXT('t', "text", "TEXT", "a user's text", &opt.text),
    FL_OPT_INPUT('m', "model", "MODEL", "a file: [it]", &opt.file),
    FL_OPT_CHOICE('c', "choice", "WORD", "one|two|three", "one of some", &opt.choice,
                  .given = &opt.choice_given),
    FL_OPT_I64('n', "count", "N", 1, 10, "a number", &opt.count),
    FL_OPT_F64('r', "rate", "X", 0, 1, "a rate", &opt.rate),
    FL_OPT_SIZE('s', "size", "SIZE", 0, 0, "a size", &opt.size),
    FL_OPT_LIST(0, "item", "ITEM", "many of them", &opt.list),
    FL_OPT_END,
};

/* Print what was understood, so that a test compares one line. */
static int
show(struct fl_cli *cli)
{
    struct fl_progress progress;

    if (opt.text && !strcmp(opt.text, "fail"))
        return fl_error(FL_REFUSED, "x.flt: refused");
    if (opt.text && !strcmp(opt.text, "pipe"))
        return fl_error(FL_PIPE, "x.flt: its reader went away");
    if (opt.text && !strcmp(opt.text, "lines"))
        return fl_error(FL_FAILED, "a\nb\033[31m\xc2\x9b\xe2\x80\xae\xff\\: no \xc3\xa9");
    if (opt.text && !strcmp(opt.text, "warn"))
        fl_warn(cli, "%d small \a things", 3);
    fl_progress_start(&progress, "x", "B", 0);
    printf("f%d t%s m%s c%s%d n%lld r%g s%llu", opt.flag, opt.text ? opt.text : "-",
           opt.file ? opt.file : "-", opt.choice ? opt.choice : "-", opt.choice_given,
           (long long)opt.count, opt.rate, (unsigned long long)opt.size);
    for (size_t i = 0; i < opt.list.count; i++)
        printf(" i%s", opt.list.items[i]);
    printf(" o%s j%d z%d p%d q%d json%d seed%llu,%d", cli->output ? cli->output : "-", cli->threads,
           cli->level, progress.on, cli->quiet, cli->json, (unsigned long long)cli->seed,
           cli->seed_given);
    for (size_t i = 0; i < cli->operand_count; i++)
        printf(" %s", cli->operands[i]);
    printf("%s\n", cli->operands[cli->operand_count] ? " unterminated" : "");
    return 0;
}

static struct fl_program program = {
    .name = "fl-x",
    .summary = "Try the command line.",
    .operands = "[FILE...]",
    .max_operands = 3,
    .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_SEED | FL_HAS_JSON,
    .options = options,
    .run = show,
};

static struct fl_buf out, err;

static void
slurp(int fd, struct fl_buf *to)
{
    off_t n = lseek(fd, 0, SEEK_END);

    fl_buf_clear(to);
    CHECK(!fl_buf_reserve(to, (size_t)n));
    CHECK(fl_pread_full(fd, "spool", to->data, (size_t)n, 0) == n);
    to->len = (size_t)n;
    to->data[n] = '\0';
    close(fd);
}

/* Words are split at spaces; "" is an empty word. The status as a shell gives it. */
static int
run(const char *line)
{
    char words[400], name[] = "fl-x", none[] = "", *argv[40] = {name};
    int argc = 1, status, fd1 = fl_spool_open(), fd2 = fl_spool_open();

    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = strcmp(w, "\"\"") ? w : none;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(fd1, 1);
        dup2(fd2, 2);
        status = fl_main(argc, argv, &program);
        fflush(stdout);
        _exit(status);
    }
    CHECK(waitpid(child, &status, 0) == child);
    slurp(fd1, &out);
    slurp(fd2, &err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define UNDERSTOOD(line, want)                                                                     \
    do {                                                                                           \
        CHECK(run(line) == 0);                                                                     \
        CHECK_TEXT(fl_buf_text(&out), want "\n");                                                  \
        CHECK_TEXT(fl_buf_text(&err), "");                                                         \
    } while (0)

#define REFUSED(line, want)                                                                        \
    do {                                                                                           \
        CHECK(run(line) == 2);                                                                     \
        CHECK_TEXT(fl_buf_text(&err), "fl-x: " want "\n");                                         \
        CHECK_TEXT(fl_buf_text(&out), "");                                                         \
    } while (0)

static void
test_options(void)
{
    UNDERSTOOD("", "f0 t- m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("-f -t T -m M -c two -n 3 -r 0.5 -s 2k",
               "f1 tT mM ctwo1 n3 r0.5 s2048 o- j0 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("--flag --text=T --model M --choice=three --count=10 --rate 1 --size 1M",
               "f1 tT mM cthree1 n10 r1 s1048576 o- j0 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("-fn7 -j2 -oF", "f1 t- m- c-0 n7 r0 s0 oF j2 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("--item a --item=b --item c",
               "f0 t- m- c-0 n0 r0 s0 ia ib ic o- j0 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("-t= --text=a=b", "f0 ta=b m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("--text=", "f0 t m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0");
    UNDERSTOOD("-t -x", "f0 t-x m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0");
}

static void
test_common(void)
{
    UNDERSTOOD("-z a", "f0 t- m- c-0 n0 r0 s0 o- j0 z3 p0 q0 json0 seed0,0 a");
    UNDERSTOOD("-z7 a", "f0 t- m- c-0 n0 r0 s0 o- j0 z7 p0 q0 json0 seed0,0 a");
    UNDERSTOOD("--compress a", "f0 t- m- c-0 n0 r0 s0 o- j0 z3 p0 q0 json0 seed0,0 a");
    UNDERSTOOD("--compress=19", "f0 t- m- c-0 n0 r0 s0 o- j0 z19 p0 q0 json0 seed0,0");
    UNDERSTOOD("--seed 12 --json --progress",
               "f0 t- m- c-0 n0 r0 s0 o- j0 z0 p1 q0 json1 seed12,1");
    UNDERSTOOD("--progress -q", "f0 t- m- c-0 n0 r0 s0 o- j0 z0 p0 q1 json0 seed0,0");
    UNDERSTOOD("--seed 9007199254740992",
               "f0 t- m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed9007199254740992,1");
    REFUSED("-z20", "-z: \"20\" is not a whole number from 1 to 19");
    REFUSED("-z0", "-z: \"0\" is not a whole number from 1 to 19");
    REFUSED("-j0", "--threads: \"0\" is not a whole number from 1 to 1024");
    REFUSED("--seed -1", "--seed: \"-1\" is not a whole number from 0 to 9007199254740992");
}

static void
test_operands(void)
{
    UNDERSTOOD("a -f b - ", "f1 t- m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0 a b -");
    UNDERSTOOD("-- -f --flag --",
               "f0 t- m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0 -f --flag --");
    UNDERSTOOD("\"\"", "f0 t- m- c-0 n0 r0 s0 o- j0 z0 p0 q0 json0 seed0,0 ");
    REFUSED("a b c d", "\"d\" is one operand too many; see --help");
}

static void
test_refused(void)
{
    REFUSED("-y", "there is no option \"-y\"; see --help");
    REFUSED("-fy", "there is no option \"-y\"; see --help");
    REFUSED("--fla", "there is no option \"--fla\"; did you mean \"--flag\"?");
    REFUSED("--flags", "there is no option \"--flags\"; did you mean \"--flag\"?");
    REFUSED("--=x", "there is no option \"--\"; see --help");
    REFUSED("--flag=1", "--flag takes no argument");
    REFUSED("-t", "-t needs an argument (TEXT)");
    REFUSED("--model", "--model needs an argument (MODEL)");
    REFUSED("-c four", "--choice: \"four\" is not one of one|two|three");
    REFUSED("-c on", "--choice: \"on\" is not one of one|two|three; did you mean \"one\"?");
    REFUSED("-c one|two", "--choice: \"one|two\" is not one of one|two|three");
    REFUSED("--choice=", "--choice: \"\" is not one of one|two|three");
    REFUSED("-n 11", "--count: \"11\" is not a whole number from 1 to 10");
    REFUSED("-n x", "--count: \"x\" is not a whole number from 1 to 10");
    REFUSED("-r nan", "--rate: \"nan\" is not a number from 0 to 1");
    program.common &= ~(unsigned)FL_HAS_SEED;
    REFUSED("--seed 1", "there is no option \"--seed\"; see --help");
    program.common |= FL_REFUSES_SEED;
    REFUSED("--seed 1", "--seed is refused: these secrets need fresh randomness");
    program.common ^= FL_REFUSES_SEED | FL_HAS_SEED;
}

static void
test_status(void)
{
    CHECK(run("-t fail") == 3);
    CHECK_TEXT(fl_buf_text(&err), "fl-x: x.flt: refused\n");
    CHECK(run("-t lines") == 1); /* one line, and no escapes to a terminal */
    CHECK_TEXT(fl_buf_text(&err), "fl-x: a\\nb\\x1b[31m\\u009b\\u202e\\xff\\: no \xc3\xa9\n");
    CHECK(run("-t pipe") == 128 + SIGPIPE);
    CHECK_TEXT(fl_buf_text(&err), "");
    CHECK(run("-t warn") == 0);
    CHECK_TEXT(fl_buf_text(&err), "fl-x: 3 small \\x07 things\n");
    CHECK(run("-q -t warn") == 0);
    CHECK_TEXT(fl_buf_text(&err), "");
}

static void
test_help(void)
{
    CHECK(run("--help") == 0 && run("a -h -n") == 2 && run("-h a b c d e") == 0);
    const char *text = fl_buf_text(&out);
    CHECK(!strncmp(text, "Usage: fl-x [OPTION...] [FILE...]\nTry the command line.\n", 56));
    CHECK(strstr(text, "\n  -t, --text TEXT             a user's text\n"));
    CHECK(strstr(text, "\n      --item ITEM             many of them\n"));
    CHECK(strstr(text, "\n  -c, --choice WORD           one of some (one|two|three)\n"));
    CHECK(strstr(text, "\n  -z, --compress[=LEVEL]      "));
    CHECK(strstr(text, "man fl-x"));
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        CHECK(end - line <= 100);
    CHECK(run("-V") == 0);
    CHECK_TEXT(fl_buf_text(&out), "fl-x " FL_VERSION "\n");
}

static void
test_completion(void)
{
    CHECK(run("--completion bash") == 0 && strstr(fl_buf_text(&out), "--choice) COMPREPLY"));
    CHECK(strstr(fl_buf_text(&out), "'one two three'"));
    CHECK(run("--completion=zsh") == 0 && strstr(fl_buf_text(&out), "#compdef fl-x"));
    CHECK(strstr(fl_buf_text(&out), "[a file\\: \\[it\\]]")); /* what zsh reads otherwise */
    CHECK(strstr(fl_buf_text(&out), "a user'\\''s text"));
    CHECK(run("--completion fish") == 0 && strstr(fl_buf_text(&out), "-s c -l choice -x"));
    CHECK(strstr(fl_buf_text(&out), "a user\\'s text"));
    CHECK(run("--completion csh") == 2);
}

int
main(void)
{
    RUN(test_options);
    RUN(test_common);
    RUN(test_operands);
    RUN(test_refused);
    RUN(test_status);
    RUN(test_help);
    RUN(test_completion);
    fl_buf_release(&out);
    fl_buf_release(&err);
    return test_end();
}
