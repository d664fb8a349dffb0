/*
 * What has to hold between the parts of a model file is checked here for all programs: its
 * tokenizer has no more ids than the model, and shards were made with that tokenizer.
 */
#include "nn/bundle.h"

#include "base/error.h"

int
fl_bundle_look(struct fl_bundle *b, const char *path)
{
    *b = (struct fl_bundle){.object = fl_object_open(path, FL_KIND_MODEL)};
    if (b->object)
        b->model = fl_model_open(b->object);
    if (b->model)
        b->tokenizer = fl_tokenizer_from_object(b->object);
    if (b->model && b->tokenizer) {
        if (fl_tokenizer_vocab(b->tokenizer) <= b->model->layout.config.vocab)
            return 0;
        fl_error(FL_FAILED,
                 "%s: its tokenizer has %lu ids and the model %lu; the two do not belong together",
                 fl_object_name(b->object), (unsigned long)fl_tokenizer_vocab(b->tokenizer),
                 (unsigned long)b->model->layout.config.vocab);
    }
    fl_bundle_release(b);
    return -1;
}

int
fl_bundle_adapt(struct fl_bundle *b, struct fl_object *adapter, struct fl_pool *pool)
{
    const char *model = fl_object_name(b->object);
    unsigned char params[FL_HASH_BYTES];
    struct fl_adapter a;

    b->adapter = adapter;
    if (fl_adapter_read(&a, adapter))
        return -1;
    bool says = fl_meta_find(&fl_object_head(adapter)->meta, "base.params");
    int failed = (says && (fl_object_params(b->object, pool, params) ||
                           fl_adapter_check_base(adapter, params, model))) ||
                 fl_adapter_fits(&a, fl_object_name(adapter), &b->model->layout, model) ||
                 fl_model_adapt(b->model, &a, adapter);
    fl_adapter_release(&a);
    return failed ? -1 : 0;
}

struct fl_object *
fl_bundle_trained(const struct fl_bundle *b)
{
    return b->adapter ? b->adapter : b->object;
}

int
fl_bundle_fill(struct fl_bundle *b)
{
    const struct fl_model_values adapter = {b->model, "", FL_ADAPTER, NULL};

    return fl_model_fill(b->model, b->object) || (b->adapter && fl_model_read(&adapter, b->adapter))
               ? -1
               : 0;
}

int
fl_bundle_open(struct fl_bundle *b, const char *path, const char *adapter)
{
    struct fl_object *a = NULL;

    if (fl_bundle_look(b, path))
        return -1;
    if ((!adapter ||
         ((a = fl_object_open(adapter, FL_KIND_ADAPTER)) && !fl_bundle_adapt(b, a, NULL))) &&
        !fl_bundle_fill(b))
        return 0;
    fl_bundle_release(b);
    return -1;
}

void
fl_bundle_release(struct fl_bundle *b)
{
    fl_tokenizer_free(b->tokenizer);
    fl_model_free(b->model);
    fl_object_free(b->adapter);
    fl_object_free(b->object);
    *b = (struct fl_bundle){0};
}

struct fl_data *
fl_bundle_data(const struct fl_bundle *b, const char *const *paths, size_t count)
{
    unsigned char tokenizer[FL_HASH_BYTES];

    fl_tokenizer_digest(b->tokenizer, tokenizer);
    struct fl_data *d = fl_data_new(tokenizer, b->model->layout.config.vocab,
                                    fl_tokenizer_marks(b->tokenizer));
    for (size_t i = 0; d && i < count; i++)
        if (fl_data_add(d, paths[i])) {
            fl_data_free(d);
            return NULL;
        }
    if (d && fl_data_sort(d)) {
        fl_data_free(d);
        return NULL;
    }
    return d;
}
