/*
 * A model: the table that says which parameters a configuration has, and where each is in two kinds
 * of arrays. Weights are arrays of all of them. Gradients, the optimizer's moments, updates and
 * checkpoints are arrays of the trained ones alone, in the same order, closed up.
 *
 * Order: embed_tokens; embed_positions; per layer input_layernorm, self_attn.{q,k,v}_proj,
 * self_attn.{q,k}_norm, self_attn.o_proj, post_attention_layernorm, mlp.{gate,up}_proj,
 * mlp.down_proj; norm; lm_head when not tied; of each the ".weight" and then, where there is one,
 * the ".bias". Those of q, k and v, and of gate and up, are weights first and then biases, and
 * nothing lies between them, so that [q;k;v] and [gate;up] are one map each.
 */
#ifndef FL_NN_MODEL_H
#define FL_NN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flt/object.h"
#include "flt/schema.h"
#include "flt/writer.h"
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
    FL_PARAM_HEAD       /* [V,C]   when not tied */
};

#define FL_UNTRAINED SIZE_MAX /* the place of what is not trained */

struct fl_param {
    char name[64]; /* "layers.3.mlp.up_proj.weight" */
    enum fl_param_kind kind;
    bool bias;      /* what is added after the map or norm of that kind: [rows] */
    uint32_t layer; /* 0 for those outside of layers */
    unsigned rank;  /* 1 or 2: rank 1 is not decayed */
    uint64_t dims[2];
    size_t offset, count; /* floats: place in an array of all parameters, and size */
    bool frozen;          /* not trained; none is at first [fl_model_trainables] */
    size_t place;         /* in an array over the trained parameters, or FL_UNTRAINED */
};

/* Which parameters, and of which kind of array. */
enum fl_extent {
    FL_WEIGHTS,        /* all, of an array of all */
    FL_TRAINED,        /* the trained ones, of an array over these */
    FL_TRAINED_WEIGHTS /* the trained ones, of an array of all */
};

struct fl_model {
    struct fl_config config;
    struct fl_param *params;
    size_t param_count;
    size_t size;    /* floats of all parameters */
    size_t trained; /* floats of those that are trained */
    float *weights; /* (size,), aligned to 64 bytes */
};

/* A model of a checked config, weights not filled in; NULL with an error. free(NULL) is fine. */
struct fl_model *fl_model_new(const struct fl_config *c);

/* The same without memory for weights (NULL): to check a file by before that is taken. */
struct fl_model *fl_model_table(const struct fl_config *c);
void fl_model_free(struct fl_model *m);

/* Give the parameters that are not frozen their places among the trained ones, and count these. */
void fl_model_trainables(struct fl_model *m);

/* An array over the trained parameters, zeros, 64-byte aligned; free() it. NULL with an error. */
float *fl_model_array(const struct fl_model *m);

/* Index of a parameter by name, or -1 (no error recorded). */
int64_t fl_model_find(const struct fl_model *m, const char *name);

/*
 * Seeded first weights, the same bytes on every machine: gains 1, biases 0; matrices normal with standard
 * deviation s = 0.02 sqrt(768 / C); o_proj and down_proj, which end in the residual stream,
 * s / sqrt(2 L). (Radford et al. 2019, whose C is 768. A small model with 0.02 takes many times as
 * long to leave the plateau where it only knows how frequent each token is.) Parameter number p is
 * sequence p of SEED.
 */
void fl_model_init(struct fl_model *m, uint64_t seed);

/*
 * The model in an object: config and tensor table are checked against each other before memory for
 * the weights is taken. Tensors may be f32, f16 or bf16, in any order; beside them tokenizer.json
 * is allowed. A value that is not finite is refused with its tensor's name. NULL with an error that
 * names the file.
 */
struct fl_model *fl_model_load(struct fl_object *o);

/* The round that a model came out of, 0 when it does not say; -1 when that is no number. */
int fl_model_round(const struct fl_object *o, int64_t *round);

/* Add parameters of M to S, as f32 tensors named PREFIX + the parameter's name. 0 or -1. */
int fl_model_schema(const struct fl_model *m, const char *prefix, enum fl_extent which,
                    struct fl_schema *s);

/* Values of an array, with the parameters that they are of, and what comes before their names. */
struct fl_model_values {
    const struct fl_model *m;
    const char *prefix; /* "m/" for a moment in a checkpoint */
    enum fl_extent which;
    float *values;
};

/*
 * Fill them with the tensors of O, which was matched with fl_model_schema before. -1 with an error
 * when a value is damaged or not finite. What was read of O does not stay in memory.
 */
int fl_model_read(const struct fl_model_values *v, struct fl_object *o);

/* Write them as f32 tensors, in the model's order. */
int fl_model_write_values(const struct fl_model_values *v, struct fl_writer *w);

/* Add what these take in a stream, uncompressed, to *BYTES; the values are not looked at. 0 or -1. */
int fl_model_size_values(const struct fl_model_values *v, uint64_t *bytes);

/*
 * A whole object of kind model: metadata (META's keys, and arch.* of the config), the weights, and
 * the tokenizer's LEN bytes as tokenizer.json (none when LEN is 0). META may be NULL.
 */
int fl_model_write(const struct fl_model *m, struct fl_writer *w, const struct fl_meta *meta,
                   const void *tokenizer, size_t len);

#endif
