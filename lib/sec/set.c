/*
 * Keys are sorted by their pattern, the bits that they have in all sets: a class is a run of equal
 * ones.
 */
#include "sec/set.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"

void
fl_set_digest(unsigned char set[32], const unsigned char sid[32], const uint32_t *sites,
              const unsigned char *digests, size_t count)
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.set");
    fl_hash_add(&h, sid, 32);
    fl_hash_add32(&h, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        fl_hash_add32(&h, sites[i]);
        fl_hash_add(&h, digests + 32 * i, 32);
    }
    fl_hash_final(&h, set);
}

size_t
fl_set_bytes(size_t keys)
{
    return (keys + 7) / 8;
}

bool
fl_set_has(const unsigned char *sets, size_t keys, size_t set, size_t key)
{
    return sets[set * fl_set_bytes(keys) + key / 8] >> key % 8 & 1;
}

void
fl_set_put(unsigned char *sets, size_t keys, size_t set, size_t key)
{
    sets[set * fl_set_bytes(keys) + key / 8] |= (unsigned char)(1u << key % 8);
}

struct patterns {
    size_t keys, bytes;           /* of one pattern */
    unsigned char *pattern;       /* (keys, bytes) bit S of key K: is it in set S? */
    const unsigned char **sorted; /* (keys) into pattern */
};

static void
release(struct patterns *p)
{
    free(p->pattern);
    free(p->sorted);
}

static bool
in_any(const unsigned char *pattern, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (pattern[i])
            return true;
    return false;
}

/* qsort(3) hands no length to the comparison, so it travels with each pattern. */
struct sortable {
    const unsigned char *pattern;
    size_t bytes;
};

static int
compare(const void *a, const void *b)
{
    const struct sortable *x = a, *y = b;
    int order = memcmp(x->pattern, y->pattern, x->bytes);

    /* of equal patterns the earlier key first */
    return order ? order : x->pattern < y->pattern ? -1 : x->pattern > y->pattern;
}

static int
sort(struct patterns *p, const unsigned char *sets, size_t count, size_t keys)
{
    struct sortable *order = fl_alloc(keys, sizeof *order);

    *p = (struct patterns){.keys = keys, .bytes = count / 8 + 1};
    p->pattern = fl_alloc(keys, p->bytes);
    p->sorted = fl_alloc(keys, sizeof *p->sorted);
    if (!order || !p->pattern || !p->sorted) {
        free(order);
        release(p);
        return -1;
    }
    for (size_t k = 0; k < keys; k++) {
        unsigned char *pattern = p->pattern + k * p->bytes;
        for (size_t s = 0; s < count; s++)
            pattern[s / 8] |= (unsigned char)(fl_set_has(sets, keys, s, k) << s % 8);
        order[k] = (struct sortable){pattern, p->bytes};
    }
    qsort(order, keys, sizeof *order, compare);
    for (size_t k = 0; k < keys; k++)
        p->sorted[k] = order[k].pattern;
    free(order);
    return 0;
}

/* The class that begins at place AT ends before the place that is returned. */
static size_t
class_end(const struct patterns *p, size_t at)
{
    size_t end = at + 1;

    while (end < p->keys && !memcmp(p->sorted[at], p->sorted[end], p->bytes))
        end++;
    return end;
}

static size_t
key_at(const struct patterns *p, size_t place)
{
    return (size_t)(p->sorted[place] - p->pattern) / p->bytes;
}

int
fl_set_check(const unsigned char *sets, size_t count, size_t keys, size_t min_sum, size_t *key,
             size_t *size)
{
    struct patterns p;
    int kept = 1;

    if (sort(&p, sets, count, keys))
        return -1;
    for (size_t at = 0, end; at < keys && kept; at = end) {
        end = class_end(&p, at);
        if (!in_any(p.sorted[at], p.bytes) || end - at >= min_sum)
            continue;
        kept = 0;
        if (key)
            *key = key_at(&p, at);
        if (size)
            *size = end - at;
    }
    release(&p);
    return kept;
}

/*
 * Of a class of SIZE keys, HERE of them present: how many may be in the next set. Those in it and
 * those out of it become classes of their own; a class that was in no set may be left in any
 * number.
 */
static size_t
most_of(size_t size, size_t here, size_t min_sum, bool was_in)
{
    if (here < min_sum)
        return 0;
    if (!was_in || here == size || size - here >= min_sum)
        return here;
    return size >= 2 * min_sum ? size - min_sum : 0;
}

int64_t
fl_set_fit(const unsigned char *sets, size_t count, size_t keys, size_t min_sum,
           const unsigned char *here, unsigned char *fit)
{
    struct patterns p;
    int64_t total = 0;

    memset(fit, 0, fl_set_bytes(keys));
    if (sort(&p, sets, count, keys))
        return -1;
    for (size_t at = 0, end; at < keys; at = end) {
        size_t present = 0;
        end = class_end(&p, at);
        for (size_t i = at; i < end; i++)
            present += fl_set_has(here, keys, 0, key_at(&p, i));
        size_t most = most_of(end - at, present, min_sum, in_any(p.sorted[at], p.bytes));
        for (size_t i = at; i < end && most; i++)
            if (fl_set_has(here, keys, 0, key_at(&p, i))) {
                fl_set_put(fit, keys, 0, key_at(&p, i));
                most--;
                total++;
            }
    }
    release(&p);
    return total;
}
