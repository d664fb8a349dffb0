/*
 * sec/rlwe: exact sums at every lane width with as many sites and helpers as the page allows, noise
 * as large as the formula says, all shares but one open nothing; opening against whole numbers, and
 * the decryptions of ../shared/data/privacy when it is here.
 */
#include "sec/rlwe.h"

#include "test.h"

#include "math/random.h"
#include "rlwe_round.h"

enum { LINE = 1 << 16 };

/*
 * What all sites' values of lane I are together: by coefficients, the most that a lane holds, the
 * least, both in turns, drawn ones, and a few ones among zeros, of which borrows run far.
 */
static int64_t
total(const struct fl_rlwe_lanes *lanes, size_t i)
{
    const int64_t most = ((int64_t)1 << (lanes->bits - 1)) - 1, least = -most - 1;
    const uint64_t drawn = fl_random_at(9, 0, i);

    switch (i / lanes->slots % 5) {
    case 0: return most;
    case 1: return least;
    case 2: return i % 2 ? most : least;
    case 3: return (int64_t)(drawn % (2 * (uint64_t)most + 2)) + least;
    default: return drawn % 3 ? 0 : -(int64_t)(drawn >> 32 & 1);
    }
}

/* Each of S sites has an S-th of it, and the first what is left. */
static void
check_sums(size_t sites, size_t helpers, unsigned bits, uint64_t coordinates)
{
    struct round r;

    begin(&r, sites, helpers, bits, coordinates);
    const size_t count = fl_rlwe_capacity(&r.part.lanes) - 5;
    for (uint64_t s = 0; s < sites; s++) {
        for (size_t i = 0; i < count; i++) {
            int64_t all = total(&r.part.lanes, i), part = all / (int64_t)sites;
            r.values[i] = s ? part : all - part * (int64_t)(sites - 1);
            r.sums[i] = all;
        }
        send(&r, s, count);
    }
    answer(&r, 0, helpers);
    fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
    CHECK(!memcmp(r.got, r.sums, count * sizeof *r.got));
    end(&r);
}

static void
test_sums(void)
{
    static const unsigned bits[] = {2, 10, 16, 20, 24, 31, 32, 33, 48, 62};

    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        check_sums(3, 2, bits[i], 1000000);
        check_sums(1, 1, bits[i], 1);
        if (!test_under_valgrind())
            check_sums(5, 15, bits[i], 100000000);
    }
}

static void
test_most_sites(void)
{
    check_sums(test_under_valgrind() ? 3 : 256, 15, 32, 1000000);
}

/*
 * Whoever lacks one helper's share opens nothing: of lanes of 10 bits one in 1024 is what it should
 * be, and the values cover their range evenly. With that share all are read.
 */
static void
test_all_but_one(void)
{
    enum { HELPERS = 5 };
    struct round r;

    begin(&r, 3, HELPERS, 10, 100000);
    const size_t count = fl_rlwe_capacity(&r.part.lanes);
    for (uint64_t s = 0; s < 3; s++) {
        for (size_t i = 0; i < count; i++) {
            r.values[i] = (int64_t)(i % 5) - 2;
            r.sums[i] += r.values[i];
        }
        send(&r, s, count);
    }
    for (size_t missing = 0; missing < HELPERS; missing++) {
        uint64_t *whole = malloc(FL_RING_RESIDUES * sizeof *whole);
        size_t histogram[1024] = {0};
        double chi = 0;
        memcpy(whole, r.c0, FL_RING_RESIDUES * sizeof *whole);
        answer(&r, 0, missing);
        answer(&r, missing + 1, HELPERS);
        uint64_t *before = malloc(FL_RING_RESIDUES * sizeof *before);
        memcpy(before, r.c0, FL_RING_RESIDUES * sizeof *before);
        fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
        double expected = (double)count / 1024;
        CHECK(fabs((double)lanes_read(&r, count) - expected) < 7 * sqrt(expected));
        for (size_t i = 0; i < count; i++)
            histogram[r.got[i] + 512]++;
        for (size_t i = 0; i < 1024; i++)
            chi += ((double)histogram[i] - expected) * ((double)histogram[i] - expected) / expected;
        CHECK(fabs(chi - 1023) < 7 * sqrt(2 * 1023));
        memcpy(r.c0, before, FL_RING_RESIDUES * sizeof *before);
        answer(&r, missing, missing + 1);
        fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
        CHECK(lanes_read(&r, count) == count);
        memcpy(r.c0, whole, FL_RING_RESIDUES * sizeof *whole);
        free(before);
        free(whole);
    }
    end(&r);
}

/* X modulo the primes as a number in -q/2 .. q/2 is E; whether all four say the same. */
static bool
is_small(const uint64_t *x, int64_t *e)
{
    bool same = true;

    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        const uint64_t p = fl_ring_primes[k], v = x[k * N];
        int64_t signed_v = v > p / 2 ? (int64_t)(v - p) : (int64_t)v;
        same = same && (k == 0 || signed_v == *e);
        *e = signed_v;
    }
    return same;
}

/* V += C1 times the secrets of all helpers, without any noise of theirs: C1 is reduced. */
static void
add_exact_shares(const struct round *r, uint64_t *v, const uint64_t *c1)
{
    uint64_t *s = calloc((size_t)3 * N, sizeof *s), *product = s + N, *quotients = product + N;
    int8_t *all = calloc(N, 1);

    joint_secret(r, all);
    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        const struct fl_ntt *ntt = &r->ring.ntt[k];
        for (size_t i = 0; i < N; i++)
            s[i] = (uint64_t)((int64_t)ntt->p + all[i]) % ntt->p;
        memcpy(product, c1 + k * N, N * sizeof *product);
        fl_ntt_forward(ntt, s);
        fl_ntt_forward(ntt, product);
        fl_ntt_quotients(ntt, quotients, s);
        fl_ntt_multiply(ntt, product, product, s, quotients);
        fl_ntt_inverse(ntt, product);
        for (size_t i = 0; i < N; i++)
            v[k * N + i] += product[i];
    }
    free(all);
    free(s);
}

/*
 * The noise of a sum of ciphertexts, which c0 + c1 s shows where all values are zero: as long as
 * sqrt(10.5 S (1 + 4 N K / 3)), which ct is 9.6 times of, in all four primes the same number.
 */
static void
check_noise(size_t sites, size_t helpers)
{
    struct round r;
    double square = 0, most = 0;

    begin(&r, sites, helpers, 32, 1000000);
    for (uint64_t s = 0; s < sites; s++)
        send(&r, s, 0);
    fl_ring_reduce(r.c1);
    add_exact_shares(&r, r.c0, r.c1);
    fl_ring_reduce(r.c0);
    bool small = true;
    for (size_t i = 0; i < N; i++) {
        int64_t e = 0;
        small = is_small(r.c0 + i, &e) && small;
        square += (double)e * (double)e;
        most = fmax(most, fabs((double)e));
    }
    CHECK(small);
    double want = 10.5 * (double)sites * (1 + 4.0 * N * (double)helpers / 3);
    CHECK_NEAR(sqrt(square / N / want), 1, 0.05);
    CHECK(most < (double)r.size.noise && most > (double)r.size.noise / 4);
    CHECK_NEAR((double)r.size.noise / (9.6 * sqrt(want)), 1, 0.001);
    end(&r);
}

static void
test_noise(void)
{
    check_noise(1, 1);
    check_noise(10, 4);
    if (!test_under_valgrind())
        check_noise(256, 15);
}

/* A share is c1 s and the numbers that were drawn, less the smudging: in every prime. */
static void
test_share(void)
{
    unsigned char seed[32], *buffer = malloc(FL_NOISE_BUFFER);
    uint64_t *exact = calloc((size_t)FL_RING_RESIDUES + 2 * N, sizeof *exact);
    uint64_t *low = exact + FL_RING_RESIDUES, *high = low + N;
    struct round r;

    begin(&r, 256, 1, 32, 1000000);
    for (size_t i = 0; i < FL_RING_RESIDUES; i++)
        r.c1[i] = r.a[FL_RING_RESIDUES - 1 - i] * 2047; /* as large as a sum may be */
    seed_of(seed, "smudge", 0);
    fl_rlwe_draw_smudging(low, high, N, &r.size, seed, 7, buffer);
    fl_rlwe_share(r.secrets[0], r.work, &r.size, seed, 7, r.c1, r.packed);
    CHECK(!fl_ring_unpack(r.c0, r.packed));
    fl_ring_reduce(r.c1);
    add_exact_shares(&r, exact, r.c1);
    size_t wrong = 0;
    for (size_t k = 0; k < FL_RING_PRIMES; k++)
        for (size_t i = 0; i < N; i++) {
            const uint64_t p = fl_ring_primes[k];
            fl_u128 drawn = (fl_u128)high[i] << 64 | low[i];
            CHECK(drawn < 2 * r.size.smudging);
            uint64_t e = (uint64_t)(drawn % p) + p - (uint64_t)(r.size.smudging % p);
            wrong += (exact[k * N + i] + e) % p != r.c0[k * N + i];
        }
    CHECK(wrong == 0);
    end(&r);
    free(exact);
    free(buffer);
}

/* ---- opening, beside whole numbers ---- */

static struct fl_big
power_of_two(unsigned bits)
{
    struct fl_big x = fl_big_of(0);

    x.word[bits / 32] = (uint32_t)1 << bits % 32;
    return x;
}

/* X modulo 2^BITS. */
static struct fl_big
low_bits(struct fl_big x, unsigned bits)
{
    for (unsigned i = bits; i < 32 * FL_BIG_WORDS; i++)
        x.word[i / 32] &= ~((uint32_t)1 << i % 32);
    return x;
}

/*
 * v with 2 t v = q O + SIGN, O odd: nothing lies nearer to a half. O = -SIGN / q modulo 2 t, the
 * inverse of q by Newton's iteration.
 */
static struct fl_big
nearest_to_half(unsigned bits, int sign)
{
    struct fl_big q = q_of_ring(), x = q, two = fl_big_of(2), one = fl_big_of(1);
    const struct fl_big all = power_of_two(bits + 1), divisor = all;

    for (int i = 0; i < 8; i++) { /* x = x (2 - q x) */
        struct fl_big product = fl_big_mul(&q, &x);
        product = low_bits(product, bits + 1);
        product = fl_big_sub(&all, &product);
        product = fl_big_add(&product, &two);
        x = fl_big_mul(&x, &product);
        x = low_bits(x, bits + 1);
    }
    if (sign > 0)
        x = fl_big_sub(&all, &x);
    x = fl_big_mul(&x, &q);
    x = sign > 0 ? fl_big_add(&x, &one) : fl_big_sub(&x, &one);
    return naive_divide(&x, &divisor, NULL);
}

static struct fl_big
drawn_number(uint64_t i, const struct fl_big *q)
{
    struct fl_big x = fl_big_of(0), rest;

    for (size_t w = 0; w < 8; w++)
        x.word[w] = (uint32_t)fl_random_at(11, w, i);
    (void)naive_divide(&x, q, &rest);
    return rest;
}

static void
test_opening(void)
{
    enum { CASES = 48, MOST = CASES * 192 };
    static const struct fl_rlwe_lanes shapes[] = {{32, 4}, {16, 8}, {10, 13}, {2, 1},
                                                  {20, 6}, {62, 2}, {62, 1},  {32, 2},
                                                  {48, 4}, {62, 3}, {2, 96},  {24, 5},
                                                  {33, 3}, {2, 64}, {2, 32},  {16, 12}};
    const struct fl_big q = q_of_ring();
    uint64_t *v = calloc(FL_RING_RESIDUES, sizeof *v);
    int64_t *got = calloc(MOST, sizeof *got);

    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const struct fl_rlwe_lanes lanes = shapes[s];
        const unsigned bits = lanes.bits * lanes.slots;
        const struct fl_big t = power_of_two(bits);
        struct fl_big m[CASES];
        for (uint64_t c = 0; c < CASES; c++) {
            struct fl_big one = fl_big_of(1), rest;
            struct fl_big x = c == 0   ? fl_big_of(0)
                              : c == 1 ? fl_big_sub(&q, &one)
                              : c <= 3 ? nearest_to_half(bits, c == 2 ? 1 : -1)
                                       : drawn_number(c, &q);
            m[c] = naive_open(&x, &t, &q);
            for (size_t k = 0; k < FL_RING_PRIMES; k++) {
                struct fl_big p = fl_big_of(fl_ring_primes[k]);
                (void)naive_divide(&x, &p, &rest);
                v[k * N + c] = rest.word[0] + ((uint64_t)rest.word[1] << 32) +
                               (c % 2 ? fl_ring_primes[k] * (c * 40) : 0); /* a sum */
            }
        }
        fl_rlwe_open(&lanes, v, got, (size_t)CASES * lanes.slots);
        for (size_t c = 0; c < CASES; c++) { /* m from its lanes again */
            struct fl_big sum = t, lane;
            for (size_t j = lanes.slots; j-- > 0;) {
                int64_t x = got[c * lanes.slots + j];
                lane = fl_big_of((fl_u128)(x < 0 ? -x : x));
                lane = low_bits(lane, 64);
                struct fl_big shift = power_of_two(lanes.bits * (unsigned)j);
                lane = fl_big_mul(&lane, &shift);
                sum = x < 0 ? naive_sub(&sum, &lane, &t) : naive_add(&sum, &lane, &t);
                CHECK(x >= -((int64_t)1 << (lanes.bits - 1)) && x < (int64_t)1 << (lanes.bits - 1));
            }
            sum = low_bits(sum, bits);
            CHECK(fl_big_compare(&sum, &m[c]) == 0);
        }
    }
    free(got);
    free(v);
}

/* A column of numbers with commas between them, to OUT; "|" begins another row of N. */
static void
numbers(struct fl_big *out, const char *text)
{
    for (; *text >= '0' && *text <= '9';
         text += strspn(text, "0123456789"), text += *text == ',' || *text == '|')
        *out++ = naive_decimal(text);
}

/* The twin, by the secrets and by the shares, beside decryptions that others computed. */
static void
test_table_decryptions(void)
{
    FILE *f = fopen("../shared/data/privacy/rlwe_bfv_decrypt.tsv", "r");
    char *line = malloc(LINE);
    int rows = 0;

    while (f && fgets(line, LINE, f)) {
        struct fl_big c0[64], c1[64], m[64], part[5 * 64], v[64], product[64];
        char *column[10] = {strtok(line, "\t")};
        if (*line < '0' || *line > '9')
            continue;
        for (size_t i = 1; i < 10; i++)
            column[i] = strtok(NULL, "\t");
        const size_t n = strtoull(column[0], NULL, 10), parties = strtoull(column[3], NULL, 10);
        const struct fl_big q = naive_decimal(column[1]), t = naive_decimal(column[2]);
        numbers(c0, column[5]);
        numbers(c1, column[6]);
        numbers(part, column[8]);
        numbers(m, column[9]);
        for (int by_shares = 0; by_shares < 2; by_shares++) {
            char *secret = column[7];
            memcpy(v, c0, sizeof v);
            for (size_t h = 0; h < parties; h++) {
                int8_t s[64];
                for (size_t i = 0; i < n; i++, secret += *secret == ',' || *secret == '|')
                    s[i] = (int8_t)strtol(secret, &secret, 10);
                naive_times_ternary(product, c1, s, n, &q);
                for (size_t i = 0; i < n; i++)
                    v[i] = naive_add(&v[i], by_shares ? &part[h * n + i] : &product[i], &q);
                secret = by_shares ? column[7] : secret;
            }
            for (size_t i = 0; i < n; i++) {
                struct fl_big got = naive_open(&v[i], &t, &q);
                CHECK(fl_big_compare(&got, &m[i]) == 0);
            }
        }
        rows++;
    }
    free(line);
    if (!f)
        SKIP("../shared/data/privacy is not here");
    CHECK(rows == 6);
    fclose(f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_sums);
    RUN(test_most_sites);
    RUN(test_all_but_one);
    RUN(test_noise);
    RUN(test_share);
    RUN(test_opening);
    RUN(test_table_decryptions);
    return test_end();
}
