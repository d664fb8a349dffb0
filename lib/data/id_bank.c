/*
 * Numbers of accounts and cards. IBAN: ISO 13616, the registry's lengths by country, remainder 1
 * modulo 97. Cards: ISO/IEC 7812, the first digits and lengths of issuers, Luhn. Where words say
 * what a number is, a wrong checksum does not make it less personal.
 */
#include "data/id_parts.h"

#include <string.h>

enum { REACH_BANK = FL_ID_FAR, REACH_OTHER = 20 };

static const char iban_lengths[][5] = {
    "AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BI27", "BR29", "BY28",
    "CH21", "CR22", "CY28", "CZ24", "DE22", "DJ27", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18",
    "FK18", "FO18", "FR27", "GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HN28", "HR21", "HU28",
    "IE22", "IL23", "IQ23", "IS26", "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20",
    "LU20", "LV21", "LY25", "MC27", "MD24", "ME22", "MK19", "MN20", "MR27", "MT31", "MU30", "NI28",
    "NL18", "NO15", "OM23", "PK24", "PL28", "PS29", "PT25", "QA29", "RO24", "RS22", "RU33", "SA24",
    "SC31", "SD18", "SE24", "SI19", "SK24", "SM27", "SO23", "ST25", "SV28", "TL23", "TN24", "TR26",
    "UA29", "VA22", "VG24", "XK20", "YE30",
};

/* The length of IBANs of the country of two letters at P, 0 when it has none. */
static size_t
iban_length(const unsigned char *p)
{
    size_t low = 0, high = sizeof iban_lengths / sizeof *iban_lengths;

    if (!fl_id_is(p[0], FL_ID_LETTER) || !fl_id_is(p[1], FL_ID_LETTER))
        return 0;
    const char country[2] = {(char)(p[0] & ~32), (char)(p[1] & ~32)};
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(iban_lengths[middle], country, 2);
        if (!order)
            return (size_t)(iban_lengths[middle][2] - '0') * 10 +
                   (size_t)(iban_lengths[middle][3] - '0');
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static bool
iban_is_right(const char *text, size_t n)
{
    char turned[40];

    memcpy(turned, text + 4, n - 4);
    memcpy(turned + n - 4, text, 4);
    return fl_id_mod97(turned, n) == 1;
}

/* An IBAN as it is written. */
struct iban {
    char text[40];
    size_t n, end, digits;
    bool parted; /* there are groups after the first two letters, */
    bool fours;  /* each of four, but for those and the last one */
};

/* Read the one that begins at AT: LENGTH letters and digits, single separators of one kind. */
static bool
iban_read(const unsigned char *p, size_t at, size_t length, struct iban *i)
{
    unsigned char sign = 0;
    size_t group = 0;

    *i = (struct iban){.end = at, .fours = true};
    for (;;) {
        for (; i->n < length && fl_id_alnum(p[i->end]); group++) {
            i->digits += fl_id_is(p[i->end], FL_ID_DIGIT);
            i->text[i->n++] = (char)p[i->end++];
        }
        if (i->n == length)
            break;
        unsigned char c = p[i->end];
        if ((c != ' ' && c != '-' && c != '.') || (sign && c != sign) || !fl_id_alnum(p[++i->end]))
            return false;
        sign = c;
        i->parted |= i->n > 2;
        i->fours &= group == 4 || i->n == 2 || (group == 2 && i->n == 4);
        group = 0;
    }
    i->fours &= group <= 4;
    return !fl_id_alnum(p[i->end]);
}

/*
 * The IBAN that begins at AT. "me 87 and so on" has a right remainder too, once in 97: what is
 * parted is in fours, or is digits for the most part.
 */
static int
iban_at(struct fl_id_state *s, size_t at, size_t length)
{
    struct iban i;

    if (!iban_read(s->p, at, length, &i))
        return 0;
    if (iban_is_right(i.text, i.n) &&
        (!i.parted || (i.fours && i.digits >= 4) || 2 * i.digits >= length))
        return fl_id_add(s, FL_ID_IBAN, at, i.end, FL_ID_BY_CHECKSUM, 0);
    size_t distance = fl_id_context(s, FL_ID_ON_IBAN, at, REACH_BANK);
    if (distance == SIZE_MAX || 4 * i.digits < length)
        return 0;
    return fl_id_add(s, FL_ID_IBAN, at, i.end, FL_ID_BY_CONTEXT, distance);
}

/* "DE89..." is one token; "DE 89 ..." begins with the one before. */
int
fl_id_iban(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p;
    size_t at = t->at;

    if (!fl_id_wants(s, FL_ID_IBAN) || t->g->len < 2)
        return 0;
    if (fl_id_is(p[at], FL_ID_DIGIT)) {
        if (at < 3 || (p[at - 1] != ' ' && p[at - 1] != '-') || (at > 3 && fl_id_alnum(p[at - 4])))
            return 0;
        at -= 3;
        if (!fl_id_is(p[at + 3], FL_ID_DIGIT) || !fl_id_is(p[at + 4], FL_ID_DIGIT))
            return 0;
    } else if (!fl_id_is(p[at + 2], FL_ID_DIGIT) || !fl_id_is(p[at + 3], FL_ID_DIGIT)) {
        return 0;
    }
    size_t length = iban_length(p + at);
    return length ? iban_at(s, at, length) : 0;
}

/* First digits, from LOW to HIGH, of the cards of one issuer, and the lengths: bit N - 12. */
static const struct issuer {
    uint32_t low, high; /* six digits */
    uint8_t lengths;
} issuers[] = {
#define L(n) (1 << ((n)-12))
    {180000, 180099, L(15)}, /* JCB */
    {213100, 213199, L(15)},
    {220000, 220499, L(16) | L(17) | L(18) | L(19)}, /* Mir */
    {222100, 272099, L(16)},                         /* Mastercard */
    {300000, 305999, L(14) | L(16) | L(19)},         /* Diners */
    {309500, 309599, L(14) | L(16) | L(19)},
    {340000, 349999, L(15)},                         /* American Express */
    {350000, 359999, L(16) | L(17) | L(18) | L(19)}, /* JCB, 3528 to 3589, and what tests make up */
    {360000, 369999, L(14) | L(16) | L(19)},         /* Diners */
    {370000, 379999, L(15)},                         /* American Express */
    {380000, 399999, L(14) | L(16) | L(19)},         /* Diners */
    {400000, 499999, L(13) | L(16) | L(18) | L(19)}, /* Visa */
    {500000, 509999, L(12) | L(13) | L(14) | L(15) | L(16) | L(17) | L(18) | L(19)}, /* Maestro */
    {510000, 559999, L(16)}, /* Mastercard */
    {560000, 699999, L(12) | L(13) | L(14) | L(15) | L(16) | L(17) | L(18) | L(19)}, /* Maestro, */
    {810000, 829999, L(16) | L(17) | L(18) | L(19)}, /* Discover, UnionPay, RuPay */
    {979200, 979299, L(16)},                         /* Troy */
#undef L
};

static bool
card_is_issued(const char *d, size_t n)
{
    uint32_t first = 0;

    for (size_t i = 0; i < 6; i++)
        first = first * 10 + (uint32_t)(d[i] - '0');
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
        if (first >= issuers[i].low && first <= issuers[i].high)
            return issuers[i].lengths >> (n - 12) & 1;
    return false;
}

/* Ways to write one: sizes of groups. */
static bool
card_is_grouped(const struct fl_id_group *g, size_t count)
{
    static const char ways[][6] = {"4444", "44443", "44442", "44441", "465", "464",
                                   "445",  "4441",  "444",   "88",    "655", "664"};
    if (count == 2 && g[0].len == 6 && g[1].len >= 8 && g[1].len <= 13)
        return true;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        size_t k = 0;
        while (k < count && g[k].len == ways[i][k] - '0')
            k++;
        if (k == count && !ways[i][k])
            return true;
    }
    return false;
}

/* What the first COUNT groups are as a card: its evidence, or -1. */
static int
card_evidence(struct fl_id_state *s, const struct fl_id_token *t, const char *digits, size_t n,
              size_t count, size_t *distance)
{
    *distance = 0;
    if (count > 1 && !card_is_grouped(t->g, count))
        return -1;
    if (card_is_issued(digits, n) && fl_id_luhn(digits, n)) {
        if (n > 12)
            return FL_ID_BY_CHECKSUM;
        if (fl_id_context(s, FL_ID_ON_OTHER, t->at, REACH_OTHER) == SIZE_MAX)
            return FL_ID_BY_GRAMMAR; /* other numbers have twelve digits and a checksum */
    }
    *distance = fl_id_context(s, FL_ID_ON_CARD, t->at, REACH_BANK);
    return *distance == SIZE_MAX ? -1 : FL_ID_BY_CONTEXT;
}

int
fl_id_card(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p;
    char digits[20];
    size_t n = 0, best = 0, best_distance = 0, distance;
    int evidence = -1;

    if (!fl_id_wants(s, FL_ID_CARD) || t->g->len < 4 || t->at < s->taken[FL_ID_CARD] ||
        (t->at > 1 && (p[t->at - 1] == '.' || p[t->at - 1] == ',') &&
         fl_id_is(p[t->at - 2], FL_ID_DIGIT)))
        return 0;
    for (size_t i = 0; i < t->count && i < 5; i++) {
        const struct fl_id_group *g = &t->g[i];
        if (g->digits != g->len || n + g->len > 19 ||
            (i && (g->before != t->g[1].before || strchr("()/", g->before))))
            break;
        memcpy(digits + n, p + g->at, g->len);
        n += g->len;
        if (n < 12)
            continue;
        int found = card_evidence(s, t, digits, n, i + 1, &distance);
        if (found >= 0 && found >= evidence) {
            evidence = found;
            best = g->at + g->len;
            best_distance = distance;
        }
    }
    if (evidence < 0)
        return 0;
    return fl_id_add(s, FL_ID_CARD, t->at, best, (enum fl_id_evidence)evidence, best_distance);
}
