/*
 * No bytes are taken as one byte: malloc(0) may return NULL, which callers would read as a failure.
 * Sizes of aligned memory are rounded up, since aligned_alloc wants multiples (C11, 7.22.3.1).
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"

int
fl_mul_size(size_t a, size_t b, size_t *product)
{
    if (b && a > SIZE_MAX / b)
        return fl_error(FL_FAILED, "a size of %zu times %zu bytes does not fit in memory", a, b);
    *product = a * b;
    return 0;
}

int
fl_mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    if (b && a > UINT64_MAX / b)
        return fl_error(FL_FAILED, "a size of %llu times %llu overflows", (unsigned long long)a,
                        (unsigned long long)b);
    *product = a * b;
    return 0;
}

static void
no_memory(size_t bytes)
{
    fl_error_memory("out of memory: %zu bytes more are needed", bytes);
}

void *
fl_alloc(size_t count, size_t size)
{
    size_t bytes = 0;

    if (fl_mul_size(count, size, &bytes))
        return NULL;
    void *p = calloc(bytes ? bytes : 1, 1);
    if (!p)
        no_memory(bytes);
    return p;
}

void *
fl_alloc_aligned(size_t count, size_t size)
{
    size_t bytes = 0;

    if (fl_mul_size(count, size, &bytes))
        return NULL;
    if (bytes > SIZE_MAX - 64) {
        no_memory(bytes);
        return NULL;
    }
    bytes = (bytes + 63) / 64 * 64;
    void *p = aligned_alloc(64, bytes ? bytes : 64);
    if (!p)
        no_memory(bytes);
    return p;
}

void *
fl_resize(void *p, size_t count, size_t size)
{
    size_t bytes = 0;

    if (fl_mul_size(count, size, &bytes))
        return NULL;
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q)
        no_memory(bytes);
    return q;
}

void *
fl_grow(void *p, size_t count, size_t *cap, size_t size)
{
    if (p && count < *cap)
        return p;
    size_t want = fl_max(*cap, 8);
    if (want <= count) {
        if (fl_mul_size(count, 2, &want))
            return NULL;
    }
    void *q = fl_resize(p, want, size);
    if (q)
        *cap = want;
    return q;
}

char *
fl_strndup(const char *text, size_t len)
{
    char *copy = fl_alloc(len + 1, 1);

    if (copy)
        memcpy(copy, text, len);
    return copy;
}

char *
fl_strdup(const char *text)
{
    return fl_strndup(text, strlen(text));
}
