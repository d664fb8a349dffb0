#include "chacha.h"

#include <string.h>

static uint32_t
word(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t
rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void
quarter(uint32_t *x, int a, int b, int c, int d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

static void
block(unsigned char out[64], const uint32_t state[16])
{
    uint32_t x[16];

    memcpy(x, state, sizeof x);
    for (int r = 0; r < 10; r++) {
        for (int i = 0; i < 4; i++)
            quarter(x, i, 4 + i, 8 + i, 12 + i);
        for (int i = 0; i < 4; i++)
            quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 4; k++)
            out[4 * i + k] = (unsigned char)((x[i] + state[i]) >> (8 * k));
}

void
naive_stream(unsigned char *out, size_t n, const unsigned char key[32], uint64_t chunk)
{
    static const unsigned char constant[] = "expand 32-byte k";
    uint32_t state[16] = {[14] = (uint32_t)chunk, [15] = (uint32_t)(chunk >> 32)};
    unsigned char made[64];

    for (int i = 0; i < 4; i++)
        state[i] = word(constant + 4 * i);
    for (int i = 0; i < 8; i++)
        state[4 + i] = word(key + 4 * i);
    for (size_t at = 0; at < n; at += sizeof made, state[12]++) {
        size_t len = n - at < sizeof made ? n - at : sizeof made;
        block(made, state);
        memcpy(out + at, made, len);
    }
}
