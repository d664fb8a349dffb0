/* Checkpoints: what was written comes back, what is another training's or damaged does not. */
#include "nn/checkpoint.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/file.h"
#include "test.h"

static char folder[] = "/tmp/test_checkpoint.XXXXXX";
static char path[64];

static const uint64_t dims[2] = {3, 5};
static const char *const shards[] = {"aa", "bb"};

/* A small state whose numbers follow from SEED, over DATA (2 * 15 and 7 floats). */
static void
make(struct fl_checkpoint *c, float *data, int seed)
{
    *c = (struct fl_checkpoint){.path = path, .count = 3};
    c->parts = fl_alloc(3, sizeof *c->parts);
    c->parts[0] = (struct fl_checkpoint_part){"weights", "a", 2, dims, data};
    c->parts[1] = (struct fl_checkpoint_part){"adam.m", "a", 2, dims, data + 15};
    c->parts[2] = (struct fl_checkpoint_part){"weights", "b", 1, dims + 1, data + 30};
    for (int i = 0; i < 35; i++)
        data[i] = (float)(seed * 100 + i) / 7;
    CHECK(!fl_meta_set_bytes(&c->identity, "base", "0123456789abcdef0123456789abcdef", 32));
    CHECK(!fl_meta_set_text_list(&c->identity, "shards", shards, 2));
    CHECK(!fl_meta_set_f64(&c->identity, "set.lr", 0.001));
    CHECK(!fl_meta_set_i64(&c->identity, "set.steps", 10));
    CHECK(!fl_meta_set_i64(&c->progress, "step", seed));
    CHECK(!fl_meta_set_f64(&c->progress, "loss.first", 3.5));
}

static void
test_round_trip(void)
{
    struct fl_checkpoint out, in;
    float a[35], b[35];
    int64_t step;
    double loss;

    make(&out, a, 7);
    make(&in, b, 1);
    unlink(path);
    CHECK(fl_checkpoint_read(&in) == 0);
    CHECK(!fl_checkpoint_write(&out));
    CHECK(fl_checkpoint_read(&in) == 1);
    CHECK(!memcmp(a, b, sizeof a));
    CHECK(!fl_meta_get_i64(&in.progress, "step", 0, 100, &step) && step == 7);
    CHECK(!fl_meta_get_f64(&in.progress, "loss.first", &loss) && loss == 3.5);
    CHECK(in.progress.count == 2);
    make(&in, b, 2); /* the second write replaces the first */
    CHECK(!fl_checkpoint_write(&in) && fl_checkpoint_read(&out) == 1 && !memcmp(a, b, sizeof a));
    fl_checkpoint_release(&out);
    fl_checkpoint_release(&in);
}

static void
refused(struct fl_checkpoint *c, const char *why)
{
    CHECK(fl_checkpoint_read(c) == -1 && fl_error_status() == FL_REFUSED);
    if (!strstr(fl_error_text(), why) || !strstr(fl_error_text(), path))
        CHECK_TEXT(fl_error_text(), why);
    fl_checkpoint_release(c);
}

static void
test_another_training(void)
{
    struct fl_checkpoint c;
    float data[35];

    make(&c, data, 1);
    CHECK(!fl_checkpoint_write(&c));
    CHECK(!fl_meta_set_bytes(&c.identity, "base", "1123456789abcdef0123456789abcdef", 32));
    refused(&c, "another base model");
    make(&c, data, 1);
    CHECK(!fl_meta_set_text_list(&c.identity, "shards", shards, 1));
    refused(&c, "other shards");
    make(&c, data, 1);
    CHECK(!fl_meta_set_f64(&c.identity, "set.lr", 0.002));
    refused(&c, "lr was 0.001 and is 0.002 now");
    make(&c, data, 1);
    CHECK(!fl_meta_set_i64(&c.identity, "set.rank", 4));
    refused(&c, "rank was none and is 4 now");
    make(&c, data, 1);
    fl_meta_remove(&c.identity, "set.steps");
    refused(&c, "steps was 10 and is none now");
}

static void
test_other_tensors(void)
{
    struct fl_checkpoint c;
    float data[35];

    make(&c, data, 1);
    CHECK(!fl_checkpoint_write(&c));
    c.parts[2].name = "c";
    CHECK(fl_checkpoint_read(&c) == -1 && strstr(fl_error_text(), "\"weights/c\" is not where"));
    c.parts[2].name = "b";
    c.parts[2].dims = dims;
    CHECK(fl_checkpoint_read(&c) == -1 && strstr(fl_error_text(), "another shape"));
    c.count = 2;
    CHECK(fl_checkpoint_read(&c) == -1 && strstr(fl_error_text(), "more tensors"));
    fl_checkpoint_release(&c);
}

static void
put_file(const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    CHECK(f && fwrite(data, 1, len, f) == len);
    CHECK(f && !fclose(f));
}

/* Every cut and every flipped bit is an error that names the file and the cure. */
static void
test_damage(void)
{
    struct fl_checkpoint c;
    struct fl_buf file = {0};
    float data[35];
    size_t accepted = 0, unclear = 0;

    make(&c, data, 1);
    CHECK(!fl_checkpoint_write(&c) && !fl_read_file(path, 1 << 20, &file));
    for (size_t i = 0; i < file.len * 9; i++) {
        size_t at = i % file.len, bit = i / file.len;
        if (bit < 8)
            file.data[at] ^= (unsigned char)(1 << bit);
        put_file(file.data, bit < 8 ? file.len : at);
        if (bit < 8)
            file.data[at] ^= (unsigned char)(1 << bit);
        accepted += fl_checkpoint_read(&c) != -1;
        unclear += fl_error_status() != FL_FAILED || !strstr(fl_error_text(), path) ||
                   !strstr(fl_error_text(), "; remove it to train from the beginning");
        i += bit < 8 ? 12 : 0; /* every position is cut, some bits of each record are flipped */
    }
    CHECK(accepted == 0);
    CHECK(unclear == 0);
    fl_buf_release(&file);
    fl_checkpoint_release(&c);
}

static void
test_nowhere_to_write(void)
{
    struct fl_checkpoint c;
    float data[35];

    make(&c, data, 1);
    c.path = "/nonexistent/folder/c.flt";
    CHECK(fl_checkpoint_write(&c) == -1 && strstr(fl_error_text(), c.path));
    CHECK(fl_checkpoint_read(&c) == 0);
    fl_checkpoint_release(&c);
}

int
main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/c.flt", folder);
    RUN(test_round_trip);
    RUN(test_another_training);
    RUN(test_other_tensors);
    RUN(test_damage);
    RUN(test_nowhere_to_write);
    unlink(path);
    rmdir(folder);
    return test_end();
}
