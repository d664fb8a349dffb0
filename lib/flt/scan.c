/*
 * Threads read and hash blocks in any order; check values and leaves are taken in that of the file
 * afterwards, so that the digest is the one of a single pass.
 */
#include "flt/scan.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/check.h"
#include "flt/format.h"
#include "flt/record.h"
#include "os/file.h"
#include "os/memory.h"

struct fl_scan {
    struct fl_pool *pool;
    int fd;
    const char *name;
    uint64_t offset, n;
    uint64_t *sums;
    bool leaves_wanted;
    unsigned char leaves[FL_SCAN_BLOCKS][FL_HASH_BYTES];
    size_t got[FL_SCAN_BLOCKS];
    unsigned char *blocks; /* FL_LEAVES of FL_FLT_BLOCK bytes a worker */
    atomic_bool failed;
    struct fl_error_copy error; /* of the worker that set FAILED */
};

static void
scan_blocks(void *arg, size_t group, int worker)
{
    struct fl_scan *s = arg;
    const size_t first = group * FL_LEAVES, all = (size_t)fl_blocks(s->n);
    const size_t count = fl_piece(all - first, FL_LEAVES);
    const unsigned char *blocks[FL_LEAVES];

    for (size_t k = 0, i = first; k < count; k++, i++) {
        unsigned char *block = s->blocks + ((size_t)worker * FL_LEAVES + k) * FL_FLT_BLOCK;
        uint64_t left = s->n - i * FL_FLT_BLOCK;
        size_t len = fl_piece(left, FL_FLT_BLOCK);
        ssize_t got = fl_pread_full(s->fd, s->name, block, len, s->offset + i * FL_FLT_BLOCK);
        if (got < 0) {
            if (!atomic_exchange(&s->failed, true))
                fl_error_save(&s->error);
            return;
        }
        s->got[i] = (size_t)got;
        s->sums[i] = fl_check64(block, (size_t)got);
        blocks[k] = block;
    }
    if (s->leaves_wanted)
        fl_digest_leaves(s->leaves[first], blocks, s->got + first, count);
}

struct fl_scan *
fl_scan_new(struct fl_pool *pool, int fd, const char *name)
{
    struct fl_scan *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct fl_scan){.pool = pool, .fd = fd, .name = name};
    s->blocks = fl_alloc_large((size_t)fl_pool_threads(pool), FL_LEAVES * FL_FLT_BLOCK);
    if (s->blocks)
        return s;
    free(s);
    return NULL;
}

void
fl_scan_free(struct fl_scan *s)
{
    if (!s)
        return;
    free(s->blocks);
    free(s);
}

int64_t
fl_scan(struct fl_scan *s, uint64_t offset, uint64_t n, uint64_t *sums, struct fl_digest *collect)
{
    size_t count = (size_t)fl_blocks(n);
    int64_t total = 0;

    s->offset = offset;
    s->n = n;
    s->sums = sums;
    s->leaves_wanted = collect != NULL;
    fl_pool_run(s->pool, (count + FL_LEAVES - 1) / FL_LEAVES, scan_blocks, s);
    if (atomic_exchange(&s->failed, false))
        return fl_error_restore(&s->error);
    for (size_t i = 0; i < count; i++) {
        total += (int64_t)s->got[i];
        if (collect)
            fl_digest_add_leaf(collect, s->leaves[i]);
    }
    return total;
}
