/* What an object takes, computed before and measured after it was written. */
#include "flt/size.h"

#include <unistd.h>

#include "flt/writer.h"
#include "os/file.h"
#include "test.h"

static const uint64_t lengths[] = {0,
                                   1,
                                   7,
                                   8,
                                   56,
                                   63,
                                   64,
                                   65,
                                   1 << 18,
                                   FL_FLT_BLOCK - 1,
                                   FL_FLT_BLOCK,
                                   FL_FLT_BLOCK + 1,
                                   3 * (uint64_t)FL_FLT_BLOCK + 5};

static void
add_tensor(struct fl_writer *w, const char *name, uint64_t len, uint64_t *bytes)
{
    static const unsigned char zeros[4096];
    struct fl_tensor t = {.dtype = FL_U8, .rank = 1, .dims = {len}};

    snprintf(t.name, sizeof t.name, "%s", name);
    CHECK(!fl_size_tensor(&t, bytes) && !fl_writer_tensor(w, &t));
    for (uint64_t left = len, n; left; left -= n) {
        n = left < sizeof zeros ? left : sizeof zeros;
        CHECK(!fl_writer_data(w, zeros, (size_t)n));
    }
}

static void
test_written(void)
{
    char long_name[150];
    struct fl_meta meta = {0};
    struct fl_sign sign = {.signer = 1, .name = "aws"};
    uint64_t bytes = 0;
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    CHECK(!fl_meta_set_i64(&meta, "round", 7) && !fl_meta_set_text(&meta, "site", "north"));
    CHECK(!fl_size_head("model", &meta, &bytes) && !fl_writer_head(w, "model", &meta));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        snprintf(long_name, sizeof long_name, "%0*zu", (int)(i * 10 + 1), i);
        add_tensor(w, long_name, lengths[i], &bytes);
    }
    CHECK(!fl_size_done(&bytes) && !fl_writer_done(w));
    CHECK(!fl_size_sign(&sign, &bytes) && !fl_writer_sign(w, &sign));
    CHECK((uint64_t)lseek(fd, 0, SEEK_END) == bytes);
    fl_writer_free(w);
    fl_meta_release(&meta);
    close(fd);
}

static void
test_overflow(void)
{
    struct fl_tensor t = {.name = "w", .dtype = FL_U8, .rank = 1, .dims = {UINT64_MAX}};
    uint64_t bytes = 0;

    CHECK(fl_size_tensor(&t, &bytes));
}

int
main(void)
{
    RUN(test_written);
    RUN(test_overflow);
    return test_end();
}
