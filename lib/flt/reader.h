/*
 * Reading a stream in one pass, from a pipe or a file, every byte checked before it is believed.
 *
 *   while ((r = fl_reader_object(in, &head)) == 1) {
 *       while ((r = fl_reader_tensor(in, &tensor)) == 1)
 *           while ((r = fl_reader_block(in, &data, &len)) == 1)
 *               use(data, len);
 *       while ((r = fl_reader_sign(in, &sign)) == 1)
 *           ...
 *   }
 *
 * Iterators return 1, 0 at the end of what they iterate, -1 with an error that names file, place
 * and cure. fl_reader_tensor returning 0 means that the object was whole: until then nothing
 * derived from it is to be taken as done. From a pipe the check values of a tensor come after its
 * payload: a damaged block shows at the end of its tensor. Memory: some MiB, plus 8 bytes a MiB of
 * the largest tensor, plus names of the tensors.
 */
#ifndef FL_FLT_READER_H
#define FL_FLT_READER_H

#include <stdbool.h>

#include "base/must.h"
#include "flt/format.h"
#include "os/pool.h"

struct fl_reader;

/* Open PATH (NULL or "-": standard input). NULL with an error. */
struct fl_reader *fl_reader_open(const char *path);

/* Read from FD, which stays the caller's; NAME is copied, for messages. */
struct fl_reader *fl_reader_new(int fd, const char *name);
void fl_reader_free(struct fl_reader *r);

const char *fl_reader_name(const struct fl_reader *r);

/* Compute digests from the next object on; payloads are then read even when they are skipped. */
void fl_reader_want_digest(struct fl_reader *r);

/*
 * Digest uncompressed payloads of a regular file, where they are not asked for block by block, on
 * all threads of POOL, which stays the caller's and outlives R.
 */
void fl_reader_use_pool(struct fl_reader *r, struct fl_pool *pool);

/*
 * The next object; what is left of the one before is passed over. An empty input is an error. *HEAD
 * is the reader's and stays until the next object.
 */
FL_MUST int fl_reader_object(struct fl_reader *r, const struct fl_head **head);

/* The same, and any other kind than KIND, "update" or "update|sum", is an error. */
FL_MUST int fl_reader_expect(struct fl_reader *r, const char *kind, const struct fl_head **head);

/*
 * The next tensor; what is left of the payload before is passed over (in a file without reading it
 * unless digests are wanted). *TENSOR is the reader's and stays until the next call.
 */
FL_MUST int fl_reader_tensor(struct fl_reader *r, const struct fl_tensor **tensor);

/*
 * The next piece of the payload, at most FL_FLT_BLOCK bytes, uncompressed, at a multiple of
 * FL_FLT_BLOCK of it; *DATA is aligned to 64. It stays until the call after the next that gives a
 * block of the tensor: a thread may read one while others work on the one before. In a mappable
 * file it is checked already; from a pipe see above.
 */
FL_MUST int fl_reader_block(struct fl_reader *r, const unsigned char **data, size_t *len);

/* The whole payload into DATA, which has room for LEN bytes, its exact size; checked. */
FL_MUST int fl_reader_payload(struct fl_reader *r, void *data, size_t len);

/* After fl_reader_tensor returned 0: the signatures. */
FL_MUST int fl_reader_sign(struct fl_reader *r, const struct fl_sign **sign);

/* After fl_reader_tensor returned 0, with fl_reader_want_digest: the object's digest. */
void fl_reader_digest(const struct fl_reader *r, unsigned char digest[FL_HASH_BYTES]);

/* At the same time: the digest of its payloads alone (flt/rebuild.h). */
void fl_reader_payload_digest(const struct fl_reader *r, unsigned char digest[FL_HASH_BYTES]);

/* Right after fl_reader_object returned 1: where the object begins, counted as below. */
uint64_t fl_reader_object_offset(const struct fl_reader *r);

/*
 * Where the payload of the tensor at hand begins, counted from where the reader began, and whether
 * it is compressed. For programs that map the file themselves (flt/object.h).
 */
uint64_t fl_reader_payload_offset(const struct fl_reader *r);
bool fl_reader_packed(const struct fl_reader *r);

#endif
