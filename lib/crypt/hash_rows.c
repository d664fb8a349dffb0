/*
 * BLAKE2b over several rows at once: one row in each lane of the vectors, the same steps for all.
 * libsodium hashes one; large objects are digested by blocks, of which there are many.
 */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "crypt/hash.h"
#include "os/kernel.h"

enum { LANES = FL_VECTOR / 8, BLOCK = 128 };

typedef uint64_t lanes __attribute__((vector_size(FL_VECTOR)));

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

/* One block of each row, which end after T bytes; LAST is all ones at the end. */
static inline void
compress(lanes h[8], const lanes m[16], uint64_t t, uint64_t last)
{
    lanes v[16];

    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[8 + i] = (lanes){0} + iv[i];
    }
    v[12] ^= t;
    v[14] ^= last;
    for (int r = 0; r < 12; r++) {
        const unsigned char *s = sigma[r];
        MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[8 + i];
}

/* LANES rows of LEN bytes, more than none, STRIDE from each other. */
FL_KERNEL static void
hash_group(unsigned char *out, const unsigned char *rows, size_t stride, size_t len,
           const uint64_t start[8])
{
    unsigned char tail[LANES][BLOCK] = {{0}};
    lanes h[8], m[16];

    for (int i = 0; i < 8; i++)
        h[i] = (lanes){0} + start[i];
    for (size_t at = 0; at < len; at += BLOCK) {
        size_t n = len - at < BLOCK ? len - at : BLOCK;
        const unsigned char *from = rows + at;
        size_t step = stride;
        if (n < BLOCK) {
            for (int k = 0; k < LANES; k++)
                memcpy(tail[k], from + (size_t)k * stride, n);
            from = tail[0];
            step = BLOCK;
        }
        for (int i = 0; i < 16; i++)
            for (int k = 0; k < LANES; k++)
                m[i][k] = fl_get64(from + (size_t)k * step + 8 * i);
        compress(h, m, at + n, at + n == len ? ~UINT64_C(0) : 0);
    }
    for (int k = 0; k < LANES; k++)
        for (int i = 0; i < FL_HASH_BYTES / 8; i++)
            fl_put64(out + k * FL_HASH_BYTES + 8 * i, h[i][k]);
}

void
fl_hash_rows(unsigned char *out, const char *label, const void *rows, size_t stride, size_t len,
             size_t count)
{
    const unsigned char *row = rows;
    unsigned char personal[16] = {0};
    uint64_t start[8];
    size_t i = 0;

    assert(strlen(label) <= sizeof personal);
    memcpy(personal, label, strlen(label));
    memcpy(start, iv, sizeof start);
    start[0] ^= 0x01010000 ^ FL_HASH_BYTES; /* no key, no tree */
    start[6] ^= fl_get64(personal);
    start[7] ^= fl_get64(personal + 8);
    for (; len && count - i >= LANES; i += LANES)
        hash_group(out + i * FL_HASH_BYTES, row + i * stride, stride, len, start);
    for (; i < count; i++)
        fl_hash_once(out + i * FL_HASH_BYTES, NULL, label, row + i * stride, len);
}
