/*
 * A helper's line for tensors of protection he: the root of a tree over the 1024 keys that it will
 * show in an epoch, one a round. It stands in the roster, so that no helper can choose its key of a
 * round after it saw the others' (it could then make the sum of them a key of its own alone).
 *
 *     fl1-he FEDERATION NAME EPOCH ED25519 ROOT SIGNATURE
 *
 * SIGNATURE is the helper's own Ed25519 key's: kind "heline", no roster, signer 0, root
 * H(-; "fl1.heline"; all of the line before the space in front of it).
 *
 *     leaf(k) = H(-; "fl1.he.leaf"; LE64 length, federation; LE64 epoch; ED25519; LE64 k; key)
 *     node    = H(-; "fl1.he.node"; left right)
 *
 * k is the number of the round in its epoch, from 0; the key is in its packed form (FL_HE_KEY).
 */
#ifndef FL_SEC_HE_LINE_H
#define FL_SEC_HE_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "sec/identity.h"

enum {
    FL_HE_DEPTH = 10, /* nodes of a path: FL_HE_ROUNDS is 2^10 */
    FL_HE_PATH = 32 * FL_HE_DEPTH
};

struct fl_he_line {
    char federation[FL_SITE_MAX + 1], name[FL_SITE_MAX + 1];
    int64_t epoch;
    unsigned char sign[FL_SIGN_PUBLIC], root[32];
    char text[FL_LINE_MAX]; /* the line itself, without a line feed */
};

/* The line of KEY for this federation and the epoch that the key is for now. */
void fl_he_line_make(struct fl_he_line *line, const struct fl_key *key, const char *federation,
                     const unsigned char root[32]);

/*
 * Take a line apart and check it to the last bit. -1: FL_REFUSED when the signature is bad,
 * FL_USAGE when it is no such line. Names no file. Spaces around it are ignored.
 */
FL_MUST int fl_he_line_parse(struct fl_he_line *line, const char *text);

/* The leaf of round K, of the helper whose Ed25519 key SIGN is; LEN bytes of packed KEY. */
void fl_he_leaf(unsigned char leaf[32], const char *federation, int64_t epoch,
                const unsigned char sign[32], uint64_t k, const void *key, size_t len);

/* The root of LEAVES (FL_HE_ROUNDS, 32), and the path of leaf K: its sibling first. */
void fl_he_root(unsigned char root[32], const unsigned char *leaves);
void fl_he_path(unsigned char path[FL_HE_PATH], const unsigned char *leaves, uint64_t k);

/* The root that LEAF and PATH lead to, LEAF being number K. */
void fl_he_climb(unsigned char root[32], const unsigned char leaf[32],
                 const unsigned char path[FL_HE_PATH], uint64_t k);

#endif
