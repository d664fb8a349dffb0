/* Differences of models: every value, on any number of threads, and what is no difference. */
#include "fed/diff.h"

#include "base/mem.h"
#include "spool.h"

enum { COUNT = 262144 + 501 };

static float *base_values, *trained_values;

static int
make(const float *values, uint64_t count, const char *family)
{
    struct fl_meta meta = {0};
    const struct spool_tensor tensors[] = {{"w", FL_F32, {count, 0}, values},
                                           {"tokenizer.json", FL_U8, {2, 0}, "{}"},
                                           {NULL, FL_F32, {0, 0}, NULL}};

    CHECK(!fl_meta_set_text(&meta, "arch.family", family));
    int fd = spool_object(FL_KIND_MODEL, &meta, tensors);
    fl_meta_release(&meta);
    return fd;
}

static int
diff(int base, int trained, struct fl_pool *pool, int out)
{
    struct fl_object *b = spool_open(base, FL_KIND_MODEL), *t = spool_open(trained, FL_KIND_MODEL);
    struct fl_writer *w = fl_writer_new(out, "update", 0);
    int failed = !b || !t || fl_diff_check(b, t) || fl_writer_head(w, FL_KIND_UPDATE, NULL) ||
                 fl_diff_write(b, t, NULL, pool, NULL, w) || fl_writer_done(w);

    fl_writer_free(w);
    fl_object_free(b);
    fl_object_free(t);
    return failed ? -1 : 0;
}

static void
test_values(void)
{
    int base = make(base_values, COUNT, "llama"), trained = make(trained_values, COUNT, "llama");

    for (int threads = 1; threads <= 3; threads++) {
        struct fl_pool *pool = fl_pool_new(threads);
        int out = fl_spool_open();
        CHECK(!diff(base, trained, pool, out));
        struct fl_object *o = spool_open(out, FL_KIND_UPDATE);
        const float *u = o ? fl_object_data(o, 0) : NULL;
        size_t wrong = 0, missed = 0;
        CHECK(u && fl_object_count(o) == 1);
        for (size_t i = 0; u && i < COUNT; i++) {
            volatile float want = trained_values[i] - base_values[i];
            volatile float back = base_values[i] + u[i];
            wrong += u[i] != want;
            bool near = trained_values[i] >= base_values[i] / 2 &&
                        trained_values[i] <= base_values[i] * 2;
            missed += near && back != trained_values[i];
        }
        CHECK(wrong == 0);
        CHECK(missed == 0); /* as the contract says */
        fl_object_free(o);
        close(out);
        fl_pool_free(pool);
    }
    close(base);
    close(trained);
}

static void
test_refused(void)
{
    int base = make(base_values, COUNT, "llama"), out = fl_spool_open();
    int shorter = make(trained_values, COUNT - 1, "llama");
    int gpt = make(trained_values, COUNT, "gpt");
    float kept = trained_values[262144];

    CHECK(diff(base, shorter, NULL, out) == -1 && strstr(fl_error_text(), "f32[262644]"));
    CHECK(diff(base, gpt, NULL, out) == -1 && strstr(fl_error_text(), "arch.family"));
    trained_values[262144] = NAN;
    int nan = make(trained_values, COUNT, "llama");
    CHECK(diff(base, nan, NULL, out) == -1 && strstr(fl_error_text(), "value 262144 is nan"));
    CHECK(diff(nan, base, NULL, out) == -1 && strstr(fl_error_text(), "value 262144 is nan"));
    trained_values[262144] = kept;
    int fds[] = {base, shorter, gpt, nan, out};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

int
main(void)
{
    base_values = fl_alloc_aligned(COUNT, sizeof(float));
    trained_values = fl_alloc_aligned(COUNT, sizeof(float));
    for (size_t i = 0; i < COUNT; i++) {
        base_values[i] = (float)sin((double)i) * (i % 7 ? 0.02f : 1e-38f);
        trained_values[i] = base_values[i] * (1 + 0.3f * (float)cos((double)i));
        trained_values[i] += i % 5 ? 0 : 1e-3f;
    }
    RUN(test_values);
    RUN(test_refused);
    free(base_values);
    free(trained_values);
    return test_end();
}
