/*
 * libsodium's IETF variant (RFC 8439): the nonce is four zero bytes and the number of the chunk, so
 * no two of a key's 2^64 chunks share keystream; 256 GiB is where the block counter would wrap.
 * Boxes have a random 24-byte nonce, for which XChaCha20 is made (draft-irtf-cfrg-xchacha).
 */
#include "crypt/chacha.h"

#include <sodium.h>

#include "base/bytes.h"
#include "base/error.h"

void
fl_stream_fill(void *out, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk)
{
    unsigned char nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

    fl_put32(nonce, 0);
    fl_put64(nonce + 4, chunk);
    crypto_stream_chacha20_ietf(out, n, nonce, key);
}

void
fl_box_seal(unsigned char *sealed, const void *plain, size_t n, const void *ad, size_t ad_len,
            const unsigned char nonce[FL_BOX_NONCE], const unsigned char key[32])
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, n, ad, ad_len, NULL, nonce,
                                               key);
}

int
fl_box_open(unsigned char *plain, const void *sealed, size_t n, const void *ad, size_t ad_len,
            const unsigned char nonce[FL_BOX_NONCE], const unsigned char key[32])
{
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, n, ad, ad_len, nonce,
                                                   key))
        return fl_error(FL_REFUSED, "a sealed box does not open: it was changed or is not for us");
    return 0;
}
