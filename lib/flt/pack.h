/*
 * Blocks of a tensor compressed with zstd, floats split into byte planes before (the high bytes of
 * neighbours are alike). Inside flt/ only.
 */
#ifndef FL_FLT_PACK_H
#define FL_FLT_PACK_H

#include "base/must.h"
#include "flt/format.h"

struct fl_packer;

/*
 * Before the stored bytes: LE32 their length with bit 31 set when they are raw, and LE32 the low
 * half of their check value. The table after the payload is of raw bytes, and zstd ignores some
 * bits of a frame: without a check of its own a flipped one would pass.
 */
enum { FL_PACK_PREFIX = 8 };

/* LEVEL 0: for unpacking only. NULL with an error. */
struct fl_packer *fl_packer_new(int level);
void fl_packer_free(struct fl_packer *p);

/*
 * Pack one block of LEN raw bytes. *STORED points to the bytes to store after PREFIX: the packer's
 * own, or RAW itself when compression gains nothing.
 */
FL_MUST int fl_pack(struct fl_packer *p, enum fl_dtype dtype, const void *raw, size_t len,
                    const void **stored, size_t *stored_len, unsigned char prefix[FL_PACK_PREFIX]);

/* Where to read the stored bytes of a block to, FL_FLT_BLOCK bytes long. */
unsigned char *fl_packer_input(struct fl_packer *p);

/* Stored length that PREFIX announces for a block of LEN raw bytes; -1 when it is impossible. */
int64_t fl_packed_size(const unsigned char prefix[FL_PACK_PREFIX], size_t len);

/* Check the stored bytes in fl_packer_input and unpack them to exactly LEN bytes at RAW. */
FL_MUST int fl_unpack(struct fl_packer *p, enum fl_dtype dtype,
                      const unsigned char prefix[FL_PACK_PREFIX], void *raw, size_t len);

#endif
