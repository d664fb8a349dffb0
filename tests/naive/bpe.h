/* Byte pair encoding as its definition reads: every step looks at everything again. */
#ifndef FL_NAIVE_BPE_H
#define FL_NAIVE_BPE_H

#include <stddef.h>
#include <stdint.h>

enum { NAIVE_TOKENS = 512, NAIVE_PIECE = 256 };

struct naive_bpe {
    unsigned char piece[NAIVE_TOKENS][NAIVE_PIECE]; /* by id; 256 is left out */
    size_t piece_len[NAIVE_TOKENS];
    size_t ids;
    uint32_t left[NAIVE_TOKENS], right[NAIVE_TOKENS], to[NAIVE_TOKENS];
    size_t merges;
};

/* Learn from N words that stand COUNT times each, up to SIZE ids. */
void naive_bpe_train(struct naive_bpe *b, const char *const *words, const uint64_t *count, size_t n,
                     size_t size);

/* The ids of one word into IDS (room for LEN); returns how many. */
size_t naive_bpe_encode(const struct naive_bpe *b, const char *word, size_t len, uint32_t *ids);

#endif
