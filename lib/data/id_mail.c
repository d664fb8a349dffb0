/*
 * Email addresses: the part before '@' of RFC 5322's dot-atoms as mailboxes have it, a host of
 * labels (or an address in brackets), letters of other alphabets in both; and the ways in which
 * people keep programs from finding them: "name (at) host (dot) org", "name at host dot org".
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/least.h"

enum { LOCAL = 64, HOST = FL_ID_REACH };

/* Words for '@' and for '.', each in lower case after its length. */
static const char at_words[] = "\2at\6arroba\7arobase\4chez\3\xc3\xa4t\1@";
static const char dot_words[] = "\3dot\5punkt\5point\5punto\5ponto\1.";

/* Words that stand where the name of a host would: "seen at the dot in the middle". */
static const char no_hosts[] = "\3the\3any\4this\4that\4each\5every\3one\5which\4some\2no\1a";

/* The bytes of one of WORDS that stands at P and after which no letter follows, or 0. */
static size_t
word_at(const unsigned char *p, const char *words)
{
    for (const char *w = words; *w; w += *w + 1) {
        size_t n = (size_t)*w, k = 0;
        while (k < n &&
               (fl_id_is(p[k], FL_ID_LETTER) ? p[k] | 32 : p[k]) == (unsigned char)w[k + 1])
            k++;
        if (k == n && !(fl_id_is(p[k], FL_ID_LETTER) && fl_id_is(p[0], FL_ID_LETTER)))
            return n;
    }
    return 0;
}

/* The end of one of WORDS in brackets, spaces around and within them, that begins at AT, or 0. */
static size_t
bracketed(const unsigned char *p, size_t at, const char *words)
{
    at += p[at] == ' ';
    const char *open = p[at] ? strchr("([{<", p[at]) : NULL;
    if (!open)
        return 0;
    at++;
    at += p[at] == ' ';
    size_t n = word_at(p + at, words);
    at += n;
    at += p[at] == ' ';
    if (!n || p[at] != (unsigned char)")]}>"[open - "([{<"])
        return 0;
    at++;
    return at + (p[at] == ' ');
}

/* The end of " WORD " at AT, or 0. */
static size_t
bare(const unsigned char *p, size_t at, const char *words)
{
    if (p[at] != ' ' || !fl_id_is(p[at + 1], FL_ID_LETTER | FL_ID_HIGH))
        return 0;
    size_t n = word_at(p + at + 1, words);
    return n && p[at + 1 + n] == ' ' ? at + n + 2 : 0;
}

/* The end of what separates two labels at AT, or 0; *PLAIN: a dot was one of them. */
static size_t
dot(const unsigned char *p, size_t at, bool *plain)
{
    size_t end = 0;

    if (p[at] == '.') {
        end = at + 1;
        *plain = true;
    } else {
        end = bracketed(p, at, dot_words);
        if (!end && !*plain)
            end = bare(p, at, dot_words);
    }
    return end && fl_id_is(p[end], FL_ID_LABEL) && p[end] != '-' ? end : 0;
}

/* The end of the letters at AT that may be a top label, or 0. */
static size_t
top_end(const unsigned char *p, size_t at)
{
    size_t end = at;

    if ((p[at] | 32) == 'x' && (p[at + 1] | 32) == 'n' && p[at + 2] == '-' && p[at + 3] == '-')
        while (end - at < LOCAL && fl_id_is(p[end], FL_ID_LABEL))
            end++;
    while (end - at < LOCAL && fl_id_is(p[end], FL_ID_LETTER | FL_ID_HIGH) &&
           fl_id_is(p[end], FL_ID_LABEL))
        end++;
    return end - at >= 2 && !fl_id_is(p[end], FL_ID_DIGIT) ? end : 0;
}

/* The end of the host at AT, or 0. */
static size_t
host_end(const unsigned char *p, size_t at)
{
    size_t start = at, end = 0;
    bool plain = false;

    if (p[at] == '[') { /* an address: its digits are looked at by nobody */
        for (at++; at - start < 48 && (fl_id_is(p[at], FL_ID_HEX) || p[at] == '.' || p[at] == ':');)
            at++;
        return p[at] == ']' && at - start > 4 ? at + 1 : 0;
    }
    for (unsigned labels = 0; at - start < HOST; labels++) {
        size_t label = at, next;
        while (at - label < LOCAL && fl_id_is(p[at], FL_ID_LABEL))
            at++;
        if (at == label || p[label] == '-')
            break;
        size_t top = labels ? top_end(p, label) : 0;
        if (top)
            end = top;
        next = dot(p, at, &plain);
        if (!next)
            break;
        at = next;
    }
    return end;
}

/* "icon@2x.png" is the name of a picture. */
static bool
is_picture(const unsigned char *p, size_t host, size_t end)
{
    return fl_id_is(p[host], FL_ID_DIGIT) && (p[host + 1] | 32) == 'x' && p[host + 2] == '.' &&
           end - host <= 7;
}

/* Add what stands before STOP, '@' in some form, and the host at HOST. */
static int
add(struct fl_id_state *s, size_t stop, size_t host)
{
    const unsigned char *p = s->p;
    size_t start = stop;

    while (start && stop - start < LOCAL && fl_id_is(p[start - 1], FL_ID_MAIL))
        start--;
    while (start < stop &&
           ((p[start] & 0xc0) == 0x80 ||
            !(fl_id_is(p[start], FL_ID_LABEL) || strchr("_+", p[start])) || p[start] == '-'))
        start++;
    size_t end = start < stop ? host_end(p, host) : 0;
    if (!end || is_picture(p, host, end))
        return 0;
    return fl_id_add(s, FL_ID_EMAIL, start, end, FL_ID_BY_GRAMMAR, 0);
}

int
fl_id_mail(struct fl_id_state *s, size_t at)
{
    return fl_id_wants(s, FL_ID_EMAIL) ? add(s, at, at + 1) : 0;
}

int
fl_id_mail_worded(struct fl_id_state *s, size_t at)
{
    const unsigned char *p = s->p;

    if (!fl_id_wants(s, FL_ID_EMAIL) || !at)
        return 0;
    if (p[at] != ' ') {
        size_t host = bracketed(p, at, at_words);
        return host ? add(s, at - (p[at - 1] == ' '), host) : 0;
    }
    if (!bare(p, at, dot_words))
        return 0;
    size_t label = at, word;
    while (label && at - label < LOCAL && fl_id_is(p[label - 1], FL_ID_LABEL))
        label--;
    if (label == at || label < 5 || p[label - 1] != ' ')
        return 0;
    for (word = label - 1;
         word && label - word < 9 && fl_id_is(p[word - 1], FL_ID_LETTER | FL_ID_HIGH);)
        word--;
    bool english = label - 1 - word == 2, french = (p[at + 3] | 32) == 'i'; /* "at"; "point" */
    if (word_at(p + label, no_hosts) == at - label || (english && french))
        return 0; /* "found at some point in time" */
    return word && bare(p, word - 1, at_words) == label ? add(s, word - 1, label) : 0;
}

size_t
fl_id_mail_plain(const struct fl_id_state *s, size_t at, size_t end, unsigned char *text)
{
    const unsigned char *p = s->p;
    size_t n = 0;

    while (at < end && n < FL_ID_VALUE) {
        size_t to = bracketed(p, at, at_words), by = 0;
        to = to ? to : bare(p, at, at_words);
        if (!to) {
            by = bracketed(p, at, dot_words);
            by = by ? by : bare(p, at, dot_words);
        }
        text[n++] = to ? '@' : by ? '.' : fl_id_alnum(p[at]) ? (unsigned char)(p[at] | 32) : p[at];
        at = to ? to : by ? by : at + 1;
    }
    return n;
}
