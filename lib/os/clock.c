/*
 * Durations come from CLOCK_MONOTONIC, which setting the date does not change; dates from
 * CLOCK_REALTIME.
 */
#include "os/clock.h"

#include <time.h>

static uint64_t
read_clock(clockid_t id)
{
    struct timespec t = {0};

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t
fl_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t
fl_realtime_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

double
fl_seconds(void)
{
    return (double)fl_monotonic_ns() * 1e-9;
}

const char *
fl_utc_at(int64_t seconds, char text[FL_UTC_TEXT])
{
    time_t then = (time_t)seconds;
    struct tm utc;

    if (!gmtime_r(&then, &utc) || !strftime(text, FL_UTC_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc))
        text[0] = '\0'; /* a clock beyond the year 9999: before every date */
    return text;
}

const char *
fl_utc_now(char text[FL_UTC_TEXT])
{
    return fl_utc_at((int64_t)(fl_realtime_ns() / 1000000000u), text);
}
