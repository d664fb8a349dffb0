/*
 * Numbers as people write them: groups of letters and digits with one separator, or two that belong
 * together, between them. Groups are read once and stay in a ring while the scan goes from token to
 * token, so that a text of nothing but short groups costs what another does.
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/least.h"

enum { BRACKETED = 8 }; /* letters and digits of an area code in brackets, at most */

/* Does the bracket before AT close after one group? "(030)" does, "(90 mg" does not. */
static bool
closes(const unsigned char *p, size_t at)
{
    size_t n = 0;

    while (n < BRACKETED && fl_id_alnum(p[at + n]))
        n++;
    return p[at + n] == ')';
}

/* What joins a group that ends at AT to the next one: its kind, and where that begins in *NEXT. */
static char
joint(const unsigned char *p, size_t at, size_t *next)
{
    char kind = (char)p[at];

    if (kind == ' ') {
        char second = (char)p[at + 1];
        if (second == '(' || ((second == '-' || second == '/') && p[at + 2] == ' ')) {
            kind = second;
            at += second == '(' ? 1 : 2;
        }
    } else if (kind == ')') {
        char second = (char)p[at + 1];
        at += second == ' ' || second == '-' || second == '.' || second == '/';
    } else if (kind == '-' || kind == '.' || kind == '/') {
        if (p[at + 1] == '(' || (kind == '/' && (p[at + 1] == ' ' || p[at + 1] == '/')))
            at++;
    } else if (kind != '(') {
        return 0;
    }
    *next = at + 1;
    if (p[at] == '(' && !closes(p, at + 1))
        return 0;
    return fl_id_alnum(p[at + 1]) ? kind : 0;
}

/* The group at AT, which BEFORE stands before. */
static struct fl_id_group
read_group(const unsigned char *p, size_t at, char before)
{
    struct fl_id_group g = {.at = at, .before = before};
    size_t end = at, digits = 0;

    for (; end - at < 255 && fl_id_alnum(p[end]); end++)
        digits += fl_id_is(p[end], FL_ID_DIGIT);
    g.len = (uint8_t)(end - at);
    g.digits = (uint8_t)digits;
    return g;
}

/* Does G end the number that it stands in? Words of more than LETTERS and what is longer than any
 * number do. */
static bool
ends(const struct fl_id_group *g, size_t letters)
{
    return (!g->digits && g->len > letters) || g->len > 34;
}

size_t
fl_id_read_groups(const struct fl_id_state *s, size_t at, struct fl_id_group *g, size_t most)
{
    size_t count = 0, next = at;
    char before = 0;

    do {
        g[count] = read_group(s->p, next, before);
        if (ends(&g[count], 6))
            break;
        before = joint(s->p, g[count].at + g[count].len, &next);
        count++;
    } while (before && count < most);
    return count;
}

/* Read one group more, of which it is known that it follows. */
static void
read_next(struct fl_id_state *s)
{
    if (s->last == FL_ID_RING) {
        memmove(s->ring, s->ring + s->first, (s->last - s->first) * sizeof *s->ring);
        s->last -= s->first;
        s->first = 0;
    }
    struct fl_id_group *g = &s->ring[s->last];
    size_t next;

    *g = read_group(s->p, s->next, s->next_before);
    if (ends(g, 2)) {
        s->next = 0;
        return;
    }
    s->last++;
    s->next_before = joint(s->p, g->at + g->len, &next);
    s->next = s->next_before ? next : 0;
}

const struct fl_id_group *
fl_id_groups(struct fl_id_state *s, size_t at, size_t *count)
{
    while (s->first < s->last && s->ring[s->first].at < at)
        s->first++;
    if (s->first == s->last || s->ring[s->first].at != at) {
        s->first = s->last = 0;
        s->ring[0] = read_group(s->p, at, 0);
        s->last = 1;
        size_t next;
        s->next_before = joint(s->p, at + s->ring[0].len, &next);
        s->next = s->next_before ? next : 0;
    }
    while (s->last - s->first < FL_ID_GROUPS && s->next)
        read_next(s);
    *count = fl_min(s->last - s->first, FL_ID_GROUPS);
    return &s->ring[s->first];
}

/* The number of a group of digits, at most 4 of them. */
static unsigned
value(const struct fl_id_state *s, const struct fl_id_group *g)
{
    unsigned v = 0;

    for (size_t i = 0; i < g->len; i++)
        v = v * 10 + (unsigned)(s->p[g->at + i] - '0');
    return v;
}

bool
fl_id_date(const struct fl_id_state *s, const struct fl_id_group *g, size_t count)
{
    if (count < 3 || g[1].before != g[2].before || g[1].before == '(' || g[1].before == ')')
        return false;
    for (size_t i = 0; i < 3; i++)
        if (g[i].digits != g[i].len || g[i].len > 4 || g[i].len == 3)
            return false;
    unsigned a = value(s, &g[0]), b = value(s, &g[1]), c = value(s, &g[2]);
    if (g[1].len > 2 || (count > 3 && g[2].len == 2 && g[3].before == g[1].before))
        return false;
    if (g[0].len == 4)
        return g[2].len <= 2 && a >= 1800 && a < 2200 && b && b <= 12 && c && c <= 31;
    if (g[2].len == 4 ? c < 1800 || c >= 2200 : g[2].len != 2 || g[1].before == ' ')
        return false;
    return a && b && ((a <= 31 && b <= 12) || (a <= 12 && b <= 31));
}

bool
fl_id_years(const struct fl_id_state *s, const struct fl_id_group *g, size_t count)
{
    if (count < 2 || g[1].before == ' ')
        return false;
    for (size_t i = 0; i < 2; i++)
        if (g[i].len != 4 || g[i].digits != 4 || value(s, &g[i]) < 1800 || value(s, &g[i]) >= 2200)
            return false;
    return true;
}
