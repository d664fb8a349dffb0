/*
 * Dates of birth and ages above 89, which are the ages that HIPAA's Safe Harbor (45 CFR 164.514)
 * names: numbers that are personal only for the words around them. Dates in numbers in any order,
 * with the month's name in six languages before or after the day, and years right after "born in".
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/bytes.h"
#include "base/least.h"

enum { REACH_BIRTH = FL_ID_FAR, REACH_YEAR = 12, REACH_AGE = 12, OLD = 90, OLDEST = 130 };

/* Beginnings of the names of months: in lower case, letters with accents as in UTF-8. */
#define BEGIN(a, b, c, d)                                                                          \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define MONTH(a, b, c) BEGIN(a, b, c, 0)
static const uint32_t months[] = {
    MONTH('j', 'a', 'n'),        MONTH('e', 'n', 'e'),
    MONTH('g', 'e', 'n'),        MONTH('f', 'e', 'b'),
    MONTH('m', 'a', 'r'),        MONTH('m', 'a', 'a'),
    MONTH('m', 'r', 't'),        MONTH('a', 'p', 'r'),
    MONTH('a', 'v', 'r'),        MONTH('a', 'b', 'r'),
    MONTH('m', 'a', 'y'),        MONTH('m', 'a', 'i'),
    MONTH('m', 'e', 'i'),        MONTH('m', 'a', 'g'),
    MONTH('m', 'a', 'j'),        MONTH('j', 'u', 'n'),
    MONTH('j', 'u', 'i'),        MONTH('g', 'i', 'u'),
    MONTH('j', 'u', 'l'),        MONTH('l', 'u', 'g'),
    MONTH('a', 'u', 'g'),        MONTH('a', 'g', 'o'),
    MONTH('s', 'e', 'p'),        MONTH('s', 'e', 't'),
    MONTH('o', 'c', 't'),        MONTH('o', 'k', 't'),
    MONTH('o', 'u', 't'),        MONTH('o', 't', 't'),
    MONTH('n', 'o', 'v'),        MONTH('d', 'e', 'c'),
    MONTH('d', 'e', 'z'),        MONTH('d', 'i', 'c'),
    BEGIN('f', 'e', 0xcc, 0x81),                              /* "fé" in either form */
    BEGIN('f', 0xc3, 0xa9, 'v'), BEGIN('m', 0xc3, 0xa4, 'r'), /* "mär" */
    BEGIN('a', 'o', 0xc3, 0xbb),                              /* "aoû" */
    BEGIN('d', 0xc3, 0xa9, 'c'),
};

/* The letters at P when they are as many as names of months have, or 0. */
static size_t
word_at(const unsigned char *p)
{
    size_t n = 0;

    while (n < 14 && fl_id_is(p[n], FL_ID_LETTER | FL_ID_HIGH))
        n++;
    return n >= 3 && n < 14 ? n : 0;
}

/* Do the letters at P begin as the name of a month does? */
static bool
is_month(const unsigned char *p)
{
    uint32_t four = fl_get32(p), any = 0;

    four |= 0x20202020 & ~(four >> 2); /* ASCII in lower case */
    for (size_t i = 0; i < sizeof months / sizeof *months; i++)
        any |= ((four ^ months[i]) & (months[i] >> 24 ? 0xffffffff : 0xffffff)) == 0;
    return any;
}

/* A year of two or four digits at AT: its end, or 0. */
static size_t
year_end(const unsigned char *p, size_t at)
{
    size_t n = 0;

    at += p[at] == '\'';
    while (n < 5 && fl_id_is(p[at + n], FL_ID_DIGIT))
        n++;
    bool full = n == 4 &&
                ((p[at] == '1' && p[at + 1] >= '8') || (p[at] == '2' && p[at + 1] == '0'));
    return !fl_id_alnum(p[at + n]) && (full || n == 2) ? at + n : 0;
}

/* What may stand between the parts of a date: spaces, a comma, a dot, "of", "de", "del". */
static size_t
skip_joint(const unsigned char *p, size_t at)
{
    static const char words[][5] = {"of ", "de ", "del ", "di "};

    while (p[at] == ' ' || p[at] == ',' || p[at] == '.' || p[at] == '-' || p[at] == '/')
        at++;
    if (p[at] != 'o' && p[at] != 'd')
        return at;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!memcmp(p + at, words[i], strlen(words[i])))
            return at + strlen(words[i]);
    return at;
}

/* The end of "12th of March 1956", whose day is the token, or 0. */
static size_t
day_first(const unsigned char *p, const struct fl_id_token *t)
{
    size_t at = t->at + t->g->digits;

    if (t->g->len > 4 || t->g->digits > 2 || !fl_id_is(p[t->at], FL_ID_DIGIT))
        return 0;
    while (fl_id_alnum(p[at]))
        at++; /* "th", "er" */
    if (p[at] == 0xc2)
        at += 2; /* "º" */
    at = skip_joint(p, at);
    size_t n = is_month(p + at) ? word_at(p + at) : 0;
    return n ? year_end(p, skip_joint(p, at + n)) : 0;
}

/* The place of the month's name before "12, 1956", whose day is the token, and the end in *END. */
static size_t
month_first(const unsigned char *p, const struct fl_id_token *t, size_t *end)
{
    size_t at = t->at;

    if (t->g->len > 4 || t->g->digits > 2 || !at || (p[at - 1] != ' ' && p[at - 1] != '-'))
        return 0;
    *end = year_end(p, skip_joint(p, t->at + t->g->len));
    if (!*end)
        return 0;
    at--;
    at -= at && p[at - 1] == '.';
    size_t stop = at;
    while (stop - at < 14 && at && fl_id_is(p[at - 1], FL_ID_LETTER | FL_ID_HIGH))
        at--;
    if (stop == at || !word_at(p + at) || !is_month(p + at))
        *end = 0;
    return *end ? at : 0;
}

/* 1956-03-12, 12.03.56, 24/08//1979, 19560312. */
static size_t
numeric(struct fl_id_state *s, const struct fl_id_token *t)
{
    if (fl_id_date(s, t->g, t->count))
        return t->g[2].at + t->g[2].len;
    const unsigned char *p = s->p + t->at;
    if (t->g->len != 8 || t->g->digits != 8)
        return 0;
    unsigned month = (unsigned)(p[4] - '0') * 10 + (unsigned)(p[5] - '0');
    unsigned day = (unsigned)(p[6] - '0') * 10 + (unsigned)(p[7] - '0');
    bool front = ((p[0] == '1' && p[1] >= '8') || (p[0] == '2' && p[1] == '0')) && month &&
                 month <= 12 && day && day <= 31;
    bool back = (p[4] == '1' && p[5] >= '8') || (p[4] == '2' && p[5] == '0');
    return front || back ? t->at + 8 : 0;
}

int
fl_id_birth(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p;
    size_t start = t->at, end = 0;

    if (!fl_id_wants(s, FL_ID_DATE) || t->g->len > 8 || !t->g->digits ||
        t->at < s->taken[FL_ID_DATE])
        return 0;
    end = numeric(s, t);
    if (!end)
        end = day_first(p, t);
    if (!end) {
        size_t month = month_first(p, t, &end);
        start = end ? month : start;
    }
    bool year = !end && t->g->len == 4 && !(start && strchr("/-.", p[start - 1]));
    if (year)
        end = year_end(p, start);
    if (!end)
        return 0;
    const size_t gap = start > 1 && p[start - 1] == ' '; /* "*1949", "* 1949" */
    bool star = start && p[start - 1 - gap] == '*';
    size_t near = star ? 1 : fl_id_context(s, FL_ID_ON_BIRTH, start, REACH_BIRTH);
    if (near == SIZE_MAX || (year && near > REACH_YEAR) || start - near < s->taken[FL_ID_DATE])
        return 0; /* each word has one date */
    return fl_id_add(s, FL_ID_DATE, start, end, FL_ID_BY_CONTEXT, near);
}

/* Does what follows the number at P say that it is an age? */
static bool
is_years(const unsigned char *p)
{
    static const char units[][14] = {/* a space at the end: no letter follows */
                                     "years old",     "year old",     "year-old",    "years-old",
                                     "yr old",        "yrs old",      "yr-old",      "yo ",
                                     "y/o",           "y.o",          "jahre alt",   "jahre)",
                                     "jahre,",        "years of age", "a\xc3\xb1os", "ans ",
                                     "j\xc3\xa4hrig", "jaehrig",      "anni",        "jaar",
                                     "jarige",        "anos de",      "\xc3\xa5r ",  "letni "};

    p += *p == ' ' || *p == '-';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t k = 0;
        while (units[i][k] &&
               (fl_id_is(p[k], FL_ID_UPPER) ? p[k] | 32 : p[k]) == (unsigned char)units[i][k])
            k++;
        if (!units[i][k] ||
            (units[i][k] == ' ' && !units[i][k + 1] && !fl_id_is(p[k], FL_ID_LETTER | FL_ID_HIGH)))
            return true;
    }
    return false;
}

/* "hace 93 años", "il y a 93 ans", "vor 93 Jahren", "93 anni fa": a time, not an age. */
static bool
is_time(const unsigned char *p, size_t at)
{
    static const char before[][8] = {"hace ", "y a ", "depuis ", "vor "};

    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (at >= strlen(before[i]) &&
            !memcmp(p + at - strlen(before[i]), before[i], strlen(before[i])))
            return true;
    return false;
}

int
fl_id_age(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p + t->at;
    unsigned age = 0;

    if (!fl_id_wants(s, FL_ID_AGE) || t->g->digits < 2 || t->g->digits > 3 ||
        t->g->digits < t->g->len - 2)
        return 0;
    for (size_t i = 0; i < t->g->digits; i++) {
        if (!fl_id_is(p[i], FL_ID_DIGIT))
            return 0;
        age = age * 10 + (unsigned)(p[i] - '0');
    }
    size_t end = t->at + t->g->digits;
    if (age < OLD || age >= OLDEST ||
        (t->at > 1 && strchr(".,/:-", s->p[t->at - 1]) && fl_id_alnum(s->p[t->at - 2])) ||
        ((s->p[end] == '.' || s->p[end] == ',' || s->p[end] == '/' || s->p[end] == ':') &&
         fl_id_is(s->p[end + 1], FL_ID_DIGIT)))
        return 0;
    if (is_years(s->p + end))
        return is_time(s->p, t->at) ? 0 : fl_id_add(s, FL_ID_AGE, t->at, end, FL_ID_BY_CONTEXT, 0);
    size_t near = t->g->digits == t->g->len ? fl_id_context(s, FL_ID_ON_AGE, t->at, REACH_AGE)
                                            : SIZE_MAX;
    if (near == SIZE_MAX || s->p[end] == '%')
        return 0;
    return fl_id_add(s, FL_ID_AGE, t->at, end, FL_ID_BY_CONTEXT, near);
}
