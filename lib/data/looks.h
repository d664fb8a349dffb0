/*
 * Guesses: what bytes look like beyond doubt, though nothing marks them. P is a sample of N bytes
 * from the start, all there is when WHOLE.
 */
#ifndef FL_DATA_LOOKS_H
#define FL_DATA_LOOKS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "UTF-16LE", "UTF-16BE", "UTF-32LE" or "UTF-32BE" without a mark of the byte order: every unit is
 * an assigned character, and enough are ASCII or East Asian punctuation. NULL when it is not.
 */
const char *fl_looks_wide(const void *p, size_t n);

enum fl_json_look {
    FL_JSON_NONE,
    FL_JSON_LINES, /* objects, each on a line of its own */
    FL_JSON_ARRAY, /* one array with objects, texts or lists in it, and nothing after it */
    FL_JSON_VALUES /* objects that are written over several lines */
};

/* It is JSON to the last byte of the sample. */
enum fl_json_look fl_looks_json(const void *p, size_t n, bool whole);

/*
 * The character that divides the fields of a table, ',' ';' or a tab; 0 when it is none. All
 * records have as many fields, quoted as RFC 4180 says, and no space follows most of the commas.
 * Then it is one when all of three fields and more are numbers, or when most are quoted, or when
 * the first record could be the names of columns and one of them holds numbers below; without
 * numbers, which lists, verse and talk have not, there must be more of it (see is_table).
 */
char fl_looks_table(const void *p, size_t n, bool whole);

#endif
