/*
 * Additive encryption by a key that nobody has (fl-protocol(7), ENCRYPTED TENSORS): BFV with
 * additions only. Each helper h has a secret s_h and shows b_h = e_h - a s_h; the joint key is (a,
 * the sum of the b_h). Whoever has the sum of ciphertexts (c0, c1) and from every helper d_h = c1
 * s_h + E_h, E_h large noise that hides the small one, gets the sum of what was encrypted, exactly.
 *
 * It holds against whoever lacks one helper's share, not against one who gets a share for a c1 of
 * his own making: a helper adds the c1 of signed uploads himself, answers once for a key, and a key
 * serves one round. Who calls sees to all three.
 *
 * Elements are those of sec/ring.h. What touches a secret takes the same steps and addresses
 * whatever its value; how often uniform numbers are drawn again shows, which says nothing of those
 * that were kept.
 * Sources: Fan, Vercauteren 2012; Asharov et al. 2012 (smudging, sums of keys); Kim, Polyakov,
 * Zucca 2021 (round(q m / t)).
 */
#ifndef FL_SEC_RLWE_H
#define FL_SEC_RLWE_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "sec/ring.h"
#include "sec/rlwe_size.h"

struct fl_rlwe_secret; /* of a helper, for one round: in secret memory, wiped when freed */
struct fl_rlwe_key;    /* the joint key, public */
struct fl_rlwe_work;   /* memory of one thread, which held secrets: wiped when freed */

/* About 1 MiB; NULL without memory. fl_rlwe_work_free(NULL) is fine, as below. */
struct fl_rlwe_work *fl_rlwe_work_new(void);
void fl_rlwe_work_free(struct fl_rlwe_work *work);

/*
 * The secret of SEED, a helper's chain of the round: s_h with coefficients uniform in {-1, 0, 1}.
 * RING is borrowed. NULL without memory. 512 KiB.
 */
struct fl_rlwe_secret *fl_rlwe_secret_new(const struct fl_ring *ring,
                                          const unsigned char seed[FL_RING_SEED]);
void fl_rlwe_secret_free(struct fl_rlwe_secret *secret);

/*
 * B = e_h - A s_h, reduced, the same for the same seed; A reduced (fl_ring_uniform). The errors are
 * centred binomials of 2 x 21 bits. 2 ms.
 */
void fl_rlwe_public(const struct fl_rlwe_secret *secret, struct fl_rlwe_work *work,
                    const uint64_t *a, uint64_t *b);

/*
 * The joint key of A, reduced, and B, a sum (sec/ring.h) of all helpers' b_h; both are copied. RING
 * is borrowed. NULL without memory. 1 MiB.
 */
struct fl_rlwe_key *fl_rlwe_key_new(const struct fl_ring *ring, const uint64_t *a,
                                    const uint64_t *b);
void fl_rlwe_key_free(struct fl_rlwe_key *key);

/* What one ciphertext is made of. */
struct fl_rlwe_text {
    struct fl_rlwe_lanes lanes;
    const unsigned char *seed; /* FL_RING_SEED bytes, used for one upload alone */
    uint64_t index;            /* of the ciphertext among all that SEED makes; below 2^40 */
    const int64_t *values;     /* (count), each within +-2^(bits - 1) */
    size_t count;              /* at most fl_rlwe_capacity(&lanes); the other lanes are zero */
};

/*
 * Encrypt: C0, C1 (FL_RING_WORDS each) packed. Either may be NULL, and is then not made, so that
 * all c1 of an upload can be written before its c0: the pairs fit, the same text gives the same
 * bytes. 1.3 ms for both in plain C on one core, 0.4 with AVX-512; for
 * one half of that.
 */
void fl_rlwe_encrypt(const struct fl_rlwe_key *key, struct fl_rlwe_work *work,
                     const struct fl_rlwe_text *text, uint64_t *c0, uint64_t *c1);

/*
 * A helper's share D (FL_RING_WORDS, packed) of ciphertext INDEX of all that the round opens, below
 * 2^40: C1 s_h + E_h, where C1 is a sum (sec/ring.h) and E_h is drawn uniformly of
 * -SIZE->smudging .. SIZE->smudging - 1 by SEED. SEED must belong to this secret, this round and
 * this set of uploads alone: with another E_h for the same C1, the two tell more. 0.9 ms in plain
 * C.
 */
void fl_rlwe_share(const struct fl_rlwe_secret *secret, struct fl_rlwe_work *work,
                   const struct fl_rlwe_size *size, const unsigned char seed[FL_RING_SEED],
                   uint64_t index, const uint64_t *c1, uint64_t *d);

/*
 * Open: VALUES (count) of V, the sum (sec/ring.h) of all c0 and of the shares of all helpers;
 * overwritten. Each is the sum of what was encrypted in its lane, if that lies in
 * -2^(bits - 1) .. 2^(bits - 1) - 1 and all that was added is what it should be; else it is any
 * number in that range: who knows what sums can be looks whether they are. 1 ms.
 */
void fl_rlwe_open(const struct fl_rlwe_lanes *lanes, uint64_t *v, int64_t *values, size_t count);

#endif
