/*
 * How many bytes an object takes in a stream, uncompressed, before it is written. Each function
 * adds those of one record to *BYTES; records are padded, so that their order does not matter.
 * 0, or -1 with an error (memory, what cannot be encoded, more than 2^64).
 */
#ifndef FL_FLT_SIZE_H
#define FL_FLT_SIZE_H

#include "base/must.h"
#include "flt/format.h"

FL_MUST int fl_size_head(const char *kind, const struct fl_meta *meta, uint64_t *bytes);
FL_MUST int fl_size_tensor(const struct fl_tensor *t, uint64_t *bytes);
FL_MUST int fl_size_done(uint64_t *bytes);
FL_MUST int fl_size_sign(const struct fl_sign *sign, uint64_t *bytes);

#endif
