/* Where a tokenizer comes from, and what its ids are: the half that needs no working memory. */
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/file.h"
#include "text/tokenizer_parts.h"
#include "text/tokenizer_write.h"

#define KINDS FL_KIND_MODEL "|" FL_KIND_TOKENIZER

void
fl_tokenizer_free(struct fl_tokenizer *t)
{
    if (!t)
        return;
    free(t->json);
    fl_vocab_release(&t->names);
    free(t->special);
    free(t->closed);
    fl_buf_release(&t->pieces);
    free(t->piece_at);
    fl_added_release(&t->raw);
    fl_added_release(&t->normalized);
    fl_normalizer_release(&t->normalizer);
    fl_pretokenizer_release(&t->pretokenizer);
    fl_bpe_release(&t->bpe);
    fl_decoder_release(&t->decoder);
    fl_marks_release(&t->marks);
    fl_buf_release(&t->prefix);
    free(t);
}

struct fl_tokenizer *
fl_tokenizer_parse(const char *name, const void *json, size_t len)
{
    return fl_tokenizer_parse_told(name, json, len, NULL);
}

struct fl_tokenizer *
fl_tokenizer_parse_told(const char *name, const void *json, size_t len, const struct fl_ids *stops)
{
    struct fl_tokenizer *t;

    if (len > FL_TOKENIZER_MAX) {
        fl_error(FL_FAILED, "%s: a tokenizer.json of %zu bytes; at most %d are supported", name,
                 len, FL_TOKENIZER_MAX);
        return NULL;
    }
    t = fl_alloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->json = fl_strndup(json, len);
    t->json_len = len;
    if (!t->json || fl_tokenizer_parse_json(t, stops)) {
        fl_error_about(name);
        fl_tokenizer_free(t);
        return NULL;
    }
    return t;
}

struct fl_tokenizer *
fl_tokenizer_bytes(void)
{
    struct fl_buf json = {0};
    struct fl_tokenizer *t = NULL;

    if (!fl_tokenizer_write(NULL, NULL, 0, &json))
        t = fl_tokenizer_parse("the byte tokenizer", json.data, json.len);
    fl_buf_release(&json);
    return t;
}

struct fl_tokenizer *
fl_tokenizer_from_object(struct fl_object *o)
{
    const struct fl_head *head = fl_object_head(o);
    int64_t i = fl_object_find(o, FL_TOKENIZER_TENSOR);

    if (!fl_kind_is(head->kind, KINDS)) {
        fl_wrong_kind(fl_object_name(o), head->kind, KINDS);
        return NULL;
    }
    if (i < 0) {
        fl_error(FL_FAILED, "%s: has no tensor \"" FL_TOKENIZER_TENSOR "\"", fl_object_name(o));
        return NULL;
    }
    const struct fl_tensor *tensor = fl_object_tensor(o, (size_t)i);
    if (tensor->dtype != FL_U8 || tensor->rank != 1) {
        fl_error(FL_FAILED, "%s: tensor \"" FL_TOKENIZER_TENSOR "\" is not one row of u8",
                 fl_object_name(o));
        return NULL;
    }
    const void *json = fl_object_data(o, (size_t)i);
    struct fl_ids stops = {0};
    struct fl_tokenizer *t = NULL;
    if (json && fl_marks_read(&stops, &head->meta))
        fl_error_about(fl_object_name(o));
    else if (json)
        t = fl_tokenizer_parse_told(fl_object_name(o), json, fl_object_bytes(o, (size_t)i),
                                    stops.len ? &stops : NULL);
    fl_ids_release(&stops);
    return t;
}

/* Does the file begin as JSON does? Pipes are taken for streams. -1 with an error. */
static int
looks_like_json(const char *path)
{
    char c[64];
    int fd = fl_open_input(path, true);

    if (fd < 0)
        return -1;
    if (fl_regular_size(fd) < 0) {
        fl_close_input(fd);
        return 0;
    }
    ssize_t n = fl_pread_full(fd, fl_input_name(path), c, sizeof c, 0);
    fl_close_input(fd);
    if (n < 0)
        return -1;
    size_t at = 0;
    while (at < (size_t)n && strchr(" \t\r\n", c[at]) && c[at])
        at++;
    return at < (size_t)n && c[at] == '{';
}

struct fl_tokenizer *
fl_tokenizer_load(const char *path)
{
    struct fl_tokenizer *t = NULL;
    struct fl_buf json = {0};
    int is_json = looks_like_json(path);

    if (is_json < 0)
        return NULL;
    if (is_json) {
        if (!fl_read_file(path, FL_TOKENIZER_MAX, &json))
            t = fl_tokenizer_parse(fl_input_name(path), json.data, json.len);
        fl_buf_release(&json);
        return t;
    }
    struct fl_object *o = fl_object_open(path, KINDS);
    if (!o)
        return NULL;
    t = fl_tokenizer_from_object(o);
    if (t && fl_object_check(o)) {
        fl_tokenizer_free(t);
        t = NULL;
    }
    fl_object_free(o);
    return t;
}

const char *
fl_tokenizer_json(const struct fl_tokenizer *t, size_t *len)
{
    *len = t->json_len;
    return t->json;
}

void
fl_tokenizer_digest(const struct fl_tokenizer *t, unsigned char digest[FL_HASH_BYTES])
{
    fl_hash_once(digest, NULL, "fl1.tokenizer", t->json, t->json_len);
}

uint32_t
fl_tokenizer_vocab(const struct fl_tokenizer *t)
{
    return t->vocab;
}

const struct fl_marks *
fl_tokenizer_marks(const struct fl_tokenizer *t)
{
    return &t->marks;
}

int
fl_tokenizer_to_meta(const struct fl_tokenizer *t, struct fl_meta *meta)
{
    return t->marks.told ? fl_marks_write(&t->marks.stops, meta) : 0;
}

int64_t
fl_tokenizer_find(const struct fl_tokenizer *t, const char *text, size_t len)
{
    int64_t id = fl_vocab_find(&t->names, text, len);
    size_t piece_len;

    for (uint32_t i = 0; id < 0 && i < t->vocab; i++) {
        const unsigned char *piece = fl_tokenizer_piece(t, i, &piece_len);
        if (piece && piece_len == len && !memcmp(piece, text, len))
            id = i;
    }
    return id;
}

const unsigned char *
fl_tokenizer_piece(const struct fl_tokenizer *t, uint32_t id, size_t *len)
{
    *len = 0;
    if (id >= t->vocab || !t->names.items[id].there)
        return NULL;
    *len = t->piece_at[id + 1] - t->piece_at[id];
    return t->pieces.data + t->piece_at[id];
}

size_t
fl_tokenizer_first_bytes(const struct fl_tokenizer *t, uint32_t id)
{
    const struct fl_buf *p = &t->prefix;
    size_t len;
    const unsigned char *piece = fl_tokenizer_piece(t, id, &len);

    return piece && p->len && len >= p->len && !memcmp(piece, p->data, p->len) ? len - p->len : len;
}

bool
fl_tokenizer_is_special(const struct fl_tokenizer *t, uint32_t id)
{
    return id < t->vocab && t->special[id];
}

static bool
keeps_space(const struct fl_added *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (!a->tokens[i].guarded && (a->tokens[i].left || a->tokens[i].right))
            return false;
    return true;
}

bool
fl_tokenizer_is_exact(const struct fl_tokenizer *t)
{
    for (size_t i = 0; i < t->normalizer.count; i++)
        if (t->normalizer.steps[i].type != FL_NORMALIZER_NFC || t->normalized.plain)
            return false;
    return t->bpe.byte_level && !t->prefix.len && keeps_space(&t->raw) &&
           keeps_space(&t->normalized);
}

int
fl_decode(const struct fl_tokenizer *t, const uint32_t *ids, size_t n, bool keep_special,
          struct fl_buf *out)
{
    size_t from = out->len, len;

    for (size_t i = 0; i < n; i++) {
        const unsigned char *piece = fl_tokenizer_piece(t, ids[i], &len);
        if (!piece) {
            out->len = from;
            return fl_error(FL_FAILED, "id %u is not in the vocabulary of %u ids", (unsigned)ids[i],
                            (unsigned)t->vocab);
        }
        if ((keep_special || !t->special[ids[i]]) && fl_buf_add(out, piece, len)) {
            out->len = from;
            return -1;
        }
    }
    fl_decoder_strip(&t->decoder, out, from);
    return 0;
}

void
fl_ids_release(struct fl_ids *ids)
{
    free(ids->data);
    *ids = (struct fl_ids){0};
}

int
fl_ids_add(struct fl_ids *ids, uint32_t id)
{
    uint32_t *data = fl_grow(ids->data, ids->len, &ids->cap, sizeof *data);

    if (!data)
        return -1;
    ids->data = data;
    data[ids->len++] = id;
    return 0;
}
