/*
 * Telephone numbers: "+" or "00" and a country's code (ITU-T E.164 and its list of assigned codes)
 * with a length that fits, and the national ways of writing that can be told from other numbers, or
 * that stand near words that say what they are. No numbering plan is kept: lengths and context give
 * nearly as much for a thousandth of the bytes.
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/least.h"

enum {
    REACH_PHONE = FL_ID_FAR,
    REACH_NUMBER = 8,
    REACH_AFTER = 4,
    LEAST = 6,
    LEAST_ABROAD = 9, /* digits, code included, of one whose country has other lengths */
    MOST = 15,
    EXTENSION = 6
};

/* Digits after the code: LEAST to MOST of them. Codes that are not here have 6 to 12. */
static const struct country {
    char code[4];
    uint8_t least, most;
} countries[] = {
    {"1", 10, 10},  {"7", 10, 10},  {"20", 8, 10},  {"27", 9, 9},   {"30", 10, 10}, {"31", 9, 10},
    {"32", 8, 9},   {"33", 9, 9},   {"34", 9, 9},   {"36", 8, 9},   {"39", 6, 11},  {"40", 9, 9},
    {"41", 9, 10},  {"43", 6, 13},  {"44", 9, 10},  {"45", 8, 8},   {"46", 7, 10},  {"47", 5, 8},
    {"48", 9, 9},   {"49", 6, 12},  {"52", 10, 11}, {"54", 10, 11}, {"55", 10, 11}, {"60", 8, 10},
    {"61", 9, 9},   {"62", 8, 12},  {"63", 8, 10},  {"64", 8, 10},  {"65", 8, 8},   {"66", 8, 9},
    {"81", 9, 10},  {"82", 8, 10},  {"84", 9, 10},  {"86", 10, 11}, {"90", 10, 10}, {"91", 10, 10},
    {"92", 9, 10},  {"98", 10, 10}, {"351", 9, 9},  {"352", 5, 9},  {"353", 7, 9},  {"354", 7, 9},
    {"358", 5, 12}, {"380", 9, 9},  {"420", 9, 9},  {"421", 9, 9},  {"852", 8, 8},  {"971", 8, 9},
    {"972", 8, 9},
};

/* Codes of two digits, by their first: a bit for each second one. All others have three. */
static const uint16_t two_digits[10] = {
    [2] = 1 << 0 | 1 << 7,
    [3] = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 9,
    [4] = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9,
    [5] = 0x1fe,
    [6] = 0x7f,
    [8] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6,
    [9] = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8,
};

struct dialled {
    char digits[24];
    size_t n;
};

/* The bytes of the country's code of D, and how many digits follow it. */
static size_t
country_code(const struct dialled *d, size_t *least, size_t *most)
{
    unsigned first = (unsigned)(d->digits[0] - '0'), second = (unsigned)(d->digits[1] - '0');
    size_t n = first == 1 || first == 7 ? 1 : two_digits[first] >> second & 1 ? 2 : 3;

    *least = 6;
    *most = 12;
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (strlen(countries[i].code) == n && !memcmp(countries[i].code, d->digits, n)) {
            *least = countries[i].least;
            *most = countries[i].most;
        }
    return first ? n : 0;
}

/* Add the digits of a group: false when it does not belong to a number. "(0)" is not dialled. */
static bool
dial(const struct fl_id_state *s, const struct fl_id_group *g, struct dialled *d)
{
    if (g->digits != g->len || d->n + g->len > MOST + 2)
        return false;
    if (d->n && g->len == 1 && s->p[g->at] == '0' && s->p[g->at - 1] == '(')
        return true;
    memcpy(d->digits + d->n, s->p + g->at, g->len);
    d->n += g->len;
    return true;
}

/*
 * The token up to an extension that is written right after a group, "4567x89", into CUT, whose
 * groups lie in G then.
 */
static void
cut_extension(const struct fl_id_state *s, const struct fl_id_token *t, struct fl_id_group *g,
              struct fl_id_token *cut)
{
    size_t i = 0, n = 0;

    *cut = *t;
    while (i < t->count && t->g[i].digits == t->g[i].len)
        i++;
    if (!i || i == t->count || t->g[i].digits + 1u != t->g[i].len)
        return;
    const unsigned char *p = s->p + t->g[i].at;
    while (fl_id_is(p[n], FL_ID_DIGIT))
        n++;
    if (!n || (p[n] | 32) != 'x' || t->g[i].digits - n > EXTENSION)
        return;
    memcpy(g, t->g, (i + 1) * sizeof *g);
    g[i].len = g[i].digits = (uint8_t)n;
    cut->g = g;
    cut->count = i + 1;
}

/* The end of an extension after the number that ends at END: "x12", " ext. 12"; else END. */
static size_t
with_extension(const unsigned char *p, size_t end)
{
    static const char words[][10] = {"extension", "ext", "x"};
    size_t at = end + (p[end] == ',');

    at += p[at] == ' ';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t k = 0, n = 0;
        while (words[i][k] && (p[at + k] | 32) == words[i][k])
            k++;
        if (words[i][k])
            continue;
        k += p[at + k] == '.' || p[at + k] == ':';
        k += p[at + k] == ' ';
        while (n <= EXTENSION && fl_id_is(p[at + k + n], FL_ID_DIGIT))
            n++;
        return n && n <= EXTENSION && !fl_id_alnum(p[at + k + n]) ? at + k + n : end;
    }
    return end;
}

/* Is the number cut off from a longer one, or a part of something else, at its end? */
static bool
goes_on(const unsigned char *p, size_t end)
{
    return ((p[end] == '.' || p[end] == ',' || p[end] == ':' || p[end] == '-' || p[end] == '/') &&
            fl_id_is(p[end + 1], FL_ID_DIGIT)) ||
           p[end] == '%' || p[end] == '_' || p[end] == '@';
}

/* The number after "+" or "00": its end, or 0. SKIP digits come before the code. */
static size_t
abroad(const struct fl_id_state *s, const struct fl_id_token *t, size_t skip, size_t *groups)
{
    struct dialled d = {.n = 0};
    size_t best = 0, least, most;

    for (size_t i = 0; i < t->count && dial(s, &t->g[i], &d); i++) {
        struct dialled tail = {.n = d.n > skip ? d.n - skip : 0};
        if (tail.n < 4)
            continue;
        memcpy(tail.digits, d.digits + skip, tail.n);
        size_t code = country_code(&tail, &least, &most);
        if (!code || tail.n - code > most + (tail.digits[code] == '0'))
            break;
        size_t end = t->g[i].at + t->g[i].len;
        if (tail.n - code >= least &&
            !(s->p[end] == '.' && fl_id_is(s->p[end + 1], FL_ID_DIGIT) && i + 1 == t->count)) {
            best = end;
            *groups = i + 1;
        }
    }
    return best;
}

/*
 * The same after "+" where the lengths of the country do not fit: all groups, in two or more, as
 * long as a number may be anywhere.
 */
static size_t
anywhere(const struct fl_id_state *s, const struct fl_id_token *t)
{
    struct dialled d = {.n = 0};
    size_t end = 0, i = 0, least, most;

    for (; i < t->count && dial(s, &t->g[i], &d); i++)
        end = t->g[i].at + t->g[i].len;
    return i > 1 && d.n >= LEAST_ABROAD && d.n <= MOST && country_code(&d, &least, &most) ? end : 0;
}

/* Do the COUNT groups stand in one of the WAYS, "334" and so on? */
static bool
written(const struct fl_id_group *g, size_t count, const char *ways)
{
    while (*ways) {
        size_t k = 0;
        while (k < count && g[k].len == ways[k] - '0')
            k++;
        if (k == count && (!ways[k] || ways[k] == ' '))
            return true;
        ways = strchr(ways, ' ');
        if (!ways)
            return false;
        ways++;
    }
    return false;
}

/* Are the groups joined by one sign, or by another one after the first: ")", "/", "08-12 34 56"? */
static bool
is_even(const struct fl_id_group *g, size_t count)
{
    for (size_t i = 2; i < count; i++)
        if (g[i].before != g[i - 1].before &&
            !(i == 2 && (g[1].before == ')' || g[1].before == '/' ||
                         (g[1].before == '-' && g[2].before == ' '))))
            return false;
    return true;
}

/* Can COUNT groups be told from other numbers without a word? IN: the first stands in brackets. */
static bool
is_shape(const struct fl_id_state *s, const struct fl_id_group *g, size_t count, size_t n, bool in)
{
    const unsigned char *p = s->p + g[0].at;

    if (p[0] == '1' && written(g, count, "1334"))
        return true; /* "1-800-555-0100", "1 (800) 555-0100" */
    if (count < 2 || !is_even(g, count))
        return false;
    for (size_t i = in || *p == '0'; i < count; i++)
        if (g[i].len < 2 && !(i == 1 && count > 3))
            return false;
    if (in)
        return g[0].len >= 2 && g[0].len <= 5 && n >= 8 && n <= 12;
    char sign = g[1].before;
    if (p[0] == '0' && p[1] != '0' && n >= 9 && n <= 12)
        return (count >= 3 && !written(g, count, "444")) ||
               (count == 2 && g[0].len >= 3 && g[0].len <= 5 && g[1].len >= 5);
    if (written(g, count, "334") && (sign != ' ' || p[0] >= '2'))
        return true;
    if (written(g, count, "344") && p[0] == '1' && p[1] >= '3')
        return true; /* a mobile number of China */
    if (written(g, count, "3222 333") && p[0] >= '6' && p[0] != '8' && sign == ' ')
        return memcmp(s->p + g[count - 1].at, "000", 3) != 0;
    return false;
}

/* The number that begins with the token without a country's code: its end, or 0. */
static size_t
at_home(struct fl_id_state *s, const struct fl_id_token *t, bool in, size_t near,
        enum fl_id_evidence *evidence)
{
    struct dialled d = {.n = 0};
    size_t best = 0;

    for (size_t i = 0; i < t->count && i < 7; i++) {
        const struct fl_id_group *g = &t->g[i];
        if (!dial(s, g, &d) || (i > 1 && g->before == '('))
            break;
        size_t end = g->at + g->len;
        if (is_shape(s, t->g, i + 1, d.n, in)) {
            *evidence = near == SIZE_MAX ? FL_ID_BY_SHAPE : FL_ID_BY_CONTEXT;
            best = end;
        } else if (d.n > LEAST && d.n <= 13 &&
                   (near != SIZE_MAX || fl_id_context_after(s, FL_ID_ON_PHONE, end, REACH_AFTER))) {
            if (i && g->len < 2 && g->before == ' ')
                continue;
            *evidence = FL_ID_BY_CONTEXT;
            best = end;
        }
    }
    return best && !goes_on(s->p, best) ? best : 0;
}

/* "+", and "(" or "(+" that CLOSES after the first group, before the token: its place. */
static size_t
opening(const unsigned char *p, size_t at, bool closes, bool *plus, bool *in)
{
    *plus = at && p[at - 1] == '+';
    *in = closes && at > *plus && p[at - 1 - *plus] == '(';
    if (*in && !*plus && at > 1 && p[at - 2] == '+') /* "+(49)" */
        *plus = true;
    return at - *plus - *in;
}

/* How far words are that say that the token begins a telephone's number, or SIZE_MAX. */
static size_t
distance_of(struct fl_id_state *s, const struct fl_id_token *t)
{
    static const enum fl_id_topic others[] = {FL_ID_ON_CARD, FL_ID_ON_IBAN, FL_ID_ON_NATIONAL,
                                              FL_ID_ON_RECORD};
    size_t near = fl_id_context(s, FL_ID_ON_PHONE, t->at, REACH_PHONE);

    if (near != SIZE_MAX || t->count < 2 || t->g[1].before == '/')
        return near;
    near = fl_id_context(s, FL_ID_ON_NUMBER, t->at, REACH_NUMBER);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (fl_id_context(s, others[i], t->at, REACH_PHONE) != SIZE_MAX)
            return SIZE_MAX;
    return near;
}

int
fl_id_phone(struct fl_id_state *s, const struct fl_id_token *whole)
{
    const unsigned char *p = s->p;
    struct fl_id_group g[FL_ID_GROUPS];
    struct fl_id_token cut, *t = &cut;

    cut_extension(s, whole, g, &cut);
    bool plus, in, closes = t->count > 1 && t->g[1].before == ')';
    size_t start = opening(p, t->at, closes, &plus, &in), groups = 0, end = 0;
    enum fl_id_evidence evidence = FL_ID_BY_GRAMMAR;

    if (t->g->digits != t->g->len || !fl_id_wants(s, FL_ID_PHONE) ||
        t->at < s->taken[FL_ID_PHONE] || (!plus && t->run <= LEAST) ||
        (t->count == 1 && t->g->len <= LEAST))
        return 0;
    unsigned char before = start ? p[start - 1] : 0, further = start > 1 ? p[start - 2] : 0;
    if (before == '_' || before == '#' || before == '$' || (before && fl_id_alnum(before)) ||
        (strchr(".,-/:", before) && before && fl_id_alnum(further)))
        if (!plus)
            return 0;
    if (fl_id_date(s, t->g, t->count) || fl_id_years(s, t->g, t->count))
        return 0;
    size_t near = distance_of(s, t);
    if (plus)
        end = (end = abroad(s, t, 0, &groups)) ? end : anywhere(s, t);
    else if (p[t->at] == '0' && p[t->at + 1] == '0') {
        end = abroad(s, t, 2, &groups);
        if (groups < 2 && near == SIZE_MAX)
            end = 0;
    }
    if (!end)
        end = at_home(s, t, in, near, &evidence);
    if (!end)
        return 0;
    size_t distance = evidence == FL_ID_BY_CONTEXT && near != SIZE_MAX ? near : 0;
    return fl_id_add(s, FL_ID_PHONE, start, with_extension(p, end), evidence, distance);
}
