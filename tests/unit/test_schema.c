/* Lists of tensors: which are trained, and what a match refuses, word for word. */
#include "flt/schema.h"

#include <unistd.h>

#include "base/buf.h"
#include "flt/writer.h"
#include "os/file.h"
#include "test.h"

struct row {
    const char *name;
    enum fl_dtype dtype;
    unsigned rank;
    uint64_t dims[2];
    enum fl_role role;
};

static const struct row model[] = {
    {"embed", FL_BF16, 2, {5, 2}, FL_PLAIN},
    {"norm", FL_F32, 1, {2}, FL_PLAIN},
    {"head", FL_F16, 2, {2, 5}, FL_PLAIN},
    {"tokenizer.json", FL_U8, 1, {7}, FL_PLAIN},
};

/* An object of these tensors, zeros; NAME is its file. */
static struct fl_object *
object(const char *name, const struct row *rows, size_t n)
{
    static const char zeros[64];
    struct fl_buf path = {0};
    char *folder = getenv("TMPDIR");

    CHECK(!fl_buf_printf(&path, "%s/%s-%d", folder ? folder : "/tmp", name, (int)getpid()));
    FILE *file = fopen(fl_buf_text(&path), "w+");
    struct fl_writer *w = fl_writer_new(fileno(file), name, 0);
    CHECK(!fl_writer_head(w, FL_KIND_MODEL, NULL));
    for (size_t i = 0; i < n; i++) {
        struct fl_tensor t;
        uint64_t elements, bytes;
        fl_tensor_init(&t, rows[i].name, rows[i].dtype, rows[i].rank, rows[i].dims);
        t.role = rows[i].role;
        CHECK(!fl_tensor_size(&t, &elements, &bytes) && bytes <= sizeof zeros);
        CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, zeros, (size_t)bytes));
    }
    CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    fclose(file);
    struct fl_object *o = fl_object_open(fl_buf_text(&path), NULL);
    CHECK(o != NULL);
    unlink(fl_buf_text(&path));
    fl_buf_release(&path);
    return o;
}

#define OBJECT(name, ...)                                                                          \
    object(name, (const struct row[]){__VA_ARGS__},                                                \
           sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row))

static void
test_model(void)
{
    struct fl_object *o = object("m", model, 4);
    struct fl_schema all, trained;

    CHECK(!fl_schema_model(&all, o) && all.count == 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK(all.items[i].trained == (i < 3));
        CHECK_TEXT(all.items[i].tensor.name, model[i].name);
        CHECK(fl_schema_find(&all, model[i].name) == &all.items[i]);
    }
    CHECK(!fl_schema_find(&all, "nor") && !fl_schema_find(&all, ""));
    CHECK(!fl_schema_match(&all, o, FL_SCHEMA_IN_ORDER));
    CHECK(!fl_schema_update(&trained, o) && trained.count == 3);
    for (size_t i = 0; i < 3; i++)
        CHECK(trained.items[i].tensor.dtype == FL_F32 &&
              trained.items[i].tensor.dims[0] == model[i].dims[0]);
    fl_schema_release(&all);
    fl_schema_release(&trained);
    fl_object_free(o);
}

static void
test_no_model(void)
{
    static const struct {
        struct row row;
        const char *want;
    } cases[] = {
        {{"w", FL_F64, 1, {3}, FL_PLAIN},
         "tensor \"w\" is plain f64[3]; a model is made of plain f32, f16, bf16 and q8_0"},
        {{"w", FL_F32, 1, {3}, FL_MASKED}, "tensor \"w\" is masked f32[3]; a model"},
        {{"w", FL_U8, 1, {3}, FL_PLAIN}, "has no tensor that is trained: none is f32, f16 or bf16"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_object *o = object("m", &cases[i].row, 1);
        struct fl_schema s;
        CHECK(fl_schema_update(&s, o) == -1 && fl_error_status() == FL_FAILED);
        CHECK(strstr(fl_error_text(), cases[i].want) != NULL);
        fl_schema_release(&s);
        fl_object_free(o);
    }
}

/* What the update of the model above must be, and what else is said of it. */
static void
test_match(void)
{
    static const struct {
        struct row rows[4];
        size_t n;
        unsigned flags;
        const char *want; /* NULL: it is right */
    } cases[] = {
        {{{"norm", FL_F32, 1, {2}, 0},
          {"embed", FL_F32, 2, {5, 2}, 0},
          {"head", FL_F32, 2, {2, 5}, 0}},
         3,
         0,
         NULL},
        {{{"norm", FL_F32, 1, {2}, 0},
          {"embed", FL_F32, 2, {5, 2}, 0},
          {"head", FL_F32, 2, {2, 5}, 0}},
         3,
         FL_SCHEMA_IN_ORDER,
         "has tensor \"norm\" where the model has \"embed\"; the same tensors in the same order "
         "would "
         "be right"},
        {{{"embed", FL_BF16, 2, {5, 2}, 0},
          {"norm", FL_F16, 1, {2}, 0},
          {"head", FL_F32, 2, {2, 5}, 0}},
         3,
         FL_SCHEMA_ANY_FLOAT | FL_SCHEMA_IN_ORDER,
         NULL},
        {{{"embed", FL_BF16, 2, {5, 2}, 0},
          {"norm", FL_F32, 1, {2}, 0},
          {"head", FL_F32, 2, {2, 5}, 0}},
         3,
         0,
         "tensor \"embed\" is plain bf16[5,2]; in the model it is plain f32[5,2]"},
        {{{"embed", FL_F32, 2, {2, 5}, 0},
          {"norm", FL_F32, 1, {2}, 0},
          {"head", FL_F32, 2, {2, 5}, 0}},
         3,
         FL_SCHEMA_ANY_FLOAT,
         "tensor \"embed\" is plain f32[2,5]; in the model it is plain f32[5,2]"},
        {{{"embed", FL_F32, 2, {5, 2}, 0},
          {"norm", FL_F32, 1, {2}, FL_MASKED},
          {"head", FL_F32, 2, {2, 5}, 0}},
         3,
         0,
         "tensor \"norm\" is masked f32[2]; in the model it is plain f32[2]"},
        {{{"embed", FL_F32, 2, {5, 2}, 0}, {"head", FL_F32, 2, {2, 5}, 0}},
         2,
         0,
         "has no tensor \"norm\", which in the model is f32[2]"},
        {{{"embed", FL_F32, 2, {5, 2}, 0},
          {"norm", FL_F32, 1, {2}, 0},
          {"head", FL_F32, 2, {2, 5}, 0},
          {"tail", FL_F32, 0, {0}, 0}},
         4,
         0,
         "has a tensor \"tail\", f32[], that is not in the model"},
    };
    struct fl_object *m = object("m", model, 4);
    struct fl_schema want;

    CHECK(!fl_schema_update(&want, m));
    free(want.name);
    want.name = strdup("the model");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_object *o = object("u", cases[i].rows, cases[i].n);
        int got = fl_schema_match(&want, o, cases[i].flags);
        CHECK(got == (cases[i].want ? -1 : 0));
        if (cases[i].want && !strstr(fl_error_text(), cases[i].want))
            CHECK_TEXT(fl_error_text(), cases[i].want);
        fl_object_free(o);
    }
    fl_schema_release(&want);
    fl_object_free(m);
}

/* One after another, as from a pipe; attributes count. */
static void
test_next(void)
{
    struct fl_schema want;
    struct fl_tensor a, b;

    fl_tensor_init(&a, "a", FL_U64, 1, (const uint64_t[]){4});
    fl_tensor_init(&b, "b", FL_U64, 1, (const uint64_t[]){4});
    CHECK(!fl_meta_set_i64(&a.attrs, "lane.bits", 16));
    CHECK(!fl_schema_start(&want, "the plan") && !fl_schema_add(&want, &a, false));
    CHECK(!fl_schema_add(&want, &b, false));
    CHECK(!fl_schema_match_next(&want, 0, "up", &a) && !fl_schema_match_next(&want, 1, "up", &b));
    CHECK(!fl_schema_match_end(&want, 2, "up"));
    CHECK(fl_schema_match_next(&want, 2, "up", &b) == -1);
    CHECK_TEXT(fl_error_text(), "up: has a tensor \"b\", u64[4], that is not in the plan");
    CHECK(fl_schema_match_next(&want, 1, "up", &a) == -1);
    CHECK(fl_schema_match_end(&want, 1, "up") == -1);
    CHECK_TEXT(fl_error_text(), "up: has no tensor \"b\", which in the plan is u64[4]");
    CHECK(!fl_meta_set_i64(&a.attrs, "lane.bits", 8));
    CHECK(fl_schema_match_next(&want, 0, "up", &a) == -1);
    CHECK_TEXT(fl_error_text(), "up: tensor \"a\" has other attributes than in the plan");
    fl_meta_release(&a.attrs);
    CHECK(fl_schema_match_next(&want, 0, "up", &a) == -1);
    fl_schema_release(&want);
}

static void
test_one(void)
{
    struct fl_schema want;
    struct fl_tensor q, like, other;

    fl_tensor_init(&q, "q", FL_F32, 2, (uint64_t[]){2, 3});
    fl_tensor_init(&like, "model.q", FL_BF16, 2, (uint64_t[]){2, 3});
    fl_tensor_init(&other, "model.q", FL_BF16, 2, (uint64_t[]){3, 2});
    CHECK(!fl_schema_start(&want, "config.json") && !fl_schema_add(&want, &q, true));
    CHECK(!fl_schema_match_tensor(&want, &q, "f", &like, FL_SCHEMA_ANY_FLOAT));

    struct {
        const struct fl_tensor *right, *t;
        unsigned flags;
        const char *text;
    } cases[] = {
        {&q, &like, 0,
         "f: tensor \"model.q\" is plain bf16[2,3]; in config.json it is plain f32[2,3]"},
        {&q, &other, FL_SCHEMA_ANY_FLOAT,
         "f: tensor \"model.q\" is plain bf16[3,2]; in config.json it is plain f32[2,3]"},
        {NULL, &like, 0, "f: has a tensor \"model.q\", bf16[2,3], that is not in config.json"},
        {&q, NULL, 0, "f: has no tensor \"q\", which in config.json is f32[2,3]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(fl_schema_match_tensor(&want, cases[i].right, "f", cases[i].t, cases[i].flags) == -1);
        CHECK_TEXT(fl_error_text(), cases[i].text);
        CHECK(fl_error_status() == FL_FAILED);
    }
    fl_schema_release(&want);
}

int
main(void)
{
    RUN(test_model);
    RUN(test_no_model);
    RUN(test_match);
    RUN(test_next);
    RUN(test_one);
    return test_end();
}
