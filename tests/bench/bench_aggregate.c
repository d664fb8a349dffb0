/*
 * How fast updates are added exactly, beside what else could be done with the same file in the same
 * run: adding in f32 on one thread, only reading it with all checks, and cat. Then the mean of eight
 * of them, written, beside cat of the eight, and beside numpy's, which rounds. Medians.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/sum.h"
#include "os/clock.h"
#include "os/file.h"

#include "bench.h"

enum { COUNT = 16 << 20, TURNS = 9, UPDATES = 8, MEAN_TURNS = 5 };

struct bench {
    char path[64];
    int fd;
    struct fl_pool *pool;
    struct fl_sum *sum;
    float *plain;
    double weight;
    char paths[UPDATES][80]; /* of the eight */
};

static void
fail(void)
{
    fprintf(stderr, "bench_aggregate: %s\n", fl_error_text());
    exit(1);
}

/* Values of an update: differences of nearby f32 weights. */
static void
write_update(struct bench *b, int fd, uint64_t state)
{
    const uint64_t count = COUNT;
    struct fl_writer *w = fl_writer_new(fd, b->path, 0);
    struct fl_tensor t;

    fl_tensor_init(&t, "w", FL_F32, 1, &count);
    for (size_t i = 0; i < COUNT; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        float base = (float)((double)((int64_t)state >> 20) * 0x1p-50);
        state = state * 6364136223846793005u + 1442695040888963407u;
        float trained = base + (float)((double)((int64_t)state >> 20) * 0x1p-54);
        b->plain[i] = trained - base;
    }
    if (!w || fl_writer_head(w, FL_KIND_UPDATE, NULL) || fl_writer_tensor(w, &t) ||
        fl_writer_data(w, b->plain, COUNT * sizeof *b->plain) || fl_writer_done(w))
        fail();
    fl_writer_free(w);
    memset(b->plain, 0, COUNT * sizeof *b->plain);
}

static struct fl_reader *
open_update(struct bench *b)
{
    const struct fl_head *head;
    struct fl_reader *in = lseek(b->fd, 0, SEEK_SET) ? NULL : fl_reader_new(b->fd, b->path);

    if (!in || fl_reader_object(in, &head) != 1)
        fail();
    return in;
}

static void
exact(struct bench *b)
{
    struct fl_reader *in = open_update(b);

    if (fl_sum_add_update(b->sum, in, b->weight))
        fail();
    fl_reader_free(in);
}

/* Read with all checks; with a weight also add in f32. */
static void
each_block(struct bench *b, bool add)
{
    struct fl_reader *in = open_update(b);
    const struct fl_tensor *t;
    const unsigned char *data;
    size_t len, at = 0;
    float w = (float)b->weight;

    if (fl_reader_tensor(in, &t) != 1)
        fail();
    for (; fl_reader_block(in, &data, &len) == 1; at += len / sizeof(float)) {
        const float *x = (const float *)(const void *)data;
        for (size_t i = 0; add && i < len / sizeof *x; i++)
            b->plain[at + i] += w * x[i];
    }
    if (fl_reader_tensor(in, &t) != 0)
        fail();
    fl_reader_free(in);
}

static void
float_loop(struct bench *b)
{
    each_block(b, true);
}

static void
read_only(struct bench *b)
{
    each_block(b, false);
}

static void
cat(struct bench *b)
{
    char command[160];

    snprintf(command, sizeof command, "cat %s | cat > /dev/null", b->path);
    if (system(command))
        exit(1);
}

static double
median_seconds(struct bench *b, void (*run)(struct bench *))
{
    double seconds[TURNS];

    run(b);
    for (int i = 0; i < TURNS; i++) {
        double start = fl_seconds();
        run(b);
        seconds[i] = fl_seconds() - start;
    }
    return bench_median(seconds, TURNS);
}

static void
print_row(const char *what, int threads, double seconds, double reference)
{
    char row[100];

    snprintf(row, sizeof row, "aggregate: %s, %d thread%s", what, threads, threads == 1 ? "" : "s");
    bench_tell(row, COUNT / seconds / 1e6, "million values/s");
    snprintf(row, sizeof row, "aggregate: %s, %d thread%s, times the f32 loop", what, threads,
             threads == 1 ? "" : "s");
    bench_tell(row, reference / seconds, "ratio");
}

static int
exact_rows(struct bench *b, const char *what, double weight, double reference)
{
    double seconds[2] = {0};
    char row[100];

    for (int threads = 1; threads <= fl_cores(); threads *= 2) {
        b->pool = fl_pool_new(threads);
        b->sum = fl_sum_new((uint64_t)1 << 40, b->pool, NULL);
        b->weight = weight;
        if (!b->pool || !b->sum)
            fail();
        double median = median_seconds(b, exact);
        if (threads <= 2)
            seconds[threads - 1] = median;
        print_row(what, threads, median, reference);
        fl_sum_free(b->sum);
        fl_pool_free(b->pool);
    }
    snprintf(row, sizeof row, "aggregate: %s, two threads by one", what);
    return !seconds[1] || bench_at_least(row, seconds[0] / seconds[1], "ratio", 1.3);
}

/* Seconds for the mean of the eight, on all cores, from files to a pipe's worth of bytes. */
static double
mean_seconds(struct bench *b)
{
    double start = fl_seconds();
    struct fl_pool *pool = fl_pool_new(0);
    struct fl_sum *sum = fl_sum_new((uint64_t)1 << 40, pool, NULL);
    int null = open("/dev/null", O_WRONLY);
    struct fl_writer *out = fl_writer_new(null, "/dev/null", 0);

    if (!pool || !sum || !out || fl_writer_head(out, FL_KIND_UPDATE, NULL))
        fail();
    for (int i = 0; i < UPDATES; i++) {
        struct fl_reader *in = fl_reader_open(b->paths[i]);
        const struct fl_head *head;
        double weight;
        if (fl_exact_weight(b->weight * (i + 1), &weight) || !in ||
            fl_reader_object(in, &head) != 1 || fl_sum_add_update(sum, in, weight))
            fail();
        fl_reader_free(in);
    }
    if (fl_sum_write_mean(sum, out) || fl_writer_done(out))
        fail();
    fl_writer_free(out);
    close(null);
    fl_sum_free(sum);
    fl_pool_free(pool);
    return fl_seconds() - start;
}

/* The same for cat. */
static double
cat_seconds(struct bench *b)
{
    char command[UPDATES * 80 + 80] = "cat";
    double start = fl_seconds();

    for (int i = 0; i < UPDATES; i++)
        snprintf(command + strlen(command), sizeof command - strlen(command), " %s", b->paths[i]);
    strcat(command, " | cat > /dev/null");
    if (system(command))
        exit(1);
    return fl_seconds() - start;
}

/* And for numpy, one core as it is: its own average, and a loop over the files; 0: there is none. */
static void
numpy_seconds(struct bench *b, double seconds[2])
{
    char command[1200], text[64];
    int n = snprintf(command, sizeof command,
                     "p=python3; $p -c 'import numpy' 2>/dev/null || p=/usr/bin/python3; "
                     "$p tests/bench/numpy_mean.py %d %g",
                     COUNT, b->weight);

    for (int i = 0; i < UPDATES; i++)
        n += snprintf(command + n, sizeof command - (size_t)n, " %s", b->paths[i]);
    snprintf(command + n, sizeof command - (size_t)n, " 2>/dev/null");
    FILE *in = popen(command, "r");
    bench_need(!in);
    for (int i = 0; i < 2; i++)
        seconds[i] = fgets(text, sizeof text, in) ? strtod(text, NULL) : 0;
    pclose(in);
}

static int
mean_rows(struct bench *b, const char *what, double weight)
{
    double ours[MEAN_TURNS], by_cat[MEAN_TURNS], by_average[MEAN_TURNS], by_loop[MEAN_TURNS];
    char row[100];

    b->weight = weight;
    mean_seconds(b);
    for (int i = 0; i < MEAN_TURNS; i++) {
        ours[i] = mean_seconds(b);
        by_cat[i] = cat_seconds(b) / ours[i];
        double numpy[2];
        numpy_seconds(b, numpy);
        by_average[i] = numpy[0] / ours[i];
        by_loop[i] = numpy[1] / ours[i];
    }
    snprintf(row, sizeof row, "aggregate: mean of %d, %s", UPDATES, what);
    bench_tell(row, bench_median(ours, MEAN_TURNS), "s");
    snprintf(row, sizeof row, "aggregate: mean of %d, %s, times cat FILES | cat", UPDATES, what);
    int kept = bench_at_least(row, bench_median(by_cat, MEAN_TURNS), "ratio", 1);
    double average = bench_median(by_average, MEAN_TURNS);
    if (average == 0) {
        bench_tell("aggregate: numpy is not installed", 0, "");
        return kept;
    }
    snprintf(row, sizeof row, "aggregate: mean of %d, %s, times numpy.average", UPDATES, what);
    kept &= bench_at_least(row, average, "ratio", 5);
    snprintf(row, sizeof row, "aggregate: mean of %d, %s, times a loop in numpy", UPDATES, what);
    bench_tell(row, bench_median(by_loop, MEAN_TURNS), "ratio");
    return kept;
}

int
main(void)
{
    const char *dir = getenv("TMPDIR");
    struct bench b = {.weight = 1234};
    int kept = 1;

    snprintf(b.path, sizeof b.path, "%s/fl-bench-XXXXXX", dir && strlen(dir) < 40 ? dir : "/tmp");
    b.fd = mkstemp(b.path);
    b.plain = fl_alloc_aligned(COUNT, sizeof *b.plain);
    if (b.fd < 0 || !b.plain)
        fail();
    write_update(&b, b.fd, 1);
    double reference = median_seconds(&b, float_loop);
    print_row("f32 loop", 1, reference, reference);
    kept &= exact_rows(&b, "exact, weight 1234", 1234, reference);
    kept &= exact_rows(&b, "exact, weight 3.7182818", 3.7182818, reference);
    print_row("read and check", 1, median_seconds(&b, read_only), reference);
    print_row("cat FILE | cat", 2, median_seconds(&b, cat), reference);
    for (int i = 0; i < UPDATES; i++) {
        snprintf(b.paths[i], sizeof b.paths[i], "%s.%d", b.path, i);
        int fd = open(b.paths[i], O_RDWR | O_CREAT | O_EXCL, 0600);
        write_update(&b, fd, (uint64_t)i + 2);
        close(fd);
    }
    free(b.plain);
    kept &= mean_rows(&b, "whole weights", 1234);
    kept &= mean_rows(&b, "any weights", 3.7182818);
    for (int i = 0; i < UPDATES; i++)
        unlink(b.paths[i]);
    close(b.fd);
    unlink(b.path);
    return !kept;
}
