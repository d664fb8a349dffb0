/* The safetensors reader: good files, and every way in which a header can lie. */
#include "test.h"

#include <unistd.h>

#include "base/buf.h"
#include "port/safetensors.h"
#include "port/safetensors_write.h"

static struct fl_safetensors *
parse(struct fl_buf *file, const char *header, size_t data)
{
    fl_buf_clear(file);
    fl_buf_add64(file, strlen(header));
    fl_buf_add_text(file, header);
    for (size_t i = 0; i < data; i++)
        fl_buf_add_byte(file, (unsigned)i);
    return fl_safetensors_parse(file->data, file->len, "x.safetensors");
}

static void
test_good(void)
{
    struct fl_buf file = {0};
    struct fl_safetensors *s = parse(
        &file,
        "{\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[4,12]},\"__metadata__\":{"
        "\"format\":\"pt\"},\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        12);

    CHECK(s && fl_safetensors_count(s) == 2);
    if (s) {
        int64_t i = fl_safetensors_find(s, "b");
        CHECK(i >= 0 && fl_safetensors_tensor(s, (size_t)i)->dims[0] == 2);
        CHECK(i >= 0 && fl_safetensors_data(s, (size_t)i)[0] == 4);
        CHECK(fl_safetensors_find(s, "c") == -1 && fl_safetensors_find(s, "") == -1);
    }
    fl_safetensors_free(s);
    fl_buf_release(&file);
}

static void
test_lies(void)
{
    static const char *const headers[] = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}", /* beyond the end */
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",  /* shape is longer */
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}",  /* backwards */
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0.5,4.5]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",
        "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":[]}",
        "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\","
        "\"shape\":[1],\"data_offsets\":[2,6]}}", /* overlap */
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\","
        "\"shape\":[1],\"data_offsets\":[4,8]}}",                            /* twice */
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", /* a hole */
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",  /* bytes after */
        "[]",
        "{",
        "",
        "{\"a\":{}}",
    };
    struct fl_buf file = {0};

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct fl_safetensors *s = parse(&file, headers[i], 12);
        if (s)
            printf("# accepted: %s\n", headers[i]);
        CHECK(!s && strstr(fl_error_text(), "x.safetensors"));
        fl_safetensors_free(s);
    }
    fl_buf_release(&file);
}

static void
test_lengths(void)
{
    static const unsigned char huge[] = {255, 255, 255, 255, 255, 255, 255, 255, '{', '}', 0};

    CHECK(!fl_safetensors_parse(huge, sizeof huge, "x"));
    CHECK(!fl_safetensors_parse(huge, 0, "x"));
    CHECK(!fl_safetensors_parse(huge, 7, "x"));
}

static void
test_notes(void)
{
    struct fl_buf file = {0};
    struct fl_safetensors *s = parse(&file, "{\"__metadata__\":{\"format\":\"pt\",\"n\":\"7\"}}",
                                     0);

    CHECK(s && fl_safetensors_count(s) == 0);
    if (s) {
        CHECK_TEXT(fl_safetensors_note(s, "format"), "pt");
        CHECK_TEXT(fl_safetensors_note(s, "n"), "7");
        CHECK(!fl_safetensors_note(s, "m"));
    }
    fl_safetensors_free(s);
    CHECK((s = parse(&file, "{}", 0)) && !fl_safetensors_note(s, "format"));
    fl_safetensors_free(s);
    CHECK(!parse(&file, "{\"__metadata__\":{\"n\":7}}", 0));
    CHECK(!parse(&file, "{\"__metadata__\":\"n\"}", 0));
    fl_buf_release(&file);
}

/* A truth is a byte. */
static void
test_bool(void)
{
    struct fl_buf file = {0};
    struct fl_safetensors *s =
        parse(&file, "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[2,6],\"data_offsets\":[0,12]}}", 12);

    CHECK(s && fl_safetensors_tensor(s, 0)->dtype == FL_U8);
    fl_safetensors_free(s);
    CHECK(!parse(&file, "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[12],\"data_offsets\":[0,2]}}", 2));
    fl_buf_release(&file);
}

/* What is written is read: of every dtype, padded to a multiple of 8. */
static void
test_written(void)
{
    static const enum fl_dtype dtypes[] = {FL_F64, FL_F32, FL_F16, FL_BF16, FL_I64, FL_U8};
    struct fl_tensor tensors[6];
    struct fl_buf file = {0};
    json_t *notes = json_pack("{s:s}", "format", "pt");
    uint64_t dims[2] = {3, 2}, total = 0;

    for (unsigned i = 0; i < 6; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%u", 5 - i); /* not in the order of names */
        fl_tensor_init(&tensors[i], name, dtypes[i], i % 3, dims);
        uint64_t elements, bytes;
        CHECK(!fl_tensor_size(&tensors[i], &elements, &bytes));
        total += bytes;
    }
    CHECK(!fl_safetensors_header(&file, tensors, 6, notes) && file.len % 8 == 0);
    for (uint64_t i = 0; i < total; i++)
        fl_buf_add_byte(&file, (unsigned)i);
    struct fl_safetensors *s = fl_safetensors_parse(file.data, file.len, "x");
    CHECK(s && fl_safetensors_count(s) == 6);
    const unsigned char *at = file.data + file.len - total;
    for (unsigned i = 0; s && i < 6; i++) {
        int64_t k = fl_safetensors_find(s, tensors[i].name);
        uint64_t elements, bytes;
        CHECK(k >= 0 && fl_safetensors_data(s, (size_t)k) == at);
        if (k < 0)
            continue;
        const struct fl_tensor *t = fl_safetensors_tensor(s, (size_t)k);
        CHECK(t->dtype == dtypes[i] && t->rank == i % 3 && (!t->rank || t->dims[0] == 3));
        CHECK(!fl_tensor_size(t, &elements, &bytes));
        at += bytes;
    }
    fl_safetensors_free(s);
    json_decref(notes);
    fl_buf_release(&file);
}

static char dir[] = "/tmp/fl-safetensors-XXXXXX";

static void
put(const char *name, const void *data, size_t len)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(data, 1, len, f) == len && !fclose(f));
}

/* A file of one tensor of four bytes, FIRST and those after it. */
static void
put_tensor(const char *file, const char *tensor, const char *note, unsigned first)
{
    struct fl_buf bytes = {0};
    struct fl_tensor t;
    json_t *notes = json_pack("{s:s}", "note", note);
    uint64_t four = 4;

    fl_tensor_init(&t, tensor, FL_U8, 1, &four);
    CHECK(!fl_safetensors_header(&bytes, &t, 1, notes));
    for (unsigned i = 0; i < 4; i++)
        fl_buf_add_byte(&bytes, first + i);
    put(file, bytes.data, bytes.len);
    json_decref(notes);
    fl_buf_release(&bytes);
}

static const struct {
    const char *index, *words; /* NULL: it is right */
} indexes[] = {
    {"{\"weight_map\":{\"y\":\"b\",\"x\":\"a\"},\"metadata\":{\"total_size\":\"?\"}}", NULL},
    {"{\"weight_map\":{\"x\":\"a\"}}", NULL},
    {"{\"weight_map\":{}}", "\"weight_map\" is no object"},
    {"{}", "\"weight_map\" is no object"},
    {"{\"weight_map\":[\"a\"]}", "\"weight_map\" is no object"},
    {"{\"weight_map\":{\"x\":\"a\"},\"weight_map\":{}}", "is not JSON: duplicate"},
    {"{\"weight_map\":{\"x\":\"a\",\"x\":\"b\"}}", "is not JSON: duplicate"},
    {"[]", "is not a JSON object"},
    {"", "is not JSON"},
    {"{\"weight_map\":{\"x\":\"../a\"}}", "names \"../a\", which is no file beside it"},
    {"{\"weight_map\":{\"x\":\"/etc/passwd\"}}", "names \"/etc/passwd\""},
    {"{\"weight_map\":{\"x\":\"./a\"}}", "names \"./a\""},
    {"{\"weight_map\":{\"x\":\"..\"}}", "names \"..\""},
    {"{\"weight_map\":{\"x\":\"\"}}", "names \"\""},
    {"{\"weight_map\":{\"x\":1}}", "names \"\""},
    {"{\"weight_map\":{\"x\":null}}", "names \"\""},
    {"{\"weight_map\":{\"x\":\"absent\"}}", "/absent: "},
    {"{\"weight_map\":{\"x\":\"b\",\"y\":\"b\"}}", "tensor \"x\" is in none of its files"},
    {"{\"weight_map\":{\"x\":\"b\",\"y\":\"a\"}}", "is in "},
    {"{\"weight_map\":{\"x\":\"a\",\"z\":\"b\"}}", "\"z\" is in none of its files"},
    {"{\"weight_map\":{\"x\":\"a\",\"x2\":\"copy\"}}", "tensor \"x\" is also in "},
};

static void
test_index(void)
{
    char index[64];

    put_tensor("a", "x", "first", 10);
    put_tensor("b", "y", "second", 20);
    put_tensor("copy", "x", "third", 10);
    snprintf(index, sizeof index, "%s/model.safetensors.index.json", dir);
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        put("model.safetensors.index.json", indexes[i].index, strlen(indexes[i].index));
        fl_error_clear();
        struct fl_safetensors *s = fl_safetensors_open_folder(dir);
        bool right = indexes[i].words ? !s && strstr(fl_error_text(), indexes[i].words) : s != NULL;
        if (!right)
            printf("# %s: %s\n", indexes[i].index, s ? "accepted" : fl_error_text());
        CHECK(right);
        CHECK(s || (fl_error_status() == FL_FAILED && !strncmp(fl_error_text(), dir, strlen(dir))));
        if (s && !i) {
            int64_t x = fl_safetensors_find(s, "x"), y = fl_safetensors_find(s, "y");
            CHECK_TEXT(fl_safetensors_name(s), index);
            CHECK(fl_safetensors_count(s) == 2 && x >= 0 && y >= 0);
            CHECK(fl_safetensors_data(s, (size_t)x)[3] == 13);
            CHECK(fl_safetensors_data(s, (size_t)y)[0] == 20);
            CHECK(!strcmp(fl_safetensors_file(s, (size_t)y) + strlen(dir), "/b"));
            CHECK_TEXT(fl_safetensors_note(s, "note"), "second"); /* the index names it first */
        }
        fl_safetensors_free(s);
    }
}

/* One file goes before an index; without either, the file is what is missed. */
static void
test_one_file(void)
{
    char command[64];

    put_tensor("model.safetensors", "w", "one", 0);
    struct fl_safetensors *s = fl_safetensors_open_folder(dir);
    CHECK(s && fl_safetensors_count(s) == 1 && fl_safetensors_find(s, "w") == 0);
    fl_safetensors_free(s);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK(!system(command) && !fl_safetensors_open_folder(dir));
    CHECK(strstr(fl_error_text(), "/model.safetensors: "));
}

int
main(void)
{
    if (!mkdtemp(dir))
        return 1;
    RUN(test_good);
    RUN(test_lies);
    RUN(test_lengths);
    RUN(test_notes);
    RUN(test_bool);
    RUN(test_written);
    RUN(test_index);
    RUN(test_one_file);
    return test_end();
}
