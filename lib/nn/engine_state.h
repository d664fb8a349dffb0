/*
 * What engine.c (calls), engine_room.c (memory), forward.c and backward.c share.
 *
 * Rows are the B T positions, cut into chunks; a task takes one chunk through everything between
 * two attentions, where rows do not meet. Between these phases all threads wait.
 *
 *   forward    rows 0 | attention 0 | rows 1 | ... | attention L-1 | rows L | head
 *   rows l     feed-forward of layer l-1 (or the embedding); queries, keys and values of layer l
 *   head       by slabs of rows, so that not all logits exist at once: logits, losses, gradient
 *
 *   backward   rows L-1 | mix L-1 | rows L-2 | ... | mix 0 | rows -1 | mix -1
 *   rows l     queries, keys and values of layer l+1, back; feed-forward of layer l, back
 *   mix l      attention l; gradients of the weights that rows l has made the operands of, each
 *              over all rows in one product: nothing is summed across tasks
 *
 * In mode FL_ENGINE_RECOMPUTE layers share what is kept of them but their inputs (and the first
 * fifth of them also where an adapter is trained, fl_engine.shared), so before rows l
 * it is made again of layer l, by the same tasks: its queries, keys and values | its attention |
 * what its activation reads, as the begin of rows l. Layer L-1's is still there.
 */
#ifndef FL_NN_ENGINE_STATE_H
#define FL_NN_ENGINE_STATE_H

#include "nn/attention.h"
#include "nn/engine.h"
#include "nn/layers.h"
#include "nn/narrow.h"
#include "nn/transformer.h"

/* Memory and shapes: what is the same for every call. */
struct fl_engine {
    struct fl_transformer *model;
    struct fl_pool *pool;
    enum fl_engine_mode mode;
    size_t max_rows, max_T;
    bool bf16;       /* products are of bf16 */
    bool stay;       /* the weights of the next call are those of the last */
    uint64_t copied; /* numbers of copies of weights in bf16 */
    size_t shared;   /* the first so many layers share what is kept of them */
    const struct fl_layout *parameters;
    bool lends; /* gradients lend memory: to all but the first OWN layers, from place LENT on */
    size_t own, lent;
    float *memory;           /* all floats below */
    float *cosine, *sine;    /* (max_T, rotated / 2) */
    struct fl_saved *saved;  /* (L,), whose arrays layers share as the mode says */
    float *x_end, *stat_end; /* (rows,C), (rows,S) after the last layer */
    float *scratch;          /* for each worker SCRATCH_SIZE floats */
    size_t scratch_size;
    size_t tiles, half; /* of it: those of fl_pass */
    float *final;       /* (slab,C) normed rows of the head's slab */
    float *logits;      /* (slab,V) */
    /* backward only */
    uint16_t *copies;
    struct fl_narrow narrow; /* where products are of bf16: the weights, of which COPIES are some */
    uint16_t *half_final, *half_logits; /* and of the head's slab what it reads, and dlogits */
    struct fl_back back[2];             /* by layer even and odd, which share all but dqkv */
    float *parts1, *parts2;             /* (chunks, sizes.parts) of tasks */
    /* norms only [norms.c] */
    bool norms, tied;
    size_t max_B;
    struct fl_norm_slot *slots; /* (FL_NORM_SLOTS, max_B) */
    struct fl_norm_slot *head;  /* (max_B,) of the head's matrix */
    float *token_rows; /* (rows,C) of the gradient of a head that is the embedding, those of x */
    void (*passed)(void *arg, double share); /* of fl_engine_watch; NULL: nobody */
    void *passed_arg;
};

/* One call: what it is given, what it gives, and how its rows are cut. */
struct fl_call {
    const struct fl_engine *e;
    struct fl_pass pass;
    const struct fl_stored *weights; /* as they were given, of which embeddings are taken */
    const struct fl_batch *batch;
    size_t rows, chunk, chunks; /* a chunk is CHUNK rows, the last perhaps fewer */
    size_t slab, slab_chunk;    /* rows of the head at once, and of its tasks */
    size_t per;  /* chunks of each window, which are then cut alone; 0: all rows are */
    float *loss; /* each of these may be NULL */
    float *all_logits;
    uint32_t *best;
    bool back;           /* gradients go back, to one of these: */
    float *grads;        /* over the trained parameters */
    double *norm2;       /* (B,) square norms of each window's */
    float scale;         /* of the losses, */
    const float *scales; /* or of each window's (B,) */
};

/* Of one matrix and window: the square norm of its gradient, and the sum over rows of |x| |dy|. */
struct fl_norm_slot {
    double norm2, length;
};

/* What the tasks of one phase are given: the layer, or where the slab begins. */
struct fl_phase {
    const struct fl_call *c;
    int64_t at;
};

static inline float *
fl_engine_scratch(const struct fl_engine *e, int worker)
{
    return e->scratch + (size_t)worker * e->scratch_size;
}

/* Piece I mod PER of window I / PER. */
static inline struct fl_range
fl_call_piece(const struct fl_call *c, size_t i)
{
    size_t T = c->batch->T, at = i % c->per * c->chunk, left = T - at;

    return (struct fl_range){i / c->per * T + at, left < c->chunk ? left : c->chunk};
}

/* Rows of chunk I. */
static inline struct fl_range
fl_call_chunk(const struct fl_call *c, size_t i)
{
    size_t first = i * c->chunk, left = c->rows - first;

    if (c->per)
        return fl_call_piece(c, i);
    return (struct fl_range){first, left < c->chunk ? left : c->chunk};
}

/* Rows of the slab that begins at row AT. */
static inline struct fl_range
fl_call_slab(const struct fl_call *c, size_t at)
{
    size_t left = c->rows - at;

    return (struct fl_range){at, left < c->slab ? left : c->slab};
}

/* Chunk I of a slab, and their number. */
static inline struct fl_range
fl_call_slab_chunk(const struct fl_call *c, struct fl_range slab, size_t i)
{
    size_t at = i * c->slab_chunk, left = slab.n - at;

    if (c->per)
        return fl_call_piece(c, slab.first / c->batch->T * c->per + i);
    return (struct fl_range){slab.first + at, left < c->slab_chunk ? left : c->slab_chunk};
}

static inline size_t
fl_call_slab_chunks(const struct fl_call *c, struct fl_range slab)
{
    if (c->per)
        return slab.n / c->batch->T * c->per;
    return (slab.n + c->slab_chunk - 1) / c->slab_chunk;
}

/*
 * engine_room.c: rows of a task, and of the head's slab, for so many ROWS: a matter of shapes
 * alone; of the slab at most, where norms are wanted whole windows.
 */
size_t fl_engine_chunk(size_t rows);
size_t fl_engine_slab(size_t rows, size_t V);
size_t fl_engine_slab_room(const struct fl_engine *e, size_t V);

/* Point into MEMORY (NULL: into none); returns its floats, UINT64_MAX where these are too many. */
uint64_t fl_engine_lay_out(struct fl_engine *e, const struct fl_sizes *z, int threads,
                           float *memory);

/*
 * Chain the layers for a call; those that have no memory of their own lie in GRADS, or are one,
 * and so is their residual stream, where nothing goes back (NULL).
 */
void fl_engine_place(struct fl_engine *e, float *grads);

/* Where among the trained parameters layer L begins; L layers: where the last one ends. */
size_t fl_engine_layer_place(const struct fl_layout *t, size_t l);

/* Attention number I of LAYER: window I / kv_heads, group I mod kv_heads. */
struct fl_attention fl_call_attention(const struct fl_call *c, size_t layer, size_t i, int worker);

/* forward.c */
void fl_call_forward(const struct fl_call *c);

/* Queries, keys, values and attention of LAYER once more, from its input. */
void fl_call_attend_again(const struct fl_call *c, size_t layer);

/* backward.c: of the head's chunk, whose logits hold their gradients; dx and the norm's part. */
void fl_call_head_back(const struct fl_call *c, struct fl_range slab, size_t i, int worker);

/* Gradients of the head's weights, and of the last norm's, from a slab. */
void fl_call_head_grads(const struct fl_call *c, struct fl_range slab);

/* From dx after the last layer down to the embedding. */
void fl_call_backward(const struct fl_call *c);

/*
 * norms.c: the same mix where square norms are wanted, window by window: of the products, whose
 * operands begin with window FIRST, of the sums, and of what PHASE adds.
 */
enum { FL_PRODUCTS_MIX = 4 * FL_PRODUCTS, FL_NORM_SLOTS = FL_PRODUCTS_MIX + 1 };
struct fl_norm_mix {
    const struct fl_phase *phase; /* NULL: it is of the head */
    const struct fl_call *c;
    const struct fl_linear_grad *products;
    const struct fl_part_sum *sums;
    size_t products_n, sums_n;
    size_t first, windows;
};
size_t fl_norm_scratch(const struct fl_sizes *z, size_t T); /* floats of a worker */
size_t fl_norm_tasks(const struct fl_norm_mix *mix);
void fl_norm_task(void *arg, size_t index, int worker); /* of a mix */
void fl_norm_add(const struct fl_norm_mix *mix);        /* after them: to c->norm2 */

/* What a layer back counts as: two products for each one of the way forward, or that again. */
static inline int64_t
fl_call_back(const struct fl_call *c)
{
    return c->e->mode == FL_ENGINE_RECOMPUTE ? 3 : 2;
}

/* Tell who watches that LAYERS are done, one back as many as fl_call_back says. */
void fl_call_tell(const struct fl_call *c, int64_t layers);

#endif
