/*
 * Learning byte pair encoding: again and again the pair of neighbours that stands most often in the
 * words becomes a token. Of pairs that stand equally often the one with the smaller left id, then
 * right id, is taken; so the words and their counts alone decide.
 * Source: Sennrich et al. 2016, with counts kept up to date as in their section 3.2.
 */
#ifndef FL_TEXT_BPE_TRAIN_H
#define FL_TEXT_BPE_TRAIN_H

#include "base/must.h"
#include "os/progress.h"
#include "text/tokenizer_write.h"
#include "text/words.h"

struct fl_bpe_trained {     /* a zeroed struct is empty */
    struct fl_vocab pieces; /* raw bytes by id; 256, the end of text, is left out */
    struct fl_bpe_pair *merges;
    size_t count, cap;
};

/*
 * Learn from N tables until there are SIZE ids, 257 of which are there before, or no pair stands
 * twice. PROGRESS (may be NULL) is shown the number of ids. Memory: about 50 bytes a letter of the
 * tables. Time: O(letters + merges * words that each changes * log).
 */
FL_MUST int fl_bpe_train(const struct fl_words *tables, size_t n, size_t size,
                         struct fl_progress *progress, struct fl_bpe_trained *result);
void fl_bpe_trained_release(struct fl_bpe_trained *result);

#endif
