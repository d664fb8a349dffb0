/*
 * Checked memory: sizes are multiplied with an overflow check, and a failure is a recorded error.
 */
#ifndef FL_BASE_MEM_H
#define FL_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* *product = a * b; -1 with an error recorded when it does not fit. */
FL_MUST int fl_mul_size(size_t a, size_t b, size_t *product);
FL_MUST int fl_mul_u64(uint64_t a, uint64_t b, uint64_t *product);

/* COUNT zeroed items of SIZE bytes (at least one byte), or NULL with an error; free() it. */
void *fl_alloc(size_t count, size_t size);

/* The same, not zeroed and aligned to 64 bytes, for tensors; free() it. */
void *fl_alloc_aligned(size_t count, size_t size);

/* Resize P (or NULL) to COUNT items; on failure NULL with an error, and P stays as it was. */
void *fl_resize(void *p, size_t count, size_t size);

/*
 * Make room for one more item after COUNT in an array of capacity *CAP, at least doubling it.
 * Returns the array (moved perhaps), or NULL with an error and the old one untouched.
 */
void *fl_grow(void *p, size_t count, size_t *cap, size_t size);

char *fl_strdup(const char *text);
char *fl_strndup(const char *text, size_t len); /* LEN bytes and a zero */

#endif
