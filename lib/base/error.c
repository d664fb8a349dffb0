#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The only variable in the library that outlives a call: see error.h. */
static _Thread_local struct fl_error_copy last;

int
fl_error_record(enum fl_status status, const char *format, ...)
{
    char text[sizeof last.text]; /* an argument may be the recorded sentence itself */
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    memcpy(last.text, text, sizeof text);
    last.status = status;
    return -1;
}

int
fl_error_record_errno(int errno_value, const char *format, ...)
{
    char text[sizeof last.text];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(errno_value));
    memcpy(last.text, text, sizeof text);
    last.status = FL_FAILED;
    return -1;
}

int
fl_error_about(const char *subject)
{
    enum fl_status status = last.status;

    return fl_error(status ? status : FL_FAILED, "%s: %s", subject, last.text);
}

const char *
fl_error_text(void)
{
    return last.text;
}

enum fl_status
fl_error_status(void)
{
    return last.status;
}

void
fl_error_clear(void)
{
    last.status = FL_OK;
    last.text[0] = '\0';
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
