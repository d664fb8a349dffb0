/*
 * Distances are computed row by row over the matrix of prefixes. A swap of neighbours looks two
 * rows back, so three rows are kept.
 */
#include "base/choice.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"

#define LONGEST 64

/* Edits from A to B: insertions, deletions, replacements and swaps of neighbours. */
static size_t
edits(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][LONGEST + 1];

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = fl_min(fl_min(before[j], now[j - 1]) + 1,
                            before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = fl_min(now[j], older[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

void
fl_nearest_start(struct fl_nearest *n, const char *word, size_t length)
{
    *n = (struct fl_nearest){.word = word, .length = length};
}

void
fl_nearest_try(struct fl_nearest *n, const char *candidate, size_t length)
{
    if (!n->length || n->length > LONGEST || length > LONGEST)
        return;
    size_t distance = edits(n->word, n->length, candidate, length);
    bool begins = n->length >= 2 && n->length < length && !memcmp(n->word, candidate, n->length);
    size_t allowed = length < 6 ? 1 : length / 3;

    if ((distance > allowed && !begins) || (n->best && distance >= n->distance))
        return;
    n->best = candidate;
    n->best_length = length;
    n->distance = distance;
}

void
fl_nearest_try_choices(struct fl_nearest *n, const char *choices)
{
    while (*choices) {
        size_t length = strcspn(choices, "|");
        fl_nearest_try(n, choices, length);
        choices += length + (choices[length] == '|');
    }
}

const char *
fl_nearest_hint(const struct fl_nearest *n, const char *dashes, char *text, size_t size)
{
    *text = '\0';
    if (n->best)
        snprintf(text, size, "; did you mean \"%s%.*s\"?", dashes, (int)n->best_length, n->best);
    return text;
}

int
fl_choice_check(const char *choices, const char *word)
{
    size_t len = strlen(word);
    struct fl_nearest nearest;
    char hint[100];

    for (const char *c = choices; *c && len;) {
        size_t n = strcspn(c, "|");
        if (n == len && !memcmp(c, word, len))
            return 0;
        c += n + (c[n] == '|');
    }
    fl_nearest_start(&nearest, word, len);
    fl_nearest_try_choices(&nearest, choices);
    return fl_error(FL_USAGE, "\"%s\" is not one of %s%s", word, choices,
                    fl_nearest_hint(&nearest, "", hint, sizeof hint));
}

/* Word number I of CHOICES, *LENGTH bytes; NULL when it has fewer. */
static const char *
word_at(const char *choices, int i, size_t *length)
{
    for (; i > 0 && choices; i--) {
        const char *bar = strchr(choices, '|');
        choices = bar ? bar + 1 : NULL;
    }
    *length = choices ? strcspn(choices, "|") : 0;
    return choices;
}

int
fl_choice_find(const char *choices, const char *word)
{
    const char *one;
    size_t length;

    for (int i = 0; (one = word_at(choices, i, &length)); i++)
        if (strlen(word) == length && !memcmp(one, word, length))
            return i;
    return -1;
}

const char *
fl_choice_word(const char *choices, int i, char *text, size_t size)
{
    size_t length;
    const char *word = word_at(choices, i, &length);

    if (!word)
        return NULL;
    snprintf(text, size, "%.*s", (int)length, word);
    return text;
}
