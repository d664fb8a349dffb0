/*
 * Where the processor has AVX-512 the keystream is made by crypt/chacha_wide, since it is most of
 * what masking costs: at four times the speed of libsodium, which has no such form; elsewhere
 * libsodium makes it. So are the boxes, whose random nonces need XChaCha20 (draft-irtf-cfrg-
 * xchacha). The nonce is four zero bytes and the number of the chunk, so no two of a key's 2^64
 * chunks share keystream; 256 GiB is where the block counter would wrap.
 */
#include "crypt/chacha.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "crypt/chacha_wide.h"
#include "crypt/secret.h"
#include "os/kernel.h"

/* Its words are those of the processors that are wide, all of them little-endian. */
static void
fill_wide(unsigned char *p, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
          uint64_t unit)
{
    _Alignas(64) uint64_t words[FL_WIDE_WORDS];
    struct fl_wide wide;

    fl_wide_start(&wide, key, chunk);
    for (size_t at = 0; at < n; at += sizeof words, unit++) {
        fl_wide_columns(words, &wide, unit);
        fl_wide_turn(words);
        memcpy(p + at, words, n - at < sizeof words ? n - at : sizeof words);
    }
    fl_wipe(words, sizeof words);
    fl_wipe(&wide, sizeof wide);
}

void
fl_stream_part(void *out, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
               uint64_t at)
{
    unsigned char nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

    if (fl_kernel_is_wide()) {
        fill_wide(out, n, key, chunk, at / FL_STREAM_UNIT);
        return;
    }
    fl_put32(nonce, 0);
    fl_put64(nonce + 4, chunk);
    memset(out, 0, n);
    crypto_stream_chacha20_ietf_xor_ic(out, out, n, nonce, (uint32_t)(at / 64), key);
}

void
fl_stream_fill(void *out, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk)
{
    fl_stream_part(out, n, key, chunk, 0);
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
