/*
 * One object with all its tensors at hand, for programs that read it out of order or twice.
 *
 * An uncompressed regular file is mapped: opening it reads the records' headers only, and a
 * tensor's payload is read and checked when it is asked for. The payloads of a pipe, or of a
 * compressed stream, are checked at once and go raw into a sealed file in $TMPDIR (crypt/sealed.h),
 * from which they are opened when they are asked for.
 */
#ifndef FL_FLT_OBJECT_H
#define FL_FLT_OBJECT_H

#include "base/must.h"
#include "flt/format.h"
#include "flt/writer.h"
#include "os/pool.h"

struct fl_object;

/*
 * The one object in PATH (NULL or "-": standard input), of KIND unless that is NULL. More than one
 * object, or another kind, is an error. NULL with an error.
 */
struct fl_object *fl_object_open(const char *path, const char *kind);

/*
 * The object that WRITE(ARG, ...) writes, all of it, into an unlinked spool as above; NAME is for
 * messages.
 */
typedef int fl_object_maker(void *arg, struct fl_writer *w);
struct fl_object *fl_object_open_made(fl_object_maker *write, void *arg, const char *name,
                                      const char *kind);
void fl_object_free(struct fl_object *o);

const char *fl_object_name(const struct fl_object *o); /* the file, for messages */
const struct fl_head *fl_object_head(const struct fl_object *o);
size_t fl_object_count(const struct fl_object *o);
const struct fl_tensor *fl_object_tensor(const struct fl_object *o, size_t i);
uint64_t fl_object_bytes(const struct fl_object *o, size_t i); /* of payload */
uint64_t fl_object_total(const struct fl_object *o);           /* of all tensors' payloads */

/* Index of a tensor by name, or -1 (no error recorded); O(log n). */
int64_t fl_object_find(const struct fl_object *o, const char *name);

/* The same; -1 with an error that names the nearest. */
int64_t fl_object_require(const struct fl_object *o, const char *name);

/*
 * The payload of tensor I, checked at the first call, aligned to 64; valid until fl_object_forget
 * or fl_object_free. NULL with an error when it is damaged. (An empty payload is a non-NULL
 * pointer.) What is sealed takes memory for all of it: a payload that may be large is viewed.
 */
const void *fl_object_data(struct fl_object *o, size_t i);

/* The payload of tensor I need not stay in memory; what fl_object_data returned is gone. */
void fl_object_forget(struct fl_object *o, size_t i);

/* A part of a payload that is at hand. A zeroed struct shows nothing. */
struct fl_view {
    const void *data; /* bytes FROM to TO - 1, aligned to 64 where FROM is */
    struct fl_object *o;
    size_t tensor;
    uint64_t from, to;
    unsigned char *own; /* what is sealed is opened into it */
    size_t room;
};

/*
 * Show bytes FROM to TO - 1 of the payload of tensor I, all of which was checked, in V; what V
 * showed before is gone, and memory does not grow. 0, or -1 with an error, after which V shows
 * nothing. One object is viewed by one thread at a time; what is shown may be read by all.
 */
FL_MUST int fl_object_view(struct fl_object *o, size_t i, uint64_t from, uint64_t to,
                           struct fl_view *v);

/*
 * Show the next FL_FLT_BLOCK bytes of tensor I in V, the first when V shows nothing; fewer where
 * that would cut a block of q8_0, and the last time what is left. 1; 0 after the last, when V is
 * released; -1 with an error.
 */
FL_MUST int fl_object_next(struct fl_object *o, size_t i, struct fl_view *v);

/* Write tensor I, description and payload, as it is. Memory does not grow. 0, or -1. */
FL_MUST int fl_object_copy(struct fl_object *o, size_t i, struct fl_writer *w);

/* Before the object is freed. */
void fl_view_release(struct fl_view *v);

/*
 * Check every payload that was not checked yet, for programs that use a part of the object but must
 * not take a damaged one. Memory does not grow with it. 0, or -1 with an error.
 */
FL_MUST int fl_object_check(struct fl_object *o);

/* The object's digest, on all threads of POOL (NULL: one), kept after the first call. */
FL_MUST int fl_object_digest(struct fl_object *o, struct fl_pool *pool, unsigned char digest[32]);

/*
 * Digest of a model's numbers alone, whatever else its object says:
 *     H(-; "fl1.params"; H(-; "fl1.schema"; for each: LE16 length, name, LE16 dtype, u8 rank, LE64
 *     dims) H(-; "fl1.payload"; leaves))
 * over its float tensors in their order; leaves as in flt(5). Of an adapter "base.params", where it
 * is, comes last: its numbers mean nothing without those of its base. The same work as
 * fl_object_digest, and of the two only the first costs it.
 */
FL_MUST int fl_object_params(struct fl_object *o, struct fl_pool *pool, unsigned char params[32]);

/*
 * Digest of the numbers of tensor I alone, H(-; "fl1.payload"; leaves): to say which tensors of two
 * objects differ. The same work as fl_object_digest, as above.
 */
FL_MUST int fl_object_tensor_digest(struct fl_object *o, size_t i, struct fl_pool *pool,
                                    unsigned char digest[32]);

size_t fl_object_sign_count(const struct fl_object *o);
const struct fl_sign *fl_object_sign(const struct fl_object *o, size_t i);

#endif
