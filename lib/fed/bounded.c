/*
 * Sums run chunk by chunk, chunks in their order, so that the factor is the same on every machine.
 * The rounding by chance depends on key, attempt and place alone: what was checked is what is sent.
 */
#include "fed/bounded.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/least.h"
#include "crypt/hash.h"
#include "crypt/secret.h"

static double
cut(const struct fl_bounded_part *p, float value)
{
    double u = value == value ? (double)value : 0;

    return u > p->clip ? p->clip : u < -p->clip ? -p->clip : u;
}

/* ARG's function for each chunk of all parts, in order. */
typedef void each_chunk(const struct fl_bounded *b, size_t i, uint64_t at, const float *values,
                        size_t n, void *sum);

static int
walk(const struct fl_bounded *b, each_chunk *each, void *sum)
{
    float values[FL_BOUNDED_CHUNK];
    int failed = 0;

    for (size_t i = 0; !failed && i < b->count; i++)
        for (uint64_t at = 0; !failed && at < b->parts[i].elements; at += FL_BOUNDED_CHUNK) {
            size_t n = fl_piece(b->parts[i].elements - at, FL_BOUNDED_CHUNK);
            failed = b->read(b->arg, i, at, n, values);
            if (!failed)
                each(b, i, at, values, n, sum);
        }
    fl_wipe(values, sizeof values);
    return failed ? -1 : 0;
}

static void
add_norm(const struct fl_bounded *b, size_t i, uint64_t at, const float *values, size_t n,
         void *sum)
{
    double chunk = 0;

    (void)at;
    for (size_t k = 0; k < n; k++) {
        double u = cut(&b->parts[i], values[k]);
        chunk += u * u;
    }
    *(double *)sum += chunk;
}

static void
add_squares(const struct fl_bounded *b, size_t i, uint64_t at, const float *values, size_t n,
            void *sum)
{
    int64_t x[FL_BOUNDED_CHUNK];

    fl_bounded_round(b, i, at, values, n, x);
    *(fl_u128 *)sum = fl_bound_add(*(fl_u128 *)sum, x, n, b->parts[i].shift);
    fl_wipe(x, sizeof x);
}

int
fl_bounded_fit(struct fl_bounded *b)
{
    double square = 0;

    if (walk(b, add_norm, &square))
        return -1;
    b->norm = sqrt(square);
    b->factor = b->norm > 0 ? fmin(1, b->clip * (1 - 0x1p-40) / b->norm) : 1;
    for (b->attempt = 0; b->attempt < FL_BOUNDED_ZEROS; b->attempt++) {
        fl_u128 sum = 0;
        if (walk(b, add_squares, &sum))
            return -1;
        if (sum <= b->B2)
            return 0;
    }
    return 0;
}

/* floor(v + U), U from the stream of this attempt and place: 2^-53 steps. Of one chunk. */
static void
by_chance_within(const unsigned char *key, size_t i, uint64_t at, const double *v, size_t n,
                 int64_t *x)
{
    unsigned char bits[8 * FL_BOUNDED_CHUNK];
    const size_t before = (size_t)(at % FL_BOUNDED_CHUNK);

    fl_stream_fill(bits, 8 * (before + n), key, (uint64_t)i << 40 | at / FL_BOUNDED_CHUNK);
    for (size_t k = 0; k < n; k++) {
        const uint64_t drawn = fl_get64(bits + 8 * (before + k)) >> 11;
        const double down = floor(v[k]);
        x[k] = (int64_t)down + ((double)drawn * 0x1p-53 < v[k] - down);
    }
    fl_wipe(bits, sizeof bits);
}

static void
by_chance(const struct fl_bounded *b, size_t i, uint64_t at, const double *v, size_t n, int64_t *x)
{
    const size_t first = fl_piece(n, (size_t)(FL_BOUNDED_CHUNK - at % FL_BOUNDED_CHUNK));
    unsigned char key[FL_HASH_BYTES];
    struct fl_hash h;

    fl_hash_init(&h, b->key, "fl1.bounded");
    fl_hash_add32(&h, b->attempt);
    fl_hash_final(&h, key);
    by_chance_within(key, i, at, v, first, x);
    if (first < n)
        by_chance_within(key, i, at + first, v + first, n - first, x + first);
    fl_wipe(key, sizeof key);
}

void
fl_bounded_round(const struct fl_bounded *b, size_t i, uint64_t at, const float *values, size_t n,
                 int64_t *x)
{
    double v[FL_BOUNDED_CHUNK];

    if (b->attempt >= FL_BOUNDED_ZEROS) {
        memset(x, 0, n * sizeof *x);
        return;
    }
    for (size_t k = 0; k < n; k++)
        v[k] = b->factor * cut(&b->parts[i], values[k]) * b->parts[i].scale;
    if (b->attempt > 0 && b->attempt <= FL_BOUNDED_TRIES)
        by_chance(b, i, at, v, n, x);
    else
        for (size_t k = 0; k < n; k++)
            x[k] = (int64_t)(b->attempt ? trunc(v[k]) : rint(v[k]));
    fl_wipe(v, sizeof v);
}
