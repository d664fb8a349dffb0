/*
 * A roster's fingerprint as words that two people can read to each other: 192 bits of
 * H(-; "fl1.words"; roster digest) as twelve proquints, five letters each for 16 bits.
 * Source: Wilkerson 2009, "A Proposal for Proquints", arXiv:0901.4016.
 */
#ifndef FL_SEC_WORDS_H
#define FL_SEC_WORDS_H

enum { FL_WORDS = 12, FL_WORDS_TEXT = FL_WORDS * 6 };

/* "lusab babad ..." and a zero. */
void fl_words_text(char text[FL_WORDS_TEXT], const unsigned char roster[32]);

/*
 * 0 when TYPED holds these words, in any case, between spaces, line feeds, commas or hyphens;
 * -1 with FL_REFUSED otherwise.
 */
int fl_words_check(const char *typed, const unsigned char roster[32]);

#endif
