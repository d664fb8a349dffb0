/*
 * Objects of a stream, record by record; flt/reader_state.h has the states. A record's place, its
 * body and the chain of all check values are looked at before anything of it is used.
 */
#include "flt/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/check.h"
#include "flt/digest.h"
#include "flt/name_set.h"
#include "flt/pack.h"
#include "flt/record.h"
#include "flt/reader_state.h"
#include "flt/sniff.h"
#include "os/file.h"
#include "os/progress.h"

int
fl_reader_fail(struct fl_reader *r)
{
    r->failed = true;
    fl_error_save(&r->error);
    return -1;
}

/* "FILE: WHAT in tensor "x" (record 3, offset 4096)", and the cure of every damaged file. */
static void
tell_damage(const struct fl_reader *r, const char *what, uint64_t offset)
{
    bool in_tensor = r->state == PAYLOAD;

    fl_error(FL_FAILED, "%s: %s%s%s%s (record %llu, offset %llu)", r->name, what,
             in_tensor ? " in tensor \"" : "", in_tensor ? r->tensor.name : "",
             in_tensor ? "\"" : "", (unsigned long long)r->place, (unsigned long long)offset);
    fl_error_cure(FL_CURE_DAMAGED);
}

int
fl_reader_damaged(struct fl_reader *r, const char *what, uint64_t offset)
{
    tell_damage(r, what, offset);
    return fl_reader_fail(r);
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
    if (fl_error_of_machine()) {
        fl_error_about(r->name);
        return fl_reader_fail(r);
    }
    tell_damage(r, error.what, r->record_at);
    if (!*error.cure)
        fl_error_cure(FL_CURE_UNKNOWN);
    return fl_reader_fail(r);
}

struct fl_reader *
fl_reader_new(int fd, const char *name)
{
    struct fl_reader *r = fl_alloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->fd = fd;
    r->name = fl_strdup(name);
    r->blocks = fl_alloc_aligned(2, FL_FLT_BLOCK);
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
    fl_progress_clear(&r->progress);
    if (r->own_fd)
        fl_close_input(r->fd);
    fl_meta_release(&r->head.meta);
    fl_meta_release(&r->tensor.attrs);
    fl_name_set_release(&r->names);
    fl_buf_release(&r->body);
    fl_packer_free(r->packer);
    fl_scan_free(r->scan);
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
fl_reader_object_offset(const struct fl_reader *r)
{
    return r->record_at;
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

int
fl_reader_need(struct fl_reader *r, void *data, size_t n)
{
    ssize_t got = fl_read_full(r->fd, r->name, data, n);

    if (got < 0)
        return fl_reader_fail(r);
    r->offset += (uint64_t)got;
    return (size_t)got == n ? 0 : fl_reader_damaged(r, "is cut", r->offset);
}

int
fl_reader_need_padding(struct fl_reader *r, size_t align)
{
    unsigned char zeros[FL_FLT_ALIGN], any = 0;
    size_t n = fl_padding(r->offset, align);

    if (fl_reader_need(r, zeros, n))
        return -1;
    for (size_t i = 0; i < n; i++)
        any |= zeros[i];
    return any ? fl_reader_damaged(r, "padding is not zero", r->offset - n) : 0;
}

/* The body, which a hostile header may say is long: memory is taken as the bytes arrive. */
static int
need_body(struct fl_reader *r)
{
    fl_buf_clear(&r->body);
    while (r->body.len < r->rec.body) {
        size_t n = fl_piece(r->rec.body - r->body.len, 65536);
        if (fl_buf_reserve(&r->body, n))
            return fl_reader_fail(r);
        if (fl_reader_need(r, r->body.data + r->body.len, n))
            return -1;
        r->body.len += n;
    }
    if (fl_check64(r->body.data, r->body.len) != r->rec.body_check)
        return fl_reader_damaged(r, "a record's body is damaged", r->record_at);
    return fl_reader_need_padding(r, FL_FLT_ALIGN);
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
        return fl_reader_damaged(r, "a record is missing, or there is one too many", r->record_at);
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
        return fl_reader_fail(r);
    r->offset += (uint64_t)got;
    if (got == 0 && r->state == CLOSED)
        return 0;
    if (r->record_at == 0 && (got < 4 || fl_get32(header) != FL_TAG_HEAD)) {
        r->foreign = true;
        fl_not_a_stream(r->name, header, (size_t)got);
        return fl_reader_fail(r);
    }
    if ((size_t)got < sizeof header)
        return fl_reader_damaged(r, "is cut", r->offset);
    if (fl_record_decode(&r->rec, header))
        return undecodable(r);
    if (check_place(r) || need_body(r))
        return -1;
    r->held = true;
    return 1;
}

/* Blocks to be hashed side by side. */
static int
need_many(struct fl_reader *r)
{
    if (r->many)
        return 0;
    free(r->blocks);
    r->blocks = fl_alloc_aligned(FL_LEAVES, FL_FLT_BLOCK);
    r->many = r->blocks != NULL;
    return r->many ? 0 : fl_reader_fail(r);
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
        if (need_many(r))
            return -1;
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
        return fl_reader_fail(r);
    }
    if (got < 0 && r->foreign) {
        fl_kind_cure(kind);
        return fl_reader_fail(r);
    }
    return got;
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
        return fl_reader_damaged(r, "a tensor's shape and length do not agree", r->record_at);
    if (fl_name_set_add(&r->names, r->tensor.name))
        return undecodable(r);
    r->payload_total += bytes;
    fl_chain_add64(r->chain, r->rec.body_check);
    if (r->want_digest)
        fl_digest_body(&r->collect, r->body.data, r->body.len);
    r->payload_at = r->offset;
    r->next_block = r->checked = 0;
    r->ahead_at = UINT64_MAX;
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
        return fl_reader_damaged(r, "the number of records does not agree", r->record_at);
    if (done.chain != fl_chain_value(r->chain))
        return fl_reader_damaged(r, "its parts are of different objects", r->record_at);
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
    if (r->state == PAYLOAD && fl_reader_end_payload(r))
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
        return fl_reader_end_payload(r);
    *data = fl_reader_own_block(r);
    return fl_reader_next_block(r, NULL, len) ? -1 : 1;
}

int
fl_reader_payload(struct fl_reader *r, void *data, size_t len)
{
    size_t n;

    if (r->failed)
        return fl_error_restore(&r->error);
    assert(r->state == PAYLOAD && r->next_block == 0 && len == r->rec.payload);
    for (size_t at = 0; at < len; at += n)
        if (fl_reader_next_block(r, (unsigned char *)data + at, &n))
            return -1;
    return fl_reader_end_payload(r);
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
