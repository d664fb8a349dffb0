/*
 * Where what the engine computes with lies: one function lays memory out, first to count it, then
 * to point into it [lay_out], so that fl_engine_bytes tells what is taken; and how rows are cut
 * into tasks, of which that follows. What layers keep may lie in the gradients of layers before
 * them, which nothing writes until it is of no use any more [lend].
 */
#include <assert.h>
#include <stddef.h>

#include "base/least.h"
#include "base/mem.h"
#include "nn/engine_state.h"

enum {
    CHUNK_MIN = 32,
    CHUNK_MAX = 512,
    CHUNKS = 16,           /* tasks wanted, if they are large enough */
    SLAB_MIN = 256,        /* rows */
    SLAB_FLOATS = 8 << 20, /* of logits at once, if SLAB_MIN rows are no more */
    ALIGN = 16             /* floats between arrays */
};

size_t
fl_engine_chunk(size_t rows)
{
    size_t n = (rows + CHUNKS - 1) / CHUNKS;

    n = (n + 15) / 16 * 16;
    return fl_min(fl_max(n, CHUNK_MIN), CHUNK_MAX);
}

static size_t
chunk_count_max(size_t rows)
{
    return fl_max(CHUNKS, (rows + CHUNK_MAX - 1) / CHUNK_MAX);
}

/* Tasks of a pass: where norms are wanted, windows are cut one by one. */
static size_t
chunk_room(const struct fl_engine *e)
{
    size_t n = chunk_count_max(e->max_rows);

    return e->norms ? fl_max(n, e->max_B * ((e->max_T + CHUNK_MIN - 1) / CHUNK_MIN)) : n;
}

size_t
fl_engine_slab(size_t rows, size_t V)
{
    assert(V > 0);
    size_t n = fl_max(SLAB_FLOATS / V, SLAB_MIN);

    return fl_min(n < CHUNK_MAX ? n : n / CHUNK_MAX * CHUNK_MAX, rows);
}

/*
 * Memory is laid out twice by the same code: first to count (MEMORY is NULL), then to point.
 * TOTAL is UINT64_MAX once it has overflowed.
 */
struct layout {
    float *memory;
    uint64_t total;
};

static float *
take(struct layout *p, uint64_t a, uint64_t b)
{
    const uint64_t limit = (uint64_t)1 << 58;
    uint64_t n, at = p->total;

    if (at > limit || fl_mul_u64(a, b, &n) || n > limit) {
        p->total = UINT64_MAX;
        return NULL;
    }
    p->total = at + (n + ALIGN - 1) / ALIGN * ALIGN;
    return p->memory ? p->memory + at : NULL;
}

/* What the queries, keys and values of a layer need on the way back, when the next is back. */
static void
lay_out_qkv(struct layout *p, const struct fl_sizes *z, size_t n, struct fl_saved *s)
{
    s->stat1 = take(p, n, z->S);
    s->raw = take(p, n, z->qk * (z->HD + z->KD));
    s->stat_qk = take(p, n, z->qk * (z->H + z->K));
}

static void
lay_out_layer(struct layout *p, const struct fl_sizes *z, size_t n, struct fl_saved *s)
{
    s->x = take(p, n, z->C);
    lay_out_qkv(p, z, n, s);
    s->qkv = take(p, n, z->Q);
    s->lse = take(p, n, z->H);
    s->att = take(p, n, z->HD);
    s->mid = take(p, n, z->C);
    s->stat2 = take(p, n, z->S);
    s->up = take(p, n, z->U);
}

/*
 * The first COUNT layers, which share all but their inputs. When layer l has been computed again,
 * rows l still read of layer l + 1 what lay_out_qkv takes [engine_state.h], so even and odd ones
 * have their own.
 */
static void
lay_out_shared(struct layout *p, const struct fl_sizes *z, size_t n, size_t count,
               struct fl_saved *s)
{
    struct fl_saved both[2] = {{0}};

    lay_out_layer(p, z, n, &both[0]);
    both[1] = both[0];
    if (count > 1)
        lay_out_qkv(p, z, n, &both[1]);
    for (size_t l = 0; l < count; l++) {
        float *x = l ? take(p, n, z->C) : both[0].x;
        if (s) {
            s[l] = both[l & 1];
            s[l].x = x;
        }
    }
}

/* The same of bf16, where products are of these; else none. */
static uint16_t *
take_half(struct layout *p, const struct fl_engine *e, uint64_t a, uint64_t b)
{
    return e->bf16 ? (uint16_t *)(void *)take(p, a, (b + 1) / 2) : NULL;
}

static struct fl_low
lay_out_low(struct layout *p, const struct fl_sizes *z, const struct fl_engine *e)
{
    size_t n = e->max_rows;
    float *h = take(p, n, z->ranks), *dh = take(p, n, z->ranks);
    uint16_t *h16 = take_half(p, e, n, z->ranks), *dh16 = take_half(p, e, n, z->ranks);

    return (struct fl_low){h, dh, h16, dh16, n};
}

/* What products are of on the way back, in bf16; of the f32 it is made in scratch. */
static void
lay_out_half(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    size_t n = e->max_rows;
    struct fl_back *d = &e->back[0];

    d->half.dx = take_half(p, e, n, z->C);
    d->half.dmid = take_half(p, e, n, z->C);
    d->half.dqkv = take_half(p, e, n, z->Q);
    d->half.dup = take_half(p, e, n, z->U);
    d->half.normed1 = take_half(p, e, n, z->C);
    d->half.normed2 = take_half(p, e, n, z->C);
    d->half.h = take_half(p, e, n, z->F);
    d->half.att = take_half(p, e, n, z->HD);
}

/* What layers need on their way back, but what the head's way back gives them: dx and parts1. */
static void
lay_out_back(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    size_t n = e->max_rows;
    struct fl_back *even = &e->back[0], *odd = &e->back[1];

    even->dmid = take(p, n, z->C);
    even->normed1 = e->bf16 ? NULL : take(p, n, z->C);
    even->normed2 = e->bf16 ? NULL : take(p, n, z->C);
    even->datt = take(p, n, z->HD);
    even->dqkv = take(p, n, z->Q);
    even->h = e->bf16 ? NULL : take(p, n, z->F);
    lay_out_half(p, z, e);
    even->low_qkv = lay_out_low(p, z, e);
    even->low_o = lay_out_low(p, z, e);
    even->low_up = lay_out_low(p, z, e);
    even->low_down = lay_out_low(p, z, e);
    *odd = *even;
    odd->dqkv = take(p, n, z->Q);
    e->parts2 = take(p, chunk_room(e), z->parts);
}

/*
 * How many of the first layers share memory, and are computed again on the way back. Of an adapter,
 * whose gradients and moments are next to nothing, activations are most of what it takes: a fifth
 * of them for a twentieth of the time.
 */
static size_t
shared_layers(const struct fl_sizes *z, enum fl_engine_mode mode)
{
    if (mode == FL_ENGINE_TRAIN && z->ranks)
        return z->L / 5;
    return mode == FL_ENGINE_RECOMPUTE ? z->L : 0;
}

size_t
fl_engine_slab_room(const struct fl_engine *e, size_t V)
{
    size_t n = fl_engine_slab(e->max_rows, V);

    return e->norms ? fl_max(n, e->max_T) : n;
}

static void
lay_out_norms(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    const size_t slot = sizeof(struct fl_norm_slot) / sizeof(float);

    e->slots = (void *)take(p, e->max_B, FL_NORM_SLOTS * slot);
    e->head = (void *)take(p, e->max_B, slot);
    e->token_rows = e->tied ? take(p, e->max_rows, z->C) : NULL;
}

/* The head's slab. Nothing of it is of use when layers go back. */
static void
lay_out_head(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    size_t slab = fl_engine_slab_room(e, z->V);
    bool train = e->mode != FL_ENGINE_SCORE;

    e->final = take(p, slab, z->C);
    e->logits = take(p, slab, z->V);
    e->half_final = train ? take_half(p, e, slab, z->C) : NULL;
    e->half_logits = train ? take_half(p, e, slab, z->V) : NULL;
}

static void
lay_out_scratch(struct layout *p, const struct fl_sizes *z, struct fl_engine *e, int threads)
{
    size_t chunk = fl_engine_chunk(e->max_rows);

    e->tiles = z->tile + chunk * z->rank;
    e->half = e->tiles + fl_block_scratch(z, chunk);
    e->scratch_size = e->half + (e->bf16 ? fl_half_scratch(z, chunk) : 0);
    e->scratch_size = fl_max(e->scratch_size,
                             fl_attention_scratch(e->max_T, e->mode != FL_ENGINE_SCORE));
    if (e->norms)
        e->scratch_size = fl_max(e->scratch_size, fl_norm_scratch(z, e->max_T));
    e->scratch_size = (e->scratch_size + ALIGN - 1) / ALIGN * ALIGN;
    e->scratch = take(p, (uint64_t)threads, e->scratch_size);
}

size_t
fl_engine_layer_place(const struct fl_layout *t, size_t l)
{
    size_t place = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct fl_param *p = &t->params[i];
        bool inside = p->kind > FL_PARAM_POSITIONS && p->kind <= FL_PARAM_DOWN;
        if (!p->frozen && (p->kind <= FL_PARAM_POSITIONS || (inside && p->layer < l)))
            place += p->count;
    }
    return place;
}

/*
 * Place what is kept of the last layers, as many as fit, in GRADS: each in front of its own layer's
 * gradients, so in those of earlier layers (and of the embedding, but a tied one's, which the head
 * makes first). By the time these are made it is of no use any more [take_back]. GRADS NULL: only
 * count. Layer 0 has memory of its own, which all share where nothing goes back.
 */
static void
lend(struct fl_engine *e, const struct fl_sizes *z, float *grads)
{
    const struct fl_layout *t = e->parameters;
    const struct fl_param *embed = &t->params[0];
    size_t begin = e->tied && !embed->frozen ? embed->count : 0;
    struct layout one = {0};
    struct fl_saved s;

    lay_out_layer(&one, z, e->max_rows, &s);
    e->own = z->L;
    e->lent = t->trained;
    for (; e->own > 1; e->own--) {
        size_t end = fl_min(e->lent, fl_engine_layer_place(t, e->own - 1)) / ALIGN * ALIGN;
        if (end < begin || end - begin < one.total)
            break;
        e->lent = end - (size_t)one.total;
        if (grads)
            lay_out_layer(&(struct layout){grads, e->lent}, z, e->max_rows, &e->saved[e->own - 1]);
    }
}

void
fl_engine_place(struct fl_engine *e, float *grads)
{
    const struct fl_sizes *z = &e->model->sizes;

    if (grads && e->lends)
        lend(e, z, grads);
    for (size_t l = e->own; !grads && l < z->L; l++)
        e->saved[l] = e->saved[e->own - 1];
    for (size_t l = 0; l < z->L; l++)
        e->saved[l].next = l + 1 < z->L ? e->saved[l + 1].x : e->x_end;
}

static void
lay_out(struct layout *p, const struct fl_sizes *z, struct fl_engine *e, int threads)
{
    bool train = e->mode != FL_ENGINE_SCORE;
    size_t n = e->max_rows;
    struct fl_saved counted = {0};

    e->cosine = take(p, e->max_T, z->rotated / 2);
    e->sine = take(p, e->max_T, z->rotated / 2);
    e->shared = shared_layers(z, e->mode);
    e->own = train ? z->L : 1;
    e->lends = e->lends && train && !e->shared;
    if (e->lends)
        lend(e, z, NULL);
    if (e->shared)
        lay_out_shared(p, z, n, e->shared, e->saved);
    for (size_t l = e->shared; l < e->own; l++)
        lay_out_layer(p, z, n, e->saved ? &e->saved[l] : &counted);
    e->x_end = train ? take(p, n, z->C) : (e->saved ? e->saved[0].x : NULL);
    e->stat_end = take(p, n, z->S);
    lay_out_scratch(p, z, e, threads);
    e->copies = take_half(p, e, 1, e->copied);
    if (!train) {
        lay_out_head(p, z, e);
        return;
    }
    e->back[0].dx = take(p, n, z->C);
    e->parts1 = take(p, chunk_room(e), z->parts);
    if (e->norms)
        lay_out_norms(p, z, e);
    struct layout head = *p;
    lay_out_head(&head, z, e);
    lay_out_back(p, z, e);
    p->total = p->total > head.total ? p->total : head.total;
}

uint64_t
fl_engine_lay_out(struct fl_engine *e, const struct fl_sizes *z, int threads, float *memory)
{
    struct layout p = {.memory = memory};

    lay_out(&p, z, e, threads);
    return p.total;
}
