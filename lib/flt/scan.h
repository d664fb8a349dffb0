/*
 * The blocks of a payload in a file, checked and digested by all threads at once. Inside flt/ only.
 */
#ifndef FL_FLT_SCAN_H
#define FL_FLT_SCAN_H

#include "flt/digest.h"
#include "os/pool.h"

enum { FL_SCAN_BLOCKS = 256 };

/*
 * N bytes at OFFSET of FD, at most FL_SCAN_BLOCKS blocks of them, the last one perhaps short: SUMS
 * gets the check value of each block, COLLECT (unless NULL) its leaf, in order. Returns the number
 * of bytes that the file has there, N or fewer, or -1 with an error. Memory: eight blocks a thread.
 */
int64_t fl_scan(struct fl_pool *pool, int fd, const char *name, uint64_t offset, uint64_t n,
                uint64_t *sums, struct fl_digest *collect);

#endif
