/* A hash for tables in memory; nothing that is written depends on it. */
#ifndef FL_TEXT_TABLE_HASH_H
#define FL_TEXT_TABLE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
fl_hash_mix(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

/* Source of the constants and of the last mix: MurmurHash3 (Appleby 2011). */
static inline uint64_t
fl_hash_text(const void *text, size_t len)
{
    const unsigned char *p = text;
    uint64_t h = len * 0x9e3779b97f4a7c15u, word = 0;

    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&word, p, 8);
        word *= 0x87c37b91114253d5u;
        h = (h ^ (word ^ word >> 32)) * 0x4cf5ad432745937fu;
        h ^= h >> 29;
    }
    word = 0;
    if (len)
        memcpy(&word, p, len);
    return fl_hash_mix(h ^ word * 0x87c37b91114253d5u);
}

#endif
