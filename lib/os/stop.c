/*
 * A handler may do no more than set a flag (POSIX: async-signal-safe functions). SA_RESETHAND makes
 * the second signal fatal, so that a program that hangs can still be ended.
 */
#include "os/stop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A signal handler has nowhere else to write to: the second exception to "no globals". */
static volatile sig_atomic_t arrived;

static void
note(int signal)
{
    arrived = signal;
}

void
fl_stop_catch(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction act;

    memset(&act, 0, sizeof act);
    act.sa_handler = note;
    act.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old;
        if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &act, NULL);
    }
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
