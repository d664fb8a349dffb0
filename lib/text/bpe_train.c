/*
 * Counts of pairs follow each merge, word by word. The heap has an entry for each time a pair's
 * count grew; an entry whose count is out of date is put back or dropped when it comes up [run].
 */
#include "text/bpe_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/tokenizer.h"

struct word {
    size_t at; /* in the symbols */
    uint32_t len;
    uint64_t count;
};

struct pair {
    uint64_t key; /* left << 32 | right */
    uint64_t count;
    uint32_t *words; /* in which it stood when they were added; some are out of date */
    size_t word_count, word_cap;
    size_t step; /* the last merge that made it stand more often */
};

struct entry { /* of the heap; out of date when COUNT is not the pair's */
    uint64_t count, key;
    size_t pair;
};

struct train {
    uint32_t *symbols;
    struct word *words;
    size_t word_count;
    struct pair *pairs;
    size_t pair_count, pair_cap;
    uint32_t *slots; /* of pairs, index + 1 */
    size_t slot_count;
    struct entry *heap;
    size_t heap_len, heap_cap;
    size_t *touched; /* pairs that this step made stand more often */
    size_t touched_count, touched_cap;
    size_t step;
};

static int
before(const struct entry *a, const struct entry *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static int
push(struct train *t, size_t pair)
{
    struct entry *heap = fl_grow(t->heap, t->heap_len, &t->heap_cap, sizeof *heap);
    struct entry e = {t->pairs[pair].count, t->pairs[pair].key, pair};
    size_t i = t->heap_len;

    if (!heap)
        return -1;
    t->heap = heap;
    t->heap_len++;
    for (; i && before(&e, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = e;
    return 0;
}

static struct entry
pop(struct train *t)
{
    struct entry top = t->heap[0], e = t->heap[--t->heap_len];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < t->heap_len) {
        if (child + 1 < t->heap_len && before(&t->heap[child + 1], &t->heap[child]))
            child++;
        if (!before(&t->heap[child], &e))
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = e;
    return top;
}

static size_t
pair_slot(const struct train *t, uint64_t key)
{
    size_t mask = t->slot_count - 1;
    size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & mask;

    while (t->slots[i] && t->pairs[t->slots[i] - 1].key != key)
        i = (i + 1) & mask;
    return i;
}

static int
grow_slots(struct train *t)
{
    size_t count = t->slot_count ? 2 * t->slot_count : 1 << 16;
    uint32_t *slots = fl_alloc(count, sizeof *slots);

    if (!slots)
        return -1;
    free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    for (size_t i = 0; i < t->pair_count; i++)
        slots[pair_slot(t, t->pairs[i].key)] = (uint32_t)i + 1;
    return 0;
}

/* The pair LEFT, RIGHT stands COUNT times more, in WORD. */
static int
more(struct train *t, uint32_t left, uint32_t right, uint64_t count, size_t word)
{
    uint64_t key = (uint64_t)left << 32 | right;

    if (2 * (t->pair_count + 1) > t->slot_count && grow_slots(t))
        return -1;
    size_t slot = pair_slot(t, key);
    if (!t->slots[slot]) {
        struct pair *pairs = fl_grow(t->pairs, t->pair_count, &t->pair_cap, sizeof *pairs);
        if (!pairs)
            return -1;
        t->pairs = pairs;
        pairs[t->pair_count] = (struct pair){.key = key};
        t->slots[slot] = (uint32_t)++t->pair_count;
    }
    struct pair *p = &t->pairs[t->slots[slot] - 1];
    p->count += count;
    if (!p->word_count || p->words[p->word_count - 1] != word) {
        uint32_t *words = fl_grow(p->words, p->word_count, &p->word_cap, sizeof *words);
        if (!words)
            return -1;
        p->words = words;
        words[p->word_count++] = (uint32_t)word;
    }
    if (p->step == t->step)
        return 0;
    size_t *touched = fl_grow(t->touched, t->touched_count, &t->touched_cap, sizeof *touched);
    if (!touched)
        return -1;
    t->touched = touched;
    touched[t->touched_count++] = t->slots[slot] - 1;
    p->step = t->step;
    return 0;
}

static void
fewer(struct train *t, uint32_t left, uint32_t right, uint64_t count)
{
    t->pairs[t->slots[pair_slot(t, (uint64_t)left << 32 | right)] - 1].count -= count;
}

static int
push_touched(struct train *t)
{
    for (size_t i = 0; i < t->touched_count; i++)
        if (t->pairs[t->touched[i]].count && push(t, t->touched[i]))
            return -1;
    t->touched_count = 0;
    return 0;
}

/* Join A, B to C everywhere in a word and keep the counts of the neighbours right. */
static int
merge_word(struct train *t, size_t index, uint32_t a, uint32_t b, uint32_t c)
{
    struct word *w = &t->words[index];
    uint32_t *s = t->symbols + w->at;
    uint32_t n = 0; /* of the new symbols, which lie in front of those that are still to be read */

    for (uint32_t i = 0; i < w->len; i++) {
        if (i + 1 == w->len || s[i] != a || s[i + 1] != b) {
            s[n++] = s[i];
            continue;
        }
        if (n) {
            fewer(t, s[n - 1], a, w->count);
            if (more(t, s[n - 1], c, w->count, index))
                return -1;
        }
        if (i + 2 < w->len) {
            fewer(t, b, s[i + 2], w->count);
            if (more(t, c, s[i + 2], w->count, index))
                return -1;
        }
        fewer(t, a, b, w->count);
        s[n++] = c;
        i++;
    }
    w->len = n;
    return 0;
}

static int
load_words(struct train *t, const struct fl_words *tables, size_t n)
{
    size_t letters = 0, at = 0;

    for (size_t i = 0; i < n; i++) {
        t->word_count += tables[i].count;
        letters += tables[i].blob.len;
    }
    if (t->word_count >= UINT32_MAX)
        return fl_error(FL_FAILED, "%zu words are too many to learn from", t->word_count);
    t->words = fl_alloc(t->word_count, sizeof *t->words);
    t->symbols = fl_alloc(letters, sizeof *t->symbols);
    if (!t->words || !t->symbols)
        return -1;
    struct word *w = t->words;
    t->step = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < tables[i].count; k++, w++) {
            const struct fl_words_item *item = &tables[i].items[k];
            const unsigned char *p = tables[i].blob.data + item->at;
            *w = (struct word){at, item->len, item->count};
            for (uint32_t j = 0; j < item->len; j++) {
                t->symbols[at++] = p[j];
                if (j && more(t, p[j - 1], p[j], item->count, (size_t)(w - t->words)))
                    return -1;
            }
        }
    return push_touched(t);
}

/* The id of the token that LEFT and RIGHT make: a new one unless other merges made these bytes. */
static int64_t
join(struct fl_bpe_trained *r, uint32_t left, uint32_t right)
{
    struct fl_buf piece = {0};
    size_t left_len, right_len;
    const char *l = fl_vocab_text(&r->pieces, left, &left_len);
    const char *q = fl_vocab_text(&r->pieces, right, &right_len);
    int64_t id = -1;

    if (!fl_buf_add(&piece, l, left_len) && !fl_buf_add(&piece, q, right_len)) {
        id = fl_vocab_find(&r->pieces, piece.data, piece.len);
        if (id < 0 && !fl_vocab_add(&r->pieces, piece.data, piece.len, r->pieces.ids, FL_VOCAB_MAX))
            id = (int64_t)r->pieces.ids - 1;
    }
    fl_buf_release(&piece);
    return id;
}

static int
merge(struct train *t, struct fl_bpe_trained *r, size_t pair)
{
    uint32_t a = (uint32_t)(t->pairs[pair].key >> 32), b = (uint32_t)t->pairs[pair].key;
    struct fl_bpe_pair *merges = fl_grow(r->merges, r->count, &r->cap, sizeof *merges);
    int64_t c = merges ? join(r, a, b) : -1;

    if (merges)
        r->merges = merges;
    if (c < 0)
        return -1;
    merges[r->count++] = (struct fl_bpe_pair){a, b};
    t->step++;
    /* the list may be moved while words are added to other pairs; nothing is added to this one */
    uint32_t *words = t->pairs[pair].words;
    size_t count = t->pairs[pair].word_count;
    t->pairs[pair].words = NULL;
    t->pairs[pair].word_count = t->pairs[pair].word_cap = 0;
    int result = 0;
    for (size_t i = 0; i < count && !result; i++)
        result = merge_word(t, words[i], a, b, (uint32_t)c);
    free(words);
    return result ? -1 : push_touched(t);
}

static int
run(struct train *t, size_t size, struct fl_progress *progress, struct fl_bpe_trained *r)
{
    for (unsigned id = 0; id < 256; id++) {
        char byte = (char)id;
        if (fl_vocab_add(&r->pieces, &byte, 1, id, FL_VOCAB_MAX))
            return -1;
    }
    /* hold the place of the end of text with something that no pair makes: the empty text */
    if (fl_vocab_add(&r->pieces, "", 0, 256, FL_VOCAB_MAX))
        return -1;
    while (r->pieces.ids < size && t->heap_len) {
        struct entry top = pop(t);
        uint64_t count = t->pairs[top.pair].count;
        if (count != top.count) {
            if (count && push(t, top.pair))
                return -1;
            continue;
        }
        if (count < 2)
            break;
        if (merge(t, r, top.pair))
            return -1;
        if (progress)
            fl_progress_show(progress, r->pieces.ids, "%s", "");
    }
    return 0;
}

int
fl_bpe_train(const struct fl_words *tables, size_t n, size_t size, struct fl_progress *progress,
             struct fl_bpe_trained *result)
{
    struct train t = {0};
    int failed = load_words(&t, tables, n) || run(&t, size, progress, result);

    free(t.symbols);
    free(t.words);
    for (size_t i = 0; i < t.pair_count; i++)
        free(t.pairs[i].words);
    free(t.pairs);
    free(t.slots);
    free(t.heap);
    free(t.touched);
    if (failed)
        fl_bpe_trained_release(result);
    return failed ? -1 : 0;
}

void
fl_bpe_trained_release(struct fl_bpe_trained *result)
{
    fl_vocab_release(&result->pieces);
    free(result->merges);
    *result = (struct fl_bpe_trained){0};
}
