/* Sums of whole updates: against the slow twin, in trees, on threads, in files; what is refused. */
#include "fed/sum.h"

#include "../naive/exact.h"
#include "base/mem.h"
#include "spool.h"

enum { LONG = 262144 + 9000, SHORT = 37, UPDATES = 6, CHECKED = 30 };

static float *values[UPDATES];
static int files[UPDATES];
static const double weights[UPDATES] = {3, 1234567, 0x1.921fb54442d18p+1, 1, 0x1p-20, 77};

/* Values that need lower words in some updates, and there in some rows of the first block only. */
static void
make_updates(void)
{
    uint64_t state = 9;

    for (int u = 0; u < UPDATES; u++) {
        float *x = values[u] = fl_alloc_aligned(LONG + SHORT, sizeof *x);
        for (size_t i = 0; i < LONG + SHORT; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bool high = u < 2 || (i < 9000) == (u % 2);
            double unit = i >= 262144 ? 0x1p-6 : high ? 0x1p-40 : 0x1p-120;
            x[i] = (float)((double)((int64_t)state >> 30) * unit);
        }
        const struct spool_tensor tensors[] = {{"long", FL_F32, {LONG, 0}, x},
                                               {"none", FL_F32, {0, 0}, x},
                                               {"short", FL_F32, {1, SHORT}, x + LONG},
                                               {NULL, FL_F32, {0, 0}, NULL}};
        files[u] = spool_object(FL_KIND_UPDATE, NULL, tensors);
    }
}

static void
add(struct fl_sum *s, int u)
{
    double w = 0;
    const struct fl_head *head;
    struct fl_reader *in = spool_reader(files[u], &head);

    CHECK(!fl_exact_weight(weights[u], &w) && !fl_sum_add_update(s, in, w));
    fl_reader_free(in);
}

/* The mean or the partial sum as an object in a file. */
static int
result(struct fl_sum *s, bool partial)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    CHECK(!fl_writer_head(w, partial ? FL_KIND_SUM : FL_KIND_UPDATE, NULL));
    CHECK(!(partial ? fl_sum_write_partial(s, w) : fl_sum_write_mean(s, w)));
    CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    return fd;
}

static bool
same_files(int a, int b)
{
    int64_t size = fl_regular_size(a);
    bool same = size > 0 && size == fl_regular_size(b);
    void *x = fl_map(a, "a", (size_t)size), *y = fl_map(b, "b", (size_t)size);

    same = same && x && y && !memcmp(x, y, (size_t)size);
    fl_unmap(x, (size_t)size);
    fl_unmap(y, (size_t)size);
    return same;
}

static int flat = -1, flat_partial = -1;

static void
test_twin(void)
{
    struct fl_sum *s = fl_sum_new((uint64_t)1 << 30, NULL, NULL);
    size_t wrong = 0;

    for (int u = 0; u < UPDATES; u++)
        add(s, u);
    flat = result(s, false);
    flat_partial = result(s, true);
    fl_sum_free(s);
    struct fl_object *o = spool_open(flat, FL_KIND_UPDATE);
    CHECK(o && fl_object_count(o) == 3);
    const float *mean = fl_object_data(o, 0), *tail = fl_object_data(o, 2);
    for (int k = 0; k < CHECKED; k++) {
        size_t i = k % 3 ? (size_t)k * 7919 % LONG : LONG + (size_t)k;
        struct naive_sum naive = {0};
        for (int u = 0; u < UPDATES; u++) {
            double w = 0;
            CHECK(!fl_exact_weight(weights[u], &w));
            naive_sum_add(&naive, values[u][i], w);
        }
        float want = naive_sum_mean(&naive), got = i < LONG ? mean[i] : tail[i - LONG];
        wrong += memcmp(&want, &got, sizeof want) != 0;
    }
    CHECK(wrong == 0);
    fl_object_free(o);
}

static void
test_order_threads_files(void)
{
    for (int turn = 1; turn < 5; turn++) {
        struct fl_pool *pool = fl_pool_new(1 + turn % 3);
        struct fl_sum *s = fl_sum_new(turn < 3 ? 0 : (uint64_t)1 << 30, pool, NULL);
        for (int u = 0; u < UPDATES; u++)
            add(s, (u * 5 + turn) % UPDATES);
        CHECK(fl_sum_terms(s) == UPDATES);
        int mean = result(s, false), partial = result(s, true);
        CHECK(same_files(mean, flat) && same_files(partial, flat_partial));
        close(mean);
        close(partial);
        fl_sum_free(s);
        fl_pool_free(pool);
    }
}

static void
test_trees(void)
{
    for (int cut = 0; cut <= UPDATES; cut += 2) {
        struct fl_pool *pool = fl_pool_new(2);
        struct fl_sum *low = fl_sum_new((uint64_t)1 << 30, pool, NULL);
        struct fl_sum *high = fl_sum_new((uint64_t)1 << 30, pool, NULL);
        const struct fl_head *head;
        for (int u = 0; u < cut; u++)
            add(low, u);
        for (int u = cut; u < UPDATES - 1; u++)
            add(high, u);
        if (cut) {
            int fd = result(low, true);
            struct fl_reader *in = spool_reader(fd, &head);
            CHECK(!fl_sum_add_partial(high, in, (uint64_t)cut, fl_sum_total(low)));
            fl_reader_free(in);
            close(fd);
        }
        if (cut < UPDATES)
            add(high, UPDATES - 1);
        int mean = result(high, false), partial = result(high, true);
        CHECK(same_files(mean, flat) && same_files(partial, flat_partial));
        close(mean);
        close(partial);
        fl_sum_free(low);
        fl_sum_free(high);
        fl_pool_free(pool);
    }
}

/* Of a sum only the words that are needed are stored, whatever was needed on the way. */
static void
test_words(void)
{
    static const float x[2] = {1.5f, -0x1p-100f}, y[2] = {2, 0x1p-100f}, z[2] = {8, -16};
    const struct spool_tensor tensors[] = {{"w", FL_F32, {2, 0}, x}, {NULL, FL_F32, {0, 0}, NULL}};
    const struct spool_tensor others[] = {{"w", FL_F32, {2, 0}, y}, {NULL, FL_F32, {0, 0}, NULL}};
    const struct spool_tensor wholes[] = {{"w", FL_F32, {2, 0}, z}, {NULL, FL_F32, {0, 0}, NULL}};
    int fds[] = {spool_object(FL_KIND_UPDATE, NULL, tensors),
                 spool_object(FL_KIND_UPDATE, NULL, others),
                 spool_object(FL_KIND_UPDATE, NULL, wholes)};
    static const uint64_t words[] = {4, 2, 1};

    for (int i = 0; i < 3; i++) {
        struct fl_sum *s = fl_sum_new(0, NULL, NULL);
        const struct fl_head *head;
        for (int u = i == 2 ? 2 : 0; u <= i; u++) { /* x; x + y; z */
            struct fl_reader *in = spool_reader(fds[u], &head);
            CHECK(!fl_sum_add_update(s, in, 1));
            fl_reader_free(in);
        }
        int fd = result(s, true);
        struct fl_object *o = spool_open(fd, FL_KIND_SUM);
        CHECK(o && fl_object_tensor(o, 0)->rank == 2);
        CHECK(o && fl_object_tensor(o, 0)->dims[1] == words[i]);
        fl_object_free(o);
        close(fd);
        fl_sum_free(s);
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void
test_refused(void)
{
    static const float x[4] = {1, 2, NAN, 4};
    const struct spool_tensor nan[] = {{"long", FL_F32, {4, 0}, x}, {NULL, FL_F32, {0, 0}, NULL}};
    const struct spool_tensor none[] = {{NULL, FL_F32, {0, 0}, NULL}};
    const struct spool_tensor bytes[] = {{"b", FL_U8, {4, 0}, x}, {NULL, FL_F32, {0, 0}, NULL}};
    const struct {
        const struct spool_tensor *tensors;
        const char *words;
    } table[] = {{nan, "value 2 is nan"}, {none, "no tensors"}, {bytes, "plain f32"}};
    struct fl_exact_total one = {1, 0};
    const struct fl_head *head;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fl_sum *s = fl_sum_new(0, NULL, NULL);
        int fd = spool_object(FL_KIND_UPDATE, NULL, table[i].tensors);
        struct fl_reader *in = spool_reader(fd, &head);
        CHECK(fl_sum_add_update(s, in, 1) == -1 && strstr(fl_error_text(), table[i].words));
        fl_reader_free(in);
        fl_sum_free(s);
        close(fd);
    }
    struct fl_sum *s = fl_sum_new(0, NULL, NULL);
    struct fl_reader *in = spool_reader(flat_partial, &head);
    CHECK(!fl_sum_add_partial(s, in, FL_EXACT_TERMS, &one));
    fl_reader_free(in);
    in = spool_reader(files[0], &head);
    CHECK(fl_sum_add_update(s, in, 1) == -1 && strstr(fl_error_text(), "one too many"));
    fl_reader_free(in);
    fl_sum_free(s);
}

int
main(void)
{
    make_updates();
    RUN(test_twin);
    RUN(test_order_threads_files);
    RUN(test_trees);
    RUN(test_words);
    RUN(test_refused);
    for (int u = 0; u < UPDATES; u++) {
        free(values[u]);
        close(files[u]);
    }
    close(flat);
    close(flat_partial);
    return test_end();
}
