/*
 * Cooley and Tukey's butterflies forward, Gentleman and Sande's back, roots in bit-reversed order,
 * so that neither turns the order of its array and both read their roots one after the other. In
 * between, numbers lie in [0, 4p) and [0, 2p), and no step depends on a value (Harvey 2014). This
 * is the plain form, and the choice of one.
 */
#include "math/ntt.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "math/ntt_table.h"

uint64_t
fl_ntt_product(uint64_t a, uint64_t b, uint64_t p)
{
    return (uint64_t)((fl_u128)a * b % p);
}

struct fl_ntt_divisor
fl_ntt_divisor(uint64_t p)
{
    struct fl_ntt_divisor by = {.d = p};

    for (; !(by.d >> 63); by.shift++)
        by.d <<= 1;
    by.reciprocal = (uint64_t)(FL_U128_MAX / by.d);
    return by;
}

uint64_t
fl_ntt_power(uint64_t x, uint64_t e, uint64_t p)
{
    uint64_t y = 1;

    for (; e; e >>= 1) {
        if (e & 1)
            y = fl_ntt_product(y, x, p);
        x = fl_ntt_product(x, x, p);
    }
    return y;
}

bool
fl_ntt_has(enum fl_ntt_form form, size_t n, uint64_t p)
{
    if (form == FL_NTT_PLAIN)
        return true;
#if defined(__x86_64__) && defined(__GNUC__)
    if (n >= FL_NTT_FAST_LEAST && p >> FL_NTT_FAST_BITS == 0)
        return form == FL_NTT_AVX2
                   ? __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                   : __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
#endif
    (void)n;
    (void)p;
    return false;
}

/* The least of the primitive 2n-th roots, which are the odd powers of any; 0 when p has none. */
static uint64_t
least_root(size_t n, uint64_t p)
{
    enum { TRIES = 256 }; /* each fails half of the time where p is a prime */

    for (uint64_t x = 2; x < TRIES; x++) {
        uint64_t root = fl_ntt_power(x % p, (p - 1) / 2 / n, p);
        if (fl_ntt_power(root, n, p) != p - 1)
            continue;
        uint64_t square = fl_ntt_product(root, root, p), least = root;
        for (size_t i = 1; i < n; i++) {
            root = fl_ntt_product(root, square, p);
            least = root < least ? root : least;
        }
        return least;
    }
    return 0;
}

static size_t
reversed(size_t i, size_t n)
{
    size_t r = 0;

    for (; n > 1; n >>= 1, i >>= 1)
        r = r << 1 | (i & 1);
    return r;
}

static void
fill_table(const struct fl_ntt *ntt, uint64_t root, uint64_t *roots, uint64_t *quotients)
{
    const struct fl_ntt_divisor by = fl_ntt_divisor(ntt->p);
    uint64_t power = 1;

    for (size_t i = 0; i < ntt->n; i++) {
        size_t at = reversed(i, ntt->n);
        roots[at] = at ? power : fl_ntt_power(ntt->n, ntt->p - 2, ntt->p);
        quotients[at] = fl_ntt_quotient(roots[at], &by);
        power = fl_ntt_product(power, root, ntt->p);
    }
}

int
fl_ntt_init(struct fl_ntt *ntt, size_t n, uint64_t p)
{
    *ntt = (struct fl_ntt){.n = n, .p = p};
    if (n < 2 || n & (n - 1) || p >> FL_NTT_BITS || p < 2 || (p - 1) % n || (p - 1) / n % 2 ||
        !(ntt->root = least_root(n, p)))
        return fl_error(FL_USAGE,
                        "a transform of %zu numbers modulo %llu: the first must be a power of two "
                        "and the second a prime that is 1 modulo twice the first, below 2^%d",
                        n, (unsigned long long)p, FL_NTT_BITS);
    ntt->table = fl_alloc(1, sizeof *ntt->table);
    uint64_t *numbers = ntt->table ? fl_alloc_aligned(n, 4 * sizeof *numbers) : NULL;
    if (!numbers) {
        fl_ntt_release(ntt);
        return -1;
    }
    *ntt->table = (struct fl_ntt_table){numbers, numbers + n, numbers + 2 * n, numbers + 3 * n};
    fill_table(ntt, ntt->root, ntt->table->roots, ntt->table->quotients);
    fill_table(ntt, fl_ntt_power(ntt->root, p - 2, p), ntt->table->back_roots,
               ntt->table->back_quotients);
    for (int form = FL_NTT_PLAIN; form < FL_NTT_FORMS; form++)
        if (fl_ntt_has((enum fl_ntt_form)form, n, p))
            ntt->form = (enum fl_ntt_form)form;
    return 0;
}

void
fl_ntt_release(struct fl_ntt *ntt)
{
    if (ntt->table)
        free(ntt->table->roots);
    free(ntt->table);
    ntt->table = NULL;
}

void
fl_ntt_forward_plain(const struct fl_ntt *ntt, uint64_t *x)
{
    const struct fl_ntt_table *table = ntt->table;
    const uint64_t p = ntt->p;

    for (size_t m = 1, t = ntt->n / 2; t; m *= 2, t /= 2)
        for (size_t i = 0; i < m; i++) {
            const uint64_t w = table->roots[m + i], q = table->quotients[m + i];
            uint64_t *restrict low = x + 2 * t * i, *restrict high = low + t;
            for (size_t j = 0; j < t; j++) {
                uint64_t a = fl_ntt_less(low[j], 2 * p), b = fl_ntt_times(high[j], w, q, p);
                low[j] = a + b;
                high[j] = a - b + 2 * p;
            }
        }
    for (size_t j = 0; j < ntt->n; j++)
        x[j] = fl_ntt_less(fl_ntt_less(x[j], 2 * p), p);
}

void
fl_ntt_back_plain(const struct fl_ntt *ntt, uint64_t *x)
{
    const struct fl_ntt_table *table = ntt->table;
    const uint64_t p = ntt->p;

    for (size_t m = ntt->n / 2, t = 1; m; m /= 2, t *= 2)
        for (size_t i = 0; i < m; i++) {
            const uint64_t w = table->back_roots[m + i], q = table->back_quotients[m + i];
            uint64_t *restrict low = x + 2 * t * i, *restrict high = low + t;
            for (size_t j = 0; j < t; j++) {
                uint64_t a = low[j], b = high[j];
                low[j] = fl_ntt_less(a + b, 2 * p);
                high[j] = fl_ntt_times(a - b + 2 * p, w, q, p);
            }
        }
    const uint64_t w = table->back_roots[0], q = table->back_quotients[0];
    for (size_t j = 0; j < ntt->n; j++)
        x[j] = fl_ntt_less(fl_ntt_times(x[j], w, q, p), p);
}

void
fl_ntt_forward(const struct fl_ntt *ntt, uint64_t *x)
{
    static void (*const forms[])(const struct fl_ntt *, uint64_t *) = {fl_ntt_forward_plain,
                                                                       fl_ntt_forward_avx2,
                                                                       fl_ntt_forward_avx512};

    forms[ntt->form](ntt, x);
}

void
fl_ntt_inverse(const struct fl_ntt *ntt, uint64_t *x)
{
    static void (*const forms[])(const struct fl_ntt *, uint64_t *) = {fl_ntt_back_plain,
                                                                       fl_ntt_back_avx2,
                                                                       fl_ntt_back_avx512};

    forms[ntt->form](ntt, x);
}

void
fl_ntt_quotients(const struct fl_ntt *ntt, uint64_t *quotients, const uint64_t *b)
{
    const struct fl_ntt_divisor by = fl_ntt_divisor(ntt->p);

    for (size_t i = 0; i < ntt->n; i++)
        quotients[i] = fl_ntt_quotient(b[i], &by);
}

void
fl_ntt_multiply(const struct fl_ntt *ntt, uint64_t *out, const uint64_t *a, const uint64_t *b,
                const uint64_t *quotients)
{
    for (size_t i = 0; i < ntt->n; i++)
        out[i] = fl_ntt_less(fl_ntt_times(a[i], b[i], quotients[i], ntt->p), ntt->p);
}
