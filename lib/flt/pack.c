/*
 * Each block is compressed alone, so that a reader needs room for one, and damage stays in one.
 * Bytes of equal weight lie together, since exponents of neighbours are alike and low bits are not.
 * A block that does not become smaller is stored as it is.
 */
#include "flt/pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "flt/check.h"

struct fl_packer {
    int level;
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
    unsigned char *planes, *packed; /* FL_FLT_BLOCK each */
};

static const uint32_t raw_bit = UINT32_C(1) << 31;

struct fl_packer *
fl_packer_new(int level)
{
    struct fl_packer *p = fl_alloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->level = level;
    p->planes = fl_alloc_aligned(FL_FLT_BLOCK, 1);
    p->packed = fl_alloc_aligned(FL_FLT_BLOCK, 1);
    if (level)
        p->compress = ZSTD_createCCtx();
    else
        p->decompress = ZSTD_createDCtx();
    if (!p->planes || !p->packed || (!p->compress && !p->decompress)) {
        fl_error_memory("out of memory for compression");
        fl_packer_free(p);
        return NULL;
    }
    return p;
}

void
fl_packer_free(struct fl_packer *p)
{
    if (!p)
        return;
    ZSTD_freeCCtx(p->compress);
    ZSTD_freeDCtx(p->decompress);
    free(p->planes);
    free(p->packed);
    free(p);
}

/* Bytes of one float, or 1 for what is not split. */
static size_t
plane_count(enum fl_dtype dtype, size_t len)
{
    size_t size = dtype <= FL_BF16 ? fl_dtype_size(dtype) : 1;

    return len % size ? 1 : size;
}

static void
split(unsigned char *restrict planes, const unsigned char *restrict raw, size_t len, size_t size)
{
    size_t n = len / size;

    for (size_t b = 0; b < size; b++)
        for (size_t i = 0; i < n; i++)
            planes[b * n + i] = raw[i * size + b];
}

static void
join(unsigned char *restrict raw, const unsigned char *restrict planes, size_t len, size_t size)
{
    size_t n = len / size;

    for (size_t b = 0; b < size; b++)
        for (size_t i = 0; i < n; i++)
            raw[i * size + b] = planes[b * n + i];
}

int
fl_pack(struct fl_packer *p, enum fl_dtype dtype, const void *raw, size_t len, const void **stored,
        size_t *stored_len, unsigned char prefix[FL_PACK_PREFIX])
{
    size_t size = plane_count(dtype, len);
    const void *from = raw;

    if (size > 1) {
        split(p->planes, raw, len, size);
        from = p->planes;
    }
    /* No room for a result that is not smaller: zstd then says so at once. */
    size_t n = len > 1 ? ZSTD_compressCCtx(p->compress, p->packed, len - 1, from, len, p->level)
                       : len;
    bool as_is = len <= 1 || ZSTD_isError(n);
    *stored = as_is ? raw : p->packed;
    *stored_len = as_is ? len : n;
    fl_put32(prefix, (uint32_t)*stored_len | (as_is ? raw_bit : 0));
    fl_put32(prefix + 4, (uint32_t)fl_check64(*stored, *stored_len));
    return 0;
}

unsigned char *
fl_packer_input(struct fl_packer *p)
{
    return p->packed;
}

int64_t
fl_packed_size(const unsigned char prefix[FL_PACK_PREFIX], size_t len)
{
    uint32_t header = fl_get32(prefix);
    size_t n = header & ~raw_bit;

    if (header & raw_bit ? n != len : n >= len || !n)
        return fl_error(FL_FAILED, "a compressed block has an impossible length");
    return (int64_t)n;
}

int
fl_unpack(struct fl_packer *p, enum fl_dtype dtype, const unsigned char prefix[FL_PACK_PREFIX],
          void *raw, size_t len)
{
    size_t size = plane_count(dtype, len);
    uint32_t header = fl_get32(prefix);

    if ((uint32_t)fl_check64(p->packed, header & ~raw_bit) != fl_get32(prefix + 4))
        return fl_error(FL_FAILED, "a compressed block is damaged");
    if (header & raw_bit) {
        memcpy(raw, p->packed, len);
        return 0;
    }
    void *to = size > 1 ? p->planes : raw;
    size_t n = ZSTD_decompressDCtx(p->decompress, to, len, p->packed, header);
    if (ZSTD_isError(n) || n != len)
        return fl_error(FL_FAILED, "a compressed block does not unpack");
    if (size > 1)
        join(raw, p->planes, len, size);
    return 0;
}
