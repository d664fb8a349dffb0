/*
 * The order in which training sees its windows: no array, any place of it in constant time, so that
 * a run that starts again at step k begins at once.
 *
 * The tokens are a ring (every document ends with an end-of-text token, so its seam is one more
 * border between documents). An epoch shifts the ring by a random offset, cuts it into
 * floor(tokens / T) windows whose targets do not overlap, and takes these in a random order. What
 * is left over of an epoch, fewer than T tokens, lies elsewhere in the next.
 */
#ifndef FL_NN_ORDER_H
#define FL_NN_ORDER_H

#include <stdint.h>

/*
 * A seeded permutation of 0..count-1: a Feistel network over the next power of four, walked until
 * it falls below COUNT (4 passes are expected at most).
 * Source: Black and Rogaway 2002, "Ciphers with arbitrary finite domains".
 */
struct fl_permutation {
    uint64_t count;
    unsigned half; /* bits of each half */
    uint64_t keys[6];
};

/* COUNT is 1 to 2^62. Different (SEED, SEQUENCE) give unrelated permutations. */
void fl_permutation_init(struct fl_permutation *p, uint64_t count, uint64_t seed,
                         uint64_t sequence);
uint64_t fl_permutation_at(const struct fl_permutation *p, uint64_t i); /* I below COUNT */

struct fl_order {
    uint64_t tokens, length, windows; /* of the ring; of a window (T); of an epoch */
    uint64_t seed;
};

/* TOKENS more than LENGTH, LENGTH at least 1. */
void fl_order_init(struct fl_order *o, uint64_t tokens, uint64_t length, uint64_t seed);

/*
 * Place in the ring of the first token of sample I, counted from 0 over all epochs: the window is
 * LENGTH + 1 tokens from there, around the ring.
 */
uint64_t fl_order_place(const struct fl_order *o, uint64_t i);

/*
 * Place of window I (below WINDOWS) of a fixed random order of the ring as it lies, which belongs
 * to no epoch: the first of them are a sample to measure on.
 */
uint64_t fl_order_sample(const struct fl_order *o, uint64_t i);

#endif
