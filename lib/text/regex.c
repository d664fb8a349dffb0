/*
 * An expression is translated part by part from Oniguruma's syntax to PCRE2's; what might mean
 * something else there is refused by name. A search has a limit, so that no expression can take for
 * ever.
 */
#include "text/regex.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "base/mem.h"

/* The property White_Space, to stand in a class. */
#define SPACES                                                                                     \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"        \
    "\\x{205f}\\x{3000}"

enum { MATCH_LIMIT = 20000000, JIT_STACK = 1 << 20 };

struct fl_regex {
    pcre2_code *code;
};

struct fl_regex_scratch {
    pcre2_match_context *context;
    pcre2_match_data *match;
    pcre2_jit_stack *stack;
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

struct fl_regex *
fl_regex_new(const char *pattern)
{
    struct fl_regex *re = fl_alloc(1, sizeof *re);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    struct fl_buf text = {0};
    PCRE2_UCHAR message[120];
    PCRE2_SIZE offset;
    uint32_t empty = 1;
    int code;

    if (!re || !context || translate(pattern, &text))
        goto failed;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    re->code = pcre2_compile(text.data ? text.data : (PCRE2_SPTR) "", text.len,
                             PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset,
                             context);
    if (!re->code) {
        pcre2_get_error_message(code, message, sizeof message);
        fl_error(FL_FAILED, "the expression \"%s\" is wrong: %s", pattern, (char *)message);
        goto failed;
    }
    pcre2_pattern_info(re->code, PCRE2_INFO_MATCHEMPTY, &empty);
    if (empty) {
        fl_error(FL_FAILED, "the expression \"%s\" is not supported: it can match nothing",
                 pattern);
        goto failed;
    }
    pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
    pcre2_compile_context_free(context);
    fl_buf_release(&text);
    return re;
failed:
    pcre2_compile_context_free(context);
    fl_buf_release(&text);
    fl_regex_free(re);
    return NULL;
}

void
fl_regex_free(struct fl_regex *re)
{
    if (!re)
        return;
    pcre2_code_free(re->code);
    free(re);
}

struct fl_regex_scratch *
fl_regex_scratch_new(void)
{
    struct fl_regex_scratch *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->context = pcre2_match_context_create(NULL);
    s->match = pcre2_match_data_create(1, NULL);
    s->stack = pcre2_jit_stack_create(32 << 10, JIT_STACK, NULL); /* NULL without JIT: fine */
    if (!s->context || !s->match) {
        fl_error_memory("out of memory for regular expressions");
        fl_regex_scratch_free(s);
        return NULL;
    }
    pcre2_set_match_limit(s->context, MATCH_LIMIT);
    if (s->stack)
        pcre2_jit_stack_assign(s->context, NULL, s->stack);
    return s;
}

void
fl_regex_scratch_free(struct fl_regex_scratch *s)
{
    if (!s)
        return;
    pcre2_jit_stack_free(s->stack);
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->context);
    free(s);
}

int
fl_regex_find(const struct fl_regex *re, struct fl_regex_scratch *s, const char *text, size_t len,
              size_t from, size_t *start, size_t *end)
{
    int got = pcre2_match(re->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK, s->match,
                          s->context);

    if (got == PCRE2_ERROR_NOMATCH)
        return 0;
    if (got < 0) {
        PCRE2_UCHAR message[120];
        pcre2_get_error_message(got, message, sizeof message);
        return fl_error(FL_FAILED, "the tokenizer's expression fails at byte %zu of a text: %s",
                        from, (char *)message);
    }
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->match);
    *start = at[0];
    *end = at[1];
    return 1;
}
