/*
 * The state of a reader, and what may come next:
 *
 *   BETWEEN --HEAD--> INSIDE --TENS--> PAYLOAD --table--> INSIDE --DONE--> CLOSED --HEAD--> INSIDE
 *      \--end: error                                                         |  \--SIGN--> CLOSED
 *                                                                            \--end--> ENDED
 *
 * Invariants: OFFSET counts the bytes consumed since the reader began. A record's header and body
 * are read together and are in REC and BODY until they are used (HELD). In PAYLOAD, block
 * NEXT_BLOCK is the next one, and the first CHECKED blocks have their computed check values in
 * SUMS.
 */
#include "flt/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "flt/check.h"
#include "flt/digest.h"
#include "flt/name_set.h"
#include "flt/pack.h"
#include "flt/record.h"
#include "flt/scan.h"
#include "flt/sniff.h"
#include "os/file.h"

enum state { BETWEEN, INSIDE, PAYLOAD, CLOSED, ENDED };

enum { WINDOW = 512 }; /* table entries that are read ahead in a file */

struct fl_reader {
    int fd;
    bool own_fd, seekable, held, failed, want_digest;
    bool foreign; /* the input is no stream at all */
    char *name;
    uint64_t start; /* position of the file where we began */
    uint64_t offset;
    enum state state;
    struct fl_error_copy error;

    struct fl_record rec;
    struct fl_buf body;
    uint64_t record_at; /* offset of the record at hand */
    uint64_t place;     /* records of the object so far */
    uint64_t payload_total;
    struct fl_head head;
    struct fl_tensor tensor;
    struct fl_sign sign;
    struct fl_name_set names;

    uint64_t payload_at, next_block, checked;
    uint64_t *sums;
    size_t sums_cap;
    uint64_t window[WINDOW], window_at; /* table entries from block window_at on; ~0: none */
    unsigned char *blocks;              /* (FL_LEAVES); those after the first are for digests */
    struct fl_pool *pool;
    struct fl_packer *packer;
    struct fl_chain *chain;
    struct fl_digest collect;
    unsigned char digest[FL_HASH_BYTES], payload_digest[FL_HASH_BYTES];
};

static int
fail(struct fl_reader *r)
{
    r->failed = true;
    fl_error_save(&r->error);
    return -1;
}

/* "FILE: WHAT in tensor "x" (record 3, offset 4096)", and the cure of every damaged file. */
static int
damaged(struct fl_reader *r, const char *what, uint64_t offset)
{
    bool in_tensor = r->state == PAYLOAD;

    fl_error(FL_FAILED, "%s: %s%s%s%s (record %llu, offset %llu)", r->name, what,
             in_tensor ? " in tensor \"" : "", in_tensor ? r->tensor.name : "",
             in_tensor ? "\"" : "", (unsigned long long)r->place, (unsigned long long)offset);
    fl_error_cure(FL_CURE_DAMAGED);
    return fail(r);
}

/*
 * The same for an error that a decoder recorded. Unless it names the damage, what it decoded has
 * the right check values; and it may be the machine that failed.
 */
static int
undecodable(struct fl_reader *r)
{
    struct fl_error_copy error;

    fl_error_save(&error);
    if (fl_error_of_machine())
        fl_error_about(r->name);
    else
        damaged(r, error.what, r->record_at);
    if (!fl_error_of_machine() && !*error.cure)
        fl_error_cure(FL_CURE_UNKNOWN);
    return fail(r);
}

struct fl_reader *
fl_reader_new(int fd, const char *name)
{
    struct fl_reader *r = fl_alloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->fd = fd;
    r->name = fl_strdup(name);
    r->blocks = fl_alloc_aligned(FL_LEAVES, FL_FLT_BLOCK);
    r->chain = fl_chain_new();
    if (!r->name || !r->blocks || !r->chain) {
        fl_reader_free(r);
        return NULL;
    }
    off_t at = fl_regular_size(fd) >= 0 ? lseek(fd, 0, SEEK_CUR) : -1;
    r->seekable = at >= 0;
    r->start = at >= 0 ? (uint64_t)at : 0;
    fl_pipe_enlarge(fd);
    return r;
}

struct fl_reader *
fl_reader_open(const char *path)
{
    int fd = fl_open_input(path, true);
    struct fl_reader *r = fd < 0 ? NULL : fl_reader_new(fd, fl_input_name(path));

    if (r)
        r->own_fd = fd > 0;
    else if (fd >= 0)
        fl_close_input(fd);
    return r;
}

void
fl_reader_free(struct fl_reader *r)
{
    if (!r)
        return;
    if (r->own_fd)
        close(r->fd);
    fl_meta_release(&r->head.meta);
    fl_meta_release(&r->tensor.attrs);
    fl_name_set_release(&r->names);
    fl_buf_release(&r->body);
    fl_packer_free(r->packer);
    fl_chain_free(r->chain);
    free(r->sums);
    free(r->blocks);
    free(r->name);
    free(r);
}

const char *
fl_reader_name(const struct fl_reader *r)
{
    return r->name;
}

void
fl_reader_want_digest(struct fl_reader *r)
{
    r->want_digest = true;
}

void
fl_reader_use_pool(struct fl_reader *r, struct fl_pool *pool)
{
    r->pool = pool;
}

uint64_t
fl_reader_payload_offset(const struct fl_reader *r)
{
    return r->payload_at;
}

bool
fl_reader_packed(const struct fl_reader *r)
{
    return r->rec.flags & FL_FLAG_PACKED;
}

void
fl_reader_digest(const struct fl_reader *r, unsigned char digest[FL_HASH_BYTES])
{
    assert(r->want_digest && (r->state == CLOSED || r->state == ENDED));
    memcpy(digest, r->digest, FL_HASH_BYTES);
}

void
fl_reader_payload_digest(const struct fl_reader *r, unsigned char digest[FL_HASH_BYTES])
{
    assert(r->want_digest && (r->state == CLOSED || r->state == ENDED));
    memcpy(digest, r->payload_digest, FL_HASH_BYTES);
}

/* Exactly N bytes, or the stream is cut. */
static int
need(struct fl_reader *r, void *data, size_t n)
{
    ssize_t got = fl_read_full(r->fd, r->name, data, n);

    if (got < 0)
        return fail(r);
    r->offset += (uint64_t)got;
    return (size_t)got == n ? 0 : damaged(r, "is cut", r->offset);
}

/* Zeros up to a multiple of ALIGN of the stream. */
static int
need_padding(struct fl_reader *r, size_t align)
{
    unsigned char zeros[FL_FLT_ALIGN], any = 0;
    size_t n = fl_padding(r->offset, align);

    if (need(r, zeros, n))
        return -1;
    for (size_t i = 0; i < n; i++)
        any |= zeros[i];
    return any ? damaged(r, "padding is not zero", r->offset - n) : 0;
}

/* Pass over N bytes without reading them, in a seekable file. */
static int
hop(struct fl_reader *r, uint64_t n)
{
    if (r->offset + n > INT64_MAX - r->start ||
        lseek(r->fd, (off_t)(r->start + r->offset + n), SEEK_SET) < 0)
        return damaged(r, "a length is impossible", r->record_at);
    r->offset += n;
    return 0;
}

/* The body, which a hostile header may say is long: memory is taken as the bytes arrive. */
static int
need_body(struct fl_reader *r)
{
    fl_buf_clear(&r->body);
    while (r->body.len < r->rec.body) {
        size_t n = (size_t)(r->rec.body - r->body.len);
        n = n < 65536 ? n : 65536;
        if (fl_buf_reserve(&r->body, n))
            return fail(r);
        if (need(r, r->body.data + r->body.len, n))
            return -1;
        r->body.len += n;
    }
    if (fl_check64(r->body.data, r->body.len) != r->rec.body_check)
        return damaged(r, "a record's body is damaged", r->record_at);
    return need_padding(r, FL_FLT_ALIGN);
}

static int
check_place(struct fl_reader *r)
{
    uint32_t tag = r->rec.tag;
    bool fits = r->state == INSIDE   ? tag == FL_TAG_TENS || tag == FL_TAG_DONE
                : r->state == CLOSED ? tag == FL_TAG_HEAD || tag == FL_TAG_SIGN
                                     : tag == FL_TAG_HEAD;
    uint64_t place = tag == FL_TAG_HEAD ? 0 : r->place;

    if (!fits || r->rec.place != place)
        return damaged(r, "a record is missing, or there is one too many", r->record_at);
    return 0;
}

/* The next record's header and body into REC and BODY; 0 at the end of the input. */
static int
hold(struct fl_reader *r)
{
    unsigned char header[FL_FLT_HEADER];

    if (r->held)
        return 1;
    r->record_at = r->offset;
    ssize_t got = fl_read_full(r->fd, r->name, header, sizeof header);
    if (got < 0)
        return fail(r);
    r->offset += (uint64_t)got;
    if (got == 0 && r->state == CLOSED)
        return 0;
    if (r->record_at == 0 && (got < 4 || fl_get32(header) != FL_TAG_HEAD)) {
        r->foreign = true;
        fl_not_a_stream(r->name, header, (size_t)got);
        return fail(r);
    }
    if ((size_t)got < sizeof header)
        return damaged(r, "is cut", r->offset);
    if (fl_record_decode(&r->rec, header))
        return undecodable(r);
    if (check_place(r) || need_body(r))
        return -1;
    r->held = true;
    return 1;
}

static int
begin_object(struct fl_reader *r)
{
    fl_meta_release(&r->head.meta);
    if (fl_head_decode(&r->head, r->body.data, r->body.len))
        return undecodable(r);
    fl_name_set_clear(&r->names);
    r->payload_total = 0;
    fl_chain_reset(r->chain);
    fl_chain_add64(r->chain, r->rec.body_check);
    if (r->want_digest) {
        fl_digest_init(&r->collect);
        fl_digest_body(&r->collect, r->body.data, r->body.len);
    }
    r->place = 1;
    r->state = INSIDE;
    r->held = false;
    return 1;
}

int
fl_reader_object(struct fl_reader *r, const struct fl_head **head)
{
    const struct fl_tensor *tensor;
    const struct fl_sign *sign;
    int got;

    if (r->failed)
        return fl_error_restore(&r->error);
    while (r->state == INSIDE || r->state == PAYLOAD)
        if (fl_reader_tensor(r, &tensor) < 0)
            return -1;
    while (r->state == CLOSED && (got = fl_reader_sign(r, &sign)))
        if (got < 0)
            return -1;
    if (r->state == ENDED)
        return 0;
    if ((got = hold(r)) <= 0 || (got = begin_object(r)) <= 0)
        return got;
    *head = &r->head;
    return 1;
}

int
fl_reader_expect(struct fl_reader *r, const char *kind, const struct fl_head **head)
{
    int got = fl_reader_object(r, head);

    if (got == 1 && !fl_kind_is((*head)->kind, kind)) {
        fl_wrong_kind(r->name, (*head)->kind, kind);
        return fail(r);
    }
    if (got < 0 && r->foreign) {
        fl_kind_cure(kind);
        return fail(r);
    }
    return got;
}

static size_t
block_size(const struct fl_reader *r, uint64_t i)
{
    uint64_t left = r->rec.payload - i * FL_FLT_BLOCK;

    return left < FL_FLT_BLOCK ? (size_t)left : FL_FLT_BLOCK;
}

static int
note_sum(struct fl_reader *r, uint64_t i, uint64_t sum)
{
    uint64_t *sums = fl_grow(r->sums, (size_t)i, &r->sums_cap, sizeof *sums);

    if (!sums)
        return fail(r);
    r->sums = sums;
    sums[i] = sum;
    r->checked = i + 1;
    return 0;
}

/* In a file the table can be read before it is reached: a bad block is never handed out. */
static int
check_now(struct fl_reader *r, uint64_t i)
{
    if (r->window_at == UINT64_MAX || i < r->window_at || i >= r->window_at + WINDOW) {
        uint64_t blocks = fl_blocks(r->rec.payload);
        size_t n = blocks - i < WINDOW ? (size_t)(blocks - i) : WINDOW;
        uint64_t end = r->payload_at + r->rec.payload;
        unsigned char raw[8 * WINDOW];
        ssize_t got = fl_pread_full(r->fd, r->name, raw, 8 * n,
                                    r->start + end + fl_padding(end, 8) + 8 * i);
        if (got < 0)
            return fail(r);
        if ((size_t)got < 8 * n)
            return damaged(r, "is cut", end + fl_padding(end, 8) + 8 * i + (uint64_t)got);
        for (size_t k = 0; k < n; k++)
            r->window[k] = fl_get64(raw + 8 * k);
        r->window_at = i;
    }
    if (r->window[i - r->window_at] != r->sums[i])
        return damaged(r, "a block is damaged", r->payload_at + i * FL_FLT_BLOCK);
    return 0;
}

static int
read_packed(struct fl_reader *r, void *data, size_t len)
{
    unsigned char prefix[FL_PACK_PREFIX];
    uint64_t at = r->offset;

    if (!r->packer && !(r->packer = fl_packer_new(0)))
        return fail(r);
    if (need(r, prefix, sizeof prefix))
        return -1;
    int64_t n = fl_packed_size(prefix, len);
    if (n >= 0 && need(r, fl_packer_input(r->packer), (size_t)n))
        return -1;
    if (n < 0 || fl_unpack(r->packer, r->tensor.dtype, prefix, data, len))
        return damaged(r, fl_error_what(), at);
    return 0;
}

/* The next block, raw, to TO; NULL: to our own, beside those that wait for being hashed. */
static int
next_block(struct fl_reader *r, void *to, size_t *len)
{
    unsigned char *data = to ? to : r->blocks + r->collect.late_count * FL_FLT_BLOCK;
    uint64_t i = r->next_block;
    bool packed = fl_reader_packed(r);

    *len = block_size(r, i);
    if (packed ? read_packed(r, data, *len) : need(r, data, *len))
        return -1;
    if (note_sum(r, i, fl_check64(data, *len)) || (r->seekable && !packed && check_now(r, i)))
        return -1;
    if (r->want_digest)
        fl_digest_block(&r->collect, data, *len);
    r->next_block++;
    return 0;
}

/* What is left of a payload in a file, by all threads; the table is compared behind it. */
static int
scan_payload(struct fl_reader *r)
{
    while (r->next_block < fl_blocks(r->rec.payload)) {
        uint64_t sums[FL_SCAN_BLOCKS], most = (uint64_t)FL_SCAN_BLOCKS * FL_FLT_BLOCK;
        uint64_t left = r->rec.payload - r->next_block * FL_FLT_BLOCK;
        uint64_t n = left < most ? left : most;
        int64_t got = fl_scan(r->pool, r->fd, r->name, r->start + r->offset, n, sums, &r->collect);

        if (got < 0)
            return fail(r);
        if ((uint64_t)got < n)
            return damaged(r, "is cut", r->offset + (uint64_t)got);
        for (uint64_t i = 0; i < fl_blocks(n); i++)
            if (note_sum(r, r->next_block++, sums[i]))
                return -1;
        if (hop(r, n))
            return -1;
    }
    return 0;
}

/* Pass over what is left of the payload. */
static int
skip_payload(struct fl_reader *r)
{
    uint64_t blocks = fl_blocks(r->rec.payload);
    bool hops = r->seekable && !r->want_digest;
    size_t len;

    if (r->want_digest && r->pool && r->seekable && !fl_reader_packed(r))
        return scan_payload(r);
    if (hops && !fl_reader_packed(r) && r->next_block < blocks) {
        if (hop(r, r->rec.payload - r->next_block * FL_FLT_BLOCK))
            return -1;
        r->next_block = blocks;
    }
    while (r->next_block < blocks) {
        if (!hops) {
            if (next_block(r, NULL, &len))
                return -1;
            continue;
        }
        unsigned char prefix[FL_PACK_PREFIX];
        if (need(r, prefix, sizeof prefix))
            return -1;
        int64_t n = fl_packed_size(prefix, block_size(r, r->next_block));
        if (n < 0)
            return damaged(r, fl_error_what(), r->offset - sizeof prefix);
        if (hop(r, (uint64_t)n))
            return -1;
        r->next_block++;
    }
    return 0;
}

/* Behind the payload: the table, compared with what was computed on the way. */
static int
end_payload(struct fl_reader *r)
{
    uint64_t blocks = fl_blocks(r->rec.payload);
    unsigned char raw[8 * WINDOW];

    if (skip_payload(r) || need_padding(r, 8))
        return -1;
    fl_digest_flush(&r->collect);
    for (uint64_t i = 0; i < blocks;) {
        size_t n = blocks - i < WINDOW ? (size_t)(blocks - i) : WINDOW;
        if (need(r, raw, 8 * n))
            return -1;
        for (size_t k = 0; k < n; k++, i++) {
            uint64_t sum = fl_get64(raw + 8 * k);
            if (i < r->checked && sum != r->sums[i])
                return damaged(r, "a block is damaged", r->payload_at + i * FL_FLT_BLOCK);
            fl_chain_add64(r->chain, sum);
        }
    }
    if (need_padding(r, FL_FLT_ALIGN))
        return -1;
    r->state = INSIDE;
    return 0;
}

static int
begin_tensor(struct fl_reader *r)
{
    uint64_t elements, bytes;

    fl_meta_release(&r->tensor.attrs);
    if (fl_tensor_decode(&r->tensor, r->body.data, r->body.len) ||
        fl_tensor_size(&r->tensor, &elements, &bytes))
        return undecodable(r);
    if (bytes != r->rec.payload)
        return damaged(r, "a tensor's shape and length do not agree", r->record_at);
    if (fl_name_set_add(&r->names, r->tensor.name))
        return undecodable(r);
    r->payload_total += bytes;
    fl_chain_add64(r->chain, r->rec.body_check);
    if (r->want_digest)
        fl_digest_body(&r->collect, r->body.data, r->body.len);
    r->payload_at = r->offset;
    r->next_block = r->checked = 0;
    r->window_at = UINT64_MAX;
    r->place++;
    r->held = false;
    r->state = PAYLOAD;
    return 1;
}

static int
end_object(struct fl_reader *r)
{
    struct fl_done done;

    if (fl_done_decode(&done, r->body.data, r->body.len))
        return undecodable(r);
    r->place++;
    if (done.records != r->place || done.payload != r->payload_total)
        return damaged(r, "the number of records does not agree", r->record_at);
    if (done.chain != fl_chain_value(r->chain))
        return damaged(r, "its parts are of different objects", r->record_at);
    if (r->want_digest)
        fl_digest_final(&r->collect, r->head.kind, r->payload_digest, r->digest);
    r->held = false;
    r->state = CLOSED;
    return 0;
}

int
fl_reader_tensor(struct fl_reader *r, const struct fl_tensor **tensor)
{
    if (r->failed)
        return fl_error_restore(&r->error);
    if (r->state == PAYLOAD && end_payload(r))
        return -1;
    if (r->state != INSIDE)
        return 0;
    int got = hold(r); /* 0 cannot be: inside an object the end of the input is an error */
    if (got <= 0)
        return got;
    if (r->rec.tag == FL_TAG_DONE)
        return end_object(r);
    if ((got = begin_tensor(r)) == 1)
        *tensor = &r->tensor;
    return got;
}

int
fl_reader_block(struct fl_reader *r, const unsigned char **data, size_t *len)
{
    if (r->failed)
        return fl_error_restore(&r->error);
    if (r->state != PAYLOAD)
        return 0;
    if (r->next_block == fl_blocks(r->rec.payload))
        return end_payload(r);
    *data = r->blocks + r->collect.late_count * FL_FLT_BLOCK;
    return next_block(r, NULL, len) ? -1 : 1;
}

int
fl_reader_payload(struct fl_reader *r, void *data, size_t len)
{
    size_t n;

    if (r->failed)
        return fl_error_restore(&r->error);
    assert(r->state == PAYLOAD && r->next_block == 0 && len == r->rec.payload);
    for (size_t at = 0; at < len; at += n)
        if (next_block(r, (unsigned char *)data + at, &n))
            return -1;
    return end_payload(r);
}

int
fl_reader_sign(struct fl_reader *r, const struct fl_sign **sign)
{
    if (r->failed)
        return fl_error_restore(&r->error);
    if (r->state != CLOSED)
        return 0;
    int got = hold(r);
    if (got == 0)
        r->state = ENDED;
    if (got <= 0 || r->rec.tag != FL_TAG_SIGN)
        return got < 0 ? -1 : 0;
    if (fl_sign_decode(&r->sign, r->body.data, r->body.len))
        return undecodable(r);
    r->held = false;
    *sign = &r->sign;
    return 1;
}
