/*
 * math/ntt: every form against products by the schoolbook, at the edges of its lazy bounds too;
 * roots and products of ../shared/data/privacy when it is here.
 */
#include "math/ntt.h"

#include "test.h"

#include "../naive/rlwe.h"
#include "math/ntt_table.h"
#include "math/random.h"

enum { N = 8192, LINE = 1 << 16 };

static const uint64_t primes[] = {9007199254429697, 9007199254364161,    9007199254331393,
                                  9007199253921793, 1152921504606830593, 133857281,
                                  1125899906826241, 4503599627124737};

/* What is transformed: drawn, and what carries furthest. */
enum fill { DRAWN, MOST, ALTERNATE, ZERO, ONE, LAST, FILLS };

static void
fill(uint64_t *x, size_t n, uint64_t p, enum fill kind, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = kind == DRAWN       ? fl_random_at(seed, 0, i) % p
               : kind == MOST      ? p - 1
               : kind == ALTERNATE ? (i % 2 ? p - 1 : 0)
               : kind == ONE       ? i == 0
               : kind == LAST      ? (i == n - 1) * (p - 1)
                                   : 0;
}

static void
multiply(const struct fl_ntt *ntt, uint64_t *out, const uint64_t *a, const uint64_t *b)
{
    uint64_t *x = calloc(3 * ntt->n, sizeof *x), *y = x + ntt->n, *quotients = y + ntt->n;

    memcpy(x, a, ntt->n * sizeof *x);
    memcpy(y, b, ntt->n * sizeof *x);
    fl_ntt_forward(ntt, x);
    fl_ntt_forward(ntt, y);
    fl_ntt_quotients(ntt, quotients, y);
    fl_ntt_multiply(ntt, out, x, y, quotients);
    fl_ntt_inverse(ntt, out);
    free(x);
}

static void
test_schoolbook(void)
{
    for (size_t k = 0; k < sizeof primes / sizeof *primes; k++)
        for (size_t n = 2; n <= 512; n *= 2) {
            uint64_t a[512], b[512], want[512], got[512];
            struct fl_ntt ntt;

            CHECK(!fl_ntt_init(&ntt, n, primes[k]));
            for (int i = 0; i < FILLS * FILLS; i++) {
                fill(a, n, primes[k], (enum fill)(i / FILLS), 1);
                fill(b, n, primes[k], (enum fill)(i % FILLS), 2);
                naive_negacyclic(want, a, b, n, primes[k]);
                for (int form = 0; form < FL_NTT_FORMS; form++)
                    if (fl_ntt_has((enum fl_ntt_form)form, n, primes[k])) {
                        ntt.form = (enum fl_ntt_form)form;
                        multiply(&ntt, got, a, b);
                        CHECK(!memcmp(got, want, n * sizeof *got));
                    }
            }
            fl_ntt_release(&ntt);
        }
}

/* At the size that is used; the schoolbook for one pair, a few coefficients of it for the others.
 */
static void
test_whole(void)
{
    uint64_t *a = calloc((size_t)4 * N, sizeof *a), *b = a + N, *want = b + N, *got = want + N;
    struct fl_ntt ntt;

    CHECK(!fl_ntt_init(&ntt, N, primes[0]));
    for (int kind = DRAWN; kind <= MOST; kind++) {
        if (kind != DRAWN && test_under_valgrind())
            continue;
        fill(a, N, ntt.p, (enum fill)kind, 3);
        fill(b, N, ntt.p, (enum fill)kind, 4);
        naive_negacyclic(want, a, b, N, ntt.p);
        multiply(&ntt, got, a, b);
        CHECK(!memcmp(got, want, N * sizeof *got));
    }
    fl_ntt_release(&ntt);
    free(a);
}

/* Transforms themselves are the same in all forms, lie below p, and are undone. */
static void
test_forms(void)
{
    uint64_t *x = calloc((size_t)3 * N, sizeof *x), *y = x + N, *z = y + N;

    for (size_t k = 0; k < sizeof primes / sizeof *primes; k++)
        for (size_t n = 16; n <= N; n *= 2) {
            struct fl_ntt ntt;
            CHECK(!fl_ntt_init(&ntt, n, primes[k]));
            for (int kind = 0; kind < FILLS; kind++)
                for (int form = 0; form < FL_NTT_FORMS; form++) {
                    if (!fl_ntt_has((enum fl_ntt_form)form, n, primes[k]))
                        continue;
                    ntt.form = (enum fl_ntt_form)form;
                    fill(x, n, primes[k], (enum fill)kind, 5);
                    memcpy(z, x, n * sizeof *z);
                    fl_ntt_forward(&ntt, z);
                    if (form == FL_NTT_PLAIN)
                        memcpy(y, z, n * sizeof *z);
                    CHECK(!memcmp(y, z, n * sizeof *z));
                    uint64_t most = 0;
                    for (size_t i = 0; i < n; i++)
                        most = z[i] > most ? z[i] : most;
                    CHECK(most < primes[k]);
                    fl_ntt_inverse(&ntt, z);
                    CHECK(!memcmp(x, z, n * sizeof *z));
                    fl_ntt_inverse(&ntt, x); /* of what is no transform of ours */
                    fl_ntt_forward(&ntt, x);
                    CHECK(!memcmp(x, z, n * sizeof *z));
                }
            fl_ntt_release(&ntt);
        }
    free(x);
}

static void
test_quotients(void)
{
    for (size_t k = 0; k < sizeof primes / sizeof *primes; k++) {
        const uint64_t p = primes[k];
        const struct fl_ntt_divisor by = fl_ntt_divisor(p);
        for (uint64_t i = 0; i < 3000; i++) {
            uint64_t w = i < 1000 ? i : i < 2000 ? p - 1 - (i - 1000) : fl_random_at(6, 0, i) % p;
            CHECK(fl_ntt_quotient(w, &by) == (uint64_t)(((fl_u128)w << 64) / p));
            uint64_t a = ~fl_random_at(7, 0, i) >> i % 64;
            uint64_t r = fl_ntt_times(a, w, fl_ntt_quotient(w, &by), p);
            CHECK(r < 2 * p && r % p == (uint64_t)((fl_u128)a * w % p));
        }
    }
}

static void
test_refusals(void)
{
    static const struct {
        size_t n;
        uint64_t p;
    } bad[] = {{0, 17},
               {1, 17},
               {3, 19},
               {16, 17},                          /* 17 is 1 modulo 16, not 32 */
               {4, 12},                           /* not odd */
               {8, 33},                           /* 1 modulo 16 and 32, no prime, no root */
               {64, (uint64_t)1 << 61 | 128 | 1}, /* too large */
               {4096, 1},
               {4096, 0}};
    struct fl_ntt ntt;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(fl_ntt_init(&ntt, bad[i].n, bad[i].p));
        CHECK(strstr(fl_error_text(), "a power of two"));
    }
}

static FILE *
table(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "../shared/data/privacy/%s.tsv", name);
    return fopen(path, "r");
}

/* Numbers with commas between them, to OUT. */
static void
numbers(uint64_t *out, const char *text)
{
    for (char *end; *text >= '0' && *text <= '9'; text = *end == ',' ? end + 1 : end)
        *out++ = strtoull(text, &end, 10);
}

static void
test_table_primes(void)
{
    FILE *f = table("rlwe_ntt_primes");
    char line[256];
    int rows = 0;

    if (!f)
        SKIP("../shared/data/privacy is not here");
    while (fgets(line, sizeof line, f)) {
        unsigned long long column[4] = {0}; /* n, bits, p, root */
        char *at = line;
        struct fl_ntt ntt;
        if (*line < '0' || *line > '9')
            continue;
        for (size_t i = 0; i < 4; i++)
            column[i] = strtoull(at, &at, 10);
        CHECK(!fl_ntt_init(&ntt, column[0], column[2]));
        CHECK(ntt.root == column[3]);
        fl_ntt_release(&ntt);
        rows++;
    }
    CHECK(rows == 54);
    fclose(f);
}

static void
test_table_products(void)
{
    FILE *f = table("rlwe_negacyclic");
    char *line = malloc(LINE);
    int rows = 0;

    if (!f) {
        free(line);
        SKIP("../shared/data/privacy is not here");
    }
    while (fgets(line, LINE, f)) {
        uint64_t part[3][256], got[256];
        char *column[5] = {strtok(line, "\t")};
        struct fl_ntt ntt;
        if (*line < '0' || *line > '9')
            continue;
        for (size_t i = 1; i < 5; i++)
            column[i] = strtok(NULL, "\t");
        for (size_t i = 0; i < 3; i++)
            numbers(part[i], column[2 + i]);
        CHECK(!fl_ntt_init(&ntt, strtoull(column[0], NULL, 10), strtoull(column[1], NULL, 10)));
        for (int form = 0; form < FL_NTT_FORMS; form++)
            if (fl_ntt_has((enum fl_ntt_form)form, ntt.n, ntt.p)) {
                ntt.form = (enum fl_ntt_form)form;
                multiply(&ntt, got, part[0], part[1]);
                CHECK(!memcmp(got, part[2], ntt.n * sizeof *got));
            }
        naive_negacyclic(got, part[0], part[1], ntt.n, ntt.p);
        CHECK(!memcmp(got, part[2], ntt.n * sizeof *got));
        fl_ntt_release(&ntt);
        rows++;
    }
    CHECK(rows == 18);
    free(line);
    fclose(f);
}

int
main(void)
{
    RUN(test_schoolbook);
    RUN(test_whole);
    RUN(test_forms);
    RUN(test_quotients);
    RUN(test_refusals);
    RUN(test_table_primes);
    RUN(test_table_products);
    return test_end();
}
