#include "sec/pair.h"

#include "crypt/hash.h"
#include "crypt/keys.h"
#include "crypt/secret.h"

int
fl_pair_root(unsigned char ck[FL_PAIR_KEY], const struct fl_pair *pair,
             const unsigned char secret[32], const unsigned char peer[32],
             const unsigned char x_lo[32], const unsigned char x_hi[32], const unsigned char *psk)
{
    unsigned char shared[FL_DH_SHARED];
    struct fl_hash h;
    int result = fl_dh(shared, secret, peer);

    if (!result) {
        fl_hash_init(&h, psk, psk ? "fl1.rootpsk" : "fl1.root");
        fl_hash_add(&h, shared, sizeof shared);
        fl_hash_add(&h, pair->roster, 32);
        fl_hash_add32(&h, pair->lo);
        fl_hash_add32(&h, pair->hi);
        fl_hash_add(&h, x_lo, 32);
        fl_hash_add(&h, x_hi, 32);
        fl_hash_final(&h, ck);
    }
    fl_wipe(shared, sizeof shared);
    return result;
}

void
fl_pair_step(unsigned char ck[FL_PAIR_KEY], const unsigned char roster[32], uint64_t r)
{
    struct fl_hash h;

    fl_hash_init(&h, ck, "fl1.step");
    fl_hash_add(&h, roster, 32);
    fl_hash_add64(&h, r + 1);
    fl_hash_final(&h, ck);
}

/* H(key; label; sid lo hi) */
static void
derive(unsigned char out[32], const struct fl_pair *pair, const unsigned char key[32],
       const char *label, const unsigned char sid[32])
{
    struct fl_hash h;

    fl_hash_init(&h, key, label);
    fl_hash_add(&h, sid, 32);
    fl_hash_add32(&h, pair->lo);
    fl_hash_add32(&h, pair->hi);
    fl_hash_final(&h, out);
}

void
fl_pair_key(unsigned char k[FL_PAIR_KEY], const struct fl_pair *pair,
            const unsigned char ck[FL_PAIR_KEY], uint64_t r, const unsigned char sid[32])
{
    unsigned char rk[FL_PAIR_KEY];
    struct fl_hash h;

    fl_hash_init(&h, ck, "fl1.rk");
    fl_hash_add64(&h, r);
    fl_hash_final(&h, rk);
    derive(k, pair, rk, "fl1.pair", sid);
    fl_wipe(rk, sizeof rk);
}

void
fl_pair_mask(unsigned char key[FL_PAIR_KEY], const struct fl_pair *pair,
             const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32])
{
    derive(key, pair, k, "fl1.mask", sid);
}

void
fl_pair_tag(unsigned char tag[FL_PAIR_TAG], const struct fl_pair *pair,
            const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32])
{
    derive(tag, pair, k, "fl1.tag", sid);
}
