/* Adapters: which maps, what is written at first, what is no adapter, and which model they fit. */
#include "lora.h"
#include "shape.h"
#include "test.h"

#include "nn/model.h"

static const struct fl_config llama = {LLAMA(23, 16, 2, 12, 4, 2, 6, 14, 1e-5, 1e4, true)};
static const struct fl_config gpt2 = {LLAMA(23, 16, 2, 12, 3, 3, 4, 20, 1e-5, 0, true),
                                      .norm = FL_NORM_LAYER, .act = FL_ACT_GELU,
                                      .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL};

static struct fl_layout
layout_of(const struct fl_config *c)
{
    struct fl_layout t = {0};

    CHECK(!fl_layout_make(&t, c));
    return t;
}

/* The sizes of each module in a model with gates and in one without. */
static void
test_modules(void)
{
    static const struct {
        const char *name;
        uint64_t in, out, gpt2_in, gpt2_out;
    } want[] = {
        {"self_attn.q_proj", 12, 24, 12, 12}, {"self_attn.k_proj", 12, 12, 12, 12},
        {"self_attn.v_proj", 12, 12, 12, 12}, {"self_attn.qkv_proj", 12, 48, 12, 36},
        {"self_attn.o_proj", 24, 12, 12, 12}, {"mlp.gate_proj", 12, 14, 0, 0},
        {"mlp.up_proj", 12, 14, 12, 20},      {"mlp.gate_up_proj", 12, 28, 0, 0},
        {"mlp.down_proj", 14, 12, 20, 12},
    };
    enum { COUNT = sizeof want / sizeof *want };
    struct fl_layout a = layout_of(&llama), b = layout_of(&gpt2);
    uint64_t in, out;

    for (size_t i = 0; i < COUNT; i++) {
        CHECK(fl_module_find(want[i].name) == (int)i);
        CHECK_TEXT(fl_module((unsigned)i)->name, want[i].name);
        CHECK(fl_module_sizes(&a, (unsigned)i, 1, &in, &out));
        CHECK(in == want[i].in && out == want[i].out);
        CHECK(fl_module_sizes(&b, (unsigned)i, 1, &in, &out) == (want[i].gpt2_in != 0));
        if (want[i].gpt2_in)
            CHECK(in == want[i].gpt2_in && out == want[i].gpt2_out);
        CHECK(!fl_module_sizes(&a, (unsigned)i, 2, &in, &out)); /* there are two layers */
    }
    CHECK(!fl_module(COUNT) && fl_module_find("mlp") == -1);
    fl_layout_release(&a);
    fl_layout_release(&b);
}

static void
test_scale(void)
{
    const struct fl_adapter plain = {.alpha = 12}, rslora = {.alpha = 12, .rslora = true};

    CHECK(fl_adapter_scale(&plain, 8) == 1.5);
    CHECK(fl_adapter_scale(&rslora, 16) == 3);
}

static bool
among(const void *arg, unsigned module)
{
    return strchr(arg, (int)('0' + module)) != NULL;
}

static void
test_make(void)
{
    struct fl_layout t = layout_of(&llama), g = layout_of(&gpt2);
    struct fl_adapter a = {.alpha = 4};
    static const char *const names[] = {"layers.0.self_attn.q_proj.lora_A.weight",
                                        "layers.0.mlp.down_proj.lora_A.weight",
                                        "layers.1.self_attn.q_proj.lora_A.weight",
                                        "layers.1.mlp.down_proj.lora_A.weight"};
    struct fl_tensor A, B;

    CHECK(!fl_adapter_make(&a, &t, 3, among, "80") && a.count == 4);
    for (size_t i = 0; i < a.count; i++) {
        fl_adapter_tensors(&a, i, &A, &B);
        CHECK_TEXT(A.name, names[i]);
        CHECK(A.rank == 2 && A.dims[0] == 3 && A.dims[1] == (i % 2 ? 14 : 12));
        CHECK(B.rank == 2 && B.dims[0] == (i % 2 ? 12 : 24) && B.dims[1] == 3);
    }
    fl_adapter_release(&a);
    CHECK(fl_adapter_make(&a, &g, 3, among, "57") == -1 && fl_error_status() == FL_USAGE);
    CHECK(strstr(fl_error_text(), "no map of the model"));
    fl_adapter_release(&a);
    for (int i = 0; i < 4; i++) {
        static const char *const twice[] = {"03", "23", "57", "67"};
        CHECK(fl_adapter_make(&a, &t, 3, among, twice[i]) == -1 && fl_error_status() == FL_USAGE);
        CHECK(strstr(fl_error_text(), "the same map twice"));
        fl_adapter_release(&a);
    }
    CHECK(!fl_adapter_make(&a, &t, 3, among, "3478") && a.count == 8);
    fl_adapter_release(&a);
    fl_layout_release(&t);
    fl_layout_release(&g);
}

/* Maps that come in any order are in one. */
static void
test_order(void)
{
    static const struct lora_map list[] = {{"mlp.down_proj", 1, 2},
                                           {"self_attn.q_proj", 1, 3},
                                           {"mlp.up_proj", 0, 4},
                                           {"self_attn.k_proj", 0, 1},
                                           {NULL, 0, 0}};
    struct fl_layout t = layout_of(&llama);
    struct fl_adapter a = {.alpha = 1};

    lora_maps(&a, &t, list);
    CHECK(a.count == 4 && a.maps[0].rank == 1 && a.maps[1].rank == 4 && a.maps[2].rank == 3 &&
          a.maps[3].rank == 2);
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

struct making {
    const struct fl_adapter *a;
    uint64_t seed;
};

static int
write_new(void *arg, struct fl_writer *w)
{
    const struct making *m = arg;

    return fl_adapter_write_new(m->a, &(struct fl_meta){0}, m->seed, w);
}

/* A is uniform below 1 / sqrt(in), by its numbers of the sequence, and B is zero. */
static void
test_first_values(void)
{
    struct fl_layout t = layout_of(&llama);
    struct fl_adapter a = {.alpha = 4, .rslora = true}, back;
    struct making m = {&a, 9};
    struct fl_tensor A, B;

    CHECK(!fl_adapter_make(&a, &t, 300, among, "08")); /* more than a piece */
    struct fl_object *o = fl_object_open_made(write_new, &m, "made", FL_KIND_ADAPTER);
    CHECK(o && fl_object_count(o) == 8 && !fl_adapter_read(&back, o));
    CHECK(back.alpha == 4 && back.rslora && back.count == 4);
    for (size_t i = 0; o && i < a.count; i++) {
        struct fl_random r = {9, i, 0};
        fl_adapter_tensors(&a, i, &A, &B);
        const float *x = fl_object_data(o, (size_t)fl_object_find(o, A.name));
        const float *y = fl_object_data(o, (size_t)fl_object_find(o, B.name));
        double in = (double)a.maps[i].in, sum = 0, squares = 0, n = 300 * in;
        size_t wrong = 0;
        for (size_t k = 0; k < 300 * a.maps[i].in; k++) {
            wrong += x[k] != (float)((2 * fl_random_unit(&r) - 1) * (1 / sqrt(in)));
            wrong += !(fabsf(x[k]) <= 1 / sqrt(in));
            sum += x[k];
            squares += (double)x[k] * x[k];
        }
        for (size_t k = 0; k < 300 * a.maps[i].out; k++)
            wrong += y[k] != 0 || signbit(y[k]);
        CHECK(wrong == 0);
        CHECK(fabs(sum / n) < 4 / sqrt(3 * in * n));
        CHECK_NEAR(squares / n * 3 * in, 1, 0.05);
    }
    fl_object_free(o);
    fl_adapter_release(&back);
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

#define Q "layers.0.self_attn.q_proj"

static const float zeros[4096];

/* What is no adapter, and the words that say so. */
static void
test_refused(void)
{
    static const struct {
        const char *words;
        struct spool_tensor tensors[5];
        double alpha;
        int64_t rslora;
    } bad[] = {
        {"no lora_B beside it", {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}}, 1, 0},
        {"no lora_A beside it", {{Q ".lora_B.weight", FL_F32, {3, 2}, zeros}}, 1, 0},
        {"not of the rank of its lora_A",
         {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}, {Q ".lora_B.weight", FL_F32, {3, 4}, zeros}},
         1,
         0},
        {"not of the rank of its lora_A",
         {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}, {Q ".lora_B.weight", FL_F32, {6, 0}, zeros}},
         1,
         0},
        {"of no adapter",
         {{"layers.0.self_attn.r_proj.lora_A.weight", FL_F32, {2, 3}, zeros}},
         1,
         0},
        {"of no adapter",
         {{"layers.00.self_attn.q_proj.lora_A.weight", FL_F32, {2, 3}, zeros}},
         1,
         0},
        {"of no adapter",
         {{"layers.-1.self_attn.q_proj.lora_A.weight", FL_F32, {2, 3}, zeros}},
         1,
         0},
        {"of no adapter",
         {{"layers.4294967296.self_attn.q_proj.lora_A.weight", FL_F32, {2, 3}, zeros}},
         1,
         0},
        {"of no adapter", {{Q ".lora_C.weight", FL_F32, {2, 3}, zeros}}, 1, 0},
        {"of no adapter", {{Q ".lora_A.bias", FL_F32, {2, 3}, zeros}}, 1, 0},
        {"of no adapter", {{Q ".weight", FL_F32, {2, 3}, zeros}}, 1, 0},
        {"of no adapter", {{"layers.0.lora_A.weight", FL_F32, {2, 3}, zeros}}, 1, 0},
        {"of no adapter", {{"x", FL_F32, {2, 3}, zeros}}, 1, 0},
        {"no matrix of f32", {{Q ".lora_A.weight", FL_F64, {2, 3}, zeros}}, 1, 0},
        {"no matrix of f32", {{Q ".lora_A.weight", FL_F32, {6, 0}, zeros}}, 1, 0},
        {"no matrix of f32", {{Q ".lora_A.weight", FL_I32, {2, 3}, zeros}}, 1, 0},
        {"no rank from 1 to 4096", {{Q ".lora_A.weight", FL_F32, {4097, 1}, NULL}}, 1, 0},
        {"has no lora_A", {{"adapter_config.json", FL_U8, {2, 0}, "{}"}}, 1, 0},
        {"the same map twice",
         {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros},
          {Q ".lora_B.weight", FL_F32, {3, 2}, zeros},
          {"layers.0.self_attn.qkv_proj.lora_A.weight", FL_F32, {2, 3}, zeros},
          {"layers.0.self_attn.qkv_proj.lora_B.weight", FL_F32, {9, 2}, zeros}},
         1,
         0},
        {"lora.rslora", {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}}, 1, 2},
        {"lora.alpha", {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}}, 0, 0},
        {"lora.alpha", {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}}, -1, 0},
        {"lora.alpha", {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}}, INFINITY, 0},
        {"lora.alpha", {{Q ".lora_A.weight", FL_F32, {2, 3}, zeros}}, NAN, 0}, /* left out */
    };
    float *many = calloc(5000, sizeof *many);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct spool_tensor tensors[6] = {{NULL, FL_F32, {0, 0}, NULL}};
        struct fl_meta meta = {0};
        struct fl_adapter a;
        for (size_t k = 0; k < 5 && bad[i].tensors[k].name; k++) {
            tensors[k] = bad[i].tensors[k];
            tensors[k].data = tensors[k].data ? tensors[k].data : many;
        }
        CHECK(isnan(bad[i].alpha) || !fl_meta_set_f64(&meta, "lora.alpha", bad[i].alpha));
        CHECK(!bad[i].rslora || !fl_meta_set_i64(&meta, "lora.rslora", bad[i].rslora));
        int fd = spool_object(FL_KIND_ADAPTER, &meta, tensors);
        struct fl_object *o = spool_open(fd, FL_KIND_ADAPTER);
        int got = o ? fl_adapter_read(&a, o) : -1;
        if (got != -1 || !strstr(fl_error_text(), bad[i].words))
            printf("# case %zu, %s: %s\n", i, bad[i].words, got ? fl_error_text() : "accepted");
        CHECK(got == -1 && strstr(fl_error_text(), bad[i].words));
        CHECK(strstr(fl_error_text(), "/dev/fd/") && fl_error_status() == FL_FAILED);
        CHECK(!a.count && !a.maps);
        fl_object_free(o);
        fl_meta_release(&meta);
        close(fd);
    }
    free(many);
}

/* The models that an adapter is of, and those that it is not. */
static void
test_fits(void)
{
    static const struct lora_map list[] = {{"self_attn.o_proj", 1, 2},
                                           {"mlp.gate_proj", 0, 2},
                                           {NULL, 0, 0}};
    struct fl_config other[4] = {llama, llama, llama, gpt2};
    static const char *const first[4] = {"layers.1.self_attn.o_proj, 24 to 12",
                                         "layers.1.self_attn.o_proj, 24 to 12",
                                         "layers.0.mlp.gate_proj, 12 to 14",
                                         "layers.0.mlp.gate_proj, 12 to 14"};
    struct fl_layout t = layout_of(&llama);
    struct fl_adapter a = {.alpha = 1};

    other[0].layers = 1;
    other[1].heads = 2;
    other[2].ffn = 15;
    lora_maps(&a, &t, list);
    CHECK(!fl_adapter_fits(&a, "a.flt", &t, "m.flt"));
    for (size_t i = 0; i < 4; i++) {
        struct fl_layout o = layout_of(&other[i]);
        CHECK(fl_adapter_fits(&a, "a.flt", &o, "m.flt") == -1 && fl_error_status() == FL_FAILED);
        if (!strstr(fl_error_text(), first[i]))
            printf("# %zu: %s\n", i, fl_error_text());
        CHECK(strstr(fl_error_text(), first[i]) && strstr(fl_error_text(), "m.flt"));
        fl_layout_release(&o);
    }
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

static void
test_base(void)
{
    static const struct lora_map list[] = {{"self_attn.o_proj", 1, 2}, {NULL, 0, 0}};
    unsigned char mine[32] = {1}, other[32] = {2};
    struct fl_layout t = layout_of(&llama);
    struct fl_adapter a = {.alpha = 1};
    struct fl_meta meta = {0};

    lora_maps(&a, &t, list);
    struct fl_object *o = lora_object(&a, NULL, 1, FL_F32);
    CHECK(!fl_adapter_check_base(o, mine, "m.flt")); /* it does not say */
    fl_object_free(o);
    CHECK(!fl_meta_set_bytes(&meta, "base.params", mine, 32));
    o = lora_object(&a, &meta, 1, FL_F32);
    CHECK(!fl_adapter_check_base(o, mine, "m.flt"));
    CHECK(fl_adapter_check_base(o, other, "m.flt") == -1 && fl_error_status() == FL_REFUSED);
    CHECK(strstr(fl_error_text(), "another model than m.flt"));
    fl_object_free(o);
    fl_meta_release(&meta);
    CHECK(!fl_meta_set_bytes(&meta, "base.params", mine, 31));
    o = lora_object(&a, &meta, 1, FL_F32);
    CHECK(fl_adapter_check_base(o, mine, "m.flt") == -1 && fl_error_status() == FL_FAILED);
    fl_object_free(o);
    fl_meta_release(&meta);
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

/* Two adapters of the same numbers for two models are not the same. */
static void
test_params(void)
{
    static const struct lora_map list[] = {{"self_attn.o_proj", 1, 2}, {NULL, 0, 0}};
    unsigned char base[32] = {1}, got[3][32];
    struct fl_layout t = layout_of(&llama);
    struct fl_adapter a = {.alpha = 1};

    lora_maps(&a, &t, list);
    for (int i = 0; i < 3; i++) {
        struct fl_meta meta = {0};
        base[31] = (unsigned char)i;
        CHECK(i == 2 || !fl_meta_set_bytes(&meta, "base.params", base, 32));
        struct fl_object *o = lora_object(&a, &meta, 1, FL_F32);
        CHECK(o && !fl_object_params(o, NULL, got[i]));
        fl_object_free(o);
        fl_meta_release(&meta);
    }
    CHECK(memcmp(got[0], got[1], 32) && memcmp(got[0], got[2], 32) && memcmp(got[1], got[2], 32));
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

/* What is trained is the adapter, in its order, with its places closed up. */
static void
test_extend(void)
{
    static const struct lora_map list[] = {{"self_attn.qkv_proj", 0, 2},
                                           {"mlp.down_proj", 1, 3},
                                           {NULL, 0, 0}};
    struct fl_layout t = layout_of(&llama);
    struct fl_adapter a = {.alpha = 6};
    size_t before = t.count, size = t.size;

    lora_maps(&a, &t, list);
    CHECK(!fl_adapter_extend(&a, &t));
    CHECK(t.count == before + 4 && t.trained == 2 * 12 + 48 * 2 + 3 * 14 + 12 * 3);
    CHECK(t.size == size + t.trained);
    for (size_t i = 0; i < t.count; i++) {
        const struct fl_param *p = &t.params[i];
        CHECK(p->frozen == (i < before) && (p->place == FL_UNTRAINED) == p->frozen);
        CHECK(fl_param_adapts(p) == (i >= before) && p->number == i && !p->held);
    }
    const struct fl_param *p = &t.params[before];
    CHECK(p[0].kind == FL_PARAM_LORA_A && p[0].place == 0 && p[0].scale == 3);
    CHECK(p[1].kind == FL_PARAM_LORA_B && p[1].place == 24 && p[1].dims[0] == 48);
    CHECK(p[2].kind == FL_PARAM_LORA_A && p[2].place == 120 && p[2].scale == 2);
    CHECK(p[3].layer == 1 && p[3].offset == size + 162);
    CHECK_TEXT(p[3].name, "layers.1.mlp.down_proj.lora_B.weight");
    fl_layout_hold(&t, FL_PARAM_LORA_A);
    for (size_t i = before; i < t.count; i++)
        CHECK(t.params[i].held == (t.params[i].kind == FL_PARAM_LORA_A));
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

int
main(void)
{
    RUN(test_modules);
    RUN(test_scale);
    RUN(test_make);
    RUN(test_order);
    RUN(test_first_values);
    RUN(test_refused);
    RUN(test_fits);
    RUN(test_base);
    RUN(test_params);
    RUN(test_extend);
    return test_end();
}
