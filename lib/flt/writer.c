/*
 * A writer hands small pieces (headers, bodies, tables, short payloads) to PENDING and long
 * payloads to the descriptor as they are: a block that the caller holds in one piece is never
 * copied.
 *
 * Invariants: between calls PENDING holds bytes that belong before anything written later. In a
 * tensor, FILLED bytes of the current block are in BLOCK, or none when the last block was complete.
 */
#include "flt/writer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/check.h"
#include "flt/digest.h"
#include "flt/name_set.h"
#include "flt/pack.h"
#include "flt/record.h"
#include "os/file.h"
#include "os/progress.h"
#include "os/watch.h"

enum { PENDING_MAX = 1 << 18 };

enum state { BETWEEN, INSIDE, CLOSED };

struct fl_writer {
    int fd;
    char *name;
    enum state state;
    bool failed, want_digest;
    struct fl_error_copy error;
    struct fl_buf pending, body;
    uint64_t offset; /* of the stream, after PENDING */
    uint64_t place, payload_total;
    struct fl_name_set names;

    char *tensor; /* name of the tensor at hand */
    enum fl_dtype dtype;
    uint64_t payload, written; /* of the tensor at hand; all of it written when equal */
    size_t filled;
    unsigned char *block;
    uint64_t *sums;
    size_t sums_count, sums_cap;
    struct fl_packer *packer; /* NULL: raw */
    struct fl_chain *chain;
    struct fl_digest collect;
    char kind[64];
    unsigned char digest[FL_HASH_BYTES];
    bool shown; /* to a file; who reads a pipe has progress of its own */
    struct fl_progress progress;
};

struct fl_writer *
fl_writer_new(int fd, const char *name, int level)
{
    struct fl_writer *w = fl_alloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->fd = fd;
    w->name = fl_strdup(name);
    w->block = fl_alloc_aligned(FL_FLT_BLOCK, 1);
    w->chain = fl_chain_new();
    w->packer = level ? fl_packer_new(level) : NULL;
    if (!w->name || !w->block || !w->chain || (level && !w->packer)) {
        fl_writer_free(w);
        return NULL;
    }
    w->shown = fl_regular_size(fd) >= 0;
    fl_pipe_enlarge(fd);
    return w;
}

void
fl_writer_free(struct fl_writer *w)
{
    if (!w)
        return;
    fl_progress_clear(&w->progress);
    fl_buf_release(&w->pending);
    fl_buf_release(&w->body);
    fl_name_set_release(&w->names);
    fl_packer_free(w->packer);
    fl_chain_free(w->chain);
    free(w->tensor);
    free(w->sums);
    free(w->block);
    free(w->name);
    free(w);
}

void
fl_writer_want_digest(struct fl_writer *w)
{
    w->want_digest = true;
}

void
fl_writer_digest(const struct fl_writer *w, unsigned char digest[FL_HASH_BYTES])
{
    assert(w->want_digest && w->state == CLOSED);
    memcpy(digest, w->digest, FL_HASH_BYTES);
}

static int
fail(struct fl_writer *w)
{
    w->failed = true;
    fl_error_save(&w->error);
    return -1;
}

static int
flush(struct fl_writer *w)
{
    if (fl_write_full(w->fd, w->name, w->pending.data, w->pending.len))
        return fail(w);
    fl_buf_clear(&w->pending);
    return 0;
}

static int
put(struct fl_writer *w, const void *data, size_t len)
{
    w->offset += len;
    if (len >= PENDING_MAX) {
        if (flush(w))
            return -1;
        return fl_write_full(w->fd, w->name, data, len) ? fail(w) : 0;
    }
    if (fl_buf_add(&w->pending, data, len))
        return fail(w);
    return w->pending.len >= PENDING_MAX ? flush(w) : 0;
}

static int
put_padding(struct fl_writer *w, size_t align)
{
    static const unsigned char zeros[FL_FLT_ALIGN];

    return put(w, zeros, fl_padding(w->offset, align));
}

/* The record of which BODY is filled: header, body, padding. */
static int
put_record(struct fl_writer *w, uint32_t tag, uint64_t payload)
{
    unsigned char header[FL_FLT_HEADER];
    struct fl_record rec = {.tag = tag,
                            .flags = w->packer && tag == FL_TAG_TENS ? FL_FLAG_PACKED : 0,
                            .body = w->body.len,
                            .payload = payload,
                            .body_check = fl_check64(w->body.data, w->body.len),
                            .place = w->place};

    fl_record_encode(&rec, header);
    if (tag == FL_TAG_HEAD || tag == FL_TAG_TENS) {
        fl_chain_add64(w->chain, rec.body_check);
        if (w->want_digest)
            fl_digest_body(&w->collect, w->body.data, w->body.len);
    }
    if (put(w, header, sizeof header) || put(w, w->body.data, w->body.len) ||
        put_padding(w, FL_FLT_ALIGN))
        return -1;
    fl_buf_clear(&w->body);
    if (tag != FL_TAG_SIGN)
        w->place++;
    return 0;
}

/* An encoder's error gets the name of the output. */
static int
unwritable(struct fl_writer *w)
{
    fl_error_about(w->name);
    return fail(w);
}

int
fl_writer_head(struct fl_writer *w, const char *kind, const struct fl_meta *meta)
{
    if (w->failed)
        return fl_error_restore(&w->error);
    assert(w->state != INSIDE && strlen(kind) < sizeof w->kind);
    strcpy(w->kind, kind);
    w->place = w->payload_total = 0;
    fl_name_set_clear(&w->names);
    fl_chain_reset(w->chain);
    if (w->want_digest)
        fl_digest_init(&w->collect);
    w->state = INSIDE;
    if (fl_head_encode(kind, meta, &w->body))
        return unwritable(w);
    return put_record(w, FL_TAG_HEAD, 0);
}

/* After the last block of a tensor: padding, the table, padding. */
static int
end_tensor(struct fl_writer *w)
{
    if (put_padding(w, 8))
        return -1;
    for (size_t i = 0; i < w->sums_count; i++) {
        unsigned char p[8];
        fl_put64(p, w->sums[i]);
        fl_chain_add64(w->chain, w->sums[i]);
        if (put(w, p, sizeof p))
            return -1;
    }
    return put_padding(w, FL_FLT_ALIGN);
}

int
fl_writer_tensor(struct fl_writer *w, const struct fl_tensor *tensor)
{
    uint64_t elements;

    if (w->failed)
        return fl_error_restore(&w->error);
    assert(w->state == INSIDE && w->written == w->payload);
    free(w->tensor);
    w->tensor = fl_strdup(tensor->name);
    w->dtype = tensor->dtype;
    w->written = w->payload = 0;
    w->filled = w->sums_count = 0;
    if (!w->tensor || fl_tensor_size(tensor, &elements, &w->payload) ||
        fl_name_set_add(&w->names, tensor->name) || fl_tensor_encode(tensor, &w->body)) {
        w->payload = 0;
        return unwritable(w);
    }
    w->payload_total += w->payload;
    if (put_record(w, FL_TAG_TENS, w->payload))
        return -1;
    return w->payload ? 0 : end_tensor(w);
}

static int
put_packed(struct fl_writer *w, const unsigned char *block, size_t len)
{
    unsigned char prefix[FL_PACK_PREFIX];
    const void *stored;
    size_t n;

    if (fl_pack(w->packer, w->dtype, block, len, &stored, &n, prefix))
        return unwritable(w);
    return put(w, prefix, sizeof prefix) || put(w, stored, n) ? -1 : 0;
}

static void
show(struct fl_writer *w)
{
    if (w->shown && !w->progress.what)
        fl_progress_start(&w->progress, "writing", "B", 0);
    fl_progress_show(&w->progress, w->payload_total - w->payload + w->written, "%s", w->name);
}

/* One whole block of the tensor at hand. */
static int
put_block(struct fl_writer *w, const unsigned char *block, size_t len)
{
    uint64_t *sums = fl_grow(w->sums, w->sums_count, &w->sums_cap, sizeof *sums);

    if (!sums)
        return fail(w);
    w->sums = sums;
    sums[w->sums_count++] = fl_check64(block, len);
    if (w->want_digest)
        fl_digest_block(&w->collect, block, len);
    return w->packer ? put_packed(w, block, len) : put(w, block, len);
}

int
fl_writer_data(struct fl_writer *w, const void *data, size_t len)
{
    const unsigned char *p = data;

    if (w->failed)
        return fl_error_restore(&w->error);
    assert(w->state == INSIDE && len <= w->payload - w->written);
    if (!len)
        return 0;
    while (len) {
        uint64_t left = w->payload - w->written + w->filled; /* from the current block on */
        size_t size = fl_piece(left, FL_FLT_BLOCK);
        size_t n = fl_min(size - w->filled, len);
        bool whole = n == size; /* then it is not copied */
        if (!whole) {
            fl_digest_flush(&w->collect); /* the block may be among the late ones */
            memcpy(w->block + w->filled, p, n);
        }
        w->written += n;
        w->filled += n;
        if (w->filled == size) {
            if (put_block(w, whole ? p : w->block, size))
                return -1;
            show(w);
            w->filled = 0;
        }
        p += n;
        len -= n;
    }
    fl_digest_flush(&w->collect);
    return w->written == w->payload ? end_tensor(w) : 0;
}

int
fl_writer_done(struct fl_writer *w)
{
    if (w->failed)
        return fl_error_restore(&w->error);
    assert(w->state == INSIDE && w->written == w->payload);
    struct fl_done done = {w->place + 1, w->payload_total, fl_chain_value(w->chain)};
    if (fl_watch_check())
        return fail(w);
    if (fl_done_encode(&done, &w->body))
        return unwritable(w);
    if (put_record(w, FL_TAG_DONE, 0))
        return -1;
    if (w->want_digest)
        fl_digest_final(&w->collect, w->kind, NULL, w->digest);
    w->state = CLOSED;
    fl_progress_clear(&w->progress);
    w->progress.what = NULL;
    return flush(w);
}

int
fl_writer_sign(struct fl_writer *w, const struct fl_sign *sign)
{
    if (w->failed)
        return fl_error_restore(&w->error);
    assert(w->state == CLOSED);
    if (fl_sign_encode(sign, &w->body))
        return unwritable(w);
    if (put_record(w, FL_TAG_SIGN, 0))
        return -1;
    return flush(w);
}
