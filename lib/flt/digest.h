/*
 * The canonical digest of an object, collected in one pass: the same whatever compression, padding
 * and signatures it travels with. See flt(5). Inside flt/ only.
 */
#ifndef FL_FLT_DIGEST_H
#define FL_FLT_DIGEST_H

#include <stddef.h>

#include "crypt/hash.h"

struct fl_digest {
    struct fl_hash header, payload;
};

/* In the order of the stream: each body, and the leaves of its blocks; then the digest, once. */
void fl_digest_init(struct fl_digest *d);
void fl_digest_body(struct fl_digest *d, const void *body, size_t len); /* of HEAD and each TENS */
/* The leaf of one raw block; needs no state, so that threads may share the blocks. */
void fl_digest_leaf(unsigned char leaf[FL_HASH_BYTES], const void *block, size_t len);
void fl_digest_add_leaf(struct fl_digest *d, const unsigned char leaf[FL_HASH_BYTES]);
/* PAYLOAD, if not NULL, gets the digest of all payloads; the object's follows from it. */
void fl_digest_final(struct fl_digest *d, const char *kind, unsigned char *payload,
                     unsigned char digest[FL_HASH_BYTES]);
/* The same with the payloads' digest given: only bodies were collected. */
void fl_digest_final_parts(struct fl_digest *d, const char *kind,
                           const unsigned char payload[FL_HASH_BYTES],
                           unsigned char digest[FL_HASH_BYTES]);

#endif
