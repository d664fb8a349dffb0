/*
 * The report is opened for appending and a row is one write, so that whoever follows the file sees
 * whole rows. Rows that a checkpoint does not reach are cut off when the training begins [begin].
 */
#include "nn/train_log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/file.h"

static const char *const columns[] = {"step",    "loss",      "valid_loss",
                                      "lr",      "grad_norm", "tokens_per_second",
                                      "seconds", NULL};

static bool
is_header(const char *line)
{
    for (const char *const *c = columns; *c; c++) {
        size_t n = strlen(*c);
        if (strncmp(line, *c, n) || line[n] != (c[1] ? '\t' : '\n'))
            return false;
        line += n + 1;
    }
    return true;
}

/* The step of a row, or -1: it is none. */
static int64_t
row_step(const char *line, bool json)
{
    static const char key[] = "{\"step\":";
    size_t before = json ? sizeof key - 1 : 0;
    char *end;

    if (json && strncmp(line, key, before))
        return -1;
    long long step = strtoll(line + before, &end, 10);
    bool whole = end > line + before && *end == (json ? ',' : '\t') && strchr(end, '\n');
    return whole && step >= 0 ? step : -1;
}

/*
 * Length of the part of the report that stays when training goes on after STEP: the header and the
 * rows up to there. Rows after the checkpoint, one that was cut by a kill, and what is no row of
 * this report go; their steps come again.
 */
static off_t
kept_bytes(const struct fl_train_log *log, int64_t step)
{
    FILE *f = fopen(log->path, "r");
    bool json = log->report.json;
    char line[1024];
    off_t kept = 0;

    if (!f)
        return (off_t)fl_regular_size(log->fd);
    for (int64_t last = -1; fgets(line, sizeof line, f); kept += (off_t)strlen(line)) {
        if (!json && !kept && is_header(line))
            continue;
        int64_t at = json || kept ? row_step(line, json) : -1;
        if (at <= last || at > step)
            break;
        last = at;
    }
    fclose(f);
    return kept;
}

static void
begin(void *arg, int64_t step)
{
    struct fl_train_log *log = arg;
    off_t kept = 0;

    log->done = log->progress.from = (uint64_t)step * log->per_step;
    if (log->fd <= 1 || fl_regular_size(log->fd) <= 0) /* standard output is not ours alone */
        return;
    if (step)
        kept = kept_bytes(log, step);
    if (kept > 0)
        fl_report_bare(&log->report, "\t"); /* its header is there */
    (void)!ftruncate(log->fd, kept);        /* a file that only grows keeps its old rows */
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
    fl_report_f64(r, row->loss, 9);
    fl_report_f64(r, row->valid, 9);
    fl_report_f64(r, row->lr, 6);
    fl_report_f64(r, row->norm, 6);
    fl_report_f64(r, row->tokens_per_second, 6);
    fl_report_f64(r, row->seconds, 6);
    return fl_report_flush(r, log->fd, log->path);
}

int
fl_train_log_open(struct fl_train_log *log, const char *path, bool json, struct fl_training *t)
{
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
    if (t->documents) /* as many as are to be expected */
        log->per_step = (uint64_t)(r->dp_rate * (double)t->documents->count * (double)r->length);
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
