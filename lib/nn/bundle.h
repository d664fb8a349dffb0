/*
 * A model file opened for use: the model, and the tokenizer it carries.
 */
#ifndef FL_NN_BUNDLE_H
#define FL_NN_BUNDLE_H

#include "base/must.h"
#include "nn/data.h"
#include "nn/model.h"
#include "text/tokenizer.h"

struct fl_bundle { /* a zeroed struct is released */
    struct fl_object *object;
    struct fl_model *model;
    struct fl_tokenizer *tokenizer;
};

/*
 * -1 when PATH is no whole model, has no tokenizer, or one with more ids than the model. The
 * model's numbers are not in memory yet; the file stays mapped until fl_bundle_release.
 */
FL_MUST int fl_bundle_look(struct fl_bundle *b, const char *path);

/* The same with the numbers as they are stored. */
FL_MUST int fl_bundle_open(struct fl_bundle *b, const char *path);
void fl_bundle_release(struct fl_bundle *b);

/*
 * The shards in COUNT files (fl_data_add; NULL: standard input), in the order of their digests.
 * NULL when one is not made for this model or is there twice. It borrows from the bundle.
 */
struct fl_data *fl_bundle_data(const struct fl_bundle *b, const char *const *paths, size_t count);

#endif
