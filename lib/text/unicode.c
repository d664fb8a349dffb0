/*
 * Ill-formed sequences are found by the range of each byte. Most text is ASCII or of blocks that
 * normal form C leaves as they are, and is only looked through [all_plain].
 */
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"

enum { DECOMPOSED = 8 }; /* points of the longest canonical decomposition (4), and more */

const char *
fl_unicode_version(void)
{
    return utf8proc_unicode_version();
}

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

size_t
fl_unicode_subpart(const unsigned char *p, size_t left)
{
    size_t subpart;

    char_size(p, left, &subpart);
    return subpart;
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
    free(scratch->changes);
    fl_buf_release(&scratch->text);
    *scratch = (struct fl_unicode_scratch){0};
}

/*
 * Blocks in which every character is a starter that neither changes under NFC nor joins with the
 * one before it. The unit test holds the table against the whole of utf8proc's data.
 */
static bool
is_plain(uint32_t c)
{
    static const uint32_t plain[][2] = {
        {0x0000, 0x02ff}, {0x0388, 0x0482}, {0x048a, 0x052f},   {0x0531, 0x058f},
        {0x05d0, 0x05ea}, {0x0621, 0x064a}, {0x0660, 0x066f},   {0x0904, 0x093b},
        {0x093d, 0x094c}, {0x0960, 0x097f}, {0x0985, 0x09b9},   {0x0a85, 0x0ab9},
        {0x0b83, 0x0bb9}, {0x0c05, 0x0c39}, {0x0e01, 0x0e37},   {0x1000, 0x102a},
        {0x10a0, 0x1112}, {0x1780, 0x17b3}, {0x1e00, 0x1f6f},   {0x2010, 0x205e},
        {0x2070, 0x20cf}, {0x2190, 0x2328}, {0x232b, 0x2adb},   {0x2add, 0x2bff},
        {0x3003, 0x3029}, {0x3030, 0x3098}, {0x309b, 0x9fff},   {0xac00, 0xd7a3},
        {0xe000, 0xf8ff}, {0xff00, 0xffff}, {0x1f300, 0x1faff}, {0x20000, 0x2a6dd},
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

/* The first character from AT on that is not plain, or LEN; *BEFORE is the start of the one before.
 */
static size_t
skip_plain(const unsigned char *p, size_t at, size_t len, size_t *before)
{
    size_t size, last = *before;

    while (at < len) {
        if (p[at] < 0xcc) { /* below U+0300 */
            size_t run = skip_ascii(p + at, len - at);
            last = run ? at + run - 1 : at;
            at += run ? run : p[at] < 0x80 ? 1 : 2;
            continue;
        }
        if (!is_plain(fl_unicode_point(p + at, &size)))
            break;
        last = at;
        at += size;
    }
    *before = last;
    return at;
}

/* The next plain character from AT on, or LEN. */
static size_t
find_plain(const unsigned char *p, size_t at, size_t len)
{
    size_t size;

    for (; at < len && !is_plain(fl_unicode_point(p + at, &size)); at += size)
        ;
    return at;
}

enum { CLASS = 24, POINT = (1 << CLASS) - 1, FEW = 24 }; /* the class above, the point below */

/* Order N points of a class other than 0 by their class, those of one as they stand. */
static void
order_marks(uint32_t *p, size_t n, uint32_t *other)
{
    size_t first[257] = {0};

    if (n <= FEW) {
        for (size_t i = 1; i < n; i++) {
            uint32_t mark = p[i];
            size_t k = i;
            for (; k && p[k - 1] >> CLASS > mark >> CLASS; k--)
                p[k] = p[k - 1];
            p[k] = mark;
        }
        return;
    }
    for (size_t i = 0; i < n; i++)
        first[(p[i] >> CLASS) + 1]++;
    for (size_t c = 0; c < 256; c++)
        first[c + 1] += first[c];
    for (size_t i = 0; i < n; i++)
        other[first[p[i] >> CLASS]++] = p[i];
    memcpy(p, other, n * sizeof *p);
}

/* Room for N points, and N more to order them in. */
static int
reserve_points(struct fl_unicode_scratch *s, size_t n)
{
    if (n <= s->cap)
        return 0;
    size_t cap = n > 2 * s->cap ? n : 2 * s->cap;
    uint32_t *points = fl_resize(s->points, cap, 2 * sizeof *points);
    if (!points)
        return -1;
    s->points = points;
    s->cap = cap;
    return 0;
}

/* Add a point, its class above it, of which there is room for. */
static void
add_point(struct fl_unicode_scratch *s, size_t *n, uint32_t c, const utf8proc_property_t *property)
{
    s->points[(*n)++] = c | (uint32_t)property->combining_class << CLASS;
}

/* The canonical decomposition of TEXT into S->points, *COUNT of them, marks not yet in order. */
static int
decompose(struct fl_unicode_scratch *s, const unsigned char *text, size_t len, size_t *count)
{
    utf8proc_int32_t parts[DECOMPOSED];
    size_t n = 0, size;

    for (size_t at = 0; at < len; at += size) {
        uint32_t c = fl_unicode_point(text + at, &size);
        const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)c);
        if (n + DECOMPOSED > s->cap && reserve_points(s, n + DECOMPOSED))
            return -1;
        if (property->decomp_seqindex == UINT16_MAX && (c < 0xac00 || c > 0xd7a3)) {
            add_point(s, &n, c, property);
            continue;
        }
        utf8proc_ssize_t got = utf8proc_decompose_char((utf8proc_int32_t)c, parts, DECOMPOSED,
                                                       UTF8PROC_STABLE | UTF8PROC_COMPOSE, NULL);
        if (got < 0 || got > DECOMPOSED)
            return fl_error(FL_FAILED, "text cannot be normalised: U+%04X", (unsigned)c);
        for (utf8proc_ssize_t i = 0; i < got; i++)
            add_point(s, &n, (uint32_t)parts[i], utf8proc_get_property(parts[i]));
    }
    *count = n;
    return 0;
}

/* Normal form C of TEXT after OUT. */
static int
add_nfc(struct fl_unicode_scratch *s, const unsigned char *text, size_t len, struct fl_buf *out)
{
    size_t n, run = 0;

    if (decompose(s, text, len, &n))
        return -1;
    uint32_t *p = s->points;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && p[i] >> CLASS)
            continue;
        if (i - run > 1)
            order_marks(p + run, i - run, p + s->cap);
        run = i + 1;
    }
    for (size_t i = 0; i < n; i++)
        p[i] &= POINT;
    utf8proc_ssize_t composed = utf8proc_normalize_utf32((utf8proc_int32_t *)p, (utf8proc_ssize_t)n,
                                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (composed < 0)
        return fl_error(FL_FAILED, "text cannot be normalised: %s", utf8proc_errmsg(composed));
    if (fl_buf_reserve(out, 4 * (size_t)composed))
        return -1;
    for (utf8proc_ssize_t i = 0; i < composed; i++)
        out->len += (size_t)utf8proc_encode_char((utf8proc_int32_t)p[i], out->data + out->len);
    out->data[out->len] = '\0';
    return 0;
}

/*
 * Note that LEN bytes at AT of the text became what OUT has from BEFORE on, unless it is the same.
 */
static int
note_change(struct fl_unicode_scratch *s, const unsigned char *text, size_t at, size_t len,
            size_t before)
{
    size_t out = s->text.len - before;

    if (out == len && !memcmp(text + at, s->text.data + before, len))
        return 0;
    struct fl_unicode_change *changes = fl_grow(s->changes, s->change_count, &s->change_cap,
                                                sizeof *changes);
    if (!changes)
        return -1;
    s->changes = changes;
    changes[s->change_count++] = (struct fl_unicode_change){at, len, out};
    return 0;
}

/* A plain character begins something new: from the one before what is not plain up to the next. */
int
fl_unicode_nfc(struct fl_buf *text, struct fl_unicode_scratch *scratch)
{
    const unsigned char *p = text->data;
    struct fl_buf *out = &scratch->text;
    size_t done = 0, len = text->len;

    fl_buf_clear(out);
    scratch->change_count = 0;
    for (;;) {
        size_t before = done, odd = skip_plain(p, done, len, &before);
        if (odd == len)
            break;
        size_t end = find_plain(p, odd, len);
        if (fl_buf_add(out, p + done, before - done))
            return -1;
        size_t start = out->len;
        if (add_nfc(scratch, p + before, end - before, out) ||
            note_change(scratch, p, before, end - before, start))
            return -1;
        done = end;
    }
    if (!done)
        return 0;
    if (fl_buf_add(out, p + done, len - done))
        return -1;
    struct fl_buf swap = *text;
    *text = *out;
    *out = swap;
    return 0;
}
