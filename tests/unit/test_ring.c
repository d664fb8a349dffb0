/* sec/ring: the packed form bit by bit, what is refused, sums and their reduction at the edges. */
#include "sec/ring.h"

#include "test.h"

#include "../naive/chacha.h"
#include "math/ntt_table.h"
#include "math/random.h"

static uint64_t x[FL_RING_RESIDUES], y[FL_RING_RESIDUES], words[FL_RING_WORDS];

static uint64_t
prime_of(size_t i)
{
    return fl_ring_primes[i / FL_RING_N];
}

/* A drawn element, with the largest residues at some places. */
static void
draw(uint64_t seed)
{
    for (size_t i = 0; i < FL_RING_RESIDUES; i++) {
        uint64_t drawn = fl_random_at(seed, 0, i);
        x[i] = drawn % 5 ? drawn % prime_of(i) : prime_of(i) - 1 - drawn % 3;
    }
}

/* Miller and Rabin's test with the first twelve primes, which decides below 3.3 10^24. */
static bool
is_prime(uint64_t p)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    unsigned twos = 0;

    while (((p - 1) >> twos) % 2 == 0)
        twos++;
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        uint64_t power = fl_ntt_power(bases[i], (p - 1) >> twos, p);
        bool passed = power == 1 || power == p - 1;
        for (unsigned k = 1; k < twos && !passed; k++) {
            power = fl_ntt_product(power, power, p);
            passed = power == p - 1;
        }
        if (!passed)
            return false;
    }
    return true;
}

/* The largest ones that there are. */
static void
test_primes(void)
{
    size_t found = 0;

    for (uint64_t p = ((uint64_t)1 << 53) + 1 - 2 * FL_RING_N; found < FL_RING_PRIMES;
         p -= 2 * FL_RING_N)
        if (is_prime(p))
            CHECK(fl_ring_primes[found++] == p);
}

static void
test_packed(void)
{
    draw(1);
    memset(words, 0xff, sizeof words);
    fl_ring_pack(words, x);
    size_t wrong = 0;
    for (size_t bit = 0; bit < (size_t)FL_RING_WORDS * 64; bit++)
        wrong += (words[bit / 64] >> bit % 64 & 1) != (x[bit / 53] >> bit % 53 & 1);
    CHECK(wrong == 0);
    memset(y, 0xff, sizeof y);
    CHECK(!fl_ring_unpack(y, words));
    CHECK(!memcmp(x, y, sizeof x));
    memset(words, 0xff, sizeof words);
    fl_ring_pack_units(words, x + FL_RING_UNIT, 2);
    CHECK(words[2 * FL_RING_UNIT_WORDS] == ~(uint64_t)0);
    memset(y, 0, sizeof y);
    CHECK(!fl_ring_add(y + FL_RING_UNIT, words, 1, 2));
    CHECK(!memcmp(x + FL_RING_UNIT, y + FL_RING_UNIT, 2 * FL_RING_UNIT * sizeof *x));
    CHECK(y[0] == 0 && y[3 * FL_RING_UNIT] == 0);
}

/* A residue that is its prime, or 2^53 - 1, is refused at any place of any unit, and less is not.
 */
static void
test_refused(void)
{
    static const size_t units[] = {0, 1, 127, 128, 200, 255, 256, 383, 384, 511};

    for (size_t n = 0; n < sizeof units / sizeof *units * FL_RING_UNIT; n++) {
        const size_t unit = units[n / FL_RING_UNIT], i = unit * FL_RING_UNIT + n % FL_RING_UNIT;
        uint64_t sum[FL_RING_UNIT] = {0}, at[FL_RING_UNIT] = {0};
        at[i % FL_RING_UNIT] = prime_of(i) - 1;
        fl_ring_pack_units(words, at, 1);
        CHECK(!fl_ring_add(sum, words, unit + 7 * FL_RING_UNITS, 1));
        CHECK(sum[i % FL_RING_UNIT] == prime_of(i) - 1);
        for (int most = 0; most < 2; most++) {
            at[i % FL_RING_UNIT] = most ? ((uint64_t)1 << 53) - 1 : prime_of(i);
            fl_ring_pack_units(words, at, 1);
            CHECK(fl_ring_add(sum, words, unit + 7 * FL_RING_UNITS, 1));
            CHECK(fl_error_status() == FL_FAILED && strstr(fl_error_text(), "below its prime"));
        }
    }
    draw(2);
    x[FL_RING_RESIDUES - 1] = prime_of(FL_RING_RESIDUES - 1);
    fl_ring_pack(words, x);
    CHECK(fl_ring_unpack(y, words));
}

static void
test_sums(void)
{
    uint64_t *sum = calloc(FL_RING_RESIDUES, sizeof *sum);
    fl_u128 *exact = calloc(FL_RING_RESIDUES, sizeof *exact);
    size_t wrong = 0;

    for (uint64_t s = 0; s < FL_RING_SUMMANDS; s++) {
        for (size_t i = 0; i < FL_RING_RESIDUES && s < 3; i++)
            x[i] = s == 2 ? prime_of(i) - 1 : fl_random_at(s, 1, i) % prime_of(i);
        if (s < 3)
            fl_ring_pack(words, x);
        CHECK(!fl_ring_add(sum, words, 0, FL_RING_UNITS));
        for (size_t i = 0; i < FL_RING_RESIDUES; i++)
            exact[i] += x[i];
    }
    for (size_t i = 0; i < FL_RING_RESIDUES; i++)
        wrong += sum[i] != exact[i]; /* which fits */
    fl_ring_reduce(sum);
    for (size_t i = 0; i < FL_RING_RESIDUES; i++)
        wrong += sum[i] != exact[i] % prime_of(i);
    CHECK(wrong == 0);
    free(exact);
    free(sum);
}

static void
test_reduce(void)
{
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        const uint64_t p = fl_ring_primes[k];
        for (uint64_t i = 0; i < FL_RING_N; i++) {
            uint64_t multiple = p * (i % 2048);
            x[i] = i < 2048   ? multiple
                   : i < 4096 ? multiple - 1
                   : i < 6144 ? ~(uint64_t)0 - i % 2048
                              : fl_random_at(4, k, i);
            y[i] = x[i] % p;
        }
        fl_ring_reduce_prime(x, FL_RING_N, k);
        CHECK(!memcmp(x, y, FL_RING_N * sizeof *x));
    }
}

/* Y = what the stream of SEED has, prime by prime; how many numbers were drawn again. */
static size_t
uniform_twin(const unsigned char seed[32])
{
    enum { BYTES = 8 * FL_RING_N + 4096 };
    unsigned char *stream = malloc(BYTES);
    size_t again = 0;

    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        naive_stream(stream, BYTES, seed, k);
        for (size_t i = 0, at = 0; i < FL_RING_N && at < BYTES; at += 8) {
            uint64_t drawn = 0;
            for (size_t b = 0; b < 8; b++)
                drawn |= (uint64_t)stream[at + b] << 8 * b;
            drawn &= ((uint64_t)1 << 53) - 1;
            if (drawn < fl_ring_primes[k])
                y[k * FL_RING_N + i++] = drawn;
            else
                again++;
        }
    }
    free(stream);
    return again;
}

/* The second seed is one of few (1 in 340000) of which a number is not below its prime. */
static void
test_uniform(void)
{
    static const uint64_t seeds[] = {1, 310007};
    double square = 0;

    for (uint64_t i = 0; i < 2; i++) {
        unsigned char seed[32] = {0};
        for (size_t b = 0; b < 8; b++)
            seed[b] = (unsigned char)(seeds[i] >> 8 * b);
        fl_ring_uniform(x, seed);
        CHECK(uniform_twin(seed) == i);
        CHECK(!memcmp(x, y, sizeof x));
    }
    for (size_t i = 0; i < FL_RING_RESIDUES; i++)
        square += pow((double)x[i] / (double)prime_of(i) - 0.5, 2);
    CHECK_NEAR(square / FL_RING_RESIDUES * 12, 1, 0.03);
}

int
main(void)
{
    RUN(test_primes);
    RUN(test_packed);
    RUN(test_refused);
    RUN(test_sums);
    RUN(test_reduce);
    RUN(test_uniform);
    return test_end();
}
