/*
 * A label is BLAKE2's personalization and a key its key block, so that hashes of two uses are two
 * functions and nothing has to be put before the data. The state is opaque, so that no header of
 * lib/ includes sodium.h.
 */
#include "crypt/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

_Static_assert(sizeof(crypto_generichash_blake2b_state) <= sizeof(struct fl_hash), "state");

static crypto_generichash_blake2b_state *
state_of(struct fl_hash *h)
{
    return (crypto_generichash_blake2b_state *)(void *)h->state;
}

void
fl_hash_init(struct fl_hash *h, const unsigned char *key, const char *label)
{
    unsigned char personal[crypto_generichash_blake2b_PERSONALBYTES] = {0};

    assert(strlen(label) <= sizeof personal);
    memcpy(personal, label, strlen(label));
    crypto_generichash_blake2b_init_salt_personal(state_of(h), key, key ? FL_HASH_BYTES : 0,
                                                  FL_HASH_BYTES, NULL, personal);
}

void
fl_hash_add(struct fl_hash *h, const void *data, size_t len)
{
    crypto_generichash_blake2b_update(state_of(h), data, len);
}

void
fl_hash_add32(struct fl_hash *h, uint32_t v)
{
    unsigned char p[4];

    fl_put32(p, v);
    fl_hash_add(h, p, sizeof p);
}

void
fl_hash_add64(struct fl_hash *h, uint64_t v)
{
    unsigned char p[8];

    fl_put64(p, v);
    fl_hash_add(h, p, sizeof p);
}

void
fl_hash_add_sized(struct fl_hash *h, const void *data, size_t len)
{
    fl_hash_add64(h, len);
    fl_hash_add(h, data, len);
}

void
fl_hash_final(struct fl_hash *h, unsigned char out[FL_HASH_BYTES])
{
    crypto_generichash_blake2b_final(state_of(h), out, FL_HASH_BYTES);
    sodium_memzero(h, sizeof *h);
}

void
fl_hash_once(unsigned char out[FL_HASH_BYTES], const unsigned char *key, const char *label,
             const void *data, size_t len)
{
    struct fl_hash h;

    fl_hash_init(&h, key, label);
    fl_hash_add(&h, data, len);
    fl_hash_final(&h, out);
}

void
fl_hex(char *text, const unsigned char *data, size_t n)
{
    sodium_bin2hex(text, 2 * n + 1, data, n);
}

int
fl_unhex(unsigned char *data, size_t n, const char *text)
{
    size_t len;

    if (strlen(text) != 2 * n || sodium_hex2bin(data, n, text, 2 * n, NULL, &len, NULL) || len != n)
        return fl_error(FL_FAILED, "\"%.80s\" is not %zu bytes in hexadecimal", text, n);
    return 0;
}

/* All ones when LOW <= C <= HIGH, else zero; all below 2^31. */
static uint32_t
within(uint32_t c, uint32_t low, uint32_t high)
{
    return 0 - (((low - 1 - c) & (c - high - 1)) >> 31);
}

int
fl_unhex_secret(unsigned char *data, size_t n, const char *digits)
{
    uint32_t wrong = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t byte = 0;
        for (size_t k = 0; k < 2; k++) {
            uint32_t c = (unsigned char)digits[2 * i + k];
            uint32_t digit = within(c, '0', '9'), letter = within(c, 'a', 'f');
            byte = byte << 4 | (digit & (c - '0')) | (letter & (c - 'a' + 10));
            wrong |= ~(digit | letter);
        }
        data[i] = (unsigned char)byte;
    }
    return -(int)(wrong & 1);
}
