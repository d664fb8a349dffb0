/*
 * Pairs of numbers sorted in bounded memory: runs go to one unlinked file in $TMPDIR as they fill
 * the memory, and are merged when they are read. What comes out does not depend on the memory.
 */
#ifndef FL_DATA_SPILL_H
#define FL_DATA_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct fl_spill_pair {
    uint64_t key, value;
};

struct fl_spill;

/* MEM bytes, at least 64 KiB, are used at most; taken as they are needed. NULL with an error. */
struct fl_spill *fl_spill_new(size_t mem);
void fl_spill_free(struct fl_spill *s);

FL_MUST int fl_spill_add(struct fl_spill *s, uint64_t key, uint64_t value);

/*
 * 1 with the next pair in the order of keys, then of values; 0 after the last one; -1 with an
 * error. Nothing is added after the first call. O(n log n) in all, each pair written and read once.
 * While it reads, MEM is exceeded when there are more than MEM / 4096 runs, by 4 KiB for each more.
 */
FL_MUST int fl_spill_next(struct fl_spill *s, struct fl_spill_pair *pair);

#endif
