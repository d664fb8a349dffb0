/* Documents are found by one more reading of the ids, after the shards have their final order. */
#include "nn/documents.h"

#include <stdlib.h>

#include "base/least.h"
#include "base/mem.h"
#include "math/big.h"
#include "nn/engine.h"

enum { BLOCK = 4096 }; /* ids that are looked at once */

struct finding {
    struct fl_documents *to;
    size_t cap;
};

static int
add_start(struct finding *f, uint64_t place)
{
    struct fl_documents *to = f->to;
    uint64_t *starts = fl_grow(to->starts, to->count, &f->cap, sizeof *starts);

    if (!starts)
        return -1;
    to->starts = starts;
    starts[to->count++] = place;
    return 0;
}

/* The starts of one shard's: its first id, and what follows an end of text. */
static int
find_in_shard(struct finding *f, const struct fl_data_shard *s)
{
    uint32_t ids[BLOCK];
    bool begins = true;

    for (uint64_t at = 0; at < s->tokens;) {
        size_t n = fl_piece(s->tokens - at, BLOCK);
        if (fl_data_read(f->to->data, s->first + at, n, ids))
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (begins && add_start(f, s->first + at + i))
                return -1;
            begins = s->eot >= 0 && ids[i] == (uint64_t)s->eot;
        }
        at += n;
    }
    return 0;
}

int
fl_documents_find(struct fl_documents *to, const struct fl_data *data)
{
    struct finding f = {.to = to};

    *to = (struct fl_documents){.data = data};
    for (size_t i = 0; i < fl_data_count(data); i++)
        if (find_in_shard(&f, fl_data_shard(data, i)))
            return -1;
    if (add_start(&f, fl_data_tokens(data)))
        return -1;
    to->count--;
    return 0;
}

void
fl_documents_release(struct fl_documents *d)
{
    free(d->starts);
    *d = (struct fl_documents){0};
}

size_t
fl_documents_window_size(const struct fl_documents *d, size_t i, size_t T)
{
    return (size_t)fl_min_u64(d->starts[i + 1] - d->starts[i] - 1, T);
}

int
fl_documents_window(const struct fl_documents *d, size_t i, uint64_t draw, size_t T, size_t t,
                    const struct fl_window *w, uint64_t *counted)
{
    uint64_t tokens = d->starts[i + 1] - d->starts[i];
    size_t n = fl_documents_window_size(d, i, T);
    uint64_t first = d->starts[i] + (uint64_t)((fl_u128)draw * (tokens - n) >> 64);
    const struct fl_window to = {w->x, w->y, NULL};

    *counted = 0;
    if (fl_data_window(d->data, first, n, &to, counted))
        return -1;
    for (size_t k = n; k < t; k++) {
        w->x[k] = 0;
        w->y[k] = FL_IGNORE;
    }
    return 0;
}
