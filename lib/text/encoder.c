/*
 * Added tokens are looked for twice: in the text as it is [encode_text] and, those that say so,
 * after normalization [encode_stretch]; what lies between goes through the pre-tokenizer to the
 * merges. Source: Hugging Face tokenizers 0.22, added_vocabulary.rs.
 */
#include "text/tokenizer_parts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "text/unicode.h"

struct fl_encoder {
    const struct fl_tokenizer *t;
    struct fl_normalizer_scratch normalizer;
    struct fl_buf normal;
    struct fl_pretokenizer_scratch pretokenizer;
    struct fl_bpe_scratch *bpe;
    struct fl_ids *ids; /* of the document at hand */
};

struct fl_encoder *
fl_encoder_new(const struct fl_tokenizer *t)
{
    struct fl_encoder *e = fl_alloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->t = t;
    e->bpe = fl_bpe_scratch_new();
    if (!e->bpe || fl_pretokenizer_scratch_init(&e->pretokenizer, &t->pretokenizer)) {
        fl_encoder_free(e);
        return NULL;
    }
    return e;
}

void
fl_encoder_free(struct fl_encoder *e)
{
    if (!e)
        return;
    fl_normalizer_scratch_release(&e->normalizer);
    fl_buf_release(&e->normal);
    fl_pretokenizer_scratch_release(&e->pretokenizer);
    fl_bpe_scratch_free(e->bpe);
    free(e);
}

static int
encode_word(void *arg, const unsigned char *word, size_t len)
{
    struct fl_encoder *e = arg;

    return fl_bpe_encode(&e->t->bpe, e->bpe, word, len, e->ids);
}

static int
encode_words(struct fl_encoder *e, const char *text, size_t len, bool first)
{
    return fl_pretokenizer_run(&e->t->pretokenizer, &e->pretokenizer, text, len, first, encode_word,
                               e);
}

static const struct fl_added_token *
next_added(const struct fl_added *a, const char *text, size_t len, unsigned flags,
           struct fl_added_place *at, size_t *start, size_t *end)
{
    return fl_added_next(a, text, len, flags & FL_ENCODE_SPECIAL, at, start, end);
}

/* A stretch of text without added tokens of the raw kind. */
static int
encode_stretch(struct fl_encoder *e, const char *text, size_t len, bool first, unsigned flags)
{
    const struct fl_tokenizer *t = e->t;
    const struct fl_added_token *token;
    struct fl_added_place place = {0};
    size_t at = 0, start, end;

    if (t->normalizer.count) {
        fl_buf_clear(&e->normal);
        if (fl_buf_add(&e->normal, text, len) ||
            fl_normalizer_run(&t->normalizer, &e->normalizer, &e->normal))
            return -1;
        text = (const char *)e->normal.data;
        len = e->normal.len;
    }
    while ((token = next_added(&t->normalized, text, len, flags, &place, &start, &end))) {
        if ((start > at && encode_words(e, text + at, start - at, first && !at)) ||
            fl_ids_add(e->ids, token->id))
            return -1;
        at = end;
    }
    return encode_words(e, text + at, len - at, first && !at);
}

static int
encode_text(struct fl_encoder *e, const char *text, size_t len, unsigned flags)
{
    const struct fl_tokenizer *t = e->t;
    const struct fl_added_token *token;
    struct fl_added_place place = {0};
    size_t at = 0, start, end;

    while ((token = next_added(&t->raw, text, len, flags, &place, &start, &end))) {
        if ((start > at && encode_stretch(e, text + at, start - at, !at, flags)) ||
            fl_ids_add(e->ids, token->id))
            return -1;
        at = end;
    }
    return len > at ? encode_stretch(e, text + at, len - at, !at, flags) : 0;
}

static int
add_all(struct fl_ids *ids, const struct fl_ids *more)
{
    for (size_t i = 0; i < more->len; i++)
        if (fl_ids_add(ids, more->data[i]))
            return -1;
    return 0;
}

static int
encode_with_marks(struct fl_encoder *e, const char *text, size_t len, unsigned flags)
{
    const struct fl_marks *m = &e->t->marks;
    bool ended = m->after.len && m->after.data[m->after.len - 1] == m->end;

    if (((flags & FL_ENCODE_BEGIN) && add_all(e->ids, &m->begin)) ||
        encode_text(e, text, len, flags) ||
        ((flags & FL_ENCODE_AFTER) && add_all(e->ids, &m->after)))
        return -1;
    return (flags & FL_ENCODE_END) && !ended ? fl_ids_add(e->ids, (uint32_t)m->end) : 0;
}

int
fl_encode(struct fl_encoder *e, const char *text, size_t len, unsigned flags, struct fl_ids *ids)
{
    size_t before = ids->len, bad = fl_unicode_check(text, len);

    if (bad < len)
        return fl_error(FL_FAILED, "byte %zu of the text is not UTF-8", bad);
    e->ids = ids;
    if (encode_with_marks(e, text, len, flags)) {
        ids->len = before;
        return -1;
    }
    return 0;
}
