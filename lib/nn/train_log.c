#include "nn/train_log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"

static void
begin(void *arg, int64_t step)
{
    struct fl_train_log *log = arg;

    log->done = log->progress.from = (uint64_t)step * log->per_step;
    if (log->fd <= 1 || fl_regular_size(log->fd) <= 0) /* standard output is not ours alone */
        return;
    if (step)
        log->report.begun = true; /* its header is there */
    else
        (void)!ftruncate(log->fd, 0); /* a file that only grows keeps its old rows */
}

static void
show_step(void *arg, int64_t step, double loss)
{
    struct fl_train_log *log = arg;

    log->loss = isnan(log->loss) ? loss : 0.9 * log->loss + 0.1 * loss;
    log->done = (uint64_t)step * log->per_step;
    snprintf(log->note, sizeof log->note, "step %lld, loss %.4f", (long long)step, log->loss);
    fl_progress_show(&log->progress, log->done, "%s", log->note);
}

static void
show_busy(void *arg, const char *what, double share)
{
    struct fl_train_log *log = arg;
    const char *comma = *log->note && *what ? ", " : "";

    if (!*what) {
        fl_progress_show(&log->progress, log->done + (uint64_t)(share * (double)log->per_step),
                         "%s", log->note);
    } else if (share >= 0) {
        fl_progress_show(&log->progress, log->done, "%s%s%s, %.0f%%", log->note, comma, what,
                         100 * share);
    } else {
        fl_progress_show(&log->progress, log->done, "%s%s%s", log->note, comma, what);
        fl_progress_lend(&log->progress);
    }
}

static void
add_f64(struct fl_report *r, double value, int digits)
{
    if (isnan(value))
        fl_report_none(r);
    else
        fl_report_f64(r, value, digits);
}

static int
add_row(void *arg, const struct fl_train_row *row)
{
    struct fl_train_log *log = arg;
    struct fl_report *r = &log->report;

    if (!row->step) /* rates are of steps, not of measuring the base */
        log->progress.start = fl_seconds();
    if (log->fd < 0)
        return 0;
    fl_report_i64(r, row->step);
    add_f64(r, row->loss, 9);
    add_f64(r, row->valid, 9);
    add_f64(r, row->lr, 6);
    add_f64(r, row->norm, 6);
    add_f64(r, row->tokens_per_second, 6);
    add_f64(r, row->seconds, 6);
    return fl_report_flush(r, log->fd, log->path);
}

int
fl_train_log_open(struct fl_train_log *log, const char *path, bool json, struct fl_training *t)
{
    static const char *const columns[] = {"step",    "loss",      "valid_loss",
                                          "lr",      "grad_norm", "tokens_per_second",
                                          "seconds", NULL};
    const struct fl_recipe *r = &t->recipe;

    *log = (struct fl_train_log){.path = path,
                                 .fd = -1,
                                 .loss = NAN,
                                 .per_step = (uint64_t)r->batch * (uint64_t)r->accumulate *
                                             (uint64_t)r->length};
    if (path && !strcmp(path, "-"))
        log->fd = 1;
    else if (path && (log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
        return fl_error_errno(errno, "%s: cannot write the report", path);
    fl_report_start(&log->report, columns, json);
    fl_progress_start(&log->progress, "train", "tokens", (uint64_t)r->steps * log->per_step);
    log->progress.shown = 0; /* the first line at once: a step may take minutes */
    t->begin = begin;
    t->step = show_step;
    t->busy = show_busy;
    t->row = add_row;
    t->arg = log;
    return 0;
}

void
fl_train_log_end(struct fl_train_log *log)
{
    fl_progress_end(&log->progress, log->done, log->note);
}

void
fl_train_log_close(struct fl_train_log *log)
{
    if (log->fd > 1)
        close(log->fd);
    log->fd = -1;
    fl_report_release(&log->report);
}
