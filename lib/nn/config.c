/*
 * Tables serve the check, the writing and the reading: no field can be in one and not in another.
 * Keys of switches are written only when they are used [switches], so that a plain Llama's metadata
 * is what it was before a switch existed.
 */
#include "nn/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/choice.h"
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

bool
fl_config_same(const struct fl_config *a, const struct fl_config *b)
{
    const struct fl_rope_scaling *s = &a->rope_scaling, *t = &b->rope_scaling;

    for (size_t i = 0; i < FIELDS; i++)
        if (get(a, &fields[i]) != get(b, &fields[i]))
            return false;
    return a->norm_eps == b->norm_eps && a->rope_base == b->rope_base && a->tied == b->tied &&
           a->norm == b->norm && a->act == b->act && a->positions == b->positions &&
           fl_config_rotated(a) == fl_config_rotated(b) && s->kind == t->kind &&
           s->factor == t->factor && s->low == t->low && s->high == t->high && s->ctx == t->ctx &&
           a->bias == b->bias && a->qk_norm == b->qk_norm && a->window == b->window;
}

uint32_t
fl_config_rotated(const struct fl_config *c)
{
    if (c->positions == FL_POSITIONS_LEARNED)
        return 0;
    return c->rope_dim ? c->rope_dim : c->head_dim;
}

static int
out_of_range(const char *name, double value, const char *right)
{
    return fl_error(FL_USAGE, "%s: %g is out of range; %s would be right", name, value, right);
}

static int
check_scaling(const struct fl_rope_scaling *s)
{
    if (s->kind == FL_ROPE_PLAIN && (s->factor != 0 || s->low != 0 || s->high != 0 || s->ctx))
        return fl_error(FL_USAGE, "rope_scaling: is none, and rope_factor, rope_low, rope_high and "
                                  "rope_ctx say how to scale; leave these out");
    if (s->kind == FL_ROPE_PLAIN)
        return 0;
    if (!(s->factor > 0 && s->factor <= 1e6))
        return out_of_range("rope_factor", s->factor, "above 0 and at most 1e6");
    if (s->kind == FL_ROPE_LINEAR && (s->low != 0 || s->high != 0 || s->ctx))
        return fl_error(FL_USAGE,
                        "rope_scaling: is linear, and rope_low, rope_high and rope_ctx are "
                        "llama3's; leave these out");
    if (s->kind == FL_ROPE_LINEAR)
        return 0;
    if (!(s->low > 0 && s->low <= 1e6))
        return out_of_range("rope_low", s->low, "above 0 and at most 1e6");
    if (!(s->high > s->low && s->high <= 1e6))
        return out_of_range("rope_high", s->high, "above rope_low and at most 1e6");
    if (s->ctx < 1 || s->ctx > FL_CTX_MAX)
        return out_of_range("rope_ctx", s->ctx, "1 to 1048576");
    return 0;
}

static int
check_positions(const struct fl_config *c)
{
    if (c->positions == FL_POSITIONS_LEARNED) {
        if (c->rope_dim || c->rope_base != 0 || c->rope_scaling.kind || c->rope_scaling.factor != 0)
            return fl_error(FL_USAGE, "positions: are learned, and rope_base, rope_dim and "
                                      "rope_scaling are of rotary ones; leave these out");
        return 0;
    }
    if (c->rope_dim > c->head_dim)
        return fl_error(FL_USAGE, "rope_dim: %u is more than head_dim; at most %u would be right",
                        (unsigned)c->rope_dim, (unsigned)c->head_dim);
    if (fl_config_rotated(c) % 2)
        return fl_error(FL_USAGE, "%s: %u is odd; rotary positions need an even number",
                        c->rope_dim ? "rope_dim" : "head_dim", (unsigned)fl_config_rotated(c));
    if (!(c->rope_base >= 1 && c->rope_base <= 1e12))
        return out_of_range("rope_base", c->rope_base, "1 to 1e12");
    return check_scaling(&c->rope_scaling);
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
    if (!(c->norm_eps > 0 && c->norm_eps <= 1))
        return out_of_range("norm_eps", c->norm_eps, "above 0 and at most 1");
    if (c->bias > FL_BIAS_ALL)
        return out_of_range("bias", c->bias, "0 to 7");
    if (c->window > FL_CTX_MAX)
        return out_of_range("window", c->window, "1 to 1048576");
    if (check_positions(c))
        return -1;
    if (fl_config_parameters(c) > FL_PARAMETERS_MAX)
        return fl_error(FL_USAGE,
                        "a model of %.3g parameters is too large; at most %.3g are supported",
                        (double)fl_config_parameters(c), (double)FL_PARAMETERS_MAX);
    return 0;
}

/* Word number VALUE of WORDS. */
static int
put_word(struct fl_meta *meta, const char *key, const char *words, int value)
{
    char word[32];

    return fl_meta_set_text(meta, key, fl_choice_word(words, value, word, sizeof word));
}

/* Keys of switches that are not a plain Llama's. */
static int
put_switches(const struct fl_config *c, struct fl_meta *meta)
{
    const struct fl_rope_scaling *s = &c->rope_scaling;

    if ((c->positions && put_word(meta, "arch.positions", FL_POSITIONS_WORDS, (int)c->positions)) ||
        (c->rope_dim && fl_meta_set_i64(meta, "arch.rope_dim", c->rope_dim)) ||
        (c->qk_norm && fl_meta_set_i64(meta, "arch.qk_norm", 1)) ||
        (c->window && fl_meta_set_i64(meta, "arch.window", c->window)))
        return -1;
    if (s->kind && (put_word(meta, "arch.rope_scaling", FL_ROPE_SCALING_WORDS, (int)s->kind) ||
                    fl_meta_set_f64(meta, "arch.rope_factor", s->factor)))
        return -1;
    if (s->kind == FL_ROPE_LLAMA3 && (fl_meta_set_f64(meta, "arch.rope_low", s->low) ||
                                      fl_meta_set_f64(meta, "arch.rope_high", s->high) ||
                                      fl_meta_set_i64(meta, "arch.rope_ctx", s->ctx)))
        return -1;
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
    failed |= put_word(meta, "arch.norm", FL_NORM_WORDS, (int)c->norm);
    failed |= put_word(meta, "arch.act", FL_ACT_WORDS, (int)c->act);
    failed |= fl_meta_set_f64(meta, "arch.norm_eps", c->norm_eps);
    if (c->positions == FL_POSITIONS_ROTARY)
        failed |= fl_meta_set_f64(meta, "arch.rope_base", c->rope_base);
    failed |= fl_meta_set_i64(meta, "arch.tied", c->tied);
    failed |= fl_meta_set_i64(meta, "arch.bias", c->bias);
    return failed || put_switches(c, meta) ? -1 : 0;
}

/* What a model says that cannot be computed here comes from a newer version, or a mistaken one. */
static int
of_another_version(void)
{
    return fl_error_cure("use a newer fl than " FL_VERSION ", or another model");
}

/* "a", "b" and "c" of a|b|c. */
static const char *
list_words(const char *words, char *text, size_t size)
{
    char word[32], next[32];
    size_t n = 0;

    text[0] = '\0';
    for (int i = 0; fl_choice_word(words, i, word, sizeof word) && n < size; i++) {
        bool last = !fl_choice_word(words, i + 1, next, sizeof next);
        n += (size_t)snprintf(text + n, size - n, "%s\"%s\"",
                              !i     ? ""
                              : last ? " and "
                                     : ", ",
                              word);
    }
    return text;
}

/* The place of KEY's text among WORDS. */
static int
choose(const struct fl_meta *meta, const char *key, const char *words, int *place)
{
    const char *text;
    char known[128];

    if (fl_meta_get_text(meta, key, &text))
        return -1;
    *place = fl_choice_find(words, text);
    if (*place >= 0)
        return 0;
    fl_error(FL_FAILED, "%s is \"%.64s\", and this fl computes %s only", key, text,
             list_words(words, known, sizeof known));
    return of_another_version();
}

/* The same, 0 when the key is absent. */
static int
choose_optional(const struct fl_meta *meta, const char *key, const char *words, int *place)
{
    *place = 0;
    return fl_meta_find(meta, key) ? choose(meta, key, words, place) : 0;
}

static bool
is_field(const char *name)
{
    static const char *const others[] = {"family",      "norm",      "act",       "norm_eps",
                                         "bias",        "rope_base", "tied",      "window",
                                         "positions",   "rope_dim",  "qk_norm",   "rope_scaling",
                                         "rope_factor", "rope_low",  "rope_high", "rope_ctx"};

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

/* The whole number of an optional KEY, 1 to MAX; 0 when it is absent. */
static int
get_optional(const struct fl_meta *meta, const char *key, uint32_t max, uint32_t *to)
{
    int64_t v = 0;

    if (fl_meta_find(meta, key) && fl_meta_get_i64(meta, key, 1, max, &v))
        return -1;
    *to = (uint32_t)v;
    return 0;
}

static int
read_scaling(struct fl_rope_scaling *s, const struct fl_meta *meta)
{
    int64_t ctx = 0;
    int kind;

    if (choose_optional(meta, "arch.rope_scaling", FL_ROPE_SCALING_WORDS, &kind))
        return -1;
    *s = (struct fl_rope_scaling){.kind = (enum fl_rope_kind)kind};
    if (kind != FL_ROPE_PLAIN && fl_meta_get_f64(meta, "arch.rope_factor", &s->factor))
        return -1;
    if (kind == FL_ROPE_LLAMA3 && (fl_meta_get_f64(meta, "arch.rope_low", &s->low) ||
                                   fl_meta_get_f64(meta, "arch.rope_high", &s->high) ||
                                   fl_meta_get_i64(meta, "arch.rope_ctx", 1, FL_CTX_MAX, &ctx)))
        return -1;
    s->ctx = (uint32_t)ctx;
    return 0;
}

static int
read_switches(struct fl_config *c, const struct fl_meta *meta)
{
    int family, norm, act, positions;
    int64_t bias, tied;
    uint32_t qk_norm;

    if (choose(meta, "arch.family", "llama", &family) ||
        choose(meta, "arch.norm", FL_NORM_WORDS, &norm) ||
        choose(meta, "arch.act", FL_ACT_WORDS, &act) ||
        choose_optional(meta, "arch.positions", FL_POSITIONS_WORDS, &positions) ||
        check_known(meta) || fl_meta_get_i64(meta, "arch.bias", 0, FL_BIAS_ALL, &bias) ||
        fl_meta_get_i64(meta, "arch.tied", 0, 1, &tied) ||
        get_optional(meta, "arch.rope_dim", FL_HEAD_DIM_MAX, &c->rope_dim) ||
        get_optional(meta, "arch.window", FL_CTX_MAX, &c->window) ||
        get_optional(meta, "arch.qk_norm", 1, &qk_norm) || read_scaling(&c->rope_scaling, meta))
        return -1;
    c->norm = (enum fl_norm_kind)norm;
    c->act = (enum fl_act)act;
    c->positions = (enum fl_positions)positions;
    c->bias = (unsigned)bias;
    c->tied = tied == 1;
    c->qk_norm = qk_norm == 1;
    return 0;
}

/* Another form of the same configuration would have another digest: it has keys without effect. */
static int
check_form(const struct fl_config *c, const struct fl_meta *meta)
{
    struct fl_meta form = {0};
    int result = fl_config_to_meta(c, &form);

    for (size_t i = 0; !result && i < meta->count; i++) {
        const char *key = meta->items[i].key;
        if (!strncmp(key, "arch.", 5) && !fl_meta_find(&form, key))
            result = fl_error(FL_FAILED,
                              "%s is written, and changes nothing in this model; leave it out",
                              key);
    }
    fl_meta_release(&form);
    return result;
}

static int
read_meta(struct fl_config *c, const struct fl_meta *meta)
{
    int64_t v;

    *c = (struct fl_config){0};
    if (read_switches(c, meta))
        return -1;
    for (size_t i = 0; i < FIELDS; i++) {
        char key[32];
        snprintf(key, sizeof key, "arch.%s", fields[i].name);
        if (fl_meta_get_i64(meta, key, 1, fields[i].max, &v))
            return -1;
        set(c, &fields[i], (uint32_t)v);
    }
    if (fl_meta_get_f64(meta, "arch.norm_eps", &c->norm_eps) ||
        (c->positions == FL_POSITIONS_ROTARY &&
         fl_meta_get_f64(meta, "arch.rope_base", &c->rope_base)))
        return -1;
    return fl_config_check(c) || check_form(c, meta) ? -1 : 0;
}

int
fl_config_from_meta(struct fl_config *c, const struct fl_meta *meta)
{
    if (read_meta(c, meta))
        return fl_error_as(FL_FAILED); /* not a matter of the command line */
    return 0;
}

/* Numbers of one layer's matrices: q, k, v, o and gate, up, down, or up and down. */
static uint64_t
layer_matrices(const struct fl_config *c)
{
    uint64_t attention = 2 * ((uint64_t)c->heads + c->kv_heads) * c->head_dim;

    return c->channels * (attention + (c->act == FL_ACT_SWIGLU ? 3 : 2) * (uint64_t)c->ffn);
}

/* Numbers of one layer's gains and biases. */
static uint64_t
layer_vectors(const struct fl_config *c)
{
    uint64_t C = c->channels, D = c->head_dim, F = c->ffn;
    uint64_t n = 2 * C * (c->norm == FL_NORM_LAYER ? 2 : 1) + (c->qk_norm ? 2 * D : 0);

    if (c->bias & FL_BIAS_QKV)
        n += (c->heads + 2 * (uint64_t)c->kv_heads) * D;
    if (c->bias & FL_BIAS_O)
        n += C;
    if (c->bias & FL_BIAS_FFN)
        n += C + (c->act == FL_ACT_SWIGLU ? 2 : 1) * F;
    return n;
}

uint64_t
fl_config_parameters(const struct fl_config *c)
{
    uint64_t C = c->channels, embedding = c->vocab * C;
    uint64_t positions = c->positions == FL_POSITIONS_LEARNED ? c->ctx * C : 0;

    return embedding * (c->tied ? 1 : 2) + positions + C * (c->norm == FL_NORM_LAYER ? 2 : 1) +
           c->layers * (layer_matrices(c) + layer_vectors(c));
}

double
fl_config_train_flops(const struct fl_config *c, uint32_t T)
{
    double head = (double)c->vocab * c->channels, seen = ((double)T + 1) / 2;

    if (c->window && c->window < T) { /* the first WINDOW tokens see fewer */
        double w = c->window;
        seen = (w * (w + 1) / 2 + (T - w) * w) / T;
    }
    double attention = 2 * (double)c->heads * c->head_dim * seen;
    return 6 * (head + c->layers * ((double)layer_matrices(c) + attention));
}
