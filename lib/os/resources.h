/*
 * What this process has and what the system would still give: for programs that say before hours
 * of work what these will take. All are hints; -1 where the system does not say (no error is
 * recorded).
 */
#ifndef FL_OS_RESOURCES_H
#define FL_OS_RESOURCES_H

#include <stdint.h>

/* Bytes of memory that this process holds now, and the most that it held. */
int64_t fl_memory_resident(void);
int64_t fl_memory_peak(void);

/*
 * Bytes of memory that it could take now without another process being pushed out: the system's
 * estimate, bounded by the limits of its control group (Linux) and of its addresses.
 */
int64_t fl_memory_available(void);

/*
 * Bytes that this user can write to the file system on which a file PATH is or would be; a
 * standard stream ("-" or NULL) is none.
 */
int64_t fl_disk_free(const char *path);

#endif
