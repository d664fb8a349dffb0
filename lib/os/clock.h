/* Seconds from a clock that never goes back, and the date in UTC; neither enters a stream. */
#ifndef FL_OS_CLOCK_H
#define FL_OS_CLOCK_H

#include <stdint.h>

double fl_seconds(void); /* monotonic */
uint64_t fl_monotonic_ns(void);
uint64_t fl_realtime_ns(void); /* since 1970 */

#endif
