/*
 * Which documents are left out because one that is kept is the same, or nearly the same.
 *
 * Documents are taken in the order of their hash, whatever the order in which they were added: one
 * is dropped when it is near a *kept* one, so that neither order nor threads matter and chains of
 * near pairs do not drift. Near are two documents that share one of BANDS bands of ROWS lanes, and
 * agree in at least AGREE lanes. Documents with equal hashes are the same document: the one that
 * was added first stays.
 *
 * Memory: .mem bytes and 4 a document, 8 while it is decided. Bands (16 bytes each) are sorted
 * outside of memory and lanes kept there: BANDS * 16 + 480 bytes a document in unlinked files in
 * $TMPDIR, and at most twice as much as the bands again for buckets. Cost: O(n log n) of
 * the bands, and of each bucket at most FL_CLUSTER_KEPT kept documents are compared with a new one.
 */
#ifndef FL_DATA_CLUSTER_H
#define FL_DATA_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "data/minhash.h"

enum { FL_CLUSTER_KEPT = 64 };

struct fl_cluster_settings {
    unsigned bands, rows; /* bands * rows <= FL_MINHASH_LANES; bands 0: only equal hashes */
    unsigned agree;       /* lanes of FL_MINHASH_LANES, at least 1 */
    size_t mem;           /* bytes, at least 1 MiB */
};
#define FL_CLUSTER_SETTINGS                                                                        \
    {                                                                                              \
        .bands = 20, .rows = 6, .agree = 96, .mem = (size_t)256 << 20                              \
    }

struct fl_cluster_counts { /* after fl_cluster_finish */
    uint64_t documents;
    uint64_t same;     /* dropped: equal hashes */
    uint64_t near;     /* dropped: near a kept one */
    uint64_t compared; /* pairs of documents, lane by lane */
    uint64_t full;     /* buckets with more than FL_CLUSTER_KEPT kept documents, the rest unseen */
};

struct fl_cluster;

/* NULL with an error. */
struct fl_cluster *fl_cluster_new(const struct fl_cluster_settings *settings);
void fl_cluster_free(struct fl_cluster *n);

/*
 * Add the next document; the first is number 0; at most 2^32 - 1. HASH is of the whole document:
 * equal for equal ones. LANES NULL: it is too short, only its hash counts.
 */
FL_MUST int fl_cluster_add(struct fl_cluster *n, uint64_t hash, const uint32_t *lanes);

/* Decide. Nothing is added afterwards. */
FL_MUST int fl_cluster_finish(struct fl_cluster *n);

/* After it: the document that stays in the place of number DOCUMENT; itself when that one stays. */
uint32_t fl_cluster_kept(const struct fl_cluster *n, uint32_t document);
/* Was a document with the same hash added before it? */
bool fl_cluster_same(const struct fl_cluster *n, uint32_t document);
const struct fl_cluster_counts *fl_cluster_counts(const struct fl_cluster *n);

#endif
