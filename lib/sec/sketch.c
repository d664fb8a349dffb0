/* One 16-bit piece of the stream for each parameter: 8 bits choose the sum, the ninth the sign. */
#include "sec/sketch.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "flt/values.h"

enum { ROW = 8192 };

/* Bits for the parameters from AT on, a multiple of ROW; chunk AT / ROW of the stream. */
static void
fill(unsigned char bits[2 * ROW], const unsigned char key[FL_SKETCH_KEY], uint64_t at)
{
    fl_stream_fill(bits, 2 * ROW, key, at / ROW);
}

static void
add(struct fl_sketch *s, const float *x, size_t n, const unsigned char *bits)
{
    for (size_t i = 0; i < n; i++) {
        unsigned b = fl_get16(bits + 2 * i);
        double v = (double)x[i];
        s->sum[b & 255] += b & 256 ? -v : v;
    }
}

/* Parameters of one tensor; *AT counts those of all before. */
static void
add_tensor(struct fl_sketch *s, const struct fl_tensor *t, const void *data, uint64_t count,
           uint64_t *at, const unsigned char key[FL_SKETCH_KEY], unsigned char bits[2 * ROW])
{
    float row[ROW];

    for (uint64_t done = 0; done < count;) {
        size_t within = (size_t)(*at % ROW), n = ROW - within;
        if (n > count - done)
            n = (size_t)(count - done);
        if (!within || !done)
            fill(bits, key, *at - within);
        add(s, fl_values_f32(t->dtype, data, done, n, row), n, bits + 2 * within);
        done += n;
        *at += n;
    }
}

int
fl_sketch_make(struct fl_sketch *s, struct fl_object *model, const unsigned char key[FL_SKETCH_KEY])
{
    unsigned char *bits = fl_secret_alloc(2 * ROW, 1);
    uint64_t at = 0;
    int result = bits ? 0 : -1;

    memset(s, 0, sizeof *s);
    for (size_t i = 0; !result && i < fl_object_count(model); i++) {
        const struct fl_tensor *t = fl_object_tensor(model, i);
        if (!fl_schema_trains(t))
            continue;
        const void *data = fl_object_data(model, i);
        if (data)
            add_tensor(s, t, data, fl_object_bytes(model, i) / fl_dtype_size(t->dtype), &at, key,
                       bits);
        result = data ? 0 : -1;
        fl_object_forget(model, i);
    }
    fl_secret_free(bits);
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
