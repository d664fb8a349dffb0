/*
 * The canonical digest of an object, collected in one pass: the same whatever compression, padding
 * and signatures it travels with. See flt(5). Inside flt/ only.
 */
#ifndef FL_FLT_DIGEST_H
#define FL_FLT_DIGEST_H

#include <stddef.h>

#include "crypt/hash.h"

enum { FL_LEAVES = 8 }; /* blocks that are hashed at once: a fraction of the cost of each alone */

struct fl_digest {
    struct fl_hash header, payload;
    const unsigned char *late[FL_LEAVES]; /* blocks whose leaves are not made yet */
    size_t lens[FL_LEAVES], late_count;
};

/* In the order of the stream: each body, and the leaves of its blocks; then the digest, once. */
void fl_digest_init(struct fl_digest *d);
void fl_digest_body(struct fl_digest *d, const void *body, size_t len); /* of HEAD and each TENS */
/*
 * The next raw block. It is hashed with others, so its bytes stay as they are until late_count is 0
 * again: after every FL_LEAVES blocks, and after fl_digest_flush.
 */
void fl_digest_block(struct fl_digest *d, const unsigned char *block, size_t len);
void fl_digest_flush(struct fl_digest *d);
/*
 * Leaves of COUNT blocks, at most FL_LEAVES, to LEAVES (count, FL_HASH_BYTES); needs no state, so
 * that threads may share the blocks. Then they are added in order.
 */
void fl_digest_leaves(unsigned char *leaves, const unsigned char *const *blocks, const size_t *lens,
                      size_t count);
void fl_digest_add_leaf(struct fl_digest *d, const unsigned char leaf[FL_HASH_BYTES]);
/* PAYLOAD, if not NULL, gets the digest of all payloads; the object's follows from it. */
void fl_digest_final(struct fl_digest *d, const char *kind, unsigned char *payload,
                     unsigned char digest[FL_HASH_BYTES]);
/* The same with the payloads' digest given: only bodies were collected. */
void fl_digest_final_parts(struct fl_digest *d, const char *kind,
                           const unsigned char payload[FL_HASH_BYTES],
                           unsigned char digest[FL_HASH_BYTES]);

#endif
