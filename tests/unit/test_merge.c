/* Merged models: every value from its definition, over fused maps, dtypes and threads. */
#include "fed/merge.h"

#include "lora.h"
#include "shape.h"
#include "test.h"

#include "flt/values.h"
#include "nn/model.h"

struct merge_case {
    const char *what;
    struct fl_config config;
    enum fl_dtype model, adapter;
    bool rslora;
    struct lora_map maps[5];
};

static const struct merge_case cases[] = {
    {"maps apart, f32",
     {LLAMA(23, 16, 2, 12, 4, 2, 6, 14, 1e-5, 1e4, true)},
     FL_F32,
     FL_F32,
     false,
     {{"self_attn.k_proj", 0, 3}, {"mlp.down_proj", 0, 1}, {"self_attn.o_proj", 1, 5}}},
    {"fused maps with biases, bf16",
     {LLAMA(23, 16, 2, 12, 3, 3, 4, 20, 1e-5, 0, true), .norm = FL_NORM_LAYER, .act = FL_ACT_GELU,
      .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
     FL_BF16,
     FL_F32,
     true,
     {{"self_attn.qkv_proj", 0, 3}, {"mlp.up_proj", 0, 20}, {"self_attn.qkv_proj", 1, 2}}},
    {"gate and up, rows over slices, both bf16",
     {LLAMA(5, 16, 1, 700, 4, 2, 6, 601, 1e-5, 1e4, false), .qk_norm = true, .bias = FL_BIAS_ALL},
     FL_BF16,
     FL_BF16,
     false,
     {{"mlp.gate_up_proj", 0, 4}, {"self_attn.v_proj", 0, 2}, {"mlp.down_proj", 0, 3}}},
};

static uint32_t
bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float
of_half(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* To nearest, ties to even. */
static uint16_t
to_half(float x)
{
    uint32_t bits = bits_of(x), rest = bits & 0xffff, half = bits >> 16;

    return (uint16_t)(half + (rest > 0x8000 || (rest == 0x8000 && (half & 1))));
}

/* A model of C in DTYPE with normal values, and a tokenizer and a rest that are carried along. */
static int
make_model(const struct fl_config *c, enum fl_dtype dtype)
{
    struct fl_layout t;
    struct fl_meta meta = {0};
    struct spool_tensor tensors[64];
    unsigned char *memory[64];

    CHECK(!fl_layout_make(&t, c) && t.count < 62);
    CHECK(!fl_config_to_meta(c, &meta) && !fl_meta_set_i64(&meta, "round", 4));
    for (size_t i = 0; i < t.count; i++) {
        const struct fl_param *p = &t.params[i];
        float *z = malloc(p->count * sizeof *z);
        fl_random_normal(3, i, 0, z, p->count, 0.5);
        memory[i] = (unsigned char *)z;
        for (size_t k = 0; k < p->count && dtype == FL_BF16; k++) {
            uint16_t half = to_half(z[k]);
            memcpy(memory[i] + 2 * k, &half, sizeof half);
        }
        tensors[i] = (struct spool_tensor){p->name, dtype, {p->dims[0], p->dims[1]}, z};
        if (p->rank == 1)
            tensors[i].dims[1] = 0;
    }
    tensors[t.count] = (struct spool_tensor){"tokenizer.json", FL_U8, {2, 0}, "{}"};
    tensors[t.count + 1] = (struct spool_tensor){.name = NULL};
    int fd = spool_object(FL_KIND_MODEL, &meta, tensors);
    for (size_t i = 0; i < t.count; i++)
        free(memory[i]);
    fl_layout_release(&t);
    fl_meta_release(&meta);
    return fd;
}

struct merging {
    struct fl_object *model, *adapter;
    struct fl_pool *pool;
};

static int
write_merged(void *arg, struct fl_writer *w)
{
    const struct merging *m = arg;

    return fl_merge(m->model, m->adapter, m->pool, NULL, w);
}

static double
value_of(enum fl_dtype dtype, const void *data, size_t i)
{
    return dtype == FL_BF16 ? (double)of_half(((const uint16_t *)data)[i])
                            : (double)((const float *)data)[i];
}

/* The sum over ranks for row ROW and column K of parameter P; false when no map is over it. */
static bool
product(const struct merging *m, const struct fl_adapter *a, const struct fl_layout *t,
        const struct fl_param *p, size_t at, double *sum)
{
    for (size_t i = 0; i < a->count && !p->bias && p->rank == 2; i++) {
        const struct fl_module *module = fl_module(a->maps[i].module);
        struct fl_tensor A, B;
        size_t row = at / p->dims[1], k = at % p->dims[1], rank = a->maps[i].rank;
        if (a->maps[i].layer != p->layer || p->kind < module->first ||
            p->kind >= module->first + module->count)
            continue;
        for (size_t j = 0; j < t->count; j++) /* what lies above it in the map */
            if (!t->params[j].bias && t->params[j].layer == p->layer &&
                t->params[j].kind >= module->first && t->params[j].kind < p->kind)
                row += t->params[j].dims[0];
        fl_adapter_tensors(a, i, &A, &B);
        int64_t n = fl_object_find(m->adapter, A.name), o = fl_object_find(m->adapter, B.name);
        enum fl_dtype dtype = fl_object_tensor(m->adapter, (size_t)n)->dtype;
        const void *x = fl_object_data(m->adapter, (size_t)n);
        const void *y = fl_object_data(m->adapter, (size_t)o);
        double s = 0;
        for (size_t r = 0; r < rank; r++)
            s += value_of(dtype, y, row * rank + r) * value_of(dtype, x, r * p->dims[1] + k);
        *sum = s * fl_adapter_scale(a, (uint32_t)rank);
        return true;
    }
    return false;
}

static void
check_values(const struct merge_case *c, const struct merging *m, struct fl_object *got)
{
    struct fl_layout t;
    struct fl_adapter a;
    size_t wrong = 0, changed = 0, same = 0;

    CHECK(!fl_layout_make(&t, &c->config) && !fl_adapter_read(&a, m->adapter));
    CHECK(fl_object_count(got) == t.count + 1);
    for (size_t i = 0; i < t.count; i++) {
        const struct fl_param *p = &t.params[i];
        const void *before = fl_object_data(m->model, i), *after = fl_object_data(got, i);
        CHECK_TEXT(fl_object_tensor(got, i)->name, fl_object_tensor(m->model, i)->name);
        CHECK(fl_object_tensor(got, i)->dtype == c->model);
        for (size_t k = 0; k < p->count; k++) {
            double sum = 0, old = value_of(c->model, before, k);
            bool adapted = product(m, &a, &t, p, k, &sum);
            float want = adapted ? (float)(old + sum) : (float)old;
            if (c->model == FL_BF16)
                wrong += ((const uint16_t *)after)[k] != to_half(want);
            else
                wrong += ((const float *)after)[k] != want;
            changed += adapted;
            same += !adapted;
        }
    }
    if (wrong)
        printf("# %s: %zu values are wrong\n", c->what, wrong);
    CHECK(wrong == 0 && changed > 0 && same > 0);
    CHECK(!memcmp(fl_object_data(got, t.count), "{}", 2));
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

static void
check_meta(struct fl_object *model, const struct fl_object *got)
{
    const struct fl_meta *meta = &fl_object_head(got)->meta;
    unsigned char digest[32];
    const unsigned char *parent;
    int64_t round;

    CHECK(!fl_object_digest(model, NULL, digest));
    CHECK(!fl_meta_get_bytes(meta, "parent", 32, &parent) && !memcmp(parent, digest, 32));
    CHECK(!fl_meta_get_i64(meta, "round", 0, 99, &round) && round == 7);
}

static struct fl_object *
adapter_of(const struct merge_case *c, const unsigned char *base)
{
    struct fl_layout t;
    struct fl_adapter a = {.alpha = 3, .rslora = c->rslora};
    struct fl_meta meta = {0};

    CHECK(!fl_layout_make(&t, &c->config) && !fl_meta_set_i64(&meta, "round", 7));
    CHECK(!base || !fl_meta_set_bytes(&meta, "base.params", base, 32));
    lora_maps(&a, &t, c->maps);
    struct fl_object *o = lora_object(&a, &meta, 0.5, c->adapter);
    fl_meta_release(&meta);
    fl_adapter_release(&a);
    fl_layout_release(&t);
    return o;
}

static void
test_values(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = make_model(&cases[i].config, cases[i].model);
        struct merging m = {.model = spool_open(fd, FL_KIND_MODEL)};
        unsigned char params[32], digest[3][32];
        CHECK(m.model && !fl_object_params(m.model, NULL, params));
        m.adapter = adapter_of(&cases[i], params);
        for (int k = 0; k < 3; k++) {
            m.pool = k ? fl_pool_new(k + 1) : NULL;
            struct fl_object *got = fl_object_open_made(write_merged, &m, "merged", FL_KIND_MODEL);
            CHECK(got && !fl_object_digest(got, NULL, digest[k]));
            if (got && !k) {
                check_values(&cases[i], &m, got);
                check_meta(m.model, got);
            }
            CHECK(!memcmp(digest[k], digest[0], 32));
            fl_object_free(got);
            fl_pool_free(m.pool);
        }
        fl_object_free(m.adapter);
        fl_object_free(m.model);
        close(fd);
    }
}

static void
refused(struct merging *m, enum fl_status status, const char *words)
{
    struct fl_object *got = fl_object_open_made(write_merged, m, "merged", FL_KIND_MODEL);

    if (got || !strstr(fl_error_text(), words))
        printf("# %s: %s\n", words, got ? "merged" : fl_error_text());
    CHECK(!got && fl_error_status() == status && strstr(fl_error_text(), words));
    fl_object_free(got);
    fl_object_free(m->adapter);
    m->adapter = NULL;
}

#define Q "layers.0.self_attn.k_proj.lora_"

/* An adapter of one map with these values of A; B is 1. */
static struct fl_object *
odd_adapter(float value)
{
    float x[12] = {1, 2, 3, value}, y[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct spool_tensor tensors[] = {{Q "A.weight", FL_F32, {1, 12}, x},
                                           {Q "B.weight", FL_F32, {12, 1}, y},
                                           {NULL, FL_F32, {0, 0}, NULL}};
    struct fl_meta meta = {0};

    CHECK(!fl_meta_set_f64(&meta, "lora.alpha", 2) && !fl_meta_set_i64(&meta, "round", 0));
    int fd = spool_object(FL_KIND_ADAPTER, &meta, tensors);
    struct fl_object *o = spool_open(fd, FL_KIND_ADAPTER);
    fl_meta_release(&meta);
    close(fd);
    return o;
}

static void
test_refused(void)
{
    int fd = make_model(&cases[0].config, FL_F32);
    struct merging m = {.model = spool_open(fd, FL_KIND_MODEL)};
    unsigned char params[32] = {1};

    m.adapter = adapter_of(&cases[0], params);
    refused(&m, FL_REFUSED, "is an adapter of another model");
    m.adapter = adapter_of(&cases[1], NULL);
    refused(&m, FL_FAILED, "its map layers.0.self_attn.qkv_proj, 12 to 36, is none of");
    m.adapter = odd_adapter(NAN);
    refused(&m, FL_FAILED, Q "A.weight\" has a value that is not finite");
    m.adapter = odd_adapter(3e38f);
    refused(&m, FL_FAILED, "tensor \"layers.0.self_attn.k_proj.weight\": value 3 is not finite");
    m.adapter = odd_adapter(1e38f);
    struct fl_object *got = fl_object_open_made(write_merged, &m, "merged", FL_KIND_MODEL);
    CHECK(got != NULL);
    fl_object_free(got);
    fl_object_free(m.adapter);
    fl_object_free(m.model);
    close(fd);
}

int
main(void)
{
    RUN(test_values);
    RUN(test_refused);
    return test_end();
}
