/*
 * The records of a mappable file are indexed, payloads hopped over [read_index]; of a pipe or a
 * compressed stream they are indexed while the payloads go into a sealed file [seal_index]. A
 * payload of a map is compared with its table when it is first asked for [check_entry], or with all
 * others by those who make the digest; what is sealed was checked on its way in.
 */
#include "flt/object.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/choice.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/check.h"
#include "flt/object_state.h"
#include "flt/reader.h"
#include "flt/record.h"
#include "os/file.h"

static void
forget_index(struct fl_object *o)
{
    for (size_t i = 0; i < o->count; i++) {
        fl_meta_release(&o->entries[i].tensor.attrs);
        free(o->entries[i].own);
    }
    fl_meta_release(&o->head.meta);
    o->count = o->sign_count = 0;
}

void
fl_object_free(struct fl_object *o)
{
    if (!o)
        return;
    fl_leaves_free(o->leaves);
    forget_index(o);
    fl_unmap(o->map, o->map_len);
    fl_sealed_free(o->sealed);
    free(o->entries);
    free(o->by_name);
    free(o->signs);
    free(o->name);
    free(o);
}

static int
add_entry(struct fl_object *o, const struct fl_tensor *tensor, uint64_t at)
{
    uint64_t elements;
    struct fl_entry *entries = fl_grow(o->entries, o->count, &o->cap, sizeof *entries);

    if (!entries)
        return -1;
    o->entries = entries;
    struct fl_entry *e = &entries[o->count];
    memset(e, 0, sizeof *e);
    e->tensor = *tensor;
    e->at = at;
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

/* The payload that IN reads, raw and checked. */
static int
seal_payload(struct fl_object *o, struct fl_reader *in)
{
    const unsigned char *data;
    size_t len;
    int got;

    while ((got = fl_reader_block(in, &data, &len)) == 1)
        if (fl_sealed_add(o->sealed, data, len))
            return -1;
    return got;
}

/*
 * Note head, tensors and signatures of the object that IN reads, hopping over payloads, or sealing
 * them. Returns 1 when a tensor is compressed and is not sealed (and stops there), else 0 or -1.
 */
static int
read_index(struct fl_object *o, struct fl_reader *in, const char *kind)
{
    const struct fl_head *head;
    const struct fl_tensor *tensor;
    const struct fl_sign *sign;
    int got = kind ? fl_reader_expect(in, kind, &head) : fl_reader_object(in, &head);

    if (got <= 0)
        return -1;
    memcpy(o->head.kind, head->kind, sizeof o->head.kind);
    if (fl_meta_copy(&o->head.meta, &head->meta))
        return -1;
    while ((got = fl_reader_tensor(in, &tensor)) == 1) {
        if (!o->sealed && fl_reader_packed(in))
            return 1;
        if (o->sealed ? add_entry(o, tensor, fl_sealed_size(o->sealed)) || seal_payload(o, in)
                      : add_entry(o, tensor, fl_reader_payload_offset(in)))
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

/* Index what FD has: 0; 1: it cannot be mapped as it is, and is at its beginning again; -1. */
static int
try_map(struct fl_object *o, int fd, const char *kind)
{
    if (fl_regular_size(fd) < 0 || lseek(fd, 0, SEEK_CUR) != 0)
        return 1;
    struct fl_reader *in = fl_reader_new(fd, o->name);
    if (!in)
        return -1;
    fl_expect_hops(fd, true);
    int got = read_index(o, in, kind);
    fl_expect_hops(fd, false);
    fl_reader_free(in);
    if (got < 0)
        return -1;
    if (got == 0) {
        o->map_len = (size_t)fl_regular_size(fd);
        o->map = fl_map(fd, o->name, o->map_len);
        return o->map ? 0 : -1;
    }
    forget_index(o);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return fl_error(FL_FAILED, "%s: cannot be read again", o->name);
    return 1;
}

static int
seal(struct fl_object *o, int fd, const char *kind)
{
    struct fl_reader *in = fl_reader_new(fd, o->name);
    int failed = !in || !(o->sealed = fl_sealed_new()) || read_index(o, in, kind);

    fl_reader_free(in);
    return failed ? -1 : 0;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct fl_entry_name *)a)->name, ((const struct fl_entry_name *)b)->name);
}

static int
sort_names(struct fl_object *o)
{
    o->by_name = fl_alloc(o->count, sizeof *o->by_name);
    if (!o->by_name)
        return -1;
    for (size_t i = 0; i < o->count; i++)
        o->by_name[i] = (struct fl_entry_name){o->entries[i].tensor.name, i};
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
    int got = try_map(o, fd, kind);
    if (got == 1)
        got = seal(o, fd, kind);
    if (!got)
        got = sort_names(o);
    fl_close_input(fd);
    if (!got)
        return o;
    fl_object_free(o);
    return NULL;
}

struct fl_object *
fl_object_open(const char *path, const char *kind)
{
    int fd = fl_open_input(path, true);

    return fd < 0 ? NULL : open_fd(fd, fl_input_name(path), kind);
}

/* A thread that writes into a pipe; what it says went wrong. */
struct maker {
    fl_object_maker *write;
    void *arg;
    int fd;
    bool failed;
    struct fl_error_copy error;
};

static void *
make(void *arg)
{
    struct maker *m = arg;
    struct fl_writer *w = fl_writer_new(m->fd, "the object", 0);

    m->failed = !w || m->write(m->arg, w);
    if (m->failed)
        fl_error_save(&m->error);
    fl_writer_free(w);
    close(m->fd); /* the reader sees the end, or that it comes too early */
    return NULL;
}

struct fl_object *
fl_object_open_made(fl_object_maker *write, void *arg, const char *name, const char *kind)
{
    struct maker m = {.write = write, .arg = arg};
    pthread_t thread;
    int fds[2];

    if (pipe(fds)) {
        fl_error_errno(errno, "%s: cannot be made", name);
        return NULL;
    }
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    fl_pipe_enlarge(fds[0]);
    m.fd = fds[1];
    int e = pthread_create(&thread, NULL, make, &m);
    if (e) {
        close(fds[0]);
        close(fds[1]);
        fl_error_errno(e, "%s: cannot be made", name);
        return NULL;
    }
    struct fl_object *o = open_fd(fds[0], name, kind); /* closes its end, so that MAKE ends too */
    pthread_join(thread, NULL);
    if (!m.failed || (!o && m.error.status == FL_PIPE)) /* then the reader's error was first */
        return o;
    fl_object_free(o);
    fl_error_restore(&m.error);
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
    const struct fl_entry_name key = {.name = name}, *found;

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

static int
damaged(const struct fl_object *o, const struct fl_entry *e, uint64_t b)
{
    fl_error(FL_FAILED, "%s: a block is damaged in tensor \"%s\" (block %llu, offset %llu)",
             o->name, e->tensor.name, (unsigned long long)b,
             (unsigned long long)(e->at + b * FL_FLT_BLOCK));
    return fl_error_cure(FL_CURE_DAMAGED);
}

int
fl_object_block(const struct fl_object *o, const struct fl_entry *e, uint64_t b,
                unsigned char *room, const unsigned char **data, size_t *len)
{
    const uint64_t at = e->at + b * FL_FLT_BLOCK;

    *len = fl_piece(e->bytes - b * FL_FLT_BLOCK, FL_FLT_BLOCK);
    *data = o->sealed ? room : o->map + at;
    if (o->sealed)
        return fl_sealed_read(o->sealed, at, room, *len);
    const unsigned char *table = o->map + e->at + e->bytes + fl_padding(e->at + e->bytes, 8);
    return fl_get64(table + 8 * b) == fl_check64(*data, *len) ? 0 : damaged(o, e, b);
}

enum { PAGES = 64 << 10 };         /* no system has larger ones, by default */
enum { KEPT = 16 * FL_FLT_BLOCK }; /* a tensor of this size stays in memory for who looks next */

/* Payload bytes FROM..TO of the map, and of what shares a page with the byte at FROM. */
static void
forget_part(const struct fl_object *o, size_t i, uint64_t from, uint64_t to)
{
    const uint64_t before = fl_min_u64(from, PAGES); /* a page that was kept for what followed */

    fl_map_forget(o->map + o->entries[i].at + (from - before), (size_t)(to - from + before));
}

/* Compare E with its table: all of its bytes are read, and few of its neighbours'. */
static int
check_entry(const struct fl_object *o, size_t i)
{
    const struct fl_entry *e = &o->entries[i];
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
        result = fl_object_block(o, e, b, NULL, &data, &len);
        if (e->bytes > KEPT)
            forget_part(o, i, b * FL_FLT_BLOCK, b * FL_FLT_BLOCK + len);
    }
    fl_map_read_ahead(payload, (size_t)e->bytes, true);
    return result;
}

static int
need_checked(struct fl_object *o, size_t i)
{
    struct fl_entry *e = &o->entries[i];

    if (!o->sealed && !e->checked && check_entry(o, i))
        return -1;
    e->checked = true;
    return 0;
}

static const _Alignas(64) unsigned char nothing[64];

const void *
fl_object_data(struct fl_object *o, size_t i)
{
    struct fl_entry *e = &o->entries[i];

    if (!e->bytes)
        return nothing;
    if (need_checked(o, i))
        return NULL;
    if (!o->sealed)
        return o->map + e->at;
    if (!e->own && (e->own = fl_alloc_aligned((size_t)e->bytes, 1)) &&
        fl_sealed_read(o->sealed, e->at, e->own, (size_t)e->bytes)) {
        free(e->own);
        e->own = NULL;
    }
    return e->own;
}

void
fl_object_forget(struct fl_object *o, size_t i)
{
    struct fl_entry *e = &o->entries[i];

    if (o->map)
        fl_map_forget(o->map + e->at, (size_t)e->bytes);
    free(e->own);
    e->own = NULL;
}

/* What V shows of a map need not stay in memory. */
static void
pass_by(struct fl_view *v)
{
    if (v->data && v->o->map)
        forget_part(v->o, v->tensor, v->from, v->to);
    v->data = NULL;
}

void
fl_view_release(struct fl_view *v)
{
    pass_by(v);
    free(v->own);
    *v = (struct fl_view){0};
}

/* Room for N bytes of what is sealed. */
static int
need_room(struct fl_view *v, size_t n)
{
    if (v->room >= n)
        return 0;
    free(v->own);
    v->room = 0;
    v->own = fl_alloc_aligned(n, 1);
    if (!v->own)
        return -1;
    v->room = n;
    return 0;
}

int
fl_object_view(struct fl_object *o, size_t i, uint64_t from, uint64_t to, struct fl_view *v)
{
    const struct fl_entry *e = &o->entries[i];

    pass_by(v);
    v->o = o;
    v->tensor = i;
    v->from = from;
    v->to = to;
    if (from == to) {
        v->data = nothing;
        return 0;
    }
    if (need_checked(o, i))
        return -1;
    if (o->map) {
        v->data = o->map + e->at + from;
        return 0;
    }
    if (need_room(v, (size_t)(to - from)) ||
        fl_sealed_read(o->sealed, e->at + from, v->own, (size_t)(to - from)))
        return -1;
    v->data = v->own;
    return 0;
}

int
fl_object_next(struct fl_object *o, size_t i, struct fl_view *v)
{
    const uint64_t bytes = o->entries[i].bytes, from = v->data ? v->to : 0;
    const size_t size = fl_dtype_size(o->entries[i].tensor.dtype),
                 most = FL_FLT_BLOCK / size * size;

    if (from < bytes)
        return fl_object_view(o, i, from, from + fl_piece(bytes - from, most), v) ? -1 : 1;
    fl_view_release(v);
    return 0;
}

int
fl_object_copy(struct fl_object *o, size_t i, struct fl_writer *w)
{
    struct fl_view v = {0};
    int got = fl_writer_tensor(w, fl_object_tensor(o, i)) ? -1 : 1;

    while (got == 1 && (got = fl_object_next(o, i, &v)) == 1)
        if (fl_writer_data(w, v.data, v.to - v.from))
            got = -1;
    fl_view_release(&v);
    return got;
}

int
fl_object_check(struct fl_object *o)
{
    struct fl_progress progress;
    uint64_t done = 0;
    int result = 0;

    fl_progress_start(&progress, "reading", "B", fl_object_total(o));
    for (size_t i = 0; !result && i < o->count; i++) {
        if (!o->entries[i].checked && !(result = need_checked(o, i)))
            fl_object_forget(o, i);
        fl_progress_show(&progress, done += o->entries[i].bytes, "%s", o->name);
    }
    fl_progress_clear(&progress);
    return result;
}

void
fl_object_forget_around(const struct fl_object *o, const unsigned char *data, size_t len)
{
    if (!o->map)
        return;
    const size_t at = (size_t)(data - o->map), from = at < PAGES ? 0 : at - PAGES;
    const size_t to = o->map_len - at - len < PAGES ? o->map_len : at + len + PAGES;
    fl_map_forget(o->map + from, to - from);
}
