/* Hash, ciphers, keys and secret memory against the vectors of their RFCs. */
#include "crypt/hash.h"

#include "crypt/chacha.h"
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "test.h"

static void
check_hex(const unsigned char *data, size_t n, const char *want)
{
    char text[2 * 128 + 1];

    fl_hex(text, data, n);
    CHECK_TEXT(text, want);
}

/* From Python: hashlib.blake2b(data, digest_size=32, key=..., person=...). */
static void
test_labels(void)
{
    unsigned char out[32], again[32], key[32];
    struct fl_hash h;

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    fl_hash_once(out, NULL, "fl1.leaf", "abc", 3);
    check_hex(out, 32, "ef6e9419632c01d0240c435ff2df0d090f6b832cc15a610cef30d4340c4dd900");
    fl_hash_once(out, NULL, "", "", 0);
    check_hex(out, 32, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    fl_hash_once(out, NULL, "", "abc", 3);
    check_hex(out, 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    fl_hash_once(out, key, "sixteen letters!", "abc", 3);
    check_hex(out, 32, "77c820bcf56b065f1812c0150e170d8756082691a06a49c4d981747896ea44b9");
    fl_hash_init(&h, key, "sixteen letters!");
    fl_hash_add(&h, "a", 1);
    fl_hash_add(&h, "", 0);
    fl_hash_add(&h, "bc", 2);
    fl_hash_final(&h, again);
    CHECK(!memcmp(out, again, sizeof out));
}

static void
test_numbers(void)
{
    unsigned char parts[32], bytes[32];
    struct fl_hash h;

    fl_hash_init(&h, NULL, "x");
    fl_hash_add32(&h, 0x01020304);
    fl_hash_add64(&h, 5);
    fl_hash_add_sized(&h, "hi", 2);
    fl_hash_final(&h, parts);
    fl_hash_once(bytes, NULL, "x", "\4\3\2\1\5\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0hi", 22);
    CHECK(!memcmp(parts, bytes, sizeof parts));
}

static void
test_hex(void)
{
    unsigned char data[4] = {9, 9, 9, 9};

    CHECK(!fl_unhex(data, 3, "00Ffa5") && data[0] == 0 && data[1] == 0xff && data[2] == 0xa5);
    CHECK(data[3] == 9);
    CHECK(fl_unhex(data, 3, "00ffa") == -1 && fl_unhex(data, 3, "00ffa500") == -1);
    CHECK(fl_unhex(data, 3, "00ffag") == -1 && fl_unhex(data, 3, "0x00ff") == -1);
    CHECK(fl_unhex(data, 3, "") == -1 && fl_unhex(data, 0, "") == 0);
}

/* RFC 8439, A.1; the nonce is LE32 0 and LE64 of the chunk. */
static void
test_chacha(void)
{
    unsigned char key[32] = {0}, out[200], part[64];

    fl_stream_fill(out, sizeof out, key, 0);
    check_hex(out, 64, /* RFC 8439, A.1, test vector 1: zero key, zero nonce, counter 0 */
              "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724"
              "e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    check_hex(out + 64, 64, /* test vector 2: counter 1 */
              "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d571"
              "33b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    fl_stream_fill(part, sizeof part, key, 2ull << 56);
    check_hex(part, 64, /* test vector 5: nonce 00 .. 00 02 */
              "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c78a970e0e955c14f3a88e"
              "741b97c286f75f8fc299e8148362fa198a39531bed6d");
    fl_stream_fill(part, 0, key, 0);
}

static void
test_boxes(void)
{
    unsigned char key[32], nonce[FL_BOX_NONCE], sealed[5 + FL_BOX_TAG], plain[5];

    fl_random_bytes(key, sizeof key);
    fl_random_bytes(nonce, sizeof nonce);
    fl_box_seal(sealed, "hello", 5, "ad", 2, nonce, key);
    CHECK(!fl_box_open(plain, sealed, sizeof sealed, "ad", 2, nonce, key));
    CHECK(!memcmp(plain, "hello", 5));
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(fl_box_open(plain, sealed, sizeof sealed, "ad", 2, nonce, key) == -1);
        CHECK(fl_error_status() == FL_REFUSED);
        sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    CHECK(fl_box_open(plain, sealed, sizeof sealed, "aD", 2, nonce, key) == -1);
    CHECK(fl_box_open(plain, sealed, sizeof sealed - 1, "ad", 2, nonce, key) == -1);
    CHECK(fl_box_open(plain, sealed, FL_BOX_TAG - 1, "ad", 2, nonce, key) == -1);
    nonce[0] ^= 1;
    CHECK(fl_box_open(plain, sealed, sizeof sealed, "ad", 2, nonce, key) == -1);
}

/* RFC 8032, 7.1, test 2. */
static void
test_signatures(void)
{
    unsigned char seed[32], pub[32], secret[64], sig[64], message[1] = {0x72};

    CHECK(!fl_unhex(seed, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
    fl_sign_pair(seed, pub, secret);
    check_hex(pub, 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    fl_sign(sig, message, 1, secret);
    check_hex(sig, 64,
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
              "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    CHECK(!fl_sign_verify(sig, message, 1, pub));
    for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
        sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(fl_sign_verify(sig, message, 1, pub) == -1);
        sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    message[0] ^= 1;
    CHECK(fl_sign_verify(sig, message, 1, pub) == -1);
    message[0] ^= 1;
    pub[3] ^= 1;
    CHECK(fl_sign_verify(sig, message, 1, pub) == -1);
}

/* RFC 7748, 6.1. */
static void
test_agreement(void)
{
    unsigned char b[32], pub_a[32], pub_b[32], shared[32], low[32] = {0};

    CHECK(!fl_unhex(b, 32, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
    fl_dh_public(pub_b, b);
    check_hex(pub_b, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    CHECK(!fl_unhex(pub_a, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    CHECK(!fl_dh(shared, b, pub_a));
    check_hex(shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    CHECK(fl_dh(shared, b, low) == -1 && fl_error_status() == FL_REFUSED);
    low[0] = 1;
    CHECK(fl_dh(shared, b, low) == -1 && fl_error_status() == FL_REFUSED);
}

static void
test_secrets(void)
{
    unsigned char *p = fl_secret_alloc(100, 1), other[100] = {0};

    CHECK(p && fl_is_zero(p, 100) && fl_equal_secret(p, other, 100));
    fl_random_bytes(p, 100);
    CHECK(!fl_is_zero(p, 100) && !fl_equal_secret(p, other, 100));
    memcpy(other, p, 100);
    CHECK(fl_equal_secret(p, other, 100));
    other[99] ^= 1;
    CHECK(!fl_equal_secret(p, other, 100) && fl_equal_secret(p, other, 99));
    fl_wipe(p, 100);
    CHECK(fl_is_zero(p, 100));
    fl_secret_free(p);
    fl_secret_free(NULL);
    CHECK(!fl_secret_alloc(SIZE_MAX, 2));
}

/*
 * Rows at once are rows one by one, and those are libsodium's: every count around the lanes, every
 * length up to some blocks.
 */
static void
test_rows(void)
{
    enum { ROWS = 19, MOST = 4 * 128 + 2 };
    static unsigned char data[ROWS][MOST], got[ROWS + 1][32], want[ROWS][32];
    const unsigned char *rows[ROWS];

    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = data[i];
        for (size_t k = 0; k < MOST; k++)
            data[i][k] = (unsigned char)(i * 31 + k * 7 + k / 251);
    }
    for (size_t len = 0; len <= MOST; len++) {
        for (size_t i = 0; i < ROWS; i++)
            fl_hash_once(want[i], NULL, "sixteen letters!", data[i], len);
        for (size_t count = 0; count <= ROWS; count++) {
            memset(got, 0x5a, sizeof got);
            fl_hash_rows(got[0], "sixteen letters!", rows, len, count);
            CHECK(!memcmp(got, want, 32 * count) && got[count][0] == 0x5a);
        }
    }
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (const unsigned char *)"abc";
    fl_hash_rows(got[0], "", rows, 3, ROWS); /* BLAKE2b-256 of "abc", as b2sum -l 256 has it */
    for (size_t i = 0; i < ROWS; i++)
        check_hex(got[i], 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_labels);
    RUN(test_rows);
    RUN(test_numbers);
    RUN(test_hex);
    RUN(test_chacha);
    RUN(test_boxes);
    RUN(test_signatures);
    RUN(test_agreement);
    RUN(test_secrets);
    return test_end();
}
