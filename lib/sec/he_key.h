/*
 * The helpers' keys of tensors of protection he, one a round, from a chain of the helper's own that
 * is stepped and wiped like those of masks (sec/pair.h), and the joint key that they add up to.
 *
 *     hs[0]   the seed of the epoch, in the key file until a roster is accepted, then in the state
 *     hs[k+1] = H(hs[k]; "fl1.he.step"; LE64(k + 1))
 *     rk      = H(hs[k]; "fl1.he.round"; LE64 k)     all that is kept of a passed round
 *     secret  = H(rk; "fl1.he.key")                  seed of s_h and e_h (sec/rlwe.h)
 *     smudge  = H(rk; "fl1.he.smudge"; sid SD)       seed of E_h: of one set of uploads alone
 *     a       = H(-; "fl1.he.a"; LE64 length, federation; LE64 epoch; LE64 k)
 *
 * k is the number of the round in its epoch, from 0 to FL_HE_ROUNDS - 1.
 */
#ifndef FL_SEC_HE_KEY_H
#define FL_SEC_HE_KEY_H

#include <stdint.h>

#include "base/must.h"
#include "os/pool.h"
#include "os/progress.h"
#include "sec/he_line.h"
#include "sec/rlwe.h"

enum { FL_HE_KEY = 8 * FL_RING_WORDS }; /* bytes of a packed public key */

/* A helper's key of a round as it is shown: packed, and the path to the root in its line. */
struct fl_he_shown {
    uint64_t key[FL_RING_WORDS];
    unsigned char path[FL_HE_PATH];
};

/* HS, the chain at round K, becomes that at round K + 1. */
void fl_he_step(unsigned char hs[32], uint64_t k);

/* The round's key of the chain HS at round K: no other round follows from it. */
void fl_he_round_key(unsigned char rk[32], const unsigned char hs[32], uint64_t k);

/* The seeds of that round's secret, and of its share for the uploads of SET in session SID. */
void fl_he_secret(unsigned char seed[32], const unsigned char rk[32]);
void fl_he_smudge(unsigned char seed[32], const unsigned char rk[32], const unsigned char sid[32],
                  const unsigned char set[32]);

/* The polynomial a of a round, reduced, into A (FL_RING_RESIDUES). */
void fl_he_common(uint64_t *a, const char *federation, int64_t epoch, uint64_t k);

/* Whose keys. */
struct fl_he_owner {
    const char *federation;
    int64_t epoch;
    const unsigned char *sign; /* (32) the helper's Ed25519 key */
};

/* The public key of round K, whose key RK is, packed, into KEY (FL_RING_WORDS). 0 or -1. */
FL_MUST int fl_he_public(uint64_t *key, const struct fl_he_owner *owner, const unsigned char rk[32],
                         uint64_t k);

/*
 * LEAVES (FL_HE_ROUNDS, 32) of all keys that SEED, hs[0], leads to. Two seconds of one core; POOL
 * may be NULL. 0, or -1 without memory.
 */
FL_MUST int fl_he_leaves(unsigned char *leaves, const struct fl_he_owner *owner,
                         const unsigned char seed[32], struct fl_pool *pool);

#endif
