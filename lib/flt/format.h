/*
 * What the stream is made of: kinds, dtypes, roles, tensor descriptions, signatures. The bytes of
 * it are in flt(5).
 */
#ifndef FL_FLT_FORMAT_H
#define FL_FLT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/version.h"
#include "crypt/hash.h"
#include "flt/meta.h"

enum {
    FL_FLT_VERSION = 1,
    FL_FLT_ALIGN = 64,
    FL_FLT_HEADER = 64,
    FL_FLT_BLOCK = 1 << 20, /* payload bytes with one check value */
    FL_FLT_HEAD_MAX = 16 << 20,
    FL_FLT_BODY_MAX = 64 << 10,
    FL_FLT_NAME_MAX = 255,
    FL_FLT_RANK_MAX = 8
};

/* Kinds are text on the wire; these are the ones that exist. */
#define FL_KIND_MODEL      "model"
#define FL_KIND_ADAPTER    "adapter"
#define FL_KIND_TOKENS     "tokens"
#define FL_KIND_TOKENIZER  "tokenizer"
#define FL_KIND_UPDATE     "update"
#define FL_KIND_MASKED     "masked"
#define FL_KIND_SUM        "sum"
#define FL_KIND_PLAN       "plan"
#define FL_KIND_CIPHER     "cipher"
#define FL_KIND_HEKEY      "hekey"
#define FL_KIND_OPTIMIZER  "optimizer"
#define FL_KIND_CHECKPOINT "checkpoint"

/* What rounds are over: its numbers are what updates change. */
#define FL_KIND_BASE FL_KIND_MODEL "|" FL_KIND_ADAPTER

/* Is KIND one of WANT, "model" or "model|tokenizer"? */
bool fl_kind_is(const char *kind, const char *want);

/*
 * Record that FILE is of the kind GOT and not of WANT, or only the cure of such an error: what is
 * expected, and who writes it. Always -1.
 */
int fl_wrong_kind(const char *file, const char *got, const char *want);
int fl_kind_cure(const char *want);

enum fl_dtype {
    FL_F64 = 1,
    FL_F32 = 2,
    FL_F16 = 3,
    FL_BF16 = 4,
    FL_I64 = 5,
    FL_I32 = 6,
    FL_I16 = 7,
    FL_I8 = 8,
    FL_U64 = 9,
    FL_U32 = 10,
    FL_U16 = 11,
    FL_U8 = 12,
    FL_Q8_0 = 13 /* blocks of 32 values in 34 bytes (math/q8.h), whole ones in a row */
};

enum fl_role { FL_PLAIN = 0, FL_MASKED = 1, FL_CIPHER = 2 };

/* What ends the message about a damaged stream, unless a caller knows better. */
#define FL_CURE_DAMAGED "fetch the file again"

/* And that about one whose check values hold, so that another copy would be the same. */
#define FL_CURE_UNKNOWN                                                                            \
    "the file is whole: read it with a newer fl than " FL_VERSION ", or ask who wrote it"

size_t fl_dtype_size(enum fl_dtype dtype);      /* bytes of a block, 0 for an unknown code */
size_t fl_dtype_block(enum fl_dtype dtype);     /* elements in that: 1, but 32 of q8_0 */
const char *fl_dtype_name(enum fl_dtype dtype); /* "f32"; "?" for an unknown code */
enum fl_dtype fl_dtype_find(const char *name);  /* the reverse; 0 for an unknown name */
const char *fl_role_name(enum fl_role role);

/* Bytes of N elements, and the reverse; whole blocks. */
uint64_t fl_dtype_bytes(enum fl_dtype dtype, uint64_t n);
uint64_t fl_dtype_count(enum fl_dtype dtype, uint64_t bytes);

struct fl_tensor {
    char name[FL_FLT_NAME_MAX + 1];
    enum fl_dtype dtype;
    enum fl_role role;
    unsigned rank;
    uint64_t dims[FL_FLT_RANK_MAX];
    struct fl_meta attrs;
};

/* A tensor of one dtype whose attributes are empty; NAME at most 255 bytes. */
void fl_tensor_init(struct fl_tensor *t, const char *name, enum fl_dtype dtype, unsigned rank,
                    const uint64_t *dims);

/*
 * Elements (1 for rank 0) and payload bytes; -1 when the product overflows, or the last of the dims
 * is no whole number of the dtype's blocks.
 */
FL_MUST int fl_tensor_size(const struct fl_tensor *t, uint64_t *elements, uint64_t *bytes);

bool fl_dtype_is_float(enum fl_dtype dtype); /* q8_0 too */

/* Name, dtype and shape into a hash: LE16 length, name, LE16 dtype, u8 rank, LE64 dims. */
void fl_tensor_hash(struct fl_hash *h, const struct fl_tensor *t);

/* True when dtype, rank and dims agree. */
bool fl_tensor_same_shape(const struct fl_tensor *a, const struct fl_tensor *b);

/* "f32[64,192]" into TEXT of SIZE bytes; returns TEXT. */
const char *fl_tensor_shape(const struct fl_tensor *t, char *text, size_t size);

struct fl_head {
    char kind[64];
    struct fl_meta meta;
};

/*
 * A signature as it travels: flt/ carries it and does not judge it. What is signed is
 * "fl-sig-v1" 0 kind 0 roster signer(LE32) digest.
 */
struct fl_sign {
    char name[FL_FLT_NAME_MAX + 1]; /* of the signer */
    uint32_t signer;                /* index in the roster; the hub is 0xffffffff */
    unsigned char roster[32];       /* roster digest, zeros without one */
    unsigned char key[32];          /* Ed25519 public key */
    unsigned char signature[64];
};

#endif
