/*
 * A token may end within a character, so bytes are kept until a character is whole [hand_out]. When
 * the context is full, its second half is read again from the start, since kept keys are rotated by
 * their positions [read_on].
 */
#include "nn/generate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "math/random.h"
#include "nn/infer.h"
#include "text/marks.h"

enum { SEQUENCE_TEXT = 0x67656e00 }; /* of the seed */

struct state {
    const struct fl_generation *g;
    struct fl_infer *decoder;
    struct fl_sampler *sampler;
    struct fl_random random;
    struct fl_ids ids;  /* prompt and what was written */
    size_t room;        /* tokens that the decoder holds */
    float *logits;      /* (V) */
    bool *banned;       /* (V) ids that stand for nothing */
    struct fl_buf text; /* bytes not yet handed out: the begin of a character */
};

static void
release(struct state *s)
{
    fl_infer_free(s->decoder);
    fl_sampler_free(s->sampler);
    fl_ids_release(&s->ids);
    free(s->logits);
    free(s->banned);
    fl_buf_release(&s->text);
}

static int
prepare(struct state *s, const uint32_t *prompt, size_t n)
{
    const struct fl_generation *g = s->g;
    const struct fl_model *m = g->bundle->model;
    const struct fl_tokenizer *t = g->bundle->tokenizer;
    size_t vocab = m->layout.config.vocab, len;

    s->random = (struct fl_random){g->seed, SEQUENCE_TEXT, 0};
    s->room = m->layout.config.ctx;
    if (n < s->room && g->tokens < s->room - n)
        s->room = n + g->tokens;
    s->decoder = fl_infer_new(m, g->pool, s->room);
    s->sampler = s->decoder ? fl_sampler_new(&g->how, vocab) : NULL;
    s->logits = s->sampler ? fl_alloc(vocab, sizeof *s->logits) : NULL;
    s->banned = s->logits ? fl_alloc(vocab, sizeof *s->banned) : NULL;
    if (!s->banned)
        return -1;
    for (uint32_t id = 0; id < vocab; id++)
        s->banned[id] = id >= fl_tokenizer_vocab(t) ||
                        (!fl_tokenizer_piece(t, id, &len) && !fl_tokenizer_is_special(t, id));
    for (size_t i = 0; i < n; i++)
        if (fl_ids_add(&s->ids, prompt[i]))
            return -1;
    return 0;
}

/* Let the decoder read the last UNREAD ids; when they do not fit, the last half of the context. */
static int
read_on(struct state *s, size_t unread)
{
    if (fl_infer_length(s->decoder) + unread > s->room) {
        fl_infer_rewind(s->decoder, 0);
        unread = fl_max(s->g->bundle->model->layout.config.ctx / 2, 1);
    }
    return fl_infer_read(s->decoder, s->ids.data + s->ids.len - unread, unread, s->logits);
}

/* Bytes of the character that begins with BYTE, or 1 when none does. */
static size_t
utf8_length(unsigned char byte)
{
    if (byte >= 0xc2 && byte <= 0xdf)
        return 2;
    if (byte >= 0xe0 && byte <= 0xef)
        return 3;
    return byte >= 0xf0 && byte <= 0xf4 ? 4 : 1;
}

/* How many of LEFT bytes, at least one, could be the begin of one character; RFC 3629's table. */
static size_t
utf8_prefix(const unsigned char *p, size_t left)
{
    size_t most = utf8_length(p[0]), n = 1;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;

    while (n < most && n < left && p[n] >= low && p[n] <= high) {
        low = 0x80;
        high = 0xbf;
        n++;
    }
    return n;
}

/* Hand out what is whole, and what is no character as U+FFFD; at the END an unfinished one too. */
static int
hand_out(struct state *s, bool end)
{
    const struct fl_generation *g = s->g;
    const unsigned char *p = s->text.data;
    size_t at = 0, len = s->text.len;

    while (at < len) {
        size_t whole = fl_utf8_valid_prefix(p + at, len - at);
        if (whole && g->text(g->arg, p + at, whole))
            return -1;
        at += whole;
        size_t bad = at < len ? utf8_prefix(p + at, len - at) : 0;
        if (!bad || (!end && bad == len - at && bad < utf8_length(p[at])))
            break;
        if (g->text(g->arg, "\xef\xbf\xbd", 3))
            return -1;
        at += bad;
    }
    memmove(s->text.data, p + at, len - at);
    s->text.len = len - at;
    return 0;
}

/* Choose the next id: 1, or 0 at the end of the text, or -1. */
static int
next_token(struct state *s)
{
    const struct fl_tokenizer *t = s->g->bundle->tokenizer;
    size_t len;

    for (size_t i = 0; i < s->g->bundle->model->layout.config.vocab; i++)
        if (s->banned[i])
            s->logits[i] = -INFINITY;
    int64_t id = fl_sampler_choose(s->sampler, s->logits, fl_random_unit(&s->random));
    if (id < 0)
        return -1;
    if (fl_marks_stops(fl_tokenizer_marks(t), (uint32_t)id))
        return 0;
    if (fl_ids_add(&s->ids, (uint32_t)id))
        return -1;
    if (fl_tokenizer_is_special(t, (uint32_t)id))
        return 1;
    const unsigned char *piece = fl_tokenizer_piece(t, (uint32_t)id, &len);
    return fl_buf_add(&s->text, piece, len) || hand_out(s, false) ? -1 : 1;
}

int
fl_generate(const struct fl_generation *g, const uint32_t *prompt, size_t n)
{
    struct state s = {.g = g};
    int got = prepare(&s, prompt, n) ? -1 : 1;

    for (size_t i = 0; got == 1 && i < g->tokens; i++)
        got = read_on(&s, i ? 1 : n) ? -1 : next_token(&s);
    if (got >= 0 && s.text.len && hand_out(&s, true))
        got = -1;
    release(&s);
    return got < 0 ? -1 : 0;
}
