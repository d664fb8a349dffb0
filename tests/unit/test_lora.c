/* New adapters: maps by own words and a family's, unknown ones listed, the same bytes by a seed. */
#include "port/lora.h"

#include "lora.h"
#include "shape.h"
#include "test.h"

#include "nn/model.h"

static const struct fl_config llama = {LLAMA(23, 16, 2, 12, 4, 2, 6, 14, 1e-5, 1e4, true)};
static const struct fl_config gpt2 = {LLAMA(23, 16, 2, 12, 3, 3, 4, 20, 1e-5, 0, true),
                                      .norm = FL_NORM_LAYER, .act = FL_ACT_GELU_TANH,
                                      .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL};
/* No family: RMS norm with learned positions. */
static const struct fl_config own = {LLAMA(23, 16, 2, 12, 3, 3, 4, 20, 1e-5, 0, true),
                                     .act = FL_ACT_GELU, .positions = FL_POSITIONS_LEARNED};

struct making {
    struct fl_lora l;
    const struct fl_config *config;
    struct fl_object *model;
    uint64_t seed;
};

static int
write_model(void *arg, struct fl_writer *w)
{
    const struct making *m = arg;
    struct fl_model *model = fl_model_new(m->config);

    fl_model_init(model, 4);
    int failed = fl_model_write(model, w, NULL, "{}", 2);
    fl_model_free(model);
    return failed;
}

static int
write_adapter(void *arg, struct fl_writer *w)
{
    const struct making *m = arg;

    return fl_lora_write(&m->l, m->model, m->seed, NULL, w);
}

/* The adapter that L makes of a model of C by SEED, or NULL. */
static struct fl_object *
make(const struct fl_config *c, const struct fl_lora *l, uint64_t seed)
{
    struct making m = {*l, c, NULL, seed};

    m.model = fl_object_open_made(write_model, &m, "model", FL_KIND_MODEL);
    CHECK(m.model != NULL);
    struct fl_object *o = fl_object_open_made(write_adapter, &m, "adapter", FL_KIND_ADAPTER);
    fl_object_free(m.model);
    return o;
}

/* TARGETS, given as they are and as one option a word, name these of the modules: a digit each, of layer 0. */
static void
test_targets(void)
{
    static const struct {
        const struct fl_config *c;
        const char *targets, *modules; /* or the words of a refusal, after "!" */
    } cases[] = {
        {&llama, "", "0124568"},
        {&llama, "q_proj", "0"},
        {&llama, "q_proj,v_proj", "02"},
        {&llama, "self_attn.q_proj", "0"},
        {&llama, "*_proj", "0124568"},
        {&llama, "mlp.*", "568"},
        {&llama, "self_attn.*,down_proj", "01248"},
        {&llama, "?_proj", "0124"},
        {&llama, "c_attn",
         "!\"c_attn\" is no map of the model; it has self_attn.q_proj, "
         "self_attn.k_proj, self_attn.v_proj, self_attn.o_proj, mlp.gate_proj, "
         "mlp.up_proj, mlp.down_proj"},
        {&llama, "qkv_proj", "!\"qkv_proj\" is no map of the model"},
        {&llama, "q_proj,,v_proj", "!\"\" is no map of the model"},
        {&llama, "q_proj,nothing", "!\"nothing\" is no map of the model"},
        {&llama, "layers.0.self_attn.q_proj", "!is no map of the model"},
        {&gpt2, "", "3468"},
        {&gpt2, "c_attn", "3"},
        {&gpt2, "qkv_proj", "3"},
        {&gpt2, "c_proj", "48"},
        {&gpt2, "attn.c_proj", "4"},
        {&gpt2, "mlp.c_proj", "8"},
        {&gpt2, "c_fc", "6"},
        {&gpt2, "up_proj", "6"},
        {&gpt2, "q_proj",
         "!\"q_proj\" is no map of the model; it has attn.c_attn, attn.c_proj, "
         "mlp.c_fc, mlp.c_proj"},
        {&gpt2, "gate_proj", "!\"gate_proj\" is no map of the model"},
        {&own, "", "012468"},
        {&own, "o_proj,up_proj", "46"},
    };

    for (size_t k = 0; k < 2 * (sizeof cases / sizeof *cases); k++) {
        size_t i = k / 2;
        char words[200], *word = words, got[32] = "";
        const char *list[8] = {cases[i].targets};
        struct fl_lora l = {.rank = 3, .targets = {list, *cases[i].targets != 0, 8}};
        struct fl_adapter a;
        snprintf(words, sizeof words, "%s", cases[i].targets);
        for (size_t n = 0; k % 2 && *word; l.targets.count = n) {
            list[n++] = word;
            word += strcspn(word, ",");
            if (*word)
                *word++ = '\0';
        }
        struct fl_object *o = make(cases[i].c, &l, 0);
        const char *want = cases[i].modules;
        if (*want == '!') {
            if (o || !strstr(fl_error_text(), want + 1))
                printf("# %s: %s\n", cases[i].targets, o ? "made" : fl_error_text());
            CHECK(!o && strstr(fl_error_text(), want + 1) && fl_error_status() == FL_USAGE);
            fl_object_free(o);
            continue;
        }
        CHECK(o && !fl_adapter_read(&a, o));
        for (size_t n = 0; o && n < a.count; n++)
            if (a.maps[n].layer == 0)
                snprintf(got + strlen(got), 2, "%u", a.maps[n].module);
        CHECK_TEXT(got, want);
        CHECK(a.count == 2 * strlen(want) && a.maps[0].rank == 3);
        fl_adapter_release(&a);
        fl_object_free(o);
    }
}

/* What the object says besides its maps, and that a seed is all that its numbers come from. */
static void
test_object(void)
{
    struct fl_lora l = {.rank = 2};
    unsigned char first[32], other[32];
    struct fl_adapter a;
    const unsigned char *base;
    const char *family;
    int64_t round;

    struct fl_object *o = make(&gpt2, &l, 0);
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    CHECK(!fl_adapter_read(&a, o) && a.alpha == 4 && !a.rslora);
    fl_adapter_release(&a);
    CHECK(!fl_meta_get_text(meta, "family", &family));
    CHECK_TEXT(family, "gpt2");
    CHECK(!fl_meta_get_i64(meta, "round", 0, 9, &round) && round == 0);
    struct making m = {.config = &gpt2};
    struct fl_object *model = fl_object_open_made(write_model, &m, "model", FL_KIND_MODEL);
    unsigned char params[32];
    CHECK(!fl_object_params(model, NULL, params));
    CHECK(!fl_meta_get_bytes(meta, "base.params", 32, &base) && !memcmp(base, params, 32));
    fl_object_free(model);
    CHECK(!fl_object_digest(o, NULL, first));
    fl_object_free(o);
    for (int i = 0; i < 4; i++) {
        l.alpha = i == 2 ? 5 : 0;
        l.rslora = i == 3;
        o = make(&gpt2, &l, i == 1);
        CHECK(o && !fl_object_digest(o, NULL, other) && !memcmp(first, other, 32) == (i == 0));
        CHECK(!fl_adapter_read(&a, o) && a.alpha == (i == 2 ? 5 : 4) && a.rslora == (i == 3));
        fl_adapter_release(&a);
        fl_object_free(o);
    }
    l = (struct fl_lora){.rank = 2};
    o = make(&own, &l, 0);
    CHECK(o && !fl_meta_find(&fl_object_head(o)->meta, "family"));
    fl_object_free(o);
}

/* Options that exclude each other; none says nothing. */
static void
test_options(void)
{
    static const char *list[] = {"q_proj"};
    const struct {
        struct fl_lora l;
        const char *words;
    } cases[] = {
        {{.rank = 3, .adapter = "a.flt"}, "give one of them"},
        {{.alpha = 3, .adapter = "a.flt"}, "give one of them"},
        {{.rslora = true, .adapter = "a.flt"}, "give one of them"},
        {{.targets = {list, 1, 1}, .adapter = "a.flt"}, "give one of them"},
        {{.targets = {list, 1, 1}}, "--lora RANK is missing"},
        {{.alpha = 3}, "--lora RANK is missing"},
        {{.rslora = true}, "--lora RANK is missing"},
        {{.freeze = "a"}, "--lora-freeze is about an adapter"},
        {{.rank = 0}, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_bundle b = {.object = NULL};
        int got = fl_lora_adapt(&cases[i].l, &b, NULL);
        CHECK(got == (cases[i].words ? -1 : 0) && !b.adapter);
        CHECK(!cases[i].words ||
              (fl_error_status() == FL_USAGE && strstr(fl_error_text(), cases[i].words)));
    }
}

int
main(void)
{
    RUN(test_targets);
    RUN(test_object);
    RUN(test_options);
    return test_end();
}
