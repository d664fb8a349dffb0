/*
 * From lanes to what a ciphertext carries of them, round(q m / t), and back (sec/rlwe.h): m has
 * value j of a coefficient times 2^(bits j), modulo t = 2^(bits slots).
 */
#ifndef FL_SEC_RLWE_MESSAGE_H
#define FL_SEC_RLWE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "sec/ring.h"
#include "sec/rlwe_size.h"

enum { FL_RLWE_MESSAGE_WORDS = FL_RLWE_MESSAGE_BITS / 64 };

/*
 * WORDS (FL_RLWE_MESSAGE_WORDS, FL_RING_N): of each coefficient the number w = (q m + t / 2) mod t,
 * from which its residues follow: round(q m / t) = (q m + t / 2 - w) / t, and q is zero modulo
 * every prime. VALUES (count) as in struct fl_rlwe_text. The same steps whatever they are.
 */
void fl_rlwe_message(uint64_t *words, const struct fl_rlwe_lanes *lanes, const int64_t *values,
                     size_t count);

/* Add round(q m / t) modulo prime K to X (FL_RING_N), below 2^57 each; not reduced. */
void fl_rlwe_message_add(uint64_t *x, const uint64_t *words, const struct fl_rlwe_lanes *lanes,
                         size_t k);

/*
 * VALUES (count) of V, an element below 2^53 per residue which has been multiplied by p / q for
 * each prime p: m = round(t v / q) mod t, exactly, and its lanes as signed numbers, the lowest
 * first, each taken off before the next.
 */
void fl_rlwe_message_open(int64_t *values, size_t count, const struct fl_rlwe_lanes *lanes,
                          const uint64_t *v);

#endif
