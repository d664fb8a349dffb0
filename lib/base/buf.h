/*
 * A growing array of bytes. A zeroed struct is an empty buffer. Functions that add return 0, or -1
 * with an error recorded and the buffer as it was. There is always a zero byte after the content
 * of a buffer that was added to, so text in it can be printed.
 */
#ifndef FL_BASE_BUF_H
#define FL_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/must.h"

struct fl_buf {
    unsigned char *data;
    size_t len, cap;
};

void fl_buf_release(struct fl_buf *buf); /* frees the content; the struct is empty again */
void fl_buf_clear(struct fl_buf *buf);   /* keeps the memory */

/* Make room for MORE bytes after the content. */
FL_MUST int fl_buf_reserve(struct fl_buf *buf, size_t more);

FL_MUST int fl_buf_add(struct fl_buf *buf, const void *data, size_t len);
FL_MUST int fl_buf_add_text(struct fl_buf *buf, const char *text); /* without its zero */
FL_MUST int fl_buf_add_byte(struct fl_buf *buf, unsigned byte);
FL_MUST int fl_buf_add16(struct fl_buf *buf, uint16_t v); /* little-endian */
FL_MUST int fl_buf_add32(struct fl_buf *buf, uint32_t v);
FL_MUST int fl_buf_add64(struct fl_buf *buf, uint64_t v);
FL_MUST int fl_buf_printf(struct fl_buf *buf, const char *format, ...) FL_PRINTF(2, 3);

/* The content as text ("" when empty); the buffer keeps it. */
const char *fl_buf_text(const struct fl_buf *buf);

#endif
