/*
 * The condition is counted out in whole numbers of 640 bits, a bit of t at a time; the root in ct
 * is the least whole number whose square is large enough.
 */
#include "sec/rlwe_size.h"

#include "base/error.h"
#include "sec/ring.h"

enum { LAMBDA_BASE = 40, LAMBDA_LEAST = LAMBDA_BASE + 13, LAMBDA_MOST = 90, N_BITS = 13 };
enum { LANE_LEAST = 2, LANE_MOST = 62 };

uint64_t
fl_rlwe_capacity(const struct fl_rlwe_lanes *lanes)
{
    return (uint64_t)FL_RING_N * lanes->slots;
}

/* ct: the least c with 3 10^6 c^2 >= 31104^2 S (3 + 4 N K), as 9.6 * 3.24 = 31.104. */
static uint64_t
noise_of(size_t sites, size_t helpers)
{
    const fl_u128 want = (fl_u128)31104 * 31104 * sites * (3 + 4 * (fl_u128)FL_RING_N * helpers);
    uint64_t low = 0, high = (uint64_t)1 << 32; /* low is too small, high is not */

    while (high - low > 1) {
        uint64_t c = low + (high - low) / 2;
        if ((fl_u128)3000000 * c * c >= want)
            high = c;
        else
            low = c;
    }
    return high;
}

/* The most bits of t, FL_RLWE_MESSAGE_BITS or fewer, with 2 t (ct (1 + K 2^lambda) + S) < q. */
static unsigned
room(size_t sites, size_t helpers, unsigned lambda)
{
    const uint64_t noise = noise_of(sites, helpers);
    struct fl_big q = fl_big_of(1), left = fl_big_of((fl_u128)1 << lambda), factor;
    unsigned bits = 0;

    for (size_t i = 0; i < FL_RING_PRIMES; i++) {
        factor = fl_big_of(fl_ring_primes[i]);
        q = fl_big_mul(&q, &factor);
    }
    factor = fl_big_of((fl_u128)noise * helpers);
    left = fl_big_mul(&left, &factor);
    factor = fl_big_of((fl_u128)noise + sites);
    left = fl_big_add(&left, &factor);
    for (left = fl_big_add(&left, &left); bits <= FL_RLWE_MESSAGE_BITS; bits++) {
        left = fl_big_add(&left, &left);
        if (fl_big_compare(&left, &q) >= 0)
            break;
    }
    return bits < FL_RLWE_MESSAGE_BITS ? bits : FL_RLWE_MESSAGE_BITS;
}

bool
fl_rlwe_fits(const struct fl_rlwe_size *size, const struct fl_rlwe_lanes *lanes, unsigned lambda)
{
    return lanes->bits * lanes->slots <= room(size->sites, size->helpers, lambda);
}

/* Fill the parts for LAMBDA: 1 when it covers their coefficients, 0 when not, -1 with an error. */
static int
try_lambda(struct fl_rlwe_size *size, unsigned lambda)
{
    uint64_t most = (uint64_t)1 << (lambda - LAMBDA_BASE - N_BITS), ciphertexts = 0;
    const unsigned bits = room(size->sites, size->helpers, lambda);
    bool covered = true;

    for (size_t i = 0; i < size->count; i++) {
        struct fl_rlwe_part *part = &size->parts[i];
        part->lanes.slots = bits / part->lanes.bits;
        if (!part->lanes.slots)
            return fl_error(FL_USAGE,
                            "encryption: not one lane of %u bits fits beside the noise of %zu "
                            "sites and %zu helpers: take fewer, or lanes of fewer bits",
                            part->lanes.bits, size->sites, size->helpers);
        uint64_t capacity = fl_rlwe_capacity(&part->lanes);
        part->ciphertexts = part->coordinates / capacity + (part->coordinates % capacity > 0);
        covered = covered && part->ciphertexts <= most - ciphertexts;
        ciphertexts += covered ? part->ciphertexts : 0;
    }
    return covered;
}

int
fl_rlwe_fit(struct fl_rlwe_size *size)
{
    if (size->sites < 1 || size->sites > FL_RLWE_SITES || size->helpers < 1 ||
        size->helpers > FL_RLWE_HELPERS)
        return fl_error(FL_USAGE,
                        "encryption is for 1 to %d sites and 1 to %d helpers, not %zu and %zu",
                        FL_RLWE_SITES, FL_RLWE_HELPERS, size->sites, size->helpers);
    for (size_t i = 0; i < size->count; i++)
        if (size->parts[i].lanes.bits < LANE_LEAST || size->parts[i].lanes.bits > LANE_MOST)
            return fl_error(FL_USAGE, "encryption: lanes have %d to %d bits, not %u", LANE_LEAST,
                            LANE_MOST, size->parts[i].lanes.bits);
    size->noise = noise_of(size->sites, size->helpers);
    for (size->lambda = LAMBDA_LEAST; size->lambda <= LAMBDA_MOST; size->lambda++) {
        int done = try_lambda(size, size->lambda);
        size->smudging = (fl_u128)size->noise << size->lambda;
        if (done)
            return done < 0 ? -1 : 0;
    }
    return fl_error(FL_USAGE, "encryption: there are more coordinates than any noise covers: "
                              "encrypt fewer tensors");
}
