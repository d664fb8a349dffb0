/*
 * Adding in lanes without letting a carry pass from one to the next; the top bit of each lane is
 * added apart. tests/unit/test_mask.c compares it with one lane at a time.
 */
#include "sec/mask.h"

void
fl_lanes_init(struct fl_lanes *lanes, unsigned bits)
{
    *lanes = (struct fl_lanes){.bits = bits, .count = 64 / bits};
    for (unsigned i = 0; i < lanes->count; i++)
        lanes->top |= UINT64_C(1) << (bits * (i + 1) - 1);
    unsigned all = bits * lanes->count;
    lanes->used = all == 64 ? ~UINT64_C(0) : (UINT64_C(1) << all) - 1;
}

void
fl_lanes_add(const struct fl_lanes *lanes, uint64_t *a, const uint64_t *b, size_t n)
{
    const uint64_t top = lanes->top, low = lanes->used & ~top;

    for (size_t i = 0; i < n; i++)
        a[i] = ((a[i] & low) + (b[i] & low)) ^ ((a[i] ^ b[i]) & top);
}

void
fl_lanes_sub(const struct fl_lanes *lanes, uint64_t *a, const uint64_t *b, size_t n)
{
    const uint64_t top = lanes->top, low = lanes->used & ~top;

    /* The borrowed top bit keeps each lane's borrow inside it. */
    for (size_t i = 0; i < n; i++)
        a[i] = ((a[i] | top) - (b[i] & low)) ^ ((a[i] ^ ~b[i]) & top);
}
