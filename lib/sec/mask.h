/*
 * Masks over words of lanes.
 *
 * A word holds floor(64 / bits) lanes, the first in its lowest bits; the bits above the last lane
 * are zero, in masks too. Adding and subtracting is modulo 2^bits in each lane, many lanes at a
 * time: with T the top bit of every lane, (a & ~T) + (b & ~T) carries no further than T, and what T
 * itself should be is (a ^ b) & T added without carry. A mask is ChaCha20 of a 32-byte mask key,
 * one nonce for every chunk of FL_CHUNK_WORDS words of the upload.
 * Source: Bonawitz et al. 2017, section 4; Lamport 1975 for the arithmetic in lanes.
 */
#ifndef FL_SEC_MASK_H
#define FL_SEC_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "crypt/chacha.h"

struct fl_lanes {
    unsigned bits, count; /* of a lane; lanes of a word */
    uint64_t top, used;   /* top bit of every lane; all bits of all lanes */
};

void fl_lanes_init(struct fl_lanes *lanes, unsigned bits); /* 1 to 64 */

/* a[i] += b[i], a[i] -= b[i] in every lane, for i < N; bits above the lanes of B count as zero. */
void fl_lanes_add(const struct fl_lanes *lanes, uint64_t *restrict a, const uint64_t *restrict b,
                  size_t n);
void fl_lanes_sub(const struct fl_lanes *lanes, uint64_t *restrict a, const uint64_t *restrict b,
                  size_t n);

struct fl_mask { /* the array of them lies in secret memory */
    unsigned char key[32];
    int sign; /* 1: we add, -1: we subtract */
};

enum { FL_MASK_UNIT = FL_STREAM_UNIT / sizeof(uint64_t) }; /* words */

struct fl_masking {
    const struct fl_mask *masks; /* (count) */
    size_t count;
    uint64_t chunk;   /* of the upload, whose words are masked */
    const void *soon; /* what is read next: brought near meanwhile, as far as the processor can */
    size_t soon_bytes;
};

/*
 * Add all masks, with their signs, to N words of the chunk from its word FROM on, a multiple of
 * FL_MASK_UNIT; all of them have the lanes LANES. Streams are in memory for a unit at a time, on
 * the stack, which is wiped. Cost O(N count).
 */
void fl_masks_add(const struct fl_masking *m, const struct fl_lanes *lanes, uint64_t *words,
                  size_t n, size_t from);

#endif
