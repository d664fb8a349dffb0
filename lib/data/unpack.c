/*
 * One loop feeds a block of the file to the decompressor until it has given N bytes
 * [fl_unpack_read]; what a step of each library means is in one function a library. The only caller
 * of zlib and liblzma.
 */
#include "data/unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"

enum { BLOCK = 128 << 10, WINDOW_LOG = 27 };

struct fl_unpack {
    int fd;
    const char *name;
    enum fl_packing packing;
    uint64_t taken;
    unsigned char *block; /* of the file */
    size_t at, len;       /* [at, len) of it is not yet used */
    bool eof;             /* of the file */
    bool between;         /* at the end of a member, or at the start */
    z_stream gzip;
    ZSTD_DCtx *zstd;
    lzma_stream xz;
};

const char *
fl_packing_name(enum fl_packing packing)
{
    static const char *const names[] = {"none", "gzip", "zstd", "xz"};

    return names[packing];
}

enum fl_packing
fl_unpack_packing(const struct fl_unpack *u)
{
    return u->packing;
}

uint64_t
fl_unpack_taken(const struct fl_unpack *u)
{
    return u->taken;
}

static enum fl_packing
packing_of(const unsigned char *p, size_t n)
{
    if (n >= 3 && !memcmp(p, "\x1f\x8b\x08", 3))
        return FL_PACKING_GZIP;
    if (n >= 4 && (!memcmp(p, "\x28\xb5\x2f\xfd", 4) ||
                   (p[0] >> 4 == 5 && !memcmp(p + 1, "\x2a\x4d\x18", 3))))
        return FL_PACKING_ZSTD;
    return n >= 6 && !memcmp(p, "\xfd\x37zXZ\0", 6) ? FL_PACKING_XZ : FL_PACKING_NONE;
}

static int
fill(struct fl_unpack *u)
{
    ssize_t n = fl_read_full(u->fd, u->name, u->block, BLOCK);

    if (n < 0)
        return -1;
    u->taken += (uint64_t)n;
    u->at = 0;
    u->len = (size_t)n;
    u->eof = n < BLOCK;
    return 0;
}

static int
start(struct fl_unpack *u)
{
    const lzma_stream none = LZMA_STREAM_INIT;

    u->xz = none;
    u->between = true;
    if (fill(u))
        return -1;
    u->packing = packing_of(u->block, u->len);
    switch (u->packing) {
    case FL_PACKING_GZIP:
        if (inflateInit2(&u->gzip, 16 + MAX_WBITS) != Z_OK)
            return fl_error_memory("%s: out of memory", u->name);
        return 0;
    case FL_PACKING_ZSTD:
        u->zstd = ZSTD_createDCtx();
        if (!u->zstd ||
            ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG)))
            return fl_error_memory("%s: out of memory", u->name);
        return 0;
    case FL_PACKING_XZ:
        if (lzma_stream_decoder(&u->xz, (uint64_t)1 << WINDOW_LOG, LZMA_CONCATENATED) != LZMA_OK)
            return fl_error_memory("%s: out of memory", u->name);
        return 0;
    case FL_PACKING_NONE: break;
    }
    return 0;
}

struct fl_unpack *
fl_unpack_new(int fd, const char *name)
{
    struct fl_unpack *u = fl_alloc(1, sizeof *u);

    if (!u)
        return NULL;
    u->fd = fd;
    u->name = name;
    u->block = fl_alloc(BLOCK, 1);
    if (!u->block || start(u)) {
        fl_unpack_free(u);
        return NULL;
    }
    return u;
}

void
fl_unpack_free(struct fl_unpack *u)
{
    if (!u)
        return;
    if (u->packing == FL_PACKING_GZIP)
        inflateEnd(&u->gzip);
    if (u->packing == FL_PACKING_XZ)
        lzma_end(&u->xz);
    ZSTD_freeDCtx(u->zstd);
    free(u->block);
    free(u);
}

static int
damaged(const struct fl_unpack *u, const char *why)
{
    return fl_error(FL_FAILED, "%s: its %s data is damaged near byte %llu: %s", u->name,
                    fl_packing_name(u->packing), (unsigned long long)(u->taken - (u->len - u->at)),
                    why);
}

static int
too_large(const struct fl_unpack *u)
{
    return fl_error(
        FL_FAILED,
        "%s: needs more than 128 MiB of memory to be unpacked; pipe it in with: %s FILE |", u->name,
        u->packing == FL_PACKING_ZSTD ? "zstdcat --long=31" : "xzcat");
}

/* Between members: is there another one? Zeros after the last are padding. */
static int
next_member(struct fl_unpack *u)
{
    while (u->at < u->len && !u->block[u->at])
        u->at++;
    if (u->at == u->len)
        return 0;
    if (u->block[u->at] != 0x1f)
        return damaged(u, "other bytes follow its end");
    return inflateReset(&u->gzip) == Z_OK ? 0 : damaged(u, "it cannot be read");
}

/* Unpack into DATA what the block gives: the bytes that came, or -1. */
static ssize_t
step_gzip(struct fl_unpack *u, unsigned char *data, size_t n)
{
    if (u->between && u->taken > u->len - u->at && next_member(u))
        return -1;
    if (u->at == u->len && u->between)
        return 0;
    u->gzip.next_in = u->block + u->at;
    u->gzip.avail_in = (uInt)(u->len - u->at);
    u->gzip.next_out = data;
    u->gzip.avail_out = (uInt)n;
    int got = inflate(&u->gzip, Z_NO_FLUSH);
    u->at = u->len - u->gzip.avail_in;
    if (got != Z_OK && got != Z_STREAM_END && got != Z_BUF_ERROR)
        return damaged(u, u->gzip.msg ? u->gzip.msg : "it cannot be read");
    u->between = got == Z_STREAM_END;
    return (ssize_t)(n - u->gzip.avail_out);
}

static ssize_t
step_zstd(struct fl_unpack *u, unsigned char *data, size_t n)
{
    ZSTD_inBuffer in = {u->block, u->len, u->at};
    ZSTD_outBuffer out = {data, n, 0};
    size_t got = ZSTD_decompressStream(u->zstd, &out, &in);

    bool moved = in.pos != u->at || out.pos;
    u->at = in.pos;
    if (ZSTD_isError(got) && strstr(ZSTD_getErrorName(got), "too much memory"))
        return too_large(u);
    if (ZSTD_isError(got))
        return damaged(u, ZSTD_getErrorName(got));
    if (moved) /* else GOT is what the next frame would need */
        u->between = got == 0;
    return (ssize_t)out.pos;
}

static ssize_t
step_xz(struct fl_unpack *u, unsigned char *data, size_t n)
{
    u->xz.next_in = u->block + u->at;
    u->xz.avail_in = u->len - u->at;
    u->xz.next_out = data;
    u->xz.avail_out = n;
    lzma_ret got = lzma_code(&u->xz, u->eof ? LZMA_FINISH : LZMA_RUN);
    u->at = u->len - u->xz.avail_in;
    u->between = got == LZMA_STREAM_END;
    if (got == LZMA_MEMLIMIT_ERROR)
        return too_large(u);
    if (got == LZMA_MEM_ERROR)
        return fl_error_memory("%s: out of memory", u->name);
    if (got != LZMA_OK && got != LZMA_STREAM_END && got != LZMA_BUF_ERROR)
        return damaged(u, got == LZMA_FORMAT_ERROR ? "other bytes follow its end"
                                                   : "its check value is wrong");
    return (ssize_t)(n - u->xz.avail_out);
}

static ssize_t
step(struct fl_unpack *u, unsigned char *data, size_t n)
{
    size_t left = u->len - u->at;

    switch (u->packing) {
    case FL_PACKING_GZIP: return step_gzip(u, data, n);
    case FL_PACKING_ZSTD: return step_zstd(u, data, n);
    case FL_PACKING_XZ: return step_xz(u, data, n);
    case FL_PACKING_NONE: break;
    }
    if (left > n)
        left = n;
    memcpy(data, u->block + u->at, left);
    u->at += left;
    return (ssize_t)left;
}

ssize_t
fl_unpack_read(struct fl_unpack *u, void *data, size_t n)
{
    const size_t most = 1 << 30; /* what fits the numbers of all three libraries */
    size_t done = 0;

    while (done < n) {
        if (u->at == u->len && !u->eof && fill(u))
            return -1;
        size_t before = u->at, want = n - done < most ? n - done : most;
        ssize_t got = step(u, (unsigned char *)data + done, want);
        if (got < 0)
            return -1;
        done += (size_t)got;
        if (got || u->at != before || !u->eof)
            continue;
        if (u->packing != FL_PACKING_NONE && !u->between)
            return fl_error(FL_FAILED,
                            "%s: its %s data ends early, after %llu bytes; fetch the file again",
                            u->name, fl_packing_name(u->packing), (unsigned long long)u->taken);
        break;
    }
    return (ssize_t)done;
}
