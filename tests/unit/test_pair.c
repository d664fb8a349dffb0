#include "sec/pair.h"

#include "crypt/hash.h"
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "test.h"

static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
static const char bob[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";

static unsigned char a[32], b[32], pub_a[32], pub_b[32], roster[32], sid[32], psk[32];
static const struct fl_pair pair = {2, 5, roster};

static void
check_hex(const unsigned char got[32], const char *want)
{
    char text[65];

    fl_hex(text, got, 32);
    CHECK_TEXT(text, want);
}

/* Values of tests/naive/secagg.py. */
static void
test_vectors(void)
{
    unsigned char ck[32], k[32], out[32];

    CHECK(!fl_pair_root(ck, &pair, a, pub_b, pub_a, pub_b, psk));
    check_hex(ck, "59869751ca42848eba5306c690daac2e76a70c3ac18032c6c762006696c1952e");
    CHECK(!fl_pair_root(ck, &pair, a, pub_b, pub_a, pub_b, NULL));
    check_hex(ck, "78586af0ab1277c7ffb8c5e38ec987722408910cc96b45a5bb2c61a2bc4bd955");
    for (uint64_t r = 7; r < 1000; r++)
        fl_pair_step(ck, roster, r);
    check_hex(ck, "9bcbe2213d04b91611e93d5c14a0a771f8bbef8a3745da37f0a52cc4b17442f5");
    fl_pair_key(k, &pair, ck, 1000, sid);
    check_hex(k, "d6598dfd56d3eb6fbf441b19ea03bbaabd3377dde5733392b791a37624fcbe39");
    fl_pair_mask(out, &pair, k, sid);
    check_hex(out, "48f862c73a5d5f37b515e412c93990e482e98d5aa7e8f482a9f654ea25ce7167");
    fl_pair_tag(out, &pair, k, sid);
    check_hex(out, "9219b2bff04ef9bd79ac867879eecddbf68eeac3689a497196e05cb5fca20392");
}

static void
test_both_ends(void)
{
    unsigned char one[32], two[32], zero[32] = {0};

    CHECK(!fl_pair_root(one, &pair, a, pub_b, pub_a, pub_b, NULL));
    CHECK(!fl_pair_root(two, &pair, b, pub_a, pub_a, pub_b, NULL));
    CHECK(!memcmp(one, two, 32));
    CHECK(fl_pair_root(two, &pair, b, zero, pub_a, pub_b, NULL) == -1);
    CHECK(fl_error_status() == FL_REFUSED);
}

/* Everything that goes in matters: another round, session, pair, roster gives another key. */
static void
test_separation(void)
{
    unsigned char ck[32], keys[6][32], other_sid[32], other_roster[32];
    const struct fl_pair other_pair = {2, 6, roster};

    memcpy(other_sid, sid, 32);
    other_sid[31] ^= 1;
    memcpy(other_roster, roster, 32);
    other_roster[0] ^= 1;
    CHECK(!fl_pair_root(ck, &pair, a, pub_b, pub_a, pub_b, NULL));
    fl_pair_key(keys[0], &pair, ck, 3, sid);
    fl_pair_key(keys[1], &pair, ck, 4, sid);
    fl_pair_key(keys[2], &pair, ck, 3, other_sid);
    fl_pair_key(keys[3], &other_pair, ck, 3, sid);
    fl_pair_step(ck, roster, 3);
    fl_pair_key(keys[4], &pair, ck, 3, sid);
    CHECK(!fl_pair_root(ck, &pair, a, pub_b, pub_a, pub_b, NULL));
    fl_pair_step(ck, other_roster, 3);
    fl_pair_key(keys[5], &pair, ck, 3, sid);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            CHECK(memcmp(keys[i], keys[j], 32));
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
    RUN(test_vectors);
    RUN(test_both_ends);
    RUN(test_separation);
    return test_end();
}
