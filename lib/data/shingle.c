/*
 * Words of a text, one after the other in one buffer with single spaces between them, so that a
 * shingle is a run of its bytes and is hashed in place. ASCII goes by a table, the rest by Unicode.
 */
#include "data/shingle.h"

#include <stdbool.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "text/fold.h"
#include "text/unicode.h"

enum { WIDEST = 4 * FL_FOLD_MOST + 2 }; /* bytes that one character adds, at most */

void
fl_shingles_release(struct fl_shingles *s)
{
    free(s->hash);
    free(s->starts);
    fl_buf_release(&s->text);
    *s = (struct fl_shingles){0};
}

/* What is being put together. */
struct splitter {
    struct fl_shingles *s;
    bool in_word;
};

/* A word begins at the end of the buffer. */
static int
begin_word(struct splitter *w)
{
    struct fl_shingles *s = w->s;
    size_t *starts = fl_grow(s->starts, s->words + 1, &s->starts_cap, sizeof *starts);

    if (!starts)
        return -1;
    s->starts = starts;
    if (s->text.len)
        s->text.data[s->text.len++] = ' ';
    starts[s->words++] = s->text.len;
    w->in_word = true;
    return 0;
}

/* One folded code point. */
static int
take_point(struct splitter *w, uint32_t c)
{
    enum fl_fold_kind kind = fl_fold_kind(c);

    if (kind == FL_FOLD_OTHER) {
        w->in_word = false;
        return 0;
    }
    if ((kind == FL_FOLD_WORD || !w->in_word) && begin_word(w))
        return -1;
    w->in_word = kind == FL_FOLD_LETTER;
    return fl_unicode_add(&w->s->text, c);
}

/* One character beyond ASCII at P: its bytes in *SIZE. */
static int
take_character(struct splitter *w, const unsigned char *p, size_t *size)
{
    uint32_t points[FL_FOLD_MOST];
    size_t n = fl_fold_point(fl_unicode_point(p, size), points);

    for (size_t i = 0; i < n; i++)
        if (take_point(w, points[i]))
            return -1;
    return 0;
}

static int
split(struct splitter *w, const unsigned char *p, size_t len)
{
    /* The plain form of ASCII letters and digits, 0 for the rest. */
    static const char plain[] =
        "0123456789:;<=>?@abcdefghijklmnopqrstuvwxyz[\\]^_`abcdefghijklmnopqrstuvwxyz";
    struct fl_buf *text = &w->s->text;
    size_t size;

    for (size_t at = 0; at < len; at += size) {
        size = 1;
        if (text->cap - text->len < WIDEST && fl_buf_reserve(text, WIDEST + len - at))
            return -1;
        unsigned char c = p[at];
        if (c >= 0x80) {
            if (take_character(w, p + at, &size))
                return -1;
            continue;
        }
        if ((unsigned char)(c - '0') >= 10 && (unsigned char)((c | 32) - 'a') >= 26) {
            w->in_word = false;
            continue;
        }
        if (!w->in_word && begin_word(w))
            return -1;
        text->data[text->len++] = (unsigned char)plain[c - '0'];
    }
    return 0;
}

int
fl_shingles_make(struct fl_shingles *s, const void *text, size_t len, size_t width, uint64_t seed)
{
    struct splitter w = {.s = s};

    s->words = s->count = 0;
    fl_buf_clear(&s->text);
    if (split(&w, text, len))
        return -1;
    if (s->words < width)
        return 0;
    size_t count = s->words - width + 1;
    if (count > s->cap) {
        uint64_t *hash = fl_resize(s->hash, count, sizeof *hash);
        if (!hash)
            return -1;
        s->hash = hash;
        s->cap = count;
    }
    s->starts[s->words] = s->text.len + 1;
    for (size_t i = 0; i < count; i++)
        s->hash[i] = XXH3_64bits_withSeed(s->text.data + s->starts[i],
                                          s->starts[i + width] - 1 - s->starts[i], seed);
    s->count = count;
    return 0;
}
