/*
 * A block is turned by a Hadamard matrix between two rows of signs, so that which sum a parameter
 * goes into depends on no secret: an index that did could be seen in the cache. A sign is a mask
 * over the sign bit.
 */
#include "sec/sketch.h"

#include <math.h>
#include <string.h>

#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "flt/values.h"
#include "os/kernel.h"

enum {
    BLOCK = FL_SKETCH_SUMS,
    SIGNS = 2 * BLOCK / 8, /* bytes of signs for a block */
    ROW = 8192,            /* parameters that one chunk of the stream covers */
    PIECE = 1 << 20,
    CHUNK = ROW / BLOCK * SIGNS
};

struct work { /* in secret memory */
    double x[BLOCK];
    unsigned char bits[CHUNK];
    uint64_t signs[BLOCK];
    size_t n;        /* parameters in X */
    uint64_t blocks; /* that were folded before */
};

/* The sign bits of BLOCK numbers: bit J of BITS is that of number J. */
static void
spread(uint64_t *signs, const unsigned char *bits)
{
    for (size_t j = 0; j < BLOCK; j++)
        signs[j] = (uint64_t)(bits[j / 8] >> j % 8 & 1) << 63;
}

static inline double
turned(double v, uint64_t sign)
{
    uint64_t u;

    memcpy(&u, &v, sizeof u);
    u ^= sign;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* X becomes H X, H[k][j] = -1 to the number of bits that k and j share. */
FL_KERNEL static void
hadamard(double *x)
{
    for (size_t half = 1; half < BLOCK; half *= 2)
        for (size_t at = 0; at < BLOCK; at += 2 * half)
            for (size_t i = at; i < at + half; i++) {
                double a = x[i], b = x[i + half];
                x[i] = a + b;
                x[i + half] = a - b;
            }
}

/* Add the block at hand, with zeros for what it lacks. */
static void
fold(struct fl_sketch *s, struct work *w, const unsigned char key[FL_SKETCH_KEY])
{
    const size_t in_row = (size_t)(w->blocks % (ROW / BLOCK));
    const unsigned char *bits = w->bits + in_row * SIGNS;

    if (!in_row)
        fl_stream_fill(w->bits, CHUNK, key, w->blocks / (ROW / BLOCK));
    memset(w->x + w->n, 0, (BLOCK - w->n) * sizeof *w->x);
    spread(w->signs, bits);
    for (size_t j = 0; j < BLOCK; j++)
        w->x[j] = turned(w->x[j], w->signs[j]);
    hadamard(w->x);
    spread(w->signs, bits + SIGNS / 2);
    for (size_t k = 0; k < BLOCK; k++)
        s->sum[k] += turned(w->x[k], w->signs[k]) * 0x1p-4; /* 1 / sqrt(BLOCK) */
    w->n = 0;
    w->blocks++;
}

/* Parameters FROM to TO - 1 of a tensor, which V shows. */
static void
add(struct fl_sketch *s, const struct fl_view *v, uint64_t from, uint64_t to, struct work *w,
    const unsigned char key[FL_SKETCH_KEY])
{
    float row[BLOCK];

    for (uint64_t done = from; done < to;) {
        size_t n = BLOCK - w->n;
        if (n > to - done)
            n = (size_t)(to - done);
        const float *x = fl_view_f32(v, done, n, row);
        for (size_t i = 0; i < n; i++)
            w->x[w->n + i] = (double)x[i];
        w->n += n;
        done += n;
        if (w->n == BLOCK)
            fold(s, w, key);
    }
}

/* Tensor I, of which a piece at a time is in memory. */
static int
add_tensor(struct fl_sketch *s, struct fl_object *model, size_t i, struct work *w,
           const unsigned char key[FL_SKETCH_KEY])
{
    const uint64_t count = fl_dtype_count(fl_object_tensor(model, i)->dtype,
                                          fl_object_bytes(model, i));
    struct fl_view v = {0};
    int result = 0;

    for (uint64_t at = 0, to; !result && at < count; at = to) {
        to = count - at < PIECE ? count : at + PIECE;
        result = fl_view_values(model, i, at, to - at, &v);
        if (!result)
            add(s, &v, at, to, w, key);
    }
    fl_view_release(&v);
    return result;
}

int
fl_sketch_make(struct fl_sketch *s, struct fl_object *model, const unsigned char key[FL_SKETCH_KEY])
{
    struct work *w = fl_secret_alloc(1, sizeof *w);
    int result = w ? 0 : -1;

    memset(s, 0, sizeof *s);
    for (size_t i = 0; !result && i < fl_object_count(model); i++) {
        if (fl_schema_trains(fl_object_tensor(model, i)))
            result = add_tensor(s, model, i, w, key);
    }
    if (!result && w->n)
        fold(s, w, key);
    fl_secret_free(w);
    return result;
}

double
fl_sketch_distance(const struct fl_sketch *a, const struct fl_sketch *b)
{
    double square = 0;

    for (int i = 0; i < FL_SKETCH_SUMS; i++)
        square += (a->sum[i] - b->sum[i]) * (a->sum[i] - b->sum[i]);
    return sqrt(square);
}

double
fl_sketch_edge(const struct fl_plan *plan)
{
    double square = 0;

    for (size_t i = 0; i < plan->count; i++)
        square += (double)plan->tensors[i].elements * plan->tensors[i].rule->clip *
                  plan->tensors[i].rule->clip;
    return plan->roster.move * sqrt(square);
}
