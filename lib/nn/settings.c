/*
 * The order matters: the length of a window decides how many there are, these bound a batch, and
 * batches bound the steps.
 */
#include "nn/settings.h"

#include <assert.h>
#include <string.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"

/*
 * By the number of parameters: a rate that trains such a model well from random weights, the tokens
 * of a step, and how many of them go through the model at a time (memory grows with these).
 */
struct size_class {
    uint64_t parameters; /* up to so many */
    double lr;
    int64_t step_tokens, batch_tokens;
};

static const struct size_class classes[] = {
    {500000, 5e-3, 2048, 2048},      {5000000, 3e-3, 4096, 4096},    {30000000, 1.5e-3, 8192, 4096},
    {80000000, 8e-4, 8192, 4096},    {200000000, 6e-4, 16384, 4096}, {600000000, 4e-4, 16384, 2048},
    {UINT64_MAX, 3e-4, 32768, 2048},
};

static const struct size_class *
class_of(const struct fl_config *c)
{
    const struct size_class *class = classes;

    while (fl_config_parameters(c) > class->parameters)
        class ++;
    return class;
}

static int
fill_length(struct fl_recipe *r, const struct fl_config *c, uint64_t tokens)
{
    if (r->length > c->ctx)
        return fl_error(
            FL_USAGE,
            "windows of %lld tokens are longer than the model's context; use -l %lu or less",
            (long long)r->length, (unsigned long)c->ctx);
    if (tokens < 2)
        return fl_error(FL_FAILED, "the shards have %llu tokens; training needs at least 2",
                        (unsigned long long)tokens);
    if (r->length >= 0 && (uint64_t)r->length >= tokens)
        return fl_error(FL_FAILED,
                        "the shards have %llu tokens, and a window of %lld needs one more than "
                        "that; use -l %llu or less",
                        (unsigned long long)tokens, (long long)r->length,
                        (unsigned long long)tokens - 1);
    if (r->length < 0)
        r->length = tokens > c->ctx ? c->ctx : (int64_t)tokens - 1;
    return 0;
}

/* Windows that hold about so many tokens: at least one, at most all there are. */
static int64_t
windows_of(int64_t tokens, int64_t length, uint64_t windows)
{
    uint64_t n = fl_min_u64((uint64_t)(tokens / length), windows);

    return n ? (int64_t)n : 1;
}

/*
 * A step takes each window at most once: what is said of batches is cut to the windows there are.
 */
static void
fill_batch(struct fl_recipe *r, const struct size_class *class, uint64_t windows)
{
    assert(windows >= 1);
    bool open = r->batch < 0 && r->accumulate < 0;
    int64_t step = windows_of(class->step_tokens, r->length, windows);

    if (r->batch < 0)
        r->batch = windows_of(class->batch_tokens, r->length, windows);
    if ((uint64_t)r->batch > windows)
        r->batch = (int64_t)windows;
    if (r->accumulate < 0)
        r->accumulate = open ? step / r->batch : 1;
    if ((uint64_t)r->accumulate > windows / (uint64_t)r->batch)
        r->accumulate = (int64_t)(windows / (uint64_t)r->batch);
}

static int
fill_steps(struct fl_recipe *r, uint64_t windows)
{
    uint64_t seen, tokens, a_step = (uint64_t)r->batch * (uint64_t)r->accumulate;

    assert(a_step >= 1);
    if (r->steps < 0) {
        if (r->epochs < 0)
            r->epochs = 1;
        if (fl_mul_u64(windows, (uint64_t)r->epochs, &seen))
            return -1;
        r->steps = (int64_t)(seen / a_step + (seen % a_step != 0));
    }
    if (fl_mul_u64((uint64_t)r->steps, a_step, &seen) ||
        fl_mul_u64(seen, (uint64_t)r->length, &tokens) || tokens > INT64_MAX)
        return fl_error(FL_USAGE,
                        "%lld steps of %llu windows of %lld tokens are more than can be counted",
                        (long long)r->steps, (unsigned long long)a_step, (long long)r->length);
    return 0;
}

static void
fill_f64(double *value, double otherwise)
{
    if (*value < 0)
        *value = otherwise;
}

int
fl_settings_fill(struct fl_recipe *r, const struct fl_config *c, uint64_t tokens)
{
    const struct size_class *class = class_of(c);

    if (fill_length(r, c, tokens))
        return -1;
    uint64_t windows = tokens / (uint64_t)r->length;
    fill_batch(r, class, windows);
    if (fill_steps(r, windows))
        return -1;
    if (r->warmup < 0)
        r->warmup = r->steps < 1000 ? r->steps / 10 : 100;
    if (r->seed < 0)
        r->seed = 0;
    fill_f64(&r->lr, class->lr);
    fill_f64(&r->min_lr, r->lr / 10);
    fill_f64(&r->weight_decay, 0.1);
    fill_f64(&r->beta1, 0.9);
    fill_f64(&r->beta2, 0.95);
    fill_f64(&r->clip, 1);
    if (!r->schedule)
        r->schedule = "cosine";
    if (!r->precision)
        r->precision = "f32";
    if (r->decay >= 0 && strcmp(r->schedule, "wsd") != 0)
        return fl_error(FL_USAGE, "--decay belongs to --schedule wsd; leave it out, or give that");
    if (r->decay < 0)
        r->decay = strcmp(r->schedule, "wsd") != 0 ? 0 : (r->steps + 9) / 10;
    if (r->min_lr > r->lr)
        return fl_error(FL_USAGE, "the last rate, --min-lr %g, is above the highest, --lr %g",
                        r->min_lr, r->lr);
    return 0;
}
