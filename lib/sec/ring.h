/*
 * The ring of the encryption (fl-protocol(7), ENCRYPTED TENSORS): polynomials of 8192 coefficients
 * modulo X^8192 + 1 and q, the product of four primes below 2^53, the largest that are 1 modulo
 * 16384.
 *
 * An *element* is FL_RING_RESIDUES numbers: the coefficients, that of X^0 first, modulo the first
 * prime, then those modulo the second, and so on. It is *reduced* when each lies below its prime. A
 * *sum* is an element of up to FL_RING_SUMMANDS reduced ones added without reduction, so below
 * 2^64. In files an element is *packed*: its residues, reduced, 53 bits each and the first in the
 * lowest bits of the first word; 64 residues are a *unit* of 53 words.
 */
#ifndef FL_SEC_RING_H
#define FL_SEC_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "math/ntt.h"

enum {
    FL_RING_N = 8192,
    FL_RING_PRIMES = 4,
    FL_RING_RESIDUES = FL_RING_N * FL_RING_PRIMES,
    FL_RING_UNIT = 64,       /* residues */
    FL_RING_UNIT_WORDS = 53, /* which they take */
    FL_RING_UNITS = FL_RING_RESIDUES / FL_RING_UNIT,
    FL_RING_WORDS = FL_RING_UNITS * FL_RING_UNIT_WORDS, /* 27136: 212 KiB */
    FL_RING_SUMMANDS = 2047,
    FL_RING_SEED = 32
};

/* The primes, in their order. */
extern const uint64_t fl_ring_primes[FL_RING_PRIMES];

/* The transforms of the four primes. Read only once made: any number of threads may share it. */
struct fl_ring {
    struct fl_ntt ntt[FL_RING_PRIMES];
};

/* -1 when there is no memory. 2 MiB, 3 ms. */
FL_MUST int fl_ring_init(struct fl_ring *ring);
void fl_ring_release(struct fl_ring *ring);

/* WORDS (FL_RING_WORDS) = a reduced element, packed; or COUNT units of one. */
void fl_ring_pack(uint64_t *words, const uint64_t *x);
void fl_ring_pack_units(uint64_t *words, const uint64_t *x, size_t count);

/*
 * X = WORDS unpacked. -1 (FL_FAILED) when a residue is not below its prime: the words are no
 * element, and X is of no use.
 */
FL_MUST int fl_ring_unpack(uint64_t *x, const uint64_t *words);

/*
 * Add packed residues to a sum, some units at a time, as blocks of a tensor of elements come: the
 * COUNT units at WORDS, of which the first is unit AT of the tensor, to the residues at SUM. (Unit
 * AT belongs to element AT / FL_RING_UNITS.) -1 as above; SUM is then of no use. Two to four bytes
 * of WORDS a cycle.
 */
FL_MUST int fl_ring_add(uint64_t *sum, const uint64_t *words, uint64_t at, size_t count);

/* Reduce a sum: X becomes a reduced element. The same steps for all X. */
void fl_ring_reduce(uint64_t *x);

/* Reduce N residues modulo prime K alone. */
void fl_ring_reduce_prime(uint64_t *x, size_t n, size_t k);

/*
 * X = the reduced element that SEED stands for, uniform: prime i takes from the keystream of chunk
 * i, word by word, the low 53 bits that lie below it.
 */
void fl_ring_uniform(uint64_t *x, const unsigned char seed[FL_RING_SEED]);

#endif
