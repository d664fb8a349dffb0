/* Random numbers and text for tests: the same on every run. */
#ifndef FL_TEST_RANDOM_H
#define FL_TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t
random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Up to N characters out of a list of them divided by '|'; returns the bytes written to TEXT. */
static inline size_t
random_text(uint32_t *seed, const char *list, size_t n, char *text)
{
    size_t count = 1, len = 0;

    for (const char *c = list; *c; c++)
        count += *c == '|';
    for (n = random_next(seed) % (n + 1); n; n--) {
        size_t which = random_next(seed) % count;
        const char *c = list;
        while (which--)
            c = strchr(c, '|') + 1;
        size_t size = strcspn(c, "|");
        memcpy(text + len, c, size);
        len += size;
    }
    text[len] = '\0';
    return len;
}

#endif
