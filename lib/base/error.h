/*
 * Errors: a status, what is wrong, and a cure, kept for the thread that failed.
 *
 * A library function that fails records a sentence that says what is wrong and what would be right,
 * and returns -1 (or NULL). It never prints and never exits: the program prints the sentence once,
 * after its own name, and exits with the status. The sentence names its subject (file, record,
 * option) first. A caller that knows more than the function that failed gives it another subject,
 * status or cure: a damaged upload is fetched again, a damaged checkpoint is removed.
 *
 *     "up.flt: cut at offset 4096; fetch the file again"
 *      subject                     cure
 */
#ifndef FL_BASE_ERROR_H
#define FL_BASE_ERROR_H

#include <stdbool.h>

#define FL_PRINTF(text, args) __attribute__((format(printf, text, args)))

enum fl_status {
    FL_OK = 0,      /* done */
    FL_FAILED = 1,  /* input, I/O or data */
    FL_USAGE = 2,   /* the command line or the configuration is wrong */
    FL_REFUSED = 3, /* refused for safety: bad signature, replayed round, wrong base model */
    FL_NOT_YET = 4, /* something that was asked for has not arrived: cron waits, nobody is called */
    FL_PIPE = 141   /* the reader of our output went away: end quietly */
};

/*
 * Record a sentence and its status; an earlier one is replaced. Always returns -1, and compilers
 * and checkers see that: fl_error(status, format, ...) is a call that cannot return anything else.
 */
#define fl_error(...) fl_error_failed(fl_error_record(__VA_ARGS__))
int fl_error_record(enum fl_status status, const char *format, ...) FL_PRINTF(2, 3);

/* The same with ": " and errno's text added: fl_error_errno(errno_value, format, ...). */
#define fl_error_errno(...) fl_error_failed(fl_error_record_errno(__VA_ARGS__))
int fl_error_record_errno(int errno_value, const char *format, ...) FL_PRINTF(2, 3);

static inline int
fl_error_failed(int recorded)
{
    (void)recorded;
    return -1;
}

/*
 * Change the recorded error, and return -1: put "SUBJECT: " before its sentence, unless it begins
 * with it; give it another status; end it with this cure, instead of the one that it may have.
 */
int fl_error_about(const char *subject);
int fl_error_as(enum fl_status status);
int fl_error_cure(const char *format, ...) FL_PRINTF(1, 2);

/*
 * The recorded error as one sentence, "WHAT; CURE" ("" when there is none), its first part alone,
 * and its status; valid until the thread's next error.
 */
const char *fl_error_text(void);
const char *fl_error_what(void);
enum fl_status fl_error_status(void);

/* Was it the machine that failed (memory, I/O), so that no advice about data is of use? */
bool fl_error_of_machine(void);

/* Record that there is not enough memory; returns -1. */
int fl_error_memory(const char *format, ...) FL_PRINTF(1, 2);

/* Forget the recorded error. */
void fl_error_clear(void);

/* Carry an error from a worker thread to its caller: copy it out, put it back. */
struct fl_error_copy {
    enum fl_status status;
    char what[1024];
    char cure[256]; /* "": none, or in WHAT */
    bool machine;
};
void fl_error_save(struct fl_error_copy *copy);
int fl_error_restore(const struct fl_error_copy *copy); /* always returns -1 */

#endif
