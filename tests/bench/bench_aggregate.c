/*
 * How fast updates are added exactly, beside what else could be done with the same file in the same
 * run: adding in f32 on one thread, only reading it with all checks, and cat. Medians.
 */
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

enum { COUNT = 16 << 20, TURNS = 9 };

struct bench {
    char path[64];
    int fd;
    struct fl_pool *pool;
    struct fl_sum *sum;
    float *plain;
    double weight;
};

static void
fail(void)
{
    fprintf(stderr, "bench_aggregate: %s\n", fl_error_text());
    exit(1);
}

/* Values of an update: differences of nearby f32 weights. */
static void
write_update(struct bench *b)
{
    const uint64_t count = COUNT;
    struct fl_writer *w = fl_writer_new(b->fd, b->path, 0);
    struct fl_tensor t;
    uint64_t state = 1;

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

static void
exact_rows(struct bench *b, const char *what, double weight, double reference)
{
    for (int threads = 1; threads <= fl_cores(); threads *= 2) {
        b->pool = fl_pool_new(threads);
        b->sum = fl_sum_new((uint64_t)1 << 40, b->pool, NULL);
        b->weight = weight;
        if (!b->pool || !b->sum)
            fail();
        print_row(what, threads, median_seconds(b, exact), reference);
        fl_sum_free(b->sum);
        fl_pool_free(b->pool);
    }
}

int
main(void)
{
    const char *dir = getenv("TMPDIR");
    struct bench b = {.weight = 1234};

    snprintf(b.path, sizeof b.path, "%s/fl-bench-XXXXXX", dir && strlen(dir) < 40 ? dir : "/tmp");
    b.fd = mkstemp(b.path);
    b.plain = fl_alloc_aligned(COUNT, sizeof *b.plain);
    if (b.fd < 0 || !b.plain)
        fail();
    write_update(&b);
    double reference = median_seconds(&b, float_loop);
    print_row("f32 loop", 1, reference, reference);
    exact_rows(&b, "exact, weight 1234", 1234, reference);
    exact_rows(&b, "exact, weight 3.7182818", 3.7182818, reference);
    print_row("read and check", 1, median_seconds(&b, read_only), reference);
    print_row("cat FILE | cat", 2, median_seconds(&b, cat), reference);
    free(b.plain);
    close(b.fd);
    unlink(b.path);
    return 0;
}
