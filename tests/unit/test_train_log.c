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

static void
put(const char *text)
{
    FILE *f = fopen(path, "w");

    CHECK(f && fputs(text, f) >= 0 && !fclose(f));
}

/* What an interrupted training left, and what of it stays when it goes on from step 4. */
static void
test_going_on(void)
{
    static const struct {
        const char *left, *stays;
        bool json;
    } cases[] = {
        {"0\tx\n3\tx\n", "0\tx\n3\tx\n", false},
        {"0\tx\n4\tx\n", "0\tx\n4\tx\n", false},
        {"0\tx\n4\tx\n5\tx\n9\tx\n", "0\tx\n4\tx\n", false}, /* steps after the checkpoint */
        {"0\tx\n3\tx\n6", "0\tx\n3\tx\n", false},            /* cut by a kill */
        {"0\tx\n3\tx", "0\tx\n", false},
        {"0\tx\n3\tx\n2\tx\n", "0\tx\n3\tx\n", false}, /* backward */
        {"0\tx\n3\tx\n3\tx\n", "0\tx\n3\tx\n", false}, /* twice */
        {"0\tx\nnote\n3\tx\n", "0\tx\n", false},
        {"{\"step\": 0, x}\n{\"step\": 4, x}\n{\"step\": 5, x}\n",
         "{\"step\": 0, x}\n{\"step\": 4, x}\n", true},
        {"{\"step\": 0, x}\n{\"step\": 4", "{\"step\": 0, x}\n", true},
    };
    char left[400], want[400];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *head = cases[i].json ? "" : header;
        snprintf(left, sizeof left, "%s%s", head, cases[i].left);
        put(left);
        run(4, cases[i].json);
        int n = snprintf(want, sizeof want, "%s%s", head, cases[i].stays);
        snprintf(want + n, sizeof want - (size_t)n, "%s",
                 cases[i].json ? "{\"step\": 5, \"loss\": 2.5, \"valid_loss\": 3.5, \"lr\": 0.001, "
                                 "\"grad_norm\": 1.5, \"tokens_per_second\": null, \"seconds\": "
                                 "0.25}\n"
                               : "5\t2.5\t3.5\t0.001\t1.5\t-\t0.25\n");
        expect(want);
    }
    put("{\"step\": 3, \"loss\": 1}\n"); /* of another form: not a report of these columns */
    run(4, false);
    snprintf(want, sizeof want, "%s5\t2.5\t3.5\t0.001\t1.5\t-\t0.25\n", header);
    expect(want);
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
    RUN(test_going_on);
    RUN(test_refused_training);
    RUN(test_no_report);
    unlink(path);
    return test_end();
}
