/*
 * Numbers that states give to people: a table of shapes, each with its check. A number whose check
 * is strong enough stands for itself, another only near words that say what it is; there a wrong
 * check does not matter. Sources: the authorities' own descriptions, as collected in python-stdnum
 * (which the tests' vectors were compared with).
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/least.h"

enum {
    REACH_NATIONAL = FL_ID_FAR,
    REACH_RECORD = 12,
    LONGEST = 18,
    SHORTEST = 7,
    LEAST_DIGITS = 5, /* of a number that words tell of, */
    MOST_LOWER = 2,   /* and its letters in lower case: with more it is a name of something */
    SIZES = 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 15 | 1 << 16 /* of all shapes */
};

static unsigned
two(const char *t)
{
    return (unsigned)(t[0] - '0') * 10 + (unsigned)(t[1] - '0');
}

static bool
is_day(unsigned day, unsigned month)
{
    return day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

/* The sum of N digits, each times its weight. */
static unsigned
weigh(const char *t, const char *weights)
{
    unsigned sum = 0;

    for (size_t i = 0; weights[i]; i++)
        sum += (unsigned)(t[i] - '0') * (unsigned)(weights[i] - '0');
    return sum;
}

/* Social security number or tax number of the US: no area 000, 666; groups above 0. */
static bool
us_ssn(const char *t)
{
    bool area = memcmp(t, "000", 3) && memcmp(t, "666", 3);

    if (t[0] == '9') /* a taxpayer's */
        return two(t + 3) >= 50 && memcmp(t + 5, "0000", 4);
    return area && two(t + 3) && memcmp(t + 5, "0000", 4);
}

static bool
uk_nino(const char *t)
{
    return !strchr("DFIQUV", t[0]) && !strchr("DFIQUVO", t[1]) && t[8] >= 'A' && t[8] <= 'D' &&
           memcmp(t, "BG", 2) && memcmp(t, "GB", 2) && memcmp(t, "NK", 2) && memcmp(t, "KN", 2) &&
           memcmp(t, "TN", 2) && memcmp(t, "NT", 2) && memcmp(t, "ZZ", 2);
}

/* ISO/IEC 7064, MOD 11,10; of ten digits exactly one stands twice or three times. */
static bool
de_tax(const char *t)
{
    unsigned product = 10, seen[10] = {0}, again = 0;

    for (size_t i = 0; i < 10; i++) {
        unsigned d = (unsigned)(t[i] - '0'), sum = (d + product) % 10;
        product = (sum ? sum : 10) * 2 % 11;
        again += ++seen[d] == 2 ? 1 : seen[d] > 3 ? 9 : 0;
    }
    return t[0] != '0' && again == 1 && (11 - product) % 10 == (unsigned)(t[10] - '0');
}

/* Sum of the digits of each product of N digits with the weights 1 and 2 (or those given). */
static unsigned
digit_sum(const char *t, const char *weights)
{
    unsigned sum = 0;

    for (size_t i = 0; weights[i]; i++) {
        unsigned v = (unsigned)(t[i] - '0') * (unsigned)(weights[i] - '0');
        sum += v / 10 + v % 10;
    }
    return sum;
}

/* Pension insurance: area, birthday, letter, serial; the letter counts as two digits. */
static bool
de_pension(const char *t)
{
    char d[13];
    unsigned letter = (unsigned)(t[8] - 'A') + 1;

    memcpy(d, t, 8);
    d[8] = (char)('0' + letter / 10);
    d[9] = (char)('0' + letter % 10);
    memcpy(d + 10, t + 9, 2);
    return two(t + 4) <= 12 && digit_sum(d, "212571212121") % 10 == (unsigned)(t[11] - '0');
}

/* Health insurance: a letter and nine digits. */
static bool
de_health(const char *t)
{
    char d[11];
    unsigned letter = (unsigned)(t[0] - 'A') + 1;

    d[0] = (char)('0' + letter / 10);
    d[1] = (char)('0' + letter % 10);
    memcpy(d + 2, t + 1, 8);
    return digit_sum(d, "1212121212") % 10 == (unsigned)(t[9] - '0');
}

/* Sex, year, month, department (2A and 2B are Corsica's), town, serial, 97 - remainder. */
static bool
fr_nir(const char *t)
{
    char d[16];
    unsigned long long v = 0;
    unsigned month = two(t + 3), corsica = 0;

    memcpy(d, t, 15);
    if (fl_id_is((unsigned char)d[6], FL_ID_LETTER)) {
        if (d[5] != '2' || (d[6] != 'A' && d[6] != 'B'))
            return false;
        corsica = d[6] == 'A' ? 1000000 : 2000000;
        d[6] = '0';
    }
    for (size_t i = 0; i < 13; i++)
        v = v * 10 + (unsigned)(d[i] - '0');
    return strchr("123478", t[0]) && (is_day(1, month) || month >= 20) &&
           97 - (v - corsica) % 97 == two(t + 13);
}

/* The letter of remainder modulo 23. */
static bool
es_dni(const char *t)
{
    unsigned v = 0;

    for (size_t i = 0; i < 8; i++)
        v = v * 10 + (unsigned)(t[i] - '0');
    return t[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[v % 23];
}

static bool
es_nie(const char *t)
{
    char d[9];

    memcpy(d, t, 9);
    d[0] = (char)(t[0] - 'X' + '0');
    return t[0] >= 'X' && es_dni(d);
}

/* Social security: the first ten digits modulo 97; numbers below 10 million are added otherwise. */
static bool
es_nass(const char *t)
{
    unsigned long long number = 0, whole;

    for (size_t i = 2; i < 10; i++)
        number = number * 10 + (unsigned)(t[i] - '0');
    whole = number < 10000000 ? number + two(t) * 10000000ull : two(t) * 100000000ull + number;
    return two(t) >= 1 && whole % 97 == two(t + 10);
}

/* Codice fiscale: consonants, year, month, day, place, and a letter for the sum of all. */
static bool
it_fiscal(const char *t)
{
    static const unsigned char odd[] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                        20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    unsigned sum = 0;

    for (size_t i = 0; i < 15; i++) {
        bool digit = fl_id_is((unsigned char)t[i], FL_ID_DIGIT);
        unsigned v = (unsigned)(digit ? t[i] - '0' : t[i] - 'A');
        if ((i < 6 || i == 8 || i == 11) == digit)
            if (i < 6 || i == 8 || i == 11 || !strchr("LMNPQRSTUV", t[i]))
                return false;
        sum += i % 2 ? v : odd[v];
    }
    return strchr("ABCDEHLMPRST", t[8]) && t[15] >= 'A' && sum % 26 == (unsigned)(t[15] - 'A');
}

/* Eleven test; the last digit counts -1. */
static bool
nl_bsn(const char *t)
{
    return (weigh(t, "98765432") + 10u * 11 - (unsigned)(t[8] - '0')) % 11 == 0 &&
           memcmp(t, "000000000", 9);
}

static bool
uk_nhs(const char *t)
{
    unsigned sum = 10 * (unsigned)(t[0] - '0') + weigh(t + 1, "98765432");

    return (11 - sum % 11) % 11 == (unsigned)(t[9] - '0');
}

/* Centuries are added to the month in twenties. */
static bool
pl_pesel(const char *t)
{
    return is_day(two(t + 4), two(t + 2) % 20) &&
           (weigh(t, "1379137913") + (unsigned)(t[10] - '0')) % 10 == 0;
}

/* Birthday and Luhn; a number in place of a birthday adds 60 to the day. */
static bool
se_number(const char *t)
{
    unsigned day = two(t + 4);

    return is_day(day > 60 ? day - 60 : day, two(t + 2)) && fl_id_luhn(t, 10);
}

static bool
se_long(const char *t)
{
    return (two(t) == 19 || two(t) == 20) && se_number(t + 2);
}

/* A birthday; numbers since 2007 have no checksum. */
static bool
dk_cpr(const char *t)
{
    return is_day(two(t), two(t + 2));
}

static bool
in_aadhaar(const char *t)
{
    return t[0] >= '2' && fl_id_verhoeff(t, 12);
}

static bool
in_pan(const char *t)
{
    return strchr("ABCFGHJKLPT", t[3]);
}

static bool
br_cpf(const char *t)
{
    unsigned a = 10 * (unsigned)(t[0] - '0') + weigh(t + 1, "98765432"), b;

    a = a * 10 % 11 % 10;
    b = 11 * (unsigned)(t[0] - '0') + 10 * (unsigned)(t[1] - '0') + weigh(t + 2, "98765432");
    b = b * 10 % 11 % 10;
    for (size_t i = 1; i < 11 && t[i] == t[0]; i++)
        if (i == 10)
            return false; /* all the same */
    return a == (unsigned)(t[9] - '0') && b == (unsigned)(t[10] - '0');
}

enum { /* how a number is written so that it may stand for itself, when its check holds */
       NEVER = 1, /* it may not */
       PLAIN = 2, /* in one piece */
       FORMED = 4 /* in the groups of .form */
};

static const struct shape {
    size_t n;           /* of .is */
    const char *is;     /* 9 a digit, A a letter, X either */
    uint32_t form;      /* sizes of groups, a hexadecimal digit each, when there are several */
    const char *joints; /* that may stand between groups */
    bool (*check)(const char *text);
    unsigned char alone;
    enum fl_id_evidence evidence;
} shapes[] = {
    {9, "999999999", 0x324, "-", us_ssn, FORMED, FL_ID_BY_GRAMMAR},
    {9, "999999999", 0x324, " .", us_ssn, NEVER, FL_ID_BY_GRAMMAR},
    {9, "AA999999A", 0x22221, " -.", uk_nino, PLAIN | FORMED, FL_ID_BY_GRAMMAR},
    {9, "AA999999A", 0x2222, " -", uk_nino, FORMED, FL_ID_BY_GRAMMAR},
    {9, "AA999999A", 0x261, " -", uk_nino, FORMED, FL_ID_BY_GRAMMAR},
    {10, "9999999999", 0x334, " -", uk_nhs, NEVER, FL_ID_BY_CHECKSUM},
    {11, "99999999999", 0x2333, " -/", de_tax, FORMED, FL_ID_BY_CHECKSUM},
    {12, "99999999A999", 0x2613, " -/.", de_pension, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {12, "99999999A999", 0x264, " -/.", de_pension, FORMED, FL_ID_BY_CHECKSUM},
    {10, "A999999999", 0x19, " -", de_health, PLAIN, FL_ID_BY_CHECKSUM},
    {10, "A999999999", 0x1333, " ", de_health, FORMED, FL_ID_BY_CHECKSUM},
    {15, "999999X99999999", 0x1222332, " .-", fr_nir, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {15, "999999X99999999", 0x132, " -", fr_nir, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {9, "99999999A", 0x81, "- ./", es_dni, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {9, "99999999A", 0x2331, ".-", es_dni, FORMED, FL_ID_BY_CHECKSUM},
    {9, "99999999A", 0x234, ".", es_dni, FORMED, FL_ID_BY_CHECKSUM},
    {9, "A9999999A", 0x171, "- .", es_nie, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {9, "A9999999A", 0x1331, "-.", es_nie, FORMED, FL_ID_BY_CHECKSUM},
    {12, "999999999999", 0x282, " /-", es_nass, FORMED, FL_ID_BY_CHECKSUM},
    {16, "XXXXXXXXXXXXXXXX", 0x33352, " ", it_fiscal, PLAIN, FL_ID_BY_CHECKSUM},
    {16, "XXXXXXXXXXXXXXXX", 0x3355, " ", it_fiscal, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {9, "999999999", 0x423, ". ", nl_bsn, FORMED, FL_ID_BY_CHECKSUM},
    {9, "999999999", 0x333, " -", nl_bsn, NEVER, FL_ID_BY_CHECKSUM},
    {11, "99999999999", 0x65, " -", pl_pesel, PLAIN, FL_ID_BY_CHECKSUM},
    {10, "9999999999", 0x64, "-", se_number, FORMED, FL_ID_BY_CHECKSUM},
    {12, "999999999999", 0x84, "-", se_long, PLAIN | FORMED, FL_ID_BY_CHECKSUM},
    {10, "9999999999", 0x64, "- ", dk_cpr, NEVER, FL_ID_BY_GRAMMAR},
    {10, "9999999999", 0x64, "-", dk_cpr, FORMED, FL_ID_BY_SHAPE},
    {12, "999999999999", 0x444, " -", in_aadhaar, FORMED, FL_ID_BY_CHECKSUM},
    {10, "AAAAA9999A", 0x541, " -", in_pan, PLAIN, FL_ID_BY_GRAMMAR},
    {11, "99999999999", 0x3332, ".-", br_cpf, FORMED, FL_ID_BY_CHECKSUM},
};

bool
fl_id_number_holds(enum fl_id_number number, const char *text)
{
    static bool (*const checks[])(const char *) = {
        [FL_ID_US_SSN] = us_ssn,         [FL_ID_UK_NINO] = uk_nino,
        [FL_ID_UK_NHS] = uk_nhs,         [FL_ID_DE_TAX] = de_tax,
        [FL_ID_DE_PENSION] = de_pension, [FL_ID_DE_HEALTH] = de_health,
        [FL_ID_FR_NIR] = fr_nir,         [FL_ID_ES_DNI] = es_dni,
        [FL_ID_ES_NIE] = es_nie,         [FL_ID_ES_NASS] = es_nass,
        [FL_ID_IT_FISCAL] = it_fiscal,   [FL_ID_NL_BSN] = nl_bsn,
        [FL_ID_PL_PESEL] = pl_pesel,     [FL_ID_SE_NUMBER] = se_number,
        [FL_ID_DK_CPR] = dk_cpr,         [FL_ID_IN_AADHAAR] = in_aadhaar,
        [FL_ID_IN_PAN] = in_pan,         [FL_ID_BR_CPF] = br_cpf,
    };

    return checks[number](text);
}

struct written {            /* the first groups of a token */
    char text[LONGEST + 1]; /* letters in upper case */
    size_t n, digits, groups, end;
    size_t lower; /* letters that were in lower case */
    char joints[FL_ID_GROUPS];
};

/* Are the characters of W those of SHAPE, and the signs between its groups too? */
static bool
fits(const struct shape *shape, const struct written *w)
{
    for (size_t i = 0; i < w->n; i++) {
        bool digit = fl_id_is((unsigned char)w->text[i], FL_ID_DIGIT);
        if (shape->is[i] == 'X')
            continue;
        if (digit != (shape->is[i] == '9'))
            return false;
    }
    for (size_t i = 1; i < w->groups; i++)
        if (!strchr(shape->joints, w->joints[i]))
            return false;
    return true;
}

/* Take the next group into W: 0 when it does not fit any number any more. */
static bool
take(const struct fl_id_state *s, const struct fl_id_group *g, struct written *w)
{
    if (w->n + g->len > LONGEST || g->len > 16 ||
        (w->groups && (g->before == '(' || g->before == ')')))
        return false;
    for (size_t i = 0; i < g->len; i++) {
        unsigned char c = s->p[g->at + i];
        bool low = fl_id_is(c, FL_ID_LETTER) && !fl_id_is(c, FL_ID_UPPER);
        w->lower += low;
        w->text[w->n++] = (char)(low ? c & ~32 : c);
    }
    w->text[w->n] = '\0';
    w->joints[w->groups++] = g->before;
    w->digits += g->digits;
    w->end = g->at + g->len;
    return true;
}

struct verdict {
    size_t end, distance;
    int evidence; /* -1: none */
};

/* Words of context, which are looked for when first asked for, as few tokens need them. */
struct nearby {
    struct fl_id_state *s;
    size_t at, distance;
    bool known;
};

static size_t
distance_of(struct nearby *near)
{
    if (!near->known)
        near->distance = fl_id_context(near->s, FL_ID_ON_NATIONAL, near->at, REACH_NATIONAL);
    near->known = true;
    return near->distance;
}

/* What W is as a number of SHAPE. */
static void
judge(const struct shape *shape, const struct written *w, struct nearby *near, struct verdict *v)
{
    bool holds = shape->check(w->text), alone = shape->alone & (w->groups > 1 ? FORMED : PLAIN);
    int evidence = -1;

    if (holds && ((alone && (!w->lower || w->n == 16)) || distance_of(near) != SIZE_MAX))
        evidence = (int)shape->evidence;
    else if (w->digits >= 5 && distance_of(near) != SIZE_MAX)
        evidence = FL_ID_BY_CONTEXT;
    if (evidence < 0 || (w->end == v->end && evidence <= v->evidence) || w->end < v->end)
        return;
    *v = (struct verdict){w->end, evidence == FL_ID_BY_CONTEXT ? near->distance : 0, evidence};
}

/*
 * Near words of context, whatever looks like a number of that kind: the token, and groups that
 * hang on it by a sign, or by a space when they have digits and the words stand right before.
 */
static void
take_any(struct fl_id_state *s, const struct fl_id_token *t, size_t near, struct verdict *v)
{
    struct written w = {.n = 0};

    if (near == SIZE_MAX)
        return;
    for (size_t i = 0; i < t->count && i < 6; i++) {
        if (i && t->g[i].before == ' ' && (near > 4 || t->g[i].digits != t->g[i].len))
            break;
        if (i && !t->g[i].digits && t->g[i].len > 2)
            break;
        if (!take(s, &t->g[i], &w))
            break;
    }
    if (w.n < SHORTEST || w.digits < LEAST_DIGITS || w.lower > MOST_LOWER ||
        (w.groups > 1 && w.n > 16) || w.end <= v->end)
        return;
    *v = (struct verdict){w.end, near, FL_ID_BY_CONTEXT};
}

/* Numbers of patients, cases and licences: right after the word, five digits or more. */
static void
take_record(struct fl_id_state *s, const struct fl_id_token *t, struct verdict *v)
{
    size_t near = fl_id_context(s, FL_ID_ON_RECORD, t->at, REACH_RECORD), digits = 0, end = 0;

    if (near == SIZE_MAX)
        return;
    for (size_t i = 0; i < t->count && i < 4; i++) {
        const struct fl_id_group *g = &t->g[i];
        if (g->len > 14 || !g->digits ||
            (i && g->before == ' ' && (g->digits != g->len || t->g->len > 2)))
            break;
        digits += g->digits;
        end = g->at + g->len;
    }
    if (digits >= 5 && digits <= 16 && end > v->end)
        *v = (struct verdict){end, near, FL_ID_BY_CONTEXT};
}

/*
 * The start of a group of letters and its separator before AT, as in "AB 12 34 56 C"; AT when there
 * is none. The SECOND one further back is of three, as in "RSS MRA 85T10 A562S".
 */
static size_t
letters_before(const struct fl_id_state *s, size_t at, bool second)
{
    const unsigned char *p = s->p;

    if (!at || (p[at - 1] != ' ' && p[at - 1] != '-'))
        return at;
    size_t start = at - 1;
    while (at - start < 8 && start && fl_id_is(p[start - 1], FL_ID_LETTER))
        start--;
    size_t n = at - 1 - start;
    if (!n || (n > 3 && n != 5) || (second && n != 3) || (start && fl_id_alnum(p[start - 1])))
        return at;
    return start;
}

/* What the first groups of G are by the table, all beginnings of them tried. */
static void
judge_all(struct fl_id_state *s, const struct fl_id_group *g, size_t count, struct nearby *near,
          struct verdict *v)
{
    struct written w = {.n = 0};
    uint32_t form = 0;
    size_t n = 0;

    for (size_t i = 0; i < count && i < 8 && n + g[i].len <= LONGEST && g[i].len <= 16; i++) {
        n += g[i].len;
        form = form << 4 | g[i].len;
        if (!(SIZES >> n & 1))
            continue;
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            if (i ? shapes[k].form != form : shapes[k].n != n)
                continue;
            while (w.groups <= i)
                if (!take(s, &g[w.groups], &w))
                    return;
            if (fits(&shapes[k], &w))
                judge(&shapes[k], &w, near, v);
        }
    }
}

int
fl_id_national(struct fl_id_state *s, const struct fl_id_token *t)
{
    struct verdict v = {.evidence = -1};
    struct fl_id_group before[FL_ID_GROUPS];
    size_t at = t->at;

    if (!fl_id_wants(s, FL_ID_NATIONAL) || t->at < s->taken[FL_ID_NATIONAL] ||
        t->g->len + (t->count > 1 ? 8 : 0) < 5)
        return 0;
    if (at > 1 && (s->p[at - 1] == '.' || s->p[at - 1] == ',' || s->p[at - 1] == '/') &&
        fl_id_is(s->p[at - 2], FL_ID_DIGIT))
        return 0;
    struct nearby near = {.s = s, .at = at};
    judge_all(s, t->g, t->count, &near, &v);
    for (size_t k = 0, start, from = at; k < 2; k++, from = start) {
        struct verdict with = {.evidence = -1};
        start = letters_before(s, from, k);
        if (start == from)
            break;
        size_t count = fl_id_read_groups(s, start, before, FL_ID_GROUPS);
        judge_all(s, before, count, &near, &with);
        if (with.evidence >= 0 && with.evidence >= v.evidence && with.end >= v.end) {
            v = with;
            at = start;
        }
    }
    if (v.evidence < FL_ID_BY_GRAMMAR && t->digits >= LEAST_DIGITS &&
        !fl_id_date(s, t->g, t->count) && !fl_id_years(s, t->g, t->count)) {
        take_any(s, t, distance_of(&near), &v);
        if (v.evidence < 0)
            take_record(s, t, &v);
    }
    if (v.evidence < 0)
        return 0;
    return fl_id_add(s, FL_ID_NATIONAL, at, v.end, (enum fl_id_evidence)v.evidence, v.distance);
}
