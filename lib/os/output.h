/*
 * An output that is there whole or not at all.
 *
 * A file is written beside its final name as ".NAME.part" (locked; a leftover of a run that died is
 * taken over, if it is this user's and has no other name), then flushed, renamed, and its folder
 * flushed: a reader sees the old file or the new one, with the permissions of the old one. Symbolic
 * links are followed. A name so long that the part's would be none has a shorter part
 * (fl_name_beside). A FIFO or a device is written in place; so is standard output.
 *
 *   open --write--> open --flush--> flushed --commit--> gone
 *     \---------------- abort ---------------/            (the old file is as it was)
 *
 * Two outputs of one program: flush both, then commit each.
 */
#ifndef FL_OS_OUTPUT_H
#define FL_OS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct fl_output {
    int fd;       /* write here; -1 when not open */
    char *name;   /* for messages: the path as given, or "standard output" */
    char *target; /* final name, links resolved; NULL when written in place */
    char *part;   /* the file being written; NULL when written in place */
    int folder;   /* open on that of TARGET; -1 when written in place */
    bool flushed, fresh;
};

#define FL_OUTPUT_INIT                                                                             \
    {                                                                                              \
        .fd = -1, .folder = -1                                                                     \
    }

enum fl_output_flags {
    FL_OUTPUT_BINARY = 1, /* refuse a terminal with FL_USAGE */
    FL_OUTPUT_SECRET = 2, /* mode 0600 whatever the umask */
    FL_OUTPUT_NEW = 4,    /* a file that is there when this one takes its name is an error */
    FL_OUTPUT_WAIT = 8    /* wait up to a minute for another program that writes it */
};

/* PATH NULL or "-" is standard output. Returns 0, or -1 with OUT closed. */
FL_MUST int fl_output_open(struct fl_output *out, const char *path, unsigned flags);

/* -1 if no output can be opened at PATH, since its folder is not to be written. Nothing is made. */
FL_MUST int fl_output_check_folder(const char *path);

/* All N bytes, or -1 with an error (FL_PIPE when the reader went away); then abort. */
FL_MUST int fl_output_write(struct fl_output *out, const void *data, size_t n);

/* Write the rest of FD, from its position on; NAME is for messages. */
FL_MUST int fl_output_copy(struct fl_output *out, int fd, const char *name);

/* Make the bytes durable; a late write error shows here. */
FL_MUST int fl_output_flush(struct fl_output *out);

/*
 * Flush if that was not done, give the file its name, close. On failure the part is removed; that
 * an input of the process changed while it was read is one (os/watch.h).
 */
FL_MUST int fl_output_commit(struct fl_output *out);

/* Remove what was written (a file) and close; nothing when not open. Keeps the recorded error. */
void fl_output_abort(struct fl_output *out);

/*
 * All COUNT that are open (those that are not are passed over): flush each before the first takes
 * its name; and abort.
 */
FL_MUST int fl_outputs_commit(struct fl_output *out, size_t count);
void fl_outputs_abort(struct fl_output *out, size_t count);

/* Before hours of work: could a file PATH be written (NULL: none is)? Leftovers of a dead run go.
 */
FL_MUST int fl_output_try(const char *path);

/* Write a small file in one go, with all of the above. */
FL_MUST int fl_output_write_file(const char *path, const void *data, size_t n, unsigned flags);

#endif
