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
    struct fl_object *adapter; /* or NULL */
};

/*
 * -1 when PATH is no whole model, has no tokenizer, or one with more ids than the model. The
 * model's numbers are not in memory yet; the file stays mapped until fl_bundle_release.
 */
FL_MUST int fl_bundle_look(struct fl_bundle *b, const char *path);

/*
 * Put ADAPTER, of kind adapter, beside the model that was looked at; it is the bundle's from now
 * on, also after a failure. What is trained is the adapter then. -1: FL_REFUSED when it belongs to
 * another model. POOL, for digests, may be NULL.
 */
FL_MUST int fl_bundle_adapt(struct fl_bundle *b, struct fl_object *adapter, struct fl_pool *pool);

/* What updates are of: the adapter, or the model. */
struct fl_object *fl_bundle_trained(const struct fl_bundle *b);

/* The numbers into memory, as they are stored, or in f32 after fl_model_to_train. */
FL_MUST int fl_bundle_fill(struct fl_bundle *b);

/* Look and fill, with the adapter in the file ADAPTER beside it unless that is NULL. */
FL_MUST int fl_bundle_open(struct fl_bundle *b, const char *path, const char *adapter);
void fl_bundle_release(struct fl_bundle *b);

/*
 * The shards in COUNT files (fl_data_add; NULL: standard input), in the order of their digests.
 * NULL when one is not made for this model or is there twice. It borrows from the bundle.
 */
struct fl_data *fl_bundle_data(const struct fl_bundle *b, const char *const *paths, size_t count);

#endif
