/*
 * The content of a file that may be packed: gzip, zstd and xz are known by their first bytes, not
 * by names; anything else is given as it is. Members in a row are one content. Nothing is unpacked
 * twice: a packed file within a packed file is what its bytes say.
 *
 * A file that ends within a member, or has other bytes after its last one (gzip: but zeros), is an
 * error. Memory: a decompressor's window, at most 128 MiB; a file that wants more is refused.
 */
#ifndef FL_DATA_UNPACK_H
#define FL_DATA_UNPACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"

enum fl_packing { FL_PACKING_NONE, FL_PACKING_GZIP, FL_PACKING_ZSTD, FL_PACKING_XZ };
const char *fl_packing_name(enum fl_packing packing); /* "none", "gzip", "zstd", "xz" */

struct fl_unpack;

/* FD and NAME are borrowed; the first bytes are read. NULL with an error. */
struct fl_unpack *fl_unpack_new(int fd, const char *name);
void fl_unpack_free(struct fl_unpack *u);

enum fl_packing fl_unpack_packing(const struct fl_unpack *u);
uint64_t fl_unpack_taken(const struct fl_unpack *u); /* bytes of the file so far */

/* Up to N bytes, fewer only at the end. Returns the count, or -1 with an error. Cost O(bytes). */
ssize_t fl_unpack_read(struct fl_unpack *u, void *data, size_t n);

#endif
