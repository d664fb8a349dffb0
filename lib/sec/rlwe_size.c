/*
 * The condition is compared as whole numbers of 640 bits; the root in ct is the least whole number
 * whose square is large enough.
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

/* 2^bits, for up to 256 bits. */
static struct fl_big
power_of_two(unsigned bits)
{
    struct fl_big x = fl_big_of(1), part;

    for (; bits; bits -= bits < 64 ? bits : 64) {
        part = fl_big_of((fl_u128)1 << (bits < 64 ? bits : 64));
        x = fl_big_mul(&x, &part);
    }
    return x;
}

bool
fl_rlwe_fits(const struct fl_rlwe_size *size, const struct fl_rlwe_lanes *lanes, unsigned lambda)
{
    struct fl_big q = fl_big_of(1), left, factor;

    if (lanes->bits * lanes->slots > FL_RLWE_MESSAGE_BITS)
        return false;
    for (size_t i = 0; i < FL_RING_PRIMES; i++) {
        factor = fl_big_of(fl_ring_primes[i]);
        q = fl_big_mul(&q, &factor);
    }
    left = power_of_two(lambda);
    factor = fl_big_of((fl_u128)noise_of(size->sites, size->helpers) * size->helpers);
    left = fl_big_mul(&left, &factor);
    factor = fl_big_of((fl_u128)noise_of(size->sites, size->helpers) + size->sites);
    left = fl_big_add(&left, &factor);
    factor = power_of_two(lanes->bits * lanes->slots + 1);
    left = fl_big_mul(&left, &factor);
    return fl_big_compare(&left, &q) < 0;
}

/* Fill the parts for LAMBDA: 1 when it covers their coefficients, 0 when not, -1 with an error. */
static int
try_lambda(struct fl_rlwe_size *size, unsigned lambda)
{
    uint64_t most = (uint64_t)1 << (lambda - LAMBDA_BASE - N_BITS), ciphertexts = 0;
    bool covered = true;

    for (size_t i = 0; i < size->count; i++) {
        struct fl_rlwe_part *part = &size->parts[i];
        part->lanes.slots = FL_RLWE_MESSAGE_BITS / part->lanes.bits;
        while (part->lanes.slots && !fl_rlwe_fits(size, &part->lanes, lambda))
            part->lanes.slots--;
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
