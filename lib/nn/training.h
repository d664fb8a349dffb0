/*
 * The settings of a training that are not of its steps.
 */
#ifndef FL_NN_TRAINING_H
#define FL_NN_TRAINING_H

#include "base/buf.h"
#include "base/must.h"
#include "flt/meta.h"
#include "nn/trainer.h"

/* What a checkpoint must have been made with: all that changes a byte of the result. 0 or -1. */
FL_MUST int fl_training_describe(struct fl_meta *m, const struct fl_training *t);

/* In which mode the engine of T computes. */
enum fl_engine_mode fl_training_mode(const struct fl_training *t, bool recompute);

/*
 * Set what R leaves open of precision, for a model whose dtypes and frozen parts are known: bf16
 * where all that is multiplied beside adapters is frozen and bf16, and this machine multiplies it;
 * else f32. -1 (FL_USAGE) where bf16 is asked for and is not possible: to emulate it would take
 * longer than f32, and whoever asked for it wanted it faster.
 */
FL_MUST int fl_precision_fill(struct fl_recipe *r, const struct fl_model *m);

/*
 * Set what T's recipe leaves open (fl_precision_fill, fl_hide_fill), and how often it reports. T's
 * model, data, recipe are set. Where the data are too few for what was asked, a line of ADVICE says
 * what became of it: one recipe serves sites of all sizes.
 */
FL_MUST int fl_training_fill(struct fl_training *t, struct fl_buf *advice);

#endif
