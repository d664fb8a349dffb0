/*
 * A model file opened for use: its weights, and the tokenizer it carries.
 */
#ifndef FL_NN_BUNDLE_H
#define FL_NN_BUNDLE_H

#include "nn/model.h"
#include "text/tokenizer.h"

struct fl_bundle { /* a zeroed struct is released */
    struct fl_object *object;
    struct fl_model *model;
    struct fl_tokenizer *tokenizer;
};

/*
 * -1 when PATH is no whole model, has no tokenizer, or one with more ids than the model. Memory:
 * the weights; the file stays mapped until fl_bundle_release.
 */
int fl_bundle_open(struct fl_bundle *b, const char *path);
void fl_bundle_release(struct fl_bundle *b);

#endif
