/*
 * A folder of files that is there whole or not at all, as fl_output is for one file: it is made
 * beside its final name as ".NAME.part" (locked; a leftover of a run that died is emptied and taken
 * over), its files are flushed, and it is renamed. A name that is taken is refused, but for that of
 * an empty folder: nothing of a user's is replaced.
 */
#ifndef FL_OS_OUTPUT_FOLDER_H
#define FL_OS_OUTPUT_FOLDER_H

#include <stddef.h>

#include "base/must.h"

struct fl_output_folder {
    char *name; /* as given, without slashes at its end; NULL when not open */
    char *part; /* the folder being written */
    int fd;     /* open on it */
};

/* Returns 0, or -1 with nothing made. */
FL_MUST int fl_output_folder_open(struct fl_output_folder *f, const char *path);

/* A new file NAME in it, to be written and given to fl_output_folder_end: a descriptor, or -1. */
FL_MUST int fl_output_folder_file(struct fl_output_folder *f, const char *name);

/* Flush and close the file FD; NAME is for messages. */
FL_MUST int fl_output_folder_end(struct fl_output_folder *f, int fd, const char *name);

/* A whole file of LEN bytes. */
FL_MUST int fl_output_folder_write(struct fl_output_folder *f, const char *name, const void *data,
                                   size_t len);

/*
 * Give the folder its name, and close. On failure it is removed with what is in it; that an input
 * of the process changed while it was read is one (os/watch.h).
 */
FL_MUST int fl_output_folder_commit(struct fl_output_folder *f);

/* Remove what was written; nothing when not open. Keeps the recorded error. */
void fl_output_folder_abort(struct fl_output_folder *f);

#endif
