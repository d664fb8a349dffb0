/*
 * Pieces of SEGMENT bytes, cut from the front. Real memory is one anonymous map after the other, on
 * huge pages: a first look at a small one, to which a number is then added, costs two faults and
 * an interrupt of every thread, for each 4 KiB.
 */
#include "fed/store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/memory.h"

enum { SEGMENT = 8 << 20, LINE = 64 };

struct segment {
    unsigned char *base;
    size_t size;
    bool spooled; /* a map of a file, else of zeros */
};

struct fl_store {
    uint64_t memory, taken, spooled;
    struct segment *segments;
    size_t count, cap;
    size_t used; /* of the last segment */
};

struct fl_store *
fl_store_new(uint64_t memory)
{
    struct fl_store *s = fl_alloc(1, sizeof *s);

    if (s)
        s->memory = memory;
    return s;
}

void
fl_store_free(struct fl_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        if (s->segments[i].spooled)
            fl_unmap(s->segments[i].base, s->segments[i].size);
        else
            fl_unmap_zeros(s->segments[i].base, s->segments[i].size);
    }
    free(s->segments);
    free(s);
}

static unsigned char *
map_spool(size_t size)
{
    int fd = fl_spool_open();

    if (fd < 0)
        return NULL;
    unsigned char *base = fl_map_spool(fd, size);
    close(fd); /* the map keeps the file */
    return base;
}

static int
add_segment(struct fl_store *s, size_t size)
{
    struct segment *grown = fl_grow(s->segments, s->count, &s->cap, sizeof *grown);
    struct segment new = {.size = size};

    if (!grown)
        return -1;
    s->segments = grown;
    new.spooled = size > s->memory - s->taken;
    new.base = new.spooled ? map_spool(size) : fl_map_zeros(size);
    if (!new.base)
        return -1;
    *(new.spooled ? &s->spooled : &s->taken) += size;
    s->segments[s->count++] = new;
    s->used = 0;
    return 0;
}

uint64_t *
fl_store_words(struct fl_store *s, size_t n)
{
    size_t bytes = 0;

    if (n > SIZE_MAX / 16 || fl_mul_size((n + 7) / 8, LINE, &bytes)) {
        fl_error(FL_FAILED, "%zu accumulators are more than this machine can address", n);
        return NULL;
    }
    if (!s->count || s->segments[s->count - 1].size - s->used < bytes)
        if (add_segment(s, bytes > SEGMENT ? bytes : SEGMENT))
            return NULL;
    uint64_t *words = (uint64_t *)(void *)(s->segments[s->count - 1].base + s->used);
    s->used += bytes;
    return words;
}

void
fl_store_rest(const struct fl_store *s, const uint64_t *words, size_t n)
{
    const uintptr_t at = (uintptr_t)words;

    for (size_t i = 0; i < s->count; i++) {
        const struct segment *seg = &s->segments[i];
        const uintptr_t base = (uintptr_t)seg->base;
        if (at < base || at - base >= seg->size)
            continue;
        if (seg->spooled) /* what is not in a file would be lost */
            fl_map_forget(words, n * sizeof *words);
        return;
    }
}

uint64_t
fl_store_spooled(const struct fl_store *s)
{
    return s->spooled;
}
