/*
 * The text of one input, in the order of its bytes: unpacked (data/unpack.h), and as UTF-8 where
 * its encoding is another one (data/transcode.h). The encoding is proved and never guessed: by a
 * mark of the byte order, by a name that somebody gave, else it is UTF-8. Bytes that are not are
 * given as they are. One mark at the start is not part of the text.
 *
 * Memory: two blocks and the window of a decompressor. Cost O(bytes).
 */
#ifndef FL_DATA_SOURCE_H
#define FL_DATA_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"
#include "data/unpack.h"

struct fl_source;

/* PATH NULL or "-": standard input. ENCODING NULL: as above. NULL with an error. */
struct fl_source *fl_source_open(const char *path, const char *encoding);
void fl_source_close(struct fl_source *s);

/* Up to N bytes of UTF-8, fewer only at the end. Returns the count, or -1 with an error. */
ssize_t fl_source_read(struct fl_source *s, void *data, size_t n);

const char *fl_source_encoding(const struct fl_source *s); /* "UTF-8" unless it is another one */
enum fl_packing fl_source_packing(const struct fl_source *s);
uint64_t fl_source_taken(const struct fl_source *s); /* bytes of the file so far */
size_t fl_source_mark(const struct fl_source *s);    /* bytes of the mark at the start */

#endif
