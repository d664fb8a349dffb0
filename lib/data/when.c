/* Three numbers are read first, whatever they are; then the order says which is which. */
#include "data/when.h"

#include <stdbool.h>
#include <string.h>

struct three {
    unsigned number[3];
    size_t digits[3];
    size_t end; /* of the date in the text */
};

static bool
parse(const char *text, size_t len, struct three *d)
{
    size_t at = 0;
    char between = 0;

    for (int i = 0; i < 3; i++) {
        size_t first = at;
        if (i) {
            if (at == len || !strchr("/.-", text[at]) || (i == 2 && text[at] != between))
                return false;
            between = text[at++];
            first = at;
        }
        d->number[i] = 0;
        for (; at < len && at < first + 5 && text[at] >= '0' && text[at] <= '9'; at++)
            d->number[i] = d->number[i] * 10 + (unsigned)(text[at] - '0');
        d->digits[i] = at - first;
        if (!d->digits[i] || d->digits[i] > 4)
            return false;
    }
    d->end = at;
    return (at == len || text[at] == ' ' || text[at] == 'T') && d->digits[1] <= 2;
}

static bool
is_day(unsigned year, unsigned month, unsigned day)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (unsigned)(leap && month == 2);
}

static void
trim(const char **text, size_t *len)
{
    while (*len && (*text)[*len - 1] == ' ')
        --*len;
    while (*len && **text == ' ') {
        ++*text;
        --*len;
    }
}

enum fl_mapped
fl_date_convert(enum fl_date_order order, const char *text, size_t len, struct fl_buf *out)
{
    struct three d;
    unsigned year, month, day;

    fl_buf_clear(out);
    trim(&text, &len);
    if (!parse(text, len, &d))
        return FL_MAPPED_UNKNOWN;
    if (d.digits[0] == 4 && d.digits[2] <= 2) {
        year = d.number[0];
        month = d.number[1];
        day = d.number[2];
    } else if (d.digits[2] == 4 && d.digits[0] <= 2) {
        year = d.number[2];
        if (order != FL_DATE_DMY && order != FL_DATE_MDY)
            return is_day(year, d.number[0], d.number[1]) || is_day(year, d.number[1], d.number[0])
                       ? FL_MAPPED_AMBIGUOUS
                       : FL_MAPPED_UNKNOWN;
        month = d.number[order == FL_DATE_DMY];
        day = d.number[order == FL_DATE_MDY];
    } else {
        return FL_MAPPED_UNKNOWN; /* 03/04/21: the century is not there */
    }
    if (!is_day(year, month, day))
        return FL_MAPPED_UNKNOWN;
    if (fl_buf_printf(out, "%04u-%02u-%02u", year, month, day) ||
        fl_buf_add(out, text + d.end, len - d.end))
        return FL_MAPPED_NO_MEMORY;
    return out->len == len && !memcmp(out->data, text, len) ? FL_MAPPED_SAME : FL_MAPPED_CHANGED;
}

void
fl_date_note(struct fl_date_proof *proof, const char *text, size_t len)
{
    struct three d;

    trim(&text, &len);
    if (!parse(text, len, &d) || d.digits[2] != 4 || d.digits[0] > 2)
        return;
    proof->first_above += d.number[0] > 12 && is_day(d.number[2], d.number[1], d.number[0]);
    proof->second_above += d.number[1] > 12 && is_day(d.number[2], d.number[0], d.number[1]);
}

enum fl_date_order
fl_date_proved(const struct fl_date_proof *proof)
{
    if (!proof->first_above == !proof->second_above)
        return FL_DATE_UNKNOWN;
    return proof->first_above ? FL_DATE_DMY : FL_DATE_MDY;
}
