/*
 * Text of files and of command lines for people to look at: what could act on a terminal, on the
 * lines around it or on the order in which they are read is escaped, whoever the output goes to.
 *
 * Escaped are control characters (U+0000 to U+001F, U+007F to U+009F), what breaks lines (U+2028,
 * U+2029), what turns the direction of text (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
 * U+2069) and bytes that are not UTF-8:
 *
 *   \t \n    tab and line feed
 *   \x1b     other ASCII, and a byte that is no UTF-8
 *   \u202e   any other character
 *
 * Source of the list: Unicode 15, UAX #9, table 4; C0 and C1 of ISO 6429.
 */
#ifndef FL_BASE_VISIBLE_H
#define FL_BASE_VISIBLE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

enum fl_visible {
    FL_VISIBLE_LINE, /* a message */
    FL_VISIBLE_CELL, /* a cell of a table; a backslash is \\, so that the text can be had back */
    FL_VISIBLE_ITEM, /* of a list in a cell: the same, and a comma is \, */
    FL_VISIBLE_TEXT, /* text on a terminal: tabs and line feeds stay as they are */
    FL_VISIBLE_JSON  /* between the quotes of a JSON string, by JSON's escapes: it reads back as the
                        same text, but that a byte that is no UTF-8 becomes U+FFFD */
};

/* Add LEN bytes of TEXT in FORM. O(LEN); a character becomes at most 6 bytes. */
FL_MUST int fl_buf_add_visible(struct fl_buf *buf, const void *text, size_t len,
                               enum fl_visible form);

#endif
