/*
 * The keystream of crypt/chacha.h on processors with AVX-512 (fl_kernel_is_wide), a unit of 32
 * blocks at a time; and in columns, for who adds up several streams and turns only their sum.
 */
#ifndef FL_CRYPT_CHACHA_WIDE_H
#define FL_CRYPT_CHACHA_WIDE_H

#include <stddef.h>
#include <stdint.h>

enum { FL_WIDE_BLOCKS = 32, FL_WIDE_WORDS = FL_WIDE_BLOCKS * 64 / 8 }; /* of a unit */

/* A secret: the state of block 0, of which a key's stream of a chunk is made. */
struct fl_wide {
    uint32_t state[16];
};

void fl_wide_start(struct fl_wide *w, const unsigned char key[32], uint64_t chunk);

/* The words of unit UNIT in columns: the same places for every key, chunk and unit. */
void fl_wide_columns(uint64_t words[FL_WIDE_WORDS], const struct fl_wide *w, uint64_t unit);

/* Columns to words in their order, little-endian ones of the stream's bytes. */
void fl_wide_turn(uint64_t words[FL_WIDE_WORDS]);

#endif
