/*
 * What a model computes: one decoder of layers that read a residual stream through norms, with a
 * switch for everything in which families of such models differ. No code asks for a family's name.
 * Letters: V vocabulary, L layers, C channels, H heads, D channels of a head, F channels of the
 * feed-forward part, T time.
 */
#ifndef FL_NN_CONFIG_H
#define FL_NN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "flt/meta.h"

enum { /* of what a file may ask for; products are bounded by FL_PARAMETERS_MAX */
       FL_CTX_MAX = 1 << 20,
       FL_LAYERS_MAX = 1024,
       FL_CHANNELS_MAX = 1 << 17,
       FL_HEADS_MAX = 1024,
       FL_HEAD_DIM_MAX = 1024,
       FL_FFN_MAX = 1 << 19,
       FL_MODEL_VOCAB_MAX = 1 << 20
};
#define FL_PARAMETERS_MAX ((uint64_t)1 << 40)

enum fl_norm_kind {
    FL_NORM_RMS,  /* gains */
    FL_NORM_LAYER /* gains and biases */
};

enum fl_act {
    FL_ACT_SWIGLU,   /* silu(gate) up: three matrices, the others have no gate */
    FL_ACT_GELU,     /* the normal distribution itself ("erf") */
    FL_ACT_GELU_TANH /* its form with tanh */
};

enum fl_positions {
    FL_POSITIONS_ROTARY, /* nn/rope.h */
    FL_POSITIONS_LEARNED /* a matrix [ctx,C], added to the embedding */
};

enum fl_rope_kind { FL_ROPE_PLAIN, FL_ROPE_LINEAR, FL_ROPE_LLAMA3 };

/* How rotary frequencies are scaled [fl_rope_frequency]; all 0 for FL_ROPE_PLAIN */
struct fl_rope_scaling {
    enum fl_rope_kind kind;
    double factor;    /* above 0 */
    double low, high; /* Llama 3: waves in ctx below which it applies, above which it does not */
    uint32_t ctx;     /* Llama 3: the context before */
};

enum fl_bias { /* which linear maps have one: a sum of these */
               FL_BIAS_QKV = 1,
               FL_BIAS_O = 2,
               FL_BIAS_FFN = 4,
               FL_BIAS_ALL = 7
};

/* What metadata and YAML call the values of these, in their order. */
#define FL_NORM_WORDS         "rmsnorm|layernorm"
#define FL_ACT_WORDS          "silu|gelu|gelu_tanh"
#define FL_POSITIONS_WORDS    "rotary|learned"
#define FL_ROPE_SCALING_WORDS "none|linear|llama3"

/* Members after TIED are switches: 0 is a plain Llama's choice, so initializers may omit them. */
struct fl_config {
    uint32_t vocab;    /* V */
    uint32_t ctx;      /* largest T */
    uint32_t layers;   /* L */
    uint32_t channels; /* C */
    uint32_t heads;    /* H */
    uint32_t kv_heads; /* divides H */
    uint32_t head_dim; /* D; H * D need not be C */
    uint32_t ffn;      /* F */
    double norm_eps;
    double rope_base; /* 0 with learned positions */
    bool tied;        /* the embedding is the head too */
    enum fl_norm_kind norm;
    enum fl_act act;
    enum fl_positions positions;
    uint32_t rope_dim; /* even: the first so many channels of a head are rotated; 0: all of them */
    struct fl_rope_scaling rope_scaling;
    unsigned bias;   /* of enum fl_bias */
    bool qk_norm;    /* RMS norms of each query's and key's D channels, before they are rotated */
    uint32_t window; /* a token sees so many, itself the last of them; 0: all before it */
};

/* 0, or -1 with FL_USAGE and a sentence that names the field. Allocates nothing. */
FL_MUST int fl_config_check(const struct fl_config *c);

/* The arch.* keys of a model into META, which may hold others. */
FL_MUST int fl_config_to_meta(const struct fl_config *c, struct fl_meta *meta);

/*
 * The reverse, checked as by fl_config_check. The keys of a plain Llama are required (without
 * rope_base where positions are learned); those of other switches are written, and allowed, only
 * where their value is another than a plain Llama's, so that a configuration has one form. -1 with
 * FL_FAILED when a value is missing, out of range or none that is computed here, or under an arch.*
 * key that this version does not know: a newer one computes such a model otherwise.
 */
FL_MUST int fl_config_from_meta(struct fl_config *c, const struct fl_meta *meta);

/* Do both say the same model? */
bool fl_config_same(const struct fl_config *a, const struct fl_config *b);

/* Channels of a head that are rotated, for a config that fl_config_check accepts, as all below. */
uint32_t fl_config_rotated(const struct fl_config *c);

uint64_t fl_config_parameters(const struct fl_config *c);

/*
 * Floating-point operations that training needs for one token in windows of T: 6 for each weight
 * of a matrix product (the embedding look-up is none, the head is one, tied or not) and
 * 12 H D for each key that a token sees, (T + 1) / 2 of them on average where no window is, for
 * each layer's attention. What an implementation computes twice, and norms, biases, activations and
 * the optimizer, are not counted.
 */
double fl_config_train_flops(const struct fl_config *c, uint32_t T);

#endif
