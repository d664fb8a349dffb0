/* Tensors are written when they are full: a stream has a tensor's length before its payload. */
#include "data/shard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "text/marks.h"

struct fl_shard {
    struct fl_writer *writer;
    struct fl_buf buf; /* ids of the tensor at hand, little-endian */
    size_t width;      /* bytes of an id: 2 or 4 */
    uint64_t tensors;
    bool passages;  /* a document is a part of a record */
    bool exact;     /* ids say how many bytes they stand for */
    uint64_t bytes; /* that no tensor has said yet */
};

int
fl_shard_check(const struct fl_tokenizer *t)
{
    int64_t end = fl_tokenizer_marks(t)->end;

    if (end < 0)
        return fl_error(FL_FAILED,
                        "the tokenizer has no end of text, which ends every document; import the "
                        "model whose config.json says it, and give that model");
    if (!fl_tokenizer_is_special(t, (uint32_t)end))
        return fl_error(FL_FAILED,
                        "the end of text is token %lld, which a text may have within it; documents "
                        "need one that none has",
                        (long long)end);
    return 0;
}

static int
begin(struct fl_shard *s, const struct fl_tokenizer *t, const struct fl_shard_about *about)
{
    unsigned char digest[FL_HASH_BYTES];
    struct fl_meta meta = {0};
    int result = -1;

    fl_tokenizer_digest(t, digest);
    if (!fl_meta_set_bytes(&meta, "tokenizer", digest, sizeof digest) &&
        !fl_meta_set_i64(&meta, "vocab", fl_tokenizer_vocab(t)) &&
        !fl_meta_set_i64(&meta, "eot", fl_tokenizer_marks(t)->end) &&
        (about->valid <= 0 || (!fl_meta_set_text(&meta, "split", "valid") &&
                               !fl_meta_set_f64(&meta, "split.fraction", about->valid))) &&
        (!about->contract || !fl_meta_set_bytes(&meta, "contract", about->contract, FL_HASH_BYTES)))
        result = fl_writer_head(s->writer, FL_KIND_TOKENS, &meta);
    fl_meta_release(&meta);
    return result;
}

struct fl_shard *
fl_shard_new(int fd, const char *name, int level, const struct fl_tokenizer *t,
             const struct fl_shard_about *about)
{
    struct fl_shard *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->width = fl_tokenizer_vocab(t) <= 65536 ? 2 : 4;
    s->exact = fl_tokenizer_is_exact(t);
    s->writer = fl_writer_new(fd, name, level);
    if (!s->writer || begin(s, t, about)) {
        fl_shard_free(s);
        return NULL;
    }
    return s;
}

void
fl_shard_free(struct fl_shard *s)
{
    if (!s)
        return;
    fl_writer_free(s->writer);
    fl_buf_release(&s->buf);
    free(s);
}

static int
write_tensor(struct fl_shard *s)
{
    struct fl_tensor tensor;
    uint64_t dims[1] = {s->buf.len / s->width};
    char name[40];

    snprintf(name, sizeof name, "tokens/%06llu", (unsigned long long)s->tensors++);
    fl_tensor_init(&tensor, name, s->width == 2 ? FL_U16 : FL_U32, 1, dims);
    int result = fl_meta_set_text(&tensor.attrs, FL_SHARD_UNIT, s->passages ? "passage" : "record");
    if (!result && !s->exact)
        result = fl_meta_set_i64(&tensor.attrs, FL_SHARD_BYTES, (int64_t)s->bytes);
    if (!result)
        result = fl_writer_tensor(s->writer, &tensor) ||
                 fl_writer_data(s->writer, s->buf.data, s->buf.len);
    fl_meta_release(&tensor.attrs);
    fl_buf_clear(&s->buf);
    s->bytes = 0;
    return result ? -1 : 0;
}

int
fl_shard_add(struct fl_shard *s, const uint32_t *ids, size_t n, uint64_t bytes)
{
    s->bytes += bytes;
    while (n) {
        size_t room = FL_SHARD_IDS - s->buf.len / s->width;
        size_t take = n < room ? n : room;
        if (fl_buf_reserve(&s->buf, take * s->width))
            return -1;
        unsigned char *p = s->buf.data + s->buf.len;
        for (size_t i = 0; i < take; i++) {
            if (s->width == 2)
                fl_put16(p + 2 * i, (uint16_t)ids[i]);
            else
                fl_put32(p + 4 * i, ids[i]);
        }
        s->buf.len += take * s->width;
        ids += take;
        n -= take;
        if (take == room && write_tensor(s))
            return -1;
    }
    return 0;
}

void
fl_shard_passages(struct fl_shard *s)
{
    s->passages = true;
}

int
fl_shard_done(struct fl_shard *s)
{
    if (s->buf.len && write_tensor(s))
        return -1;
    return fl_writer_done(s->writer);
}
