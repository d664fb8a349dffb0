/* os/stop: a signal that is answered at once and acted upon later, and the second one. */
#include "os/stop.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/watch.h"
#include "test.h"

static char said[200];

/* The status of a child, as a shell gives it; what it says on standard error is in SAID. */
static int
child(void (*work)(int), int sig)
{
    int ends[2], status;

    fflush(stdout);
    CHECK(!pipe(ends));
    pid_t id = fork();
    if (!id) {
        dup2(ends[1], 2);
        fl_watch_signals("fl-x");
        work(sig);
        _exit(77);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], said, sizeof said - 1);
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    CHECK(waitpid(id, &status, 0) == id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
once(int sig)
{
    fl_stop_catch("fl-x: stopping");
    raise(sig);
    _exit(fl_stop_signal() == sig ? 70 : 71);
}

static void
quietly(int sig)
{
    fl_stop_catch(NULL);
    raise(sig);
    _exit(fl_stop_signal() == sig ? 70 : 71);
}

static void
twice(int sig)
{
    fl_stop_catch("fl-x: stopping");
    raise(sig);
    raise(sig);
}

static void
afterwards(int sig)
{
    fl_stop_catch("fl-x: stopping");
    if (fl_stop_let())
        return; /* none has arrived */
    raise(sig);
}

static void
by_it(int sig)
{
    fl_stop_die(sig);
}

static void
test_stop(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int sig = signals[i];
        CHECK(child(once, sig) == 70);
        CHECK_TEXT(said, "fl-x: stopping\n");
        CHECK(child(quietly, sig) == 70);
        CHECK_TEXT(said, "");
        CHECK(child(twice, sig) == 128 + sig);
        CHECK_TEXT(said, "fl-x: stopping\n");
        CHECK(child(afterwards, sig) == 128 + sig);
        CHECK_TEXT(said, "");
        CHECK(child(by_it, sig) == 128 + sig);
    }
    signal(SIGINT, SIG_IGN); /* in the background of a script */
    CHECK(child(once, SIGINT) == 71);
    CHECK_TEXT(said, "");
    signal(SIGINT, SIG_DFL);
}

int
main(void)
{
    RUN(test_stop);
    return test_end();
}
