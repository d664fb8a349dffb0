/*
 * A model: a layout of parameters (nn/layout.h), and the weights that lie by it, in one array of
 * floats.
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
#include "nn/layout.h"

/* Which parameters, and of which kind of array. */
enum fl_extent {
    FL_WEIGHTS,        /* all, of an array of all */
    FL_TRAINED,        /* the trained ones, of an array over these */
    FL_TRAINED_WEIGHTS /* the trained ones, of an array of all */
};

/*
 * Files of other tools that a model may carry beside its numbers, each a u8 vector of that name, so
 * that it can be given back whole (fl-export); NULL ends the list. Only the first is read here.
 */
extern const char *const fl_model_files[];

struct fl_model {
    struct fl_layout layout;
    float *weights; /* (layout.size,), aligned to 64 bytes */
};

/* A model of a checked config, weights not filled in; NULL with an error. free(NULL) is fine. */
struct fl_model *fl_model_new(const struct fl_config *c);

/* The same without memory for weights (NULL): to check a file by before that is taken. */
struct fl_model *fl_model_table(const struct fl_config *c);
void fl_model_free(struct fl_model *m);

/*
 * Seeded first weights, the same bytes on every machine: gains 1, biases 0; matrices normal with
 * standard deviation s = 0.02 sqrt(768 / C); o_proj and down_proj, which end in the residual
 * stream, s / sqrt(2 L). (Radford et al. 2019, whose C is 768. A small model with 0.02 takes many
 * times as long to leave the plateau where it only knows how frequent each token is.) Parameter
 * number p is sequence p of SEED.
 */
void fl_model_init(struct fl_model *m, uint64_t seed);

/*
 * The model in an object: config and tensor table are checked against each other before memory for
 * the weights is taken. Tensors may be f32, f16 or bf16, in any order; beside them fl_model_files
 * are allowed. A value that is not finite is refused with its tensor's name. NULL with an error that
 * names the file.
 */
struct fl_model *fl_model_load(struct fl_object *o);

/*
 * O has the parameters of M, as above, and besides them at most fl_model_files. Payloads are not
 * looked at. -1 with an error.
 */
FL_MUST int fl_model_match(const struct fl_model *m, const struct fl_object *o);

/* The round that a model came out of, 0 when it does not say; -1 when that is no number. */
FL_MUST int fl_model_round(const struct fl_object *o, int64_t *round);

/* Add parameters of M to S, as f32 tensors named PREFIX + the parameter's name. 0 or -1. */
FL_MUST int fl_model_schema(const struct fl_model *m, const char *prefix, enum fl_extent which,
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
FL_MUST int fl_model_read(const struct fl_model_values *v, struct fl_object *o);

/* Write them as f32 tensors, in the model's order. */
FL_MUST int fl_model_write_values(const struct fl_model_values *v, struct fl_writer *w);

/* Add what these take in a stream, uncompressed, to *BYTES; VALUES may be NULL. 0 or -1. */
FL_MUST int fl_model_size_values(const struct fl_model_values *v, uint64_t *bytes);

/*
 * A whole object of kind model: metadata (META's keys, and arch.* of the config), the weights, and
 * the tokenizer's LEN bytes as tokenizer.json (none when LEN is 0). META may be NULL.
 */
FL_MUST int fl_model_write(const struct fl_model *m, struct fl_writer *w,
                           const struct fl_meta *meta, const void *tokenizer, size_t len);

#endif
