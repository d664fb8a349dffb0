/*
 * Byte pair encoding: one word to ids. The word begins as one token a byte (byte-level) or a
 * character (with byte fallback or an unknown token); then the adjacent pair whose merge was learnt
 * first is joined, the leftmost of equals, until no pair has a merge. Source: Sennrich et al. 2016;
 * ties and unknown characters as in Hugging Face tokenizers' models/bpe.
 */
#ifndef FL_TEXT_BPE_H
#define FL_TEXT_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

#define FL_BPE_NONE UINT32_MAX

struct fl_bpe_merge {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank, id;
};

struct fl_bpe {                   /* a zeroed struct can be released */
    const struct fl_vocab *names; /* borrowed */
    bool byte_level; /* names are in the byte alphabet (text/alphabet.h); words are raw bytes */
    bool fallback;   /* characters without a token become tokens of their bytes */
    bool fuse_unknown, ignore_merges;
    bool cut_at_mark; /* no merge crosses the left side of a U+2581: long words are cut there */
    uint32_t unknown; /* FL_BPE_NONE when there is none */
    uint32_t byte_id[256];
    const unsigned char *closed; /* by id, borrowed: tokens that words may not become */
    struct fl_bpe_merge *merges; /* open addressing */
    size_t slots, count;
    unsigned shift; /* 64 less the bits of SLOTS */
};

void fl_bpe_release(struct fl_bpe *b);

/* Room for COUNT merges; then each of them in order. A merge into a closed token is left out. */
FL_MUST int fl_bpe_reserve(struct fl_bpe *b, size_t count);
void fl_bpe_add(struct fl_bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t id);

/* After the last merge: may long words be cut at marks? */
void fl_bpe_finish(struct fl_bpe *b);

/* Working memory of one thread: arrays for long words, and a cache that changes no result. */
struct fl_bpe_scratch;
struct fl_bpe_scratch *fl_bpe_scratch_new(void);
void fl_bpe_scratch_free(struct fl_bpe_scratch *s);

/*
 * Add the ids of one word. Its cost is O(n) for words seen before, O(n log n) for others.
 */
FL_MUST int fl_bpe_encode(const struct fl_bpe *b, struct fl_bpe_scratch *s,
                          const unsigned char *word, size_t len, struct fl_ids *ids);

#endif
