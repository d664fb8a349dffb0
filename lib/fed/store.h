/*
 * Zeroed memory for accumulators: real memory up to a bound, beyond it unlinked files in $TMPDIR
 * that are mapped, so that the system can page them out. Nothing is given back before the end. The
 * files are not sealed: sums are of uploads, which are masked, or of plain updates, which whoever
 * adds them up reads.
 */
#ifndef FL_FED_STORE_H
#define FL_FED_STORE_H

#include <stddef.h>
#include <stdint.h>

struct fl_store;

/*
 * At most MEMORY bytes of private memory, what RLIMIT_DATA counts. (Pages of the files are counted
 * as resident until fl_store_rest.) NULL with an error.
 */
struct fl_store *fl_store_new(uint64_t memory);
void fl_store_free(struct fl_store *s);

/*
 * N zeroed words, aligned to 64 bytes, valid until fl_store_free; NULL with an error (a full disk
 * is one). Cost: amortised O(n), of a page touched first.
 */
uint64_t *fl_store_words(struct fl_store *s, size_t n);

/*
 * N words from WORDS on are not looked at soon: where they lie in a file, they go from this
 * process's memory, and come back when they are looked at. Whole pages only.
 */
void fl_store_rest(const struct fl_store *s, const uint64_t *words, size_t n);

/* Bytes that lie in files. */
uint64_t fl_store_spooled(const struct fl_store *s);

#endif
