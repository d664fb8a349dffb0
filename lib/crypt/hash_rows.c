/*
 * BLAKE2b of several rows at once, since libsodium's of one row after the other is what digesting
 * a large object costs. A row is a lane: the compiler makes vectors of the loop over lanes, as
 * wide as the processor has them, and its steps are those of the standard. Source: RFC 7693.
 */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "crypt/hash.h"
#include "os/kernel.h"

/* From WORTH rows on, empty lanes cost less than one row after the other. */
enum { LANES = 8, WORTH = 4, BLOCK = 128 };

static const uint64_t iv[8] = {UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
                               UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
                               UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
                               UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)};

static const unsigned char sigma[12][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                            {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                            {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                            {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                            {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                            {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                            {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                            {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                            {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                            {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
                                            {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                            {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

#define ROTATE(x, n) ((x) >> (n) | (x) << (64 - (n)))

#define MIX(a, b, c, d, x, y)                                                                      \
    do {                                                                                           \
        (a) += (b) + (x), (d) ^= (a), (d) = ROTATE(d, 32);                                         \
        (c) += (d), (b) ^= (c), (b) = ROTATE(b, 24);                                               \
        (a) += (b) + (y), (d) ^= (a), (d) = ROTATE(d, 16);                                         \
        (c) += (d), (b) ^= (c), (b) = ROTATE(b, 63);                                               \
    } while (0)

/*
 * One block of each row, in M, which ends after T bytes of it; LAST is all ones in the last block.
 */
FL_KERNEL static void
compress(uint64_t h[8][LANES], uint64_t m[16][LANES], uint64_t t, uint64_t last)
{
    for (int k = 0; k < LANES; k++) {
        uint64_t v[16];
        for (int i = 0; i < 8; i++) {
            v[i] = h[i][k];
            v[8 + i] = iv[i];
        }
        v[12] ^= t;
        v[14] ^= last;
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) {
            const unsigned char *s = sigma[r];
            MIX(v[0], v[4], v[8], v[12], m[s[0]][k], m[s[1]][k]);
            MIX(v[1], v[5], v[9], v[13], m[s[2]][k], m[s[3]][k]);
            MIX(v[2], v[6], v[10], v[14], m[s[4]][k], m[s[5]][k]);
            MIX(v[3], v[7], v[11], v[15], m[s[6]][k], m[s[7]][k]);
            MIX(v[0], v[5], v[10], v[15], m[s[8]][k], m[s[9]][k]);
            MIX(v[1], v[6], v[11], v[12], m[s[10]][k], m[s[11]][k]);
            MIX(v[2], v[7], v[8], v[13], m[s[12]][k], m[s[13]][k]);
            MIX(v[3], v[4], v[9], v[14], m[s[14]][k], m[s[15]][k]);
        }
        for (int i = 0; i < 8; i++)
            h[i][k] ^= v[i] ^ v[8 + i];
    }
}

/* Digests of up to LANES rows of LEN bytes; lanes beyond COUNT take the last row again. */
static void
hash_group(unsigned char *out, const unsigned char *const *rows, size_t len, size_t count,
           const uint64_t start[8])
{
    uint64_t h[8][LANES], m[16][LANES];
    size_t at = 0;

    for (int i = 0; i < 8; i++)
        for (int k = 0; k < LANES; k++)
            h[i][k] = start[i];
    do {
        const size_t n = len - at < BLOCK ? len - at : BLOCK;
        unsigned char block[BLOCK] = {0};
        for (size_t k = 0; k < LANES; k++) {
            const unsigned char *from = rows[k < count ? k : count - 1] + at;
            if (n < BLOCK)
                from = n ? memcpy(block, from, n) : block;
            for (int i = 0; i < 16; i++)
                m[i][k] = fl_get64(from + 8 * i);
        }
        at += n;
        compress(h, m, at, at == len ? ~UINT64_C(0) : 0);
    } while (at < len);
    for (size_t k = 0; k < count; k++)
        for (int i = 0; i < FL_HASH_BYTES / 8; i++)
            fl_put64(out + k * FL_HASH_BYTES + 8 * i, h[i][k]);
}

void
fl_hash_rows(unsigned char *out, const char *label, const unsigned char *const *rows, size_t len,
             size_t count)
{
    unsigned char personal[16] = {0};
    uint64_t start[8];
    size_t i = 0;

    assert(strlen(label) <= sizeof personal);
    memcpy(personal, label, strlen(label));
    memcpy(start, iv, sizeof start);
    start[0] ^= 0x01010000 ^ FL_HASH_BYTES; /* no key, no tree */
    start[6] ^= fl_get64(personal);
    start[7] ^= fl_get64(personal + 8);
    while (count - i >= WORTH) {
        size_t n = count - i < LANES ? count - i : LANES;
        hash_group(out + i * FL_HASH_BYTES, rows + i, len, n, start);
        i += n;
    }
    for (; i < count; i++)
        fl_hash_once(out + i * FL_HASH_BYTES, NULL, label, rows[i], len);
}
