/*
 * A set of characters answers from three places: what a first byte alone tells, a bit for each
 * character of the first plane for sets with categories, and else a search in its ranges. Folding
 * is one character to one, as utf8proc does it.
 */
#include "text/charset.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"

enum { PLANE = 0x10000 };

void
fl_charset_release(struct fl_charset *set)
{
    free(set->ranges);
    free(set->plane);
    *set = (struct fl_charset){0};
}

static int
add_range(struct fl_charset *set, uint32_t first, uint32_t last)
{
    if (set->count && set->ranges[set->count - 1] + 1 == first) { /* goes on */
        set->ranges[set->count - 1] = last;
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        uint32_t *ranges = fl_grow(set->ranges, set->count, &set->cap, sizeof *ranges);
        if (!ranges)
            return -1;
        set->ranges = ranges;
        ranges[set->count++] = i ? last : first;
    }
    return 0;
}

int
fl_charset_add(struct fl_charset *set, uint32_t first, uint32_t last)
{
    if (!set->folded)
        return add_range(set, first, last);
    for (uint32_t c = first; c <= last; c++)
        if (add_range(set, fl_charset_fold(c), fl_charset_fold(c)))
            return -1;
    return 0;
}

int
fl_charset_add_spaces(struct fl_charset *set)
{
    set->categories |= fl_charset_categories("Z", 1);
    return add_range(set, 0x09, 0x0d) || add_range(set, 0x85, 0x85) ? -1 : 0;
}

uint32_t
fl_charset_categories(const char *name, size_t len)
{
    static const char names[] = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCo";
    uint32_t bits = 0;

    for (unsigned i = 0; names[2 * (size_t)i]; i++)
        if ((len == 1 || len == 2) && !memcmp(names + 2 * (size_t)i, name, len))
            bits |= 1u << i;
    return bits;
}

uint32_t
fl_charset_fold(uint32_t point)
{
    if (point < 0x80)
        return point >= 'A' && point <= 'Z' ? point + 32 : point;
    if (point == 0x130 || point == 0x131) /* i with dot and without fold in Turkish only */
        return point;
    return (uint32_t)utf8proc_tolower(utf8proc_toupper((utf8proc_int32_t)point));
}

static int
by_first(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;

    return (a[0] > b[0]) - (a[0] < b[0]);
}

static bool
in_ranges(const struct fl_charset *set, uint32_t point)
{
    size_t low = 0, high = set->count / 2;

    if (set->folded)
        point = fl_charset_fold(point);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (point > set->ranges[2 * middle + 1])
            low = middle + 1;
        else if (point < set->ranges[2 * middle])
            high = middle;
        else
            return true;
    }
    return false;
}

/* In it beyond ASCII: nothing (0), everything (1), or it depends (2). */
static unsigned char
beyond_ascii(const struct fl_charset *set)
{
    unsigned char own = 2;

    if (!set->count || set->ranges[set->count - 1] < 0x80) {
        if (!set->categories)
            own = set->negated;
        else if (set->categories == FL_CHARSET_ALL)
            own = !set->negated;
    }
    if (set->folded && (in_ranges(set, 's') || in_ranges(set, 'k')))
        own = 2; /* the long s is an s, and the sign for kelvin is a k */
    if (!own || !set->within)
        return own;
    unsigned char other = set->within->byte[0xff];
    if (other < 2)
        other ^= set->outside;
    return own == 1 ? other : other ? 2 : 0;
}

/* Sort the ranges and join what touches. */
static void
sort_ranges(struct fl_charset *set)
{
    size_t kept = 0;

    if (set->count)
        qsort(set->ranges, set->count / 2, 2 * sizeof *set->ranges, by_first);
    for (size_t i = 0; i < set->count; i += 2) {
        if (kept && set->ranges[i] <= set->ranges[kept - 1] + 1) {
            if (set->ranges[kept - 1] < set->ranges[i + 1])
                set->ranges[kept - 1] = set->ranges[i + 1];
            continue;
        }
        set->ranges[kept] = set->ranges[i];
        set->ranges[kept + 1] = set->ranges[i + 1];
        kept += 2;
    }
    set->count = kept;
}

unsigned char *
fl_charset_plane(void)
{
    unsigned char *categories = fl_alloc(PLANE, 1);

    for (utf8proc_int32_t c = 0; categories && c < PLANE; c++)
        categories[c] = (unsigned char)utf8proc_category(c);
    return categories;
}

bool
fl_charset_has(const struct fl_charset *set, uint32_t point)
{
    bool in = set->categories &&
              (set->categories >> utf8proc_category((utf8proc_int32_t)point) & 1u);

    if ((in || (set->count && in_ranges(set, point))) == set->negated)
        return false;
    return !set->within || fl_charset_has(set->within, point) != set->outside;
}

/* The plane of a set that names categories; the others are answered quickly enough. */
static int
fill_plane(struct fl_charset *set, const unsigned char *categories)
{
    uint64_t *plane = fl_alloc(PLANE / 64, sizeof *plane);

    if (!plane)
        return -1;
    for (size_t c = 0; c < PLANE; c++)
        plane[c / 64] |= (uint64_t)(set->categories >> categories[c] & 1) << c % 64;
    for (size_t i = 0; i < set->count && !set->folded; i += 2)
        for (uint32_t c = set->ranges[i]; c <= set->ranges[i + 1] && c < PLANE; c++)
            plane[c / 64] |= (uint64_t)1 << c % 64;
    for (uint32_t c = 0; c < PLANE && set->folded; c++)
        plane[c / 64] |= (uint64_t)in_ranges(set, c) << c % 64;
    for (uint32_t c = 0; c < PLANE && set->negated; c += 64)
        plane[c / 64] = ~plane[c / 64];
    for (uint32_t c = 0; c < PLANE && set->within; c++)
        if (fl_charset_has(set->within, c) == set->outside)
            plane[c / 64] &= ~((uint64_t)1 << c % 64);
    set->plane = plane;
    return 0;
}

int
fl_charset_finish(struct fl_charset *set, const unsigned char *categories)
{
    sort_ranges(set);
    for (uint32_t c = 0; c < 0x80; c++)
        set->byte[c] = fl_charset_has(set, c);
    memset(set->byte + 0x80, beyond_ascii(set), 0x80);
    return set->categories && set->byte[0x80] == 2 ? fill_plane(set, categories) : 0;
}

/* The categories that characters of it beyond ASCII can have. */
static uint32_t
may_have(const struct fl_charset *set)
{
    if (set->byte[0xff] == 0)
        return 0;
    if (set->within || set->folded || (set->count && set->ranges[set->count - 1] >= 0x80))
        return FL_CHARSET_ALL;
    return set->negated ? ~set->categories & FL_CHARSET_ALL : set->categories;
}

bool
fl_charset_may_meet(const struct fl_charset *a, const struct fl_charset *b)
{
    for (size_t c = 0; c < 0x80; c++)
        if (a->byte[c] && b->byte[c])
            return true;
    return (may_have(a) & may_have(b)) != 0;
}
