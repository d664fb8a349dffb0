/*
 * Opening takes at most two passes: the records of a mappable file are indexed, payloads hopped
 * over [read_index]; a pipe or a compressed stream is first written raw to a spool [spool_raw],
 * which is then indexed. A payload is compared with its table when it is asked for [check_entry],
 * or with all others by the threads that make the digest [make_leaf].
 */
#include "flt/object.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/choice.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/search.h"
#include "flt/check.h"
#include "flt/digest.h"
#include "flt/reader.h"
#include "flt/record.h"
#include "flt/writer.h"
#include "os/file.h"
#include "os/progress.h"

struct entry {
    struct fl_tensor tensor;
    uint64_t at, bytes; /* payload in the map */
    bool checked;
};

/*
 * The leaves of the digest, one for each block of each payload: computed once, for the digest of
 * the object and for that of a model's numbers.
 */
struct leaves {
    uint64_t *first;       /* (tensors + 1) leaf number at which each tensor begins */
    unsigned char *hashes; /* FL_HASH_BYTES each */
    const struct fl_object *o;
    _Atomic uint64_t bad;  /* number of a leaf whose block is damaged, or ~0 */
    _Atomic uint64_t done; /* bytes */
    struct fl_progress *progress;
};

/* qsort and bsearch have no argument for context, so the name comes along with the index. */
struct named {
    const char *name;
    size_t index;
};

struct fl_object {
    char *name;
    struct fl_head head;
    struct entry *entries;
    size_t count, cap;
    struct named *by_name; /* the entries, sorted */
    struct fl_sign *signs;
    size_t sign_count, sign_cap;
    unsigned char *map;
    size_t map_len;
    struct leaves *leaves; /* NULL before they are needed */
    bool digested;
    unsigned char digest[FL_HASH_BYTES];
};

static void
free_leaves(struct leaves *l)
{
    if (!l)
        return;
    free(l->first);
    free(l->hashes);
    free(l);
}

void
fl_object_free(struct fl_object *o)
{
    if (!o)
        return;
    free_leaves(o->leaves);
    for (size_t i = 0; i < o->count; i++)
        fl_meta_release(&o->entries[i].tensor.attrs);
    fl_meta_release(&o->head.meta);
    fl_unmap(o->map, o->map_len);
    free(o->entries);
    free(o->by_name);
    free(o->signs);
    free(o->name);
    free(o);
}

static int
add_entry(struct fl_object *o, struct fl_reader *in, const struct fl_tensor *tensor)
{
    uint64_t elements;
    struct entry *entries = fl_grow(o->entries, o->count, &o->cap, sizeof *entries);

    if (!entries)
        return -1;
    o->entries = entries;
    struct entry *e = &entries[o->count];
    memset(e, 0, sizeof *e);
    e->tensor = *tensor;
    e->at = fl_reader_payload_offset(in);
    if (fl_meta_copy(&e->tensor.attrs, &tensor->attrs) ||
        fl_tensor_size(tensor, &elements, &e->bytes))
        return -1;
    o->count++;
    return 0;
}

static int
add_sign(struct fl_object *o, const struct fl_sign *sign)
{
    struct fl_sign *signs = fl_grow(o->signs, o->sign_count, &o->sign_cap, sizeof *signs);

    if (!signs)
        return -1;
    o->signs = signs;
    signs[o->sign_count++] = *sign;
    return 0;
}

static int
next_object(struct fl_reader *in, const char *kind, const struct fl_head **head)
{
    return kind ? fl_reader_expect(in, kind, head) : fl_reader_object(in, head);
}

/*
 * Note head, tensors and signatures of the object that IN reads, hopping over payloads. Returns 1
 * when a tensor is compressed (and stops there), else 0 or -1.
 */
static int
read_index(struct fl_object *o, struct fl_reader *in, const char *kind)
{
    const struct fl_head *head;
    const struct fl_tensor *tensor;
    const struct fl_sign *sign;
    int got = next_object(in, kind, &head);

    if (got <= 0)
        return -1;
    memcpy(o->head.kind, head->kind, sizeof o->head.kind);
    if (fl_meta_copy(&o->head.meta, &head->meta))
        return -1;
    while ((got = fl_reader_tensor(in, &tensor)) == 1) {
        if (fl_reader_packed(in))
            return 1;
        if (add_entry(o, in, tensor))
            return -1;
    }
    while (got == 0 && (got = fl_reader_sign(in, &sign)) == 1)
        if (add_sign(o, sign))
            return -1;
        else
            got = 0;
    if (got < 0)
        return -1;
    if (fl_reader_object(in, &head) != 0)
        return fl_error(FL_FAILED, "%s: has more than one object; one is expected",
                        fl_reader_name(in));
    return 0;
}

static int
copy_tensors(struct fl_reader *in, struct fl_writer *out)
{
    const struct fl_tensor *tensor;
    const unsigned char *data;
    size_t len;
    int got;

    while ((got = fl_reader_tensor(in, &tensor)) == 1) {
        if (fl_writer_tensor(out, tensor))
            return -1;
        while ((got = fl_reader_block(in, &data, &len)) == 1)
            if (fl_writer_data(out, data, len))
                return -1;
        if (got < 0)
            return -1;
    }
    return got < 0 ? -1 : fl_writer_done(out);
}

/* All that IN has, raw and checked, into a spool: a descriptor at 0, or -1. */
static int
spool_raw(struct fl_reader *in, const char *kind)
{
    const struct fl_head *head;
    const struct fl_sign *sign;
    int fd = fl_spool_open();
    struct fl_writer *out = fd < 0 ? NULL : fl_writer_new(fd, "temporary file", 0);
    int got = out ? 1 : -1;

    while (got == 1 && (got = next_object(in, kind, &head)) == 1) {
        if (fl_writer_head(out, head->kind, &head->meta) || copy_tensors(in, out)) {
            got = -1;
            break;
        }
        while ((got = fl_reader_sign(in, &sign)) == 1)
            if (fl_writer_sign(out, sign)) {
                got = -1;
                break;
            }
        got = got < 0 ? -1 : 1;
    }
    fl_writer_free(out);
    if (got < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static void
forget_index(struct fl_object *o)
{
    for (size_t i = 0; i < o->count; i++)
        fl_meta_release(&o->entries[i].tensor.attrs);
    fl_meta_release(&o->head.meta);
    o->count = o->sign_count = 0;
}

/* Index FD, spooling it first when it cannot be mapped as it is; *FD may become the spool. */
static int
index_input(struct fl_object *o, int *fd, const char *kind)
{
    bool mappable = fl_regular_size(*fd) >= 0 && lseek(*fd, 0, SEEK_CUR) == 0;

    for (int pass = 0; pass < 2; pass++) {
        struct fl_reader *in = fl_reader_new(*fd, o->name);
        if (!in)
            return -1;
        fl_expect_hops(*fd, true);
        int got = mappable ? read_index(o, in, kind) : 1;
        fl_expect_hops(*fd, false);
        fl_reader_free(in);
        if (got <= 0)
            return got;
        forget_index(o);
        if (mappable && lseek(*fd, 0, SEEK_SET) < 0)
            return fl_error(FL_FAILED, "%s: cannot be read again", o->name);
        in = fl_reader_new(*fd, o->name);
        int spool = in ? spool_raw(in, kind) : -1;
        fl_reader_free(in);
        if (spool < 0)
            return -1;
        fl_close_input(*fd);
        *fd = spool;
        mappable = true;
    }
    return fl_error(FL_FAILED, "%s: cannot be mapped", o->name);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int
sort_names(struct fl_object *o)
{
    o->by_name = fl_alloc(o->count, sizeof *o->by_name);
    if (!o->by_name)
        return -1;
    for (size_t i = 0; i < o->count; i++)
        o->by_name[i] = (struct named){o->entries[i].tensor.name, i};
    qsort(o->by_name, o->count, sizeof *o->by_name, by_name);
    return 0;
}

/* What FD holds, which is closed. */
static struct fl_object *
open_fd(int fd, const char *name, const char *kind)
{
    struct fl_object *o = fl_alloc(1, sizeof *o);

    if (!o || !(o->name = fl_strdup(name))) {
        free(o);
        fl_close_input(fd);
        return NULL;
    }
    bool ok = !index_input(o, &fd, kind) && !sort_names(o);
    if (ok) {
        o->map_len = (size_t)fl_regular_size(fd);
        o->map = fl_map(fd, o->name, o->map_len);
    }
    fl_close_input(fd);
    if (!ok || !o->map) {
        fl_object_free(o);
        return NULL;
    }
    return o;
}

struct fl_object *
fl_object_open(const char *path, const char *kind)
{
    int fd = fl_open_input(path, true);

    return fd < 0 ? NULL : open_fd(fd, fl_input_name(path), kind);
}

struct fl_object *
fl_object_open_made(fl_object_maker *write, void *arg, const char *name, const char *kind)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fd < 0 ? NULL : fl_writer_new(fd, "temporary file", 0);
    int failed = !w || write(arg, w);

    fl_writer_free(w);
    if (!failed && lseek(fd, 0, SEEK_SET) < 0)
        failed = fl_error_errno(errno, "temporary file");
    if (!failed)
        return open_fd(fd, name, kind);
    if (fd >= 0)
        close(fd);
    return NULL;
}

const char *
fl_object_name(const struct fl_object *o)
{
    return o->name;
}

const struct fl_head *
fl_object_head(const struct fl_object *o)
{
    return &o->head;
}

size_t
fl_object_count(const struct fl_object *o)
{
    return o->count;
}

const struct fl_tensor *
fl_object_tensor(const struct fl_object *o, size_t i)
{
    return &o->entries[i].tensor;
}

uint64_t
fl_object_bytes(const struct fl_object *o, size_t i)
{
    return o->entries[i].bytes;
}

size_t
fl_object_sign_count(const struct fl_object *o)
{
    return o->sign_count;
}

const struct fl_sign *
fl_object_sign(const struct fl_object *o, size_t i)
{
    return &o->signs[i];
}

uint64_t
fl_object_total(const struct fl_object *o)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < o->count; i++)
        bytes += o->entries[i].bytes;
    return bytes;
}

int64_t
fl_object_find(const struct fl_object *o, const char *name)
{
    const struct named key = {.name = name}, *found;

    found = bsearch(&key, o->by_name, o->count, sizeof key, by_name);
    return found ? (int64_t)found->index : -1;
}

int64_t
fl_object_require(const struct fl_object *o, const char *name)
{
    int64_t found = fl_object_find(o, name);
    struct fl_nearest nearest;
    char hint[FL_FLT_NAME_MAX + 40];

    if (found >= 0)
        return found;
    fl_nearest_start(&nearest, name, strlen(name));
    for (size_t i = 0; i < o->count; i++)
        fl_nearest_try(&nearest, o->entries[i].tensor.name, strlen(o->entries[i].tensor.name));
    fl_nearest_hint(&nearest, "", hint, sizeof hint);
    return fl_error(FL_FAILED, "%s: has no tensor \"%s\"%s", o->name, name,
                    *hint ? hint : "; fl-info lists their names");
}

/* Block B of an entry against its table; fills *DATA and *LEN. False when it is damaged. */
static bool
block_is_whole(const struct fl_object *o, const struct entry *e, uint64_t b,
               const unsigned char **data, size_t *len)
{
    uint64_t left = e->bytes - b * FL_FLT_BLOCK;
    const unsigned char *table = o->map + e->at + e->bytes + fl_padding(e->at + e->bytes, 8);

    *data = o->map + e->at + b * FL_FLT_BLOCK;
    *len = fl_piece(left, FL_FLT_BLOCK);
    return fl_get64(table + 8 * b) == fl_check64(*data, *len);
}

static int
damaged(const struct fl_object *o, const struct entry *e, uint64_t b)
{
    fl_error(FL_FAILED, "%s: a block is damaged in tensor \"%s\" (block %llu, offset %llu)",
             o->name, e->tensor.name, (unsigned long long)b,
             (unsigned long long)(e->at + b * FL_FLT_BLOCK));
    return fl_error_cure(FL_CURE_DAMAGED);
}

enum { PAGES = 64 << 10 };         /* no system has larger ones, by default */
enum { KEPT = 16 * FL_FLT_BLOCK }; /* a tensor of this size stays in memory for who looks next */

void
fl_object_forget_part(const struct fl_object *o, size_t i, uint64_t from, uint64_t to)
{
    const uint64_t before = fl_min_u64(from, PAGES); /* a page that was kept for what followed */

    fl_map_forget(o->map + o->entries[i].at + (from - before), (size_t)(to - from + before));
}

/* Compare E with its table: all of its bytes are read, and few of its neighbours'. */
static int
check_entry(const struct fl_object *o, size_t i)
{
    const struct entry *e = &o->entries[i];
    const uint64_t ahead = (uint64_t)16 * FL_FLT_BLOCK;
    const unsigned char *payload = o->map + e->at, *data;
    uint64_t fetched = 0;
    size_t len;
    int result = 0;

    fl_map_read_ahead(payload, (size_t)e->bytes, false);
    for (uint64_t b = 0; !result && b < fl_blocks(e->bytes); b++) {
        uint64_t to = fl_min_u64(b * FL_FLT_BLOCK + ahead, e->bytes);
        fl_map_fetch(payload + fetched, (size_t)(to - fetched));
        fetched = to;
        if (!block_is_whole(o, e, b, &data, &len))
            result = damaged(o, e, b);
        if (e->bytes > KEPT)
            fl_object_forget_part(o, i, b * FL_FLT_BLOCK, b * FL_FLT_BLOCK + len);
    }
    fl_map_read_ahead(payload, (size_t)e->bytes, true);
    return result;
}

const void *
fl_object_data(struct fl_object *o, size_t i)
{
    static const _Alignas(64) unsigned char nothing[64];
    struct entry *e = &o->entries[i];

    if (!e->bytes)
        return nothing;
    if (!e->checked && check_entry(o, i))
        return NULL;
    e->checked = true;
    return o->map + e->at;
}

void
fl_object_forget(const struct fl_object *o, size_t i)
{
    fl_map_forget(o->map + o->entries[i].at, (size_t)o->entries[i].bytes);
}

int
fl_object_check(struct fl_object *o)
{
    struct fl_progress progress;
    uint64_t done = 0;
    int result = 0;

    fl_progress_start(&progress, "reading", "B", fl_object_total(o));
    for (size_t i = 0; !result && i < o->count; i++) {
        if (!o->entries[i].checked && (result = fl_object_data(o, i) ? 0 : -1) == 0)
            fl_object_forget(o, i);
        fl_progress_show(&progress, done += o->entries[i].bytes, "%s", o->name);
    }
    fl_progress_clear(&progress);
    return result;
}

/* LEN bytes at AT of the map, and pages beside them: other threads go on there in any order. */
static void
forget_around(const struct fl_object *o, size_t at, size_t len)
{
    const size_t from = at < PAGES ? 0 : at - PAGES;
    const size_t to = o->map_len - at - len < PAGES ? o->map_len : at + len + PAGES;

    fl_map_forget(o->map + from, to - from);
}

static bool
begins_by(const void *first, const void *n)
{
    return *(const uint64_t *)first <= *(const uint64_t *)n;
}

/* The entry that leaf number N belongs to: the last that begins at N or before. */
static size_t
entry_of_leaf(const struct leaves *l, uint64_t n)
{
    return fl_search(l->first, l->o->count, sizeof *l->first, &n, begins_by) - 1;
}

static void
make_leaves(void *arg, size_t group, int worker)
{
    struct leaves *l = arg;
    const uint64_t first = group * FL_LEAVES, all = l->first[l->o->count];
    const size_t count = fl_piece(all - first, FL_LEAVES);
    const unsigned char *data[FL_LEAVES] = {0};
    size_t lens[FL_LEAVES] = {0};
    uint64_t bytes = 0;

    for (size_t k = 0; k < count; k++) {
        uint64_t n = first + k, none = UINT64_MAX;
        size_t i = entry_of_leaf(l, n);
        if (!block_is_whole(l->o, &l->o->entries[i], n - l->first[i], &data[k], &lens[k])) {
            atomic_compare_exchange_strong(&l->bad, &none, n);
            return;
        }
        bytes += lens[k];
    }
    fl_digest_leaves(l->hashes + first * FL_HASH_BYTES, data, lens, count);
    for (size_t k = 0; k < count; k++)
        forget_around(l->o, (size_t)(data[k] - l->o->map), lens[k]);
    uint64_t done = atomic_fetch_add(&l->done, bytes) + bytes;
    if (worker == 0) /* the caller's thread */
        fl_progress_show(l->progress, done, "%s", l->o->name);
}

static int
need_leaves(struct fl_object *o, struct fl_pool *pool)
{
    struct fl_progress progress;

    if (o->leaves)
        return 0;
    struct leaves *l = fl_alloc(1, sizeof *l);
    if (!l)
        return -1;
    l->o = o;
    l->bad = UINT64_MAX;
    l->progress = &progress;
    l->first = fl_alloc(o->count + 1, sizeof *l->first);
    for (size_t i = 0; l->first && i < o->count; i++)
        l->first[i + 1] = l->first[i] + fl_blocks(o->entries[i].bytes);
    size_t count = l->first ? (size_t)l->first[o->count] : 0;
    l->hashes = l->first ? fl_alloc(count, FL_HASH_BYTES) : NULL;
    if (l->hashes) {
        fl_progress_start(&progress, "digest", "B", fl_object_total(o));
        fl_pool_run(pool, (count + FL_LEAVES - 1) / FL_LEAVES, make_leaves, l);
        fl_progress_clear(&progress);
    }
    if (l->hashes && l->bad == UINT64_MAX) {
        o->leaves = l;
        return 0;
    }
    if (l->hashes) {
        size_t i = entry_of_leaf(l, l->bad);
        damaged(o, &o->entries[i], l->bad - l->first[i]);
    }
    free_leaves(l);
    return -1;
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
