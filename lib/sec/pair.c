/* Labels and inputs of the chains; the letters are those of pair.h. */
#include "sec/pair.h"

#include "crypt/hash.h"
#include "crypt/keys.h"
#include "crypt/secret.h"

int
fl_pair_root(unsigned char ck[FL_PAIR_KEY], const struct fl_pair *pair,
             const unsigned char secret[32], const unsigned char peer[32],
             const unsigned char x_a[32], const unsigned char x_b[32], const unsigned char *psk)
{
    const char *label = pair->helpers ? psk ? "fl1.hrootpsk" : "fl1.hroot"
                        : psk         ? "fl1.rootpsk"
                                      : "fl1.root";
    unsigned char shared[FL_DH_SHARED];
    struct fl_hash h;
    int result = fl_dh(shared, secret, peer);

    if (!result) {
        fl_hash_init(&h, psk, label);
        fl_hash_add(&h, shared, sizeof shared);
        fl_hash_add(&h, pair->roster, 32);
        fl_hash_add32(&h, pair->a);
        fl_hash_add32(&h, pair->b);
        fl_hash_add(&h, x_a, 32);
        fl_hash_add(&h, x_b, 32);
        fl_hash_final(&h, ck);
    }
    fl_wipe(shared, sizeof shared);
    return result;
}

void
fl_pair_step(unsigned char ck[FL_PAIR_KEY], const struct fl_pair *pair, uint64_t r)
{
    struct fl_hash h;

    fl_hash_init(&h, ck, pair->helpers ? "fl1.hstep" : "fl1.step");
    fl_hash_add(&h, pair->roster, 32);
    fl_hash_add64(&h, r + 1);
    fl_hash_final(&h, ck);
}

void
fl_pair_round_key(unsigned char rk[FL_PAIR_KEY], const struct fl_pair *pair,
                  const unsigned char ck[FL_PAIR_KEY], uint64_t r)
{
    struct fl_hash h;

    fl_hash_init(&h, ck, pair->helpers ? "fl1.hk" : "fl1.rk");
    fl_hash_add64(&h, r);
    fl_hash_final(&h, rk);
}

/* H(key; label; sid a b nonce) */
static void
derive(unsigned char out[32], const struct fl_pair *pair, const unsigned char key[32],
       const char *label, const unsigned char sid[32], const unsigned char *nonce)
{
    struct fl_hash h;

    fl_hash_init(&h, key, label);
    fl_hash_add(&h, sid, 32);
    fl_hash_add32(&h, pair->a);
    fl_hash_add32(&h, pair->b);
    if (nonce)
        fl_hash_add(&h, nonce, FL_PAIR_NONCE);
    fl_hash_final(&h, out);
}

void
fl_pair_key(unsigned char k[FL_PAIR_KEY], const struct fl_pair *pair,
            const unsigned char rk[FL_PAIR_KEY], const unsigned char sid[32])
{
    derive(k, pair, rk, pair->helpers ? "fl1.hpair" : "fl1.pair", sid, NULL);
}

void
fl_pair_mask(unsigned char key[FL_PAIR_KEY], const struct fl_pair *pair,
             const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32],
             const unsigned char *nonce)
{
    derive(key, pair, k, pair->helpers ? "fl1.hmask" : "fl1.mask", sid, nonce);
}

void
fl_pair_tag(unsigned char tag[FL_PAIR_TAG], const struct fl_pair *pair,
            const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32],
            const unsigned char *nonce)
{
    derive(tag, pair, k, pair->helpers ? "fl1.htag" : "fl1.tag", sid, nonce);
}

void
fl_pair_noise_round(unsigned char out[FL_PAIR_KEY], const unsigned char dn[FL_PAIR_KEY], uint64_t r)
{
    struct fl_hash h;

    fl_hash_init(&h, dn, "fl1.hnoise");
    fl_hash_add64(&h, r);
    fl_hash_final(&h, out);
}

void
fl_pair_noise_key(unsigned char key[FL_PAIR_KEY], const unsigned char round[FL_PAIR_KEY],
                  const unsigned char sid[32], const unsigned char set[32])
{
    struct fl_hash h;

    fl_hash_init(&h, round, "fl1.hnkey");
    fl_hash_add(&h, sid, 32);
    fl_hash_add(&h, set, 32);
    fl_hash_final(&h, key);
}
