/* lib/crypt against published vectors: RFC 7693, 7748, 8032, 8439, draft-irtf-cfrg-xchacha-03. */
#include "test.h"

#include "crypt/chacha.h"
#include "crypt/hash.h"
#include "crypt/keys.h"
#include "crypt/secret.h"

static void
check_hex(const unsigned char *got, size_t n, const char *want)
{
    char text[1025];

    fl_hex(text, got, n);
    CHECK_TEXT(text, want);
}

static void
test_blake2b(void)
{
    unsigned char key[32], out[32];
    struct fl_hash h;

    fl_hash_once(out, NULL, "", "", 0);
    check_hex(out, 32, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    fl_hash_once(out, NULL, "", "abc", 3);
    check_hex(out, 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    /*
     * Python's hashlib: blake2b(b"abc", digest_size=32, key=bytes(range(32)), person=b"fl1.test")
     */
    for (int i = 0; i < 32; i++)
        key[i] = (unsigned char)i;
    fl_hash_once(out, key, "fl1.test", "abc", 3);
    check_hex(out, 32, "4370a546d1c2ed1ada6641a267f8ae7e081dbffa559f514ea01660bfdad06dc3");
    /* The same with another label and the bytes i % 251 for i < 100000, here in uneven pieces. */
    fl_hash_init(&h, NULL, "sixteen-letters!");
    for (int i = 0; i < 100000;) {
        unsigned char piece[1000];
        int n = 1 + i % 997;
        n = n > 100000 - i ? 100000 - i : n;
        for (int k = 0; k < n; k++)
            piece[k] = (unsigned char)((i + k) % 251);
        fl_hash_add(&h, piece, (size_t)n);
        i += n;
    }
    fl_hash_final(&h, out);
    check_hex(out, 32, "23881a620f5ca5210634e757f00e1913653a889c8e0515f1ea2464d8dd7d153d");
    CHECK(fl_is_zero(&h, sizeof h));
}

static void
test_hash_parts(void)
{
    static const unsigned char raw[22] = {7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
                                          2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i'};
    unsigned char a[32], b[32];
    struct fl_hash h;

    fl_hash_init(&h, NULL, "parts");
    fl_hash_add64(&h, 7);
    fl_hash_add32(&h, 3);
    fl_hash_add_sized(&h, "hi", 2);
    fl_hash_final(&h, a);
    fl_hash_once(b, NULL, "parts", raw, sizeof raw);
    CHECK(!memcmp(a, b, 32));
}

static void
check_dh(const char *scalar, const char *point, const char *want)
{
    unsigned char k[32], u[32], out[32];

    CHECK(!fl_unhex(k, 32, scalar) && !fl_unhex(u, 32, point) && !fl_dh(out, k, u));
    check_hex(out, 32, want);
}

static void
test_x25519(void)
{
    static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    static const char bob[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    static const char pub_a[] = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    static const char pub_b[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    static const char both[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    unsigned char k[32] = {9}, u[32] = {9}, out[32];

    check_dh("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
             "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
             "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    check_dh("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
             "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
             "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
    check_dh(alice, pub_b, both);
    check_dh(bob, pub_a, both);
    CHECK(!fl_unhex(k, 32, alice));
    fl_dh_public(out, k);
    check_hex(out, 32, pub_a);
    memcpy(k, u, 32);
    for (int i = 1; i <= 1000; i++) {
        CHECK(!fl_dh(out, k, u));
        memcpy(u, k, 32);
        memcpy(k, out, 32);
        if (i == 1)
            check_hex(k, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    check_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static void
test_small_order(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    unsigned char secret[32], point[32], out[32];

    fl_random_bytes(secret, 32);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        CHECK(!fl_unhex(point, 32, points[i]));
        CHECK(fl_dh(out, secret, point) == -1 && fl_error_status() == FL_REFUSED);
    }
}

static void
test_ed25519(void) /* RFC 8032, section 7.1, tests 1 to 3 */
{
    static const struct {
        const char *seed, *pub, *message, *sig;
    } tests[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "84dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        unsigned char seed[32], pub[32], secret[64], message[2], sig[64];
        size_t n = strlen(tests[i].message) / 2;
        CHECK(!fl_unhex(seed, 32, tests[i].seed) && !fl_unhex(message, n, tests[i].message));
        fl_sign_pair(seed, pub, secret);
        check_hex(pub, 32, tests[i].pub);
        fl_sign(sig, message, n, secret);
        check_hex(sig, 64, tests[i].sig);
        CHECK(!fl_sign_verify(sig, message, n, pub));
        for (int bit = 0; bit < 512; bit++) {
            sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
            CHECK(fl_sign_verify(sig, message, n, pub));
            sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
}

static void
test_chacha20(void) /* RFC 8439, A.1 and 2.4.2; our nonce begins with four zeros, the counter at 0 */
{
    static const char text[] = "Ladies and Gentl";
    unsigned char key[32] = {0}, out[128];

    fl_stream_fill(out, 128, key, 0);
    check_hex(out, 64, "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                       "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    check_hex(out + 64, 64, "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                            "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    fl_stream_fill(out, 64, key, UINT64_C(0x0200000000000000));
    check_hex(out, 64, "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
                       "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d");
    key[31] = 1;
    fl_stream_fill(out, 128, key, 0);
    check_hex(out + 64, 64, "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
                            "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
    for (int i = 0; i < 32; i++)
        key[i] = (unsigned char)i;
    fl_stream_fill(out, 128, key, UINT64_C(0x4a000000));
    for (int i = 0; i < 16; i++)
        out[64 + i] ^= (unsigned char)text[i];
    check_hex(out + 64, 16, "6e2e359a2568f98041ba0728dd0d6981");
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
    check_hex(sealed, 130,
              "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f"
              "4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f"
              "76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
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
    RUN(test_blake2b);
    RUN(test_hash_parts);
    RUN(test_x25519);
    RUN(test_small_order);
    RUN(test_ed25519);
    RUN(test_chacha20);
    RUN(test_box);
    return test_end();
}
