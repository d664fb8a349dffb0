/*
 * One table of fields serves the check, the writing and the reading: no field can be in one and not
 * in another.
 */
#include "nn/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/version.h"

struct field {
    const char *name;
    uint32_t max;
    size_t offset;
};

#define FIELD(member, limit)                                                                       \
    {                                                                                              \
#member, limit, offsetof(struct fl_config, member)                                         \
    }

static const struct field fields[] = {
    FIELD(vocab, FL_MODEL_VOCAB_MAX), FIELD(ctx, FL_CTX_MAX),     FIELD(layers, FL_LAYERS_MAX),
    FIELD(channels, FL_CHANNELS_MAX), FIELD(heads, FL_HEADS_MAX), FIELD(kv_heads, FL_HEADS_MAX),
    FIELD(head_dim, FL_HEAD_DIM_MAX), FIELD(ffn, FL_FFN_MAX),
};
enum { FIELDS = sizeof fields / sizeof *fields };

static uint32_t
get(const struct fl_config *c, const struct field *f)
{
    uint32_t v;

    memcpy(&v, (const char *)c + f->offset, sizeof v);
    return v;
}

static void
set(struct fl_config *c, const struct field *f, uint32_t v)
{
    memcpy((char *)c + f->offset, &v, sizeof v);
}

int
fl_config_check(const struct fl_config *c)
{
    for (size_t i = 0; i < FIELDS; i++) {
        uint32_t v = get(c, &fields[i]);
        if (v < 1 || v > fields[i].max)
            return fl_error(FL_USAGE, "%s: %u is out of range; 1 to %u would be right",
                            fields[i].name, (unsigned)v, (unsigned)fields[i].max);
    }
    if (c->heads % c->kv_heads)
        return fl_error(FL_USAGE,
                        "kv_heads: %u does not divide the %u heads; a divisor would be right",
                        (unsigned)c->kv_heads, (unsigned)c->heads);
    if (c->head_dim % 2)
        return fl_error(FL_USAGE, "head_dim: %u is odd; rotary positions need an even number",
                        (unsigned)c->head_dim);
    if (!(c->norm_eps > 0 && c->norm_eps <= 1))
        return fl_error(FL_USAGE,
                        "norm_eps: %g is out of range; above 0 and at most 1 would be right",
                        c->norm_eps);
    if (!(c->rope_base >= 1 && c->rope_base <= 1e12))
        return fl_error(FL_USAGE, "rope_base: %g is out of range; 1 to 1e12 would be right",
                        c->rope_base);
    if (fl_config_parameters(c) > FL_PARAMETERS_MAX)
        return fl_error(FL_USAGE,
                        "a model of %.3g parameters is too large; at most %.3g are supported",
                        (double)fl_config_parameters(c), (double)FL_PARAMETERS_MAX);
    return 0;
}

int
fl_config_to_meta(const struct fl_config *c, struct fl_meta *meta)
{
    int failed = 0;

    for (size_t i = 0; i < FIELDS; i++) {
        char key[32];
        snprintf(key, sizeof key, "arch.%s", fields[i].name);
        failed |= fl_meta_set_i64(meta, key, get(c, &fields[i]));
    }
    failed |= fl_meta_set_text(meta, "arch.family", "llama");
    failed |= fl_meta_set_text(meta, "arch.norm", "rmsnorm");
    failed |= fl_meta_set_text(meta, "arch.act", "silu");
    failed |= fl_meta_set_f64(meta, "arch.norm_eps", c->norm_eps);
    failed |= fl_meta_set_f64(meta, "arch.rope_base", c->rope_base);
    failed |= fl_meta_set_i64(meta, "arch.tied", c->tied);
    failed |= fl_meta_set_i64(meta, "arch.bias", 0);
    return failed ? -1 : 0;
}

/* What a model says that cannot be computed here comes from a newer version, or a mistaken one. */
static int
of_another_version(void)
{
    return fl_error_cure("use a newer fl than " FL_VERSION ", or another model");
}

static int
expect_text(const struct fl_meta *meta, const char *key, const char *want)
{
    const char *text;

    if (fl_meta_get_text(meta, key, &text))
        return -1;
    if (!strcmp(text, want))
        return 0;
    fl_error(FL_FAILED, "%s is \"%.64s\", and this fl computes \"%s\" only", key, text, want);
    return of_another_version();
}

static bool
is_field(const char *name)
{
    static const char *const others[] = {"family", "norm",      "act", "norm_eps",
                                         "bias",   "rope_base", "tied"};

    for (size_t i = 0; i < FIELDS; i++)
        if (!strcmp(fields[i].name, name))
            return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i], name))
            return true;
    return false;
}

/* A key that is not known would change what the model computes: it is not passed over. */
static int
check_known(const struct fl_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++) {
        const char *key = meta->items[i].key;
        if (strncmp(key, "arch.", 5) || is_field(key + 5))
            continue;
        fl_error(FL_FAILED, "%s is a feature that this fl does not compute", key);
        return of_another_version();
    }
    return 0;
}

static int
read_meta(struct fl_config *c, const struct fl_meta *meta)
{
    int64_t v;

    if (expect_text(meta, "arch.family", "llama") || expect_text(meta, "arch.norm", "rmsnorm") ||
        expect_text(meta, "arch.act", "silu") || fl_meta_get_i64(meta, "arch.bias", 0, 1, &v) ||
        check_known(meta))
        return -1;
    if (v) {
        fl_error(FL_FAILED, "arch.bias is 1, and this fl computes models without biases only");
        return of_another_version();
    }
    for (size_t i = 0; i < FIELDS; i++) {
        char key[32];
        snprintf(key, sizeof key, "arch.%s", fields[i].name);
        if (fl_meta_get_i64(meta, key, 1, fields[i].max, &v))
            return -1;
        set(c, &fields[i], (uint32_t)v);
    }
    if (fl_meta_get_f64(meta, "arch.norm_eps", &c->norm_eps) ||
        fl_meta_get_f64(meta, "arch.rope_base", &c->rope_base) ||
        fl_meta_get_i64(meta, "arch.tied", 0, 1, &v))
        return -1;
    c->tied = v == 1;
    return fl_config_check(c);
}

int
fl_config_from_meta(struct fl_config *c, const struct fl_meta *meta)
{
    if (read_meta(c, meta))
        return fl_error_as(FL_FAILED); /* not a matter of the command line */
    return 0;
}

/* Weights of one layer's matrices: q, k, v, o and gate, up, down. */
static uint64_t
layer_matrices(const struct fl_config *c)
{
    uint64_t attention = 2 * ((uint64_t)c->heads + c->kv_heads) * c->head_dim;

    return c->channels * (attention + 3 * (uint64_t)c->ffn);
}

uint64_t
fl_config_parameters(const struct fl_config *c)
{
    uint64_t embedding = (uint64_t)c->vocab * c->channels;

    return embedding * (c->tied ? 1 : 2) + c->channels +
           c->layers * (layer_matrices(c) + 2 * (uint64_t)c->channels);
}

double
fl_config_train_flops(const struct fl_config *c, uint32_t T)
{
    double head = (double)c->vocab * c->channels;
    double attention = (double)c->heads * c->head_dim * ((double)T + 1);

    return 6 * (head + c->layers * ((double)layer_matrices(c) + attention));
}
