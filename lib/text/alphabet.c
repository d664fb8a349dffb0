/*
 * The 68 bytes that do not stand for themselves are three runs (00 to 20, 7f to a0, ad), which take
 * U+0100 to U+0143 in their order: arithmetic in place of a table.
 */
#include "text/alphabet.h"

#include <stdbool.h>

#include "text/unicode.h"

static bool
stands_for_itself(uint32_t c)
{
    return (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) || (c >= 0xae && c <= 0xff);
}

uint32_t
fl_alphabet_point(unsigned char byte)
{
    if (stands_for_itself(byte))
        return byte;
    if (byte <= 0x20)
        return 0x100u + byte; /* the first 33 of the others */
    if (byte <= 0xa0)
        return 0x100u + 33 + (byte - 0x7fu); /* 0x7f to 0xa0 */
    return 0x100u + 67;                      /* 0xad */
}

int
fl_alphabet_write(const void *bytes, size_t len, struct fl_buf *out)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++)
        if (fl_unicode_add(out, fl_alphabet_point(p[i])))
            return -1;
    return 0;
}

int
fl_alphabet_read(const char *text, size_t len, struct fl_buf *out)
{
    size_t before = out->len, size;

    for (size_t i = 0; i < len; i += size) {
        uint32_t c = fl_unicode_point((const unsigned char *)text + i, &size);
        if (c >= 0x100 && c <= 0x120)
            c -= 0x100;
        else if (c > 0x120 && c <= 0x142)
            c = c - 0x121 + 0x7f;
        else if (c == 0x143)
            c = 0xad;
        else if (!stands_for_itself(c)) {
            out->len = before;
            return 0;
        }
        if (fl_buf_add_byte(out, c))
            return -1;
    }
    return 1;
}
