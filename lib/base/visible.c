/*
 * One function decides for every output of every program what may be shown as it is; a name of a
 * file, a site or a tensor is somebody else's, and a terminal obeys what is written to it.
 */
#include "base/visible.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/lane.h"
#include "base/utf8.h"

enum { ESCAPE = 8, BLOCK = 32 }; /* bytes of the longest escape and its zero */

/* Could this character act on a terminal, on lines or on the direction of text? */
static bool
acts(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The character whose UTF-8 is the N bytes at P. */
static uint32_t
decode(const unsigned char *p, size_t n)
{
    if (n == 1)
        return p[0];
    uint32_t c = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* What stands for the ASCII character C by a letter, or 0. */
static char
letter_of(uint32_t c, enum fl_visible form)
{
    if (form == FL_VISIBLE_JSON && (c == '"' || c == '\\'))
        return (char)c;
    if ((form == FL_VISIBLE_CELL || form == FL_VISIBLE_ITEM) && c == '\\')
        return '\\';
    if (form == FL_VISIBLE_ITEM && c == ',')
        return ',';
    if (form != FL_VISIBLE_TEXT && (c == '\t' || c == '\n'))
        return c == '\t' ? 't' : 'n';
    return 0;
}

/* The escape of the N bytes at P, a character, or of a byte that is none (N 0); or "". */
static void
escape_of(const unsigned char *p, size_t n, enum fl_visible form, char escape[ESCAPE])
{
    uint32_t c = n ? decode(p, n) : p[0];
    char letter = n == 1 ? letter_of(c, form) : 0;

    *escape = '\0';
    if (!n)
        snprintf(escape, ESCAPE, form == FL_VISIBLE_JSON ? "\xef\xbf\xbd" : "\\x%02x", p[0]);
    else if (letter)
        snprintf(escape, ESCAPE, "\\%c", letter);
    else if (acts(c) && !(form == FL_VISIBLE_TEXT && (c == '\t' || c == '\n')))
        snprintf(escape, ESCAPE, n == 1 && form != FL_VISIBLE_JSON ? "\\x%02x" : "\\u%04x",
                 (unsigned)(c & 0xffff)); /* all of them are below U+FFFF */
}

/* The bytes of P that are printable ASCII and never escaped, whole blocks first. */
static size_t
plain_run(const unsigned char *p, size_t len)
{
    size_t n = 0;

    for (; n + BLOCK <= len; n += BLOCK) {
        unsigned char odd = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            unsigned char c = p[n + i];
            odd |= c | fl_lane_below(c, 0x20) | fl_lane_is(c, 0x7f) | fl_lane_is(c, '"') |
                   fl_lane_is(c, '\\') | fl_lane_is(c, ',');
        }
        if (odd & FL_LANE)
            break;
    }
    while (n < len && p[n] - 0x20u <= 0x7e - 0x20 && p[n] != '"' && p[n] != '\\' && p[n] != ',')
        n++;
    return n;
}

int
fl_buf_add_visible(struct fl_buf *buf, const void *text, size_t len, enum fl_visible form)
{
    const unsigned char *p = text;
    size_t before = buf->len, from = 0, at = 0;
    char escape[ESCAPE];

    while ((at += plain_run(p + at, len - at)) < len) {
        size_t n = fl_utf8_length(p + at, len - at), next = at + (n ? n : 1);
        escape_of(p + at, n, form, escape);
        if (*escape) {
            if (fl_buf_add(buf, p + from, at - from) || fl_buf_add_text(buf, escape)) {
                buf->len = before;
                return -1;
            }
            from = next;
        }
        at = next;
    }
    if (!fl_buf_add(buf, p + from, len - from))
        return 0;
    buf->len = before;
    return -1;
}
