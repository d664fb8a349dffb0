/*
 * All that is signed has one form, of fixed lengths but for the kind's name, which a zero ends: no
 * two different things have the same bytes.
 */
#include "sec/sign.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

enum { MESSAGE_MAX = 10 + 64 + 32 + 4 + 32 };

static size_t
message(unsigned char out[MESSAGE_MAX], const char *kind, const unsigned char *roster,
        uint32_t signer, const unsigned char root[32])
{
    size_t n = strlen(kind) + 1;
    unsigned char *p = out + 10;

    assert(n <= 64);
    memcpy(out, "fl-sig-v1", 10);
    memcpy(p, kind, n);
    p += n;
    if (roster)
        memcpy(p, roster, 32);
    else
        memset(p, 0, 32);
    fl_put32(p + 32, signer);
    memcpy(p + 36, root, 32);
    return (size_t)(p + 68 - out);
}

void
fl_sig_make(unsigned char sig[FL_SIGN_BYTES], const char *kind, const unsigned char *roster,
            uint32_t signer, const unsigned char root[32],
            const unsigned char secret[FL_SIGN_SECRET])
{
    unsigned char text[MESSAGE_MAX];

    fl_sign(sig, text, message(text, kind, roster, signer, root), secret);
}

int
fl_sig_check(const unsigned char sig[FL_SIGN_BYTES], const char *kind, const unsigned char *roster,
             uint32_t signer, const unsigned char root[32], const unsigned char pub[FL_SIGN_PUBLIC])
{
    unsigned char text[MESSAGE_MAX];

    return fl_sign_verify(sig, text, message(text, kind, roster, signer, root), pub);
}
