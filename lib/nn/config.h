/*
 * The shape of a model: the Llama family (RMSNorm, rotary positions, SwiGLU, grouped-query
 * attention, no biases). Letters: V vocabulary, L layers, C channels, H heads, D channels of a
 * head, F channels of the feed-forward part, T time.
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

struct fl_config {
    uint32_t vocab;    /* V */
    uint32_t ctx;      /* largest T */
    uint32_t layers;   /* L */
    uint32_t channels; /* C */
    uint32_t heads;    /* H */
    uint32_t kv_heads; /* divides H */
    uint32_t head_dim; /* D, even; H * D need not be C */
    uint32_t ffn;      /* F */
    double norm_eps;
    double rope_base;
    bool tied; /* the embedding is the head too */
};

/* 0, or -1 with FL_USAGE and a sentence that names the field. Allocates nothing. */
FL_MUST int fl_config_check(const struct fl_config *c);

/* The arch.* keys of a model into META, which may hold others. */
FL_MUST int fl_config_to_meta(const struct fl_config *c, struct fl_meta *meta);

/*
 * The reverse, checked as by fl_config_check, every key of it required: -1 with FL_FAILED when a
 * value is missing, out of range, of a family that is not built (arch.family, norm, act, bias), or
 * under an arch.* key that this version does not know: a newer one computes such a model otherwise.
 */
FL_MUST int fl_config_from_meta(struct fl_config *c, const struct fl_meta *meta);

/* For a config that fl_config_check accepts. */
uint64_t fl_config_parameters(const struct fl_config *c);

/*
 * Floating-point operations that training needs for one token in windows of T: 6 for each weight
 * of a matrix product (the embedding look-up is none, the head is one, tied or not) and
 * 6 H D (T + 1) for each layer's causal attention. What an implementation computes twice, and
 * norms, activations and the optimizer, are not counted.
 */
double fl_config_train_flops(const struct fl_config *c, uint32_t T);

#endif
