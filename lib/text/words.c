/*
 * As vocab.c, with counts; the hash of a word is kept, so that tables are rebuilt and merged
 * without hashing it again.
 */
#include "text/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/table_hash.h"

void
fl_words_release(struct fl_words *w)
{
    fl_buf_release(&w->blob);
    free(w->items);
    free(w->slots);
    *w = (struct fl_words){0};
}

void
fl_words_clear(struct fl_words *w)
{
    fl_buf_clear(&w->blob);
    w->count = 0;
    if (w->slots)
        memset(w->slots, 0, w->slot_count * sizeof *w->slots);
}

uint64_t
fl_words_hash(const void *word, size_t len)
{
    return fl_hash_text(word, len);
}

static size_t
slot_of(const struct fl_words *w, const void *word, size_t len, uint64_t hash)
{
    size_t mask = w->slot_count - 1;
    size_t i = (size_t)hash & mask;

    for (; w->slots[i]; i = (i + 1) & mask) {
        const struct fl_words_item *item = &w->items[w->slots[i] - 1];
        if (item->hash == hash && item->len == len && !memcmp(w->blob.data + item->at, word, len))
            break;
    }
    return i;
}

static int
make_slots(struct fl_words *w, size_t count)
{
    uint32_t *slots = fl_alloc(count, sizeof *slots);

    if (!slots)
        return -1;
    free(w->slots);
    w->slots = slots;
    w->slot_count = count;
    for (size_t i = 0; i < w->count; i++) {
        const struct fl_words_item *item = &w->items[i];
        slots[slot_of(w, w->blob.data + item->at, item->len, item->hash)] = (uint32_t)i + 1;
    }
    return 0;
}

int
fl_words_add(struct fl_words *w, const void *word, size_t len, uint64_t hash, uint64_t count)
{
    if (2 * (w->count + 1) > w->slot_count &&
        make_slots(w, w->slot_count ? 2 * w->slot_count : 1024))
        return -1;
    size_t slot = slot_of(w, word, len, hash);
    if (w->slots[slot]) {
        w->items[w->slots[slot] - 1].count += count;
        return 0;
    }
    struct fl_words_item *items = fl_grow(w->items, w->count, &w->cap, sizeof *items);
    if (!items)
        return -1;
    w->items = items;
    items[w->count] = (struct fl_words_item){hash, count, w->blob.len, (uint32_t)len};
    if (fl_buf_add(&w->blob, word, len))
        return -1;
    w->slots[slot] = (uint32_t)++w->count;
    return 0;
}

int
fl_words_prune(struct fl_words *w, size_t max, size_t max_bytes)
{
    if (w->count <= max && w->blob.len <= max_bytes)
        return 0;
    for (uint64_t rare = 1; w->count > max / 2 || w->blob.len > max_bytes / 2; rare *= 2) {
        size_t kept = 0, at = 0;
        for (size_t i = 0; i < w->count; i++) {
            struct fl_words_item item = w->items[i];
            if (item.count <= rare)
                continue;
            memmove(w->blob.data + at, w->blob.data + item.at, item.len);
            item.at = at;
            at += item.len;
            w->items[kept++] = item;
        }
        w->count = kept;
        w->blob.len = at;
    }
    return make_slots(w, w->slot_count);
}
