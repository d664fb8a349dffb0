/*
 * Finding added tokens: the table is sorted, so that the tokens that agree with a text so far are
 * one range of it, which each byte makes narrower. (An automaton over all names, as in the source,
 * would be faster for thousands of names that share long begins; no vocabulary has those.)
 */
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

    if (!order)
        order = (a->len > b->len) - (a->len < b->len);
    /* of equals the one that the source finds: special ones were added first */
    return order                      ? order
           : a->special != b->special ? b->special - a->special
                                      : (a->id > b->id) - (a->id < b->id);
}

static bool
same_text(const struct fl_added_token *a, const struct fl_added_token *b)
{
    return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* Of several tokens that are spelled alike the first stays. */
static void
drop_twins(struct fl_added *a)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->count; i++)
        if (kept && same_text(&a->tokens[kept - 1], &a->tokens[i]))
            free(a->tokens[i].text);
        else
            a->tokens[kept++] = a->tokens[i];
    a->count = kept;
}

void
fl_added_finish(struct fl_added *a)
{
    size_t i = 0;

    if (a->count)
        qsort(a->tokens, a->count, sizeof *a->tokens, by_text);
    drop_twins(a);
    a->plain = 0;
    for (size_t k = 0; k < a->count; k++)
        a->plain += !a->tokens[k].guarded;
    for (unsigned b = 0; b <= 256; b++) {
        while (i < a->count && (unsigned char)a->tokens[i].text[0] < b)
            i++;
        a->first[b] = (uint32_t)i;
    }
}

/* The first of the tokens [LOW, HIGH) whose byte AT is at least C; they are sorted by it. */
static size_t
first_with(const struct fl_added *a, size_t low, size_t high, size_t at, unsigned c)
{
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((unsigned char)a->tokens[middle].text[at] < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * The longest token that TEXT begins with. Tokens [low, high) agree with it in the first AT bytes;
 * the one that ends there, if any, sorts first among them. Cost: the bytes that agree, each times
 * the logarithm of the tokens.
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
        low = first_with(a, low, high, at, c);
        high = first_with(a, low, high, at, c + 1u);
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

/* Does a word character end at AT, or begin there? */
static bool
touches_word(const char *text, size_t len, size_t at, bool before)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t size;

    if (before ? !at : at == len)
        return false;
    if (before)
        do
            at--;
        while (at && (p[at] & 0xc0) == 0x80);
    return fl_unicode_is_word(fl_unicode_point(p + at, &size));
}

const struct fl_added_token *
fl_added_next(const struct fl_added *a, const char *text, size_t len, bool guarded,
              struct fl_added_place *at, size_t *start, size_t *end)
{
    if (!(guarded ? a->count : a->plain))
        return NULL;
    while (at->scanned < len) {
        size_t i = at->scanned;
        unsigned char c = (unsigned char)text[i];
        const struct fl_added_token *token = NULL;
        if (a->first[c] < a->first[c + 1])
            token = longest(a, text + i, len - i);
        at->scanned += token ? token->len : 1;
        if (!token || (token->guarded && !guarded) ||
            (token->single_word &&
             (touches_word(text, len, i, true) || touches_word(text, len, at->scanned, false))))
            continue;
        *start = i;
        *end = at->scanned;
        if (token->left)
            *start = at->taken < i ? space_before(text, at->taken, i) : at->taken;
        if (token->right) {
            if (*end >= at->space) /* else within it: a run is looked through once */
                at->space = space_behind(text, len, *end);
            *end = at->space;
        }
        if (*start >= *end) /* the token before has taken all of it */
            continue;
        at->taken = *end;
        return token;
    }
    return NULL;
}
