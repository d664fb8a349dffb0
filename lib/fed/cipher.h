/*
 * How tensors of protection he travel: ciphertexts of an upload, sums of them, a helper's shares.
 *
 * An upload begins with an object of kind "cipher", whose only tensor "c1" has the second halves
 * of all ciphertexts: they are all that helpers read. The first halves, c0, are the last tensor of
 * the upload itself, whose signed head names the digest of the other object. A sum of uploads has
 * the sum of the c0, an answer the helper's shares, in the same place.
 */
#ifndef FL_FED_CIPHER_H
#define FL_FED_CIPHER_H

#include "base/must.h"
#include "fed/encode.h"
#include "fed/store.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/pool.h"
#include "os/progress.h"
#include "sec/plan.h"

#define FL_CIPHER_C1 "c1" /* the tensor of the object before an upload */

/* ---- an upload's ---- */

struct fl_encryption { /* filled by the caller; all borrowed */
    const struct fl_plan *plan;
    const unsigned char *seed;    /* (FL_RING_SEED) of this upload alone; secret */
    struct fl_object *update;     /* NULL: zeros */
    uint64_t q;                   /* what it counts, times 2^40 */
    struct fl_pool *pool;         /* may be NULL */
    struct fl_progress *progress; /* in bytes of words, from DONE on; or NULL */
    uint64_t done;
    struct fl_encoded counts; /* out, of the second halves: added to */
};

/*
 * Write the payload of all c1 (SECOND) or c0 of the upload, whose tensor was begun. The same seed
 * and update give the same bytes, for any number of threads. Memory: some MiB, and a MiB or two for
 * each thread. 0 or -1.
 */
FL_MUST int fl_cipher_encrypt(struct fl_encryption *e, bool second, struct fl_writer *out);

/*
 * *BYTES of the upload FILE are the object of its c1: that many of it, from its beginning on, are
 * all that helpers need before they answer. Reads no payload. 0; -1 (FL_FAILED) when it begins
 * with another object, or is damaged there.
 */
FL_MUST int fl_cipher_length(const char *file, uint64_t *bytes);

/* ---- sums ---- */

struct fl_cipher_sum;

/*
 * Sums of all ciphertexts of PLAN in STORE, 256 KiB each; with STORE NULL nothing is kept, and what
 * is added is only checked. Both are borrowed. NULL without memory.
 */
struct fl_cipher_sum *fl_cipher_sum_new(const struct fl_plan *plan, struct fl_store *store);
void fl_cipher_sum_free(struct fl_cipher_sum *s);

/*
 * Add the payload of the tensor at hand in IN, which has the form that fl_plan_cipher_tensor gives.
 * *BYTES grows by what was read. -1 (FL_FAILED) when a residue is none, naming the file.
 */
FL_MUST int fl_cipher_sum_add(struct fl_cipher_sum *s, struct fl_reader *in, uint64_t *bytes);

/* The sum of ciphertext INDEX, FL_RING_RESIDUES numbers (sec/ring.h). */
uint64_t *fl_cipher_sum_at(const struct fl_cipher_sum *s, uint64_t index);

/* It is not looked at soon. */
void fl_cipher_sum_rest(const struct fl_cipher_sum *s, uint64_t index);

/* Write all sums, reduced and packed, as the payload of a tensor that was begun. 0 or -1. */
FL_MUST int fl_cipher_sum_write(const struct fl_cipher_sum *s, struct fl_writer *out);

/*
 * When the sums are those of the c0 and of all helpers' shares: elements AT and following, N, of
 * tensor T of the plan, as numbers. -1 without memory, and where the ciphertexts hold a number
 * beyond all values: then something that was added is not by the plan, and N any numbers. Costs an
 * opening, about 1 ms, for each ciphertext that the call before did not end in.
 */
FL_MUST int fl_cipher_sum_open(struct fl_cipher_sum *s, const struct fl_plan_tensor *t, uint64_t at,
                               size_t n, int64_t *values);

/* ---- a helper's ---- */

struct fl_sharing { /* filled by the caller; all borrowed */
    const struct fl_plan *plan;
    const struct fl_cipher_sum *c1;
    const unsigned char *secret, *smudge; /* seeds of the round's secret, and of this set's noise */
    struct fl_pool *pool;
    struct fl_progress *progress; /* in bytes of words, from DONE on; or NULL */
    uint64_t done;
};

/* Write this helper's shares of the sums as the payload of a tensor that was begun. 0 or -1. */
FL_MUST int fl_cipher_share(struct fl_sharing *s, struct fl_writer *out);

#endif
