/*
 * Eight residues of 53 bits are 53 bytes, so that each is got by one load, a shift and a mask. The
 * primes are a little below 2^53: what is above 53 bits of a number comes back below, times that
 * little. Words are read as their bytes, as flt/values does, which is compiled nowhere else.
 */
#include "sec/ring.h"

#include "base/bytes.h"
#include "base/error.h"
#include "crypt/chacha.h"
#include "math/ntt_table.h"
#include "os/kernel.h"

enum { BITS = 53, GROUP = 8 };

#define MASK (((uint64_t)1 << BITS) - 1)

const uint64_t fl_ring_primes[FL_RING_PRIMES] = {9007199254429697, 9007199254364161,
                                                 9007199254331393, 9007199253921793};

int
fl_ring_init(struct fl_ring *ring)
{
    *ring = (struct fl_ring){0};
    for (size_t i = 0; i < FL_RING_PRIMES; i++)
        if (fl_ntt_init(&ring->ntt[i], FL_RING_N, fl_ring_primes[i])) {
            fl_ring_release(ring);
            return -1;
        }
    return 0;
}

void
fl_ring_release(struct fl_ring *ring)
{
    for (size_t i = 0; i < FL_RING_PRIMES; i++)
        fl_ntt_release(&ring->ntt[i]);
}

void
fl_ring_pack(uint64_t *words, const uint64_t *x)
{
    fl_ring_pack_units(words, x, FL_RING_UNITS);
}

void
fl_ring_pack_units(uint64_t *words, const uint64_t *x, size_t count)
{
    for (size_t u = 0; u < count; u++, x += FL_RING_UNIT) {
        uint64_t word = 0;
        unsigned fill = 0; /* bits of it */
        for (size_t i = 0; i < FL_RING_UNIT; i++) {
            word |= x[i] << fill;
            if ((fill += BITS) < 64)
                continue;
            *words++ = word;
            fill -= 64;
            word = x[i] >> (BITS - fill);
        }
    }
}

/* Residue I of the group at BYTES; the last one's eight bytes begin earlier, to end with it. */
static inline uint64_t
residue(const unsigned char *bytes, size_t i)
{
    size_t at = i < GROUP - 1 ? BITS * i / 8 : BITS - 8;

    return fl_get64(bytes + at) >> (BITS * i - 8 * at) & MASK;
}

/* Add the residues of a unit to SUM: a number with its top bit set when one is not below P. */
static uint64_t
add_unit(uint64_t *restrict sum, const uint64_t *words, uint64_t p)
{
    const unsigned char *bytes = (const unsigned char *)words;
    uint64_t wrong = 0;

    for (size_t g = 0; g < FL_RING_UNIT; g += GROUP, bytes += BITS)
        for (size_t i = 0; i < GROUP; i++) {
            uint64_t x = residue(bytes, i);
            wrong |= p - 1 - x;
            sum[g + i] += x;
        }
    return wrong;
}

FL_KERNEL int
fl_ring_add(uint64_t *sum, const uint64_t *words, uint64_t at, size_t count)
{
    enum { OF_PRIME = FL_RING_UNITS / FL_RING_PRIMES };
    uint64_t wrong = 0;

    for (size_t u = 0; u < count; u++)
        wrong |= add_unit(sum + u * FL_RING_UNIT, words + u * FL_RING_UNIT_WORDS,
                          fl_ring_primes[(at + u) / OF_PRIME % FL_RING_PRIMES]);
    return wrong >> 63 ? fl_error(FL_FAILED, "a number of a ciphertext or a key is not below its "
                                             "prime: this is none of ours")
                       : 0;
}

int
fl_ring_unpack(uint64_t *x, const uint64_t *words)
{
    for (size_t i = 0; i < FL_RING_RESIDUES; i++)
        x[i] = 0;
    return fl_ring_add(x, words, 0, FL_RING_UNITS);
}

void
fl_ring_reduce(uint64_t *x)
{
    for (size_t k = 0; k < FL_RING_PRIMES; k++)
        fl_ring_reduce_prime(x + k * FL_RING_N, FL_RING_N, k);
}

FL_KERNEL void
fl_ring_reduce_prime(uint64_t *x, size_t n, size_t k)
{
    const uint64_t p = fl_ring_primes[k], above = MASK + 1 - p;

    for (size_t i = 0; i < n; i++)
        x[i] = fl_ntt_less((x[i] & MASK) + (x[i] >> BITS) * above, p);
}

void
fl_ring_uniform(uint64_t *x, const unsigned char seed[FL_RING_SEED])
{
    unsigned char buffer[FL_STREAM_UNIT];

    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        size_t at = sizeof buffer;
        for (size_t i = 0, unit = 0; i < FL_RING_N;) {
            if (at == sizeof buffer) {
                fl_stream_part(buffer, sizeof buffer, seed, k, unit++ * sizeof buffer);
                at = 0;
            }
            uint64_t drawn = fl_get64(buffer + at) & MASK;
            at += 8;
            if (drawn < fl_ring_primes[k])
                x[k * FL_RING_N + i++] = drawn;
        }
    }
}
