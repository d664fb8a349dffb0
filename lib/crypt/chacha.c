/*
 * Where the processor has AVX-512 the keystream is made here, since it is most of what masking
 * costs: 16 blocks side by side, in a loop of which the compiler makes vectors, at twice the speed
 * of libsodium, which has no such form; elsewhere libsodium makes it. So are the boxes, whose
 * random nonces need XChaCha20 (draft-irtf-cfrg-xchacha). The nonce is four zero bytes and the
 * number of the chunk, so no two of a key's 2^64 chunks share keystream; 256 GiB is where the block
 * counter would wrap. Source: RFC 8439, section 2.3.
 */
#include "crypt/chacha.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "os/kernel.h"

enum { LANES = 16, BLOCK = 64, GROUP = LANES * BLOCK };

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))

#define QUARTER(a, b, c, d)                                                                        \
    do {                                                                                           \
        (a) += (b), (d) ^= (a), (d) = ROTATE(d, 16);                                               \
        (c) += (d), (b) ^= (c), (b) = ROTATE(b, 12);                                               \
        (a) += (b), (d) ^= (a), (d) = ROTATE(d, 8);                                                \
        (c) += (d), (b) ^= (c), (b) = ROTATE(b, 7);                                                \
    } while (0)

/* COUNT groups of blocks from that of number FIRST on; STATE is that of block 0. */
FL_KERNEL static void
make_groups(unsigned char *out, const uint32_t state[16], uint32_t first, size_t count)
{
    uint32_t made[16][LANES];

    for (; count--; out += GROUP, first += LANES) {
        for (uint32_t b = 0; b < LANES; b++) {
            uint32_t x[16];
            memcpy(x, state, sizeof x);
            x[12] = first + b;
#pragma GCC unroll 10
            for (int r = 0; r < 10; r++) {
                QUARTER(x[0], x[4], x[8], x[12]);
                QUARTER(x[1], x[5], x[9], x[13]);
                QUARTER(x[2], x[6], x[10], x[14]);
                QUARTER(x[3], x[7], x[11], x[15]);
                QUARTER(x[0], x[5], x[10], x[15]);
                QUARTER(x[1], x[6], x[11], x[12]);
                QUARTER(x[2], x[7], x[8], x[13]);
                QUARTER(x[3], x[4], x[9], x[14]);
            }
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++)
                made[i][b] = x[i] + (i == 12 ? first + b : state[i]);
        }
        for (int b = 0; b < LANES; b++)
            for (int i = 0; i < 16; i++)
                fl_put32(out + b * BLOCK + i * 4, made[i][b]);
    }
    sodium_memzero(made, sizeof made);
}

static void
fill_wide(unsigned char *p, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk)
{
    static const char constant[] = "expand 32-byte k";
    const size_t groups = n / GROUP, rest = n % GROUP;
    unsigned char last[GROUP];
    uint32_t state[16];

    for (size_t i = 0; i < 4; i++)
        state[i] = fl_get32((const unsigned char *)constant + 4 * i);
    for (size_t i = 0; i < 8; i++)
        state[4 + i] = fl_get32(key + 4 * i);
    state[12] = state[13] = 0; /* the counter; and the nonce: LE32 0 || LE64 CHUNK */
    state[14] = (uint32_t)chunk;
    state[15] = (uint32_t)(chunk >> 32);
    make_groups(p, state, 0, groups);
    if (rest) {
        make_groups(last, state, (uint32_t)(groups * LANES), 1);
        memcpy(p + groups * GROUP, last, rest);
        sodium_memzero(last, sizeof last);
    }
    sodium_memzero(state, sizeof state);
}

void
fl_stream_fill(void *out, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk)
{
    unsigned char nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

    if (fl_kernel_is_wide()) {
        fill_wide(out, n, key, chunk);
        return;
    }
    fl_put32(nonce, 0);
    fl_put64(nonce + 4, chunk);
    crypto_stream_chacha20_ietf(out, n, nonce, key);
}

void
fl_box_seal(unsigned char *sealed, const void *plain, size_t n, const void *ad, size_t ad_len,
            const unsigned char nonce[FL_BOX_NONCE], const unsigned char key[32])
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, n, ad, ad_len, NULL, nonce,
                                               key);
}

int
fl_box_open(unsigned char *plain, const void *sealed, size_t n, const void *ad, size_t ad_len,
            const unsigned char nonce[FL_BOX_NONCE], const unsigned char key[32])
{
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, n, ad, ad_len, nonce,
                                                   key))
        return fl_error(FL_REFUSED, "a sealed box does not open: it was changed or is not for us");
    return 0;
}
