/*
 * A private folder in which a program remembers what must not be forgotten: mode 0700, locked while
 * it is open, so that two runs never act on the same memory.
 */
#ifndef FL_OS_FOLDER_H
#define FL_OS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct fl_folder {
    char *path;
    int lock; /* descriptor of the locked file in it; -1 when not open */
};

#define FL_FOLDER_INIT                                                                             \
    {                                                                                              \
        .lock = -1                                                                                 \
    }

/*
 * Open and lock the folder at PATH; with CREATE it is made when it is not there, durably. A folder
 * that others can read or enter is refused (FL_REFUSED); one that is locked by another run is an
 * error (FL_FAILED), without waiting. What is found in it is durable, also if the run that wrote it
 * was killed between a rename and its flush.
 */
FL_MUST int fl_folder_open(struct fl_folder *folder, const char *path, bool create);
void fl_folder_close(struct fl_folder *folder); /* unlocks; fine on one that is not open */

/* "PATH/NAME", free() it; NULL with an error. */
char *fl_folder_file(const struct fl_folder *folder, const char *name);

/*
 * "KEY.state", where a key remembers its rounds: beside the file that KEY_PATH leads to, so that a
 * symbolic link to a key finds it. A long name is shortened (fl_name_beside). free() it; NULL with
 * an error.
 */
char *fl_folder_of_key(const char *key_path);

/*
 * Lock the file at PATH until this process ends, so that one program at a time uses it, whatever
 * folder each was given; who replaces it by renaming holds the lock of the old one until then. An
 * error when another holds it (FL_FAILED), without waiting; one that is not there, or is no regular
 * file, is left to whoever reads it. 0 or -1.
 */
FL_MUST int fl_file_lock(const char *path);

/* Is PATH, links followed and whether or not it exists, directly in the folder DIR? */
bool fl_folder_holds(const char *dir, const char *path);

/* True when PATH names a folder. */
bool fl_folder_exists(const char *path);

/* Remove the file NAME in it; a missing one is fine. */
FL_MUST int fl_folder_remove(const struct fl_folder *folder, const char *name);

/*
 * Remove the files in it whose names begin with PREFIX, and the parts of such (os/output.h) that
 * killed runs left, except the COUNT in KEEP.
 */
FL_MUST int fl_folder_prune(const struct fl_folder *folder, const char *prefix,
                            const char *const *keep, size_t count);

/*
 * Refuse (FL_REFUSED) a file that others can read or write; FD is open on it, NAME is for messages.
 */
FL_MUST int fl_check_private(int fd, const char *name);

#endif
