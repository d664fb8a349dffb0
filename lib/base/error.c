#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The only variable in the library that outlives a call: see error.h. */
static _Thread_local struct fl_error_copy last;

static int
record(enum fl_status status, const char *text)
{
    last.status = status;
    last.cure = strlen(text);
    memcpy(last.text, text, last.cure + 1);
    return -1;
}

int
fl_error_record(enum fl_status status, const char *format, ...)
{
    char text[sizeof last.text]; /* an argument may be the recorded sentence itself */
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return record(status, text);
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
    return record(FL_FAILED, text);
}

int
fl_error_about(const char *subject)
{
    size_t sentence = last.cure, before = strlen(subject) + 2;

    fl_error(last.status ? last.status : FL_FAILED, "%s: %s", subject, last.text);
    if (before + sentence < last.cure)
        last.cure = before + sentence;
    return -1;
}

int
fl_error_record_cure(const char *format, ...)
{
    char advice[sizeof last.text / 2];
    va_list ap;

    va_start(ap, format);
    vsnprintf(advice, sizeof advice, format, ap);
    va_end(ap);
    snprintf(last.text + last.cure, sizeof last.text - last.cure, "%s%s", *advice ? "; " : "",
             advice);
    return -1;
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
    record(FL_OK, "");
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
