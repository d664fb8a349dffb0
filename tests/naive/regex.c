/*
 * PCRE2's interpreter as the slow twin of text/regex.c. The translation makes Ruby's syntax Perl's.
 */
#include "regex.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"

/* The property White_Space, to stand in a class. */
#define SPACES                                                                                     \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"        \
    "\\x{205f}\\x{3000}"

struct naive_regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
};

static int
unsupported(const char *pattern, const char *at)
{
    size_t len = strlen(at) < 6 ? strlen(at) : 6;

    return fl_error(FL_FAILED, "the expression \"%s\" is not supported (from \"%.*s\" on)", pattern,
                    (int)len, at);
}

/* An escape at *P, in a class or not; its translation is added. */
static int
take_escape(const char *pattern, const char **p, int in_class, struct fl_buf *out)
{
    const char *e = *p + 1;
    size_t len = 2;

    if (*e == 's' || (*e == 'S' && !in_class)) {
        *p += len;
        return in_class ? fl_buf_add_text(out, SPACES)
                        : fl_buf_printf(out, "[%s" SPACES "]", *e == 'S' ? "^" : "");
    }
    if (*e == 'd') {
        *p += len;
        return fl_buf_add_text(out, "\\p{Nd}");
    }
    if (*e == 'p' || *e == 'P') { /* a general category: one capital, perhaps a small letter */
        if (e[1] != '{' || !e[2] || !strchr("CLMNPSZ", e[2]))
            return unsupported(pattern, *p);
        len = e[3] == '}' ? 5 : 6;
        if (len == 6 && (e[3] < 'a' || e[3] > 'z' || e[4] != '}'))
            return unsupported(pattern, *p);
    } else if (!*e || !strchr("rntf.,/\\-+*?()[]{}|'\"!#&:;<=>@_~^$%", *e)) {
        return unsupported(pattern, *p);
    }
    *p += len;
    return fl_buf_add(out, e - 1, len);
}

static int
take_class(const char *pattern, const char **p, struct fl_buf *out)
{
    const char *start = *p;

    if (fl_buf_add_byte(out, '['))
        return -1;
    (*p)++;
    if (**p == '^') {
        if (fl_buf_add_byte(out, '^'))
            return -1;
        (*p)++;
    }
    if (**p == ']')
        return unsupported(pattern, start);
    while (**p != ']') {
        if (!**p || **p == '[' || (**p == '&' && (*p)[1] == '&'))
            return unsupported(pattern, start);
        if (**p == '\\') {
            if (take_escape(pattern, p, 1, out))
                return -1;
        } else if (fl_buf_add_byte(out, (unsigned char)*(*p)++)) {
            return -1;
        }
    }
    (*p)++;
    return fl_buf_add_byte(out, ']');
}

/* "{2}", "{2,}" or "{2,3}" at *P; what follows may not turn it into another kind in Ruby. */
static int
take_count(const char *pattern, const char **p, struct fl_buf *out)
{
    size_t first = strspn(*p + 1, "0123456789");
    size_t len = 1 + first;

    if ((*p)[len] == ',')
        len += 1 + strspn(*p + len + 1, "0123456789");
    if (!first || (*p)[len] != '}' || ((*p)[len + 1] && strchr("+?*{", (*p)[len + 1])))
        return unsupported(pattern, *p);
    if (fl_buf_add(out, *p, len + 1))
        return -1;
    *p += len + 1;
    return 0;
}

static int
take_group(const char *pattern, const char **p, struct fl_buf *out)
{
    static const char *const kinds[] = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};

    if ((*p)[1] != '?') {
        (*p)++;
        return fl_buf_add_text(out, "(?:");
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i]);
        if (!strncmp(*p, kinds[i], len)) {
            *p += len;
            return fl_buf_add_text(out, kinds[i]);
        }
    }
    return unsupported(pattern, *p);
}

static int
translate(const char *pattern, struct fl_buf *out)
{
    const char *p = pattern;
    int result = 0;

    while (*p && !result) {
        if (*p == '\\')
            result = take_escape(pattern, &p, 0, out);
        else if (*p == '[')
            result = take_class(pattern, &p, out);
        else if (*p == '{')
            result = take_count(pattern, &p, out);
        else if (*p == '(')
            result = take_group(pattern, &p, out);
        else if (*p == '^' || *p == '$')
            result = unsupported(pattern, p);
        else
            result = fl_buf_add_byte(out, (unsigned char)*p++);
    }
    return result;
}

struct naive_regex *
naive_regex_new(const char *pattern)
{
    struct naive_regex *re = calloc(1, sizeof *re);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    struct fl_buf text = {0};
    PCRE2_SIZE offset;
    uint32_t empty = 1;
    int code;

    if (!re || !context)
        abort();
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    if (!translate(pattern, &text))
        re->code = pcre2_compile(text.data ? text.data : (PCRE2_SPTR) "", text.len,
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C |
                                     PCRE2_NO_AUTO_POSSESS,
                                 &code, &offset, context);
    if (re->code)
        pcre2_pattern_info(re->code, PCRE2_INFO_MATCHEMPTY, &empty);
    pcre2_compile_context_free(context);
    fl_buf_release(&text);
    re->match = pcre2_match_data_create(1, NULL);
    re->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(re->context, 50000);
    if (!empty)
        return re;
    naive_regex_free(re);
    return NULL;
}

void
naive_regex_free(struct naive_regex *re)
{
    if (!re)
        return;
    pcre2_match_data_free(re->match);
    pcre2_match_context_free(re->context);
    pcre2_code_free(re->code);
    free(re);
}

int
naive_regex_find(struct naive_regex *re, const char *text, size_t len, size_t from, size_t *start,
                 size_t *end)
{
    int got = pcre2_match(re->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK, re->match,
                          re->context);

    if (got < 0)
        return got == PCRE2_ERROR_NOMATCH ? 0 : -1;
    *start = pcre2_get_ovector_pointer(re->match)[0];
    *end = pcre2_get_ovector_pointer(re->match)[1];
    return 1;
}
