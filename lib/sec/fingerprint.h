/*
 * A roster's fingerprint as words that two people can read to each other: 192 bits of
 * H(-; "fl1.words"; roster digest) as twelve proquints, five letters each for 16 bits.
 * Source: Wilkerson 2009, "A Proposal for Proquints", arXiv:0901.4016.
 */
#ifndef FL_SEC_FINGERPRINT_H
#define FL_SEC_FINGERPRINT_H

#include "base/buf.h"
#include "base/must.h"

enum { FL_FINGERPRINT_WORDS = 12, FL_FINGERPRINT_TEXT = FL_FINGERPRINT_WORDS * 6 };

/* "lusab babad ..." and a zero. */
void fl_fingerprint_text(char text[FL_FINGERPRINT_TEXT], const unsigned char roster[32]);

/*
 * Read a file that should hold words, perhaps among all else that fl-keygen --show prints, into
 * TEXT. -1 when it cannot be read or is of a kind that never does.
 */
FL_MUST int fl_fingerprint_read(const char *path, struct fl_buf *text);

/*
 * 0 when TEXT holds these words in a row, in any case, with anything but letters between them; -1
 * with FL_REFUSED otherwise. The error tells a typing error from another roster, and never a word
 * that was not given.
 */
FL_MUST int fl_fingerprint_check(const char *text, const unsigned char roster[32]);

/*
 * The same of the words in the file WORDS, or if that is NULL of those that somebody types who is
 * not shown them. The error names WORDS, or FILE, which the roster is in.
 */
FL_MUST int fl_fingerprint_ask(const unsigned char roster[32], const char *words, const char *file);

#endif
