/*
 * Memory for arrays of many megabytes that are walked over again and again: weights, moments, the
 * workspace of training. On pages of 4 KiB each of them costs a fault for every page at its first
 * touch, and misses of the address cache ever after; on huge pages 512 times fewer.
 */
#ifndef FL_OS_MEMORY_H
#define FL_OS_MEMORY_H

#include <stddef.h>

/*
 * COUNT items of SIZE bytes, not zeroed, aligned to 64 bytes, or NULL with an error; free() it.
 * From 2 MiB on they lie on huge pages if the system has some to give; the last one is then not
 * shared, so up to 2 MiB more may be taken.
 */
void *fl_alloc_large(size_t count, size_t size);

#endif
