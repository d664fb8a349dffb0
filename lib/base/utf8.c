/*
 * The range of the second byte, which depends on the first, is what excludes overlong forms,
 * surrogates and numbers above U+10FFFF. Eight bytes of ASCII are passed over at once: most text
 * is.
 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The table is RFC 3629, section 4. */
size_t
fl_utf8_length(const void *data, size_t left)
{
    const unsigned char *p = data;
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;

    if (len > left || len == 0)
        return 0;
    if (len == 1)
        return 1;
    unsigned char low = 0x80, high = 0xbf;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

size_t
fl_utf8_valid_prefix(const void *data, size_t len)
{
    const unsigned char *p = data;
    size_t at = 0;

    while (at < len) {
        uint64_t word;
        if (len - at >= sizeof word) { /* eight ASCII bytes at a time */
            memcpy(&word, p + at, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                at += sizeof word;
                continue;
            }
        }
        size_t n = fl_utf8_length(p + at, len - at);
        if (!n)
            return at;
        at += n;
    }
    return len;
}
