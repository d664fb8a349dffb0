/*
 * What engine.c (forward) and backward.c share.
 *
 * Rows are the B T positions, cut into chunks; a task takes one chunk through everything between
 * two attentions, where rows do not meet. Between these phases all threads wait.
 *
 *   forward    rows 0 | attention 0 | rows 1 | ... | attention L-1 | rows L | head
 *   rows l     rest of layer l-1: o, residual, norm, gate and up, silu, down, residual;
 *              begin of layer l: norm, qkv, rotation
 *   head       by slabs of rows, so that not all logits exist at once: logits, losses, gradient
 *
 *   backward   rows L-1 | mix L-1 | rows L-2 | ... | mix 0 | rows -1 | mix -1
 *   rows l     begin of layer l+1, backward; rest of layer l, backward
 *   mix l      attention l; gradients of the weights that rows l has made the operands of, each
 *              over all rows in one product: nothing is summed across tasks
 */
#ifndef FL_NN_ENGINE_STATE_H
#define FL_NN_ENGINE_STATE_H

#include "base/least.h"
#include "nn/engine.h"
#include "nn/layers.h"

/* Where in an array of parameters a layer's are. */
struct layer_at {
    size_t norm1, qkv, o, norm2, gu, down;
};

/* Activations of one layer that backward needs. */
struct saved {
    float *x;   /* (rows,C) residual stream before the layer */
    float *r1;  /* (rows,) */
    float *qkv; /* (rows,Q), Q = (H + 2 kv_heads) D; rotated */
    float *lse; /* (B,H,T) */
    float *att; /* (rows,HD) what attention gives */
    float *mid; /* (rows,C) residual stream between attention and feed-forward part */
    float *r2;  /* (rows,) */
    float *gu;  /* (rows,2F) gate | up */
};

struct fl_engine {
    struct fl_config config;
    struct fl_pool *pool;
    enum fl_engine_mode mode;
    size_t max_rows, max_T;
    size_t C, HD, KD, Q, F, V;
    struct layer_at *at;      /* (L,) */
    size_t embed, norm, head; /* places of parameters; head is embed when tied */
    struct fl_rope rope;
    float *memory; /* all floats below */
    float *cosine, *sine;
    struct saved *saved;  /* (L,), or one */
    float *x_end, *r_end; /* (rows,C), (rows,) after the last layer */
    float *scratch;       /* for each worker SCRATCH_SIZE floats */
    size_t scratch_size;
    float *final;  /* (slab,C) normed rows of the head's slab */
    float *logits; /* (slab,V) */
    /* backward only */
    float *dx, *dmid, *normed1, *normed2; /* (rows,C) */
    float *datt;                          /* (rows,HD) */
    float *dqkv[2];                       /* (rows,Q), by layer even and odd */
    float *h;                             /* (rows,F) */
    float *dgain1, *dgain2;               /* (chunks,C) of tasks */

    void (*passed)(void *arg, double share); /* of fl_engine_watch; NULL: nobody */
    void *passed_arg;

    /* the call at hand */
    const float *weights;
    const struct fl_batch *batch;
    size_t rows, chunk, chunks; /* a chunk is CHUNK rows, the last perhaps fewer */
    size_t slab, slab_chunk;    /* rows of the head at once, and of its tasks */
    size_t slab_at;
    float *loss, *all_logits;
    uint32_t *best;
    float *grads, scale;
    int64_t layer; /* of the phase */
};

/* Rows of a task or of a slab. */
struct range {
    size_t first, n;
};

static inline struct range
fl_engine_chunk(const struct fl_engine *e, size_t i)
{
    size_t first = i * e->chunk, left = e->rows - first;

    return (struct range){first, fl_min(left, e->chunk)};
}

/* Chunk I of the slab at hand. */
static inline struct range
fl_engine_slab_chunk(const struct fl_engine *e, size_t i)
{
    size_t end = e->slab_at + fl_min(e->rows - e->slab_at, e->slab);
    size_t first = e->slab_at + i * e->slab_chunk, left = end - first;

    return (struct range){first, fl_min(left, e->slab_chunk)};
}

/* Number of its chunks. */
static inline size_t
fl_engine_slab_chunks(const struct fl_engine *e)
{
    size_t n = fl_min(e->rows - e->slab_at, e->slab);

    return (n + e->slab_chunk - 1) / e->slab_chunk;
}

/* Attention number I of LAYER: window I / kv_heads, group I mod kv_heads. */
struct fl_attention;
void fl_engine_attention(const struct fl_engine *e, size_t layer, size_t i, int worker,
                         struct fl_attention *a);

/* backward.c: of the head's chunk, whose logits hold their gradients; dx and the gain's part. */
void fl_engine_head_back(struct fl_engine *e, size_t i, int worker);

/* Gradients of the head's weights from the slab at hand. */
void fl_engine_head_grads(struct fl_engine *e);

/* From dx after the last layer down to the embedding. */
void fl_engine_backward(struct fl_engine *e);

/* Tell who watches that LAYERS are done, of which a layer back counts as two. */
void fl_engine_tell(const struct fl_engine *e, int64_t layers);

#endif
