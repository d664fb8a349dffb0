/*
 * sodium_allocarray puts pages without access around a secret, locks it in memory and leaves it out
 * of core files; where the limit of locked memory is too small it goes on unlocked, and says
 * nothing. Core files are turned off for the whole process, because stacks and what is being masked
 * hold copies of secrets too.
 */
#include "crypt/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "os/memory.h"

int
fl_crypt_init(void)
{
    if (sodium_init() < 0)
        return fl_error(FL_FAILED, "this system gives no randomness; libsodium cannot start");
    return 0;
}

void *
fl_secret_alloc(size_t count, size_t size)
{
    void *p = sodium_allocarray(count, size);

    if (!p) {
        fl_error_memory("not enough memory for %zu secrets of %zu bytes", count, size);
        return NULL;
    }
    fl_memory_lock(p, count * size); /* once more, which counts once: now it is known */
    fl_memory_leave_no_core();
    memset(p, 0, count * size);
    return p;
}

void
fl_secret_free(void *p)
{
    sodium_free(p);
}

void
fl_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool
fl_equal_secret(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

bool
fl_is_zero(const void *p, size_t n)
{
    return sodium_is_zero(p, n);
}

void
fl_random_bytes(void *p, size_t n)
{
    randombytes_buf(p, n);
}
