/*
 * UTF-8 as it has to be (Unicode 15, table 3-7: no surrogates, no overlong forms, nothing above
 * U+10FFFF), and the normal form C of it.
 */
#ifndef FL_TEXT_UNICODE_H
#define FL_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

/* The version of Unicode that normal forms and classes are of, three numbers. */
const char *fl_unicode_version(void);

/* Offset of the first byte that is not UTF-8, or LEN when all of it is. */
size_t fl_unicode_check(const void *text, size_t len);

/*
 * Append TEXT to OUT with one U+FFFD for every maximal subpart of an ill-formed sequence (Unicode
 * 15, section 3.9, "U+FFFD Substitution of Maximal Subparts"). *REPLACED grows by their number and
 * *BYTES by the bytes that they took the place of.
 */
FL_MUST int fl_unicode_replace(const void *text, size_t len, struct fl_buf *out, uint64_t *replaced,
                               uint64_t *bytes);

/* The bytes of the maximal subpart at P, where fl_unicode_check stopped; LEFT are there. */
size_t fl_unicode_subpart(const unsigned char *p, size_t left);

/* The code point at P, which is UTF-8 and not empty; *SIZE is its bytes. */
uint32_t fl_unicode_point(const unsigned char *p, size_t *size);

/* Add a code point (no surrogate, at most U+10FFFF) as UTF-8. */
FL_MUST int fl_unicode_add(struct fl_buf *out, uint32_t point);

/* The property White_Space. */
bool fl_unicode_is_space(uint32_t point);

/* General category Nd, Nl or No. */
bool fl_unicode_is_number(uint32_t point);

/*
 * What \w is in expressions (UTS 18, annex C): Alphabetic, marks, decimal digits, connectors and
 * the two joiners.
 */
bool fl_unicode_is_word(uint32_t point);

/*
 * The largest offset at most LEN that does not split a character; TEXT may be longer than LEN and
 * need not be well-formed.
 */
size_t fl_unicode_boundary(const unsigned char *text, size_t len);

struct fl_unicode_change { /* LEN bytes from AT on of the text became OUT bytes */
    size_t at, len, out;
};

/* What fl_unicode_nfc keeps from call to call; a zeroed struct is fine. */
struct fl_unicode_scratch {
    uint32_t *points;
    size_t cap; /* half of them */
    struct fl_buf text;
    struct fl_unicode_change *changes; /* of the last call: what is not as it was */
    size_t change_count, change_cap;
};
void fl_unicode_scratch_release(struct fl_unicode_scratch *scratch);

/*
 * Bring TEXT, which is UTF-8, to normal form C in place. Only stretches with characters that could
 * change are more than looked through (UAX 15, section 9, quick check, with a table of the large
 * plain blocks). Cost O(len), also of endless marks: they are put in order by counting.
 */
FL_MUST int fl_unicode_nfc(struct fl_buf *text, struct fl_unicode_scratch *scratch);

#endif
