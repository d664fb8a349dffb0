/*
 * Canaries: where they are put and whether they were found. What they are made of is in
 * canary_make.c.
 */
#include "data/canary.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "math/random.h"
#include "text/unicode.h"

enum { PLACES = 1000 }; /* a sequence of random numbers beside those of the types */

/* Is AT between words of TEXT, or at an end? */
static bool
is_boundary(const unsigned char *p, size_t len, size_t at)
{
    return !at || at == len || p[at] == ' ' || p[at] == '\n' || p[at - 1] == ' ' ||
           p[at - 1] == '\n';
}

int
fl_canary_insert(uint64_t seed, uint64_t index, const struct fl_canary *canary, const void *text,
                 size_t len, struct fl_buf *out)
{
    const unsigned char *p = text;
    struct fl_random r = {seed, PLACES + canary->type, index};
    size_t at = (size_t)fl_random_below(&r, len + 1);

    while (!is_boundary(p, len, at))
        at++;
    bool before = at && p[at - 1] != ' ' && p[at - 1] != '\n';
    bool after = at < len && p[at] != ' ' && p[at] != '\n';
    return fl_buf_add(out, p, at) || (before && fl_buf_add_byte(out, ' ')) ||
                   fl_buf_add(out, canary->text, canary->len) ||
                   (after && fl_buf_add_byte(out, ' ')) || fl_buf_add(out, p + at, len - at)
               ? -1
               : 0;
}

/* Bytes of the zero-width character that P begins with, or 0. */
static size_t
zero_width(const unsigned char *p, size_t left)
{
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x8b && p[2] <= 0x8f)
        return 3;
    return left >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

/* How many bytes at P, of which LEFT are there, are the SIZE bytes at WANT, but for zero width. */
static size_t
same(const unsigned char *p, size_t left, const unsigned char *want, size_t size)
{
    size_t at = 0, i = 0;

    while (i < size) {
        size_t skip = zero_width(want + i, size - i);
        if (skip && !(at < left && zero_width(p + at, left - at))) {
            i += skip;
            continue;
        }
        if (at == left || p[at] != want[i])
            return 0;
        at++;
        i++;
    }
    return at;
}

static bool
is_covered(const struct fl_id_scan *scan, unsigned type, size_t at, size_t end)
{
    for (size_t i = 0; i < scan->count && at < end; i++) {
        const struct fl_id_span *s = &scan->spans[i];
        if (s->type == type && s->at <= at && s->at + s->len > at)
            at = s->at + s->len;
    }
    return at >= end;
}

bool
fl_canary_found(const struct fl_canary *canary, const struct fl_id_scan *scan, const void *text,
                size_t len, bool *placed)
{
    const unsigned char *p = text, *want = (const unsigned char *)canary->text;

    *placed = false;
    for (size_t at = 0; at < len; at++) {
        const unsigned char *first = memchr(p + at, want[0], len - at);
        if (!first)
            break;
        at = (size_t)(first - p);
        size_t context = same(p + at, len - at, want, canary->at);
        if (canary->at && !context)
            continue;
        size_t start = at + context;
        size_t size = same(p + start, len - start, want + canary->at, canary->size);
        if (!size)
            continue;
        *placed = true;
        return is_covered(scan, canary->type, start, start + size);
    }
    return false;
}

void
fl_wilson(uint64_t found, uint64_t placed, double *low, double *high)
{
    const double z = 1.959963984540054;
    double n = (double)placed, p = placed ? (double)found / n : 0;

    *low = 0;
    *high = 1;
    if (!placed)
        return;
    double middle = p + z * z / (2 * n), wide = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = found ? (middle - wide) / (1 + z * z / n) : 0;
    *high = found < placed ? (middle + wide) / (1 + z * z / n) : 1;
}

double
fl_recall_promise(unsigned type)
{
    return type == FL_ID_PHONE || type == FL_ID_DATE || type == FL_ID_AGE ? .9 : 1;
}

int
fl_recall_check(const char *type, const struct fl_recall *recall, double floor)
{
    double low, high;

    fl_wilson(recall->found, recall->placed, &low, &high);
    if (high >= floor)
        return 0;
    return fl_error(FL_REFUSED,
                    "recall of \"%s\": %llu of %llu canaries were found (at most %.3f with 95%% "
                    "confidence), and the contract asks for %.3f; look at such records with "
                    "--explain, or write own patterns for them",
                    type, (unsigned long long)recall->found, (unsigned long long)recall->placed,
                    high, floor);
}
