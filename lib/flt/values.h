/*
 * Elements of tensors and metadata as numbers and text, for people to look at.
 */
#ifndef FL_FLT_VALUES_H
#define FL_FLT_VALUES_H

#include "base/buf.h"
#include "flt/object.h"

/* Element I of DATA as it is in a stream; exact but for 64-bit integers beyond 2^53. */
double fl_value(enum fl_dtype dtype, const void *data, uint64_t i);

/* The same as text that reads back to the same value: integers whole, floats with enough digits. */
const char *fl_value_text(enum fl_dtype dtype, const void *data, uint64_t i, char *text,
                          size_t size);

/*
 * Elements AT to AT + N - 1 of f32, f16, bf16 or q8_0 DATA as f32: the data itself where it is f32,
 * else widened into ROW, which has room for N.
 */
const float *fl_values_f32(enum fl_dtype dtype, const void *data, uint64_t at, size_t n,
                           float *row);

/* The same of a tensor of which V shows these elements: counted from the tensor's first. */
const float *fl_view_f32(const struct fl_view *v, uint64_t at, size_t n, float *row);

/* Element AT of it. */
double fl_view_value(const struct fl_view *v, uint64_t at);

/* Show elements AT to AT + N - 1 of tensor I, and the rest of their blocks: fl_object_view. */
FL_MUST int fl_view_values(struct fl_object *o, size_t i, uint64_t at, uint64_t n,
                           struct fl_view *v);

/*
 * The reverse: N values into OUT as DTYPE, rounded to nearest, ties to even; of q8_0 whole blocks,
 * as fl_f32_to_q8 has it.
 */
void fl_values_from_f32(enum fl_dtype dtype, void *out, const float *values, size_t n);

/* Index of the first element of f32, f16, bf16 or q8_0 DATA that is not finite, or COUNT. */
uint64_t fl_values_finite(enum fl_dtype dtype, const void *data, uint64_t count);

struct fl_stats {               /* a zeroed struct is of nothing yet */
    uint64_t count, odd;        /* elements, and those of them that are NaN or infinite */
    double min, max, mean, rms; /* of the finite ones; NaN when there are none */
    double sum, squares;
};

/* COUNT elements more; results depend on the order of all elements only. */
void fl_stats_add(struct fl_stats *stats, enum fl_dtype dtype, const void *data, uint64_t count);

/* Where element I of T is: its index in every dim into AT. */
void fl_index(const struct fl_tensor *t, uint64_t i, uint64_t at[FL_FLT_RANK_MAX]);

const char *fl_meta_type_name(enum fl_meta_type type); /* "i64", "text list" */

#endif
