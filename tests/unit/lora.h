/* Adapters with seeded values, as objects in unlinked files, for tests. Failures are CHECKs. */
#ifndef FL_TEST_LORA_H
#define FL_TEST_LORA_H

#include "math/random.h"
#include "nn/adapter.h"
#include "spool.h"

struct lora_map {
    const char *module; /* NULL ends a list */
    uint32_t layer, rank;
};

/* The maps of LIST in a model of LAYOUT. */
static inline void
lora_maps(struct fl_adapter *a, const struct fl_layout *layout, const struct lora_map *list)
{
    for (; list->module; list++) {
        struct fl_adapter_map map = {.layer = list->layer, .rank = list->rank};
        int found = fl_module_find(list->module);
        CHECK(found >= 0);
        map.module = (unsigned)found;
        CHECK(fl_module_sizes(layout, map.module, map.layer, &map.in, &map.out));
        CHECK(!fl_adapter_add(a, &map));
    }
}

static inline void
lora_tensor(const struct fl_tensor *t, uint64_t sequence, double std, struct fl_writer *w)
{
    uint64_t count, bytes;
    CHECK(!fl_tensor_size(t, &count, &bytes) && !fl_writer_tensor(w, t));
    float *values = malloc((size_t)count * sizeof *values);
    uint16_t *halves = malloc((size_t)count * sizeof *halves);
    fl_random_normal(77, sequence, 0, values, count, std);
    for (uint64_t i = 0; i < count; i++) { /* the upper half: a bf16, cut off */
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    CHECK(!fl_writer_data(w, t->dtype == FL_BF16 ? (void *)halves : (void *)values, bytes));
    free(values);
    free(halves);
}

/* A as an object, normally distributed values in DTYPE, and the keys of META. */
static inline struct fl_object *
lora_object(const struct fl_adapter *a, const struct fl_meta *meta, double std, enum fl_dtype dtype)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "adapter", 0);
    struct fl_meta all = {0};

    CHECK(w && (!meta || !fl_meta_copy(&all, meta)) && !fl_adapter_to_meta(a, &all) &&
          !fl_writer_head(w, FL_KIND_ADAPTER, &all));
    for (size_t i = 0; i < a->count; i++) {
        struct fl_tensor t[2];
        fl_adapter_tensors(a, i, &t[0], &t[1]);
        for (size_t k = 0; k < 2; k++) {
            t[k].dtype = dtype;
            lora_tensor(&t[k], 2 * i + k, std, w);
        }
    }
    CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    fl_meta_release(&all);
    struct fl_object *o = spool_open(fd, FL_KIND_ADAPTER);
    CHECK(o != NULL);
    close(fd);
    return o;
}

#endif
