/*
 * Lanes are kept in registers, LANES of them at a time, while all hashes go by; the inner loop has
 * a fixed length, of which the compiler makes vectors. Two 32-bit products a lane use both halves
 * of the hash: with one, all lanes would see the same 32 bits.
 */
#include "data/minhash.h"

#include "math/random.h"
#include "os/kernel.h"

enum { LANES = 40, FUNCTIONS = 0x6d68 }; /* of the sequences of a seed */

void
fl_minhash_init(struct fl_minhash *m, uint64_t seed)
{
    struct fl_random r = {seed, FUNCTIONS, 0};

    for (size_t i = 0; i < FL_MINHASH_LANES; i++) {
        uint64_t v = fl_random_u64(&r);
        m->a[i] = (uint32_t)v | 1;
        m->b[i] = (uint32_t)(v >> 32) | 1;
    }
}

FL_KERNEL static void
some_lanes(const uint32_t *a, const uint32_t *b, const uint64_t *hash, size_t count,
           uint32_t *lanes)
{
    uint32_t least[LANES];

    for (size_t i = 0; i < LANES; i++)
        least[i] = UINT32_MAX;
    for (size_t k = 0; k < count; k++) {
        uint32_t low = (uint32_t)hash[k], high = (uint32_t)(hash[k] >> 32);
        for (size_t i = 0; i < LANES; i++) {
            uint32_t v = a[i] * low + b[i] * high;
            least[i] = v < least[i] ? v : least[i];
        }
    }
    for (size_t i = 0; i < LANES; i++)
        lanes[i] = least[i];
}

void
fl_minhash(const struct fl_minhash *m, const uint64_t *hash, size_t count, uint32_t *lanes)
{
    for (size_t i = 0; i < FL_MINHASH_LANES; i += LANES)
        some_lanes(m->a + i, m->b + i, hash, count, lanes + i);
}

unsigned
fl_minhash_agree(const uint32_t *x, const uint32_t *y)
{
    unsigned agree = 0;

    for (size_t i = 0; i < FL_MINHASH_LANES; i++)
        agree += x[i] == y[i];
    return agree;
}
