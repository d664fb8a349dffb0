/*
 * sodium_allocarray puts pages without access around a secret and locks it in memory; where the
 * limit of locked memory is too small it goes on unlocked. Core files are turned off for the whole
 * process, because stacks hold copies of secrets too.
 */
#include "crypt/secret.h"

#include <sodium.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"

int
fl_crypt_init(void)
{
    if (sodium_init() < 0)
        return fl_error(FL_FAILED, "this system gives no randomness; libsodium cannot start");
    return 0;
}

/* Secret memory is left out of core files anyway; stacks and what is being masked are not. */
static void
leave_no_core(void)
{
    struct rlimit core;

    if (!getrlimit(RLIMIT_CORE, &core) && core.rlim_cur) {
        core.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &core);
    }
}

void *
fl_secret_alloc(size_t count, size_t size)
{
    void *p = sodium_allocarray(count, size);

    if (!p) {
        fl_error_memory("not enough memory for %zu secrets of %zu bytes", count, size);
        return NULL;
    }
    leave_no_core();
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
