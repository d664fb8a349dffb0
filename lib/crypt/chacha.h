/*
 * ChaCha20 (RFC 8439, 32-bit counter, 96-bit nonce) as the generator of masks, and
 * XChaCha20-Poly1305 boxes.
 */
#ifndef FL_CRYPT_CHACHA_H
#define FL_CRYPT_CHACHA_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum { FL_STREAM_KEY = 32, FL_STREAM_UNIT = 2048, FL_BOX_NONCE = 24, FL_BOX_TAG = 16 };

/* N bytes of keystream; nonce = LE32 0 || LE64 CHUNK, counter 0. N at most 256 GiB. */
void fl_stream_fill(void *out, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk);

/* The same from byte AT of it on, a multiple of FL_STREAM_UNIT. */
void fl_stream_part(void *out, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
                    uint64_t at);

/* SEALED has room for N + FL_BOX_TAG bytes. */
void fl_box_seal(unsigned char *sealed, const void *plain, size_t n, const void *ad, size_t ad_len,
                 const unsigned char nonce[FL_BOX_NONCE], const unsigned char key[32]);

/* N counts the sealed bytes. -1 (FL_REFUSED) when they were changed: PLAIN is not to be used. */
FL_MUST int fl_box_open(unsigned char *plain, const void *sealed, size_t n, const void *ad,
                        size_t ad_len, const unsigned char nonce[FL_BOX_NONCE],
                        const unsigned char key[32]);

#endif
