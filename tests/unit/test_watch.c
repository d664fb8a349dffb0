/* os/watch: which changes of an input are errors, and what SIGBUS and others leave. */
#include "os/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/output.h"
#include "test.h"

static char folder[100]; /* in $TMPDIR: tests/cli/15-changes.sh tries other file systems */

static const char *
in_folder(const char *name)
{
    static char paths[4][200];
    static int next;

    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

/* Write TEXT to the file in place, as cp does; its inode stays. */
static void
put(const char *name, const char *text)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
}

static void
nothing(void)
{
}

static void
replace(void)
{
    put("new", "other");
    CHECK(!rename(in_folder("new"), in_folder("x")));
}

static void
move(void)
{
    CHECK(!rename(in_folder("x"), in_folder("y")));
}

static void
take_away(void)
{
    CHECK(!unlink(in_folder("x")));
}

static void
add_link(void)
{
    CHECK(!link(in_folder("x"), in_folder("y")));
}

static void
change_mode(void)
{
    CHECK(!chmod(in_folder("x"), 0600));
}

static void
rewrite(void)
{
    put("x", "12345");
}

static void
append(void)
{
    put("x", "123456");
}

static void
cut(void)
{
    CHECK(!truncate(in_folder("x"), 2));
}

/* The same bytes at the same place: only the times tell. */
static void
rewrite_same(void)
{
    int fd = open(in_folder("x"), O_WRONLY);

    CHECK(fd >= 0 && pwrite(fd, "a", 1, 0) == 1 && !close(fd));
}

/* Another content, and the time put back, as touch -r and rsync --inplace do. */
static void
rewrite_in_the_past(void)
{
    struct stat st;

    CHECK(!stat(in_folder("x"), &st));
    rewrite();
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    CHECK(!utimensat(AT_FDCWD, in_folder("x"), times, 0));
}

static void
rewrite_and_replace(void)
{
    rewrite();
    replace();
}

static const struct {
    const char *what;
    void (*change)(void);
    bool found;         /* by an open descriptor */
    bool found_by_name; /* where only the name is left */
} cases[] = {
    {"nothing", nothing, false, false},
    {"another file takes the name", replace, false, false},
    {"another name", move, false, false},
    {"removed", take_away, false, false},
    {"a second name", add_link, false, false},
    {"another mode", change_mode, false, false},
    {"other bytes", rewrite, true, true},
    {"longer", append, true, true},
    {"shorter", cut, true, true},
    {"the same bytes again", rewrite_same, true, true},
    {"other bytes, the old time", rewrite_in_the_past, true, true},
    {"other bytes, then another file", rewrite_and_replace, true, false},
};

static void
start(void)
{
    unlink(in_folder("x"));
    unlink(in_folder("y"));
    put("x", "abcde");
}

static void
found(const char *how, size_t i, bool want)
{
    bool got = fl_watch_check() != 0;

    if (got != want)
        printf("# %s, %s: %s\n", how, cases[i].what, got ? "found" : "not found");
    CHECK(got == want);
    if (want)
        CHECK(strstr(fl_error_text(), "/x: changed while it was read; "));
    CHECK(!fl_watch_check() || !strcmp(how, "open") || !strcmp(how, "mapped"));
}

static void
test_changes(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start();
        int fd = fl_open_input(in_folder("x"), true);
        cases[i].change();
        found("open", i, cases[i].found);
        fl_close_input(fd);
        found("closed", i, cases[i].found);

        start();
        fd = fl_open_input(in_folder("x"), true);
        cases[i].change();
        fl_close_input(fd);
        found("closed before", i, cases[i].found);

        start();
        fd = fl_open_input(in_folder("x"), true);
        void *map = fl_map(fd, in_folder("x"), 5);
        fl_close_input(fd);
        CHECK(map && !fl_watch_check());
        cases[i].change();
        found("mapped", i, cases[i].found);
        fl_unmap(map, 5);
        found("unmapped", i, cases[i].found);
    }
}

/* A change within the tick of the clock in which the file was written before it was opened. */
static void
test_one_tick(void)
{
    int missed = 0;

    for (int i = 0; i < 100; i++) {
        start();
        int fd = fl_open_input(in_folder("x"), true);
        rewrite();
        missed += fl_watch_check() == 0;
        fl_close_input(fd);
        (void)fl_watch_check();
    }
    CHECK(!missed);
}

/* More maps than descriptors: all are watched, and half of the descriptors stay free. */
static void
test_many(void)
{
    enum { MANY = 100 };
    struct rlimit old, low;
    void *maps[MANY];

    CHECK(!getrlimit(RLIMIT_NOFILE, &old));
    low = (struct rlimit){40, old.rlim_max};
    CHECK(!setrlimit(RLIMIT_NOFILE, &low));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start();
        for (int k = 0; k < MANY; k++) {
            int fd = fl_open_input(in_folder("x"), true);
            maps[k] = fl_map(fd, in_folder("x"), 5);
            CHECK(maps[k]);
            fl_close_input(fd);
        }
        int fd = open(in_folder("x"), O_RDONLY);
        CHECK(fd >= 0 && fd <= 20);
        close(fd);
        for (int k = 0; k < MANY - 1; k++)
            fl_unmap(maps[k], 5); /* what is left has no descriptor */
        cases[i].change();
        found("mapped", i, cases[i].found_by_name);
        fl_unmap(maps[MANY - 1], 5);
        (void)fl_watch_check();
    }
    CHECK(!setrlimit(RLIMIT_NOFILE, &old));
}

/* Standard input is watched too, as far as it can be without a name. */
static void
test_standard_input(void)
{
    int kept = dup(0);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start();
        int fd = open(in_folder("x"), O_RDONLY);
        CHECK(dup2(fd, 0) == 0 && !close(fd));
        CHECK(fl_open_input("-", true) == 0);
        cases[i].change();
        if (cases[i].change != move) /* a name that nobody knows */
            CHECK((fl_watch_check() != 0) == cases[i].found);
        fl_close_input(0);
        (void)fl_watch_check();
    }
    CHECK(dup2(kept, 0) == 0 && !close(kept));
}

/* A stream that is written while its input changes is never whole. */
static void
test_output(void)
{
    struct fl_output out;

    start();
    int fd = fl_open_input(in_folder("x"), true);
    CHECK(!fl_output_open(&out, in_folder("out"), 0) && !fl_output_write(&out, "abc", 3));
    rewrite();
    CHECK(fl_output_commit(&out) == -1 && strstr(fl_error_text(), "changed while it was read"));
    CHECK(access(in_folder("out"), F_OK) && access(in_folder(".out.part"), F_OK));
    fl_close_input(fd);
    CHECK(fl_watch_check() == -1); /* once more, since it was closed only now */

    start(); /* what changes after the output has its name is not in it */
    fd = fl_open_input(in_folder("x"), true);
    CHECK(!fl_output_write_file(in_folder("out"), "abc", 3, 0));
    rewrite();
    fl_close_input(fd);
    CHECK(!fl_watch_check_rest() && fl_watch_check() == -1);
    CHECK(!fl_watch_check_rest() && !fl_watch_check());
    start(); /* an input that was opened after it is another matter */
    CHECK(!fl_watch_check());
    fd = fl_open_input(in_folder("x"), true);
    rewrite();
    fl_close_input(fd);
    CHECK(fl_watch_check_rest() == -1);
}

/* ---- signals ---- */

static char said[400];

/* The status of a child, as a shell gives it; what it says on standard error is in SAID. */
static int
child(void (*work)(void))
{
    int ends[2], status;
    size_t n = 0;
    ssize_t got;

    fflush(stdout);
    CHECK(!pipe(ends));
    pid_t id = fork();
    if (!id) {
        dup2(ends[1], 2);
        fl_watch_signals("fl-x");
        work();
        _exit(77);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + n, sizeof said - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(ends[0]);
    CHECK(waitpid(id, &status, 0) == id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static volatile unsigned char sink;

/* Two outputs are open, one has its name, and a map is cut. */
static void
touch_cut_map(void)
{
    struct fl_output a, b, done;
    int fd = fl_open_input(in_folder("x"), true);
    const unsigned char *map = fl_map(fd, in_folder("x"), 5);

    fl_close_input(fd);
    if (fl_output_write_file(in_folder("done"), "abc", 3, 0) ||
        fl_output_open(&done, in_folder("given up"), 0))
        _exit(78);
    fl_output_abort(&done);
    if (fl_output_open(&a, in_folder("a"), 0) || fl_output_open(&b, in_folder("b"), 0))
        _exit(78);
    cut();
    (void)!truncate(in_folder("x"), 0);
    sink = map[1];
}

static void
touch_foreign_map(void)
{
    int fd = open(in_folder("x"), O_RDONLY);
    struct fl_output a;
    const unsigned char *map = mmap(NULL, 5, PROT_READ, MAP_PRIVATE, fd, 0);

    if (fl_output_open(&a, in_folder("a"), 0))
        _exit(78);
    (void)!truncate(in_folder("x"), 0);
    sink = map[1];
}

static void
write_cut_map(void)
{
    int fd = fl_open_input(in_folder("x"), true),
        out = open(in_folder("out"), O_CREAT | O_RDWR, 0600);
    const void *map = fl_map(fd, in_folder("x"), 5);

    (void)!truncate(in_folder("x"), 0);
    if (!fl_write_full(out, "out", map, 5))
        _exit(78);
    fprintf(stderr, "%s", fl_error_text());
}

static int stop;

static void
stop_with_part(void)
{
    struct fl_output a;

    if (!fl_output_open(&a, in_folder("a"), 0))
        raise(stop);
}

static void
stop_ignored(void)
{
    struct fl_output a;

    if (!fl_output_open(&a, in_folder("a"), 0)) {
        raise(SIGHUP);
        fl_output_abort(&a);
    }
}

static bool
no_parts(void)
{
    return access(in_folder(".a.part"), F_OK) && access(in_folder(".b.part"), F_OK);
}

static void
test_cut_map(void)
{
    start();
    CHECK(child(touch_cut_map) == 1);
    CHECK(strstr(said, "fl-x: /") == said && strstr(said, "/x: became shorter while"));
    CHECK(strchr(said, '\n') == said + strlen(said) - 1);
    CHECK(no_parts() && !access(in_folder("done"), F_OK));
    start();
    CHECK(child(write_cut_map) == 77 && strstr(said, "/x: changed while it was read; "));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    start(); /* a map of somebody else is a bug, and ends as one */
    CHECK(child(touch_foreign_map) == 128 + SIGBUS);
    CHECK_TEXT(said, "");
    unlink(in_folder(".a.part"));
#endif
}

static void
test_signals(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        stop = ends[i];
        CHECK(child(stop_with_part) == 128 + stop);
        CHECK_TEXT(said, "");
        CHECK(no_parts());
    }
    signal(SIGHUP, SIG_IGN); /* nohup(1) */
    CHECK(child(stop_ignored) == 77);
    signal(SIGHUP, SIG_DFL);
}

int
main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/fl-watch-XXXXXX", tmp ? tmp : "/tmp");
    CHECK(mkdtemp(folder));
    RUN(test_changes);
    RUN(test_one_tick);
    RUN(test_many);
    RUN(test_standard_input);
    RUN(test_output);
    RUN(test_cut_map);
    RUN(test_signals);
    static const char *const left[] = {"x", "y", "out", "done", "new"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        unlink(in_folder(left[i]));
    CHECK(!rmdir(folder));
    return test_end();
}
