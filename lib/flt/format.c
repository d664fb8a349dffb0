/*
 * The codes of the stream and what they are called. The numbers are on the wire (flt(5)): an entry
 * is added and never moved.
 */
#include "flt/format.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "math/q8.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [FL_F64] = {"f64", 8},
    [FL_F32] = {"f32", 4},
    [FL_F16] = {"f16", 2},
    [FL_BF16] = {"bf16", 2},
    [FL_I64] = {"i64", 8},
    [FL_I32] = {"i32", 4},
    [FL_I16] = {"i16", 2},
    [FL_I8] = {"i8", 1},
    [FL_U64] = {"u64", 8},
    [FL_U32] = {"u32", 4},
    [FL_U16] = {"u16", 2},
    [FL_U8] = {"u8", 1},
    [FL_Q8_0] = {"q8_0", FL_Q8_BYTES},
};

static bool
known(enum fl_dtype dtype)
{
    return dtype > 0 && (size_t)dtype < sizeof dtypes / sizeof *dtypes;
}

size_t
fl_dtype_size(enum fl_dtype dtype)
{
    return known(dtype) ? dtypes[dtype].size : 0;
}

size_t
fl_dtype_block(enum fl_dtype dtype)
{
    return dtype == FL_Q8_0 ? FL_Q8_VALUES : 1;
}

uint64_t
fl_dtype_bytes(enum fl_dtype dtype, uint64_t n)
{
    return n / fl_dtype_block(dtype) * fl_dtype_size(dtype);
}

uint64_t
fl_dtype_count(enum fl_dtype dtype, uint64_t bytes)
{
    const size_t size = fl_dtype_size(dtype);

    return size ? bytes / size * fl_dtype_block(dtype) : 0;
}

const char *
fl_dtype_name(enum fl_dtype dtype)
{
    return known(dtype) ? dtypes[dtype].name : "?";
}

enum fl_dtype
fl_dtype_find(const char *name)
{
    for (enum fl_dtype d = FL_F64; d <= FL_Q8_0; d++)
        if (!strcmp(fl_dtype_name(d), name))
            return d;
    return 0;
}

bool
fl_dtype_is_float(enum fl_dtype dtype)
{
    return dtype == FL_F64 || dtype == FL_F32 || dtype == FL_F16 || dtype == FL_BF16 ||
           dtype == FL_Q8_0;
}

void
fl_tensor_hash(struct fl_hash *h, const struct fl_tensor *t)
{
    unsigned char p[8];
    size_t len = strlen(t->name);

    fl_put16(p, (uint16_t)len);
    fl_hash_add(h, p, 2);
    fl_hash_add(h, t->name, len);
    fl_put16(p, (uint16_t)t->dtype);
    p[2] = (unsigned char)t->rank;
    fl_hash_add(h, p, 3);
    for (unsigned i = 0; i < t->rank; i++) {
        fl_put64(p, t->dims[i]);
        fl_hash_add(h, p, 8);
    }
}

const char *
fl_role_name(enum fl_role role)
{
    static const char *const names[] = {"plain", "masked", "cipher"};

    return role <= FL_CIPHER ? names[role] : "?";
}

int
fl_tensor_size(const struct fl_tensor *t, uint64_t *elements, uint64_t *bytes)
{
    const size_t block = fl_dtype_block(t->dtype);
    uint64_t n = 1;

    for (unsigned i = 0; i < t->rank; i++)
        if (fl_mul_u64(n, t->dims[i], &n))
            return -1;
    *elements = n;
    if ((t->rank ? t->dims[t->rank - 1] : 1) % block)
        return fl_error(FL_FAILED,
                        "tensor \"%s\" is %s, and its rows are no whole blocks of %zu values",
                        t->name, fl_dtype_name(t->dtype), block);
    return fl_mul_u64(n / block, fl_dtype_size(t->dtype), bytes);
}

bool
fl_tensor_same_shape(const struct fl_tensor *a, const struct fl_tensor *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           !memcmp(a->dims, b->dims, a->rank * sizeof *a->dims);
}

const char *
fl_tensor_shape(const struct fl_tensor *t, char *text, size_t size)
{
    int n = snprintf(text, size, "%s[", fl_dtype_name(t->dtype));

    for (unsigned i = 0; i < t->rank && n > 0 && (size_t)n < size; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%llu", i ? "," : "",
                      (unsigned long long)t->dims[i]);
    if (n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, "]");
    return text;
}

void
fl_tensor_init(struct fl_tensor *t, const char *name, enum fl_dtype dtype, unsigned rank,
               const uint64_t *dims)
{
    memset(t, 0, sizeof *t);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->dtype = dtype;
    t->rank = rank;
    if (rank)
        memcpy(t->dims, dims, rank * sizeof *dims);
}

bool
fl_kind_is(const char *kind, const char *want)
{
    size_t n = strlen(kind);

    for (const char *w = want; *w; w += strcspn(w, "|"), w += *w == '|')
        if (strcspn(w, "|") == n && !memcmp(w, kind, n))
            return true;
    return false;
}

/* Who writes objects of a kind, or what else is taken in its place; or NULL. */
static const char *
writers(const char *kind)
{
    static const struct {
        const char *kind, *who;
    } all[] = {
        {FL_KIND_MODEL, "as fl-init, fl-import and fl-apply write it"},
        {FL_KIND_ADAPTER, "as fl-init --lora, fl-import and fl-apply write it"},
        {FL_KIND_BASE, "as fl-init, fl-import and fl-apply write them"},
        {FL_KIND_TOKENS, "as fl-harmonize -t MODEL writes it"},
        {FL_KIND_TOKENIZER, "as fl-harmonize --train-tokenizer writes it"},
        {FL_KIND_MODEL "|" FL_KIND_TOKENIZER, "or a tokenizer.json"},
        {FL_KIND_UPDATE, "as fl-train, fl-diff and fl-aggregate write it"},
        {FL_KIND_MASKED, "as fl-mask writes it"},
        {FL_KIND_CIPHER "|" FL_KIND_MASKED, "as fl-mask writes them"},
        {FL_KIND_CIPHER, "which fl-mask writes before an upload"},
        {FL_KIND_HEKEY, "as fl-keygen --he-key writes it"},
        {FL_KIND_SUM, "as fl-aggregate --partial writes it"},
        {FL_KIND_PLAN, "as fl-plan writes it"},
        {FL_KIND_OPTIMIZER, "as fl-apply --state writes it"},
        {FL_KIND_CHECKPOINT, "as fl-train --checkpoint writes it"},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].kind, kind))
            return all[i].who;
    return NULL;
}

int
fl_kind_cure(const char *want)
{
    char list[200] = "";
    size_t at = 0;
    const char *who = writers(want);

    for (const char *w = want; *w && at < sizeof list; w += strcspn(w, "|"), w += *w == '|')
        at += (size_t)snprintf(list + at, sizeof list - at, "%s\"%.*s\"", at ? " or " : "",
                               (int)strcspn(w, "|"), w);
    return who ? fl_error_cure("%s is expected, %s", list, who)
               : fl_error_cure("%s is expected", list);
}

int
fl_wrong_kind(const char *file, const char *got, const char *want)
{
    fl_error(FL_FAILED, "%s: is of kind \"%s\"", file, got);
    return fl_kind_cure(want);
}
