/*
 * The digest of an object without its payload: from the bytes of its head, the list of its tensors,
 * and the digest of its payloads. So a signature can be checked by somebody to whom the payload
 * would be hundreds of megabytes of no use.
 */
#ifndef FL_FLT_REBUILD_H
#define FL_FLT_REBUILD_H

#include "base/buf.h"
#include "base/must.h"
#include "flt/schema.h"

/* Append the body of a HEAD record, with which an object of KIND and META begins; 0 or -1. */
FL_MUST int fl_head_body(const char *kind, const struct fl_meta *meta, struct fl_buf *out);

/*
 * Decode BODY into HEAD (release head->meta) and compute the digest of the object that has this
 * head, the tensors of SCHEMA in order, and PAYLOAD (fl_reader_payload_digest). -1 with an error
 * that names no file when BODY is not the one form that these bytes can have; HEAD is empty then.
 */
FL_MUST int fl_digest_rebuild(struct fl_head *head, const void *body, size_t len,
                              const struct fl_schema *schema,
                              const unsigned char payload[FL_HASH_BYTES],
                              unsigned char digest[FL_HASH_BYTES]);

#endif
