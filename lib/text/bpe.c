/*
 * A short word looks at all of its pairs after each merge, a long one keeps them in a heap, whose
 * bookkeeping costs more than it saves in the few letters of most words. Words that were seen come
 * from a cache of the thread, which starts again when it is full.
 */
#include "text/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/alphabet.h"
#include "text/table_hash.h"
#include "text/unicode.h"

enum {
    FEW = 64,        /* tokens that are merged by looking at all pairs */
    CACHE_WORD = 64, /* bytes of the longest word in the cache */
    CACHE_SLOTS = 1 << 16,
    CACHE_ARENA = 1 << 20 /* 32-bit units: words and their ids */
};

/* A word of the cache: UNITS 32-bit units at AT, first its bytes, then its ids. */
struct cached {
    uint64_t hash;
    uint32_t at;
    uint16_t len, ids; /* LEN 0: a free slot */
};

/* A token of what is merged, and how many of the tokens at its start it is made of. */
struct piece {
    uint32_t id, span;
};

/* A token of a long stretch; the list is linked so that a merge costs no move. */
struct symbol {
    uint32_t id, before, after; /* FL_BPE_NONE at the ends; ID of a dead one too */
};

struct fl_bpe_scratch {
    struct fl_ids first; /* the word as it begins */
    struct symbol *symbols;
    size_t symbol_cap;
    uint64_t *heap; /* rank << 32 | position */
    size_t heap_len, heap_cap;
    struct piece *pieces[2]; /* of two stretches that overlap */
    size_t piece_cap[2];
    struct piece *kept; /* what is done of a long word */
    size_t kept_count, kept_cap;
    struct fl_buf name;
    struct cached *cache;
    size_t cached, arena_used;
    uint32_t *arena;
};

void
fl_bpe_release(struct fl_bpe *b)
{
    free(b->merges);
    b->merges = NULL;
    b->slots = b->count = 0;
}

/* The upper bits of the product: in them both halves of a pair have a say. */
static size_t
pair_slot(const struct fl_bpe *b, uint64_t pair)
{
    return (size_t)((pair * 0x9e3779b97f4a7c15u) >> b->shift);
}

int
fl_bpe_reserve(struct fl_bpe *b, size_t count)
{
    size_t slots = 16;

    for (b->shift = 60; slots < 2 * count; b->shift--)
        slots *= 2;
    b->merges = fl_alloc(slots, sizeof *b->merges);
    if (!b->merges)
        return -1;
    for (size_t i = 0; i < slots; i++)
        b->merges[i].id = FL_BPE_NONE;
    b->slots = slots;
    return 0;
}

void
fl_bpe_add(struct fl_bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t id)
{
    uint64_t pair = (uint64_t)left << 32 | right;
    size_t i = pair_slot(b, pair);

    if (b->closed && b->closed[id])
        return;
    while (b->merges[i].id != FL_BPE_NONE && b->merges[i].pair != pair)
        i = (i + 1) & (b->slots - 1);
    b->count += b->merges[i].id == FL_BPE_NONE;
    b->merges[i] = (struct fl_bpe_merge){pair, rank, id};
}

static inline const struct fl_bpe_merge *
find_merge(const struct fl_bpe *b, uint32_t left, uint32_t right)
{
    uint64_t pair = (uint64_t)left << 32 | right;

    for (size_t i = pair_slot(b, pair);; i = (i + 1) & (b->slots - 1)) {
        const struct fl_bpe_merge *m = &b->merges[i];
        if (m->pair == pair || m->id == FL_BPE_NONE)
            return m;
    }
}

static bool
is_mark(const unsigned char *p)
{
    return p[0] == 0xe2 && p[1] == 0x96 && p[2] == 0x81; /* U+2581 */
}

void
fl_bpe_finish(struct fl_bpe *b)
{
    b->cut_at_mark = !b->byte_level && !b->ignore_merges &&
                     fl_vocab_find(b->names, "\xe2\x96\x81", 3) >= 0;
    for (size_t i = 0; i < b->slots && b->cut_at_mark; i++) {
        size_t len;
        if (b->merges[i].id == FL_BPE_NONE)
            continue;
        const char *text = fl_vocab_text(b->names, b->merges[i].id, &len);
        const unsigned char *p = (const unsigned char *)text;
        bool inside = false;
        for (size_t k = 0; k < len; k++) {
            bool mark = is_mark(p + k); /* the zero after the text ends it */
            if (mark && inside)
                b->cut_at_mark = false;
            inside = !mark;
            k += mark ? 2 : 0;
        }
    }
}

struct fl_bpe_scratch *
fl_bpe_scratch_new(void)
{
    struct fl_bpe_scratch *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->cache = fl_alloc(CACHE_SLOTS, sizeof *s->cache);
    s->arena = fl_alloc(CACHE_ARENA, sizeof *s->arena);
    if (!s->cache || !s->arena) {
        fl_bpe_scratch_free(s);
        return NULL;
    }
    return s;
}

void
fl_bpe_scratch_free(struct fl_bpe_scratch *s)
{
    if (!s)
        return;
    fl_ids_release(&s->first);
    fl_buf_release(&s->name);
    free(s->symbols);
    free(s->heap);
    free(s->pieces[0]);
    free(s->pieces[1]);
    free(s->kept);
    free(s->cache);
    free(s->arena);
    free(s);
}

static int
reserve_ids(struct fl_ids *ids, size_t more)
{
    if (ids->cap - ids->len >= more)
        return 0;
    size_t cap = ids->len + more > 2 * ids->cap ? ids->len + more : 2 * ids->cap;
    uint32_t *data = fl_resize(ids->data, cap, sizeof *data);
    if (!data)
        return -1;
    ids->data = data;
    ids->cap = cap;
    return 0;
}

/*
 * The tokens that a word begins as, after IDS. Of characters without a token, the bytes; else the
 * unknown token, one for a run of them when they are fused.
 */
static int
begin_word(const struct fl_bpe *b, const unsigned char *word, size_t len, struct fl_ids *ids)
{
    bool unknown = false;
    size_t size;

    if (reserve_ids(ids, len))
        return -1;
    if (b->byte_level) {
        for (size_t i = 0; i < len; i++)
            ids->data[ids->len + i] = b->byte_id[word[i]];
        ids->len += len;
        return 0;
    }
    for (size_t i = 0; i < len; i += size) {
        fl_unicode_point(word + i, &size);
        int64_t id = fl_vocab_find(b->names, word + i, size);
        if (id >= 0 && !(b->closed && b->closed[id])) {
            ids->data[ids->len++] = (uint32_t)id;
            unknown = false;
        } else if (b->fallback) {
            for (size_t k = 0; k < size; k++)
                ids->data[ids->len++] = b->byte_id[word[i + k]];
        } else {
            if (!unknown || !b->fuse_unknown)
                ids->data[ids->len++] = b->unknown;
            unknown = true;
        }
    }
    return 0;
}

/* Merge N tokens, at most FEW, in place by looking at every pair each time; how many are left. */
static size_t
merge_few(const struct fl_bpe *b, uint32_t *id, uint32_t *span, size_t n)
{
    uint32_t rank[FEW + 1], to[FEW + 1];

    for (size_t i = 0; i + 1 < n; i++) {
        const struct fl_bpe_merge *m = find_merge(b, id[i], id[i + 1]);
        rank[i] = m->id == FL_BPE_NONE ? FL_BPE_NONE : m->rank;
        to[i] = m->id;
    }
    while (n > 1) {
        uint32_t least = FL_BPE_NONE;
        size_t best = 0;
        for (size_t i = 0; i + 1 < n; i++)
            least = rank[i] < least ? rank[i] : least;
        if (least == FL_BPE_NONE)
            break;
        while (rank[best] != least)
            best++;
        id[best] = to[best];
        span[best] += span[best + 1];
        n--;
        size_t after = n - best - 1; /* tokens after the new one */
        memmove(id + best + 1, id + best + 2, after * sizeof *id);
        memmove(span + best + 1, span + best + 2, after * sizeof *span);
        memmove(rank + best, rank + best + 1, after * sizeof *rank);
        memmove(to + best, to + best + 1, after * sizeof *to);
        for (size_t i = best ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            const struct fl_bpe_merge *m = find_merge(b, id[i], id[i + 1]);
            rank[i] = m->id == FL_BPE_NONE ? FL_BPE_NONE : m->rank;
            to[i] = m->id;
        }
    }
    return n;
}

static void
heap_push(struct fl_bpe_scratch *s, uint64_t v)
{
    size_t i = s->heap_len++;

    while (i && s->heap[(i - 1) / 2] > v) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = v;
}

static uint64_t
heap_pop(struct fl_bpe_scratch *s)
{
    uint64_t top = s->heap[0], v = s->heap[--s->heap_len];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < s->heap_len) {
        if (child + 1 < s->heap_len && s->heap[child + 1] < s->heap[child])
            child++;
        if (s->heap[child] >= v)
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = v;
    return top;
}

/* Put the pair that begins at position AT on the heap if it has a merge. */
static void
push_pair(const struct fl_bpe *b, struct fl_bpe_scratch *s, uint32_t at)
{
    const struct symbol *left = &s->symbols[at];

    if (left->after == FL_BPE_NONE)
        return;
    const struct fl_bpe_merge *m = find_merge(b, left->id, s->symbols[left->after].id);
    if (m->id != FL_BPE_NONE)
        heap_push(s, (uint64_t)m->rank << 32 | at);
}

static int
reserve_long(struct fl_bpe_scratch *s, size_t n)
{
    if (n > s->symbol_cap) {
        struct symbol *symbols = fl_resize(s->symbols, n, sizeof *symbols);
        if (!symbols)
            return -1;
        s->symbols = symbols;
        s->symbol_cap = n;
    }
    if (3 * n > s->heap_cap) { /* every merge adds two pairs at most, and takes one token */
        uint64_t *heap = fl_resize(s->heap, 3 * n, sizeof *heap);
        if (!heap)
            return -1;
        s->heap = heap;
        s->heap_cap = 3 * n;
    }
    return 0;
}

/* Merge N tokens into S->symbols with a heap of pairs; entries out of date are passed over. */
static int
merge_many(const struct fl_bpe *b, struct fl_bpe_scratch *s, const uint32_t *id, size_t n)
{
    if (reserve_long(s, n))
        return -1;
    struct symbol *sym = s->symbols;
    for (size_t i = 0; i < n; i++)
        sym[i] = (struct symbol){id[i], i ? (uint32_t)i - 1 : FL_BPE_NONE,
                                 i + 1 < n ? (uint32_t)i + 1 : FL_BPE_NONE};
    s->heap_len = 0;
    for (size_t i = 0; i + 1 < n; i++)
        push_pair(b, s, (uint32_t)i);
    while (s->heap_len) {
        uint64_t top = heap_pop(s);
        uint32_t at = (uint32_t)top, after = sym[at].after;
        if (sym[at].id == FL_BPE_NONE || after == FL_BPE_NONE)
            continue;
        const struct fl_bpe_merge *m = find_merge(b, sym[at].id, sym[after].id);
        if (m->id == FL_BPE_NONE || m->rank != (uint32_t)(top >> 32))
            continue;
        sym[at].id = m->id;
        sym[at].after = sym[after].after;
        sym[after].id = FL_BPE_NONE;
        if (sym[at].after != FL_BPE_NONE)
            sym[sym[at].after].before = at;
        push_pair(b, s, at);
        if (sym[at].before != FL_BPE_NONE)
            push_pair(b, s, sym[at].before);
    }
    return 0;
}

/* The stretch of N tokens at ID merged on its own, into the pieces called WHICH; *COUNT of them. */
static int
merge_stretch(const struct fl_bpe *b, struct fl_bpe_scratch *s, const uint32_t *id, size_t n,
              int which, size_t *count)
{
    if (n > s->piece_cap[which]) {
        struct piece *more = fl_resize(s->pieces[which], n, sizeof *more);
        if (!more)
            return -1;
        s->pieces[which] = more;
        s->piece_cap[which] = n;
    }
    struct piece *pieces = s->pieces[which];
    *count = 0;
    if (n <= FEW) {
        uint32_t copy[FEW], span[FEW];
        for (size_t i = 0; i < n; i++) {
            copy[i] = id[i];
            span[i] = 1;
        }
        *count = merge_few(b, copy, span, n);
        for (size_t i = 0; i < *count; i++)
            pieces[i] = (struct piece){copy[i], span[i]};
        return 0;
    }
    if (merge_many(b, s, id, n))
        return -1;
    for (uint32_t i = 0; i != FL_BPE_NONE; i = s->symbols[i].after) {
        uint32_t after = s->symbols[i].after;
        pieces[(*count)++] = (struct piece){s->symbols[i].id,
                                            (after == FL_BPE_NONE ? (uint32_t)n : after) - i};
    }
    return 0;
}

/* The last of COUNT pieces that begins after the first and in the first three quarters of N. */
static size_t
seam(const struct piece *pieces, size_t count, size_t n, size_t *start)
{
    size_t i = 0, at = 0;

    while (i + 1 < count && at + pieces[i].span <= n - n / 4)
        at += pieces[i++].span;
    *start = at;
    return i;
}

static bool
equal(const struct piece *a, const struct piece *b)
{
    return a->id == b->id && a->span == b->span;
}

static int
keep(struct fl_bpe_scratch *s, const struct piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct piece *kept = fl_grow(s->kept, s->kept_count, &s->kept_cap, sizeof *kept);
        if (!kept)
            return -1;
        s->kept = kept;
        kept[s->kept_count++] = pieces[i];
    }
    return 0;
}

/* Drop kept pieces of N tokens at least, if there are so many: the last of them, which is first. */
static struct piece
drop(struct fl_bpe_scratch *s, size_t n, size_t *start)
{
    struct piece last = {FL_BPE_NONE, 0};

    for (size_t dropped = 0; dropped < n && s->kept_count; dropped += last.span) {
        last = s->kept[--s->kept_count];
        *start -= last.span;
    }
    return last;
}

/*
 * Merge *COUNT tokens in place, stretch by stretch; equal to merging them all at once. Two pieces
 * that stand side by side in the result of a stretch are also the result of merging just the two:
 * no merge ever crossed the borders around them. And pieces of which this holds for all neighbours
 * are the result of the whole: the first merge that crossed a border between two of them would do
 * so when the two are merged alone. So where a stretch that begins at the seam of the one before
 * begins with the same piece, they are joined there. Where it does not, it was too short to tell,
 * and a longer one is taken, which begins further back where its first piece is another than it was
 * joined for. Source: van Antwerpen, Neubeck, "So many tokens, so little time" (GitHub, 2024).
 */
static int
merge_long(const struct fl_bpe *b, struct fl_bpe_scratch *s, uint32_t *id, size_t *count)
{
    struct piece first = {FL_BPE_NONE, 0}; /* what a stretch at START has to begin with */
    size_t all = *count, start = 0, size = FEW, n = 0, have = 0, more, skip;
    int now = 0;

    s->kept_count = 0;
    while (start + n < all) {
        if (!n) {
            n = all - start < size ? all - start : size;
            if (merge_stretch(b, s, id + start, n, now, &have))
                return -1;
            if (start && !equal(&first, s->pieces[now])) {
                size *= 2;
                first = drop(s, size, &start);
                n = 0;
            }
            continue;
        }
        size_t at = seam(s->pieces[now], have, n, &skip);
        size_t next = all - start - skip < size ? all - start - skip : size;
        if (at && merge_stretch(b, s, id + start + skip, next, !now, &more))
            return -1;
        if (!at || !equal(&s->pieces[now][at], s->pieces[!now])) {
            size *= 2;
            n = 0;
            continue;
        }
        first = s->pieces[now][at];
        if (keep(s, s->pieces[now], at))
            return -1;
        start += skip;
        n = next;
        have = more;
        now = !now;
    }
    if (keep(s, s->pieces[now], have))
        return -1;
    for (size_t i = 0; i < s->kept_count; i++)
        id[i] = s->kept[i].id;
    *count = s->kept_count;
    return 0;
}

/* With ignore_merges a word that is a token as it stands becomes that token. */
static int64_t
whole_word(const struct fl_bpe *b, struct fl_bpe_scratch *s, const unsigned char *word, size_t len)
{
    int64_t id;

    if (b->byte_level) {
        fl_buf_clear(&s->name);
        if (fl_alphabet_write(word, len, &s->name))
            return -2;
        id = fl_vocab_find(b->names, s->name.data, s->name.len);
    } else {
        id = fl_vocab_find(b->names, word, len);
    }
    return id >= 0 && b->closed && b->closed[id] ? -1 : id;
}

static int
encode_new(const struct fl_bpe *b, struct fl_bpe_scratch *s, const unsigned char *word, size_t len,
           struct fl_ids *ids)
{
    if (b->ignore_merges) {
        int64_t id = whole_word(b, s, word, len);
        if (id != -1)
            return id < 0 ? -1 : fl_ids_add(ids, (uint32_t)id);
    }
    if (!b->count)
        return begin_word(b, word, len, ids);
    s->first.len = 0;
    if (begin_word(b, word, len, &s->first))
        return -1;
    size_t n = s->first.len;
    if (n >= FL_BPE_NONE)
        return fl_error(FL_FAILED, "a word of %zu bytes is too long", n);
    if (n <= FEW) {
        uint32_t span[FEW];
        memset(span, 0, sizeof span); /* nobody asks */
        n = merge_few(b, s->first.data, span, n);
    } else if (merge_long(b, s, s->first.data, &n)) {
        return -1;
    }
    if (reserve_ids(ids, n))
        return -1;
    memcpy(ids->data + ids->len, s->first.data, n * sizeof *ids->data);
    ids->len += n;
    return 0;
}

/* Remember that the last N of IDS are what WORD becomes. A full cache starts again. */
static void
remember(struct fl_bpe_scratch *s, size_t slot, uint64_t hash, const unsigned char *word,
         size_t len, const uint32_t *ids, size_t n)
{
    size_t units = (len + 3) / 4;

    if (4 * s->cached >= 3 * CACHE_SLOTS || s->arena_used + units + n > CACHE_ARENA) {
        memset(s->cache, 0, CACHE_SLOTS * sizeof *s->cache);
        s->cached = s->arena_used = 0;
        slot = hash & (CACHE_SLOTS - 1);
    }
    s->cache[slot] = (struct cached){hash, (uint32_t)s->arena_used, (uint16_t)len, (uint16_t)n};
    memcpy(s->arena + s->arena_used, word, len);
    memcpy(s->arena + s->arena_used + units, ids, n * sizeof *ids);
    s->arena_used += units + n;
    s->cached++;
}

static int
encode_cached(const struct fl_bpe *b, struct fl_bpe_scratch *s, const unsigned char *word,
              size_t len, struct fl_ids *ids)
{
    if (len > CACHE_WORD || !len)
        return len ? encode_new(b, s, word, len, ids) : 0;
    uint64_t hash = fl_hash_text(word, len);
    size_t slot = hash & (CACHE_SLOTS - 1);
    for (; s->cache[slot].len; slot = (slot + 1) & (CACHE_SLOTS - 1)) {
        const struct cached *c = &s->cache[slot];
        if (c->hash != hash || c->len != len || memcmp(s->arena + c->at, word, len))
            continue;
        if (reserve_ids(ids, c->ids))
            return -1;
        memcpy(ids->data + ids->len, s->arena + c->at + (len + 3) / 4, c->ids * sizeof *ids->data);
        ids->len += c->ids;
        return 0;
    }
    size_t before = ids->len;
    if (encode_new(b, s, word, len, ids))
        return -1;
    remember(s, slot, hash, word, len, ids->data + before, ids->len - before);
    return 0;
}

int
fl_bpe_encode(const struct fl_bpe *b, struct fl_bpe_scratch *s, const unsigned char *word,
              size_t len, struct fl_ids *ids)
{
    size_t start = 0;

    if (!b->cut_at_mark)
        return encode_cached(b, s, word, len, ids);
    for (size_t i = 3; i + 2 < len; i++) {
        if (word[i] != 0xe2 || !is_mark(word + i) || is_mark(word + i - 3))
            continue;
        if (encode_cached(b, s, word + start, i - start, ids))
            return -1;
        start = i;
    }
    return encode_cached(b, s, word + start, len - start, ids);
}
