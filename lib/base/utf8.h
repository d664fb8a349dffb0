/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef FL_BASE_UTF8_H
#define FL_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the longest valid prefix of DATA: LEN when all of it is UTF-8. O(LEN). */
size_t fl_utf8_valid_prefix(const void *data, size_t len);

/* Bytes of the character that DATA begins with, 0 when its LEFT >= 1 bytes begin with none. */
size_t fl_utf8_length(const void *data, size_t left);

#endif
