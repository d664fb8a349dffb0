/*
 * A sort outside of memory (Knuth, The Art of Computer Programming 3, section 5.4): sorted runs of
 * what memory holds, and a heap over their first pairs. Runs are read in pieces of at least PIECE
 * pairs, so that a disk is not asked for single ones.
 */
#include "data/spill.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/least.h"
#include "base/mem.h"
#include "os/file.h"

enum { PIECE = 256, FIRST = 4096, LEAST_MEM = 64 << 10 };

struct run {
    uint64_t next, end; /* bytes of the file */
    struct fl_spill_pair *piece;
    size_t at, count;
};

struct fl_spill {
    int fd;
    size_t most; /* pairs in memory */
    struct fl_spill_pair *pairs;
    size_t count, cap, at;
    struct run *runs;
    size_t run_count, run_cap;
    uint64_t written;
    size_t *heap; /* numbers of runs, that with the least pair first */
    size_t heap_count, piece;
    bool reading;
};

static const char name[] = "a temporary file";

struct fl_spill *
fl_spill_new(size_t mem)
{
    struct fl_spill *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->fd = -1;
    s->most = fl_max(mem, LEAST_MEM) / sizeof *s->pairs;
    return s;
}

void
fl_spill_free(struct fl_spill *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->pairs);
    free(s->runs);
    free(s->heap);
    free(s);
}

static bool
is_less(const struct fl_spill_pair *a, const struct fl_spill_pair *b)
{
    return a->key != b->key ? a->key < b->key : a->value < b->value;
}

static int
order(const void *a, const void *b)
{
    return is_less(a, b) ? -1 : is_less(b, a);
}

/* Write what is in memory as a run. */
static int
write_run(struct fl_spill *s)
{
    struct run *runs = fl_grow(s->runs, s->run_count, &s->run_cap, sizeof *runs);
    size_t bytes = s->count * sizeof *s->pairs;

    if (!runs)
        return -1;
    s->runs = runs;
    qsort(s->pairs, s->count, sizeof *s->pairs, order);
    if (s->fd < 0 && (s->fd = fl_spool_open()) < 0)
        return -1;
    if (fl_write_full(s->fd, name, s->pairs, bytes))
        return -1;
    runs[s->run_count++] = (struct run){.next = s->written, .end = s->written + bytes};
    s->written += bytes;
    s->count = 0;
    return 0;
}

int
fl_spill_add(struct fl_spill *s, uint64_t key, uint64_t value)
{
    if (s->count == s->most && write_run(s))
        return -1;
    if (s->count == s->cap) {
        size_t cap = fl_min(s->most, s->cap ? 2 * s->cap : FIRST);
        struct fl_spill_pair *pairs = fl_resize(s->pairs, cap, sizeof *pairs);
        if (!pairs)
            return -1;
        s->pairs = pairs;
        s->cap = cap;
    }
    s->pairs[s->count++] = (struct fl_spill_pair){key, value};
    return 0;
}

/* Read the next piece of R: 1, or 0 when it is at its end. */
static int
read_piece(struct fl_spill *s, struct run *r)
{
    size_t bytes = fl_piece(r->end - r->next, s->piece * sizeof *r->piece);

    r->at = 0;
    r->count = bytes / sizeof *r->piece;
    if (!bytes)
        return 0;
    ssize_t got = fl_pread_full(s->fd, name, r->piece, bytes, r->next);
    if (got != (ssize_t)bytes)
        return got < 0 ? -1 : fl_error(FL_FAILED, "%s became shorter while it was read", name);
    r->next += bytes;
    return 1;
}

static bool
is_before(const struct fl_spill *s, size_t a, size_t b)
{
    const struct run *x = &s->runs[a], *y = &s->runs[b];

    return is_less(&x->piece[x->at], &y->piece[y->at]);
}

/* Let the run at place I of the heap sink to where it belongs. */
static void
sink(struct fl_spill *s, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < s->heap_count; i = child) {
        child += child + 1 < s->heap_count && is_before(s, s->heap[child + 1], s->heap[child]);
        if (!is_before(s, s->heap[child], s->heap[i]))
            return;
        size_t swap = s->heap[i];
        s->heap[i] = s->heap[child];
        s->heap[child] = swap;
    }
}

/* Begin to read: the last run stays in memory when it is the only one. */
static int
begin(struct fl_spill *s)
{
    s->reading = true;
    if (!s->run_count) {
        if (s->count)
            qsort(s->pairs, s->count, sizeof *s->pairs, order);
        return 0;
    }
    if (s->count && write_run(s))
        return -1;
    s->piece = fl_max(PIECE, s->most / s->run_count);
    free(s->pairs);
    s->pairs = fl_alloc(s->run_count, s->piece * sizeof *s->pairs);
    s->heap = fl_alloc(s->run_count, sizeof *s->heap);
    if (!s->pairs || !s->heap)
        return -1;
    for (size_t i = 0; i < s->run_count; i++) {
        s->runs[i].piece = s->pairs + i * s->piece;
        if (read_piece(s, &s->runs[i]) < 0)
            return -1;
        s->heap[s->heap_count++] = i;
    }
    for (size_t i = s->heap_count / 2 + 1; i-- > 0;)
        sink(s, i);
    return 0;
}

int
fl_spill_next(struct fl_spill *s, struct fl_spill_pair *pair)
{
    if (!s->reading && begin(s))
        return -1;
    if (!s->run_count) {
        if (s->at == s->count)
            return 0;
        *pair = s->pairs[s->at++];
        return 1;
    }
    if (!s->heap_count)
        return 0;
    struct run *r = &s->runs[s->heap[0]];
    *pair = r->piece[r->at++];
    if (r->at == r->count) {
        int more = read_piece(s, r);
        if (more < 0)
            return -1;
        if (!more)
            s->heap[0] = s->heap[--s->heap_count];
    }
    sink(s, 0);
    return 1;
}
