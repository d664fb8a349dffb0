/*
 * Adding in lanes without letting a carry pass from one to the next; the top bit of each lane is
 * added apart. tests/unit/test_mask.c compares it with one lane at a time.
 */
#include "sec/mask.h"

#include <string.h>

#include "base/bytes.h"
#include "crypt/chacha_wide.h"
#include "crypt/secret.h"
#include "os/kernel.h"

void
fl_lanes_init(struct fl_lanes *lanes, unsigned bits)
{
    *lanes = (struct fl_lanes){.bits = bits, .count = 64 / bits};
    for (unsigned i = 0; i < lanes->count; i++)
        lanes->top |= UINT64_C(1) << (bits * (i + 1) - 1);
    unsigned all = bits * lanes->count;
    lanes->used = all == 64 ? ~UINT64_C(0) : (UINT64_C(1) << all) - 1;
}

/* Lanes that are numbers of the processor, in bytes from A on: A += B or A -= B. */
#define COMBINE(type, operator)                                                                    \
    for (size_t i = 0; i < n * sizeof(uint64_t); i += sizeof(type)) {                              \
        type x, y;                                                                                 \
        memcpy(&x, (unsigned char *)a + i, sizeof x);                                              \
        memcpy(&y, (const unsigned char *)b + i, sizeof y);                                        \
        x = (type)(x operator y);                                                                  \
        memcpy((unsigned char *)a + i, &x, sizeof x);                                              \
    }

FL_KERNEL void
fl_lanes_add(const struct fl_lanes *lanes, uint64_t *restrict a, const uint64_t *restrict b,
             size_t n)
{
    const uint64_t top = lanes->top, low = lanes->used & ~top;

    if (lanes->bits == 32)
        COMBINE(uint32_t, +)
    else if (lanes->bits == 16)
        COMBINE(uint16_t, +)
    else if (lanes->bits == 8)
        COMBINE(uint8_t, +)
    else
        for (size_t i = 0; i < n; i++)
            a[i] = ((a[i] & low) + (b[i] & low)) ^ ((a[i] ^ b[i]) & top);
}

FL_KERNEL void
fl_lanes_sub(const struct fl_lanes *lanes, uint64_t *restrict a, const uint64_t *restrict b,
             size_t n)
{
    const uint64_t top = lanes->top, low = lanes->used & ~top;

    if (lanes->bits == 32)
        COMBINE(uint32_t, -)
    else if (lanes->bits == 16)
        COMBINE(uint16_t, -)
    else if (lanes->bits == 8)
        COMBINE(uint8_t, -)
    else /* the borrowed top bit keeps each lane's borrow inside it */
        for (size_t i = 0; i < n; i++)
            a[i] = ((a[i] | top) - (b[i] & low)) ^ ((a[i] ^ ~b[i]) & top);
}

static void
add_signed(const struct fl_lanes *lanes, uint64_t *a, const uint64_t *b, size_t n, int sign)
{
    if (sign > 0)
        fl_lanes_add(lanes, a, b, n);
    else
        fl_lanes_sub(lanes, a, b, n);
}

/* ---- masks, a unit at a time ---- */

struct unit {
    _Alignas(64) uint64_t sum[FL_MASK_UNIT], stream[FL_MASK_UNIT];
    struct fl_wide wide;
};

/* Lanes are the same in columns, so only the sum of the streams is turned. */
static void
sum_wide(struct unit *u, const struct fl_masking *m, const struct fl_lanes *lanes, uint64_t index)
{
    for (size_t i = 0; i < m->count; i++) {
        const bool begins = i == 0 && m->masks[i].sign > 0;
        fl_wide_start(&u->wide, m->masks[i].key, m->chunk);
        fl_wide_columns(begins ? u->sum : u->stream, &u->wide, index);
        if (i == 0 && !begins)
            memset(u->sum, 0, sizeof u->sum);
        if (!begins)
            add_signed(lanes, u->sum, u->stream, FL_MASK_UNIT, m->masks[i].sign);
    }
    fl_wide_turn(u->sum);
}

/* Keystream bytes are little-endian words, whatever the machine. */
static void
sum_narrow(struct unit *u, const struct fl_masking *m, const struct fl_lanes *lanes, uint64_t index)
{
    memset(u->sum, 0, sizeof u->sum);
    for (size_t i = 0; i < m->count; i++) {
        fl_stream_part(u->stream, sizeof u->stream, m->masks[i].key, m->chunk,
                       index * FL_STREAM_UNIT);
        for (size_t k = 0; k < FL_MASK_UNIT; k++)
            u->stream[k] = fl_get64((const unsigned char *)&u->stream[k]);
        add_signed(lanes, u->sum, u->stream, FL_MASK_UNIT, m->masks[i].sign);
    }
}

/* Bytes FROM..TO of what is read next. */
static void
fetch(const void *soon, size_t from, size_t to)
{
    const size_t line = 64;

    for (size_t at = from; at < to; at += line)
        __builtin_prefetch((const char *)soon + at);
}

void
fl_masks_add(const struct fl_masking *m, const struct fl_lanes *lanes, uint64_t *words, size_t n,
             size_t from)
{
    const bool wide = fl_kernel_is_wide();
    const size_t soon = n ? m->soon_bytes / n : 0; /* for a word */
    struct unit u;

    for (size_t at = 0; at < n && m->count; at += FL_MASK_UNIT) {
        const size_t here = n - at < FL_MASK_UNIT ? n - at : FL_MASK_UNIT;
        fetch(m->soon, soon * at, soon * (at + here));
        if (wide)
            sum_wide(&u, m, lanes, (from + at) / FL_MASK_UNIT);
        else
            sum_narrow(&u, m, lanes, (from + at) / FL_MASK_UNIT);
        fl_lanes_add(lanes, words + at, u.sum, here);
    }
    fl_wipe(&u, sizeof u);
}
