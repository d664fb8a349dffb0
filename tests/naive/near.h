/* Slow twins of lib/data's MinHash and of its choice among near documents. */
#ifndef FL_NAIVE_NEAR_H
#define FL_NAIVE_NEAR_H

#include <stddef.h>
#include <stdint.h>

#include "data/minhash.h"

/* Lane after lane, hash after hash. */
void naive_minhash(const struct fl_minhash *m, const uint64_t *hash, size_t count, uint32_t *lanes);

/*
 * Of COUNT documents, in the order of their hashes, the first that is kept and agrees in AGREE
 * lanes, else itself: every pair is looked at.
 *   lanes  (count, FL_MINHASH_LANES)
 *   kept   (count,) out
 */
void naive_near(const uint32_t *lanes, const uint64_t *hash, size_t count, unsigned agree,
                uint32_t *kept);

/* |A and B| / |A or B| of two sets of hashes, sorted here, equal ones counted once. */
double naive_jaccard(uint64_t *a, size_t na, uint64_t *b, size_t nb);

#endif
