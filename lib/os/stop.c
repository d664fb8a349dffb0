/*
 * A handler may do no more than set a flag (POSIX: async-signal-safe functions). SA_RESETHAND makes
 * the second signal fatal, so that a program that hangs can still be ended.
 */
#include "os/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/progress.h"

static const int caught[] = {SIGTERM, SIGINT, SIGHUP};

enum { CAUGHT = sizeof caught / sizeof *caught };

/* A signal handler has nowhere else to write to: the second exception to "no globals". */
static volatile sig_atomic_t arrived;
static struct sigaction before[CAUGHT]; /* what to do from the second one on */
static char words[200];
static size_t words_len;

static void
restore(void)
{
    for (size_t i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &before[i], NULL);
}

int
fl_stop_let(void)
{
    restore();
    return fl_stop_signal();
}

static void
note(int signal)
{
    int e = errno;

    arrived = signal;
    restore();
    (void)!write(2, words, words_len);
    errno = e;
}

void
fl_stop_catch(const char *text)
{
    struct sigaction act = {.sa_handler = note, .sa_flags = SA_RESTART};

    words_len = 0;
    if (text)
        words_len = (size_t)snprintf(words, sizeof words - 1, "%s%s\n",
                                     isatty(2) ? FL_PROGRESS_CLEAR : "", text);
    sigfillset(&act.sa_mask);
    for (size_t i = 0; i < CAUGHT; i++)
        if (!sigaction(caught[i], NULL, &before[i]) && before[i].sa_handler != SIG_IGN)
            sigaction(caught[i], &act, NULL);
}

int
fl_stop_signal(void)
{
    return arrived;
}

void
fl_stop_now(int status)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    exit(status);
#else
    fflush(NULL);
    _exit(status);
#endif
}

void
fl_stop_die(int sig)
{
    signal(sig, SIG_DFL);
    raise(sig);
}
