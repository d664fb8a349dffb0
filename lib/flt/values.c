/*
 * A float is printed with the fewest digits that read back to the same value, from the DIG of its
 * type up to its DECIMAL_DIG, which is always enough. Payloads of f32 are used where they lie,
 * which takes a little-endian machine.
 */
#include "flt/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/least.h"
#include "math/half.h"
#include "math/q8.h"
#include "math/vector.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "payloads of f32 are used as they lie in the stream: this needs a little-endian machine"
#endif

enum { ROW = 4096 };

static float
get_f32(const unsigned char *p)
{
    uint32_t bits = fl_get32(p);
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

double
fl_value(enum fl_dtype dtype, const void *data, uint64_t i)
{
    const unsigned char *p = (const unsigned char *)data + fl_dtype_bytes(dtype, i);
    float half;

    switch (dtype) {
    case FL_F64: return fl_get_f64(p);
    case FL_F32: return (double)get_f32(p);
    case FL_F16: fl_f16_to_f32(&half, p, 1); return (double)half;
    case FL_BF16: fl_bf16_to_f32(&half, p, 1); return (double)half;
    case FL_I64: return (double)(int64_t)fl_get64(p);
    case FL_I32: return (int32_t)fl_get32(p);
    case FL_I16: return (int16_t)fl_get16(p);
    case FL_I8: return (int8_t)*p;
    case FL_U64: return (double)fl_get64(p);
    case FL_U32: return fl_get32(p);
    case FL_U16: return fl_get16(p);
    case FL_U8: return *p;
    case FL_Q8_0: fl_q8_to_f32(&half, p, i % FL_Q8_VALUES, 1); return (double)half;
    }
    return NAN;
}

const float *
fl_values_f32(enum fl_dtype dtype, const void *data, uint64_t at, size_t n, float *row)
{
    const unsigned char *p = (const unsigned char *)data + fl_dtype_bytes(dtype, at);

    if (dtype == FL_F32)
        return (const float *)(const void *)p;
    if (dtype == FL_F16)
        fl_f16_to_f32(row, p, n);
    else if (dtype == FL_Q8_0)
        fl_q8_to_f32(row, p, at % FL_Q8_VALUES, n);
    else
        fl_bf16_to_f32(row, p, n);
    return row;
}

static enum fl_dtype
dtype_of(const struct fl_view *v)
{
    return fl_object_tensor(v->o, v->tensor)->dtype;
}

const float *
fl_view_f32(const struct fl_view *v, uint64_t at, size_t n, float *row)
{
    const enum fl_dtype dtype = dtype_of(v);

    return fl_values_f32(dtype, v->data, at - fl_dtype_count(dtype, v->from), n, row);
}

double
fl_view_value(const struct fl_view *v, uint64_t at)
{
    const enum fl_dtype dtype = dtype_of(v);

    return fl_value(dtype, v->data, at - fl_dtype_count(dtype, v->from));
}

int
fl_view_values(struct fl_object *o, size_t i, uint64_t at, uint64_t n, struct fl_view *v)
{
    const enum fl_dtype dtype = fl_object_tensor(o, i)->dtype;
    const uint64_t block = fl_dtype_block(dtype), end = (at + n + block - 1) / block * block;

    return fl_object_view(o, i, fl_dtype_bytes(dtype, at), fl_dtype_bytes(dtype, end), v);
}

void
fl_values_from_f32(enum fl_dtype dtype, void *out, const float *values, size_t n)
{
    if (dtype == FL_F32)
        memcpy(out, values, n * sizeof *values);
    else if (dtype == FL_F16)
        fl_f32_to_f16(out, values, n);
    else if (dtype == FL_Q8_0)
        fl_f32_to_q8(out, values, n);
    else
        fl_f32_to_bf16(out, values, n);
}

uint64_t
fl_values_finite(enum fl_dtype dtype, const void *data, uint64_t count)
{
    float row[ROW];

    for (uint64_t at = 0; at < count; at += ROW) {
        size_t n = fl_piece(count - at, ROW);
        size_t bad = fl_vec_finite(fl_values_f32(dtype, data, at, n, row), n);
        if (bad < n)
            return at + bad;
    }
    return count;
}

const char *
fl_value_text(enum fl_dtype dtype, const void *data, uint64_t i, char *text, size_t size)
{
    static const struct {
        int least, most; /* digits: most are always enough, fewer often are */
    } digits[] = {[FL_F64] = {15, 17},
                  [FL_F32] = {6, 9},
                  [FL_F16] = {5, 5},
                  [FL_BF16] = {4, 4},
                  [FL_Q8_0] = {6, 9}};
    const unsigned char *p = (const unsigned char *)data + fl_dtype_bytes(dtype, i);
    double v = fl_value(dtype, data, i);

    if (dtype == FL_U64)
        snprintf(text, size, "%llu", (unsigned long long)fl_get64(p));
    else if (dtype == FL_I64)
        snprintf(text, size, "%lld", (long long)fl_get64(p));
    else if (dtype > FL_BF16 && dtype != FL_Q8_0)
        snprintf(text, size, "%.0f", v);
    else if (isnan(v))
        snprintf(text, size, "nan"); /* some C libraries print its sign */
    else
        for (int n = digits[dtype].least; n <= digits[dtype].most; n++) {
            snprintf(text, size, "%.*g", n, v);
            double back = strtod(text, NULL);
            if (dtype == FL_F32 || dtype == FL_Q8_0 ? (float)back == (float)v : back == v)
                break;
        }
    return text;
}

void
fl_stats_add(struct fl_stats *stats, enum fl_dtype dtype, const void *data, uint64_t count)
{
    uint64_t finite = stats->count - stats->odd;

    for (uint64_t i = 0; i < count; i++) {
        double v = fl_value(dtype, data, i);
        if (!isfinite(v))
            continue;
        if (!finite || v < stats->min)
            stats->min = v;
        if (!finite || v > stats->max)
            stats->max = v;
        stats->sum += v;
        stats->squares += v * v;
        finite++;
    }
    stats->count += count;
    stats->odd = stats->count - finite;
    if (!finite)
        stats->min = stats->max = NAN;
    stats->mean = stats->sum / (double)finite; /* NaN when there are none */
    stats->rms = sqrt(stats->squares / (double)finite);
}

void
fl_index(const struct fl_tensor *t, uint64_t i, uint64_t at[FL_FLT_RANK_MAX])
{
    for (unsigned k = t->rank; k-- > 0; i /= t->dims[k])
        at[k] = i % t->dims[k];
}

const char *
fl_meta_type_name(enum fl_meta_type type)
{
    static const char *const names[] = {[FL_META_I64] = "i64",
                                        [FL_META_F64] = "f64",
                                        [FL_META_TEXT] = "text",
                                        [FL_META_BYTES] = "bytes",
                                        [FL_META_I64_LIST] = "i64 list",
                                        [FL_META_F64_LIST] = "f64 list",
                                        [FL_META_TEXT_LIST] = "text list"};

    return type >= FL_META_I64 && type <= FL_META_TEXT_LIST ? names[type] : "?";
}
