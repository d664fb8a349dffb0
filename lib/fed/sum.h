/*
 * The exact weighted sum of updates, tensor by tensor: what math/exact is for a row of numbers.
 *
 * The first object decides which tensors there are; every later one must have the same names,
 * shapes and order. Objects are read in one pass. After a failure a sum is good for nothing but
 * fl_sum_free. Neither the order of what is added nor its grouping into partial sums changes a byte
 * of what is written, and the number of threads does not either.
 *
 * Memory: 8 bytes for every word of a coordinate that is in use, two to four of them
 * (math/exact.h), in real memory up to a bound and in $TMPDIR beyond it; nothing that grows with
 * the number of updates.
 *
 * In a partial sum (kind "sum") a tensor of shape [d, ...] is a u64 tensor [d, ..., n], n = 1, 2
 * or 4: the highest n words of each coordinate, the lowest of them first, two's complement over
 * all; the attribute "exponent" says what bit 0 is worth as a power of two. n is the smallest that
 * loses nothing, so equal sums are equal bytes.
 */
#ifndef FL_FED_SUM_H
#define FL_FED_SUM_H

#include "base/must.h"
#include "crypt/hash.h"
#include "flt/reader.h"
#include "flt/schema.h"
#include "flt/writer.h"
#include "math/exact.h"
#include "os/pool.h"
#include "os/progress.h"

struct fl_sum;

/* POOL and PROGRESS (of bytes added) are borrowed and may be NULL. NULL with an error. */
struct fl_sum *fl_sum_new(uint64_t memory, struct fl_pool *pool, struct fl_progress *progress);
void fl_sum_free(struct fl_sum *s);

/*
 * sum += weight * the tensors of the object at hand, f32, whose head IN has just returned; they are
 * read up to the end of the object. WEIGHT comes from fl_exact_weight. -1 with an error that names
 * file and tensor: another shape, a value that is not finite or too large, a damaged stream.
 */
FL_MUST int fl_sum_add_update(struct fl_sum *s, struct fl_reader *in, double weight);

/* sum += the partial sum at hand, which says that TERMS updates of total weight TOTAL are in it. */
FL_MUST int fl_sum_add_partial(struct fl_sum *s, struct fl_reader *in, uint64_t terms,
                               const struct fl_exact_total *total);

/* Summed weight and number of updates so far. */
const struct fl_exact_total *fl_sum_total(const struct fl_sum *s);
uint64_t fl_sum_terms(const struct fl_sum *s);
uint64_t fl_sum_bytes(const struct fl_sum *s); /* of payload that was added */

/* A digest of the tensors' names and shapes, equal where sums can be added. */
void fl_sum_shapes(const struct fl_sum *s, unsigned char digest[FL_HASH_BYTES]);
void fl_sum_schema_shapes(const struct fl_schema *schema, unsigned char digest[FL_HASH_BYTES]);

/* The tensors of the mean (f32), or of the sum itself; head and end are the caller's. */
FL_MUST int fl_sum_write_mean(struct fl_sum *s, struct fl_writer *out);
FL_MUST int fl_sum_write_partial(struct fl_sum *s, struct fl_writer *out);

#endif
