/*
 * sec/rlwe_size: how many lanes fit, beside the formulas in long doubles and the tables of
 * ../shared/data/privacy when it is here; the widths of the manual; where nothing fits.
 */
#include "sec/rlwe_size.h"

#include "test.h"

#include "sec/ring.h"

static struct fl_rlwe_part part;

static struct fl_rlwe_size
fit(size_t sites, size_t helpers, unsigned bits, uint64_t coordinates)
{
    struct fl_rlwe_size size = {sites, helpers, &part, 1, 0, 0, 0};

    part = (struct fl_rlwe_part){.coordinates = coordinates, .lanes = {.bits = bits}};
    CHECK(!fl_rlwe_fit(&size));
    return size;
}

/* The widths that fl-protocol(7) promises, each at the most sites, helpers and coordinates. */
static void
test_promised(void)
{
    static const struct {
        unsigned bits, slots, many; /* up to 10^6 coordinates; 10^8 */
    } want[] = {{10, 13, 12}, {16, 8, 7}, {20, 6, 6}, {24, 5, 5}, {32, 4, 3}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        fit(256, 15, want[i].bits, 1000000);
        CHECK(part.lanes.slots == want[i].slots);
        double bytes = 16.0 * FL_RING_WORDS / (double)fl_rlwe_capacity(&part.lanes);
        CHECK(bytes < 106.001 / want[i].slots / 2 * 1.0001 + 1e-9);
        CHECK(want[i].bits > 32 || bytes <= 16);
        CHECK(want[i].bits > 16 || bytes <= 7);
        fit(256, 15, want[i].bits, 100000000);
        CHECK(part.lanes.slots == want[i].many);
        fit(50, 5, want[i].bits, 100000000);
        CHECK(part.lanes.slots == want[i].slots);
    }
}

static long double
log2_of_q(void)
{
    long double sum = 0;

    for (size_t k = 0; k < FL_RING_PRIMES; k++)
        sum += log2l((long double)fl_ring_primes[k]);
    return sum;
}

/* log2 of 2 t (ct (1 + K 2^lambda) + S), and whether it is below that of q. */
static bool
fits_in_doubles(long double sites, long double helpers, unsigned t_bits, unsigned lambda,
                bool *close)
{
    long double ct = ceill(9.6L * 3.24L * sqrtl(sites * (1 + 4.0L * FL_RING_N * helpers / 3)));
    long double left = 1 + t_bits + log2l(ct * (1 + helpers * powl(2, lambda)) + sites);

    *close = fabsl(left - log2_of_q()) < 1e-9L;
    return left < log2_of_q();
}

static void
test_condition(void)
{
    static const size_t sites[] = {1, 2, 3, 10, 50, 255, 256, 1000, 2047};
    static const size_t helpers[] = {1, 2, 5, 14, 15, 16, 255};
    size_t wrong = 0, fitting = 0, tried = 0;

    for (size_t s = 0; s < sizeof sites / sizeof *sites; s++)
        for (size_t h = 0; h < sizeof helpers / sizeof *helpers; h++) {
            struct fl_rlwe_size size = fit(sites[s], helpers[h], 16, 1);
            long double ct = 9.6L * 3.24L *
                             sqrtl((long double)sites[s] *
                                   (1 + 4.0L * FL_RING_N * (long double)helpers[h] / 3));
            CHECK((long double)size.noise >= ct - 1e-6L && (long double)size.noise < ct + 1);
            CHECK(size.smudging == (fl_u128)size.noise << size.lambda);
            for (unsigned lambda = 53; lambda <= 90; lambda += 2)
                for (unsigned bits = 90; bits <= 150; bits++) { /* of t: the edge is there */
                    struct fl_rlwe_lanes lanes = {1, bits};
                    bool close,
                        want = fits_in_doubles((long double)sites[s], (long double)helpers[h], bits,
                                               lambda, &close);
                    wrong += !close && fl_rlwe_fits(&size, &lanes, lambda) != want;
                    fitting += want;
                    tried++;
                }
        }
    CHECK(wrong == 0);
    CHECK(fitting > tried / 4 && fitting < tried * 3 / 4);
}

/* lambda covers all coefficients of all parts, the next smaller one does not. */
static void
test_lambda(void)
{
    for (uint64_t coordinates = 1; coordinates < (uint64_t)1 << 40;
         coordinates = coordinates * 3 + 1) {
        struct fl_rlwe_part parts[3] = {{.coordinates = coordinates, .lanes = {.bits = 10}},
                                        {.coordinates = coordinates / 2, .lanes = {.bits = 32}},
                                        {.coordinates = 0, .lanes = {.bits = 16}}};
        struct fl_rlwe_size size = {20, 3, parts, 3, 0, 0, 0};
        CHECK(!fl_rlwe_fit(&size));
        uint64_t ciphertexts = 0;
        for (size_t i = 0; i < 3; i++) {
            uint64_t capacity = fl_rlwe_capacity(&parts[i].lanes);
            CHECK(parts[i].ciphertexts * capacity >= parts[i].coordinates);
            CHECK(parts[i].ciphertexts == 0 ||
                  (parts[i].ciphertexts - 1) * capacity < parts[i].coordinates);
            CHECK(fl_rlwe_fits(&size, &parts[i].lanes, size.lambda));
            struct fl_rlwe_lanes more = {parts[i].lanes.bits, parts[i].lanes.slots + 1};
            CHECK(!fl_rlwe_fits(&size, &more, size.lambda));
            ciphertexts += parts[i].ciphertexts;
        }
        CHECK(parts[2].ciphertexts == 0);
        CHECK(log2((double)ciphertexts * FL_RING_N) <= size.lambda - 40);
        CHECK(size.lambda == 53 || log2((double)ciphertexts * FL_RING_N) > size.lambda - 42);
    }
    fit(256, 15, 32, (uint64_t)4 * FL_RING_N * 32); /* as many as lambda 58 covers, and one more */
    CHECK(fit(256, 15, 32, (uint64_t)4 * FL_RING_N * 32).lambda == 58);
    CHECK(fit(256, 15, 32, (uint64_t)4 * FL_RING_N * 32 + 1).lambda == 59);
}

static void
test_refusals(void)
{
    static const struct {
        size_t sites, helpers;
        unsigned bits;
        uint64_t coordinates;
        const char *want;
    } bad[] = {{0, 1, 16, 1, "1 to 2047 sites"},
               {2048, 1, 16, 1, "1 to 2047 sites"},
               {1, 0, 16, 1, "1 to 255 helpers"},
               {1, 256, 16, 1, "1 to 255 helpers"},
               {1, 1, 1, 1, "2 to 62 bits"},
               {1, 1, 63, 1, "2 to 62 bits"},
               {1, 1, 0, 1, "2 to 62 bits"},
               {9, 9, 62, (uint64_t)-1, "fewer tensors"},
               {9, 9, 2, (uint64_t)-1, "fewer tensors"}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_rlwe_size size = {bad[i].sites, bad[i].helpers, &part, 1, 0, 0, 0};
        part = (struct fl_rlwe_part){.coordinates = bad[i].coordinates,
                                     .lanes = {.bits = bad[i].bits}};
        CHECK(fl_rlwe_fit(&size));
        CHECK(fl_error_status() == FL_USAGE && strstr(fl_error_text(), bad[i].want));
    }
}

/* "rlwe_packing" and "rlwe_min_q" have sigma 3.2, and say log2 of q rounded up. */
static bool
agrees(size_t sites, size_t helpers, unsigned lambda, unsigned t_bits, unsigned log2_q)
{
    struct fl_rlwe_size size = {sites, helpers, &part, 1, 0, 0, 0};
    struct fl_rlwe_lanes lanes = {2, t_bits / 2};

    if (t_bits % 2) {
        lanes.bits = t_bits % 3 ? 1 : 3;
        lanes.slots = t_bits / lanes.bits;
    }
    bool fits = fl_rlwe_fits(&size, &lanes, lambda);
    return log2_q == 212 || fits == (log2_q < 212);
}

/* The first COUNT columns, 0 where one is no number. */
static void
numbers(unsigned *x, size_t count, const char *line)
{
    for (size_t i = 0; i < count; i++) {
        char *end;
        x[i] = (unsigned)strtoul(line, &end, 10);
        line = end;
    }
}

static void
test_table_packing(void)
{
    FILE *f = fopen("../shared/data/privacy/rlwe_packing.tsv", "r");
    char line[256];
    int rows = 0;

    if (!f)
        SKIP("../shared/data/privacy is not here");
    while (fgets(line, sizeof line, f)) {
        unsigned x[6];
        numbers(x, 6, line);
        const unsigned bits = x[1], helpers = x[2], lambda = x[3], slots = x[4], log2_q = x[5];
        if (x[0] != FL_RING_N || log2_q == 0)
            continue;
        for (unsigned s = 1; s * bits <= 192; s++)
            CHECK(agrees(1000, helpers, lambda, s * bits, log2_q + s * bits - slots * bits));
        rows++;
    }
    CHECK(rows == 36);
    fclose(f);
}

static void
test_table_least_q(void)
{
    FILE *f = fopen("../shared/data/privacy/rlwe_min_q.tsv", "r");
    char line[512];
    int rows = 0;

    if (!f)
        SKIP("../shared/data/privacy is not here");
    while (fgets(line, sizeof line, f)) {
        unsigned x[5], y[2];
        numbers(x, 5, line);
        const char *average = strstr(line, "\tavg\t");
        if (x[0] != FL_RING_N || !average || x[2] > FL_RLWE_SITES || x[3] > FL_RLWE_HELPERS)
            continue;
        const unsigned bits = x[1], sites = x[2], helpers = x[3], lambda = x[4];
        char *end;
        const double ct = strtod(average + strlen("\tavg\t"), &end);
        numbers(y, 2, end);
        const unsigned log2_q = y[1];
        struct fl_rlwe_size size = fit(sites, helpers, 16, 1);
        CHECK_NEAR(log2((double)size.noise), ct + log2(3.24 / 3.2), 0.002);
        for (unsigned more = 0; lambda && bits + more <= 192; more += 2)
            CHECK(agrees(sites, helpers, lambda, bits + more, log2_q + more));
        rows++;
    }
    CHECK(rows > 20);
    fclose(f);
}

int
main(void)
{
    RUN(test_promised);
    RUN(test_condition);
    RUN(test_lambda);
    RUN(test_refusals);
    RUN(test_table_packing);
    RUN(test_table_least_q);
    return test_end();
}
