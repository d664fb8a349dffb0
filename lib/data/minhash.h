/*
 * MinHash: 120 lanes, each the least value of one function over all shingles. The share of lanes in
 * which two documents agree estimates their Jaccard index: the part of their shingles that both
 * have. Source: Broder 1997, On the resemblance and containment of documents.
 *
 * Lane i of a shingle whose hash has the halves HIGH and LOW is a[i] * LOW + b[i] * HIGH modulo
 * 2^32, a and b odd random numbers of the seed: multiply-shift for pairs of words (Dietzfelbinger
 * 1996), of which all bits are kept, since only their order counts.
 */
#ifndef FL_DATA_MINHASH_H
#define FL_DATA_MINHASH_H

#include <stddef.h>
#include <stdint.h>

enum { FL_MINHASH_LANES = 120 };

struct fl_minhash { /* the functions */
    uint32_t a[FL_MINHASH_LANES], b[FL_MINHASH_LANES];
};

/* The functions of SEED. */
void fl_minhash_init(struct fl_minhash *m, uint64_t seed);

/*
 * The lanes of COUNT hashes, COUNT > 0.
 *   hash   (count,)
 *   lanes  (FL_MINHASH_LANES,) out
 * The same on every machine.
 */
void fl_minhash(const struct fl_minhash *m, const uint64_t *hash, size_t count, uint32_t *lanes);

/* In how many lanes two agree. */
unsigned fl_minhash_agree(const uint32_t *x, const uint32_t *y);

#endif
