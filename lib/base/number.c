/*
 * strtoll, strtoull and strtod do the work; what they take beyond a plain number (white space
 * before it, a sign of an unsigned one, hexadecimal floats, inf, nan) is refused here. The point is
 * "." everywhere, because no program calls setlocale.
 */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int
fl_parse_i64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end;

    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || isspace((unsigned char)*text) || errno || v < min || v > max)
        return fl_error(FL_USAGE, "\"%s\" is not a whole number from %lld to %lld", text,
                        (long long)min, (long long)max);
    *value = v;
    return 0;
}

int
fl_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    char *end;

    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || v < min || v > max)
        return fl_error(FL_USAGE, "\"%s\" is not a whole number from %llu to %llu", text,
                        (unsigned long long)min, (unsigned long long)max);
    *value = v;
    return 0;
}

int
fl_parse_f64(const char *text, double min, double max, double *value)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end || isspace((unsigned char)*text) || strpbrk(text, "xX") ||
        !isfinite(v) || v < min || v > max)
        return fl_error(FL_USAGE, "\"%s\" is not a number from %g to %g", text, min, max);
    *value = v;
    return 0;
}

int
fl_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    static const char suffixes[] = "kMGT";
    char *end;

    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    const char *suffix = *end ? strchr(suffixes, *end == 'K' ? 'k' : *end) : NULL;
    unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
    int whole = suffix ? !end[1] : !*end;
    if (!isdigit((unsigned char)*text) || !whole || errno || v > UINT64_MAX >> shift ||
        v << shift < min || v << shift > max)
        return fl_error(FL_USAGE,
                        "\"%s\" is not a size from %llu to %llu bytes (suffix k, M, G or T)", text,
                        (unsigned long long)min, (unsigned long long)max);
    *value = v << shift;
    return 0;
}
