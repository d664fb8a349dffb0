/*
 * What a training shows while it runs: a progress line, and rows of a report in a file.
 *
 * The report is written as it comes, so that it can be watched. A training that goes on from a
 * checkpoint drops the rows of later steps, which come again, and appends to the rest, so that
 * steps rise from row to row; one that begins replaces what was there. On standard output it always
 * begins with its header, and changes nothing that is there.
 */
#ifndef FL_NN_TRAIN_LOG_H
#define FL_NN_TRAIN_LOG_H

#include "base/must.h"
#include "cli/report.h"
#include "nn/trainer.h"
#include "os/progress.h"

struct fl_train_log {
    struct fl_report report;
    struct fl_progress progress;
    const char *path;  /* NULL: no report; "-": standard output; borrowed */
    int fd;            /* -1: none */
    uint64_t per_step; /* tokens */
    uint64_t done;     /* tokens */
    char note[60];     /* of the last step; "" before it */
    double loss;       /* smoothed, for the progress line */
};

/*
 * Open the report (not changed before the training begins) and attach the log to T, whose recipe is
 * complete. -1 when PATH cannot be written.
 */
FL_MUST int fl_train_log_open(struct fl_train_log *log, const char *path, bool json,
                              struct fl_training *t);

/* Show the last line of progress, of a training that came to its end. */
void fl_train_log_end(struct fl_train_log *log);
void fl_train_log_close(struct fl_train_log *log);

#endif
