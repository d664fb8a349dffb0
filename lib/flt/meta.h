/*
 * Typed metadata of a stream: string keys, sorted by bytes and unique on the wire.
 *
 * Setters replace an earlier value of the key and return 0 or -1 (memory, or a key that is not 1 to
 * 255 bytes of UTF-8). Getters return 0, or -1 with an error when the key is missing or of another
 * type; what they point to stays the metadata's own. fl_meta_find is for keys that may be missing.
 */
#ifndef FL_FLT_META_H
#define FL_FLT_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum fl_meta_type {
    FL_META_I64 = 1,
    FL_META_F64 = 2,
    FL_META_TEXT = 3,
    FL_META_BYTES = 4,
    FL_META_I64_LIST = 5,
    FL_META_F64_LIST = 6,
    FL_META_TEXT_LIST = 7
};

struct fl_meta_item {
    char *key;
    enum fl_meta_type type;
    size_t count; /* of a list; bytes of TEXT and BYTES; 1 for numbers */
    union {
        int64_t i64;
        double f64;
        char *text; /* with a zero after it; UTF-8 */
        unsigned char *bytes;
        int64_t *i64_list;
        double *f64_list;
        char **text_list;
    } value;
};

struct fl_meta {                /* a zeroed struct is empty metadata */
    struct fl_meta_item *items; /* sorted by key */
    size_t count, cap;
};

void fl_meta_release(struct fl_meta *meta);
FL_MUST int fl_meta_copy(struct fl_meta *to, const struct fl_meta *from); /* TO is empty before */

const struct fl_meta_item *fl_meta_find(const struct fl_meta *meta, const char *key);
void fl_meta_remove(struct fl_meta *meta, const char *key); /* nothing when it is not there */

FL_MUST int fl_meta_set_i64(struct fl_meta *meta, const char *key, int64_t value);
FL_MUST int fl_meta_set_f64(struct fl_meta *meta, const char *key, double value);
FL_MUST int fl_meta_set_text(struct fl_meta *meta, const char *key, const char *value);
FL_MUST int fl_meta_set_bytes(struct fl_meta *meta, const char *key, const void *value, size_t len);
FL_MUST int fl_meta_set_i64_list(struct fl_meta *meta, const char *key, const int64_t *values,
                                 size_t n);
FL_MUST int fl_meta_set_f64_list(struct fl_meta *meta, const char *key, const double *values,
                                 size_t n);
FL_MUST int fl_meta_set_text_list(struct fl_meta *meta, const char *key, const char *const *values,
                                  size_t n);
FL_MUST int fl_meta_set_item(struct fl_meta *meta,
                             const struct fl_meta_item *item); /* a copy of it */

/* The same type and value, f64 by their bits; keys are not compared. */
bool fl_meta_same_item(const struct fl_meta_item *a, const struct fl_meta_item *b);

FL_MUST int fl_meta_get_i64(const struct fl_meta *meta, const char *key, int64_t min, int64_t max,
                            int64_t *value);
FL_MUST int fl_meta_get_f64(const struct fl_meta *meta, const char *key,
                            double *value); /* finite */
FL_MUST int fl_meta_get_text(const struct fl_meta *meta, const char *key, const char **value);
/* Which of WORDS (NULL at the end) a text is, as *INDEX; another is of no version known here. */
FL_MUST int fl_meta_get_word(const struct fl_meta *meta, const char *key, const char *const *words,
                             int *index);
/* LEN bytes exactly. */
FL_MUST int fl_meta_get_bytes(const struct fl_meta *meta, const char *key, size_t len,
                              const unsigned char **value);

/* The wire form: LE32 number of items, then the items; see flt(5). */
FL_MUST int fl_meta_encode(const struct fl_meta *meta, struct fl_buf *out);

/*
 * Read the wire form at *AT of DATA and advance *AT past it. META is empty before; on -1 it is
 * released, and the error says what is wrong without naming the file. No allocation is larger than
 * what is left of DATA times 16.
 */
FL_MUST int fl_meta_decode(struct fl_meta *meta, const unsigned char *data, size_t len, size_t *at);

#endif
