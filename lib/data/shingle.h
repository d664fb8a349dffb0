/*
 * A document as the set of its runs of words, for finding documents that are nearly the same.
 *
 * Words: compatibility decomposition (NFKD, character by character), case folded, runs of letters,
 * marks and digits; a character of a script that is written without spaces (Han, Kana, Thai, Lao,
 * Khmer, Myanmar) is a word of its own. A shingle is WIDTH words, joined by one space; its hash is
 * XXH3-64 with SEED. So white space, punctuation, case and width of letters make no difference.
 */
#ifndef FL_DATA_SHINGLE_H
#define FL_DATA_SHINGLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_shingles { /* a zeroed struct is fine; of one thread */
    uint64_t *hash;  /* of every shingle, in the order of the text, equal ones included */
    size_t count, cap;
    size_t words;
    struct fl_buf text; /* the words */
    size_t *starts;     /* of each word in TEXT; WORDS + 1 */
    size_t starts_cap;
};
void fl_shingles_release(struct fl_shingles *s);

/*
 * The shingles of TEXT (UTF-8) into S; none when it has fewer than WIDTH (1 to 64) words. O(len),
 * and O(WIDTH * bytes) for the hashes.
 */
FL_MUST int fl_shingles_make(struct fl_shingles *s, const void *text, size_t len, size_t width,
                             uint64_t seed);

#endif
