/*
 * What a signature of this project covers:
 *     Ed25519("fl-sig-v1" 0 kind 0 roster(32) signer(LE32) root(32))
 * so that one made for one kind, roster or place in it is none for another.
 */
#ifndef FL_SEC_SIGN_H
#define FL_SEC_SIGN_H

#include <stdint.h>

#include "base/must.h"
#include "crypt/keys.h"

#define FL_SIGNER_HUB UINT32_C(0xffffffff)

/* ROSTER NULL stands for 32 zeros. KIND has at most 63 characters. */
void fl_sig_make(unsigned char sig[FL_SIGN_BYTES], const char *kind, const unsigned char *roster,
                 uint32_t signer, const unsigned char root[32],
                 const unsigned char secret[FL_SIGN_SECRET]);

/* 0 when SIG is PUB's, else -1 without an error: the caller knows whose it should be. */
FL_MUST int fl_sig_check(const unsigned char sig[FL_SIGN_BYTES], const char *kind,
                         const unsigned char *roster, uint32_t signer, const unsigned char root[32],
                         const unsigned char pub[FL_SIGN_PUBLIC]);

#endif
