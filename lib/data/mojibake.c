/*
 * UTF-8 that somebody read as Windows-1252 (ISO-8859-1 where that has no character) and wrote as
 * UTF-8 again: each byte became one character. Taken back where those characters, as bytes, are one
 * well-formed character: "Ã©" is "é".
 */
#include <string.h>

#include "base/error.h"
#include "data/clean.h"

/* The byte that is this character in Windows-1252, 0x80 to 0xff, or 0. */
static unsigned char
byte_of(uint32_t point)
{
    static const uint16_t high[32] = {0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
                                      0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d,
                                      0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d,
                                      0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
                                      0x0153, 0x009d, 0x017e, 0x0178};

    if (point >= 0x80 && point <= 0xff)
        return (unsigned char)point;
    for (size_t i = 0; i < 32; i++)
        if (high[i] == point)
            return (unsigned char)(0x80 + i);
    return 0;
}

/* The bytes of one character that P spells so, into BYTES; *USED of P. 0: it spells none. */
static size_t
spelled(const unsigned char *p, size_t len, unsigned char bytes[4], size_t *used)
{
    size_t n = 0, want = 1, size;

    *used = 0;
    while (n < want) {
        if (*used == len || p[*used] < 0xc2)
            return 0;
        unsigned char b = byte_of(fl_unicode_point(p + *used, &size));
        if (!b || (n == 0 && (b < 0xc2 || b > 0xf4)) || (n && (b & 0xc0) != 0x80))
            return 0;
        if (!n)
            want = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
        bytes[n++] = b;
        *used += size;
    }
    return fl_unicode_check(bytes, n) == n ? n : 0;
}

int
fl_mojibake(const unsigned char *text, size_t len, struct fl_buf *out, struct fl_edits *edits)
{
    unsigned char bytes[4];
    size_t run = 0, used, size;

    for (size_t at = 0; at < len;) {
        const unsigned char *lead = memchr(text + at, 0xc3, len - at); /* of U+00C2 to U+00F4 */
        if (!lead)
            break;
        at = (size_t)(lead - text);
        size = spelled(text + at, len - at, bytes, &used);
        if (!size) {
            at += 2;
            continue;
        }
        if (fl_buf_add(out, text + run, at - run) || fl_buf_add(out, bytes, size) ||
            fl_edits_add(edits, at, used, size, FL_FATE_MOJIBAKE))
            return -1;
        at += used;
        run = at;
    }
    return edits->count ? fl_buf_add(out, text + run, len - run) : 0;
}
