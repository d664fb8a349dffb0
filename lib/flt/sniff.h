/*
 * What a file is that is of no use where it was given: for a message that names it.
 */
#ifndef FL_FLT_SNIFF_H
#define FL_FLT_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

enum {
    FL_SNIFF_BYTES = 128, /* of a file's beginning that are looked at; fewer are fine */
    FL_SNIFF_TEXT = 100
};

/*
 * Name for people what begins with these LEN bytes, to stand after "FILE: is": "text", "a secret
 * key of format 1", "an FLT stream of kind \"plan\"". The name goes into TEXT, which is returned.
 * It is a guess, and nothing is decided by it.
 */
const char *fl_sniff(const void *data, size_t len, char text[FL_SNIFF_TEXT]);

/* The same, and true, only for files that this toolkit writes; exact. */
bool fl_sniff_own(const void *data, size_t len, char text[FL_SNIFF_TEXT]);

/* Record that FILE, which begins with these bytes, is no FLT stream but what it is: always -1. */
int fl_not_a_stream(const char *file, const void *data, size_t len);

#endif
