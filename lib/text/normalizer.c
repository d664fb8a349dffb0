/*
 * Steps run one after another over the whole stretch, between two buffers that swap. What could not
 * be done exactly as the Hugging Face library does it is refused when the file is read.
 */
#include "text/normalizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/spec.h"

static struct fl_normalizer_step *
add_step(struct fl_normalizer *n, enum fl_normalizer_type type)
{
    struct fl_normalizer_step *steps = fl_grow(n->steps, n->count, &n->cap, sizeof *steps);

    if (!steps)
        return NULL;
    n->steps = steps;
    steps[n->count] = (struct fl_normalizer_step){.type = type};
    return &steps[n->count++];
}

static int
read_replace(struct fl_normalizer *n, const json_t *spec)
{
    const char *what = "normalizer Replace", *from, *to;
    const json_t *pattern = json_object_get(spec, "pattern");

    if (fl_spec_only(spec, what, "|type|pattern|content|") ||
        fl_spec_only(pattern, "normalizer Replace: pattern", "|String|") ||
        fl_spec_text(pattern, what, "String", &from) || fl_spec_text(spec, what, "content", &to))
        return -1;
    if (!*from)
        return fl_error(FL_FAILED, "%s: an empty pattern is not supported", what);
    struct fl_normalizer_step *step = add_step(n, FL_NORMALIZER_REPLACE);
    return step && (step->from = fl_strdup(from)) && (step->to = fl_strdup(to)) ? 0 : -1;
}

static int
read_step(struct fl_normalizer *n, const json_t *spec, int depth)
{
    const char *type = fl_spec_type(spec), *text;
    const json_t *list, *item;
    size_t i;

    if (!strcmp(type, "NFC"))
        return fl_spec_only(spec, "normalizer NFC", "|type|") || !add_step(n, FL_NORMALIZER_NFC)
                   ? -1
                   : 0;
    if (!strcmp(type, "Replace"))
        return read_replace(n, spec);
    if (!strcmp(type, "Prepend")) {
        if (fl_spec_only(spec, "normalizer Prepend", "|type|prepend|") ||
            fl_spec_text(spec, "normalizer Prepend", "prepend", &text))
            return -1;
        struct fl_normalizer_step *step = add_step(n, FL_NORMALIZER_PREPEND);
        return step && (step->to = fl_strdup(text)) ? 0 : -1;
    }
    if (strcmp(type, "Sequence") || depth)
        return fl_error(FL_FAILED, "normalizer \"%.60s\" is not supported", type);
    list = json_object_get(spec, "normalizers");
    if (fl_spec_only(spec, "normalizer Sequence", "|type|normalizers|"))
        return -1;
    if (!json_is_array(list))
        return fl_error(FL_FAILED, "normalizer Sequence: \"normalizers\" is not a list");
    json_array_foreach(list, i, item)
    {
        if (read_step(n, item, depth + 1))
            return -1;
    }
    return 0;
}

int
fl_normalizer_read(struct fl_normalizer *n, const json_t *spec)
{
    if (!spec || json_is_null(spec))
        return 0;
    if (read_step(n, spec, 0)) {
        fl_normalizer_release(n);
        return -1;
    }
    return 0;
}

void
fl_normalizer_release(struct fl_normalizer *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free(n->steps[i].from);
        free(n->steps[i].to);
    }
    free(n->steps);
    *n = (struct fl_normalizer){0};
}

void
fl_normalizer_scratch_release(struct fl_normalizer_scratch *s)
{
    fl_buf_release(&s->other);
    fl_unicode_scratch_release(&s->unicode);
}

int
fl_normalizer_replace(const char *text, size_t len, const char *from, const char *to,
                      struct fl_buf *out)
{
    size_t from_len = strlen(from), to_len = strlen(to), done = 0;

    for (size_t i = 0; i + from_len <= len;) {
        const char *next = memchr(text + i, from[0], len - from_len - i + 1);
        if (!next)
            break;
        i = (size_t)(next - text);
        if (memcmp(next, from, from_len)) {
            i++;
            continue;
        }
        if (fl_buf_add(out, text + done, i - done) || fl_buf_add(out, to, to_len))
            return -1;
        i += from_len;
        done = i;
    }
    return fl_buf_add(out, text + done, len - done);
}

int
fl_normalizer_run(const struct fl_normalizer *n, struct fl_normalizer_scratch *s,
                  struct fl_buf *text)
{
    for (size_t i = 0; i < n->count && text->len; i++) {
        const struct fl_normalizer_step *step = &n->steps[i];
        if (step->type == FL_NORMALIZER_NFC) {
            if (fl_unicode_nfc(text, &s->unicode))
                return -1;
            continue;
        }
        const char *content = (const char *)text->data;
        fl_buf_clear(&s->other);
        if (step->type == FL_NORMALIZER_PREPEND) {
            if (fl_buf_add_text(&s->other, step->to) || fl_buf_add(&s->other, content, text->len))
                return -1;
        } else if (fl_normalizer_replace(content, text->len, step->from, step->to, &s->other)) {
            return -1;
        }
        struct fl_buf swap = *text;
        *text = s->other;
        s->other = swap;
    }
    return 0;
}
