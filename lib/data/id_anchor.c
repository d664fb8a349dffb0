/*
 * One pass for the anchors of all built-in types: comparisons that the compiler makes vectors of
 * mark the bytes of a block that may be one [mark], and only those are looked at [anchor]. A number
 * is asked the cheap questions first, since most of them are nobody's. The bytes before and after
 * the text are zero, so nobody asks where it begins or ends.
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/bytes.h"
#include "base/least.h"
#include "os/kernel.h"

enum {
    BLOCK = 512,
    LEAST_DIGITS = 4, /* of a number that is long enough to be somebody's, */
    LEAST_PHONE = 7,  /* of one of a telephone that has no code of a country, */
    LEAST_CARD = 12
};

/*
 * HIT[i] is not 0 where an anchor may stand at Q[i]: a digit, '@', ':', a dot before a letter, a
 * bracket before an A or '@', or the beginning of a word that says "dot" in one of the languages.
 * N is a multiple of FL_ID_PAD.
 */
FL_KERNEL static void
mark(const unsigned char *q, size_t n, unsigned char *hit)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = q[i], b = q[i + 1] | 32, d = q[i + 2] | 32, e = q[i + 3] | 32;
        unsigned char letter = (unsigned char)(b - 'a') < 26;
        unsigned char bracket = (c == '(') | (c == '[') | (c == '{') | (c == '<');
        unsigned char inside = (b == 'a') | (b == 'c') | (b == ('@' | 32)) | (b == ' ') |
                               (b == (0xc3 | 32));
        unsigned char word = (b == 'd') & (d == 'o') & (e == 't');
        word |= (b == 'p') & ((d == 'o') | (d == 'u')) & ((e == 'i') | (e == 'n'));
        hit[i] = ((unsigned char)(c - '0') <= ':' - '0') | (c == '@') | ((c == '.') & letter) |
                 (bracket & inside) | ((c == ' ') & word);
    }
}

/* Scanners of single tokens, each where it may find something. */
static int
short_ones(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p + t->at;
    size_t len = t->g->len;

    if ((len == 2 || len == 4) && fl_id_mac(s, t))
        return -1;
    if (len <= 3 && p[len] == '.' && fl_id_net4(s, t))
        return -1;
    if ((p[0] == '9' || p[0] == '1' || p[0] == '0') && fl_id_age(s, t))
        return -1;
    return len <= 8 ? fl_id_birth(s, t) : 0;
}

/* The token with a digit at AT in it; what follows it goes into *NEXT. */
static int
token(struct fl_id_state *s, size_t at, size_t *next)
{
    const unsigned char *p = s->p;
    struct fl_id_token t = {.at = at};
    size_t end = at, i = 0;

    while (at - t.at < FL_ID_REACH && t.at && fl_id_alnum(p[t.at - 1]))
        t.at--;
    while (fl_id_alnum(p[end]))
        end++;
    *next = end;
    if (end - t.at > FL_ID_PAD)
        return 0;
    t.g = fl_id_groups(s, t.at, &t.count);
    for (; i < t.count && t.g[i].digits == t.g[i].len; i++)
        t.run += t.g[i].digits;
    t.digits = t.run;
    if (i && i < t.count && fl_id_is(p[t.g[i].at], FL_ID_DIGIT))
        t.run += t.g[i].digits; /* "4567x89" */
    for (; i < t.count; i++)
        t.digits += t.g[i].digits;
    if (short_ones(s, &t) || fl_id_iban(s, &t))
        return -1;
    if (t.digits < LEAST_DIGITS)
        return 0;
    if (t.run >= LEAST_CARD && fl_id_card(s, &t))
        return -1;
    if (fl_id_national(s, &t))
        return -1;
    bool abroad = t.at && (p[t.at - 1] == '+' || (t.at > 1 && p[t.at - 2] == '+'));
    return t.run >= LEAST_PHONE || abroad ? fl_id_phone(s, &t) : 0;
}

/* What stands at AT, if it is an anchor; *NEXT is where to go on. */
static int
anchor(struct fl_id_state *s, size_t at, size_t *next)
{
    const unsigned char *p = s->p + at;

    *next = at + 1;
    switch (*p) {
    case '@': return fl_id_mail(s, at);
    case ':': return p[1] == '/' && p[2] == '/' ? fl_id_url(s, at) : fl_id_net6(s, at);
    case '.': return fl_id_is(p[1], FL_ID_LETTER) ? fl_id_domain(s, at) : 0;
    case '(':
    case '[':
    case '{':
    case '<': return memchr(" @aAcC\xc3", p[1], 7) ? fl_id_mail_worded(s, at) : 0;
    case ' ': return memchr("dDpP", p[1], 4) ? fl_id_mail_worded(s, at) : 0;
    default: return fl_id_is(*p, FL_ID_DIGIT) ? token(s, at, next) : 0;
    }
}

int
fl_id_scan_all(struct fl_id_state *s)
{
    unsigned char hit[BLOCK] = {0};
    size_t next = 0;

    for (size_t block = 0; block < s->n; block += BLOCK) {
        size_t n = fl_min(BLOCK, (s->n - block + FL_ID_PAD - 1) / FL_ID_PAD * FL_ID_PAD);
        mark(s->p + block, n, hit);
        for (size_t i = 0; i < n; i += 8)
            for (uint64_t h = fl_get64(hit + i); h; h &= h - 1) {
                size_t at = block + i + (size_t)__builtin_ctzll(h) / 8;
                if (at >= next && anchor(s, at, &next))
                    return -1;
            }
    }
    return 0;
}
