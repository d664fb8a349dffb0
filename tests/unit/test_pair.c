/* Chains of both families: values of another program, both ends of a pair, and what goes in. */
#include "sec/pair.h"

#include "crypt/hash.h"
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "test.h"

static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
static const char bob[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";

static unsigned char a[32], b[32], pub_a[32], pub_b[32], roster[32], sid[32], psk[32], nonce[32];

static void
check_hex(const unsigned char got[32], const char *want)
{
    char text[65];

    fl_hex(text, got, 32);
    CHECK_TEXT(text, want);
}

/* Of "secagg.py vectors": Alice's chain with Bob, at round 7, then at round 1000. */
static const struct vector {
    struct fl_pair pair;
    const char *root_psk, *root, *chain, *round, *key, *mask, *tag;
} vectors[] = {
    {{2, 5, roster, false},
     "59869751ca42848eba5306c690daac2e76a70c3ac18032c6c762006696c1952e",
     "78586af0ab1277c7ffb8c5e38ec987722408910cc96b45a5bb2c61a2bc4bd955",
     "9bcbe2213d04b91611e93d5c14a0a771f8bbef8a3745da37f0a52cc4b17442f5",
     "812f49e7d90262e89b60ab6434bacfb335527fccc03ddcbc379241ea05bccff7",
     "d6598dfd56d3eb6fbf441b19ea03bbaabd3377dde5733392b791a37624fcbe39",
     "48f862c73a5d5f37b515e412c93990e482e98d5aa7e8f482a9f654ea25ce7167",
     "9219b2bff04ef9bd79ac867879eecddbf68eeac3689a497196e05cb5fca20392"},
    {{2, 5, roster, true},
     "1982737e2e01ab515dcf1d9f9dcdd77cb29ca966bd5bb3623e839deb5ee7051a",
     "8c8417416e1dd3e0a586fc999da539b7b9f98638d0faf6905b2dd143cff45191",
     "02ff5fa2a32e5f22167628fca92ddafbaaf3920ad209e64ef551e6dba47a888a",
     "e60e8dbed11dc7012112278634af4f76392130ccb9dd66e6ae6873558165ba93",
     "0cd4ad528fd0c41e60d99e17cdeafe3abb8bc3d442e9b9b44044a3e934f2efa6",
     "85fe8dfb0a3f8526299f6a204bf07fa903576341bff2b396d25d110f403d4dde",
     "b866047d90558b9e8f7a887608c8224649aa987da1c8775c2ca5246832951cbe"},
    {{5, 2, roster, true},
     "1f00fa02bcf8e7c036f332b1e251bb4c25a45881ebec3a3dd9e4641d1c9e1b37",
     "38c78b373610451a616a18b9fdb2bba34e536109e52e99a81775305f14625713",
     "e62dc6a466d106a73aa4152c5a053b5110e5cc239396d117df304d4f9a2662bb",
     "68527471a2baa1ac246292dcf29a151347596a041ffabe60e6df352636e75266",
     "e599b801fe0a0fc705dc4a9a81b955614970bb6cea359a21b69d3f3ecbd9ec4d",
     "5aec10f6d057ce5c282e552afd91e3ea00e1d0727a7cbfc0f1e6820236ebdbd3",
     "e462fb474e119a7c66f15712ff79cb351f4047cdc762c7745c6a5dec692e4748"},
};

/* The root from Alice's side, or from Bob's; party 2 is Alice. */
static int
root(unsigned char ck[32], const struct fl_pair *pair, bool alices, const unsigned char *with)
{
    const bool first = pair->a == 2;

    return fl_pair_root(ck, pair, alices ? a : b, alices ? pub_b : pub_a, first ? pub_a : pub_b,
                        first ? pub_b : pub_a, with);
}

static void
test_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        const unsigned char *n = v->pair.helpers ? nonce : NULL;
        unsigned char ck[32], rk[32], k[32], out[32];
        CHECK(!root(ck, &v->pair, true, psk));
        check_hex(ck, v->root_psk);
        CHECK(!root(ck, &v->pair, true, NULL));
        check_hex(ck, v->root);
        for (uint64_t r = 7; r < 1000; r++)
            fl_pair_step(ck, &v->pair, r);
        check_hex(ck, v->chain);
        fl_pair_round_key(rk, &v->pair, ck, 1000);
        check_hex(rk, v->round);
        fl_pair_key(k, &v->pair, rk, sid);
        check_hex(k, v->key);
        fl_pair_mask(out, &v->pair, k, sid, n);
        check_hex(out, v->mask);
        fl_pair_tag(out, &v->pair, k, sid, n);
        check_hex(out, v->tag);
    }
}

/* Both ends of a pair have one root; a chain from site 2 to helper 5 is none from 5 to 2. */
static void
test_both_ends(void)
{
    unsigned char one[32], two[32], roots[3][32], zero[32] = {0};

    for (size_t i = 0; i < 3; i++) {
        CHECK(!root(one, &vectors[i].pair, true, NULL) &&
              !root(two, &vectors[i].pair, false, NULL));
        CHECK(!memcmp(one, two, 32));
        CHECK(!root(two, &vectors[i].pair, false, psk) && memcmp(one, two, 32));
        memcpy(roots[i], one, 32);
    }
    CHECK(memcmp(roots[0], roots[1], 32) && memcmp(roots[1], roots[2], 32));
    fl_error_clear();
    CHECK(fl_pair_root(two, &vectors[0].pair, b, zero, pub_a, pub_b, NULL) == -1);
    CHECK(fl_error_status() == FL_REFUSED);
}

/* A mask's key and its tag, of the chain CK of round R. */
static void
derive(unsigned char out[2][32], const struct fl_pair *pair, const unsigned char ck[32], uint64_t r,
       const unsigned char *session, const unsigned char *n)
{
    unsigned char rk[32], k[32];

    fl_pair_round_key(rk, pair, ck, r);
    fl_pair_key(k, pair, rk, session);
    fl_pair_mask(out[0], pair, k, session, n);
    fl_pair_tag(out[1], pair, k, session, n);
}

/* Everything that goes in matters: another round, session, pair, direction, roster, nonce. */
static void
test_separation(void)
{
    enum { CASES = 9 };
    unsigned char ck[32], next[32], foreign[32], keys[CASES][2][32], other_sid[32],
        other_roster[32], other_nonce[32];
    const struct fl_pair pair = {2, 5, roster, true}, back = {5, 2, roster, true},
                         third = {2, 6, roster, true}, sites = {2, 5, roster, false},
                         abroad = {2, 5, other_roster, true};

    memcpy(other_sid, sid, 32);
    memcpy(other_roster, roster, 32);
    memcpy(other_nonce, nonce, 32);
    other_sid[31] ^= 1;
    other_roster[0] ^= 1;
    other_nonce[16] ^= 128;
    CHECK(!root(ck, &pair, true, NULL));
    memcpy(next, ck, 32);
    memcpy(foreign, ck, 32);
    fl_pair_step(next, &pair, 3);
    fl_pair_step(foreign, &abroad, 3);
    derive(keys[0], &pair, ck, 3, sid, nonce);
    derive(keys[1], &pair, ck, 4, sid, nonce);
    derive(keys[2], &pair, ck, 3, other_sid, nonce);
    derive(keys[3], &back, ck, 3, sid, nonce);
    derive(keys[4], &third, ck, 3, sid, nonce);
    derive(keys[5], &sites, ck, 3, sid, nonce);
    derive(keys[6], &pair, ck, 3, sid, other_nonce);
    derive(keys[7], &pair, next, 3, sid, nonce);
    derive(keys[8], &pair, foreign, 3, sid, nonce);
    for (int i = 0; i < 2 * CASES; i++)
        for (int j = 0; j < i; j++)
            CHECK(memcmp(keys[i / 2][i % 2], keys[j / 2][j % 2], 32));
}

int
main(void)
{
    if (fl_crypt_init() || fl_unhex(a, 32, alice) || fl_unhex(b, 32, bob))
        return 1;
    fl_dh_public(pub_a, a);
    fl_dh_public(pub_b, b);
    memset(roster, 'R', 32);
    memset(sid, 'S', 32);
    memset(psk, 'P', 32);
    memset(nonce, 'N', 32);
    RUN(test_vectors);
    RUN(test_both_ends);
    RUN(test_separation);
    return test_end();
}
