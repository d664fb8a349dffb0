/* Tensors written row by row on any number of threads. */
#include "fed/rows.h"

#include "base/mem.h"
#include "spool.h"

static void
count_row(const void *arg, uint64_t at, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(at + i);
    uint64_t bad = *(const uint64_t *)arg;
    if (bad >= at && bad < at + n)
        out[bad - at] = bad % 2 ? NAN : -INFINITY;
}

static int
write_counts(struct fl_pool *pool, uint64_t count, uint64_t bad, int fd, uint64_t *found)
{
    struct fl_rows *rows = fl_rows_new(pool, NULL);
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);
    struct fl_tensor t;

    CHECK(rows && w && !fl_writer_head(w, FL_KIND_UPDATE, NULL));
    fl_tensor_init(&t, "count", FL_F32, 1, &count);
    int result = fl_rows_write(rows, w, &t, count_row, &bad, found);
    if (!result)
        CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    fl_rows_free(rows);
    return result;
}

static void
test_rows(void)
{
    static const uint64_t counts[] = {0, 1, 8191, 8192, 8193, 262144, 262145, 700000};
    uint64_t bad = 0;

    for (int threads = 1; threads <= 3; threads++) {
        struct fl_pool *pool = fl_pool_new(threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            int fd = fl_spool_open();
            CHECK(write_counts(pool, counts[c], UINT64_MAX, fd, &bad) == 0);
            struct fl_object *o = spool_open(fd, FL_KIND_UPDATE);
            CHECK(o && fl_object_bytes(o, 0) == 4 * counts[c]);
            const float *data = o ? fl_object_data(o, 0) : NULL;
            size_t wrong = 0;
            for (size_t i = 0; data && i < counts[c]; i++)
                wrong += data[i] != (float)i;
            CHECK(data && wrong == 0);
            fl_object_free(o);
            close(fd);
        }
        fl_pool_free(pool);
    }
}

static void
test_not_finite(void)
{
    static const uint64_t places[] = {0, 8191, 8192, 262143, 262144, 299999};
    struct fl_pool *pool = fl_pool_new(2);

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint64_t found = 1;
        int fd = fl_spool_open();
        CHECK(write_counts(pool, 300000, places[i], fd, &found) == 1 && found == places[i]);
        close(fd);
    }
    fl_pool_free(pool);
}

int
main(void)
{
    RUN(test_rows);
    RUN(test_not_finite);
    return test_end();
}
