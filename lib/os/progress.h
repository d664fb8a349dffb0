/*
 * A line on standard error that says how far a program is: done, total, rate, time left.
 * Shown when standard error is a terminal or it is asked for, at most a few times a second.
 */
#ifndef FL_OS_PROGRESS_H
#define FL_OS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct fl_progress {
    const char *what; /* shown first; borrowed */
    const char *unit; /* "B" prints k, M, G; others as they are */
    uint64_t total;   /* 0: not known */
    uint64_t from;    /* done before this run began (a checkpoint), for the rate */
    bool on, terminal;
    double start, shown;
};

/* MODE: -1 never, 0 when standard error is a terminal, 1 always. */
void fl_progress_start(struct fl_progress *p, int mode, const char *what, const char *unit,
                       uint64_t total);

/* DONE of the total; the printf text (may be "") follows: "loss 3.14". */
void fl_progress_show(struct fl_progress *p, uint64_t done, const char *format, ...)
    FL_PRINTF(3, 4);

/* The last line, with the total time; then nothing is shown any more. */
void fl_progress_end(struct fl_progress *p, uint64_t done);

#endif
