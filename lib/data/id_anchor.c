/*
 * One pass for the anchors of all built-in types. Blocks in which no anchor stands, most of prose,
 * are passed over 32 bytes at a time by comparisons that the compiler makes vectors of [quiet]; the
 * rest goes byte by byte [anchor]. The bytes before and after the text are zero, so nobody asks
 * where it begins or ends.
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/least.h"
#include "os/kernel.h"

enum { BLOCK = 32, LEAST_DIGITS = 4 }; /* of a number that is long enough to be somebody's */

/*
 * The first of the blocks from AT on in which an anchor may stand, or a place at or after N: a
 * digit, '@', ':', a dot before a letter, a bracket before an A or '@', or the beginning of a word
 * that says "dot" in one of the languages.
 */
FL_KERNEL static size_t
quiet(const unsigned char *p, size_t at, size_t n)
{
    for (; at < n; at += BLOCK) {
        const unsigned char *q = p + at;
        unsigned char any = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            unsigned char c = q[i], b = q[i + 1] | 32, d = q[i + 2] | 32, e = q[i + 3] | 32;
            unsigned char letter = (unsigned char)(b - 'a') < 26;
            unsigned char bracket = (c == '(') | (c == '[') | (c == '{') | (c == '<');
            unsigned char inside = (b == 'a') | (b == 'c') | (b == ('@' | 32)) | (b == ' ') |
                                   (b == (0xc3 | 32));
            unsigned char word = (b == 'd') & (d == 'o') & (e == 't');
            word |= (b == 'p') & ((d == 'o') | (d == 'u')) & ((e == 'i') | (e == 'n'));
            any |= ((unsigned char)(c - '0') < 10) | (c == '@') | (c == ':') |
                   ((c == '.') & letter) | (bracket & inside) | ((c == ' ') & word);
        }
        if (any)
            return at;
    }
    return at;
}

/* The token with a digit at AT in it; what follows it goes into *NEXT. */
static int
token(struct fl_id_state *s, size_t at, size_t *next)
{
    const unsigned char *p = s->p;
    struct fl_id_token t = {.at = at};
    size_t end = at;

    while (at - t.at < FL_ID_REACH && t.at && fl_id_alnum(p[t.at - 1]))
        t.at--;
    while (fl_id_alnum(p[end]))
        end++;
    *next = end;
    if (end - t.at > FL_ID_PAD)
        return 0;
    t.g = fl_id_groups(s, t.at, &t.count);
    for (size_t i = 0; i < t.count; i++)
        t.digits += t.g[i].digits;
    if (fl_id_mac(s, &t) || fl_id_net4(s, &t) || fl_id_birth(s, &t) || fl_id_age(s, &t))
        return -1;
    if (t.digits < LEAST_DIGITS)
        return 0;
    return fl_id_iban(s, &t) || fl_id_card(s, &t) || fl_id_national(s, &t) || fl_id_phone(s, &t)
               ? -1
               : 0;
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
    for (size_t at = 0; (at = quiet(s->p, at, s->n)) < s->n;)
        for (size_t end = fl_min(at + BLOCK, s->n); at < end;)
            if (anchor(s, at, &at))
                return -1;
    return 0;
}
