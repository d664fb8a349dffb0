/*
 * The blocks of a payload in a file, checked and digested by all threads at once. Inside flt/ only.
 */
#ifndef FL_FLT_SCAN_H
#define FL_FLT_SCAN_H

#include "flt/digest.h"
#include "os/pool.h"

enum { FL_SCAN_BLOCKS = 256 };

struct fl_scan;

/* Who reads what (borrowed), and memory for it, eight blocks a thread. NULL with an error. */
struct fl_scan *fl_scan_new(struct fl_pool *pool, int fd, const char *name);
void fl_scan_free(struct fl_scan *s);

/*
 * N bytes at OFFSET, at most FL_SCAN_BLOCKS blocks of them, the last one perhaps short: SUMS gets
 * the check value of each block, COLLECT (unless NULL) its leaf, in order. Returns the number of
 * bytes that the file has there, N or fewer, or -1 with an error.
 */
int64_t fl_scan(struct fl_scan *s, uint64_t offset, uint64_t n, uint64_t *sums,
                struct fl_digest *collect);

#endif
