/*
 * Keys of two parties: the chain from their agreement through the rounds of an epoch, and what one
 * round takes from it. R is a round; indices are LE32, rounds LE64. No function keeps a copy of a
 * secret; every output is wiped by its owner.
 *
 * Under protection pairwise the two are sites, LO < HI by index:
 *   ck[first] = H(psk or none; "fl1.root" or "fl1.rootpsk"; X25519 RD lo hi X_lo X_hi)
 *   ck[r+1]   = H(ck[r]; "fl1.step"; RD r+1)           rk = H(ck[r]; "fl1.rk"; r)
 *   k         = H(rk; "fl1.pair"; sid lo hi)
 *   mask key  = H(k; "fl1.mask"; sid lo hi)            tag = H(k; "fl1.tag"; sid lo hi)
 *
 * Under protection helpers a chain has a direction, site I to helper H (the key that a helper keeps
 * for somebody else must not mask its own upload), and every upload a nonce:
 *   ck[first] = H(psk or none; "fl1.hroot" or "fl1.hrootpsk"; X25519 RD i h X_i X_h)
 *   ck[r+1]   = H(ck[r]; "fl1.hstep"; RD r+1)          hk[r] = H(ck[r]; "fl1.hk"; r)
 *   k         = H(hk[r]; "fl1.hpair"; sid i h)
 *   mask key  = H(k; "fl1.hmask"; sid i h nonce)       tag = H(k; "fl1.htag"; sid i h nonce)
 * A site that is a helper too has a chain to itself, I = H, from a fresh root.
 *
 * Noise of a helper comes from a chain dn that it shares with nobody, stepped like the others from
 * a fresh root: another set of uploads, SD, has other noise.
 *   noise of a round = H(dn[r]; "fl1.hnoise"; r)       noise key = H(that; "fl1.hnkey"; sid SD)
 */
#ifndef FL_SEC_PAIR_H
#define FL_SEC_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

enum { FL_PAIR_KEY = 32, FL_PAIR_TAG = 32, FL_PAIR_NONCE = 32 };

struct fl_pair {
    uint32_t a, b;               /* pairwise: lo, hi; helpers: site i, helper h, as parties */
    const unsigned char *roster; /* digest, borrowed */
    bool helpers;                /* which of the two families of keys */
};

/*
 * The root of our chain with a peer: SECRET is our X25519 key, PEER theirs, X_A and X_B the public
 * ones of a and b. PSK: 32 bytes or NULL. -1 (FL_REFUSED) when the agreement is all zero.
 */
FL_MUST int fl_pair_root(unsigned char ck[FL_PAIR_KEY], const struct fl_pair *pair,
                         const unsigned char secret[32], const unsigned char peer[32],
                         const unsigned char x_a[32], const unsigned char x_b[32],
                         const unsigned char *psk);

/* CK of round R becomes that of R + 1, in place. */
void fl_pair_step(unsigned char ck[FL_PAIR_KEY], const struct fl_pair *pair, uint64_t r);

/* The round's key: rk or hk. It is all that a helper keeps of a round that its chain has passed. */
void fl_pair_round_key(unsigned char rk[FL_PAIR_KEY], const struct fl_pair *pair,
                       const unsigned char ck[FL_PAIR_KEY], uint64_t r);

/* From the round's key: k of session SID. */
void fl_pair_key(unsigned char k[FL_PAIR_KEY], const struct fl_pair *pair,
                 const unsigned char rk[FL_PAIR_KEY], const unsigned char sid[32]);

/* From k: the key of the mask, and the tag that shows that both ends have it. NONCE: helpers only.
 */
void fl_pair_mask(unsigned char key[FL_PAIR_KEY], const struct fl_pair *pair,
                  const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32],
                  const unsigned char *nonce);
void fl_pair_tag(unsigned char tag[FL_PAIR_TAG], const struct fl_pair *pair,
                 const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32],
                 const unsigned char *nonce);

/* Of a helper's own chain: what it keeps of round R, and the key of its noise for the set SD. */
void fl_pair_noise_round(unsigned char out[FL_PAIR_KEY], const unsigned char dn[FL_PAIR_KEY],
                         uint64_t r);
void fl_pair_noise_key(unsigned char key[FL_PAIR_KEY], const unsigned char round[FL_PAIR_KEY],
                       const unsigned char sid[32], const unsigned char set[32]);

#endif
