/*
 * A recursive descent over RFC 8259's grammar, at most DEPTH_MAX deep: the wanted field is copied
 * as it is passed, all else is checked only.
 */
#include "data/jsonl.h"

#include <stdbool.h>
#include <string.h>

#include "base/visible.h"
#include "text/unicode.h"

enum { DEPTH_MAX = 256 };

/*
 * A descent through one line. FIELD is what is left of the wanted path at the object at hand, NULL
 * in values that are only checked. Functions return false at the first thing that is not JSON, P
 * standing on it.
 */
struct scan {
    const char *start, *p, *end;
    struct fl_buf *out;
    struct fl_buf key;
    struct fl_jsonl_note *note;
    enum fl_jsonl_result result;
    bool no_memory;
};

static bool scan_value(struct scan *s, const char *field, int depth);

static void
skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool
take(struct scan *s, char c)
{
    skip_space(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool
put(struct scan *s, struct fl_buf *out, const char *data, size_t len)
{
    if (out && fl_buf_add(out, data, len)) {
        s->no_memory = true;
        return false;
    }
    return true;
}

static bool
put_point(struct scan *s, struct fl_buf *out, uint32_t point)
{
    if (out && fl_unicode_add(out, point)) {
        s->no_memory = true;
        return false;
    }
    return true;
}

static bool
scan_hex4(struct scan *s, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, s->p++) {
        if (s->p == s->end)
            return false;
        char c = *s->p;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (uint32_t)((c | 32) - 'a' + 10);
        else
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* After "\u": four digits, and the other half of a pair when this is the first. */
static bool
scan_unicode_escape(struct scan *s, struct fl_buf *out)
{
    size_t at = (size_t)(s->p - s->start) - 2;
    uint32_t c, low;

    if (!scan_hex4(s, &c))
        return false;
    if (c >= 0xd800 && c <= 0xdbff && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u') {
        const char *back = s->p;
        s->p += 2;
        if (!scan_hex4(s, &low))
            return false;
        if (low >= 0xdc00 && low <= 0xdfff)
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        else
            s->p = back;
    }
    if (c >= 0xd800 && c <= 0xdfff) {
        if (out == s->out && !s->note->surrogates++)
            s->note->first = at;
        c = 0xfffd;
    }
    return put_point(s, out, c);
}

static bool
scan_escape(struct scan *s, struct fl_buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (++s->p == s->end)
        return false;
    if (*s->p == 'u') {
        s->p++;
        return scan_unicode_escape(s, out);
    }
    const char *which = *s->p ? strchr(from, *s->p) : NULL;
    if (!which)
        return false;
    s->p++;
    return put(s, out, to + (which - from), 1);
}

/* A string, its text into OUT unless that is NULL. */
static bool
scan_string(struct scan *s, struct fl_buf *out)
{
    if (!take(s, '"'))
        return false;
    for (;;) {
        const char *run = s->p;
        while (s->p < s->end && *s->p != '"' && *s->p != '\\' && (unsigned char)*s->p >= 32)
            s->p++;
        if (!put(s, out, run, (size_t)(s->p - run)))
            return false;
        if (s->p == s->end || (unsigned char)*s->p < 32)
            return false;
        if (*s->p == '"') {
            s->p++;
            return true;
        }
        if (!scan_escape(s, out))
            return false;
    }
}

static bool
scan_digits(struct scan *s)
{
    const char *first = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > first;
}

static bool
scan_number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!scan_digits(s))
        return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p | 32) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        return scan_digits(s);
    }
    return true;
}

static bool
scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len))
        return false;
    s->p += len;
    return true;
}

/* Does KEY begin the path FIELD? What is left of it (empty at its end) goes to *REST. */
static bool
begins_path(const struct fl_buf *key, const char *field, const char **rest)
{
    size_t len = key->len;

    if (strncmp(field, fl_buf_text(key), len) || strlen(fl_buf_text(key)) != len)
        return false;
    if (field[len] == '.')
        *rest = field + len + 1;
    else if (!field[len])
        *rest = field + len;
    else
        return false;
    return true;
}

static bool
scan_member(struct scan *s, const char *field, int depth)
{
    const char *rest = NULL;

    fl_buf_clear(&s->key);
    if (!scan_string(s, field ? &s->key : NULL) || !take(s, ':'))
        return false;
    if (!field || !begins_path(&s->key, field, &rest))
        return scan_value(s, NULL, depth);
    skip_space(s);
    if (*rest) { /* the path goes on */
        s->result = FL_JSONL_MISSING;
        return scan_value(s, rest, depth);
    }
    if (s->p < s->end && *s->p == '"') {
        fl_buf_clear(s->out);
        s->note->surrogates = 0;
        s->result = FL_JSONL_FOUND;
        return scan_string(s, s->out);
    }
    s->result = FL_JSONL_NOT_TEXT;
    return scan_value(s, NULL, depth);
}

static bool
scan_object(struct scan *s, const char *field, int depth)
{
    s->p++;
    if (take(s, '}'))
        return true;
    do {
        if (!scan_member(s, field, depth))
            return false;
    } while (take(s, ','));
    return take(s, '}');
}

static bool
scan_array(struct scan *s, int depth)
{
    s->p++;
    if (take(s, ']'))
        return true;
    do {
        if (!scan_value(s, NULL, depth))
            return false;
    } while (take(s, ','));
    return take(s, ']');
}

static bool
scan_value(struct scan *s, const char *field, int depth)
{
    skip_space(s);
    if (s->p == s->end || depth > DEPTH_MAX)
        return false;
    switch (*s->p) {
    case '{': return scan_object(s, field, depth + 1);
    case '[': return scan_array(s, depth + 1);
    case '"': return scan_string(s, NULL);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: return (*s->p == '-' || (*s->p >= '0' && *s->p <= '9')) && scan_number(s);
    }
}

enum fl_jsonl_result
fl_jsonl_field(const char *line, size_t len, const char *field, struct fl_buf *out,
               struct fl_jsonl_note *note)
{
    struct scan s = {.start = line,
                     .p = line,
                     .end = line + len,
                     .out = out,
                     .note = note,
                     .result = FL_JSONL_MISSING};

    *note = (struct fl_jsonl_note){0};
    fl_buf_clear(out);
    bool whole = scan_value(&s, field, 0);
    skip_space(&s);
    fl_buf_release(&s.key);
    if (s.no_memory)
        return FL_JSONL_NO_MEMORY;
    if (!whole || s.p < s.end) {
        note->offset = (size_t)(s.p - s.start);
        return FL_JSONL_MALFORMED;
    }
    return s.result;
}

enum fl_jsonl_span
fl_jsonl_span(const char *text, size_t len, size_t *end)
{
    struct fl_jsonl_note note = {0};
    struct scan s = {.start = text, .p = text, .end = text + len, .note = &note};
    bool whole = scan_value(&s, NULL, 0);
    size_t left = (size_t)(s.end - s.p);

    fl_buf_release(&s.key);
    *end = len - left;
    if (whole)
        return FL_JSONL_WHOLE;
    bool word = left && (!strncmp(s.p, "true", left) || !strncmp(s.p, "false", left) ||
                         !strncmp(s.p, "null", left));
    if (left && !word)
        return FL_JSONL_OTHER;
    *end = len;
    return FL_JSONL_CUT;
}

int
fl_jsonl_quote(struct fl_buf *out, const char *text, size_t len)
{
    return fl_buf_add_byte(out, '"') || fl_buf_add_visible(out, text, len, FL_VISIBLE_JSON) ||
                   fl_buf_add_byte(out, '"')
               ? -1
               : 0;
}
