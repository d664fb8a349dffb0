#include "text/added.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/unicode.h"

void
fl_added_release(struct fl_added *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->tokens[i].text);
    free(a->tokens);
    *a = (struct fl_added){0};
}

int
fl_added_add(struct fl_added *a, const char *text, size_t len, const struct fl_added_token *token)
{
    struct fl_added_token *tokens = fl_grow(a->tokens, a->count, &a->cap, sizeof *tokens);

    if (!tokens)
        return -1;
    a->tokens = tokens;
    tokens[a->count] = *token;
    tokens[a->count].len = len;
    tokens[a->count].text = fl_strndup(text, len);
    if (!tokens[a->count].text)
        return -1;
    a->count++;
    return 0;
}

static int
by_text(const void *x, const void *y)
{
    const struct fl_added_token *a = x, *b = y;
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

void
fl_added_finish(struct fl_added *a)
{
    size_t i = 0;

    if (a->count)
        qsort(a->tokens, a->count, sizeof *a->tokens, by_text);
    for (unsigned b = 0; b <= 256; b++) {
        while (i < a->count && (unsigned char)a->tokens[i].text[0] < b)
            i++;
        a->first[b] = (uint32_t)i;
    }
}

/*
 * The longest token that TEXT begins with. Tokens [low, high) agree with it in the first AT bytes;
 * the one that ends there, if any, sorts first among them.
 */
static const struct fl_added_token *
longest(const struct fl_added *a, const char *text, size_t len)
{
    const struct fl_added_token *best = NULL;
    size_t low = a->first[(unsigned char)text[0]];
    size_t high = a->first[(unsigned char)text[0] + 1];

    for (size_t at = 1; low < high; at++) {
        if (a->tokens[low].len == at)
            best = &a->tokens[low++];
        if (at == len)
            break;
        unsigned char c = (unsigned char)text[at];
        while (low < high && (unsigned char)a->tokens[low].text[at] < c)
            low++;
        while (low < high && (unsigned char)a->tokens[high - 1].text[at] > c)
            high--;
    }
    return best;
}

/* Start of the white space that ends at END, not before FROM. */
static size_t
space_before(const char *text, size_t from, size_t end)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t size;

    while (end > from) {
        size_t at = end - 1;
        while (at > from && (p[at] & 0xc0) == 0x80)
            at--;
        if (!fl_unicode_is_space(fl_unicode_point(p + at, &size)))
            break;
        end = at;
    }
    return end;
}

static size_t
space_behind(const char *text, size_t len, size_t end)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t size;

    while (end < len && fl_unicode_is_space(fl_unicode_point(p + end, &size)))
        end += size;
    return end;
}

const struct fl_added_token *
fl_added_find(const struct fl_added *a, const char *text, size_t len, size_t from, size_t *start,
              size_t *end)
{
    if (!a->count)
        return NULL;
    for (size_t i = from; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (a->first[c] == a->first[c + 1])
            continue;
        const struct fl_added_token *token = longest(a, text + i, len - i);
        if (!token)
            continue;
        *start = token->left ? space_before(text, from, i) : i;
        *end = i + token->len;
        if (token->right)
            *end = space_behind(text, len, *end);
        return token;
    }
    return NULL;
}
