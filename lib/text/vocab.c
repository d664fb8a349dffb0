/*
 * Texts lie one after another in a blob and are found by open addressing; a slot holds id + 1, 0 is
 * free.
 */
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/table_hash.h"

void
fl_vocab_release(struct fl_vocab *v)
{
    fl_buf_release(&v->blob);
    free(v->items);
    free(v->slots);
    *v = (struct fl_vocab){0};
}

/* The slot that holds the text, or the free one where it belongs. */
static size_t
slot_of(const struct fl_vocab *v, const void *text, size_t len)
{
    size_t mask = v->slot_count - 1;
    size_t i = (size_t)fl_hash_text(text, len) & mask;

    for (; v->slots[i]; i = (i + 1) & mask) {
        const struct fl_vocab_item *item = &v->items[v->slots[i] - 1];
        if (item->len == len && !memcmp(v->blob.data + item->at, text, len))
            break;
    }
    return i;
}

static int
grow_slots(struct fl_vocab *v)
{
    size_t count = v->slot_count ? 2 * v->slot_count : 64;
    uint32_t *slots = fl_alloc(count, sizeof *slots);

    if (!slots)
        return -1;
    free(v->slots);
    v->slots = slots;
    v->slot_count = count;
    for (size_t id = 0; id < v->ids; id++)
        if (v->items[id].there)
            slots[slot_of(v, v->blob.data + v->items[id].at, v->items[id].len)] = (uint32_t)id + 1;
    return 0;
}

static int
grow_ids(struct fl_vocab *v, size_t ids)
{
    if (ids > v->cap) {
        size_t cap = ids < 2 * v->cap ? 2 * v->cap : ids;
        struct fl_vocab_item *items = fl_resize(v->items, cap, sizeof *items);
        if (!items)
            return -1;
        v->items = items;
        v->cap = cap;
    }
    for (; v->ids < ids; v->ids++)
        v->items[v->ids] = (struct fl_vocab_item){0};
    return 0;
}

int
fl_vocab_add(struct fl_vocab *v, const void *text, size_t len, uint64_t id, uint64_t max)
{
    if (id >= max)
        return fl_error(FL_FAILED, "id %llu of token \"%.*s\" is too large; ids are below %llu",
                        (unsigned long long)id, (int)(len < 80 ? len : 80), (const char *)text,
                        (unsigned long long)max);
    if (id < v->ids && v->items[id].there)
        return fl_error(FL_FAILED, "id %llu stands for two tokens, \"%s\" and \"%.*s\"",
                        (unsigned long long)id, (char *)v->blob.data + v->items[id].at,
                        (int)(len < 80 ? len : 80), (const char *)text);
    if (fl_vocab_find(v, text, len) >= 0)
        return fl_error(FL_FAILED, "token \"%.*s\" has two ids", (int)(len < 80 ? len : 80),
                        (const char *)text);
    if (2 * (v->used + 1) > v->slot_count && grow_slots(v))
        return -1;
    size_t at = v->blob.len;
    if (fl_buf_add(&v->blob, text, len) || fl_buf_add_byte(&v->blob, 0))
        return -1;
    if (grow_ids(v, (size_t)id + 1))
        return -1;
    v->items[id] = (struct fl_vocab_item){at, (uint32_t)len, 1};
    v->slots[slot_of(v, text, len)] = (uint32_t)id + 1;
    v->used++;
    return 0;
}

int64_t
fl_vocab_find(const struct fl_vocab *v, const void *text, size_t len)
{
    if (!v->slot_count)
        return -1;
    return (int64_t)v->slots[slot_of(v, text, len)] - 1;
}

const char *
fl_vocab_text(const struct fl_vocab *v, uint64_t id, size_t *len)
{
    *len = 0;
    if (id >= v->ids || !v->items[id].there)
        return NULL;
    *len = v->items[id].len;
    return (const char *)v->blob.data + v->items[id].at;
}
