/*
 * Dates as ISO 8601 has them: 2021-04-03. A date whose year comes first is taken as year, month,
 * day. One whose year comes last is taken only when the order of day and month is known: given, or
 * proved by the file, where one of the two places is above 12 somewhere and the other never.
 */
#ifndef FL_DATA_WHEN_H
#define FL_DATA_WHEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "data/mapped.h"

enum fl_date_order { FL_DATE_UNKNOWN, FL_DATE_DMY, FL_DATE_MDY, FL_DATE_YMD };

/*
 * Bring TEXT to the form above into OUT, which is emptied first: three numbers with '/', '.' or '-'
 * between them, one of them a year of four digits, that are a day of the calendar. What follows
 * after a space or a 'T' (a time) stays as it is. UNKNOWN: it is nothing of this; AMBIGUOUS: the
 * order would have to be known. Cost O(len).
 */
enum fl_mapped fl_date_convert(enum fl_date_order order, const char *text, size_t len,
                               struct fl_buf *out);

struct fl_date_proof {                  /* of a file; zeroed at its start */
    uint64_t first_above, second_above; /* dates whose first or second place is above 12 */
};

/* Note what a value with its year at the end says about the order. */
void fl_date_note(struct fl_date_proof *proof, const char *text, size_t len);

/* UNKNOWN unless one place was above 12 and the other never. */
enum fl_date_order fl_date_proved(const struct fl_date_proof *proof);

#endif
