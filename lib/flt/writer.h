/*
 * Writing a stream in one pass to any descriptor. After a failure every later call fails too, so
 * that results may be collected at fl_writer_done. Nothing is believed by a reader before
 * fl_writer_done has written its record.
 *
 *   fl_writer_head(out, FL_KIND_UPDATE, &meta);
 *   fl_writer_tensor(out, &tensor);  fl_writer_data(out, data, len);  ... exactly its bytes ...
 *   fl_writer_done(out);             fl_writer_sign(out, &sign);
 *
 * Memory: some MiB, 8 bytes a MiB of the tensor at hand, and the names of the tensors.
 */
#ifndef FL_FLT_WRITER_H
#define FL_FLT_WRITER_H

#include "base/must.h"
#include "flt/format.h"

struct fl_writer;

/* LEVEL 0 writes raw payloads, 1 to 19 compresses them. FD and NAME (copied) are the caller's. */
struct fl_writer *fl_writer_new(int fd, const char *name, int level);
void fl_writer_free(struct fl_writer *w);

/* META may be NULL. */
FL_MUST int fl_writer_head(struct fl_writer *w, const char *kind, const struct fl_meta *meta);

/* Begin a tensor; the one before must be complete. Names are unique in an object. */
FL_MUST int fl_writer_tensor(struct fl_writer *w, const struct fl_tensor *tensor);

/* The payload, in pieces of any size. */
FL_MUST int fl_writer_data(struct fl_writer *w, const void *data, size_t len);

/*
 * End the object and hand everything to the descriptor. Fails when an input of the process changed
 * while it was read: then a reader of a pipe sees a stream that is cut.
 */
FL_MUST int fl_writer_done(struct fl_writer *w);

/* After fl_writer_done. */
FL_MUST int fl_writer_sign(struct fl_writer *w, const struct fl_sign *sign);

/* The digest of what was written, after fl_writer_done; only with fl_writer_want_digest before. */
void fl_writer_want_digest(struct fl_writer *w);
void fl_writer_digest(const struct fl_writer *w, unsigned char digest[FL_HASH_BYTES]);

#endif
