/*
 * MinHash from its definition: one lane at a time over all hashes, no arrays of lanes, no vectors.
 */
#include "near.h"

#include <stdlib.h>

/* One lane of one hash, a call each: what a compiler makes of loops is not what is compared with. */
__attribute__((noinline)) static uint64_t
lane_of(const struct fl_minhash *m, int lane, uint64_t hash)
{
    return (m->a[lane] * (hash & 0xffffffff) + m->b[lane] * (hash >> 32)) & 0xffffffff;
}

void
naive_minhash(const struct fl_minhash *m, const uint64_t *hash, size_t count, uint32_t *lanes)
{
    for (int lane = 0; lane < FL_MINHASH_LANES; lane++) {
        uint64_t least = UINT64_MAX;
        for (size_t k = 0; k < count; k++) {
            uint64_t v = lane_of(m, lane, hash[k]);
            if (v < least)
                least = v;
        }
        lanes[lane] = (uint32_t)least;
    }
}

void
naive_near(const uint32_t *lanes, const uint64_t *hash, size_t count, unsigned agree,
           uint32_t *kept)
{
    uint32_t *order = calloc(count + 1, sizeof *order);
    size_t kept_count = 0;
    uint32_t *stays = calloc(count + 1, sizeof *stays);

    for (size_t i = 0; i < count; i++) { /* by hash, then by number */
        size_t k = i;
        for (; k && hash[order[k - 1]] > hash[i]; k--)
            order[k] = order[k - 1];
        order[k] = (uint32_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t own = order[i];
        kept[own] = own;
        for (size_t k = 0; k < kept_count && kept[own] == own; k++) {
            unsigned same = 0;
            for (int l = 0; l < FL_MINHASH_LANES; l++)
                same += lanes[(size_t)own * FL_MINHASH_LANES + (size_t)l] ==
                        lanes[(size_t)stays[k] * FL_MINHASH_LANES + (size_t)l];
            if (same >= agree)
                kept[own] = stays[k];
        }
        if (kept[own] == own)
            stays[kept_count++] = own;
    }
    free(order);
    free(stays);
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

double
naive_jaccard(uint64_t *a, size_t na, uint64_t *b, size_t nb)
{
    size_t i = 0, k = 0, both = 0, any = 0;

    qsort(a, na, sizeof *a, by_value);
    qsort(b, nb, sizeof *b, by_value);
    while (i < na || k < nb) {
        uint64_t next = k == nb || (i < na && a[i] < b[k]) ? a[i] : b[k];
        both += i < na && k < nb && a[i] == next && b[k] == next;
        any++;
        while (i < na && a[i] == next)
            i++;
        while (k < nb && b[k] == next)
            k++;
    }
    return any ? (double)both / (double)any : 1;
}
