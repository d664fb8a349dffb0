/*
 * Ill-formed sequences are found by the range of each byte. Most text is ASCII or of blocks that
 * normal form C leaves as they are, and is only looked through [all_plain].
 */
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"

/*
 * The bytes of the character at P, or 0 when it is ill-formed; then *SUBPART is the length of the
 * maximal subpart: the longest start of a well-formed sequence, or one byte.
 */
static size_t
char_size(const unsigned char *p, size_t left, size_t *subpart)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t want;

    *subpart = 1;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0)
        low = 0xa0; /* shorter forms exist */
    else if (p[0] == 0xed)
        high = 0x9f; /* surrogates */
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    for (size_t i = 1; i < want; i++) {
        if (i >= left || p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
        *subpart = i + 1;
    }
    return want;
}

/* Bytes of ASCII at the start of P, a multiple of 8. */
static size_t
skip_ascii(const unsigned char *p, size_t len)
{
    size_t at = 0;
    uint64_t word;

    for (; at + 8 <= len; at += 8) {
        memcpy(&word, p + at, 8);
        if (word & 0x8080808080808080u)
            break;
    }
    return at;
}

size_t
fl_unicode_check(const void *text, size_t len)
{
    const unsigned char *p = text;
    size_t at = 0, subpart;

    while (at < len) {
        if (p[at] < 0x80) {
            size_t run = skip_ascii(p + at, len - at);
            at += run ? run : 1;
            continue;
        }
        size_t size = char_size(p + at, len - at, &subpart);
        if (!size)
            return at;
        at += size;
    }
    return len;
}

int
fl_unicode_replace(const void *text, size_t len, struct fl_buf *out, uint64_t *replaced,
                   uint64_t *bytes)
{
    const unsigned char *p = text;
    size_t subpart;

    for (;;) {
        size_t good = fl_unicode_check(p, len);
        if (fl_buf_add(out, p, good))
            return -1;
        if (good == len)
            return 0;
        char_size(p + good, len - good, &subpart);
        if (fl_buf_add(out, "\xef\xbf\xbd", 3))
            return -1;
        (*replaced)++;
        *bytes += subpart;
        p += good + subpart;
        len -= good + subpart;
    }
}

uint32_t
fl_unicode_point(const unsigned char *p, size_t *size)
{
    if (p[0] < 0x80) {
        *size = 1;
        return p[0];
    }
    if (p[0] < 0xe0) {
        *size = 2;
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    }
    if (p[0] < 0xf0) {
        *size = 3;
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    }
    *size = 4;
    return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

int
fl_unicode_add(struct fl_buf *out, uint32_t point)
{
    unsigned char p[4];
    size_t n = (size_t)utf8proc_encode_char((utf8proc_int32_t)point, p);

    return fl_buf_add(out, p, n);
}

bool
fl_unicode_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool
fl_unicode_is_number(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
           category == UTF8PROC_CATEGORY_NO;
}

/*
 * Alphabetic is letters, Nl and Other_Alphabetic; of the last all are marks but the circled and
 * squared letters.
 */
bool
fl_unicode_is_word(uint32_t c)
{
    if (c < 0x80)
        return (c | 32) - 'a' < 26 || c - '0' < 10 || c == '_';
    if (c == 0x200c || c == 0x200d || (c >= 0x24b6 && c <= 0x24e9) ||
        (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
        (c >= 0x1f170 && c <= 0x1f189))
        return true;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
    }
}

size_t
fl_unicode_boundary(const unsigned char *text, size_t len)
{
    size_t back = 0;

    while (back < 3 && back < len && (text[len - back - 1] & 0xc0) == 0x80)
        back++;
    if (back == len || text[len - back - 1] < 0xc2)
        return len;
    /* A leading byte stands BACK + 1 before LEN: is its character complete there? */
    size_t lead = len - back - 1;
    size_t size = text[lead] < 0xe0 ? 2 : text[lead] < 0xf0 ? 3 : 4;
    return size > back + 1 ? lead : len;
}

void
fl_unicode_scratch_release(struct fl_unicode_scratch *scratch)
{
    free(scratch->points);
    scratch->points = NULL;
    scratch->cap = 0;
}

/*
 * Blocks in which every character is a starter that neither changes under NFC nor joins with the
 * one before it. The unit test holds the table against the whole of utf8proc's data.
 */
static bool
is_plain(uint32_t c)
{
    static const uint32_t plain[][2] = {
        {0x0000, 0x02ff},   {0x0388, 0x0482},   {0x048a, 0x052f}, {0x0531, 0x058f},
        {0x05d0, 0x05ea},   {0x0621, 0x064a},   {0x0660, 0x066f}, {0x0e01, 0x0e37},
        {0x1e00, 0x1f6f},   {0x2010, 0x205e},   {0x2070, 0x20cf}, {0x2190, 0x2328},
        {0x232b, 0x2adb},   {0x2add, 0x2bff},   {0x3003, 0x3029}, {0x3030, 0x3098},
        {0x309b, 0x9fff},   {0xac00, 0xd7a3},   {0xe000, 0xf8ff}, {0xff00, 0xffff},
        {0x1f300, 0x1faff}, {0x20000, 0x2a6dd},
    };
    size_t low = 0, high = sizeof plain / sizeof *plain;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > plain[middle][1])
            low = middle + 1;
        else if (c < plain[middle][0])
            high = middle;
        else
            return true;
    }
    return false;
}

static bool
all_plain(const unsigned char *p, size_t len)
{
    size_t at = 0, size;

    while (at < len) {
        if (p[at] < 0xcc) { /* below U+0300 */
            size_t run = skip_ascii(p + at, len - at);
            at += run ? run : p[at] < 0x80 ? 1 : 2;
            continue;
        }
        if (!is_plain(fl_unicode_point(p + at, &size)))
            return false;
        at += size;
    }
    return true;
}

int
fl_unicode_nfc(struct fl_buf *text, struct fl_unicode_scratch *scratch)
{
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

    if (all_plain(text->data, text->len))
        return 0;
    for (;;) {
        utf8proc_ssize_t n = utf8proc_decompose(text->data, (utf8proc_ssize_t)text->len,
                                                scratch->points, (utf8proc_ssize_t)scratch->cap,
                                                options);
        if (n < 0)
            return fl_error(FL_FAILED, "text cannot be normalised: %s", utf8proc_errmsg(n));
        if ((size_t)n < scratch->cap) { /* one more is for the zero of reencode */
            n = utf8proc_reencode(scratch->points, n, options);
            if (n < 0)
                return fl_error(FL_FAILED, "text cannot be normalised: %s", utf8proc_errmsg(n));
            fl_buf_clear(text);
            return fl_buf_add(text, scratch->points, (size_t)n);
        }
        int32_t *more = fl_resize(scratch->points, (size_t)n + 1, sizeof *more);
        if (!more)
            return -1;
        scratch->points = more;
        scratch->cap = (size_t)n + 1;
    }
}
