/*
 * Families of models as other tools write them down: what each calls the sizes in its config.json
 * and the parameters in its files, how it lays these, and what a missing key means. A family is a
 * row of tables that is read in both directions; what is computed is said by the configuration
 * alone (nn/config.h). Source: transformers, configuration_*.py and modeling_*.py of each.
 */
#ifndef FL_PORT_FAMILY_H
#define FL_PORT_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flt/format.h"
#include "nn/layout.h"

/* What a size is when its key is missing, instead of a number. */
#define FL_FAMILY_REQUIRED 0
#define FL_FAMILY_DERIVED  UINT32_MAX /* heads, channels / heads, 4 channels [fl_hf_config] */

struct fl_family_size {
    const char *key; /* NULL ends a list */
    size_t member;   /* offset of a uint32_t in struct fl_config */
    uint32_t missing;
};

/* A key that is true when a model has something. */
struct fl_family_bias {
    const char *key;
    unsigned bias; /* of enum fl_bias */
};

/* Parameters of one name are one tensor: their rows one below the other, in the layout's order. */
struct fl_family_tensor {
    const char *name; /* without ".weight" or ".bias"; %u is the layer; NULL ends a list */
    enum fl_param_kind kind;
    bool turned; /* a map lies as [in,out] */
};

enum fl_family_window {
    FL_WINDOW_NONE,
    FL_WINDOW_ALL,     /* "sliding_window" for all layers */
    FL_WINDOW_SWITCHED /* the same when "use_sliding_window", from "max_window_layers" on */
};

struct fl_family {
    const char *name;         /* "model_type" */
    const char *architecture; /* the one of "architectures" */
    const struct fl_family_size *sizes;
    const char *eps; /* the key of norm_eps */
    double eps_missing;
    const char *act;        /* the key of the activation, */
    const char *acts;       /* its words for enum fl_act, "a|b|c"; "-" for what it cannot have */
    struct fl_config fixed; /* switches that are the same in all models of it */
    bool tied;              /* when "tie_word_embeddings" is missing */
    struct fl_family_bias biases[2];
    enum fl_family_window window;
    uint32_t window_missing;
    const char *prefix;                     /* before names, but not that of the head */
    const struct fl_family_tensor *tensors; /* NULL: named as in nn/layout.h, and none is turned */
    const char *harmless;                   /* keys that change nothing that is computed, "|a|b|" */
};

/* Number I, or NULL after the last. The earlier ones are the more general. */
const struct fl_family *fl_family(size_t i);
const struct fl_family *fl_family_find(const char *name); /* or NULL (no error recorded) */

/* Where a parameter is in a family's files. */
struct fl_place {
    struct fl_tensor tensor; /* f32; its name without prefix; whole, also of several parameters */
    uint64_t first; /* of the tensor's rows (columns, when turned) that are the parameter's */
    bool turned;
};

/* Of parameter I of LAYOUT. */
void fl_family_place(const struct fl_family *f, const struct fl_layout *layout, size_t i,
                     struct fl_place *place);

/*
 * What the family calls the map that module MODULE (nn/adapter.h) of layer LAYER is, without its
 * prefix, into TEXT of SIZE bytes; false when it has no such map as one.
 */
bool fl_family_module_name(const struct fl_family *f, unsigned module, uint32_t layer, char *text,
                           size_t size);

/* The reverse: number of the module, or -1 (no error recorded). */
FL_MUST int fl_family_module(const struct fl_family *f, const char *name, uint32_t *layer);

/* The family's name for it in full: PREFIX before all but the head. TEXT has room for SIZE. */
const char *fl_family_full_name(const struct fl_family *f, const char *name, char *text,
                                size_t size);

/* NAME without the family's prefix. */
const char *fl_family_bare_name(const struct fl_family *f, const char *name);

#endif
