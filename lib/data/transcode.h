/*
 * Text of a named encoding as UTF-8, by iconv(3), block by block. A byte that is nothing in the
 * encoding becomes 0xFF, which is nothing in UTF-8 either: what becomes of such places is decided
 * where all text that is not Unicode is repaired (data/document.h).
 */
#ifndef FL_DATA_TRANSCODE_H
#define FL_DATA_TRANSCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_transcode;

/* ENCODING by a name that iconv(3) knows; FL_USAGE when it knows none. NULL with an error. */
struct fl_transcode *fl_transcode_new(const char *encoding);
void fl_transcode_free(struct fl_transcode *t);

/* Add what LEN more bytes are to OUT; LAST: they are the end of the text. Cost O(len). */
FL_MUST int fl_transcode(struct fl_transcode *t, const void *data, size_t len, bool last,
                         struct fl_buf *out);

/* "UTF-16LE" and so on when P begins with a mark of the byte order, of *SIZE bytes; else NULL. */
const char *fl_transcode_mark(const void *p, size_t len, size_t *size);

#endif
