/* Check values of a stream made right again, or no mutation would get past them. */
#ifndef FL_FUZZ_REPAIR_H
#define FL_FUZZ_REPAIR_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "flt/check.h"
#include "flt/format.h"
#include "flt/record.h"

static inline size_t
round_up(size_t n, size_t align)
{
    return (n + align - 1) / align * align;
}

/* The table of a raw payload at AT; returns where the record ends, SIZE when it does not fit. */
static inline size_t
repair_payload(unsigned char *p, size_t size, size_t at, uint64_t payload, struct fl_chain *chain)
{
    size_t table = round_up(at + (size_t)payload, 8);
    uint64_t blocks = fl_blocks(payload);

    if (table > size || blocks > (size - table) / 8)
        return size;
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t left = payload - i * FL_FLT_BLOCK;
        uint64_t sum = fl_check64(p + at + i * FL_FLT_BLOCK,
                                  left < FL_FLT_BLOCK ? (size_t)left : FL_FLT_BLOCK);
        fl_put64(p + table + 8 * i, sum);
        fl_chain_add64(chain, sum);
    }
    return round_up(table + 8 * (size_t)blocks, 64);
}

/* All check values of a stream, as far as its records can be told. */
static inline void
repair(unsigned char *p, size_t size)
{
    struct fl_chain *chain = fl_chain_new();

    for (size_t at = 0; at + 64 <= size;) {
        uint32_t tag = fl_get32(p + at);
        uint64_t body = fl_get64(p + at + 8), payload = fl_get64(p + at + 16);
        if (body > size - at - 64 || payload > size)
            break;
        if (tag == FL_TAG_HEAD)
            fl_chain_reset(chain);
        if (tag == FL_TAG_DONE && body == 24)
            fl_put64(p + at + 64 + 16, fl_chain_value(chain));
        uint64_t sum = fl_check64(p + at + 64, (size_t)body);
        if (tag == FL_TAG_HEAD || tag == FL_TAG_TENS)
            fl_chain_add64(chain, sum);
        fl_put64(p + at + 40, sum);
        fl_put64(p + at + 56, fl_check64(p + at, 56));
        at = round_up(at + 64 + (size_t)body, 64);
        if (tag == FL_TAG_TENS && payload)
            at = repair_payload(p, size, at, payload, chain);
    }
    fl_chain_free(chain);
}

#endif
