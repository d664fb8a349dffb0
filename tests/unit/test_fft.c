/* fl_fft against the sum that defines it, and against its own inverse. */
#include "math/fft.h"

#include "test.h"

#include "math/random.h"

static double
value(size_t i)
{
    return (double)(int64_t)fl_random_at(5, 0, i) * 0x1p-63;
}

static void
fill(double *z, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++)
        z[i] = value(i);
}

static void
test_definition(void)
{
    for (size_t n = 2; n <= 512; n *= 2) {
        struct fl_fft fft;
        double z[1024], worst = 0;

        fill(z, n);
        CHECK(!fl_fft_init(&fft, n));
        fl_fft_forward(&fft, z);
        for (size_t k = 0; k < n; k++) {
            long double re = 0, im = 0;
            for (size_t j = 0; j < n; j++) {
                long double angle = -2 * acosl(-1) * (long double)(j * k % n) / (long double)n;
                re += value(2 * j) * cosl(angle) - value(2 * j + 1) * sinl(angle);
                im += value(2 * j) * sinl(angle) + value(2 * j + 1) * cosl(angle);
            }
            worst = fmax(worst, (double)hypotl(z[2 * k] - re, z[2 * k + 1] - im));
        }
        CHECK(worst < 1e-14 * sqrt((double)n));
        fl_fft_release(&fft);
    }
}

/* The bound of the declaration, which the accountant relies on. */
static void
test_inverse(void)
{
    for (size_t n = 1024; n <= (size_t)1 << 18; n *= 2) {
        struct fl_fft fft;
        double *z = malloc(2 * n * sizeof *z), error = 0, norm = 0;

        fill(z, n);
        CHECK(!fl_fft_init(&fft, n));
        fl_fft_forward(&fft, z);
        fl_fft_inverse(&fft, z);
        for (size_t i = 0; i < 2 * n; i++) {
            error += (z[i] - value(i)) * (z[i] - value(i));
            norm += value(i) * value(i);
        }
        CHECK(sqrt(error / norm) < 2 * 4 * 0x1p-53 * log2((double)n));
        fl_fft_release(&fft);
        free(z);
    }
}

int
main(void)
{
    RUN(test_definition);
    RUN(test_inverse);
    return test_end();
}
