#include "sec/mask.h"

#include "base/bytes.h"
#include "crypt/chacha.h"

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

/*
 * Keystream bytes are little-endian words, whatever the machine; nothing to do where they are so.
 */
static void
to_host(uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        words[i] = fl_get64((const unsigned char *)&words[i]);
}

void
fl_mask_chunk(const struct fl_lanes *lanes, uint64_t *words, size_t n, size_t lane_words,
              uint64_t chunk, const struct fl_mask *masks, size_t count, uint64_t *scratch)
{
    for (size_t m = 0; m < count; m++) {
        fl_stream_fill(scratch, n * sizeof *scratch, masks[m].key, chunk);
        to_host(scratch, n);
        if (masks[m].sign > 0) {
            fl_lanes_add(lanes, words, scratch, lane_words);
            for (size_t i = lane_words; i < n; i++)
                words[i] += scratch[i];
        } else {
            fl_lanes_sub(lanes, words, scratch, lane_words);
            for (size_t i = lane_words; i < n; i++)
                words[i] -= scratch[i];
        }
    }
}
