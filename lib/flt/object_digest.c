/*
 * Digests of an object's content: the leaves of all payloads, made by all threads while they
 * compare each block with its table, and then hashed in order with the bodies of its records.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/search.h"
#include "flt/object_state.h"
#include "flt/record.h"

void
fl_leaves_free(struct fl_leaves *l)
{
    if (!l)
        return;
    free(l->first);
    free(l->hashes);
    free(l->room);
    free(l);
}

static bool
begins_by(const void *first, const void *n)
{
    return *(const uint64_t *)first <= *(const uint64_t *)n;
}

/* The entry that leaf number N belongs to: the last that begins at N or before. */
static size_t
entry_of_leaf(const struct fl_leaves *l, uint64_t n)
{
    return fl_search(l->first, l->o->count, sizeof *l->first, &n, begins_by) - 1;
}

static void
make_leaves(void *arg, size_t group, int worker)
{
    struct fl_leaves *l = arg;
    const uint64_t first = group * FL_LEAVES, all = l->first[l->o->count];
    const size_t count = fl_piece(all - first, FL_LEAVES);
    const unsigned char *data[FL_LEAVES] = {0};
    size_t lens[FL_LEAVES] = {0};
    unsigned char *room = l->room ? l->room + (size_t)worker * FL_LEAVES * FL_FLT_BLOCK : NULL;
    uint64_t bytes = 0;

    for (size_t k = 0; k < count; k++) {
        uint64_t n = first + k, none = UINT64_MAX;
        size_t i = entry_of_leaf(l, n);
        if (fl_object_block(l->o, &l->o->entries[i], n - l->first[i],
                            room ? room + k * FL_FLT_BLOCK : NULL, &data[k], &lens[k])) {
            atomic_compare_exchange_strong(&l->bad, &none, n);
            return;
        }
        bytes += lens[k];
    }
    fl_digest_leaves(l->hashes + first * FL_HASH_BYTES, data, lens, count);
    for (size_t k = 0; k < count; k++)
        fl_object_forget_around(l->o, data[k], lens[k]);
    uint64_t done = atomic_fetch_add(&l->done, bytes) + bytes;
    if (worker == 0) /* the caller's thread */
        fl_progress_show(l->progress, done, "%s", l->o->name);
}

/* Memory of the leaves of O, which THREADS make. */
static struct fl_leaves *
new_leaves(const struct fl_object *o, int threads)
{
    struct fl_leaves *l = fl_alloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->o = o;
    l->bad = UINT64_MAX;
    l->first = fl_alloc(o->count + 1, sizeof *l->first);
    for (size_t i = 0; l->first && i < o->count; i++)
        l->first[i + 1] = l->first[i] + fl_blocks(o->entries[i].bytes);
    l->hashes = l->first ? fl_alloc((size_t)l->first[o->count], FL_HASH_BYTES) : NULL;
    if (l->hashes && o->sealed)
        l->room = fl_alloc_aligned((size_t)threads * FL_LEAVES, FL_FLT_BLOCK);
    if (l->hashes && (!o->sealed || l->room))
        return l;
    fl_leaves_free(l);
    return NULL;
}

/* Errors are each thread's own: the first block that was found damaged is looked at again. */
static int
tell_bad(const struct fl_leaves *l)
{
    const size_t i = entry_of_leaf(l, l->bad);
    const struct fl_entry *e = &l->o->entries[i];
    const unsigned char *data;
    size_t len;

    if (fl_object_block(l->o, e, l->bad - l->first[i], l->room, &data, &len))
        return -1;
    return fl_error(FL_FAILED, "%s: was changed while it was read; start again", l->o->name);
}

static int
need_leaves(struct fl_object *o, struct fl_pool *pool)
{
    struct fl_progress progress;

    if (o->leaves)
        return 0;
    struct fl_leaves *l = new_leaves(o, fl_pool_threads(pool));
    if (!l)
        return -1;
    l->progress = &progress;
    fl_progress_start(&progress, "digest", "B", fl_object_total(o));
    fl_pool_run(pool, (size_t)(l->first[o->count] + FL_LEAVES - 1) / FL_LEAVES, make_leaves, l);
    fl_progress_clear(&progress);
    if (l->bad != UINT64_MAX) {
        tell_bad(l);
        fl_leaves_free(l);
        return -1;
    }
    free(l->room);
    l->room = NULL;
    o->leaves = l;
    return 0;
}

/* HEAD's and every TENS' body are encoded again: the same content gives the same bytes. */
static int
digest_bodies(const struct fl_object *o, struct fl_digest *d)
{
    struct fl_buf body = {0};
    int result = fl_head_encode(o->head.kind, &o->head.meta, &body);

    if (!result)
        fl_digest_body(d, body.data, body.len);
    for (size_t i = 0; !result && i < o->count; i++) {
        fl_buf_clear(&body);
        if (!(result = fl_tensor_encode(&o->entries[i].tensor, &body)))
            fl_digest_body(d, body.data, body.len);
    }
    fl_buf_release(&body);
    return result;
}

int
fl_object_digest(struct fl_object *o, struct fl_pool *pool, unsigned char digest[32])
{
    struct fl_digest d;

    if (!o->digested) {
        fl_digest_init(&d);
        if (need_leaves(o, pool) || digest_bodies(o, &d))
            return -1;
        for (uint64_t n = 0; n < o->leaves->first[o->count]; n++)
            fl_digest_add_leaf(&d, o->leaves->hashes + n * FL_HASH_BYTES);
        fl_digest_final(&d, o->head.kind, NULL, o->digest);
        o->digested = true;
    }
    memcpy(digest, o->digest, FL_HASH_BYTES);
    return 0;
}

int
fl_object_params(struct fl_object *o, struct fl_pool *pool, unsigned char params[32])
{
    unsigned char part[FL_HASH_BYTES];
    struct fl_hash schema, payload, all;

    if (need_leaves(o, pool))
        return -1;
    fl_hash_init(&schema, NULL, "fl1.schema");
    fl_hash_init(&payload, NULL, "fl1.payload");
    for (size_t i = 0; i < o->count; i++) {
        if (!fl_dtype_is_float(o->entries[i].tensor.dtype))
            continue;
        fl_tensor_hash(&schema, &o->entries[i].tensor);
        for (uint64_t n = o->leaves->first[i]; n < o->leaves->first[i + 1]; n++)
            fl_hash_add(&payload, o->leaves->hashes + n * FL_HASH_BYTES, FL_HASH_BYTES);
    }
    fl_hash_init(&all, NULL, "fl1.params");
    fl_hash_final(&schema, part);
    fl_hash_add(&all, part, sizeof part);
    fl_hash_final(&payload, part);
    fl_hash_add(&all, part, sizeof part);
    const struct fl_meta_item *base = fl_meta_find(&o->head.meta, "base.params");
    if (base && base->type == FL_META_BYTES && !strcmp(o->head.kind, FL_KIND_ADAPTER))
        fl_hash_add(&all, base->value.bytes, base->count);
    fl_hash_final(&all, params);
    return 0;
}

int
fl_object_tensor_digest(struct fl_object *o, size_t i, struct fl_pool *pool,
                        unsigned char digest[32])
{
    struct fl_hash payload;

    if (need_leaves(o, pool))
        return -1;
    fl_hash_init(&payload, NULL, "fl1.payload");
    for (uint64_t n = o->leaves->first[i]; n < o->leaves->first[i + 1]; n++)
        fl_hash_add(&payload, o->leaves->hashes + n * FL_HASH_BYTES, FL_HASH_BYTES);
    fl_hash_final(&payload, digest);
    return 0;
}
