/*
 * A line on standard error that says how far a program is: done, total, rate, time left. Shown when
 * standard error is a terminal or it is asked for, at most a few times a second.
 *
 * There is one standard error, so what is shown is a matter of the process: its mode is set once,
 * and of several that begin within each other the outermost is shown. So a library function that
 * may take long shows how far it is, whether or not its caller does.
 */
#ifndef FL_OS_PROGRESS_H
#define FL_OS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What takes the line away, on a terminal. */
#define FL_PROGRESS_CLEAR "\r\033[K"

struct fl_progress {
    const char *what; /* shown first; borrowed */
    const char *unit; /* "B" prints k, M, G; others as they are */
    uint64_t total;   /* 0: not known */
    uint64_t from;    /* done before this run began (a checkpoint), for the rate */
    bool on;          /* to be shown */
    double start, shown;
};

/* From now on: -1 nothing is shown (so it begins), 0 on a terminal only, 1 always. */
void fl_progress_mode(int mode);

/* A zeroed struct is one that is not shown. */
void fl_progress_start(struct fl_progress *p, const char *what, const char *unit, uint64_t total);

/* DONE of the total; the printf text (may be "") follows: "loss 3.14". */
void fl_progress_show(struct fl_progress *p, uint64_t done, const char *format, ...)
    FL_PRINTF(3, 4);

/* What begins within it may be shown, until this one is shown again. */
void fl_progress_lend(struct fl_progress *p);

/* The last line, with the total time and a note (or NULL); then nothing is shown any more. */
void fl_progress_end(struct fl_progress *p, uint64_t done, const char *note);

/* The same without a last line: a part of something else is done. Fine on one that has ended. */
void fl_progress_clear(struct fl_progress *p);

/*
 * Text on standard error, in place of a line of progress that is on a terminal. That it cannot be
 * written is nowhere to be told, and no error.
 */
void fl_say(const char *text);

/* "3.2 s", "45 s", "12 min 5 s", "1 h 32 min", "2 d 3 h". */
const char *fl_duration(char *text, size_t size, double seconds);

#endif
