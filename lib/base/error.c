/*
 * A sentence is formatted in a local array before it replaces the recorded one, because an argument
 * may point into that (fl_error_what). What does not fit is cut and not refused: an error about an
 * error would hide the first.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* With its sentence, the only variable in the library that outlives a call: see error.h. */
static _Thread_local struct fl_error_copy last;
static _Thread_local char sentence[sizeof last.what + sizeof last.cure + 2];

static void
replace(enum fl_status status, bool machine, const char what[sizeof last.what])
{
    memcpy(last.what, what, sizeof last.what);
    last.cure[0] = '\0';
    last.status = status;
    last.machine = machine;
}

int
fl_error_record(enum fl_status status, const char *format, ...)
{
    char text[sizeof last.what];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    replace(status, false, text);
    return -1;
}

int
fl_error_memory(const char *format, ...)
{
    char text[sizeof last.what];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    replace(FL_FAILED, true, text);
    return -1;
}

int
fl_error_record_errno(int errno_value, const char *format, ...)
{
    char text[sizeof last.what];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(errno_value));
    replace(FL_FAILED, true, text);
    return -1;
}

int
fl_error_about(const char *subject)
{
    char text[sizeof last.what];
    size_t n = (size_t)snprintf(text, sizeof text, "%s: ", subject);

    last.status = last.status ? last.status : FL_FAILED;
    if (n < sizeof text && !strncmp(last.what, text, n))
        return -1;
    if (n < sizeof text)
        snprintf(text + n, sizeof text - n, "%s", last.what);
    memcpy(last.what, text, sizeof text);
    return -1;
}

int
fl_error_as(enum fl_status status)
{
    last.status = status;
    return -1;
}

int
fl_error_cure(const char *format, ...)
{
    char text[sizeof last.cure];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    memcpy(last.cure, text, sizeof text);
    return -1;
}

const char *
fl_error_what(void)
{
    return last.what;
}

const char *
fl_error_text(void)
{
    snprintf(sentence, sizeof sentence, "%s%s%s", last.what, *last.cure ? "; " : "", last.cure);
    return sentence;
}

enum fl_status
fl_error_status(void)
{
    return last.status;
}

bool
fl_error_of_machine(void)
{
    return last.machine;
}

void
fl_error_clear(void)
{
    last.machine = false;
    last.status = FL_OK;
    last.what[0] = '\0';
    last.cure[0] = '\0';
}

void
fl_error_save(struct fl_error_copy *copy)
{
    *copy = last;
}

int
fl_error_restore(const struct fl_error_copy *copy)
{
    last = *copy;
    return -1;
}
