/*
 * What discrete noise costs beside the ChaCha20 of the bits it uses, and what accounting costs: the
 * hardest kinds of cases, both accountants, and as many of them as the reference table has.
 */
#include <time.h>

#include "bench.h"
#include "crypt/chacha.h"
#include "priv/budget.h"
#include "priv/noise.h"

enum { DRAWS = 200000, TABLE = 41, LIMIT = 4 };

static const unsigned char key[FL_STREAM_KEY] = {1};
static unsigned char buffer[FL_NOISE_BUFFER];

/* Of this thread's core: others may use the machine. */
static double
seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Seconds of DRAWS draws, many at once or one by one, and the bytes of the stream that they took. */
static double
draw(uint32_t sigma, bool many, double *bytes)
{
    struct fl_noise noise;
    int64_t sum = 0, x[1000];
    double began = seconds();

    fl_noise_start(&noise, key, sigma, buffer);
    for (int i = 0; i < DRAWS; i += 1000) {
        if (many)
            fl_noise_dgauss_fill(&noise, sigma, x, 1000);
        for (int k = 0; !many && k < 1000; k++)
            x[k] = fl_noise_dgauss(&noise, sigma);
        sum += x[i % 1000];
    }
    *bytes = (double)(noise.block - 1) * FL_NOISE_BUFFER + (double)noise.at;
    return sum == INT64_MAX ? 0 : seconds() - began;
}

static double
fill(double bytes)
{
    double began = seconds();

    for (double done = 0; done < bytes; done += FL_NOISE_BUFFER)
        fl_stream_fill(buffer, FL_NOISE_BUFFER, key, (uint64_t)(done / FL_NOISE_BUFFER));
    return seconds() - began;
}

static int
noise(void)
{
    static const uint32_t scales[] = {3, 1000, 2000000000};
    int kept = 1;

    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        double ratios[BENCH_TIMES], took[BENCH_TIMES], saved[BENCH_TIMES], bytes = 0, one = 0;
        char what[80];
        for (int i = 0; i < BENCH_TIMES; i++) {
            saved[i] = draw(scales[s], false, &one);
            took[i] = draw(scales[s], true, &bytes);
            saved[i] = took[i] / saved[i];
            ratios[i] = took[i] / fill(bytes);
        }
        snprintf(what, sizeof what, "discrete Gaussian, sigma %lu: bytes a sample",
                 (unsigned long)scales[s]);
        bench_tell(what, bytes / DRAWS, "B");
        bench_tell("  beside one by one", bytes / one, "times");
        kept &= bench_at_most("  time beside one by one", bench_median(saved, BENCH_TIMES), "times",
                              0.25);
        bench_tell("  a sample", bench_median(took, BENCH_TIMES) / DRAWS * 1e9, "ns");
        kept &= bench_at_most("  beside ChaCha20 of its bytes", bench_median(ratios, BENCH_TIMES),
                              "times", 4);
    }
    return kept;
}

/* Seconds of one case by one accountant. */
static double
account(const char *text, enum fl_accountant by)
{
    struct fl_events events = {0};
    double eps, began = seconds();

    bench_need(fl_events_parse(&events, text));
    bench_need(fl_charge_by(&events, 1e-8, by, &eps));
    fl_events_release(&events);
    return seconds() - began;
}

int
main(void)
{
    static const char *const cases[] = {
        "pgauss:q=0.1,nm=8*10000",
        "pgauss:q=0.2,nm=8*5000",
        "pgauss:q=0.01,nm=0.5*10",
        "pgauss:q=0.001,nm=1*10000",
        "dgauss:sigma=20,sens=1*1000",
        "pgauss:q=0.005,nm=0.9*400+pgauss:q=0.1,nm=3*40+pgauss:q=0.2,nm=8*400",
    };
    enum { CASES = sizeof cases / sizeof *cases };
    double rdp = 0, pld = 0;
    int kept = noise();

    for (size_t i = 0; i < CASES; i++) {
        rdp += account(cases[i], FL_ACCOUNT_RDP);
        pld += account(cases[i], FL_ACCOUNT_PLD);
    }
    bench_tell("accounting a hard case by rdp", rdp / CASES, "s");
    kept &= bench_at_most("accounting by pld, a table of 41 hard cases", pld / CASES * TABLE, "s",
                          60);
    return !kept;
}
