/*
 * Ed25519 signatures (RFC 8032) and X25519 agreement (RFC 7748).
 * Secret keys are the caller's, in memory of crypt/secret.h.
 */
#ifndef FL_CRYPT_KEYS_H
#define FL_CRYPT_KEYS_H

#include <stddef.h>

#include "base/must.h"

enum {
    FL_SIGN_SEED = 32,
    FL_SIGN_SECRET = 64,
    FL_SIGN_PUBLIC = 32,
    FL_SIGN_BYTES = 64,
    FL_DH_SECRET = 32,
    FL_DH_PUBLIC = 32,
    FL_DH_SHARED = 32
};

/* The pair of a 32-byte seed; the same seed gives the same pair. */
void fl_sign_pair(const unsigned char seed[FL_SIGN_SEED], unsigned char pub[FL_SIGN_PUBLIC],
                  unsigned char secret[FL_SIGN_SECRET]);
void fl_sign(unsigned char sig[FL_SIGN_BYTES], const void *message, size_t len,
             const unsigned char secret[FL_SIGN_SECRET]);

/* 0 when SIG is PUB's for MESSAGE; else -1, no error recorded: the caller knows whose it is. */
FL_MUST int fl_sign_verify(const unsigned char sig[FL_SIGN_BYTES], const void *message, size_t len,
                           const unsigned char pub[FL_SIGN_PUBLIC]);

/* The X25519 public key of SECRET. */
void fl_dh_public(unsigned char pub[FL_DH_PUBLIC], const unsigned char secret[FL_DH_SECRET]);

/*
 * SHARED = X25519(SECRET, PUB), to be hashed before use. Refuses (FL_REFUSED) a public key of small
 * order, whose result is all zero.
 */
FL_MUST int fl_dh(unsigned char shared[FL_DH_SHARED], const unsigned char secret[FL_DH_SECRET],
                  const unsigned char pub[FL_DH_PUBLIC]);

#endif
