/*
 * Records: the 64-byte header and the bodies, to bytes and back. Inside flt/ only.
 * Decoders believe nothing: they return -1 with an error that says what is wrong, without its
 * place.
 */
#ifndef FL_FLT_RECORD_H
#define FL_FLT_RECORD_H

#include "base/buf.h"
#include "base/must.h"
#include "flt/format.h"

enum fl_tag {
    FL_TAG_HEAD = 0x31544c46, /* "FLT1" */
    FL_TAG_TENS = 0x534e4554,
    FL_TAG_DONE = 0x454e4f44,
    FL_TAG_SIGN = 0x4e474953
};

enum { FL_FLAG_PACKED = 1 };

struct fl_record {
    uint32_t tag, flags;
    uint64_t body, payload; /* bytes */
    uint64_t body_check;
    uint64_t place; /* index in the object */
};

struct fl_done {
    uint64_t records, payload, chain;
};

void fl_record_encode(const struct fl_record *rec, unsigned char out[FL_FLT_HEADER]);
FL_MUST int fl_record_decode(struct fl_record *rec, const unsigned char in[FL_FLT_HEADER]);

FL_MUST int fl_head_encode(const char *kind, const struct fl_meta *meta, struct fl_buf *body);
FL_MUST int fl_head_decode(struct fl_head *head, const unsigned char *body, size_t len);
FL_MUST int fl_tensor_encode(const struct fl_tensor *t, struct fl_buf *body);
FL_MUST int fl_tensor_decode(struct fl_tensor *t, const unsigned char *body, size_t len);
FL_MUST int fl_done_encode(const struct fl_done *done, struct fl_buf *body);
FL_MUST int fl_done_decode(struct fl_done *done, const unsigned char *body, size_t len);
FL_MUST int fl_sign_encode(const struct fl_sign *sign, struct fl_buf *body);
FL_MUST int fl_sign_decode(struct fl_sign *sign, const unsigned char *body, size_t len);

/* Zeros from N up to a multiple of ALIGN. */
static inline size_t
fl_padding(uint64_t n, size_t align)
{
    return (size_t)(-n & (align - 1));
}

/* Blocks of a payload. */
static inline uint64_t
fl_blocks(uint64_t payload)
{
    return payload / FL_FLT_BLOCK + (payload % FL_FLT_BLOCK != 0);
}

#endif
