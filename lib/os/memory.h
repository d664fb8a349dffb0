/*
 * Memory for arrays of many megabytes that are walked over again and again: weights, moments, the
 * workspace of training. On pages of 4 KiB each of them costs a fault for every page at its first
 * touch, and misses of the address cache ever after; on huge pages 512 times fewer. And memory that
 * nobody else should see: neither swap nor a core file nor another process.
 */
#ifndef FL_OS_MEMORY_H
#define FL_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * COUNT items of SIZE bytes, not zeroed, aligned to 64 bytes, or NULL with an error; free() it.
 * From 2 MiB on they lie on huge pages if the system has some to give; the last one is then not
 * shared, so up to 2 MiB more may be taken.
 */
void *fl_alloc_large(size_t count, size_t size);

/*
 * SIZE > 0 bytes of zeros on such pages, of memory that nobody had before: what is not touched
 * costs nothing. NULL with an error; give it back with its size.
 */
void *fl_map_zeros(size_t size);
void fl_unmap_zeros(void *p, size_t size);

/*
 * From now on malloc keeps what is freed of blocks up to 32 MiB, to give it out again: a library
 * that takes and frees such blocks thousands of times a second would have each page of them from
 * the system anew, zeroed, with a fault. Where malloc cannot be told so, nothing happens.
 */
void fl_memory_keep_freed(void);

/*
 * Keep these N bytes out of swap. It may fail, mostly for a small ulimit -l, and nothing else
 * happens then: fl_memory_swappable tells, for the whole process, whether it ever did.
 */
void fl_memory_lock(const void *p, size_t n);
bool fl_memory_swappable(void);

/*
 * From now on this process leaves no core file, and on Linux no other process of the same user
 * reads its memory.
 */
void fl_memory_leave_no_core(void);

#endif
