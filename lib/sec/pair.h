/*
 * Keys that two sites share: the chain from their agreement through the rounds of an epoch, and
 * what one round takes from it. LO and HI are the roster indices of the two, LO < HI; R is a round.
 *
 *   ck[first] = H(psk or none; "fl1.root" or "fl1.rootpsk"; X25519 roster lo hi X_lo X_hi)
 *   ck[r+1]   = H(ck[r]; "fl1.step"; roster LE64 r+1)
 *   rk        = H(ck[r]; "fl1.rk"; LE64 r)
 *   k         = H(rk; "fl1.pair"; sid lo hi)      to be opened when one of the two drops out
 *   mask key  = H(k; "fl1.mask"; sid lo hi)       tag = H(k; "fl1.tag"; sid lo hi)
 *
 * Indices are LE32, rounds LE64. Every output is wiped by its owner. No function keeps a copy of a
 * secret.
 */
#ifndef FL_SEC_PAIR_H
#define FL_SEC_PAIR_H

#include <stdint.h>

enum { FL_PAIR_KEY = 32, FL_PAIR_TAG = 32 };

struct fl_pair {
    uint32_t lo, hi;
    const unsigned char *roster; /* digest, borrowed */
};

/*
 * The root of our chain with a peer: SECRET is our X25519 key, PEER theirs, X_LO and X_HI the two
 * public ones by index. PSK: 32 bytes or NULL. -1 (FL_REFUSED) when the agreement is all zero.
 */
int fl_pair_root(unsigned char ck[FL_PAIR_KEY], const struct fl_pair *pair,
                 const unsigned char secret[32], const unsigned char peer[32],
                 const unsigned char x_lo[32], const unsigned char x_hi[32],
                 const unsigned char *psk);

/* CK of round R becomes that of R + 1, in place. */
void fl_pair_step(unsigned char ck[FL_PAIR_KEY], const unsigned char roster[32], uint64_t r);

/* The pair's key of round R in session SID. */
void fl_pair_key(unsigned char k[FL_PAIR_KEY], const struct fl_pair *pair,
                 const unsigned char ck[FL_PAIR_KEY], uint64_t r, const unsigned char sid[32]);

/* From K of fl_pair_key: the key of the pair's mask, and the tag that both ends show. */
void fl_pair_mask(unsigned char key[FL_PAIR_KEY], const struct fl_pair *pair,
                  const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32]);
void fl_pair_tag(unsigned char tag[FL_PAIR_TAG], const struct fl_pair *pair,
                 const unsigned char k[FL_PAIR_KEY], const unsigned char sid[32]);

#endif
