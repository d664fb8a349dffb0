/*
 * Bounds and noise of sites: against rationals of another language, at the edges, and against what
 * they are for: no update that was clipped and rounded is longer, no sum wraps.
 */
#include "priv/bound.h"

#include "test.h"

#include "math/random.h"
#include "u128.h"

/* By Python's fractions. */
static const struct {
    const char *clip;
    double scale;
    uint64_t D;
    const char *B2, *multiplier;
    uint64_t sigma;
} table[] = {
    {"0.5", 1024, 1, "262656", "1", 513},
    {"0.5", 1024, 1000000, "513156", "1", 717},
    {"0.02", 4194304, 1000000, "7037208803", "1", 83889},
    {"1e-3", 16, 100, "30", "0.3", 2},
    {"3", 1, 7, "15", "0.5", 2},
    {"0.123456789012345", 1073741824, 1000000000, "17572344291344206", "1.1", 145816792},
    {"100", 1048576, 3145733, "10995116383404920", "2.25", 235929602},
    {"0.25", 256, 3236167680, "809074523", "10", 284443},
    {"0.1", 0.125, 10000, "2550", "1", 51},
    {"7.5", 64, 999983, "481375", "0.001", 1},
};

static void
test_table(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fl_decimal clip, z;
        char text[40];
        CHECK(!fl_decimal_parse(table[i].clip, &clip));
        CHECK(!fl_decimal_parse(table[i].multiplier, &z));
        fl_u128 B2 = fl_bound_square(&clip, table[i].scale, table[i].D);
        CHECK_TEXT(u128_text(B2, text), table[i].B2);
        CHECK(fl_bound_sigma(&z, B2) == table[i].sigma);
    }
}

static void
test_decimals(void)
{
    static const struct {
        const char *text;
        uint64_t mantissa;
        unsigned places;
    } good[] = {{"0.5", 5, 1},
                {"1", 1, 0},
                {"1e-3", 1, 3},
                {"2.50", 25, 1},
                {"120", 120, 0},
                {"1.5e2", 150, 0},
                {"100e-2", 1, 0},
                {"0.1", 1, 1},
                {"1E+2", 100, 0},
                {".5", 5, 1},
                {"5.", 5, 0},
                {"0.000001", 1, 6},
                {"999999999999999", 999999999999999, 0}};
    static const char *const bad[] = {"",
                                      "0",
                                      "0.0",
                                      "-1",
                                      "+1",
                                      "1e",
                                      "1e-",
                                      "e5",
                                      "1..2",
                                      "0x1",
                                      " 1",
                                      "1 ",
                                      "nan",
                                      "inf",
                                      "1e16",
                                      "1e-16",
                                      "1e99999999999",
                                      "1234567890123456",
                                      "0.1234567890123456"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct fl_decimal x = {0};
        CHECK(!fl_decimal_parse(good[i].text, &x));
        CHECK(x.mantissa == good[i].mantissa && x.places == good[i].places);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_decimal x;
        if (!fl_decimal_parse(bad[i], &x))
            printf("# \"%s\" was taken\n", bad[i]);
        CHECK(fl_decimal_parse(bad[i], &x) && fl_error_status() == FL_USAGE);
    }
}

/* The definition: sigma is the least, for any z and B2. */
static void
test_least(void)
{
    for (size_t i = 0; i < 500; i++) {
        struct fl_decimal z = {1 + fl_random_at(1, 0, i) % 5000, 3};
        fl_u128 B2 = 1 + fl_random_at(1, 1, i) % ((UINT64_C(1) << (1 + i % 50)));
        uint64_t s = fl_bound_sigma(&z, B2);
        if (s >= UINT64_C(1) << 31)
            continue;
        fl_u128 want = (fl_u128)z.mantissa * z.mantissa * B2;
        CHECK((fl_u128)s * s * 1000000 >= want);
        CHECK((fl_u128)(s - 1) * (s - 1) * 1000000 < want);
    }
    CHECK(fl_bound_sigma(&(struct fl_decimal){1, 0}, (fl_u128)2147483647 * 2147483647) ==
          2147483647);
    CHECK(fl_bound_sigma(&(struct fl_decimal){1, 0}, (fl_u128)2147483647 * 2147483647 + 1) ==
          UINT64_C(1) << 32);
    CHECK(fl_bound_sigma(&(struct fl_decimal){1, 0}, 4) == 2);
    CHECK(fl_bound_sigma(&(struct fl_decimal){1, 0}, 5) == 3);
}

/*
 * What B2 is for: a vector of length c, rounded toward zero, is never longer; rounded to nearest
 * it seldom is, and never longer than rounding can make it.
 */
static void
test_holds(void)
{
    size_t longer = 0;

    for (size_t i = 0; i < 3000; i++) {
        size_t d = 1 + (size_t)(fl_random_at(2, 0, i) % 40);
        double scale = ldexp(1, (int)(fl_random_at(2, 1, i) % 12)), v[40], norm = 0;
        struct fl_decimal clip = {1 + fl_random_at(2, 2, i) % 400, 2};
        double c = fl_decimal_f64(&clip) * scale;
        fl_u128 down = 0, near = 0, bound = fl_bound_square(&clip, scale, d);
        for (size_t k = 0; k < d; k++) {
            v[k] = (double)(int64_t)fl_random_at(3 + i, 0, k) * 0x1p-63;
            norm += v[k] * v[k];
        }
        for (size_t k = 0; k < d; k++) {
            double u = v[k] * c * (1 - 0x1p-40) / sqrt(norm);
            int64_t zero = (int64_t)u, nearest = (int64_t)rint(u);
            down = fl_bound_add(down, &zero, 1, 0);
            near = fl_bound_add(near, &nearest, 1, 0);
        }
        CHECK(down <= bound);
        longer += near > bound;
    }
    printf("# to nearest %zu of 3000 are longer\n", longer);
    CHECK(longer < 600);
}

static void
test_add(void)
{
    int64_t x[] = {3, -4, 0, INT64_MIN};

    CHECK(fl_bound_add(7, x, 2, 0) == 32);
    CHECK(fl_bound_add(7, x, 2, 3) == 7 + 25 * 64);
    CHECK(fl_bound_add(0, x, 4, 0) == ((fl_u128)1 << 126) + 25);
    CHECK(fl_bound_add(0, x, 4, 1) == FL_U128_MAX); /* 25 is lost to the top: more than any bound */
    CHECK(fl_bound_add(FL_U128_MAX, x, 1, 0) == FL_U128_MAX);
    CHECK(fl_bound_add(0, x + 2, 1, 200) == 0);
    CHECK(fl_bound_add(0, x, 1, 200) == FL_U128_MAX);
}

/* Each part holds a sum of all sites and its noise, and would not at twice the scale. */
static void
check_scales(struct fl_bound *b)
{
    CHECK(b->sigma == fl_bound_sigma(&b->multiplier, b->B2));
    for (size_t i = 0; i < b->count; i++) {
        struct fl_bound_part *p = &b->parts[i];
        double most = ldexp(1, (int)p->bits - 1) - 1;
        CHECK((double)b->n * ceil(p->clip * p->scale) + (double)p->reach <= most);
        CHECK(p->scale * ldexp(1, (int)p->shift) == b->scale);
        CHECK((uint64_t)p->sigma << p->shift >= b->sigma);
        CHECK(((uint64_t)p->sigma - 1) << p->shift < b->sigma);
        double logs = log(ldexp((double)b->d, 41));
        double T = sqrt(2 * (double)b->m * p->sigma * p->sigma * logs);
        CHECK(fabs((double)p->reach - T) <= 1.001);
    }
}

static void
test_scales(void)
{
    struct fl_bound_part parts[] = {{.bits = 32, .clip = 0.05, .d = 1000, .scale = 0x1p30},
                                    {.bits = 16, .clip = 0.2, .d = 1000000, .scale = 0x1p13}};
    struct fl_bound b =
        {.clip = {2, 2}, .multiplier = {1, 0}, .n = 10, .m = 3, .parts = parts, .count = 2};

    CHECK(!fl_bound_compute(&b)); /* r is 2^17: the finer ones pay for the steps of the others */
    check_scales(&b);
    parts[0] = (struct fl_bound_part){.bits = 20, .clip = 0.05, .d = 1000, .scale = 0x1p20};
    parts[1] = (struct fl_bound_part){.bits = 20, .clip = 0.2, .d = 1000000, .scale = 0x1p18};
    CHECK(!fl_bound_compute(&b));
    check_scales(&b);
    CHECK(b.d == 1001000 && b.sigma > 1);
    printf("# sigma %u, scales %g %g, reach %llu %llu, B/c %.4f, noise %.1f of the longest\n",
           b.sigma, parts[0].scale, parts[1].scale, (unsigned long long)parts[0].reach,
           (unsigned long long)parts[1].reach, fl_bound_price(&b), fl_bound_noise_length(&b, 10));
    CHECK(fl_bound_price(&b) > 1);
    /* 8 bits hold no noise of that size */
    parts[1] = (struct fl_bound_part){.bits = 8, .clip = 0.2, .d = 1000000, .scale = 32};
    CHECK(fl_bound_compute(&b) && fl_error_status() == FL_USAGE);
    /* a tiny multiplier: no noise to speak of */
    parts[0] = (struct fl_bound_part){.bits = 16, .clip = 1, .d = 4, .scale = 4};
    b = (struct fl_bound){.clip = {1, 0},
                          .multiplier = {1, 3},
                          .n = 3,
                          .m = 2,
                          .parts = parts,
                          .count = 1};
    CHECK(fl_bound_compute(&b) && strstr(fl_error_text(), "below 2"));
}

/* As many sites as a lane holds beside the noise keep its scale; one more halves it. */
static void
test_wrap(void)
{
    const struct fl_bound_part start = {.bits = 24, .clip = 0.05, .d = 10000, .scale = 0x1p12};
    struct fl_bound_part part = start;
    struct fl_bound b =
        {.clip = {5, 1}, .multiplier = {1, 0}, .n = 1, .m = 2, .parts = &part, .count = 1};

    CHECK(!fl_bound_compute(&b) && part.scale == start.scale);
    const uint64_t most = (1 << 23) - 1, one = (uint64_t)ceil(0.05 * 0x1p12);
    const uint64_t fit = (most - part.reach) / one;
    CHECK(part.reach > one && fit < most / one);
    for (int more = 0; more <= 1; more++) {
        part = start;
        b.n = (size_t)fit + (size_t)more;
        CHECK(!fl_bound_compute(&b) && part.scale == start.scale / (1 + more));
        check_scales(&b);
    }
}

/* The price of the page: z 1, C = clip / 10, 10^6 coordinates of 20 bits, at most 1.1. */
static void
test_price(void)
{
    struct fl_bound_part part = {.bits = 20, .clip = 0.2, .d = 1000000, .scale = 0x1p18};
    struct fl_bound b =
        {.clip = {2, 2}, .multiplier = {1, 0}, .n = 5, .m = 2, .parts = &part, .count = 1};

    CHECK(!fl_bound_compute(&b));
    check_scales(&b);
    CHECK(fl_bound_price(&b) > 1 && fl_bound_price(&b) <= 1.1);
    /* noise of the mean beside the longest update: sqrt(2 10^6) / 5 at least */
    CHECK(fl_bound_noise_length(&b, 5) >= 282.8 && fl_bound_noise_length(&b, 5) < 283 * 1.1);
}

int
main(void)
{
    RUN(test_table);
    RUN(test_decimals);
    RUN(test_least);
    RUN(test_holds);
    RUN(test_add);
    RUN(test_scales);
    RUN(test_wrap);
    RUN(test_price);
    return test_end();
}
