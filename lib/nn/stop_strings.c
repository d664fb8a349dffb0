/*
 * Plain comparisons: stop strings are few and short, and what is looked through is what is held
 * back and one more token.
 */
#include "nn/stop_strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/utf8.h"

void
fl_stop_strings_release(struct fl_stop_strings *s)
{
    free(s->items);
    *s = (struct fl_stop_strings){0};
}

int
fl_stop_strings_add(struct fl_stop_strings *s, const char *text, size_t len)
{
    if (!len)
        return fl_error(FL_USAGE, "a stop string is empty; it would end every text at once");
    if (fl_utf8_valid_prefix(text, len) != len)
        return fl_error(FL_USAGE, "a stop string is not UTF-8, as the texts of a model are");
    struct fl_stop_string *items = fl_grow(s->items, s->count, &s->cap, sizeof *items);
    if (!items)
        return -1;
    s->items = items;
    s->items[s->count++] = (struct fl_stop_string){text, len};
    return 0;
}

int
fl_stop_strings_add_texts(struct fl_stop_strings *s, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fl_stop_strings_add(s, texts[i], strlen(texts[i])))
            return fl_error_about("--stop");
    return 0;
}

/* The longest one that ends after END bytes of TEXT: its number, or COUNT. */
static size_t
ends_at(const struct fl_stop_strings *s, const char *text, size_t end)
{
    size_t found = s->count;

    for (size_t i = 0; i < s->count; i++) {
        const struct fl_stop_string *one = &s->items[i];
        if (one->len <= end && !memcmp(text + end - one->len, one->text, one->len) &&
            (found == s->count || one->len > s->items[found].len))
            found = i;
    }
    return found;
}

bool
fl_stop_strings_find(const struct fl_stop_strings *s, const void *text, size_t len, size_t *at,
                     size_t *which)
{
    for (size_t end = 1; end <= len && s->count; end++) {
        size_t i = ends_at(s, text, end);
        if (i < s->count) {
            *at = end - s->items[i].len;
            *which = i;
            return true;
        }
    }
    return false;
}

size_t
fl_stop_strings_held(const struct fl_stop_strings *s, const void *text, size_t len)
{
    size_t held = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct fl_stop_string *one = &s->items[i];
        for (size_t n = fl_min(one->len - 1, len); n > held; n--)
            if (!memcmp((const char *)text + len - n, one->text, n))
                held = n;
    }
    return held;
}

size_t
fl_stop_strings_is(const struct fl_stop_strings *s, const void *text, size_t len)
{
    size_t i = 0;

    while (i < s->count && (s->items[i].len != len || memcmp(s->items[i].text, text, len)))
        i++;
    return i;
}
