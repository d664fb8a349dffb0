/*
 * Sets of characters, as classes of regular expressions name them: ranges, general categories of
 * Unicode, white space, in any case, negated, and one set within another.
 */
#ifndef FL_TEXT_CHARSET_H
#define FL_TEXT_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "text/unicode.h"

struct fl_charset {          /* a zeroed struct is empty, and not finished */
    unsigned char byte[256]; /* of a first byte: not in it, in it, or 2: look at the character */
    uint32_t categories;     /* bits by utf8proc's number */
    uint32_t *ranges;        /* first and last of each, sorted and apart when it is finished */
    size_t count, cap;       /* numbers in RANGES */
    bool folded;             /* RANGES has folded characters, and a character is folded first */
    uint64_t *plane;         /* NULL, or all answers below U+10000, a bit each */
    bool negated;            /* of all that stands above */
    const struct fl_charset *within; /* NULL, or a set that it lies in: borrowed, finished, */
    bool outside;                    /* or with this, lies outside of */
};

void fl_charset_release(struct fl_charset *set);

/* Add FIRST to LAST; with FOLDED set before, all that are equal to one of them but for the case. */
FL_MUST int fl_charset_add(struct fl_charset *set, uint32_t first, uint32_t last);

/* Add what has the property White_Space. */
FL_MUST int fl_charset_add_spaces(struct fl_charset *set);

/*
 * The categories called NAME, two letters ("Lu") or one for all that begin with it ("L"), LEN of
 * them, as bits; 0 when nothing is called so.
 */
uint32_t fl_charset_categories(const char *name, size_t len);

#define FL_CHARSET_ALL 0x3fffffffu /* all categories */

/*
 * After the last change; before the first question. CATEGORIES: what fl_charset_plane gave. A set
 * that names categories costs 65,536 steps and 8 KiB.
 */
FL_MUST int fl_charset_finish(struct fl_charset *set, const unsigned char *categories);

/* The categories of all characters below U+10000; free() it. NULL with an error. */
unsigned char *fl_charset_plane(void);

bool fl_charset_has(const struct fl_charset *set, uint32_t point);

/* Can both hold one character? True also when that is not easily known. */
bool fl_charset_may_meet(const struct fl_charset *a, const struct fl_charset *b);

/*
 * Simple case folding (CaseFolding.txt, status C and S) by utf8proc's simple mappings: characters
 * are equal but for the case when this is equal.
 */
uint32_t fl_charset_fold(uint32_t point);

/* Bytes of a character by its first byte, of UTF-8 that is well-formed. */
static inline size_t
fl_charset_size(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The bytes of the character at P when it is in SET, else 0. P is UTF-8 and not at its end. */
static inline size_t
fl_charset_take(const struct fl_charset *set, const unsigned char *p)
{
    size_t size;

    switch (set->byte[*p]) {
    case 0: return 0;
    case 1: return fl_charset_size(*p);
    default: break;
    }
    uint32_t c = fl_unicode_point(p, &size);
    return (set->plane && c < 0x10000 ? set->plane[c / 64] >> c % 64 & 1 : fl_charset_has(set, c))
               ? size
               : 0;
}

#endif
