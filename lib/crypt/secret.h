/*
 * Secrets: memory that is locked, guarded and wiped when freed; randomness; comparison in constant
 * time. fl_crypt_init comes first in every program that uses crypt/.
 */
#ifndef FL_CRYPT_SECRET_H
#define FL_CRYPT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

/* Once, before threads; -1 when the system gives no randomness. */
FL_MUST int fl_crypt_init(void);

/*
 * Zeroed memory for secrets (sodium_malloc: guard pages, and locked as far as ulimit -l goes), NULL
 * with an error. A program that has asked for it leaves no core file.
 */
void *fl_secret_alloc(size_t count, size_t size);
void fl_secret_free(void *p); /* wipes; NULL is fine */

/* Wipe in a way that a compiler does not take out. */
void fl_wipe(void *p, size_t n);

bool fl_equal_secret(const void *a, const void *b, size_t n); /* constant time */
bool fl_is_zero(const void *p, size_t n);                     /* constant time */

/* N bytes from the system's generator (getrandom). */
void fl_random_bytes(void *p, size_t n);

#endif
