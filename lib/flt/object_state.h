/*
 * What an object is made of, for those who open it, look at its payloads and make its digest.
 */
#ifndef FL_FLT_OBJECT_STATE_H
#define FL_FLT_OBJECT_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypt/sealed.h"
#include "flt/digest.h"
#include "flt/object.h"
#include "os/progress.h"

struct fl_entry {
    struct fl_tensor tensor;
    uint64_t at, bytes; /* payload in the map or the sealed file */
    bool checked;       /* against its table, in the map */
    void *own;          /* opened whole from the sealed file; or NULL */
};

/*
 * The leaves of the digest, one for each block of each payload: computed once, for the digest of
 * the object and for that of a model's numbers.
 */
struct fl_leaves {
    uint64_t *first;       /* (tensors + 1) leaf number at which each tensor begins */
    unsigned char *hashes; /* FL_HASH_BYTES each */
    const struct fl_object *o;
    unsigned char *room;   /* FL_LEAVES blocks for each worker, when they are sealed */
    _Atomic uint64_t bad;  /* number of a leaf whose block is damaged, or ~0 */
    _Atomic uint64_t done; /* bytes */
    struct fl_progress *progress;
};

/* qsort and bsearch have no argument for context, so the name comes along with the index. */
struct fl_entry_name {
    const char *name;
    size_t index;
};

struct fl_object {
    char *name;
    struct fl_head head;
    struct fl_entry *entries;
    size_t count, cap;
    struct fl_entry_name *by_name; /* the entries, sorted */
    struct fl_sign *signs;
    size_t sign_count, sign_cap;
    unsigned char *map; /* of the file; NULL: */
    size_t map_len;
    struct fl_sealed *sealed; /* what came through a pipe, payload after payload */
    struct fl_leaves *leaves; /* NULL before they are needed */
    bool digested;
    unsigned char digest[FL_HASH_BYTES];
};

void fl_leaves_free(struct fl_leaves *l);

/*
 * Block B of entry E, checked: *LEN bytes at *DATA, of the map or in ROOM (FL_FLT_BLOCK bytes;
 * needed for what is sealed only). 0, or -1 with an error.
 */
FL_MUST int fl_object_block(const struct fl_object *o, const struct fl_entry *e, uint64_t b,
                            unsigned char *room, const unsigned char **data, size_t *len);

/* LEN bytes at DATA of the map, and pages beside them, need not stay: other threads go on there. */
void fl_object_forget_around(const struct fl_object *o, const unsigned char *data, size_t len);

#endif
