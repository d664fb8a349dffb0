/*
 * Elements of tensors and metadata as numbers and text, for people to look at.
 */
#ifndef FL_FLT_VALUES_H
#define FL_FLT_VALUES_H

#include "base/buf.h"
#include "flt/format.h"

/* Element I of DATA as it is in a stream; exact but for 64-bit integers beyond 2^53. */
double fl_value(enum fl_dtype dtype, const void *data, uint64_t i);

/* The same as text that reads back to the same value: integers whole, floats with enough digits. */
const char *fl_value_text(enum fl_dtype dtype, const void *data, uint64_t i, char *text,
                          size_t size);

struct fl_stats {
    uint64_t count, odd;        /* elements, and those of them that are NaN or infinite */
    double min, max, mean, rms; /* of the finite ones; NaN when there are none */
};

/* One pass; results depend on the order of the elements only. */
void fl_stats(enum fl_dtype dtype, const void *data, uint64_t count, struct fl_stats *stats);

/* Where element I of T is: its index in every dim into AT. */
void fl_index(const struct fl_tensor *t, uint64_t i, uint64_t at[FL_FLT_RANK_MAX]);

const char *fl_meta_type_name(enum fl_meta_type type); /* "i64", "text list" */

#endif
