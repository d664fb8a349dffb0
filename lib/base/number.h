/*
 * Numbers from text, whole and checked: no trailing characters, no silent overflow, no locale.
 * Each returns 0, or -1 with an error that quotes the text and says what would be right.
 */
#ifndef FL_BASE_NUMBER_H
#define FL_BASE_NUMBER_H

#include <stdint.h>

#include "base/must.h"

FL_MUST int fl_parse_i64(const char *text, int64_t min, int64_t max, int64_t *value);
FL_MUST int fl_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value);
FL_MUST int fl_parse_f64(const char *text, double min, double max, double *value); /* finite */

/* Bytes, with an optional suffix k, M, G or T (powers of 1024): "64M". */
FL_MUST int fl_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif
