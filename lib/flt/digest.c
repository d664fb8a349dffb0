/*
 * Headers and payloads are hashed apart: a stream brings them in turn, while threads may make the
 * leaves of a payload in any order. Bodies are hashed with their lengths, leaves have one length.
 * Source: flt(5), DIGEST.
 */
#include "flt/digest.h"

#include <string.h>

void
fl_digest_init(struct fl_digest *d)
{
    fl_hash_init(&d->header, NULL, "fl1.header");
    fl_hash_init(&d->payload, NULL, "fl1.payload");
    d->late_count = 0;
}

void
fl_digest_body(struct fl_digest *d, const void *body, size_t len)
{
    fl_hash_add_sized(&d->header, body, len);
}

void
fl_digest_leaves(unsigned char *leaves, const unsigned char *const *blocks, const size_t *lens,
                 size_t count)
{
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && lens[i + n] == lens[i];)
            n++;
        fl_hash_rows(leaves + i * FL_HASH_BYTES, "fl1.leaf", blocks + i, lens[i], n);
    }
}

void
fl_digest_flush(struct fl_digest *d)
{
    unsigned char leaves[FL_LEAVES][FL_HASH_BYTES];

    fl_digest_leaves(leaves[0], d->late, d->lens, d->late_count);
    fl_hash_add(&d->payload, leaves, d->late_count * FL_HASH_BYTES);
    d->late_count = 0;
}

void
fl_digest_block(struct fl_digest *d, const unsigned char *block, size_t len)
{
    d->late[d->late_count] = block;
    d->lens[d->late_count++] = len;
    if (d->late_count == FL_LEAVES)
        fl_digest_flush(d);
}

void
fl_digest_add_leaf(struct fl_digest *d, const unsigned char leaf[FL_HASH_BYTES])
{
    fl_digest_flush(d);
    fl_hash_add(&d->payload, leaf, FL_HASH_BYTES);
}

void
fl_digest_final_parts(struct fl_digest *d, const char *kind,
                      const unsigned char payload[FL_HASH_BYTES],
                      unsigned char digest[FL_HASH_BYTES])
{
    unsigned char header[FL_HASH_BYTES];
    struct fl_hash h;

    fl_hash_final(&d->header, header);
    fl_hash_init(&h, NULL, "fl1.obj");
    fl_hash_add_sized(&h, kind, strlen(kind));
    fl_hash_add(&h, header, sizeof header);
    fl_hash_add(&h, payload, FL_HASH_BYTES);
    fl_hash_final(&h, digest);
}

void
fl_digest_final(struct fl_digest *d, const char *kind, unsigned char *payload,
                unsigned char digest[FL_HASH_BYTES])
{
    unsigned char part[FL_HASH_BYTES];

    fl_digest_flush(d);
    fl_hash_final(&d->payload, part);
    if (payload)
        memcpy(payload, part, sizeof part);
    fl_digest_final_parts(d, kind, part, digest);
}
