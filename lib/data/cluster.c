/*
 * Three sorts outside of memory: documents by hash, which gives each its turn; bands by value, so
 * that there are buckets; and the places of documents in buckets of two or more by turn. A document
 * is then compared with the kept ones of its buckets, whose numbers are written into the places of
 * these buckets in one unlinked file as they are kept: a bucket holds no more than it has of them.
 * Lanes are read from another such file, the last ones from a table in memory.
 */
#include "data/cluster.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "data/spill.h"
#include "os/file.h"

enum { LANE_BYTES = FL_MINHASH_LANES * 4, WAITING = 64, LEAST_MEM = 1 << 20, NOBODY = 0 };

struct cached { /* lanes of document NUMBER - 1 */
    uint32_t number;
    uint32_t lanes[FL_MINHASH_LANES];
};

struct fl_cluster {
    struct fl_cluster_settings set;
    struct fl_cluster_counts counts;
    struct fl_spill *hashes; /* hash, document */
    struct fl_spill *bands;  /* value, document */
    struct fl_spill *places; /* turn and document, place of the bucket */
    int lanes;               /* LANE_BYTES a document */
    uint32_t (*waiting)[FL_MINHASH_LANES];
    size_t waits;

    unsigned char *same; /* a bit a document: its hash was there before */
    uint32_t *kept;      /* after fl_cluster_finish; before, the turn of each document */
    size_t cap;

    int bucket_file;
    uint32_t *buckets; /* mapped: the number of kept documents in each, and then they */
    uint64_t bucket_size;
    uint64_t *bucket; /* the places of one bucket's documents while it is read */
    size_t bucket_cap;
    struct cached *cache;
    size_t cache_mask;
};

static const char file_name[] = "a temporary file";

struct fl_cluster *
fl_cluster_new(const struct fl_cluster_settings *settings)
{
    struct fl_cluster *n = fl_alloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->set = *settings;
    n->set.mem = fl_max(settings->mem, LEAST_MEM);
    n->lanes = n->bucket_file = -1;
    n->hashes = fl_spill_new(n->set.mem / 8);
    n->bands = fl_spill_new(n->set.mem / 2);
    n->places = fl_spill_new(n->set.mem / 4);
    n->waiting = fl_alloc(WAITING, sizeof *n->waiting);
    if (!n->hashes || !n->bands || !n->places || !n->waiting) {
        fl_cluster_free(n);
        return NULL;
    }
    return n;
}

/* Let go of what is only needed to decide. */
static void
release_work(struct fl_cluster *n)
{
    fl_spill_free(n->hashes);
    fl_spill_free(n->bands);
    fl_spill_free(n->places);
    n->hashes = n->bands = n->places = NULL;
    if (n->buckets)
        fl_unmap(n->buckets, n->bucket_size);
    n->buckets = NULL;
    if (n->lanes >= 0)
        close(n->lanes);
    if (n->bucket_file >= 0)
        close(n->bucket_file);
    n->lanes = n->bucket_file = -1;
    free(n->waiting);
    free(n->bucket);
    free(n->cache);
    n->waiting = NULL;
    n->bucket = NULL;
    n->cache = NULL;
}

void
fl_cluster_free(struct fl_cluster *n)
{
    if (!n)
        return;
    release_work(n);
    free(n->kept);
    free(n->same);
    free(n);
}

/* Write the lanes that wait. */
static int
flush(struct fl_cluster *n)
{
    if (!n->waits)
        return 0;
    if (n->lanes < 0 && (n->lanes = fl_spool_open()) < 0)
        return -1;
    if (fl_write_full(n->lanes, file_name, n->waiting, n->waits * LANE_BYTES))
        return -1;
    n->waits = 0;
    return 0;
}

int
fl_cluster_add(struct fl_cluster *n, uint64_t hash, const uint32_t *lanes)
{
    uint32_t number = (uint32_t)n->counts.documents;

    if (n->counts.documents == UINT32_MAX)
        return fl_error(FL_FAILED, "the input has more than 4,294,967,295 documents; part it");
    uint32_t *kept = fl_grow(n->kept, number, &n->cap, sizeof *kept);
    if (!kept)
        return -1;
    n->kept = kept;
    kept[number] = number;
    n->counts.documents++;
    if (fl_spill_add(n->hashes, hash, number))
        return -1;
    if (!n->set.bands)
        return 0;
    for (unsigned b = 0; lanes && b < n->set.bands; b++) {
        uint64_t value = XXH3_64bits_withSeed(lanes + (size_t)b * n->set.rows,
                                              n->set.rows * sizeof *lanes, b);
        if (fl_spill_add(n->bands, value, number))
            return -1;
    }
    if (lanes)
        memcpy(n->waiting[n->waits], lanes, LANE_BYTES);
    else
        memset(n->waiting[n->waits], 0, LANE_BYTES);
    return ++n->waits == WAITING ? flush(n) : 0;
}

/* Give documents their turns; those with an equal hash are dropped for the first of them. */
static int
take_turns(struct fl_cluster *n, uint32_t *same_as)
{
    struct fl_spill_pair pair, last = {0, 0};
    uint32_t turn = 0;
    int more;

    while ((more = fl_spill_next(n->hashes, &pair)) > 0) {
        bool same = turn && pair.key == last.key;
        same_as[pair.value] = same ? (uint32_t)last.value : (uint32_t)pair.value;
        n->counts.same += same;
        if (!same)
            last = pair;
        n->kept[pair.value] = turn++;
    }
    return more;
}

/* The documents of one bucket, which are two or more, get its place. */
static int
make_bucket(struct fl_cluster *n, size_t count)
{
    uint64_t place = n->bucket_size;

    for (size_t i = 0; i < count; i++) {
        uint64_t number = n->bucket[i];
        if (fl_spill_add(n->places, (uint64_t)n->kept[number] << 32 | number, place))
            return -1;
    }
    n->bucket_size += 1 + fl_min(count, FL_CLUSTER_KEPT);
    return 0;
}

/* Buckets from the sorted bands. Equal documents stand in them once. */
static int
make_buckets(struct fl_cluster *n, const uint32_t *same_as)
{
    struct fl_spill_pair pair, last = {0, 0};
    size_t count = 0;
    int more;

    while ((more = fl_spill_next(n->bands, &pair)) > 0) {
        if (same_as[pair.value] != pair.value)
            continue;
        if (count && pair.key != last.key) {
            if (count > 1 && make_bucket(n, count))
                return -1;
            count = 0;
        }
        uint64_t *bucket = fl_grow(n->bucket, count, &n->bucket_cap, sizeof *bucket);
        if (!bucket)
            return -1;
        n->bucket = bucket;
        bucket[count++] = pair.value;
        last = pair;
    }
    return more < 0 || (count > 1 && make_bucket(n, count)) ? -1 : 0;
}

/* The lanes of document NUMBER, valid until the next but one call, or NULL. */
static const uint32_t *
lanes_of(struct fl_cluster *n, uint32_t number)
{
    struct cached *c = &n->cache[number & n->cache_mask];

    if (c->number == number + 1)
        return c->lanes;
    c->number = NOBODY;
    ssize_t got = fl_pread_full(n->lanes, file_name, c->lanes, LANE_BYTES,
                                (uint64_t)number * LANE_BYTES);
    if (got != LANE_BYTES) {
        if (got >= 0)
            fl_error(FL_FAILED, "%s became shorter while it was read", file_name);
        return NULL;
    }
    c->number = number + 1;
    return c->lanes;
}

/* One document at its turn, with the places of its buckets. */
struct turn {
    uint32_t number;
    const uint64_t *places;
    size_t count;
};

/* Is a kept document near? 1 with it in *FOUND, 0, or -1. */
static int
find_near(struct fl_cluster *n, const struct turn *t, uint32_t *found)
{
    uint32_t own[FL_MINHASH_LANES];
    const uint32_t *lanes = lanes_of(n, t->number);

    if (!lanes)
        return -1;
    memcpy(own, lanes, LANE_BYTES);
    for (size_t i = 0; i < t->count; i++) {
        const uint32_t *bucket = n->buckets + t->places[i];
        for (uint32_t k = 1; k <= bucket[0] && k <= FL_CLUSTER_KEPT; k++) {
            lanes = lanes_of(n, bucket[k]);
            if (!lanes)
                return -1;
            n->counts.compared++;
            if (fl_minhash_agree(own, lanes) >= n->set.agree) {
                *found = bucket[k];
                return 1;
            }
        }
    }
    return 0;
}

/* Decide about one document, and note it in its buckets when it stays. */
static int
take(struct fl_cluster *n, const struct turn *t)
{
    uint32_t found = t->number;
    int near = find_near(n, t, &found);

    if (near < 0)
        return -1;
    n->kept[t->number] = found;
    n->counts.near += near > 0;
    for (size_t i = 0; !near && i < t->count; i++) {
        uint32_t *bucket = n->buckets + t->places[i];
        if (bucket[0] < FL_CLUSTER_KEPT)
            bucket[1 + bucket[0]] = t->number;
        n->counts.full += bucket[0] == FL_CLUSTER_KEPT;
        bucket[0] += bucket[0] <= FL_CLUSTER_KEPT;
    }
    return 0;
}

/* All turns in order. */
static int
take_all(struct fl_cluster *n)
{
    uint64_t places[FL_MINHASH_LANES];
    struct fl_spill_pair pair;
    struct turn t = {.places = places};
    uint64_t key = 0;
    int more;

    while ((more = fl_spill_next(n->places, &pair)) > 0) {
        if (t.count && pair.key != key) {
            if (take(n, &t))
                return -1;
            t.count = 0;
        }
        key = pair.key;
        t.number = (uint32_t)pair.key;
        places[t.count++] = pair.value;
    }
    return more < 0 || (t.count && take(n, &t)) ? -1 : 0;
}

/* Room for lanes in memory: as much as the bands had, a power of two of documents. */
static int
make_cache(struct fl_cluster *n)
{
    size_t count = 2;

    while (2 * count * sizeof *n->cache <= n->set.mem / 2 && count < n->counts.documents)
        count *= 2;
    n->cache_mask = count - 1;
    n->cache = fl_alloc(count, sizeof *n->cache);
    return n->cache ? 0 : -1;
}

/* Near ones, when there are bands. */
static int
decide(struct fl_cluster *n, uint32_t *same_as)
{
    if (flush(n) || make_buckets(n, same_as))
        return -1;
    fl_spill_free(n->bands);
    n->bands = NULL;
    for (uint32_t i = 0; i < n->counts.documents; i++)
        n->kept[i] = i;
    if (!n->bucket_size)
        return 0;
    if (fl_mul_u64(n->bucket_size, sizeof *n->buckets, &n->bucket_size))
        return -1;
    n->bucket_file = fl_spool_open();
    if (n->bucket_file < 0)
        return -1;
    n->buckets = fl_map_spool(n->bucket_file, n->bucket_size);
    return !n->buckets || make_cache(n) || take_all(n) ? -1 : 0;
}

int
fl_cluster_finish(struct fl_cluster *n)
{
    uint32_t *same_as = fl_alloc(n->counts.documents, sizeof *same_as);
    n->same = fl_alloc(n->counts.documents / 8 + 1, 1);
    int result = !same_as || !n->same || take_turns(n, same_as) || decide(n, same_as) ? -1 : 0;

    /* The first of equal ones stands for them, and a kept one may stand for it. */
    for (uint32_t i = 0; !result && i < n->counts.documents; i++)
        if (same_as[i] != i) {
            n->kept[i] = n->kept[same_as[i]];
            n->same[i / 8] |= (unsigned char)(1 << i % 8);
        }
    free(same_as);
    release_work(n);
    return result;
}

uint32_t
fl_cluster_kept(const struct fl_cluster *n, uint32_t document)
{
    return n->kept[document];
}

bool
fl_cluster_same(const struct fl_cluster *n, uint32_t document)
{
    return n->same[document / 8] >> document % 8 & 1;
}

const struct fl_cluster_counts *
fl_cluster_counts(const struct fl_cluster *n)
{
    return &n->counts;
}
