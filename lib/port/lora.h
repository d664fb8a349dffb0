/*
 * A new adapter of a model, as options say it: which maps, of which rank, how much they count.
 */
#ifndef FL_PORT_LORA_H
#define FL_PORT_LORA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "cli/option.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "nn/bundle.h"
#include "os/pool.h"

struct fl_lora {
    int64_t rank; /* 0: no adapter */
    double alpha; /* 0: twice the rank */
    bool rslora;
    struct fl_option_list targets; /* none: all maps of the layers */
    const char *adapter;           /* a file, instead of a new one */
    const char *freeze;            /* "a", or NULL */
};

/* Rows of a table of options (cli/option.h) that fill L. */
#define FL_LORA_OPTIONS(l)                                                                         \
    FL_OPT_I64(0, "lora", "RANK", 1, 4096, "a new adapter of this rank", &(l).rank),               \
        FL_OPT_F64(0, "lora-alpha", "X", 1e-6, 1e6,                                                \
                   "how much it counts: X / RANK (default: twice RANK)", &(l).alpha),              \
        FL_OPT_LIST(0, "lora-targets", "MAP,...",                                                  \
                    "maps that it is beside, as q_proj or c_attn (default: all of the layers)",    \
                    &(l).targets),                                                                 \
        FL_OPT_FLAG(0, "rslora", "it counts X / sqrt(RANK): rank-stabilised", &(l).rslora)

/* And these, of who trains one. */
#define FL_LORA_TRAIN_OPTIONS(l)                                                                   \
    FL_OPT_INPUT('a', "adapter", "ADAPTER", "train this adapter of the model, which is frozen",    \
                 &(l).adapter),                                                                    \
        FL_OPT_CHOICE(0, "lora-freeze", "MATRIX", "a",                                             \
                      "leave A as it is: the mean of updates is exact then", &(l).freeze)

/*
 * Write a new adapter of MODEL, a whole object of kind adapter: its maps are those that one of the
 * targets names (an item may hold many, between commas), a pattern of base/glob.h over the last
 * word of the map's name or all of it, here or in the model's family. A family whose maps are fused
 * has one adapter for them. The same model, L and SEED give the same bytes. -1: FL_USAGE when a
 * target names no map.
 */
FL_MUST int fl_lora_write(const struct fl_lora *l, struct fl_object *model, uint64_t seed,
                          struct fl_pool *pool, struct fl_writer *w);

/*
 * Put the adapter that L says beside the model of B, if it says one: the file, or a new one with
 * seed 0, which is what fl-init --lora writes by default. A is held (fl_param.held) where L freezes
 * it. 0 or -1.
 */
FL_MUST int fl_lora_adapt(const struct fl_lora *l, struct fl_bundle *b, struct fl_pool *pool);

#endif
