/*
 * Any bytes as a ciphertext, a key or a share, as the sum of them and as the numbers that a roster
 * gives: what is taken is packed to the same bytes again, what is refused says why, sums of
 * anything open to values in their range, and lanes that fit do so by the condition.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sec/rlwe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

/* Units of 53 words at any place; the place and their number are the first four bytes. */
static void
take_units(const uint8_t *data, size_t size)
{
    enum { MOST = 9 };
    static uint64_t words[MOST * FL_RING_UNIT_WORDS], again[MOST * FL_RING_UNIT_WORDS];
    static uint64_t sum[MOST * FL_RING_UNIT];
    const size_t at = (size_t)(data[0] | data[1] << 8), bytes = (size_t)FL_RING_UNIT_WORDS * 8;
    const size_t count = size / bytes < MOST ? size / bytes : MOST;

    memset(sum, 0, sizeof sum);
    memcpy(words, data, count * bytes);
    if (fl_ring_add(sum, words, at, count)) {
        must(fl_error_status() == FL_FAILED && strstr(fl_error_text(), "below its prime"));
        return;
    }
    for (size_t i = 0; i < count * FL_RING_UNIT; i++)
        must(sum[i] < fl_ring_primes[(at + i / FL_RING_UNIT) % FL_RING_UNITS /
                                     (FL_RING_UNITS / FL_RING_PRIMES)]);
    fl_ring_pack_units(again, sum, count);
    must(!memcmp(again, words, count * bytes));
}

/* A sum, of which what is not given is zero, in lanes of any shape. */
static void
open_any(const uint8_t *data, size_t size)
{
    enum { MOST = 4096 };
    static uint64_t v[FL_RING_RESIDUES];
    static int64_t values[MOST];
    struct fl_rlwe_lanes lanes = {2 + data[0] % 61, 1};

    lanes.slots = 1 + data[1] % (FL_RLWE_MESSAGE_BITS / lanes.bits);
    for (size_t i = 0; i < 8; i++) /* of the first and last coefficients that are read */
        for (size_t k = 0; k < FL_RING_PRIMES; k++) {
            size_t at = (k * 8 + i) * 8 + 2;
            v[k * FL_RING_N + i] = 0;
            if (at + 8 <= size)
                memcpy(&v[k * FL_RING_N + i], data + at, 8);
        }
    const size_t count = (size_t)8 * lanes.slots < MOST ? (size_t)8 * lanes.slots : MOST;
    fl_rlwe_open(&lanes, v, values, count);
    for (size_t i = 0; i < count; i++)
        must(values[i] >= -((int64_t)1 << (lanes.bits - 1)) && values[i] < (int64_t)1
                                                                               << (lanes.bits - 1));
}

static void
fit_any(const uint8_t *data, size_t size)
{
    struct fl_rlwe_part parts[4];
    struct fl_rlwe_size fit = {(size_t)(data[0] | data[1] << 8), data[2], parts, size % 5, 0, 0, 0};

    for (size_t i = 0; i < fit.count; i++) {
        parts[i] = (struct fl_rlwe_part){.lanes = {.bits = data[3 + i]}};
        if (8 * i + 16 <= size)
            memcpy(&parts[i].coordinates, data + 8 * i + 8, 8);
    }
    if (fl_rlwe_fit(&fit)) {
        must(fl_error_status() == FL_USAGE && *fl_error_text());
        return;
    }
    for (size_t i = 0; i < fit.count; i++)
        must(parts[i].lanes.slots && fl_rlwe_fits(&fit, &parts[i].lanes, fit.lambda) &&
             parts[i].ciphertexts >= parts[i].coordinates / fl_rlwe_capacity(&parts[i].lanes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    if (data[0] % 3 == 0)
        take_units(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        open_any(data + 1, size - 1);
    else
        fit_any(data + 1, size - 1);
    return 0;
}
