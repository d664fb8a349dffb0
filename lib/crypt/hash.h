/*
 * H(key; label; parts): BLAKE2b-256 with a 16-byte personal label, as the protocol and the stream's
 * digests use it. A label is one use; parts of variable length are put with their length first.
 * Source: RFC 7693; the parameter block's salt and personalization, BLAKE2 (Aumasson et al. 2013).
 */
#ifndef FL_CRYPT_HASH_H
#define FL_CRYPT_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum { FL_HASH_BYTES = 32 };

/* Opaque state, large enough and aligned for libsodium's; wiped by fl_hash_final. */
struct fl_hash {
    _Alignas(64) unsigned char state[384];
};

/* KEY is FL_HASH_BYTES long, or NULL. LABEL: at most 16 characters. */
void fl_hash_init(struct fl_hash *h, const unsigned char *key, const char *label);
void fl_hash_add(struct fl_hash *h, const void *data, size_t len);
void fl_hash_add32(struct fl_hash *h, uint32_t v);                       /* LE */
void fl_hash_add64(struct fl_hash *h, uint64_t v);                       /* LE */
void fl_hash_add_sized(struct fl_hash *h, const void *data, size_t len); /* LE64 length first */
void fl_hash_final(struct fl_hash *h, unsigned char out[FL_HASH_BYTES]);

/* One part. */
void fl_hash_once(unsigned char out[FL_HASH_BYTES], const unsigned char *key, const char *label,
                  const void *data, size_t len);

/*
 * fl_hash_once, without a key, of COUNT rows of LEN bytes each to OUT (count, 32). From four rows
 * on it costs less than one after the other; eight at a time cost the least.
 */
void fl_hash_rows(unsigned char *out, const char *label, const unsigned char *const *rows,
                  size_t len, size_t count);

/* "0123456789abcdef..." of N bytes and a zero into TEXT, which has room for 2 * N + 1. */
void fl_hex(char *text, const unsigned char *data, size_t n);

/* The reverse; exactly N bytes, lower or upper case. Returns 0, or -1 with an error. */
FL_MUST int fl_unhex(unsigned char *data, size_t n, const char *text);

#endif
