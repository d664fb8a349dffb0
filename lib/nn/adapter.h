/*
 * Low-rank adapters: beside a frozen map y = x W' they learn y += s (x A') B', with A (rank,in),
 * B (out,rank) and s = alpha / rank, or alpha / sqrt(rank) when "rank-stabilised".
 * Source: Hu et al. 2021 (LoRA); Kalajdzievski 2023 (rsLoRA).
 *
 * An adapter is an object of kind "adapter": for each map MODULE.lora_A.weight and
 * MODULE.lora_B.weight, and metadata lora.alpha, lora.rslora (1, or absent) and base.params, the
 * numbers of the model that it belongs to (flt/object.h), where that is known. For the rounds of a
 * federation it is the model: updates, plans and means are of its tensors.
 */
#ifndef FL_NN_ADAPTER_H
#define FL_NN_ADAPTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "nn/layout.h"

enum { FL_ADAPTER_RANK_MAX = 4096 };

/* The file that an adapter may carry beside its numbers, as a model does (fl_model_files). */
#define FL_ADAPTER_FILE "adapter_config.json"

/* Maps that can have an adapter: one parameter's, or those of neighbours that are one map. */
struct fl_module {
    const char *name; /* "self_attn.q_proj", after "layers.N." */
    enum fl_param_kind first;
    unsigned count; /* of kinds, from FIRST on */
};

/* Number I, in the layout's order; NULL after the last. */
const struct fl_module *fl_module(unsigned i);

/* Number of the module with this name, or -1 (no error recorded). */
FL_MUST int fl_module_find(const char *name);

/* Of layer LAYER of a model: its sizes into *IN and *OUT; false when the model has no such map. */
bool fl_module_sizes(const struct fl_layout *layout, unsigned module, uint32_t layer, uint64_t *in,
                     uint64_t *out);

struct fl_adapter_map {
    unsigned module;
    uint32_t layer, rank;
    uint64_t in, out;
};

struct fl_adapter { /* a zeroed struct has no maps */
    double alpha;
    bool rslora;
    struct fl_adapter_map *maps; /* by layer, then by module; a module once */
    size_t count, cap;
};

void fl_adapter_release(struct fl_adapter *a);

/* What the product of a map of RANK is multiplied with. */
double fl_adapter_scale(const struct fl_adapter *a, uint32_t rank);

/*
 * Maps of RANK for those modules of a model that SELECTS(ARG, module) picks; A is empty before, but
 * for alpha and rslora. -1 (FL_USAGE) when none is picked, or one and a part of it.
 */
typedef bool fl_module_selects(const void *arg, unsigned module);
FL_MUST int fl_adapter_make(struct fl_adapter *a, const struct fl_layout *layout, uint32_t rank,
                            fl_module_selects *selects, const void *arg);

/* Add a map; those of maps that come in another order are sorted. 0 or -1. */
FL_MUST int fl_adapter_add(struct fl_adapter *a, const struct fl_adapter_map *map);

/* Names and shapes of map I's A and B, f32. */
void fl_adapter_tensors(const struct fl_adapter *a, size_t i, struct fl_tensor *A,
                        struct fl_tensor *B);

/*
 * What the tensors and metadata of O, of kind adapter, say. -1 with an error that names the file
 * when a tensor is of no map, or a map's are not two of one rank.
 */
FL_MUST int fl_adapter_read(struct fl_adapter *a, const struct fl_object *o);

/* A's maps, of the adapter in FILE, are those of a model of LAYOUT, called MODEL; else -1. */
FL_MUST int fl_adapter_fits(const struct fl_adapter *a, const char *file,
                            const struct fl_layout *layout, const char *model);

/* The adapter O belongs to the model of these PARAMS, or does not say to which; else FL_REFUSED. */
FL_MUST int fl_adapter_check_base(const struct fl_object *o, const unsigned char params[32],
                                  const char *model);

/*
 * Put A's matrices after the parameters of LAYOUT, and freeze these: what is trained of the model
 * is the adapter. Their dtypes are f32. 0 or -1.
 */
FL_MUST int fl_adapter_extend(const struct fl_adapter *a, struct fl_layout *layout);

/* The lora.* keys into META. */
FL_MUST int fl_adapter_to_meta(const struct fl_adapter *a, struct fl_meta *meta);

/*
 * First values, the same bytes on every machine: A uniform in (-1, 1) / sqrt(in), as PEFT has it,
 * B zero, so that the model is at first what it was. Map number I's A is sequence I of SEED. META
 * is the object's; the lora.* keys are added. A whole object.
 */
FL_MUST int fl_adapter_write_new(const struct fl_adapter *a, const struct fl_meta *meta,
                                 uint64_t seed, struct fl_writer *w);

#endif
