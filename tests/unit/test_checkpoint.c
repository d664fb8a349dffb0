/* Checkpoints: what was written comes back, what is another training's or damaged does not. */
#include "nn/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/file.h"
#include "floats.h"
#include "test.h"

static char folder[] = "/tmp/test_checkpoint.XXXXXX";
static char path[64];

static const char *const shards[] = {"aa", "bb"};

/* A small model whose weights and moments follow from SEED. */
static void
make(struct fl_checkpoint *c, int seed)
{
    const struct fl_config config = {.vocab = 5,
                                     .ctx = 4,
                                     .layers = 1,
                                     .channels = 4,
                                     .heads = 2,
                                     .kv_heads = 1,
                                     .head_dim = 2,
                                     .ffn = 3,
                                     .norm_eps = 1e-5,
                                     .rope_base = 10000,
                                     .tied = true};
    struct fl_model *m = fl_model_new(&config);

    *c = (struct fl_checkpoint){.path = path,
                                .model = m,
                                .m = fl_layout_array(&m->layout),
                                .v = fl_layout_array(&m->layout)};
    for (size_t i = 0; i < m->layout.size; i++) {
        floats(m)[i] = (float)seed + (float)i / 7;
        c->m[i] = -floats(m)[i];
        c->v[i] = floats(m)[i] * 100;
    }
    CHECK(!fl_meta_set_bytes(&c->identity, "base", "0123456789abcdef0123456789abcdef", 32));
    CHECK(!fl_meta_set_text_list(&c->identity, "shards", shards, 2));
    CHECK(!fl_meta_set_f64(&c->identity, "set.lr", 0.001));
    CHECK(!fl_meta_set_i64(&c->identity, "set.steps", 10));
    CHECK(!fl_meta_set_i64(&c->progress, "step", seed));
    CHECK(!fl_meta_set_f64(&c->progress, "loss.first", 3.5));
}

static void
unmake(struct fl_checkpoint *c)
{
    free(c->m);
    free(c->v);
    fl_model_free((struct fl_model *)c->model);
    fl_checkpoint_release(c);
}

static bool
same(const struct fl_checkpoint *a, const struct fl_checkpoint *b)
{
    size_t n = a->model->layout.size * sizeof(float);

    return !memcmp(floats(a->model), floats(b->model), n) && !memcmp(a->m, b->m, n) &&
           !memcmp(a->v, b->v, n);
}

static void
test_round_trip(void)
{
    struct fl_checkpoint out, in;
    int64_t step;
    double loss;

    make(&out, 7);
    make(&in, 1);
    unlink(path);
    CHECK(fl_checkpoint_read(&in) == 0 && !same(&out, &in));
    CHECK(!fl_checkpoint_write(&out));
    CHECK(fl_checkpoint_read(&in) == 1);
    CHECK(same(&out, &in));
    CHECK(!fl_meta_get_i64(&in.progress, "step", 0, 100, &step) && step == 7);
    CHECK(!fl_meta_get_f64(&in.progress, "loss.first", &loss) && loss == 3.5);
    CHECK(in.progress.count == 2);
    unmake(&in);
    make(&in, 2); /* the second write replaces the first */
    CHECK(!fl_checkpoint_write(&in) && fl_checkpoint_read(&out) == 1 && same(&in, &out));
    unmake(&out);
    unmake(&in);
}

static void
refused(struct fl_checkpoint *c, const char *why)
{
    CHECK(fl_checkpoint_read(c) == -1 && fl_error_status() == FL_REFUSED);
    if (!strstr(fl_error_text(), why) || !strstr(fl_error_text(), path))
        CHECK_TEXT(fl_error_text(), why);
    unmake(c);
}

static void
test_another_training(void)
{
    struct fl_checkpoint c;

    make(&c, 1);
    CHECK(!fl_checkpoint_write(&c));
    CHECK(!fl_meta_set_bytes(&c.identity, "base", "1123456789abcdef0123456789abcdef", 32));
    refused(&c, "another base model");
    make(&c, 1); /* base and shards are told before the settings */
    CHECK(!fl_meta_set_f64(&c.identity, "another", 0.002));
    CHECK(!fl_meta_set_bytes(&c.identity, "base", "1123456789abcdef0123456789abcdef", 32));
    refused(&c, "another base model");
    make(&c, 1);
    CHECK(!fl_meta_set_text_list(&c.identity, "shards", shards, 1));
    refused(&c, "other shards");
    make(&c, 1);
    CHECK(!fl_meta_set_f64(&c.identity, "set.lr", 0.002));
    refused(&c, "lr was 0.001 and is 0.002 now");
    make(&c, 1);
    CHECK(!fl_meta_set_i64(&c.identity, "set.rank", 4));
    refused(&c, "rank was none and is 4 now");
    make(&c, 1);
    fl_meta_remove(&c.identity, "set.steps");
    refused(&c, "steps was 10 and is none now");
}

/* Which tensor is no longer frozen, or is now, and how many there were; what is no list. */
static void
test_other_frozen(void)
{
    static const char *const names[] = {"norm.weight", "embed_tokens.weight", "x"};
    static const struct {
        size_t first, n, first_now, now; /* names that were frozen, and are */
        const char *why;
    } cases[] = {
        {0, 2, 0, 1,
         "2 frozen tensors, and 1 are frozen now: \"embed_tokens.weight\" was and is not"},
        {0, 1, 0, 3,
         "1 frozen tensors, and 3 are frozen now: \"embed_tokens.weight\" was not, and is"},
        {0, 1, 0, 0, "1 frozen tensors, and 0 are frozen now: \"norm.weight\" was and is not"},
        {0, 0, 1, 1,
         "0 frozen tensors, and 1 are frozen now: \"embed_tokens.weight\" was not, and"},
        {1, 1, 0, 1, "\"embed_tokens.weight\" was and is not; give the plan to -p that it had"},
    };
    struct fl_checkpoint c;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(&c, 1);
        if (cases[i].n)
            CHECK(!fl_meta_set_text_list(&c.identity, "set.frozen", names + cases[i].first,
                                         cases[i].n));
        CHECK(!fl_checkpoint_write(&c));
        fl_meta_remove(&c.identity, "set.frozen");
        if (cases[i].now)
            CHECK(!fl_meta_set_text_list(&c.identity, "set.frozen", names + cases[i].first_now,
                                         cases[i].now));
        refused(&c, cases[i].why);
    }
    make(&c, 1);
    CHECK(!fl_meta_set_i64(&c.identity, "set.frozen", 4) && !fl_checkpoint_write(&c));
    CHECK(!fl_meta_set_text_list(&c.identity, "set.frozen", names, 1));
    refused(&c, "frozen was 4 and is of another form now");
}

/* A model in bf16 or f16 whose masters are not: they come back to the bit. */
static void
test_masters(void)
{
    struct fl_checkpoint out, in;

    make(&out, 7);
    make(&in, 1);
    for (size_t i = 0; i < out.model->layout.count; i++)
        out.model->layout.params[i].dtype = in.model->layout.params[i].dtype = i & 1 ? FL_F16
                                                                                     : FL_BF16;
    CHECK(!fl_checkpoint_write(&out) && fl_checkpoint_read(&in) == 1 && same(&out, &in));
    unmake(&out);
    unmake(&in);
}

static void
test_another_kind(void)
{
    struct fl_checkpoint c;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, path, 0);

    make(&c, 1);
    CHECK(!fl_model_write(c.model, w, &c.identity, "{}", 2));
    fl_writer_free(w);
    close(fd);
    CHECK(fl_checkpoint_read(&c) == -1 && fl_error_status() == FL_FAILED);
    CHECK(strstr(fl_error_text(), "model") && strstr(fl_error_text(), path));
    unmake(&c);
}

static void
test_not_a_number(void)
{
    struct fl_checkpoint c;

    make(&c, 1);
    c.v[3] = NAN;
    CHECK(!fl_checkpoint_write(&c));
    CHECK(fl_checkpoint_read(&c) == -1 && fl_error_status() == FL_FAILED);
    unmake(&c);
}

static void
put_file(const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    CHECK(f && fwrite(data, 1, len, f) == len);
    CHECK(f && !fclose(f));
}

/*
 * Cuts and flipped bits are errors that name the file and the cure. Nobody is told to remove a file
 * that does not say that it is a checkpoint: it may be the base model.
 */
static void
test_damage(void)
{
    struct fl_checkpoint c;
    struct fl_buf file = {0};
    size_t accepted = 0, unclear = 0;

    make(&c, 1);
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
                   !strstr(fl_error_text(), at < 128 && !strstr(fl_error_text(), "; remove")
                                                ? "; give another name to --checkpoint"
                                                : "; remove it to train from the beginning");
        i += bit < 8 ? 60 : 6; /* exhaustively in test_damage; here it is the cure that matters */
    }
    CHECK(accepted == 0);
    CHECK(unclear == 0);
    fl_buf_release(&file);
    unmake(&c);
}

static void
test_nowhere_to_write(void)
{
    struct fl_checkpoint c;

    make(&c, 1);
    c.path = "/nonexistent/folder/c.flt";
    CHECK(fl_checkpoint_write(&c) == -1 && strstr(fl_error_text(), c.path));
    CHECK(fl_checkpoint_read(&c) == 0);
    unmake(&c);
}

int
main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/c.flt", folder);
    RUN(test_round_trip);
    RUN(test_another_training);
    RUN(test_other_frozen);
    RUN(test_masters);
    RUN(test_another_kind);
    RUN(test_not_a_number);
    RUN(test_damage);
    RUN(test_nowhere_to_write);
    unlink(path);
    rmdir(folder);
    return test_end();
}
