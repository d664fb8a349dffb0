/* Seconds from a clock that never goes back, and the date in UTC; neither enters a stream. */
#ifndef FL_OS_CLOCK_H
#define FL_OS_CLOCK_H

#include <stdint.h>

double fl_seconds(void); /* monotonic */
uint64_t fl_monotonic_ns(void);
uint64_t fl_realtime_ns(void); /* since 1970 */

/* "2026-11-24T18:00:00Z": the date in UTC as RFC 3339 writes it, which sorts as text. */
enum { FL_UTC_TEXT = 24 };
const char *fl_utc_now(char text[FL_UTC_TEXT]);
const char *fl_utc_at(int64_t seconds, char text[FL_UTC_TEXT]); /* since 1970 */

#endif
