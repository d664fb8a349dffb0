/*
 * Masks over words of lanes.
 *
 * A word holds floor(64 / bits) lanes, the first in its lowest bits; the bits above the last lane
 * are zero, in masks too. Adding and subtracting is modulo 2^bits in each lane, many lanes at a
 * time: with T the top bit of every lane, (a & ~T) + (b & ~T) carries no further than T, and what T
 * itself should be is (a ^ b) & T added without carry. A mask is ChaCha20 of a 32-byte mask key,
 * one nonce for every chunk of FL_CHUNK_WORDS words of the upload, added by fed/lane_words.h.
 * Source: Bonawitz et al. 2017, section 4; Lamport 1975 for the arithmetic in lanes.
 */
#ifndef FL_SEC_MASK_H
#define FL_SEC_MASK_H

#include <stddef.h>
#include <stdint.h>

struct fl_lanes {
    unsigned bits, count; /* of a lane; lanes of a word */
    uint64_t top, used;   /* top bit of every lane; all bits of all lanes */
};

void fl_lanes_init(struct fl_lanes *lanes, unsigned bits); /* 1 to 64 */

/* a[i] += b[i], a[i] -= b[i] in every lane, for i < N; bits above the lanes of B count as zero. */
void fl_lanes_add(const struct fl_lanes *lanes, uint64_t *a, const uint64_t *b, size_t n);
void fl_lanes_sub(const struct fl_lanes *lanes, uint64_t *a, const uint64_t *b, size_t n);

struct fl_mask { /* the array of them lies in secret memory */
    unsigned char key[32];
    int sign; /* 1: we add, -1: we subtract */
};

#endif
