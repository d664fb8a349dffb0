/*
 * The payload of a tensor: blocks, raw or packed, each with a check value that the table after them
 * repeats. In a file the table is read before it is reached, so that no damaged block is handed
 * out; what nobody wants is passed over, or read by all threads when its digest is wanted.
 */
#include "flt/reader_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/check.h"
#include "flt/scan.h"
#include "os/file.h"

/* Pass over N bytes without reading them, in a seekable file. */
static int
hop(struct fl_reader *r, uint64_t n)
{
    if (r->offset + n > INT64_MAX - r->start ||
        lseek(r->fd, (off_t)(r->start + r->offset + n), SEEK_SET) < 0)
        return fl_reader_damaged(r, "a length is impossible", r->record_at);
    r->offset += n;
    return 0;
}

/* How far a file is read; who writes into a pipe has progress of its own. */
static void
show(struct fl_reader *r)
{
    if (r->seekable && !r->progress.what)
        fl_progress_start(&r->progress, "reading", "B",
                          (uint64_t)fl_regular_size(r->fd) - r->start);
    fl_progress_show(&r->progress, r->offset, "%s", r->name);
}

static size_t
block_size(const struct fl_reader *r, uint64_t i)
{
    uint64_t left = r->rec.payload - i * FL_FLT_BLOCK;

    return fl_piece(left, FL_FLT_BLOCK);
}

static int
note_sum(struct fl_reader *r, uint64_t i, uint64_t sum)
{
    uint64_t *sums = fl_grow(r->sums, (size_t)i, &r->sums_cap, sizeof *sums);

    if (!sums)
        return fl_reader_fail(r);
    r->sums = sums;
    sums[i] = sum;
    r->checked = i + 1;
    return 0;
}

/* In a file the table can be read before it is reached: a bad block is never handed out. */
static int
check_now(struct fl_reader *r, uint64_t i)
{
    if (r->ahead_at == UINT64_MAX || i < r->ahead_at || i >= r->ahead_at + FL_READER_AHEAD) {
        uint64_t blocks = fl_blocks(r->rec.payload);
        size_t n = fl_piece(blocks - i, FL_READER_AHEAD);
        uint64_t end = r->payload_at + r->rec.payload;
        unsigned char raw[8 * FL_READER_AHEAD];
        ssize_t got = fl_pread_full(r->fd, r->name, raw, 8 * n,
                                    r->start + end + fl_padding(end, 8) + 8 * i);
        if (got < 0)
            return fl_reader_fail(r);
        if ((size_t)got < 8 * n)
            return fl_reader_damaged(r, "is cut", end + fl_padding(end, 8) + 8 * i + (uint64_t)got);
        for (size_t k = 0; k < n; k++)
            r->ahead[k] = fl_get64(raw + 8 * k);
        r->ahead_at = i;
    }
    if (r->ahead[i - r->ahead_at] != r->sums[i])
        return fl_reader_damaged(r, "a block is damaged", r->payload_at + i * FL_FLT_BLOCK);
    return 0;
}

static int
read_packed(struct fl_reader *r, void *data, size_t len)
{
    unsigned char prefix[FL_PACK_PREFIX];
    uint64_t at = r->offset;

    if (!r->packer && !(r->packer = fl_packer_new(0)))
        return fl_reader_fail(r);
    if (fl_reader_need(r, prefix, sizeof prefix))
        return -1;
    int64_t n = fl_packed_size(prefix, len);
    if (n >= 0 && fl_reader_need(r, fl_packer_input(r->packer), (size_t)n))
        return -1;
    if (n < 0 || fl_unpack(r->packer, r->tensor.dtype, prefix, data, len))
        return fl_reader_damaged(r, fl_error_what(), at);
    return 0;
}

unsigned char *
fl_reader_own_block(const struct fl_reader *r)
{
    size_t i = r->many ? r->collect.late_count : (size_t)(r->next_block % 2);

    return r->blocks + i * FL_FLT_BLOCK;
}

int
fl_reader_next_block(struct fl_reader *r, void *to, size_t *len)
{
    unsigned char *data = to ? to : fl_reader_own_block(r);
    uint64_t i = r->next_block;
    bool packed = fl_reader_packed(r);

    *len = block_size(r, i);
    if (packed ? read_packed(r, data, *len) : fl_reader_need(r, data, *len))
        return -1;
    if (note_sum(r, i, fl_check64(data, *len)))
        return -1;
    if (r->seekable && !packed && check_now(r, i))
        return -1;
    if (r->want_digest)
        fl_digest_block(&r->collect, data, *len);
    show(r);
    r->next_block++;
    return 0;
}

/* What is left of a payload in a file, by all threads; the table is compared after it. */
static int
scan_payload(struct fl_reader *r)
{
    if (!r->scan && !(r->scan = fl_scan_new(r->pool, r->fd, r->name)))
        return fl_reader_fail(r);
    while (r->next_block < fl_blocks(r->rec.payload)) {
        uint64_t sums[FL_SCAN_BLOCKS], most = (uint64_t)FL_SCAN_BLOCKS * FL_FLT_BLOCK;
        uint64_t left = r->rec.payload - r->next_block * FL_FLT_BLOCK;
        uint64_t n = fl_min_u64(left, most);
        int64_t got = fl_scan(r->scan, r->start + r->offset, n, sums, &r->collect);

        if (got < 0)
            return fl_reader_fail(r);
        if ((uint64_t)got < n)
            return fl_reader_damaged(r, "is cut", r->offset + (uint64_t)got);
        for (uint64_t i = 0; i < fl_blocks(n); i++)
            if (note_sum(r, r->next_block++, sums[i]))
                return -1;
        if (hop(r, n))
            return -1;
        show(r);
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
            if (fl_reader_next_block(r, NULL, &len))
                return -1;
            continue;
        }
        unsigned char prefix[FL_PACK_PREFIX];
        if (fl_reader_need(r, prefix, sizeof prefix))
            return -1;
        int64_t n = fl_packed_size(prefix, block_size(r, r->next_block));
        if (n < 0)
            return fl_reader_damaged(r, fl_error_what(), r->offset - sizeof prefix);
        if (hop(r, (uint64_t)n))
            return -1;
        r->next_block++;
    }
    return 0;
}

int
fl_reader_end_payload(struct fl_reader *r)
{
    uint64_t blocks = fl_blocks(r->rec.payload);
    unsigned char raw[8 * FL_READER_AHEAD];

    if (skip_payload(r) || fl_reader_need_padding(r, 8))
        return -1;
    fl_digest_flush(&r->collect);
    for (uint64_t i = 0; i < blocks;) {
        size_t n = fl_piece(blocks - i, FL_READER_AHEAD);
        if (fl_reader_need(r, raw, 8 * n))
            return -1;
        for (size_t k = 0; k < n; k++, i++) {
            uint64_t sum = fl_get64(raw + 8 * k);
            if (i < r->checked && sum != r->sums[i])
                return fl_reader_damaged(r, "a block is damaged", r->payload_at + i * FL_FLT_BLOCK);
            fl_chain_add64(r->chain, sum);
        }
    }
    if (fl_reader_need_padding(r, FL_FLT_ALIGN))
        return -1;
    r->state = INSIDE;
    return 0;
}
