#include "flt/check.h"

#include "base/bytes.h"
#include "test.h"

/* From Python: xxhash.xxh3_64_intdigest of bytes i * 7 + i // 256 (modulo 256), N of them. */
static void
test_reference(void)
{
    static const struct {
        size_t n;
        uint64_t want;
    } cases[] = {{0, 0x2d06800538d394c2},   {1, 0xc44bdff4074eecdb},    {3, 0xc3489259e968ad9e},
                 {4, 0xd3d60c1519014e89},   {8, 0xb88dee77f6bf6980},    {9, 0x03688dcad730d826},
                 {16, 0x9da23836adf2be1e},  {17, 0xf34c3c9cf5a112d1},   {128, 0x65f3c2c00fa93185},
                 {129, 0x28065c6ec25f5b25}, {240, 0x4917a75c0ef8eed7},  {241, 0x541b19226f0052e8},
                 {512, 0xe0410eb388a9c9fa}, {1024, 0x71bee625238addb4}, {1025, 0xd9b414f4e1bbf7ad},
                 {5000, 0xed0146266d138bd8}};
    static unsigned char data[5000];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(fl_check64(data, cases[i].n) == cases[i].want);
}

/* Every kernel that this processor has gives what the plain one gives, at any length and place. */
static void
test_kernels(void)
{
    static unsigned char data[4300];
    size_t bad = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 131 + i / 100);
    for (size_t n = 0; n <= 4200; n++) {
        size_t at = n % 67;
        uint64_t want = fl_check64_plain(data + at, n);
        bad += fl_check64(data + at, n) != want;
#if defined(__x86_64__)
        bad += __builtin_cpu_supports("avx2") && fl_check64_avx2(data + at, n) != want;
        bad += __builtin_cpu_supports("avx512f") && fl_check64_avx512(data + at, n) != want;
#endif
    }
    CHECK(bad == 0);
}

static void
test_chain(void)
{
    static unsigned char bytes[8 * 5000];
    struct fl_chain *chain = fl_chain_new();

    CHECK(fl_chain_value(chain) == fl_check64("", 0));
    for (size_t i = 0; i < 5000; i++) {
        fl_put64(bytes + 8 * i, i * 0x9e3779b97f4a7c15u);
        fl_chain_add64(chain, i * 0x9e3779b97f4a7c15u);
        if (i % 100 == 0)
            CHECK(fl_chain_value(chain) == fl_check64(bytes, 8 * (i + 1)));
    }
    fl_chain_reset(chain);
    CHECK(fl_chain_value(chain) == fl_check64("", 0));
    fl_chain_free(chain);
    fl_chain_free(NULL);
}

int
main(void)
{
    RUN(test_reference);
    RUN(test_kernels);
    RUN(test_chain);
    return test_end();
}
