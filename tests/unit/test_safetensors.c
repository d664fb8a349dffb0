/* The safetensors reader: good files, and every way in which a header can lie. */
#include "test.h"

#include "base/buf.h"
#include "port/safetensors.h"

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

int
main(void)
{
    RUN(test_good);
    RUN(test_lies);
    RUN(test_lengths);
    return test_end();
}
