/*
 * A token may end within a character, so bytes are kept until a character is whole [hand_out], and
 * longer while they may be the begin of a stop string [next_text]. When the context is full, its
 * second half is read again from the start, since kept keys are rotated by their positions
 * [read_on].
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

struct fl_generator {
    const struct fl_bundle *bundle;
    struct fl_pool *pool;
    struct fl_infer *decoder;
    size_t room; /* tokens that the decoder holds */
    struct fl_sampler *sampler;
    float *logits;      /* (V) */
    bool *banned;       /* (V) ids that stand for nothing */
    struct fl_ids ids;  /* prompt and what was written */
    struct fl_buf text; /* bytes not yet handed out: the begin of a character or of a stop string */
};

/* One text. */
struct state {
    struct fl_generator *of;
    const struct fl_generation *g;
    struct fl_random random;
    struct fl_generated done;
    bool begun; /* text stands before the next token */
};

void
fl_generator_free(struct fl_generator *g)
{
    if (!g)
        return;
    fl_infer_free(g->decoder);
    fl_sampler_free(g->sampler);
    free(g->logits);
    free(g->banned);
    fl_ids_release(&g->ids);
    fl_buf_release(&g->text);
    free(g);
}

struct fl_generator *
fl_generator_new(const struct fl_bundle *bundle, struct fl_pool *pool)
{
    static const struct fl_sampling plain = FL_SAMPLING_PLAIN;
    const struct fl_tokenizer *t = bundle->tokenizer;
    size_t vocab = bundle->model->layout.config.vocab, len;
    struct fl_generator *g = fl_alloc(1, sizeof *g);

    if (!g)
        return NULL;
    *g = (struct fl_generator){.bundle = bundle, .pool = pool};
    g->sampler = fl_sampler_new(&plain, vocab);
    g->logits = fl_alloc(vocab, sizeof *g->logits);
    g->banned = fl_alloc(vocab, sizeof *g->banned);
    if (!g->sampler || !g->logits || !g->banned) {
        fl_generator_free(g);
        return NULL;
    }
    for (uint32_t id = 0; id < vocab; id++)
        g->banned[id] = id >= fl_tokenizer_vocab(t) ||
                        (!fl_tokenizer_piece(t, id, &len) && !fl_tokenizer_is_special(t, id));
    return g;
}

int
fl_prompt_encode(const struct fl_tokenizer *t, const char *prompt, size_t len, struct fl_ids *ids)
{
    size_t before = ids->len;
    struct fl_encoder *e = fl_encoder_new(t);
    int result = e ? fl_encode(e, prompt, len, FL_ENCODE_PROMPT, ids) : -1;

    fl_encoder_free(e);
    if (result)
        return fl_error_about("prompt");
    if (ids->len > before)
        return 0;
    int64_t end = fl_tokenizer_marks(t)->end;
    if (end < 0)
        return fl_error(FL_USAGE, "the prompt is empty, and this model has no end-of-text token to "
                                  "begin after; give a prompt");
    return fl_ids_add(ids, (uint32_t)end);
}

const char *
fl_generated_reason(enum fl_generated_end end)
{
    return end == FL_GENERATED_STOP  ? "stop_sequence"
           : end == FL_GENERATED_EOS ? "eos_token"
                                     : "length";
}

/* Tokens that are kept of a context that is full, or of a prompt that does not fit. */
static size_t
kept(size_t ctx)
{
    return fl_max(ctx / 2, 1);
}

size_t
fl_prompt_dropped(size_t n, size_t ctx)
{
    return n > ctx ? n - kept(ctx) : 0;
}

/* Empty the decoder, and make it one that holds N tokens if the context does. */
static int
need_room(struct fl_generator *g, size_t n)
{
    size_t room = fl_min(n, g->bundle->model->layout.config.ctx);

    if (g->decoder && g->room >= room) {
        fl_infer_rewind(g->decoder, 0);
        return 0;
    }
    fl_infer_free(g->decoder);
    g->decoder = fl_infer_new(g->bundle->model, g->pool, room);
    g->room = room;
    return g->decoder ? 0 : -1;
}

static int
prepare(struct state *s, const uint32_t *prompt, size_t n)
{
    struct fl_generator *of = s->of;
    size_t most = s->g->tokens < SIZE_MAX - n ? n + s->g->tokens : SIZE_MAX;
    size_t vocab = of->bundle->model->layout.config.vocab;

    of->ids.len = 0;
    fl_buf_clear(&of->text);
    fl_sampler_restart(of->sampler, &s->g->how);
    s->random = (struct fl_random){s->g->seed, SEQUENCE_TEXT, 0};
    s->done.dropped = fl_prompt_dropped(n, of->bundle->model->layout.config.ctx);
    for (size_t i = 0; i < n; i++) {
        if (prompt[i] >= vocab)
            return fl_error(FL_FAILED, "token %u is not in the model's vocabulary of %zu ids",
                            (unsigned)prompt[i], vocab);
        s->begun = s->begun || !fl_tokenizer_is_special(of->bundle->tokenizer, prompt[i]);
        fl_sampler_see(of->sampler, prompt[i]);
        if (fl_ids_add(&of->ids, prompt[i]))
            return -1;
    }
    return need_room(of, most);
}

/* Let the decoder read the last UNREAD ids; when they do not fit, the last half of the context. */
static int
read_on(struct fl_generator *g, size_t unread)
{
    if (fl_infer_length(g->decoder) + unread > g->room) {
        fl_infer_rewind(g->decoder, 0);
        unread = kept(g->bundle->model->layout.config.ctx);
    }
    return fl_infer_read(g->decoder, g->ids.data + g->ids.len - unread, unread, g->logits);
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

/*
 * Hand out what is whole in the first LEN bytes, and what is no character as U+FFFD; at the END an
 * unfinished one too.
 */
static int
hand_out(struct state *s, size_t len, bool end)
{
    const struct fl_generation *g = s->g;
    struct fl_buf *text = &s->of->text;
    const unsigned char *p = text->data;
    size_t at = 0;

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
    if (at)
        memmove(text->data, p + at, text->len - at);
    text->len -= at;
    return 0;
}

/* What came last is text of LEN bytes: 1, or 0 when a stop string is complete, or -1. */
static int
next_text(struct state *s, const unsigned char *piece, size_t len)
{
    const struct fl_stop_strings *stops = &s->g->stops;
    struct fl_buf *text = &s->of->text;
    size_t at;

    if (fl_buf_add(text, piece, len))
        return -1;
    if (fl_stop_strings_find(stops, text->data, text->len, &at, &s->done.stop)) {
        s->done.end = FL_GENERATED_STOP;
        text->len = at;
        return 0;
    }
    size_t held = fl_stop_strings_held(stops, text->data, text->len);
    return hand_out(s, text->len - held, false) ? -1 : 1;
}

/* Choose the next id: 1, or 0 at the end of the text, or -1. */
static int
next_token(struct state *s)
{
    struct fl_generator *of = s->of;
    const struct fl_tokenizer *t = of->bundle->tokenizer;
    size_t len;

    for (size_t i = 0; i < of->bundle->model->layout.config.vocab; i++)
        if (of->banned[i])
            of->logits[i] = -INFINITY;
    int64_t id = fl_sampler_choose(of->sampler, of->logits, fl_random_unit(&s->random));
    if (id < 0)
        return -1;
    if (fl_marks_stops(fl_tokenizer_marks(t), (uint32_t)id)) {
        s->done.end = FL_GENERATED_EOS;
        return 0;
    }
    fl_sampler_see(of->sampler, (uint32_t)id);
    if (fl_ids_add(&of->ids, (uint32_t)id))
        return -1;
    s->done.tokens++;
    const unsigned char *piece = fl_tokenizer_piece(t, (uint32_t)id, &len);
    if (fl_tokenizer_is_special(t, (uint32_t)id)) {
        s->done.stop = fl_stop_strings_is(&s->g->stops, piece, len);
        if (s->done.stop == s->g->stops.count)
            return 1;
        s->done.end = FL_GENERATED_STOP;
        return 0;
    }
    size_t first = s->begun ? len : fl_tokenizer_first_bytes(t, (uint32_t)id);
    s->begun = true;
    return next_text(s, piece + (len - first), first);
}

int
fl_generate(struct fl_generator *generator, const struct fl_generation *g, const uint32_t *prompt,
            size_t n, struct fl_generated *done)
{
    struct state s = {.of = generator, .g = g};
    int got = prepare(&s, prompt, n) ? -1 : 1;

    for (size_t i = 0; got == 1 && i < g->tokens; i++)
        got = read_on(generator, i ? 1 : n) ? -1 : next_token(&s);
    if (got < 0 || hand_out(&s, generator->text.len, true))
        return -1;
    if (done)
        *done = s.done;
    return 0;
}
