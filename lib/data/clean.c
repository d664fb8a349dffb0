/*
 * Each step notes edits while it writes the new text, or changes it in place where it only shrinks.
 */
#include "data/clean.h"

#include <string.h>

#include "base/lane.h"

enum { BLOCK = 32 };

/* CR LF becomes LF in place. */
static int
unify_line_ends(struct fl_traced *t, struct fl_clean_counts *counts)
{
    struct fl_buf *text = &t->text;
    unsigned char *from = text->data, *end = text->data + text->len, *to = NULL;

    while (from < end) {
        unsigned char *cr = memchr(from, '\r', (size_t)(end - from));
        size_t run = (size_t)((cr ? cr : end) - from);
        if (to)
            memmove(to, from, run);
        to = (to ? to : from) + run;
        if (!cr)
            break;
        from = cr + 1;
        if (from < end && *from == '\n') {
            counts->crlf++;
            if (fl_edits_add(&t->edits, (size_t)(cr - text->data), 1, 0, FL_FATE_SPACE))
                return -1;
        } else {
            *to++ = '\r';
        }
    }
    if (to)
        text->len = (size_t)(to - text->data);
    return fl_traced_edited(t);
}

static int
trim(struct fl_traced *t)
{
    struct fl_buf *text = &t->text;
    size_t start = 0, end = text->len;

    while (end && strchr(" \t\n\r\f", text->data[end - 1]) && text->data[end - 1])
        end--;
    for (size_t i = 0;
         i < end && (text->data[i] == ' ' || text->data[i] == '\t' || text->data[i] == '\n'); i++)
        if (text->data[i] == '\n')
            start = i + 1;
    if ((start && fl_edits_add(&t->edits, 0, start, 0, FL_FATE_SPACE)) ||
        (end < text->len && fl_edits_add(&t->edits, end, text->len - end, 0, FL_FATE_SPACE)))
        return -1;
    memmove(text->data, text->data + start, end - start);
    text->len = end - start;
    text->data[text->len] = '\0';
    return fl_traced_edited(t);
}

static bool
is_ascii_at(const unsigned char *p, size_t len, size_t at)
{
    return at >= len || p[at] < 0x80;
}

/* The bytes at AT that a rule drops, and which it is; 0: they stay. */
static size_t
dropped_at(const struct fl_clean_rules *rules, const unsigned char *p, size_t len, size_t at,
           enum fl_fate *fate)
{
    size_t left = len - at;

    *fate = FL_FATE_CONTROL;
    if (p[at] < 0x20 || p[at] == 0x7f)
        return rules->drop_controls && p[at] != '\t' && p[at] != '\n';
    if (left > 1 && p[at] == 0xc2 && p[at + 1] < 0xa0)
        return rules->drop_controls ? 2 : 0;
    if (!rules->drop_zero_width)
        return 0;
    *fate = FL_FATE_ZERO_WIDTH;
    if (left > 1 && p[at] == 0xc2)
        return p[at + 1] == 0xad ? 2 : 0;
    if (left < 3)
        return 0;
    if (p[at] == 0xe2 && p[at + 1] == 0x80 && (p[at + 2] == 0x8c || p[at + 2] == 0x8d))
        return (!at || p[at - 1] < 0x80) && is_ascii_at(p, len, at + 3) ? 3 : 0;
    return !memcmp(p + at, "\xe2\x80\x8b", 3) || !memcmp(p + at, "\xe2\x81\xa0", 3) ||
                   !memcmp(p + at, "\xef\xbb\xbf", 3) || !memcmp(p + at, "\xe1\xa0\x8e", 3)
               ? 3
               : 0;
}

/* May the character that begins with this byte be one of those? The bit FL_LANE says. */
static unsigned char
suspect(unsigned char c)
{
    return fl_lane_below(c, 0x20) | fl_lane_is(c, 0x7f) | fl_lane_is(c, 0xc2) |
           fl_lane_is(c, 0xe1) | fl_lane_is(c, 0xe2) | fl_lane_is(c, 0xef);
}

/* The next byte from AT on that begins one, or LEN; whole blocks first. */
static size_t
find_suspect(const unsigned char *p, size_t at, size_t len)
{
    for (; len - at >= BLOCK; at += BLOCK) {
        unsigned char any = 0;
        for (size_t i = 0; i < BLOCK; i++)
            any |= suspect(p[at + i]);
        if (any & FL_LANE)
            break;
    }
    while (at < len && !(suspect(p[at]) & FL_LANE))
        at++;
    return at;
}

static int
scrub(struct fl_traced *t, const struct fl_clean_rules *rules)
{
    unsigned char *p = t->text.data;
    size_t len = t->text.len, to = 0, run = 0;
    enum fl_fate fate;

    for (size_t at = 0; (at = find_suspect(p, at, len)) < len; at++) {
        size_t n = dropped_at(rules, p, len, at, &fate);
        if (!n)
            continue;
        if (fl_edits_add(&t->edits, at, n, 0, fate))
            return -1;
        memmove(p + to, p + run, at - run);
        to += at - run;
        run = at + n;
        at = run - 1;
    }
    if (!t->edits.count)
        return 0;
    memmove(p + to, p + run, len - run);
    t->text.len = to + len - run;
    p[t->text.len] = '\0';
    return fl_traced_edited(t);
}

static uint64_t
count_nul(const struct fl_buf *text)
{
    const unsigned char *p = text->data, *end = p + text->len;
    uint64_t n = 0;

    while (p < end && (p = memchr(p, 0, (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

static int
repair_mojibake(struct fl_traced *t, const struct fl_clean_rules *rules,
                struct fl_clean_counts *counts)
{
    fl_buf_clear(&t->other);
    if (fl_mojibake(t->text.data, t->text.len, &t->other, &t->edits))
        return -1;
    counts->mojibake += t->edits.count;
    if (!rules->repair_mojibake)
        t->edits.count = 0;
    return fl_traced_take(t);
}

static int
normalize(struct fl_traced *t, struct fl_unicode_scratch *unicode)
{
    if (fl_unicode_nfc(&t->text, unicode))
        return -1;
    for (size_t i = 0; i < unicode->change_count; i++) {
        const struct fl_unicode_change *c = &unicode->changes[i];
        if (fl_edits_add(&t->edits, c->at, c->len, c->out, FL_FATE_NFC))
            return -1;
    }
    return fl_traced_edited(t);
}

int
fl_clean(struct fl_traced *t, const struct fl_clean_rules *rules,
         struct fl_unicode_scratch *unicode, struct fl_clean_counts *counts)
{
    if (!t->text.len)
        return 0;
    if (unify_line_ends(t, counts) || (rules->find_mojibake && repair_mojibake(t, rules, counts)) ||
        ((rules->drop_controls || rules->drop_zero_width) && scrub(t, rules)) || trim(t))
        return -1;
    counts->nul += count_nul(&t->text);
    return normalize(t, unicode);
}
