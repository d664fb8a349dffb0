/*
 * One layer of a model as data, made once from its configuration, and what it does to rows.
 *
 *   fl_block_qkv           x -> norm -> queries, keys, values -> their norms -> rotation
 *   attention (nn/attention.h), in which rows meet
 *   fl_block_feed_forward  x + what attention gave -> mid; mid + feed-forward of norm(mid) -> next
 *   fl_block_up            the begin of that, as far as the way back needs it: mid, stat2, up
 *
 * Each is written once and scheduled twice: training gives a task some rows and computes products
 * whole; inference has few rows and cuts the products by outputs (fl_pass.wide). A row is one
 * position of one window. The functions of the way back are the same two in the other order.
 */
#ifndef FL_NN_BLOCK_H
#define FL_NN_BLOCK_H

#include "nn/linear.h"
#include "nn/model.h"
#include "nn/norm.h"
#include "nn/rope.h"

/* Sizes that follow from a configuration, and from what is f32 in memory; in floats. */
struct fl_sizes {
    size_t L, V, C, H, K, D, F;
    size_t HD, KD;  /* of all queries and all keys of a row */
    size_t Q;       /* queries, keys and values of a row: HD + 2 KD */
    size_t U;       /* what the activation reads: 2 F or F */
    size_t S;       /* statistics of a norm of a row */
    size_t qk;      /* 1 when queries and keys have norms, else 0 */
    size_t rotated; /* channels of a head */
    size_t window;  /* keys that a query sees; 0: all up to its own */
    size_t parts;   /* gradients of the gains and biases that one task has a part of */
    size_t tile;    /* what one thread widens weights in; 0: all are f32 */
    size_t rank;    /* of an adapter, at most */
    size_t ranks;   /* of all adapters beside one map, at most */
};
struct fl_sizes fl_sizes_of(const struct fl_model *m);

/* A linear map's parameters: matrices that lie one after the other, outputs below outputs. */
enum { FL_FUSED = 3 };
struct fl_linear_params {
    size_t in, out, count;
    const struct fl_param *weight[FL_FUSED], *bias[FL_FUSED]; /* biases: all NULL, or none */
    struct fl_lora_params {                                   /* adapters beside it */
        const struct fl_param *a, *b;                         /* [rank,in], [out,rank] */
        size_t first;                                         /* of the map's outputs */
        size_t before;                                        /* sum of the ranks before it */
    } lora[FL_FUSED];
    size_t loras;
};

/*
 * What is between an adapter's two matrices, for all rows: s x A', and the gradient of x A'. Of the
 * adapters of a map one array (capacity,rank) lies after the other.
 */
struct fl_low {
    float *h, *dh;
    uint16_t *h16, *dh16; /* the same in bf16, or NULL */
    size_t capacity;
};

/*
 * Its gradients as products: GRADS is an array over the trained parameters, DY (n,out), X (n,in).
 * LOW is of the adapters beside it. Neighbours that are trained together are one product; what is
 * not trained is in none. Fills TO (FL_PRODUCTS,), returns how many.
 */
struct fl_operands {
    float *grads; /* NULL: none are wanted, and places stay NULL */
    const float *dy, *x;
    const uint16_t *dy16, *x16; /* in bf16, which products are then of; or NULL */
    size_t n;
    const struct fl_low *low; /* may be NULL where there are none */
};
enum { FL_PRODUCTS = 3 * FL_FUSED };
size_t fl_linear_grads(const struct fl_linear_params *f, const struct fl_operands *o,
                       struct fl_linear_grad *to);

/* A norm's parameters; no GAIN: the model has no such norm. */
struct fl_norm_params {
    enum fl_norm_kind kind;
    float eps;
    const struct fl_param *gain, *bias; /* BIAS NULL: none */
};
struct fl_norm fl_norm_of(const struct fl_norm_params *f, const struct fl_stored *weights);

struct fl_block {
    const struct fl_sizes *sizes;
    enum fl_act act;
    struct fl_norm_params norm1, norm2, q_norm, k_norm;
    struct fl_linear_params qkv, o, up, down; /* UP: [gate;up], or up alone */
};

/* What a pass over rows is given beside them. */
struct fl_pass {
    const struct fl_stored *weights; /* of all parameters, by their numbers */
    struct fl_rope rope;
    bool wide;            /* cut products by outputs, as tasks of POOL */
    struct fl_pool *pool; /* NULL: the caller's thread alone */
    size_t tiles;         /* floats at the begin of scratch that are these two's: */
    size_t low;  /* where x A' of adapters begins, after weights that are widened [fl_sizes.tile] */
    size_t half; /* products are of bf16: where in scratch its operands begin [fl_half_scratch]; 0:
                    of f32 */
};

/*
 * The map of F with the numbers of P, forward and back, and the adapters beside it; r->tile is the
 * scratch. Matrices of one dtype that lie together are one product. The way back fills rows FIRST
 * and following of low->dh, and fl_pass_low those of low->h from what the map read, x (n,in). Where
 * products are of bf16, the way forward makes X16 itself, and these two are given DY16 and X16.
 */
void fl_pass_forward(const struct fl_pass *p, const struct fl_linear_params *f,
                     const struct fl_linear_rows *r);
void fl_pass_back(const struct fl_pass *p, const struct fl_linear_params *f,
                  const struct fl_linear_back *r, const struct fl_low *low, size_t first);
void fl_pass_low(const struct fl_pass *p, const struct fl_linear_params *f,
                 const struct fl_linear_rows *x, const struct fl_low *low, size_t first);

/* N numbers in bf16 to TO + AT, if products are of these; returns where, or NULL. */
uint16_t *fl_pass_half(const struct fl_pass *p, uint16_t *to, size_t at, const float *from,
                       size_t n);

/*
 * Activations of one layer: what the way back needs of the way forward. X, MID and NEXT may be one
 * array, and other layers' too, when nothing goes back.
 */
struct fl_saved {
    float *x;       /* (rows,C) residual stream before the layer */
    float *stat1;   /* (rows,S) */
    float *raw;     /* (rows,HD+KD) queries and keys before their norms, if there are such */
    float *stat_qk; /* (rows,H+K) */
    float *qkv;     /* (rows,Q), rotated */
    float *lse;     /* (B,H,T) */
    float *att;     /* (rows,HD) what attention gives */
    float *mid;     /* (rows,C) residual stream between attention and feed-forward part */
    float *stat2;   /* (rows,S) */
    float *up;      /* (rows,U) what the activation reads; the way back: its gradient */
    float *next;    /* (rows,C) residual stream after the layer */
};

/* Rows of a task or of a slab. */
struct fl_range {
    size_t first, n;
};

/* SCRATCH: fl_block_scratch(sizes, rows.n) floats after those of fl_pass.tiles. */
size_t fl_block_scratch(const struct fl_sizes *z, size_t n);
size_t fl_half_scratch(const struct fl_sizes *z, size_t n); /* at fl_pass.half */
void fl_block_qkv(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                  struct fl_range rows, float *scratch);
void fl_block_up(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                 struct fl_range rows, float *scratch);
void fl_block_feed_forward(const struct fl_block *b, const struct fl_pass *p,
                           const struct fl_saved *s, struct fl_range rows, float *scratch);

/* Gradients of rows, and what the gradients of weights are products of. */
struct fl_back {
    float *dx;      /* (rows,C) of NEXT; after the layer's second function of X */
    float *dmid;    /* (rows,C) */
    float *datt;    /* (rows,HD) */
    float *dqkv;    /* (rows,Q) of rotated ones; then of what the map gave */
    float *normed1; /* (rows,C) */
    float *normed2; /* (rows,C) */
    float *h;       /* (rows,F) what the activation gave */
    struct fl_low low_qkv, low_o, low_up, low_down;
    struct {
        uint16_t *dx, *dmid, *dqkv, *dup, *normed1, *normed2, *h, *att;
    } half; /* where products are of bf16: their operands, and normed1, normed2, h are not there */
};

/* What a task of the way back has of its own: PART gets sizes.parts floats [fl_block_sums]. */
struct fl_back_task {
    struct fl_range rows;
    float *part, *scratch; /* SCRATCH: as above */
};

/* From dx to dmid and datt; s->up becomes its gradient; h and normed2 once more. */
void fl_block_feed_forward_back(const struct fl_block *b, const struct fl_pass *p,
                                const struct fl_saved *s, const struct fl_back *d,
                                const struct fl_back_task *t);

/* From dqkv and dmid to dx; normed1 once more. */
void fl_block_qkv_back(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                       const struct fl_back *d, const struct fl_back_task *t);

/* A gain's or bias's gradient: the tasks' parts, WIDTH of every STRIDE floats, in their order. */
struct fl_part_sum {
    float *to;
    const float *parts;
    size_t count, stride, width;
};

/*
 * What the tasks of the qkv_back (or else the feed_forward_back) of a block have parts of, and
 * those of one norm alone; PARTS (count, sizes.parts). Fill TO (FL_SUMS,), return how many.
 */
enum { FL_SUMS = 4 };
struct fl_parts {
    float *grads; /* as above */
    const float *parts;
    size_t count, stride;
};
size_t fl_norm_sums(const struct fl_norm_params *f, const struct fl_parts *p,
                    struct fl_part_sum *to);
size_t fl_block_qkv_sums(const struct fl_block *b, const struct fl_parts *p,
                         struct fl_part_sum *to);
size_t fl_block_feed_forward_sums(const struct fl_block *b, const struct fl_parts *p,
                                  struct fl_part_sum *to);

/* Add sum number INDEX of ARG, an array of struct fl_part_sum. A task. */
void fl_part_sum_task(void *arg, size_t index, int worker);

#endif
