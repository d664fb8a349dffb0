/*
 * Blocks of a tensor compressed with zstd, floats split into byte planes before (the high bytes of
 * neighbours are alike). Inside flt/ only.
 */
#ifndef FL_FLT_PACK_H
#define FL_FLT_PACK_H

#include "flt/format.h"

struct fl_packer;

/* LEVEL 0: for unpacking only. NULL with an error. */
struct fl_packer *fl_packer_new(int level);
void fl_packer_free(struct fl_packer *p);

/*
 * Pack one block of LEN raw bytes. *STORED points to the bytes to store (the packer's own, or RAW
 * itself when compression gains nothing), *HEADER is their LE32 length with bit 31 set for raw.
 */
int fl_pack(struct fl_packer *p, enum fl_dtype dtype, const void *raw, size_t len,
            const void **stored, size_t *stored_len, uint32_t *header);

/* Where to read the stored bytes of a block to, FL_FLT_BLOCK bytes long. */
unsigned char *fl_packer_input(struct fl_packer *p);

/* Stored length that HEADER announces for a block of LEN raw bytes; -1 when it is impossible. */
int64_t fl_packed_size(uint32_t header, size_t len);

/* Unpack STORED_LEN bytes of fl_packer_input to exactly LEN bytes at RAW. */
int fl_unpack(struct fl_packer *p, enum fl_dtype dtype, uint32_t header, void *raw, size_t len);

#endif
