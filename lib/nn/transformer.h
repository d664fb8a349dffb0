/*
 * A whole model as data, made once from its table of parameters: what training (engine.h) and
 * inference (infer.h) schedule, each in its own way.
 */
#ifndef FL_NN_TRANSFORMER_H
#define FL_NN_TRANSFORMER_H

#include "nn/block.h"

struct fl_transformer {
    struct fl_sizes sizes;
    const struct fl_param *embed, *positions; /* POSITIONS NULL: none are learned */
    struct fl_block *blocks;                  /* (L,) */
    struct fl_norm_params norm;               /* the last one */
    struct fl_linear_params head;             /* the embedding, when tied */
};

/* Of M, whose layout is borrowed; its numbers are not looked at. NULL with an error. */
struct fl_transformer *fl_transformer_new(const struct fl_model *m);
void fl_transformer_free(struct fl_transformer *t);

/*
 * x (n,C) = the embeddings of N ids (and of their positions, where these are learned: row i is at
 * position (first + i) mod T - start[i]).
 */
struct fl_id_rows {
    const uint32_t *ids;
    size_t n, first, T;
    const uint32_t *start; /* NULL: 0 */
};
void fl_transformer_embed(const struct fl_transformer *t, const struct fl_stored *weights,
                          const struct fl_id_rows *in, float *x);

#endif
