/*
 * An object written to a file, whole or not at all, where nothing happens between opening the
 * output and writing it. (Programs that open it hours before write to it by themselves.)
 */
#ifndef FL_FLT_EMIT_H
#define FL_FLT_EMIT_H

#include "base/must.h"
#include "flt/writer.h"

/* Writes all of an object; 0, or -1 with an error. */
typedef int fl_emit_fn(void *arg, struct fl_writer *w);

/*
 * Open PATH (NULL or "-": standard output), let WRITE(ARG, ...) write to it, compressed by LEVEL
 * (0: not), and give it its name. 0, or -1 with what was there before as it was.
 */
FL_MUST int fl_emit(const char *path, int level, fl_emit_fn *write, void *arg);

/* The same into a file of mode 0600, not compressed. */
FL_MUST int fl_emit_secret(const char *path, fl_emit_fn *write, void *arg);

#endif
