#include "data/shard.h"

#include <unistd.h>

#include "flt/reader.h"
#include "os/file.h"
#include "test.h"
#include "text/marks.h"

/* N ids in uneven pieces come back in order, in tensors of the promised size and type. */
static void
round_trip(const struct fl_tokenizer *t, enum fl_dtype dtype, size_t n)
{
    int fd = fl_spool_open();
    struct fl_shard *s = fl_shard_new(fd, "spool", 0, t, &(struct fl_shard_about){0});
    uint32_t *ids = malloc((n + 1) * sizeof *ids);
    const struct fl_head *head;
    const struct fl_tensor *tensor;
    const unsigned char *data;
    const unsigned char *digest;
    unsigned char want[32];
    size_t len, at = 0, tensors = 0, width = fl_dtype_size(dtype);
    uint64_t bytes = 0;
    int64_t value;
    size_t parts = SIZE_MAX;
    const char *unit;

    for (size_t i = 0; i < n; i++)
        ids[i] = (uint32_t)(i * 7919 % fl_tokenizer_vocab(t));
    CHECK(s != NULL);
    for (size_t i = 0, k = 1; i < n; i += k, k = (k * 5 + 1) % 700001) {
        k = k < n - i ? k : n - i;
        if (parts == SIZE_MAX && i >= n / 2) { /* what is added is a part of a record */
            fl_shard_passages(s);
            parts = i;
        }
        CHECK(!fl_shard_add(s, ids + i, k, 3 * k));
    }
    CHECK(!fl_shard_done(s));
    fl_shard_free(s);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    struct fl_reader *in = fl_reader_new(fd, "spool");
    CHECK(fl_reader_expect(in, FL_KIND_TOKENS, &head) == 1);
    fl_tokenizer_digest(t, want);
    CHECK(!fl_meta_get_bytes(&head->meta, "tokenizer", 32, &digest) && !memcmp(digest, want, 32));
    CHECK(!fl_meta_get_i64(&head->meta, "vocab", 1, 1 << 20, &value) &&
          value == fl_tokenizer_vocab(t));
    CHECK(!fl_meta_get_i64(&head->meta, "eot", 0, 1 << 20, &value) &&
          value == fl_tokenizer_marks(t)->end);
    while (fl_reader_tensor(in, &tensor) == 1) {
        char name[40];
        snprintf(name, sizeof name, "tokens/%06zu", tensors);
        CHECK_TEXT(tensor->name, name);
        CHECK(tensor->dtype == dtype && tensor->rank == 1);
        CHECK(!fl_meta_get_text(&tensor->attrs, FL_SHARD_UNIT, &unit));
        CHECK_TEXT(unit, (tensors + 1) * FL_SHARD_IDS > parts ? "passage" : "record");
        if (fl_tokenizer_is_exact(t)) {
            CHECK(tensor->attrs.count == 1);
        } else {
            CHECK(!fl_meta_get_i64(&tensor->attrs, FL_SHARD_BYTES, 0, INT64_MAX, &value));
            bytes += (uint64_t)value;
        }
        CHECK(tensor->dims[0] == (n - at < FL_SHARD_IDS ? n - at : FL_SHARD_IDS));
        while (fl_reader_block(in, &data, &len) == 1)
            for (size_t i = 0; i < len; i += width, at++) {
                uint32_t id = 0;
                memcpy(&id, data + i, width); /* the tests run on little-endian machines */
                if (at >= n || id != ids[at])
                    CHECK(!"ids come back");
            }
        tensors++;
    }
    CHECK(bytes == (fl_tokenizer_is_exact(t) ? 0 : 3 * n));
    CHECK(at == n && tensors == (n + FL_SHARD_IDS - 1) / FL_SHARD_IDS);
    fl_reader_free(in);
    close(fd);
    free(ids);
}

static void
test_small(void)
{
    struct fl_tokenizer *t = fl_tokenizer_bytes();

    round_trip(t, FL_U16, 0);
    round_trip(t, FL_U16, 1);
    round_trip(t, FL_U16, FL_SHARD_IDS);
    round_trip(t, FL_U16, 2 * (size_t)FL_SHARD_IDS + 5);
    fl_tokenizer_free(t);
}

/* An id above 65535 needs u32. */
static void
test_wide(void)
{
    struct fl_tokenizer *bytes = fl_tokenizer_bytes();
    struct fl_buf json = {0};
    size_t len;
    const char *text = fl_tokenizer_json(bytes, &len);
    const char *at = strstr(text, "},\"merges\"");

    for (int id = 65535; id <= 65536; id++) {
        fl_buf_clear(&json);
        CHECK(!fl_buf_add(&json, text, (size_t)(at - text)) &&
              !fl_buf_printf(&json, ",\"ab\":%d%s", id, at));
        struct fl_tokenizer *t = fl_tokenizer_parse("wide", json.data, json.len);
        CHECK(t != NULL);
        round_trip(t, id < 65536 ? FL_U16 : FL_U32, 1000);
        fl_tokenizer_free(t);
    }
    fl_buf_release(&json);
    fl_tokenizer_free(bytes);
}

/* Ids of a tokenizer that puts a space before every text do not say how long it was. */
static void
test_bytes(void)
{
    struct fl_tokenizer *bytes = fl_tokenizer_bytes();
    struct fl_buf json = {0};
    static const char none[] = "\"normalizer\":null";
    size_t len;
    const char *text = fl_tokenizer_json(bytes, &len), *at = strstr(text, none);

    CHECK(fl_tokenizer_is_exact(bytes));
    CHECK(!fl_buf_add(&json, text, (size_t)(at - text)) &&
          !fl_buf_add_text(&json, "\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\" \"}") &&
          !fl_buf_add_text(&json, at + sizeof none - 1));
    struct fl_tokenizer *t = fl_tokenizer_parse("prepend", json.data, json.len);
    CHECK(t && !fl_tokenizer_is_exact(t));
    round_trip(t, FL_U16, 0);
    round_trip(t, FL_U16, 1);
    round_trip(t, FL_U16, FL_SHARD_IDS);
    round_trip(t, FL_U16, 2 * (size_t)FL_SHARD_IDS + 5);
    fl_tokenizer_free(t);
    fl_buf_release(&json);
    fl_tokenizer_free(bytes);
}

/* Only a shard of the validation part says that it is one. */
static void
test_split(void)
{
    struct fl_tokenizer *t = fl_tokenizer_bytes();

    for (int valid = 0; valid < 2; valid++) {
        int fd = fl_spool_open();
        struct fl_shard *s = fl_shard_new(fd, "spool", 0, t,
                                          &(struct fl_shard_about){.valid = valid ? 0.25 : 0});
        const struct fl_head *head;
        const char *split;
        double fraction;
        CHECK(s && !fl_shard_done(s) && lseek(fd, 0, SEEK_SET) == 0);
        struct fl_reader *in = fl_reader_new(fd, "spool");
        CHECK(fl_reader_expect(in, FL_KIND_TOKENS, &head) == 1);
        CHECK(!valid == !fl_meta_find(&head->meta, "split"));
        CHECK(!valid == !fl_meta_find(&head->meta, "split.fraction"));
        if (valid) {
            CHECK(!fl_meta_get_text(&head->meta, "split", &split) && !strcmp(split, "valid"));
            CHECK(!fl_meta_get_f64(&head->meta, "split.fraction", &fraction) && fraction == 0.25);
        }
        fl_reader_free(in);
        fl_shard_free(s);
        close(fd);
    }
    fl_tokenizer_free(t);
}

int
main(void)
{
    RUN(test_small);
    RUN(test_bytes);
    RUN(test_wide);
    RUN(test_split);
    return test_end();
}
