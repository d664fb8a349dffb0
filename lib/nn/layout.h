/*
 * Which parameters a configuration has, and where each is in two kinds of arrays. Arrays of all of
 * them are what weights in f32 lie in. Gradients, the optimizer's moments, updates and checkpoints
 * are arrays of the trained ones alone, in the same order, closed up. The numbers themselves are
 * elsewhere [fl_stored].
 *
 * Order: embed_tokens; embed_positions; per layer input_layernorm, self_attn.{q,k,v}_proj,
 * self_attn.{q,k}_norm, self_attn.o_proj, post_attention_layernorm, mlp.{gate,up}_proj,
 * mlp.down_proj; norm; lm_head when not tied; of each the ".weight" and then, where there is one,
 * the ".bias". Those of q, k and v, and of gate and up, are weights first and then biases, and
 * nothing lies between them, so that [q;k;v] and [gate;up] are one map each.
 */
#ifndef FL_NN_LAYOUT_H
#define FL_NN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "flt/format.h"
#include "nn/config.h"

enum fl_param_kind {
    FL_PARAM_EMBED,     /* [V,C] */
    FL_PARAM_POSITIONS, /* [ctx,C] when they are learned */
    FL_PARAM_NORM1,     /* [C]     before attention */
    FL_PARAM_Q,         /* [HD,C] */
    FL_PARAM_K,         /* [KD,C]  K here: kv_heads */
    FL_PARAM_V,         /* [KD,C] */
    FL_PARAM_Q_NORM,    /* [D] */
    FL_PARAM_K_NORM,    /* [D] */
    FL_PARAM_O,         /* [C,HD] */
    FL_PARAM_NORM2,     /* [C]     before the feed-forward part */
    FL_PARAM_GATE,      /* [F,C]   with SwiGLU */
    FL_PARAM_UP,        /* [F,C] */
    FL_PARAM_DOWN,      /* [C,F] */
    FL_PARAM_NORM,      /* [C]     the last one */
    FL_PARAM_HEAD,      /* [V,C]   when not tied */
    FL_PARAM_LORA_A,    /* [rank,in]  of an adapter (nn/adapter.h), after all others */
    FL_PARAM_LORA_B     /* [out,rank] */
};

/*
 * The numbers of one parameter where they are in memory. Matrices that rows are multiplied with or
 * taken from may be f16, bf16 or q8_0; all else is f32 [fl_param_narrows]. A store is an array of
 * these, by fl_param.number: what a computation is given as its weights.
 */
struct fl_stored {
    void *data;
    enum fl_dtype dtype;
};

#define FL_UNTRAINED SIZE_MAX /* the place of what is not trained */

struct fl_param {
    char name[64]; /* "layers.3.mlp.up_proj.weight" */
    enum fl_param_kind kind;
    bool bias;      /* what is added after the map or norm of that kind: [rows] */
    uint32_t layer; /* 0 for those outside of layers */
    unsigned rank;  /* 1 or 2: rank 1 is not decayed */
    uint64_t dims[2];
    enum fl_dtype dtype;  /* in the model's file: f32, f16, bf16, q8_0; FL_F32 at first */
    size_t number;        /* in the layout's order */
    size_t offset, count; /* floats: place in an array of all parameters, and size */
    bool frozen;          /* not trained; none is at first [fl_layout_trainables] */
    bool held;            /* trained elsewhere, and here its gradient is 0 and it does not decay */
    unsigned module;      /* of A and B: the map that they are beside [fl_module] */
    double scale;         /* and what their product is multiplied with; else 0 */
    size_t place;         /* in an array over the trained parameters, or FL_UNTRAINED */
};

struct fl_layout {
    struct fl_config config;
    struct fl_param *params; /* (count,) */
    size_t count;
    size_t size;    /* floats of all parameters */
    size_t trained; /* floats of those that are trained */
};

/* Of a config, which is checked; nothing is frozen. -1 with an error. */
FL_MUST int fl_layout_make(struct fl_layout *t, const struct fl_config *c);
void fl_layout_release(struct fl_layout *t);

/*
 * One more matrix after all others, as *P says it but for its number and places, which are filled
 * in; not yet among the trained [fl_layout_trainables]. Pointers to parameters end. 0 or -1.
 */
FL_MUST int fl_layout_append(struct fl_layout *t, const struct fl_param *p);

/* Is it of an adapter, and not of the model itself? */
bool fl_param_adapts(const struct fl_param *p);

/* Hold the parameters of a kind, as fl_param.held says. */
void fl_layout_hold(struct fl_layout *t, enum fl_param_kind kind);

/* Give the parameters that are not frozen their places among the trained ones, and count these. */
void fl_layout_trainables(struct fl_layout *t);

/* An array over the trained parameters, zeros, 64-byte aligned; free() it. NULL with an error. */
float *fl_layout_array(const struct fl_layout *t);

/*
 * Whether a parameter may be in memory in fewer than 32 bits. Gains, biases and learned positions,
 * a hundredth of a model, may not: whatever reads them reads floats.
 */
bool fl_param_narrows(const struct fl_param *p);

/*
 * The dtype of P in a model that is to be stored in DTYPE, when it has the dtype NOW: of q8_0 only
 * matrices that narrow and whose rows are whole blocks, and the others keep theirs.
 */
enum fl_dtype fl_param_dtype(const struct fl_param *p, enum fl_dtype dtype, enum fl_dtype now);

/* Index of a parameter by name, or -1 (no error recorded). */
int64_t fl_layout_find(const struct fl_layout *t, const char *name);

#endif
