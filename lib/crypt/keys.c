/*
 * Ed25519 signs without randomness (RFC 8032, 5.1.6), so a bad generator cannot leak a key. A
 * shared secret of zeros is refused, which RFC 7748 (6.1) leaves to the protocol.
 */
#include "crypt/keys.h"

#include <sodium.h>

#include "base/error.h"

void
fl_sign_pair(const unsigned char seed[FL_SIGN_SEED], unsigned char pub[FL_SIGN_PUBLIC],
             unsigned char secret[FL_SIGN_SECRET])
{
    crypto_sign_ed25519_seed_keypair(pub, secret, seed);
}

void
fl_sign(unsigned char sig[FL_SIGN_BYTES], const void *message, size_t len,
        const unsigned char secret[FL_SIGN_SECRET])
{
    crypto_sign_ed25519_detached(sig, NULL, message, len, secret);
}

int
fl_sign_verify(const unsigned char sig[FL_SIGN_BYTES], const void *message, size_t len,
               const unsigned char pub[FL_SIGN_PUBLIC])
{
    return crypto_sign_ed25519_verify_detached(sig, message, len, pub) ? -1 : 0;
}

void
fl_dh_public(unsigned char pub[FL_DH_PUBLIC], const unsigned char secret[FL_DH_SECRET])
{
    crypto_scalarmult_curve25519_base(pub, secret);
}

int
fl_dh(unsigned char shared[FL_DH_SHARED], const unsigned char secret[FL_DH_SECRET],
      const unsigned char pub[FL_DH_PUBLIC])
{
    if (crypto_scalarmult_curve25519(shared, secret, pub) || sodium_is_zero(shared, FL_DH_SHARED))
        return fl_error(FL_REFUSED, "an X25519 public key has small order; ask for another one");
    return 0;
}
