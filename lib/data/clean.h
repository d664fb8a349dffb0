/*
 * The steps that make a text clean: each takes a text with its trace and gives one. What is done is
 * counted; what a contract does not ask for is left out.
 */
#ifndef FL_DATA_CLEAN_H
#define FL_DATA_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "data/traced.h"
#include "text/unicode.h"

struct fl_clean_rules {   /* zeroed: as without a contract */
    bool refuse_invalid;  /* what is not UTF-8 is an error, else U+FFFD goes there */
    bool drop_controls;   /* C0 but tab and line feed, DEL, C1 */
    bool drop_zero_width; /* U+00AD, U+180E, U+200B, U+2060, U+FEFF; joiners between ASCII */
    bool find_mojibake;   /* UTF-8 that was once read as Windows-1252 is counted */
    bool repair_mojibake; /* and made what it was */
};

struct fl_clean_counts {
    uint64_t crlf;     /* line ends made LF */
    uint64_t nul;      /* NUL characters, which are kept */
    uint64_t mojibake; /* places */
};

/*
 * Line ends LF, the rules above, no blank lines at the start and no white space at the end, normal
 * form C, in this order. Cost O(len + pieces), whatever is in the text; memory O(len).
 */
FL_MUST int fl_clean(struct fl_traced *t, const struct fl_clean_rules *rules,
                     struct fl_unicode_scratch *unicode, struct fl_clean_counts *counts);

/*
 * Places of TEXT where two to four characters are the bytes of one in Windows-1252: the text with
 * that one goes to OUT and what was done to EDITS, both empty before. Cost O(len).
 * Every such place is proved, as the bytes are well-formed UTF-8 beyond ASCII; texts that mean
 * these characters hardly exist.
 */
FL_MUST int fl_mojibake(const unsigned char *text, size_t len, struct fl_buf *out,
                        struct fl_edits *edits);

#endif
