/*
 * A model: a layout of parameters (nn/layout.h), and their numbers in memory.
 *
 * A parameter has the dtype of its file [fl_param.dtype] and one in memory [fl_stored.dtype]. To
 * use a model, its matrices stay as they are stored; to train it, what is trained is f32, the
 * master weights, and what is frozen stays [fl_model_to_train]. Files are written in their dtypes
 * again, rounded to nearest, ties to even. Blocks of 8 bits (q8_0) are frozen always.
 */
#ifndef FL_NN_MODEL_H
#define FL_NN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "flt/object.h"
#include "flt/schema.h"
#include "flt/writer.h"
#include "nn/adapter.h"
#include "nn/layout.h"

/* Which parameters, and as what. */
enum fl_extent {
    FL_WEIGHTS, /* all but an adapter's, in the dtypes of the model's file */
    FL_ADAPTER, /* an adapter's, in those of its own */
    FL_TRAINED  /* the trained ones, f32 */
};

/*
 * Files of other tools that a model may carry beside its numbers, each a u8 vector of that name, so
 * that it can be given back whole (fl-export); NULL ends the list. Only the first is read here.
 */
extern const char *const fl_model_files[];

struct fl_model {
    struct fl_layout layout;
    struct fl_stored *stored; /* (layout.count,); data are NULL before memory is taken */
    void *memory; /* they lie here in the layout's order; all f32: an array by its offsets */
};

/* A model of a checked config, f32, not filled in; NULL with an error. free(NULL) is fine. */
struct fl_model *fl_model_new(const struct fl_config *c);

/* The same without memory for numbers: to check a file by before that is taken. */
struct fl_model *fl_model_table(const struct fl_config *c);
void fl_model_free(struct fl_model *m);

/* Take memory for the numbers, in the dtypes of m->stored, if there is none yet. 0 or -1. */
FL_MUST int fl_model_take_memory(struct fl_model *m);

/* The bytes of that, within some hundred. */
size_t fl_model_bytes(const struct fl_model *m);

/* The numbers of P, which are f32 in memory. */
float *fl_model_floats(const struct fl_model *m, const struct fl_param *p);

/*
 * Seeded first weights of an f32 model, the same bytes on every machine: gains 1, biases 0;
 * matrices normal with standard deviation s = 0.02 sqrt(768 / C); o_proj and down_proj, which end
 * in the residual stream, s / sqrt(2 L). (Radford et al. 2019, whose C is 768. A small model with
 * 0.02 takes many times as long to leave the plateau where it only knows how frequent each token
 * is.) Parameter number p is sequence p of SEED.
 */
void fl_model_init(struct fl_model *m, uint64_t seed);

/*
 * The model in an object, without its numbers: config and tensor table are checked against each
 * other before memory is taken. Tensors may be f32, f16 or bf16, and those that narrow q8_0, in any
 * order; beside them fl_model_files are allowed. NULL with an error that names the file.
 */
struct fl_model *fl_model_open(const struct fl_object *o);

/*
 * Before memory is taken: put the adapter A beside the model [fl_adapter_extend], which is frozen;
 * O is its file. 0 or -1.
 */
FL_MUST int fl_model_adapt(struct fl_model *m, const struct fl_adapter *a,
                           const struct fl_object *o);

/*
 * Before memory is taken: what is trained [fl_layout_trainables] will be f32 in it. -1 when it is
 * q8_0 in its file, in whose blocks the steps of a training are lost.
 */
FL_MUST int fl_model_to_train(struct fl_model *m);

/*
 * Take memory and fill it with the numbers of O, which the model was opened from. A value that is
 * not finite is refused with its tensor's name. What was read of O does not stay in memory. 0 or
 * -1.
 */
FL_MUST int fl_model_fill(struct fl_model *m, struct fl_object *o);

/* All of it, as it is stored. NULL with an error. */
struct fl_model *fl_model_load(struct fl_object *o);

/*
 * O has the parameters of M, as above, and besides them at most fl_model_files. Payloads are not
 * looked at. -1 with an error.
 */
FL_MUST int fl_model_match(const struct fl_model *m, const struct fl_object *o);

/* The round that a model came out of, 0 when it does not say; -1 when that is no number. */
FL_MUST int fl_model_round(const struct fl_object *o, int64_t *round);

/* Add parameters of M to S, as tensors named PREFIX + the parameter's name. 0 or -1. */
FL_MUST int fl_model_schema(const struct fl_model *m, const char *prefix, enum fl_extent which,
                            struct fl_schema *s);

/* Numbers of parameters, and what comes before their names. */
struct fl_model_values {
    const struct fl_model *m;
    const char *prefix; /* "m/" for a moment in a checkpoint */
    enum fl_extent which;
    float *values; /* an array over the trained ones; NULL: the model's own */
};

/*
 * Fill them with the tensors of O, which was matched with fl_model_schema before. -1 with an error
 * when a value is damaged or not finite. What was read of O does not stay in memory.
 */
FL_MUST int fl_model_read(const struct fl_model_values *v, struct fl_object *o);

/* Write them, in the model's order. */
FL_MUST int fl_model_write_values(const struct fl_model_values *v, struct fl_writer *w);

/* Add what these take in a stream, uncompressed, to *BYTES; VALUES is not looked at. 0 or -1. */
FL_MUST int fl_model_size_values(const struct fl_model_values *v, uint64_t *bytes);

/*
 * A whole object of kind model: metadata (META's keys, and arch.* of the config), the weights, and
 * the tokenizer's LEN bytes as tokenizer.json (none when LEN is 0). META may be NULL.
 */
FL_MUST int fl_model_write(const struct fl_model *m, struct fl_writer *w,
                           const struct fl_meta *meta, const void *tokenizer, size_t len);

#endif
