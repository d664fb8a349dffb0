/*
 * Addresses of hosts: URLs (RFC 3986, as people write them: a scheme and a host, or a host whose
 * name says that it is one), IPv4, IPv6 (RFC 4291, section 2.2) and hardware addresses (EUI-48 and
 * EUI-64 in pairs, or in fours with dots).
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/least.h"

enum { SCHEME = 12, REACH_WEB = FL_ID_FAR, WHOLE = 4096 };

/* The end of a URL whose host begins at AT: without the marks that end a sentence around it. */
static size_t
url_end(const struct fl_id_state *s, size_t at)
{
    const unsigned char *p = s->p;
    size_t end = at, open = 0, closed = 0;

    for (; end - at < WHOLE && fl_id_is(p[end], FL_ID_PATH); end++) {
        open += p[end] == '(' || p[end] == '[';
        closed += p[end] == ')' || p[end] == ']';
    }
    while (end > at) {
        unsigned char c = p[end - 1];
        bool bracket = c == ')' || c == ']';
        if (!(bracket && closed > open) && (bracket || !memchr(".,;:!?'*", c, 8)))
            break;
        closed -= bracket;
        end--;
    }
    while (end > at && end - at == WHOLE && (p[end] & 0xc0) == 0x80)
        end--;
    return end;
}

int
fl_id_url(struct fl_id_state *s, size_t at)
{
    const unsigned char *p = s->p;
    size_t start = at;

    if (!fl_id_wants(s, FL_ID_URL) || at < s->taken[FL_ID_URL])
        return 0;
    while (start && at - start < SCHEME && (fl_id_alnum(p[start - 1]) || p[start - 1] == '+'))
        start--;
    while (start < at && !fl_id_is(p[start], FL_ID_LETTER))
        start++;
    if (at - start < 2 || !(fl_id_is(p[at + 3], FL_ID_LABEL) || p[at + 3] == '['))
        return 0;
    return fl_id_add(s, FL_ID_URL, start, url_end(s, at + 3), FL_ID_BY_GRAMMAR, 0);
}

/* Is the label of LEN bytes at P one of LIST, words between spaces? */
static bool
is_among(const unsigned char *p, size_t len, const char *list)
{
    while (*list) {
        size_t k = 0;
        while (k < len && list[k] > ' ' && list[k] == (char)(p[k] | 32))
            k++;
        if (k == len && list[k] <= ' ')
            return true;
        while (*list > ' ')
            list++;
        list += *list == ' ';
    }
    return false;
}

/*
 * Is START to END, whose last label begins at TOP and the one before at SECOND, a host without
 * anything that says so? Countries whose codes are words or ends of files' names, as in "it",
 * "pl", "md", need a second label like "co", or words of context.
 */
static bool
is_host(struct fl_id_state *s, size_t start, size_t second, size_t top, size_t end)
{
    const unsigned char *p = s->p;

    if (is_among(p + top, end - top, "com net org edu gov mil info biz"))
        return true;
    if (end - top != 2 || fl_id_is(p[top], FL_ID_UPPER) || !fl_id_is(p[top], FL_ID_LETTER) ||
        !fl_id_is(p[top + 1], FL_ID_LETTER) || p[end] == '(')
        return false;
    if (second > start && is_among(p + second, top - 1 - second, "co com org net ac gov edu gob"))
        return true;
    if (p[end] == '/' || fl_id_context(s, FL_ID_ON_WEB, start, REACH_WEB) != SIZE_MAX)
        return true;
    return top - start > 4 && is_among(p + top, 2,
                                       "de fr nl uk eu se dk fi ch cz hu gr ru jp cn br mx "
                                       "ca au nz io ai sk hr bg lt lv ee ua kr tw hk za");
}

/* A host without a scheme: "www." and anything, or one that [is_host]. */
int
fl_id_domain(struct fl_id_state *s, size_t at)
{
    const unsigned char *p = s->p;
    size_t start = at, end = at, top = at, second = at;

    if (!fl_id_wants(s, FL_ID_URL) || at < s->taken[FL_ID_URL] || at < s->host_done)
        return 0;
    while (start && at - start < FL_ID_PAD && fl_id_is(p[start - 1], FL_ID_LABEL))
        start--;
    while (start < at && ((p[start] & 0xc0) == 0x80 || p[start] == '-'))
        start++;
    unsigned char before = start ? p[start - 1] : 0;
    if (start == at || at - start == FL_ID_PAD || before == '@' || before == '.' || before == '_' ||
        before == '/' || before == '\\')
        return 0;
    for (top = start;
         p[end] == '.' && end - start < FL_ID_REACH && fl_id_is(p[end + 1], FL_ID_LABEL);) {
        second = top;
        top = end + 1;
        for (end = top; end - top < FL_ID_PAD && fl_id_is(p[end], FL_ID_LABEL); end++)
            ;
    }
    s->host_done = end;
    bool www = at - start == 3 && (p[start] | 32) == 'w' && (p[start + 1] | 32) == 'w' &&
               (p[start + 2] | 32) == 'w' && top > at + 1;
    if (p[end] == '@' || p[end] == '_' || (!www && !is_host(s, start, second, top, end)))
        return 0;
    if (p[end] == '/' || p[end] == ':' || p[end] == '?')
        end = url_end(s, end);
    return fl_id_add(s, FL_ID_URL, start, end, FL_ID_BY_GRAMMAR, 0);
}

/* The end of an IPv4 address at AT, or 0. */
static size_t
net4_end(const unsigned char *p, size_t at)
{
    for (int part = 0; part < 4; part++) {
        unsigned v = 0, n = 0;
        for (; n < 4 && fl_id_is(p[at], FL_ID_DIGIT); n++)
            v = v * 10 + (unsigned)(p[at++] - '0');
        if (!n || n > 3 || v > 255 || (part < 3 && p[at++] != '.'))
            return 0;
    }
    return fl_id_alnum(p[at]) || (p[at] == '.' && fl_id_is(p[at + 1], FL_ID_DIGIT)) ? 0 : at;
}

int
fl_id_net4(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p;

    if (t->g->len > 3 || t->g->digits != t->g->len || p[t->at + t->g->len] != '.' ||
        !fl_id_wants(s, FL_ID_IP))
        return 0;
    if (t->at && p[t->at - 1] == '.' && t->at > 1 && fl_id_is(p[t->at - 2], FL_ID_DIGIT))
        return 0;
    size_t end = net4_end(p, t->at);
    if (!end || fl_id_context(s, FL_ID_ON_OTHER, t->at, 2) != SIZE_MAX)
        return 0; /* "version 1.2.3.4" */
    return fl_id_add(s, FL_ID_IP, t->at, end, FL_ID_BY_GRAMMAR, 0);
}

/* What has been read of an IPv6 address. */
struct net6 {
    unsigned groups, pairs, digits, numerals; /* PAIRS: groups of two digits */
    bool gap, four;                           /* "::" was there; it ends as IPv4 does */
};

/* Read from AT on into N; the end. */
static size_t
net6_read(const unsigned char *p, size_t at, struct net6 *n)
{
    for (;;) {
        size_t start = at;
        while (at - start < 5 && fl_id_is(p[at], FL_ID_HEX))
            at++;
        size_t size = at - start;
        if (p[at] == '.' && size && n->groups && net4_end(p, start)) {
            n->groups += 2;
            n->four = true;
            return net4_end(p, start);
        }
        if (size > 4)
            return 0;
        n->groups += size > 0;
        n->pairs += size == 2;
        n->digits += (unsigned)size;
        for (size_t i = start; i < at; i++)
            n->numerals += fl_id_is(p[i], FL_ID_DIGIT);
        if (p[at] != ':' || n->groups == 8)
            return at;
        if (p[at + 1] == ':') {
            if (n->gap)
                return 0;
            n->gap = true;
            at += 2;
            if (!fl_id_is(p[at], FL_ID_HEX))
                return at;
        } else if (size && fl_id_is(p[at + 1], FL_ID_HEX)) {
            at++;
        } else {
            return at;
        }
    }
}

int
fl_id_net6(struct fl_id_state *s, size_t at)
{
    const unsigned char *p = s->p;
    size_t start = at;
    struct net6 n = {0};

    if (!fl_id_wants(s, FL_ID_IP) || at < s->net_done ||
        !(p[at + 1] == ':' || fl_id_is(p[at + 1], FL_ID_HEX)))
        return 0;
    while (start && at - start < 5 && fl_id_is(p[start - 1], FL_ID_HEX))
        start--;
    if (at - start > 4 || (start == at && p[at + 1] != ':') ||
        (start && (fl_id_alnum(p[start - 1]) || p[start - 1] == ':')))
        return 0;
    size_t end = net6_read(p, start, &n);
    s->net_done = fl_max(end, at + 1);
    if (!end || fl_id_alnum(p[end]) ||
        (p[end] == ':' && (p[end + 1] == ':' || fl_id_is(p[end + 1], FL_ID_HEX))))
        return 0;
    if (n.gap ? n.groups > 7 || (!n.numerals && !n.four && n.groups < 4) || n.digits < 2
              : n.groups != 8 || n.pairs == 8) /* pairs are a hardware address */
        return 0;
    return fl_id_add(s, FL_ID_IP, start, end, FL_ID_BY_GRAMMAR, 0);
}

/* Groups of WIDTH hex digits, the first at AT, joined by SIGN: how many, up to 9; the end. */
static unsigned
hex_groups(const unsigned char *p, size_t at, size_t width, char sign, size_t *end)
{
    unsigned count = 0;

    for (;;) {
        size_t i = 0;
        while (i <= width && fl_id_alnum(p[at + i]))
            if (!fl_id_is(p[at + i++], FL_ID_HEX))
                return 0;
        if (i != width)
            return 0;
        *end = at += width;
        if (++count == 9 || (char)p[at] != sign || !fl_id_alnum(p[at + 1]))
            return count;
        at++;
    }
}

static bool
has_letter(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fl_id_is(p[i], FL_ID_LETTER))
            return true;
    return false;
}

int
fl_id_mac(struct fl_id_state *s, const struct fl_id_token *t)
{
    const unsigned char *p = s->p;
    size_t width = t->g->len, at = t->at, end;

    if ((width != 2 && width != 4) || !fl_id_wants(s, FL_ID_MAC) || at < s->mac_done)
        return 0;
    char after = (char)p[at + width], sign = after;
    if (!memchr(width == 2 ? ":-" : "..", sign, 2))
        sign = at ? (char)p[at - 1] : 0;
    if (!memchr(width == 2 ? ":-" : "..", sign, 2))
        return 0;
    for (int i = 0; i < 8 && at > width && (char)p[at - 1] == sign; i++) {
        size_t k = 0; /* groups before that have no digit */
        while (k < width && fl_id_is(p[at - 2 - k], FL_ID_HEX))
            k++;
        if (k < width)
            break;
        at -= width + 1;
    }
    if (at && (fl_id_alnum(p[at - 1]) || (char)p[at - 1] == sign))
        return 0;
    unsigned count = hex_groups(p, at, width, sign, &end);
    s->mac_done = count ? end : t->at + width;
    if (width == 2 ? count != 6 && count != 8 : count != 3 && count != 4)
        return 0;
    if ((char)p[end] == sign || (sign != ':' && !has_letter(p + at, end - at)))
        return 0; /* digits alone are a telephone's number */
    return fl_id_add(s, FL_ID_MAC, at, end, FL_ID_BY_GRAMMAR, 0);
}
