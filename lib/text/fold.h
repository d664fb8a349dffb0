/*
 * Characters without what makes no difference to a reader who compares words: case, width,
 * ligatures and other compatibility forms.
 */
#ifndef FL_TEXT_FOLD_H
#define FL_TEXT_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum { FL_FOLD_MOST = 32 }; /* code points of one character, decomposed */

enum fl_fold_kind {
    FL_FOLD_OTHER,  /* stands between words */
    FL_FOLD_LETTER, /* a letter, mark or digit: part of a word */
    FL_FOLD_WORD    /* a letter of a script that is written without spaces: a word alone */
};

/*
 * The compatibility decomposition of code point C, case folded, into OUT, which has room for
 * FL_FOLD_MOST of them; their number. Character by character, so that the cost is O(1): marks that
 * stand on one letter are not put in order again.
 */
size_t fl_fold_point(uint32_t c, uint32_t *out);

/* What C, which came from fl_fold_point, is. */
enum fl_fold_kind fl_fold_kind(uint32_t c);

#endif
