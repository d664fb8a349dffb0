/* ChaCha20 and XChaCha20-Poly1305 against RFC 8439 and draft-irtf-cfrg-xchacha-03. */
#include "crypt/chacha.h"

#include "crypt/hash.h"
#include "crypt/secret.h"
#include "../naive/chacha.h"
#include "random.h"
#include "test.h"

static void
check_hex(const unsigned char *got, size_t n, const char *want)
{
    char text[2 * 130 + 1];

    fl_hex(text, got, n);
    CHECK_TEXT(text, want);
}

static void
test_chacha20(
    void) /* RFC 8439, A.1 and 2.4.2; our nonce begins with four zeros, the counter at 0 */
{
    static const char text[] = "Ladies and Gentl";
    unsigned char key[32] = {0}, out[128];

    fl_stream_fill(out, 128, key, 0);
    check_hex(out, 64,
              "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724"
              "e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    check_hex(out + 64, 64,
              "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d571"
              "33b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    fl_stream_fill(out, 64, key, UINT64_C(0x0200000000000000));
    check_hex(out, 64,
              "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c78a970e0e955c14f3a88e"
              "741b97c286f75f8fc299e8148362fa198a39531bed6d");
    key[31] = 1;
    fl_stream_fill(out, 128, key, 0);
    check_hex(out + 64, 64,
              "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a8eca00bbb4a73bdad192"
              "b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
    for (int i = 0; i < 32; i++)
        key[i] = (unsigned char)i;
    fl_stream_fill(out, 128, key, UINT64_C(0x4a000000));
    for (int i = 0; i < 16; i++)
        out[64 + i] ^= (unsigned char)text[i];
    check_hex(out + 64, 16, "6e2e359a2568f98041ba0728dd0d6981");
}

/* Every length up to some groups of blocks, and no byte beyond it. */
static void
test_lengths(void)
{
    enum { MOST = 3 * 1024 + 70 };
    unsigned char key[32], want[MOST], got[MOST + 1];
    uint32_t seed = 5;

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)random_next(&seed);
    naive_stream(want, MOST, key, UINT64_C(0x123456789abcdef0));
    for (size_t n = 0; n <= MOST; n++) {
        memset(got, 0x5a, sizeof got);
        fl_stream_fill(got, n, key, UINT64_C(0x123456789abcdef0));
        CHECK(!memcmp(got, want, n) && got[n] == 0x5a);
    }
}

/* The counter in all of its low bytes: 17 MiB of one chunk. */
static void
test_long(void)
{
    const size_t n = 17 << 20;
    unsigned char key[32] = {7}, *want = malloc(n), *got = malloc(n);

    naive_stream(want, n, key, 3);
    fl_stream_fill(got, n, key, 3);
    CHECK(!memcmp(got, want, n));
    free(want);
    free(got);
}

static void
test_box(void) /* draft-irtf-cfrg-xchacha-03, A.3.1 */
{
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                               "only one tip for the future, sunscreen would be it.";
    unsigned char key[32], nonce[24], ad[12], sealed[130], plain[114];

    for (int i = 0; i < 32; i++)
        key[i] = (unsigned char)(0x80 + i);
    for (int i = 0; i < 24; i++)
        nonce[i] = (unsigned char)(0x40 + i);
    CHECK(!fl_unhex(ad, 12, "50515253c0c1c2c3c4c5c6c7"));
    fl_box_seal(sealed, text, 114, ad, 12, nonce, key);
    check_hex(
        sealed, 130,
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4e"
        "da7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2"
        "383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
    CHECK(!fl_box_open(plain, sealed, 130, ad, 12, nonce, key) && !memcmp(plain, text, 114));
    for (int i = 0; i < 130; i++) {
        sealed[i] ^= 4;
        CHECK(fl_box_open(plain, sealed, 130, ad, 12, nonce, key) == -1);
        sealed[i] ^= 4;
    }
    ad[3] ^= 1;
    CHECK(fl_box_open(plain, sealed, 130, ad, 12, nonce, key) == -1);
    CHECK(fl_error_status() == FL_REFUSED);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_chacha20);
    RUN(test_lengths);
    RUN(test_long);
    RUN(test_box);
    return test_end();
}
