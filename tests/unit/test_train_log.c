/* Reports of a training: replaced by a new one, continued by one that goes on. */
#include "nn/train_log.h"

#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "test.h"

static char path[] = "/tmp/test_train_log.XXXXXX";

static const char header[] = "step\tloss\tvalid_loss\tlr\tgrad_norm\ttokens_per_second\tseconds\n";

/* A training that begins at STEP and gives one row. */
static void
run(int64_t step, bool json)
{
    struct fl_training t = {.recipe = {.steps = 10, .batch = 1, .accumulate = 2, .length = 3}};
    struct fl_train_row row = {step + 1, 2.5, 0.001, 1.5, NAN, 0.25, 3.5};
    struct fl_train_log log;

    CHECK(!fl_train_log_open(&log, path, json, &t) && t.arg == &log);
    t.begin(t.arg, step);
    CHECK(log.progress.from == (uint64_t)step * 6 && log.progress.total == 60);
    t.step(t.arg, step + 1, 2.5);
    CHECK(log.loss == 2.5);
    t.step(t.arg, step + 2, 3.5);
    CHECK_NEAR(log.loss, 2.6, 1e-12);
    CHECK(!t.row(t.arg, &row));
    fl_train_log_close(&log);
}

static void
expect(const char *want)
{
    struct fl_buf got = {0};

    CHECK(!fl_read_file(path, 1 << 16, &got));
    CHECK_TEXT(fl_buf_text(&got), want);
    fl_buf_release(&got);
}

static void
test_rows(void)
{
    char want[300];
    const char *row = "2.5\t3.5\t0.001\t1.5\t-\t0.25\n";

    run(0, false);
    snprintf(want, sizeof want, "%s1\t%s", header, row);
    expect(want);
    run(0, false); /* begins again */
    expect(want);
    run(4, false); /* goes on */
    snprintf(want, sizeof want, "%s1\t%s5\t%s", header, row, row);
    expect(want);
    CHECK(!truncate(path, 0));
    run(4, false); /* goes on, and the report is new */
    snprintf(want, sizeof want, "%s5\t%s", header, row);
    expect(want);
    run(0, true);
    expect("{\"step\": 1, \"loss\": 2.5, \"valid_loss\": 3.5, \"lr\": 0.001, \"grad_norm\": 1.5, "
           "\"tokens_per_second\": null, \"seconds\": 0.25}\n");
}

/* Opening alone changes nothing: the training may still be refused. */
static void
test_refused_training(void)
{
    struct fl_training t = {.recipe = {.steps = 1, .batch = 1, .accumulate = 1, .length = 1}};
    struct fl_train_log log;

    run(0, false);
    CHECK(!fl_train_log_open(&log, path, false, &t));
    fl_train_log_close(&log);
    char want[300];
    snprintf(want, sizeof want, "%s1\t2.5\t3.5\t0.001\t1.5\t-\t0.25\n", header);
    expect(want);
}

static void
test_no_report(void)
{
    struct fl_training t = {.recipe = {.steps = 1, .batch = 1, .accumulate = 1, .length = 1}};
    struct fl_train_row row = {.step = 1};
    struct fl_train_log log;

    CHECK(!fl_train_log_open(&log, NULL, false, &t));
    t.begin(t.arg, 0);
    CHECK(!t.row(t.arg, &row));
    fl_train_log_close(&log);
    CHECK(fl_train_log_open(&log, "/nonexistent/r.tsv", false, &t) == -1);
    CHECK(strstr(fl_error_text(), "/nonexistent/r.tsv: "));
}

int
main(void)
{
    int fd = mkstemp(path);

    if (fd < 0)
        return 1;
    close(fd);
    RUN(test_rows);
    RUN(test_refused_training);
    RUN(test_no_report);
    unlink(path);
    return test_end();
}
