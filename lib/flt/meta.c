/*
 * Items are kept in the order of their keys, in which they are written: equal metadata has equal
 * bytes and so one digest, and decoding refuses any other order. What comes from outside is taken
 * by a cursor that compares every length with what is left before memory is taken for it.
 */
#include "flt/meta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/search.h"
#include "base/utf8.h"

static void
release_item(struct fl_meta_item *item)
{
    free(item->key);
    if (item->type == FL_META_TEXT_LIST)
        for (size_t i = 0; item->value.text_list && i < item->count; i++)
            free(item->value.text_list[i]);
    if (item->type != FL_META_I64 && item->type != FL_META_F64)
        free(item->value.bytes); /* any of the pointers */
    memset(item, 0, sizeof *item);
}

void
fl_meta_release(struct fl_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++)
        release_item(&meta->items[i]);
    free(meta->items);
    *meta = (struct fl_meta){0};
}

static bool
lies_before(const void *item, const void *key)
{
    return strcmp(((const struct fl_meta_item *)item)->key, key) < 0;
}

/* Where KEY is, or would be: its index, with *FOUND set. */
static size_t
place_of(const struct fl_meta *meta, const char *key, bool *found)
{
    size_t i = fl_search(meta->items, meta->count, sizeof *meta->items, key, lies_before);

    *found = i < meta->count && !strcmp(meta->items[i].key, key);
    return i;
}

const struct fl_meta_item *
fl_meta_find(const struct fl_meta *meta, const char *key)
{
    bool found;
    size_t i = place_of(meta, key, &found);

    return found ? &meta->items[i] : NULL;
}

void
fl_meta_remove(struct fl_meta *meta, const char *key)
{
    bool found;
    size_t i = place_of(meta, key, &found);

    if (!found)
        return;
    release_item(&meta->items[i]);
    memmove(&meta->items[i], &meta->items[i + 1], (meta->count - i - 1) * sizeof *meta->items);
    meta->count--;
}

static int
check_text(const char *what, const void *text, size_t len)
{
    if (memchr(text, 0, len) || fl_utf8_valid_prefix(text, len) != len)
        return fl_error(FL_FAILED, "a metadata %s is not UTF-8 text", what);
    return 0;
}

/* Insert ITEM, whose memory is taken over, in place of an earlier one; released on failure. */
static int
put(struct fl_meta *meta, struct fl_meta_item *item)
{
    bool found;

    size_t len = item->key ? strlen(item->key) : 0;
    if (!item->key || (item->type >= FL_META_TEXT && !item->value.bytes)) {
        release_item(item); /* out of memory: recorded where it was found */
        return -1;
    }
    if (len < 1 || len > 255 || check_text("key", item->key, len)) {
        fl_error(FL_FAILED, "a metadata key has %zu bytes; 1 to 255 of UTF-8 are allowed", len);
        release_item(item);
        return -1;
    }
    size_t i = place_of(meta, item->key, &found);
    if (found) {
        release_item(&meta->items[i]);
        meta->items[i] = *item;
        return 0;
    }
    struct fl_meta_item *items = fl_grow(meta->items, meta->count, &meta->cap, sizeof *items);
    if (!items) {
        release_item(item);
        return -1;
    }
    meta->items = items;
    memmove(&items[i + 1], &items[i], (meta->count - i) * sizeof *items);
    items[i] = *item;
    meta->count++;
    return 0;
}

static void *
copy_of(const void *data, size_t count, size_t size)
{
    size_t bytes;
    char *copy = fl_mul_size(count, size, &bytes) ? NULL : fl_alloc(bytes + 1, 1);

    if (copy && bytes)
        memcpy(copy, data, bytes);
    return copy;
}

int
fl_meta_set_i64(struct fl_meta *meta, const char *key, int64_t value)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_I64, .count = 1};

    item.value.i64 = value;
    return put(meta, &item);
}

int
fl_meta_set_f64(struct fl_meta *meta, const char *key, double value)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_F64, .count = 1};

    item.value.f64 = value;
    return put(meta, &item);
}

int
fl_meta_set_text(struct fl_meta *meta, const char *key, const char *value)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_TEXT};

    item.count = strlen(value);
    item.value.text = copy_of(value, item.count, 1);
    if (item.value.text && check_text("text", value, item.count)) {
        release_item(&item);
        return -1;
    }
    return put(meta, &item);
}

int
fl_meta_set_bytes(struct fl_meta *meta, const char *key, const void *value, size_t len)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_BYTES, .count = len};

    item.value.bytes = copy_of(value, len, 1);
    return put(meta, &item);
}

int
fl_meta_set_i64_list(struct fl_meta *meta, const char *key, const int64_t *values, size_t n)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_I64_LIST, .count = n};

    item.value.i64_list = copy_of(values, n, sizeof *values);
    return put(meta, &item);
}

int
fl_meta_set_f64_list(struct fl_meta *meta, const char *key, const double *values, size_t n)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_F64_LIST, .count = n};

    item.value.f64_list = copy_of(values, n, sizeof *values);
    return put(meta, &item);
}

int
fl_meta_set_text_list(struct fl_meta *meta, const char *key, const char *const *values, size_t n)
{
    struct fl_meta_item item = {.key = fl_strdup(key), .type = FL_META_TEXT_LIST, .count = n};

    item.value.text_list = fl_alloc(n + 1, sizeof *item.value.text_list);
    for (size_t i = 0; item.value.text_list && i < n; i++) {
        if (check_text("text", values[i], strlen(values[i])) ||
            !(item.value.text_list[i] = fl_strdup(values[i]))) {
            release_item(&item);
            return -1;
        }
    }
    return put(meta, &item);
}

int
fl_meta_set_item(struct fl_meta *meta, const struct fl_meta_item *item)
{
    switch (item->type) {
    case FL_META_I64: return fl_meta_set_i64(meta, item->key, item->value.i64);
    case FL_META_F64: return fl_meta_set_f64(meta, item->key, item->value.f64);
    case FL_META_TEXT: return fl_meta_set_text(meta, item->key, item->value.text);
    case FL_META_BYTES: return fl_meta_set_bytes(meta, item->key, item->value.bytes, item->count);
    case FL_META_I64_LIST:
        return fl_meta_set_i64_list(meta, item->key, item->value.i64_list, item->count);
    case FL_META_F64_LIST:
        return fl_meta_set_f64_list(meta, item->key, item->value.f64_list, item->count);
    case FL_META_TEXT_LIST:
        return fl_meta_set_text_list(meta, item->key, (const char *const *)item->value.text_list,
                                     item->count);
    }
    return fl_error(FL_FAILED, "metadata \"%s\" has an unknown type", item->key);
}

int
fl_meta_copy(struct fl_meta *to, const struct fl_meta *from)
{
    *to = (struct fl_meta){0};
    for (size_t i = 0; i < from->count; i++)
        if (fl_meta_set_item(to, &from->items[i])) {
            fl_meta_release(to);
            return -1;
        }
    return 0;
}

static bool
same_texts(char *const *a, char *const *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(a[i], b[i]))
            return false;
    return true;
}

bool
fl_meta_same_item(const struct fl_meta_item *a, const struct fl_meta_item *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case FL_META_I64: return a->value.i64 == b->value.i64;
    case FL_META_F64: return !memcmp(&a->value.f64, &b->value.f64, sizeof a->value.f64);
    case FL_META_TEXT:
    case FL_META_BYTES: return !memcmp(a->value.bytes, b->value.bytes, a->count);
    case FL_META_I64_LIST:
        return !a->count ||
               !memcmp(a->value.i64_list, b->value.i64_list, a->count * sizeof *a->value.i64_list);
    case FL_META_F64_LIST:
        return !a->count ||
               !memcmp(a->value.f64_list, b->value.f64_list, a->count * sizeof *a->value.f64_list);
    case FL_META_TEXT_LIST: return same_texts(a->value.text_list, b->value.text_list, a->count);
    }
    return false;
}

static const struct fl_meta_item *
get(const struct fl_meta *meta, const char *key, enum fl_meta_type type)
{
    static const char *const names[] =
        {"",      "a whole number",          "a number",          "text",
         "bytes", "a list of whole numbers", "a list of numbers", "a list of texts"};
    const struct fl_meta_item *item = fl_meta_find(meta, key);

    if (!item)
        fl_error(FL_FAILED, "metadata \"%s\" is missing", key);
    else if (item->type != type)
        fl_error(FL_FAILED, "metadata \"%s\" is not %s", key, names[type]);
    return item && item->type == type ? item : NULL;
}

int
fl_meta_get_i64(const struct fl_meta *meta, const char *key, int64_t min, int64_t max,
                int64_t *value)
{
    const struct fl_meta_item *item = get(meta, key, FL_META_I64);

    if (!item)
        return -1;
    if (item->value.i64 < min || item->value.i64 > max)
        return fl_error(FL_FAILED, "metadata \"%s\" is %lld, not from %lld to %lld", key,
                        (long long)item->value.i64, (long long)min, (long long)max);
    *value = item->value.i64;
    return 0;
}

int
fl_meta_get_f64(const struct fl_meta *meta, const char *key, double *value)
{
    const struct fl_meta_item *item = get(meta, key, FL_META_F64);

    if (!item)
        return -1;
    if (!isfinite(item->value.f64))
        return fl_error(FL_FAILED, "metadata \"%s\" is not finite", key);
    *value = item->value.f64;
    return 0;
}

int
fl_meta_get_text(const struct fl_meta *meta, const char *key, const char **value)
{
    const struct fl_meta_item *item = get(meta, key, FL_META_TEXT);

    if (!item)
        return -1;
    *value = item->value.text;
    return 0;
}

int
fl_meta_get_word(const struct fl_meta *meta, const char *key, const char *const *words, int *index)
{
    const char *text;

    if (fl_meta_get_text(meta, key, &text))
        return -1;
    for (*index = 0; words[*index]; ++*index)
        if (!strcmp(words[*index], text))
            return 0;
    return fl_error(FL_USAGE, "%s: \"%.40s\" is not known to this version", key, text);
}

int
fl_meta_get_bytes(const struct fl_meta *meta, const char *key, size_t len,
                  const unsigned char **value)
{
    const struct fl_meta_item *item = get(meta, key, FL_META_BYTES);

    if (!item)
        return -1;
    if (item->count != len)
        return fl_error(FL_FAILED, "metadata \"%s\" has %zu bytes, not %zu", key, item->count, len);
    *value = item->value.bytes;
    return 0;
}

static int
encode_item(const struct fl_meta_item *item, struct fl_buf *out)
{
    size_t n = item->count;
    int bad = 0;

    if (item->type >= FL_META_TEXT) {
        if (n > UINT32_MAX)
            return fl_error(FL_FAILED, "metadata \"%s\" is too long", item->key);
        bad |= fl_buf_add32(out, (uint32_t)n);
    }
    switch (item->type) {
    case FL_META_I64: bad |= fl_buf_add64(out, (uint64_t)item->value.i64); break;
    case FL_META_TEXT:
    case FL_META_BYTES: bad |= fl_buf_add(out, item->value.bytes, n); break;
    case FL_META_I64_LIST:
        for (size_t i = 0; i < n; i++)
            bad |= fl_buf_add64(out, (uint64_t)item->value.i64_list[i]);
        break;
    case FL_META_F64:
    case FL_META_F64_LIST:
        for (size_t i = 0; i < n; i++) {
            unsigned char p[8];
            fl_put_f64(p, item->type == FL_META_F64 ? item->value.f64 : item->value.f64_list[i]);
            bad |= fl_buf_add(out, p, sizeof p);
        }
        break;
    case FL_META_TEXT_LIST:
        for (size_t i = 0; i < n; i++) {
            bad |= fl_buf_add32(out, (uint32_t)strlen(item->value.text_list[i]));
            bad |= fl_buf_add_text(out, item->value.text_list[i]);
        }
        break;
    }
    return bad ? -1 : 0;
}

int
fl_meta_encode(const struct fl_meta *meta, struct fl_buf *out)
{
    int bad = fl_buf_add32(out, (uint32_t)meta->count);

    for (size_t i = 0; i < meta->count && !bad; i++) {
        const struct fl_meta_item *item = &meta->items[i];
        bad |= fl_buf_add16(out, (uint16_t)strlen(item->key));
        bad |= fl_buf_add_text(out, item->key);
        bad |= fl_buf_add_byte(out, item->type);
        bad |= encode_item(item, out);
    }
    return bad ? -1 : 0;
}

/* A place in bytes that came from outside; every step is checked against the end. */
struct cursor {
    const unsigned char *data;
    size_t len, at;
};

/* The next N bytes, or NULL with an error when there are fewer. */
static const unsigned char *
take(struct cursor *c, size_t n)
{
    if (n > c->len - c->at) {
        fl_error(FL_FAILED, "metadata is longer than its record");
        return NULL;
    }
    c->at += n;
    return c->data + c->at - n;
}

static int
take32(struct cursor *c, size_t *n)
{
    const unsigned char *p = take(c, 4);

    if (!p)
        return -1;
    *n = fl_get32(p);
    return 0;
}

static int
decode_text_list(struct cursor *c, size_t n, struct fl_meta_item *item)
{
    if (n > (c->len - c->at) / 4)
        return fl_error(FL_FAILED, "metadata is longer than its record");
    item->value.text_list = fl_alloc(n + 1, sizeof *item->value.text_list);
    if (!item->value.text_list)
        return -1;
    item->count = n;
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const unsigned char *p = take32(c, &len) ? NULL : take(c, len);
        if (!p || check_text("text", p, len) ||
            !(item->value.text_list[i] = fl_strndup((const char *)p, len)))
            return -1;
    }
    return 0;
}

static int
decode_value(struct cursor *c, struct fl_meta_item *item)
{
    size_t n = 1;

    if (item->type >= FL_META_TEXT && take32(c, &n))
        return -1;
    if (item->type == FL_META_TEXT_LIST)
        return decode_text_list(c, n, item);
    size_t size = item->type == FL_META_TEXT || item->type == FL_META_BYTES ? 1 : 8;
    const unsigned char *p = n > SIZE_MAX / size ? NULL : take(c, n * size);
    if (!p)
        return -1;
    item->count = n;
    if (item->type == FL_META_I64) {
        item->value.i64 = (int64_t)fl_get64(p);
        return 0;
    }
    if (item->type == FL_META_F64) {
        item->value.f64 = fl_get_f64(p);
        return 0;
    }
    if (item->type == FL_META_TEXT && check_text("text", p, n))
        return -1;
    item->value.bytes = fl_alloc(n * size + 1, 1);
    if (!item->value.bytes)
        return -1;
    for (size_t i = 0; i < n && size == 8; i++) {
        uint64_t v = fl_get64(p + 8 * i);
        memcpy(item->value.bytes + 8 * i, &v, sizeof v);
    }
    if (size == 1 && n)
        memcpy(item->value.bytes, p, n);
    return 0;
}

static int
decode_item(struct fl_meta *meta, struct cursor *c)
{
    struct fl_meta_item item = {0};
    const unsigned char *p = take(c, 2);

    if (!p)
        return -1;
    size_t len = fl_get16(p);
    p = len < 1 || len > 255 ? NULL : take(c, len + 1);
    if (!p || check_text("key", p, len))
        return fl_error(FL_FAILED, "a metadata key is not 1 to 255 bytes of UTF-8");
    item.type = p[len];
    if (item.type < FL_META_I64 || item.type > FL_META_TEXT_LIST)
        return fl_error(FL_FAILED, "metadata \"%.*s\" has the unknown type %d", (int)len,
                        (const char *)p, (int)p[len]);
    item.key = fl_strndup((const char *)p, len);
    if (!item.key)
        return -1;
    if (meta->count && strcmp(meta->items[meta->count - 1].key, item.key) >= 0) {
        fl_error(FL_FAILED, "metadata \"%s\" is out of order", item.key);
        release_item(&item);
        return -1;
    }
    if (decode_value(c, &item)) {
        release_item(&item);
        return -1;
    }
    return put(meta, &item);
}

int
fl_meta_decode(struct fl_meta *meta, const unsigned char *data, size_t len, size_t *at)
{
    struct cursor c = {data, len, *at};
    size_t count;

    *meta = (struct fl_meta){0};
    if (take32(&c, &count))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (decode_item(meta, &c)) {
            fl_meta_release(meta);
            return -1;
        }
    *at = c.at;
    return 0;
}
