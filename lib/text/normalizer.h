/*
 * The normalizer of a tokenizer.json: NFC, Prepend, Replace (of a string), or a Sequence of them.
 */
#ifndef FL_TEXT_NORMALIZER_H
#define FL_TEXT_NORMALIZER_H

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"
#include "text/unicode.h"

enum fl_normalizer_type { FL_NORMALIZER_NFC, FL_NORMALIZER_PREPEND, FL_NORMALIZER_REPLACE };

struct fl_normalizer_step {
    enum fl_normalizer_type type;
    char *from, *to; /* PREPEND puts TO in front */
};

struct fl_normalizer { /* a zeroed struct changes nothing */
    struct fl_normalizer_step *steps;
    size_t count, cap;
};

struct fl_normalizer_scratch { /* a zeroed struct is fine */
    struct fl_buf other;
    struct fl_unicode_scratch unicode;
};

/* From the JSON value (NULL and null: nothing). What was read before an error is released too. */
FL_MUST int fl_normalizer_read(struct fl_normalizer *n, const json_t *spec);
void fl_normalizer_release(struct fl_normalizer *n);
void fl_normalizer_scratch_release(struct fl_normalizer_scratch *s);

/* Normalise TEXT, UTF-8, in place. Empty text stays empty. */
FL_MUST int fl_normalizer_run(const struct fl_normalizer *n, struct fl_normalizer_scratch *s,
                              struct fl_buf *text);

/* Add TEXT with every FROM (not empty) replaced by TO. */
FL_MUST int fl_normalizer_replace(const char *text, size_t len, const char *from, const char *to,
                                  struct fl_buf *out);

#endif
