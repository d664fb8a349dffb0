/*
 * A recursive descent over RFC 8259's grammar, at most DEPTH_MAX deep: the wanted field is copied
 * as it is passed, all else is checked only.
 */
#include "data/jsonl.h"

#include <stdbool.h>
#include <string.h>

#include "base/lane.h"
#include "base/visible.h"
#include "text/unicode.h"

enum { DEPTH_MAX = 256, BLOCK = 32 };

/*
 * A descent through one line. PATHS is what is left of each wanted path at the object at hand
 * (NULL: it does not lead there), itself NULL in values that are only checked. Functions return
 * false at the first thing that is not JSON, P standing on it.
 */
struct scan {
    const char *start, *p, *end;
    const struct fl_jsonl_wanted *wanted;
    struct fl_jsonl_value *values;
    struct fl_buf key;
    bool not_list, failed;
};

struct paths {
    const char *rest[FL_JSONL_FIELDS];
    const char *list;
};

static bool scan_value(struct scan *s, const struct paths *paths, int depth);

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

/* N bytes of the line from FROM on stand for LEN bytes DATA of a value. OUT NULL: only checked. */
static bool
put(struct scan *s, struct fl_jsonl_value *out, const char *from, struct fl_piece what,
    const char *data)
{
    if (!out)
        return true;
    what.from = (uint32_t)(from - s->start);
    if (fl_buf_add(&out->text, data, what.out) || fl_trace_add(&out->trace, what)) {
        s->failed = true;
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
scan_unicode_escape(struct scan *s, struct fl_jsonl_value *out)
{
    const char *from = s->p - 2;
    enum fl_fate fate = FL_FATE_ESCAPE;
    struct fl_buf text = {0};
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
        if (out && !out->surrogates++)
            out->first = (size_t)(from - s->start);
        fate = FL_FATE_INVALID;
        c = 0xfffd;
    }
    if (!out)
        return true;
    s->failed = fl_unicode_add(&text, c);
    bool done = !s->failed && put(s, out, from,
                                  (struct fl_piece){.len = (uint32_t)(s->p - from),
                                                    .out = (uint32_t)text.len,
                                                    .fate = fate},
                                  fl_buf_text(&text));
    fl_buf_release(&text);
    return done;
}

static bool
scan_escape(struct scan *s, struct fl_jsonl_value *out)
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
    return put(s, out, s->p - 2, (struct fl_piece){.len = 2, .out = 1, .fate = FL_FATE_ESCAPE},
               to + (which - from));
}

static struct fl_piece
kept(ptrdiff_t n)
{
    return (struct fl_piece){.len = (uint32_t)n, .out = (uint32_t)n, .fate = FL_FATE_KEPT};
}

/* Pass over what stands for itself in a string, whole blocks first. */
static void
skip_plain(struct scan *s)
{
    const char *p = s->p;

    for (; s->end - p >= BLOCK; p += BLOCK) {
        unsigned char odd = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            unsigned char c = (unsigned char)p[i];
            odd |= fl_lane_below(c, 32) | fl_lane_is(c, '"') | fl_lane_is(c, '\\');
        }
        if (odd & FL_LANE)
            break;
    }
    while (p < s->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 32)
        p++;
    s->p = p;
}

/* A string, its text into OUT unless that is NULL. */
static bool
scan_string(struct scan *s, struct fl_jsonl_value *out)
{
    if (!take(s, '"'))
        return false;
    for (;;) {
        const char *run = s->p;
        skip_plain(s);
        if (!put(s, out, run, kept(s->p - run), run))
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

/* A key, which a path is compared with. */
static bool
scan_key(struct scan *s)
{
    struct fl_jsonl_value key = {.text = s->key};

    fl_buf_clear(&key.text);
    bool done = scan_string(s, &key);
    s->key = key.text;
    fl_trace_release(&key.trace);
    return done;
}

/* What is left of PATH after the key: empty at its end, NULL when the key does not begin it. */
static const char *
after_key(const struct scan *s, const char *path)
{
    size_t len = s->key.len;

    if (!path || strncmp(path, fl_buf_text(&s->key), len) || strlen(fl_buf_text(&s->key)) != len)
        return NULL;
    return path[len] == '.' ? path + len + 1 : path[len] ? NULL : path + len;
}

static void
start_value(struct fl_jsonl_value *v)
{
    fl_buf_clear(&v->text);
    fl_trace_clear(&v->trace);
    v->surrogates = 0;
    v->twice = false;
    v->result = FL_JSONL_MISSING;
}

/* The value of a key that is wanted itself. */
static bool
scan_wanted(struct scan *s, struct fl_jsonl_value *v, const struct paths *within, int depth)
{
    bool again = v->result != FL_JSONL_MISSING;

    skip_space(s);
    start_value(v);
    v->twice = again;
    const char *from = s->p;
    if (s->p < s->end && *s->p == '"') {
        v->result = FL_JSONL_FOUND;
        return scan_string(s, v);
    }
    if (!scan_value(s, within, depth))
        return false;
    if (*from == 'n' && s->wanted->scalars)
        return true;
    v->result = FL_JSONL_NOT_TEXT;
    if (!s->wanted->scalars || *from == '{' || *from == '[')
        return true;
    v->result = FL_JSONL_FOUND;
    return put(s, v, from, kept(s->p - from), from);
}

static bool
scan_member(struct scan *s, const struct paths *paths, int depth)
{
    struct paths within;
    struct fl_jsonl_value *leaf = NULL;
    bool deeper = false;

    if (!paths)
        return scan_string(s, NULL) && take(s, ':') && scan_value(s, NULL, depth);
    if (!scan_key(s) || !take(s, ':'))
        return false;
    for (size_t i = 0; i < s->wanted->count; i++) {
        const char *rest = within.rest[i] = after_key(s, paths->rest[i]);
        if (!rest)
            continue;
        if (!*rest) {
            leaf = &s->values[i];
            continue;
        }
        bool again = s->values[i].result != FL_JSONL_MISSING;
        start_value(&s->values[i]);
        s->values[i].twice = again;
        deeper = true;
    }
    within.list = after_key(s, paths->list);
    deeper |= within.list != NULL;
    return leaf ? scan_wanted(s, leaf, deeper ? &within : NULL, depth)
                : scan_value(s, deeper ? &within : NULL, depth);
}

static bool
scan_object(struct scan *s, const struct paths *paths, int depth)
{
    s->p++;
    if (take(s, '}'))
        return true;
    do {
        if (!scan_member(s, paths, depth))
            return false;
    } while (take(s, ','));
    return take(s, '}');
}

/* An item of the wanted list. */
static bool
scan_item(struct scan *s, int depth)
{
    struct paths fields = {0};

    for (size_t i = 0; i < s->wanted->count; i++) {
        fields.rest[i] = s->wanted->paths[i];
        start_value(&s->values[i]);
    }
    skip_space(s);
    s->not_list |= s->p < s->end && *s->p != '{';
    if (!scan_value(s, &fields, depth))
        return false;
    s->failed = !s->not_list && s->wanted->item(s->wanted->arg, s->values);
    return !s->failed;
}

static bool
scan_array(struct scan *s, const struct paths *paths, int depth)
{
    bool wanted = paths && paths->list && !*paths->list;

    s->p++;
    if (take(s, ']'))
        return true;
    do {
        if (wanted ? !scan_item(s, depth) : !scan_value(s, NULL, depth))
            return false;
    } while (take(s, ','));
    return take(s, ']');
}

static bool
scan_value(struct scan *s, const struct paths *paths, int depth)
{
    skip_space(s);
    if (s->p == s->end || depth > DEPTH_MAX)
        return false;
    if (paths && paths->list && !*paths->list)
        s->not_list = *s->p != '[';
    switch (*s->p) {
    case '{': return scan_object(s, paths, depth + 1);
    case '[': return scan_array(s, paths, depth + 1);
    case '"': return scan_string(s, NULL);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: return (*s->p == '-' || (*s->p >= '0' && *s->p <= '9')) && scan_number(s);
    }
}

void
fl_jsonl_value_release(struct fl_jsonl_value *v)
{
    fl_buf_release(&v->text);
    fl_trace_release(&v->trace);
}

enum fl_jsonl_result
fl_jsonl_fields(const char *line, size_t len, const struct fl_jsonl_wanted *wanted,
                struct fl_jsonl_value *values, size_t *offset)
{
    struct scan s = {.start = line,
                     .p = line,
                     .end = line + len,
                     .wanted = wanted,
                     .values = values,
                     .not_list = wanted->list != NULL};
    struct paths paths = {.list = wanted->list};

    for (size_t i = 0; i < wanted->count; i++) {
        paths.rest[i] = wanted->list ? NULL : wanted->paths[i];
        start_value(&values[i]);
    }
    bool whole = scan_value(&s, &paths, 0);
    skip_space(&s);
    fl_buf_release(&s.key);
    if (s.failed)
        return FL_JSONL_NO_MEMORY;
    if (!whole || s.p < s.end) {
        *offset = (size_t)(s.p - s.start);
        return FL_JSONL_MALFORMED;
    }
    return s.not_list ? FL_JSONL_NOT_TEXT : FL_JSONL_FOUND;
}

enum fl_jsonl_result
fl_jsonl_field(const char *line, size_t len, const char *field, struct fl_jsonl_value *value,
               size_t *offset)
{
    const struct fl_jsonl_wanted wanted = {.paths = &field, .count = 1};
    enum fl_jsonl_result result = fl_jsonl_fields(line, len, &wanted, value, offset);

    return result == FL_JSONL_FOUND ? value->result : result;
}

enum fl_jsonl_span
fl_jsonl_span(const char *text, size_t len, size_t *end)
{
    struct scan s = {.start = text, .p = text, .end = text + len};
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
