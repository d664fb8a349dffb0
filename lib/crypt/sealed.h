/*
 * A temporary file that nobody else can read: bytes are added at its end, and read back from any
 * place. What comes through a pipe and must be read twice lies in one: a site's update, its model,
 * its text.
 *
 * On the disk are pieces of FL_SEALED_PIECE bytes, each an XChaCha20-Poly1305 box of its own. The
 * key is random, in locked memory, of this file alone, and gone with the process, so that a thief
 * of the disk cannot open what is left of the file, not even with the keys of the site: nothing but
 * this process ever has to. The nonce is the number of the piece, and a piece is sealed once; so a
 * piece that was changed, put into another place or taken from another file does not open. The last
 * bytes, less than a piece, and the length stay in memory, so that a file cannot be cut unseen. The
 * file has no name and mode 0600.
 */
#ifndef FL_CRYPT_SEALED_H
#define FL_CRYPT_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum { FL_SEALED_PIECE = 16 << 10 }; /* small enough to be opened for some bytes of it */

struct fl_sealed;

/* An empty one, in $TMPDIR; NULL with an error. */
struct fl_sealed *fl_sealed_new(void);
void fl_sealed_free(struct fl_sealed *s); /* its bytes are gone */

/* Add N bytes; -1 with an error (a full disk is one). */
FL_MUST int fl_sealed_add(struct fl_sealed *s, const void *data, size_t n);

uint64_t fl_sealed_size(const struct fl_sealed *s);

/*
 * N bytes from AT on, which were added, into DATA; in any thread while nothing is added. -1 with an
 * error (FL_FAILED) when the file is not what was written. Cost: whole pieces are opened.
 */
FL_MUST int fl_sealed_read(const struct fl_sealed *s, uint64_t at, void *data, size_t n);

#endif
