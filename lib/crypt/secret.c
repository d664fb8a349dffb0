#include "crypt/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"

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
        fl_error(FL_FAILED, "cannot lock %zu bytes in memory for secrets; raise ulimit -l",
                 count * size);
        return NULL;
    }
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
