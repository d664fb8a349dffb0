/* What a signature covers: kind, roster, signer and digest, and nothing else. */
#include "sec/sign.h"

#include "crypt/hash.h"
#include "crypt/secret.h"
#include "test.h"

static unsigned char seed[32], pub[32], secret[64], roster[32], root[32], sig[64];

/* The bytes of the message by hand. */
static void
test_message(void)
{
    unsigned char message[10 + 7 + 32 + 4 + 32] = "fl-sig-v1\0masked";

    memcpy(message + 17, roster, 32);
    message[17 + 32] = 0x04;
    message[17 + 33] = 0x03;
    message[17 + 34] = 0x02;
    message[17 + 35] = 0x01;
    memcpy(message + 17 + 36, root, 32);
    fl_sig_make(sig, "masked", roster, 0x01020304, root, secret);
    CHECK(!fl_sign_verify(sig, message, sizeof message, pub));
    memset(message + 17, 0, 32);
    fl_sig_make(sig, "masked", NULL, 0x01020304, root, secret);
    CHECK(!fl_sign_verify(sig, message, sizeof message, pub));
}

static void
test_check(void)
{
    unsigned char other[32];

    fl_sig_make(sig, "plan", roster, 7, root, secret);
    CHECK(!fl_sig_check(sig, "plan", roster, 7, root, pub));
    CHECK(fl_sig_check(sig, "pla", roster, 7, root, pub) == -1);
    CHECK(fl_sig_check(sig, "plans", roster, 7, root, pub) == -1);
    CHECK(fl_sig_check(sig, "plan", NULL, 7, root, pub) == -1);
    CHECK(fl_sig_check(sig, "plan", root, 7, root, pub) == -1);
    CHECK(fl_sig_check(sig, "plan", roster, 8, root, pub) == -1);
    CHECK(fl_sig_check(sig, "plan", roster, FL_SIGNER_HUB, root, pub) == -1);
    CHECK(fl_sig_check(sig, "plan", roster, 7, roster, pub) == -1);
    CHECK(fl_sig_check(sig, "plan", roster, 7, root, roster) == -1);
    for (int bit = 0; bit < 256; bit += test_under_valgrind() ? 41 : 1) {
        memcpy(other, root, 32);
        other[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(fl_sig_check(sig, "plan", roster, 7, other, pub) == -1);
    }
    char longest[64];
    memset(longest, 'k', 63);
    longest[63] = '\0';
    fl_sig_make(sig, longest, roster, 0, root, secret);
    CHECK(!fl_sig_check(sig, longest, roster, 0, root, pub));
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    memset(seed, 's', 32);
    fl_sign_pair(seed, pub, secret);
    memset(roster, 'R', 32);
    memset(root, 'D', 32);
    RUN(test_message);
    RUN(test_check);
    return test_end();
}
