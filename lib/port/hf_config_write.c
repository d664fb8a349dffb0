/*
 * What is written is read again before anybody sees it: a family that cannot say a configuration is
 * found by that, without a second list of what each can.
 */
#include "port/hf_config.h"

#include <math.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "flt/meta.h"

/* Under a key, and taken over: 0, or -1 when there is no memory, which is told once at the end. */
static int
put(json_t *file, const char *key, json_t *value)
{
    return json_object_set_new(file, key, value);
}

static int
put_sizes(json_t *file, const struct fl_family *f, const struct fl_config *c)
{
    int failed = 0;

    for (const struct fl_family_size *s = f->sizes; s->key; s++) {
        uint32_t value;
        memcpy(&value, (const char *)c + s->member, sizeof value);
        failed |= put(file, s->key, json_integer(value));
    }
    return failed;
}

/* The share of a head of D channels whose product with D, cut to a whole number, is N again. */
static double
share(uint32_t n, uint32_t D)
{
    double part = (double)n / (double)D;

    return (uint32_t)((double)D * part) < n ? nextafter(part, 1) : part;
}

static int
put_rope(json_t *file, const struct fl_config *c)
{
    static const char *const types[] = {"default", "linear", "llama3"};
    const struct fl_rope_scaling *s = &c->rope_scaling;
    int failed = put(file, "rope_theta", json_real(c->rope_base));

    if (c->rope_dim)
        failed |= put(file, "partial_rotary_factor", json_real(share(c->rope_dim, c->head_dim)));
    if (s->kind == FL_ROPE_PLAIN)
        return failed | put(file, "rope_scaling", json_null());
    json_t *rope = json_object();
    failed |= put(rope, "rope_type", json_string(types[s->kind])) |
              put(rope, "factor", json_real(s->factor));
    if (s->kind == FL_ROPE_LLAMA3)
        failed |= put(rope, "low_freq_factor", json_real(s->low)) |
                  put(rope, "high_freq_factor", json_real(s->high)) |
                  put(rope, "original_max_position_embeddings", json_integer(s->ctx));
    return failed | put(file, "rope_scaling", rope);
}

static int
put_window(json_t *file, const struct fl_family *f, const struct fl_config *c)
{
    int failed = put(file, "sliding_window", c->window ? json_integer(c->window) : json_null());

    if (f->window == FL_WINDOW_SWITCHED)
        failed |= put(file, "use_sliding_window", json_boolean(c->window != 0)) |
                  put(file, "max_window_layers", json_integer(c->window ? 0 : c->layers));
    return failed;
}

static int
put_all(json_t *file, const struct fl_family *f, const struct fl_config *c)
{
    char act[32];
    json_t *names = json_array();
    int failed = json_array_append_new(names, json_string(f->architecture));

    failed |= put(file, "architectures", names) | put(file, "model_type", json_string(f->name)) |
              put_sizes(file, f, c);
    if (fl_choice_word(f->acts, (int)c->act, act, sizeof act))
        failed |= put(file, f->act, json_string(act));
    failed |= put(file, f->eps, json_real(c->norm_eps)) |
              put(file, "tie_word_embeddings", json_boolean(c->tied));
    for (size_t i = 0; i < 2 && f->biases[i].key; i++) {
        unsigned bias = f->biases[i].bias;
        failed |= put(file, f->biases[i].key, json_boolean((c->bias & bias) == bias));
    }
    if (f->fixed.positions == FL_POSITIONS_ROTARY)
        failed |= put_rope(file, c);
    if (f->window != FL_WINDOW_NONE)
        failed |= put_window(file, f, c);
    return failed;
}

/* The reader of FILE gets C from it. */
static int
check_same(const json_t *file, const struct fl_family *f, const struct fl_config *c)
{
    const struct fl_family *family;
    struct fl_config got;
    struct fl_buf notes = {0};
    int result = fl_hf_config(&family, &got, file, "config.json", &notes) ||
                 !fl_config_same(&got, c);

    fl_buf_release(&notes);
    return result
               ? fl_error(FL_FAILED, "models of the family %s have no such configuration", f->name)
               : 0;
}

json_t *
fl_hf_config_write(const struct fl_family *family, const struct fl_config *c)
{
    json_t *file = json_object();

    if (!file || put_all(file, family, c)) {
        json_decref(file);
        fl_error_memory("config.json");
        return NULL;
    }
    if (check_same(file, family, c)) {
        json_decref(file);
        return NULL;
    }
    return file;
}

const char *
fl_hf_dtype_name(enum fl_dtype dtype)
{
    switch ((int)dtype) {
    case FL_F32: return "float32";
    case FL_F16: return "float16";
    case FL_BF16: return "bfloat16";
    default: return NULL;
    }
}
