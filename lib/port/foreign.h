/*
 * What rounds are over (models and adapters) from wherever it comes: a stream, or a folder that
 * another tool wrote, read as fl-import reads it.
 */
#ifndef FL_PORT_FOREIGN_H
#define FL_PORT_FOREIGN_H

#include "base/buf.h"
#include "flt/object.h"

/*
 * The model or adapter in PATH (NULL or "-": standard input). A folder is imported into a spool in
 * $TMPDIR: its size on disk, a slice of a tensor in memory. NOTES gets lines about what of it is
 * not taken over. NULL with an error.
 */
struct fl_object *fl_foreign_open(const char *path, struct fl_buf *notes);

/*
 * The same for what another trainer made of BASE: of a folder the configuration and the numbers
 * alone, since few trainers write the tokenizer's files again; a tokenizer.json in it must be that
 * of BASE [fl_same_tokenizer].
 */
struct fl_object *fl_foreign_open_trained(const char *path, struct fl_object *base,
                                          struct fl_buf *notes);

#endif
