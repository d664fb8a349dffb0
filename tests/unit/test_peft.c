/* Folders of adapters: the names of each family both ways, what is refused, and by which word. */
#include "port/peft.h"

#include <jansson.h>
#include <regex.h>
#include <unistd.h>

#include "lora.h"
#include "shape.h"
#include "test.h"

#include "nn/model.h"
#include "os/file.h"
#include "port/peft_names.h"

static char folder[64];

static void
put(const char *name, const void *data, size_t len)
{
    char path[128];
    FILE *f = fopen((snprintf(path, sizeof path, "%s/%s", folder, name), path), "wb");

    CHECK(f && fwrite(data, 1, len, f) == len && !fclose(f));
}

struct part {
    const char *name; /* NULL ends a list */
    unsigned rows, columns;
};

/* All values of DTYPE are 0, but the first float of the first tensor, which is FIRST. */
static void
put_weights(const struct part *parts, const char *dtype, float first)
{
    struct fl_buf header = {0}, file = {0};
    size_t size = !strcmp(dtype, "F64") ? 8 : !strcmp(dtype, "BF16") ? 2 : 4, at = 0;

    CHECK(!fl_buf_add_text(&header, "{"));
    for (size_t i = 0; parts[i].name; i++) {
        size_t bytes = size * parts[i].rows * (parts[i].columns ? parts[i].columns : 1);
        CHECK(!fl_buf_printf(&header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%u", i ? "," : "",
                             parts[i].name, dtype, parts[i].rows));
        CHECK(!parts[i].columns || !fl_buf_printf(&header, ",%u", parts[i].columns));
        CHECK(!fl_buf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes));
        at += bytes;
    }
    CHECK(!fl_buf_add_text(&header, "}") && !fl_buf_add64(&file, header.len) &&
          !fl_buf_add(&file, header.data, header.len));
    size_t data = file.len;
    for (size_t i = 0; i < at; i++)
        CHECK(!fl_buf_add_byte(&file, 0));
    if (at >= sizeof first)
        memcpy(file.data + data, &first, sizeof first);
    put(FL_PEFT_WEIGHTS, file.data, file.len);
    fl_buf_release(&header);
    fl_buf_release(&file);
}

#define HEAD "\"peft_type\":\"LORA\",\"lora_alpha\":16"
#define Q    "base_model.model.model.layers.0.self_attn.q_proj.lora_"
#define UP   "base_model.model.model.layers.1.mlp.up_proj.lora_"
#define ATTN "base_model.model.transformer.h.1.attn.c_attn.lora_"

static const struct part good[] = {{Q "A.weight", 4, 6}, {Q "B.weight", 8, 4}, {NULL, 0, 0}};

static void
put_config(const char *text)
{
    put(FL_PEFT_CONFIG, text, strlen(text));
}

/* Every map of every family, both ways; names that are close are none. */
static void
test_names(void)
{
    const struct fl_family *f;
    char map[128], name[256], module[256], which;
    size_t seen = 0;

    for (size_t i = 0; (f = fl_family(i)); i++)
        for (unsigned m = 0; fl_module(m); m++)
            for (uint32_t l = 0; l < 12; l += 11) {
                uint32_t layer = 99;
                if (!fl_family_module_name(f, m, l, map, sizeof map))
                    continue;
                fl_peft_name(f, m, l, m % 2 ? 'A' : 'B', name, sizeof name);
                CHECK(fl_peft_parse_name(name, f, module, sizeof module, &which));
                CHECK(which == (m % 2 ? 'A' : 'B'));
                CHECK_TEXT(module, map);
                CHECK(fl_family_module(f, module, &layer) == (int)m && layer == l);
                seen++;
            }
    CHECK(seen == 2 * (4 * 7 + 4)); /* Llama and three like it, and GPT-2 */
    CHECK_TEXT(fl_peft_name(fl_family_find("gpt2"), 3, 1, 'A', name, sizeof name), ATTN "A.weight");
    CHECK_TEXT(fl_peft_name(fl_family_find("llama"), 0, 0, 'B', name, sizeof name), Q "B.weight");
    static const char *const odd[] =
        {"base_model.model.model.layers.0.self_attn.q_proj.weight",
         "base_model.model.model.layers.0.self_attn.q_proj.lora_C.weight",
         "base_model.model.model.layers.0.self_attn.q_proj.lora_A.bias",
         "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
         "base_model.model.layers.0.self_attn.q_proj.lora_A.weight",
         "model.layers.0.self_attn.q_proj.lora_A.weight",
         "base_model.model.model.layers.00.self_attn.q_proj.lora_A.weight",
         "base_model.model.model.layers.0.self_attn.qkv_proj.lora_A.weight",
         "base_model.model.lm_head.lora_A.weight",
         "base_model.model.model.lora_A.weight",
         "base_model.model.model..lora_A.weight"};
    f = fl_family_find("llama");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        uint32_t layer;
        bool parsed = fl_peft_parse_name(odd[i], f, module, sizeof module, &which);
        CHECK(!parsed || fl_family_module(f, module, &layer) == -1);
    }
}

/* What a configuration says that is not computed here, by the key that says it. */
static void
test_features(void)
{
    static const struct {
        const char *config, *words; /* NULL: read */
    } cases[] = {
        {"{" HEAD ",\"r\":4}", NULL},
        {"{" HEAD ",\"r\":4,\"use_dora\":false,\"modules_to_save\":null,\"alpha_pattern\":{}}",
         NULL},
        {"{" HEAD ",\"r\":4,\"bias\":\"none\",\"use_rslora\":null,\"init_lora_weights\":true}",
         NULL},
        {"{" HEAD ",\"r\":4,\"init_lora_weights\":\"gaussian\"}", NULL},
        {"{" HEAD ",\"r\":4,\"init_lora_weights\":\"pissa\"}", "\"init_lora_weights\""},
        {"{" HEAD ",\"r\":4,\"init_lora_weights\":\"pissa_niter_16\"}", "\"init_lora_weights\""},
        {"{" HEAD ",\"r\":4,\"init_lora_weights\":\"olora\"}", "\"init_lora_weights\""},
        {"{" HEAD ",\"r\":4,\"init_lora_weights\":\"loftq\"}", "\"init_lora_weights\""},
        {"{" HEAD ",\"r\":4,\"use_dora\":true}", "\"use_dora\" is not supported"},
        {"{" HEAD ",\"r\":4,\"use_qalora\":true}", "\"use_qalora\" is not supported"},
        {"{" HEAD ",\"r\":4,\"lora_bias\":true}", "\"lora_bias\" is not supported"},
        {"{" HEAD ",\"r\":4,\"alpha_pattern\":{\"q\":3}}", "\"alpha_pattern\" is not supported"},
        {"{" HEAD ",\"r\":4,\"modules_to_save\":[\"lm_head\"]}", "\"modules_to_save\" is not"},
        {"{" HEAD ",\"r\":4,\"layer_replication\":[[0,4]]}", "\"layer_replication\" is not"},
        {"{" HEAD ",\"r\":4,\"target_parameters\":[\"x\"]}", "\"target_parameters\" is not"},
        {"{" HEAD ",\"r\":4,\"trainable_token_indices\":[3]}",
         "\"trainable_token_indices\" is not"},
        {"{" HEAD ",\"r\":4,\"alora_invocation_tokens\":[3]}",
         "\"alora_invocation_tokens\" is not"},
        {"{" HEAD ",\"r\":4,\"bias\":\"all\"}", "\"bias\" is not \"none\""},
        {"{\"peft_type\":\"LOHA\",\"lora_alpha\":16,\"r\":4}", "\"peft_type\" is not \"LORA\""},
        {"{\"lora_alpha\":16,\"r\":4}", "\"peft_type\" is not \"LORA\""},
        {"{" HEAD "}", "\"r\" is not a whole number"},
        {"{" HEAD ",\"r\":0}", "\"r\" is not a whole number"},
        {"{" HEAD ",\"r\":4.0}", "\"r\" is not a whole number"},
        {"{" HEAD ",\"r\":4097}", "\"r\" is not a whole number"},
        {"{" HEAD ",\"r\":5}", "is not of the rank that adapter_config.json says"},
        {"{" HEAD ",\"r\":5,\"rank_pattern\":{\"q_proj\":4}}", NULL},
        {"{\"peft_type\":\"LORA\",\"r\":4}", "\"lora_alpha\" is not a number above 0"},
        {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":0}", "\"lora_alpha\" is not a number"},
        {"{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":\"8\"}", "\"lora_alpha\" is not a number"},
        {"{" HEAD ",\"r\":4,\"use_rslora\":1}", "\"use_rslora\" is neither true nor false"},
        {"[]", "adapter_config.json"},
        {"{", "adapter_config.json"},
    };

    put_weights(good, "F32", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_peft p;
        put_config(cases[i].config);
        int got = fl_peft_open(&p, folder);
        if (got != (cases[i].words ? -1 : 0))
            printf("# %s: %s\n", cases[i].config, got ? fl_error_text() : "read");
        CHECK(got == (cases[i].words ? -1 : 0));
        CHECK(!cases[i].words || strstr(fl_error_text(), cases[i].words));
        CHECK(!cases[i].words || fl_error_status() == FL_FAILED);
        CHECK(got || (p.adapter.count == 1 && p.adapter.alpha == 16 && p.adapter.maps[0].in == 6 &&
                      p.adapter.maps[0].out == 8 && p.adapter.maps[0].rank == 4));
        CHECK(got || !p.notes.len);
        fl_peft_close(&p);
    }
}

static void
test_notes(void)
{
    struct fl_peft p;

    put_weights(good, "F32", 1);
    put_config("{" HEAD ",\"r\":4,\"lora_dropout\":0.1,\"use_rslora\":true,\"new_thing\":3}");
    CHECK(!fl_peft_open(&p, folder) && p.adapter.rslora);
    CHECK(strstr(fl_buf_text(&p.notes), "\"lora_dropout\" is not taken over"));
    CHECK(strstr(fl_buf_text(&p.notes), "new_thing"));
    fl_peft_close(&p);
}

/* Files of weights that are no adapter's. */
static void
test_tensors(void)
{
    static const struct {
        const char *dtype, *words;
        struct part parts[5];
        const char *config;
    } cases[] = {
        {"F32", "has no lora_B beside it", {{Q "A.weight", 4, 6}}, NULL},
        {"F32", "has no lora_A beside it", {{Q "B.weight", 8, 4}}, NULL},
        {"F32", "has no tensor", {{NULL, 0, 0}}, NULL},
        {"F32", "of no map of a model", {{"x", 4, 6}}, NULL},
        {"F32",
         "is of no map",
         {{Q "A.weight", 4, 6},
          {Q "B.weight", 8, 4},
          {"base_model.model.lm_head.lora_A.weight", 4, 6}},
         NULL},
        {"F32",
         "is of no map",
         {{Q "A.weight", 4, 6}, {Q "B.weight", 8, 4}, {ATTN "A.weight", 4, 6}},
         NULL},
        {"F32",
         "not of the rank of its lora_A",
         {{Q "A.weight", 4, 6}, {Q "B.weight", 8, 3}},
         NULL},
        {"F32",
         "not of the rank of its lora_A",
         {{Q "A.weight", 4, 6}, {Q "B.weight", 32, 0}},
         NULL},
        {"F32", "no matrix of f32", {{Q "A.weight", 24, 0}, {Q "B.weight", 8, 4}}, NULL},
        {"F64", "no matrix of f32", {{Q "A.weight", 4, 6}, {Q "B.weight", 8, 4}}, NULL},
        {"F32",
         "not of the rank that",
         {{Q "A.weight", 4, 6}, {Q "B.weight", 8, 4}, {UP "A.weight", 2, 6}, {UP "B.weight", 9, 2}},
         NULL},
        {"F32",
         NULL,
         {{Q "A.weight", 4, 6}, {Q "B.weight", 8, 4}, {UP "A.weight", 2, 6}, {UP "B.weight", 9, 2}},
         "{" HEAD ",\"r\":4,\"rank_pattern\":{\"up_proj\":2}}"},
        {"BF16", NULL, {{Q "B.weight", 8, 4}, {Q "A.weight", 4, 6}}, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_peft p;
        put_config(cases[i].config ? cases[i].config : "{" HEAD ",\"r\":4}");
        put_weights(cases[i].parts, cases[i].dtype, 1);
        int got = fl_peft_open(&p, folder);
        bool as_said = cases[i].words ? got == -1 && strstr(fl_error_text(), cases[i].words) : !got;
        if (!as_said)
            printf("# case %zu: %s\n", i, got ? fl_error_text() : "read");
        CHECK(as_said);
        fl_peft_close(&p);
    }
}

static int
write_peft(void *arg, struct fl_writer *w)
{
    return fl_peft_write(arg, NULL, w);
}

static void
test_values(void)
{
    struct fl_peft p;
    const char *family;

    put_config("{" HEAD ",\"r\":4}");
    put_weights(good, "F32", NAN);
    CHECK(!fl_peft_open(&p, folder));
    struct fl_object *o = fl_object_open_made(write_peft, &p, "made", FL_KIND_ADAPTER);
    CHECK(!o && strstr(fl_error_text(), Q "A.weight\", f32[4,6], has a value that is not finite"));
    fl_peft_close(&p);
    put_weights(good, "F32", 2.5f);
    CHECK(!fl_peft_open(&p, folder));
    o = fl_object_open_made(write_peft, &p, "made", FL_KIND_ADAPTER);
    CHECK(o && fl_object_count(o) == 3); /* and its configuration */
    CHECK(o && !fl_meta_get_text(&fl_object_head(o)->meta, "family", &family));
    CHECK_TEXT(family, "llama");
    int64_t i = fl_object_find(o, "layers.0.self_attn.q_proj.lora_A.weight");
    CHECK(i >= 0 && *(const float *)fl_object_data(o, (size_t)i) == 2.5f);
    CHECK(!fl_meta_find(&fl_object_head(o)->meta, "base.params"));
    fl_peft_close(&p);

    /* Out and in again: the configuration's bytes, and the same object. */
    char out[80], path[128];
    struct fl_buf config = {0};
    unsigned char first[32], again[32];
    snprintf(out, sizeof out, "%s/out", folder);
    CHECK(!fl_peft_export(o, out) && fl_peft_is_folder(out) && fl_peft_is_folder(folder));
    snprintf(path, sizeof path, "%s/" FL_PEFT_CONFIG, out);
    CHECK(!fl_read_file(path, 4096, &config));
    CHECK_TEXT(fl_buf_text(&config), "{" HEAD ",\"r\":4}");
    CHECK(!fl_peft_open(&p, out) && !fl_object_digest(o, NULL, first));
    fl_object_free(o);
    o = fl_object_open_made(write_peft, &p, "made", FL_KIND_ADAPTER);
    CHECK(o && !fl_object_digest(o, NULL, again) && !memcmp(first, again, 32));
    fl_object_free(o);
    fl_peft_close(&p);
    fl_buf_release(&config);
    unlink(path);
    snprintf(path, sizeof path, "%s/" FL_PEFT_WEIGHTS, out);
    unlink(path);
    rmdir(out);
}

/* Is KEY a suffix of NAME, from a dot on? */
static bool
ends(const char *name, const char *key)
{
    size_t n = strlen(name), k = strlen(key);

    return n > k && name[n - k - 1] == '.' && !strcmp(name + n - k, key);
}

/* PEFT's check_target_module_exists(CONFIG, NAME), as its source has it. */
static bool
peft_finds(const json_t *config, const char *name)
{
    const json_t *targets = json_object_get(config, "target_modules");
    const json_t *layers = json_object_get(config, "layers_to_transform");
    const char *pattern = json_string_value(json_object_get(config, "layers_pattern"));
    char text[4096];
    regmatch_t at[2];
    regex_t r;
    bool found = false;

    if (json_is_string(targets)) {
        CHECK(!layers && strlen(json_string_value(targets)) < sizeof text - 10);
        snprintf(text, sizeof text, "^(%s)$", json_string_value(targets));
        CHECK(!regcomp(&r, text, REG_EXTENDED));
        found = !regexec(&r, name, 0, NULL, 0);
        regfree(&r);
        return found;
    }
    for (size_t i = 0; i < json_array_size(targets); i++)
        found |= ends(name, json_string_value(json_array_get(targets, i)));
    if (!found || !layers)
        return found;
    snprintf(text, sizeof text, "^.*\\.%s\\.([0-9]+)\\.", pattern ? pattern : "[^.]*");
    CHECK(!regcomp(&r, text, REG_EXTENDED));
    found = false;
    if (!regexec(&r, name, 2, at, 0))
        for (size_t i = 0; i < json_array_size(layers); i++)
            found |= json_integer_value(json_array_get(layers, i)) == atol(name + at[1].rm_so);
    regfree(&r);
    return found;
}

/* PEFT finds the maps of A in a model of LAYERS layers, and no others. */
static void
finds_exactly(const json_t *config, const char *family, const struct fl_adapter *a, uint32_t layers)
{
    const struct fl_family *f = fl_family_find(family);
    char map[128], name[160];

    for (uint32_t l = 0; l < layers; l++)
        for (unsigned m = 0; fl_module(m); m++) {
            bool adapted = false;
            if (!fl_family_module_name(f, m, l, map, sizeof map))
                continue;
            for (size_t i = 0; i < a->count; i++)
                adapted |= a->maps[i].module == m && a->maps[i].layer == l;
            snprintf(name, sizeof name, "%s%s", f->prefix, map);
            CHECK(peft_finds(config, name) == adapted);
        }
    CHECK(!peft_finds(config, "lm_head") && !peft_finds(config, "model.embed_tokens"));
}

/* What the configuration of an export says of the maps, for PEFT to find them by. */
static void
exported(const struct fl_config *c, const char *family, const struct lora_map *maps,
         const char *targets, const char *ranks)
{
    struct fl_layout t;
    struct fl_adapter a = {.alpha = 16};
    struct fl_meta meta = {0};
    char out[80], path[128];
    json_error_t why;

    CHECK(!fl_layout_make(&t, c) && !fl_meta_set_text(&meta, "family", family));
    lora_maps(&a, &t, maps);
    struct fl_object *o = lora_object(&a, &meta, 1, FL_F32);
    snprintf(out, sizeof out, "%s/out", folder);
    CHECK(!fl_peft_export(o, out));
    snprintf(path, sizeof path, "%s/" FL_PEFT_CONFIG, out);
    json_t *config = json_load_file(path, 0, &why);
    char *text = json_dumps(json_object_get(config, "target_modules"),
                            JSON_COMPACT | JSON_ENCODE_ANY);
    CHECK_TEXT(text ? text : "", targets);
    free(text);
    text = json_dumps(json_object_get(config, "rank_pattern"), JSON_COMPACT | JSON_SORT_KEYS);
    CHECK_TEXT(text ? text : "", ranks);
    free(text);
    finds_exactly(config, family, &a, c->layers);
    struct fl_peft back; /* the same maps of the same ranks */
    CHECK(!fl_peft_open(&back, out) && back.adapter.count == a.count);
    for (size_t i = 0; i < back.adapter.count && i < a.count; i++) {
        const struct fl_adapter_map *x = &back.adapter.maps[i], *y = &a.maps[i];
        CHECK(x->module == y->module && x->layer == y->layer && x->rank == y->rank &&
              x->in == y->in && x->out == y->out);
    }
    fl_peft_close(&back);
    CHECK(json_number_value(json_object_get(config, "lora_alpha")) == 16);
    CHECK(json_is_true(json_object_get(config, "fan_in_fan_out")) == !strcmp(family, "gpt2"));
    json_decref(config);
    unlink(path);
    struct fl_peft p; /* refused without its configuration; then gone */
    CHECK(fl_peft_open(&p, out) == -1);
    fl_peft_close(&p);
    snprintf(path, sizeof path, "%s/" FL_PEFT_WEIGHTS, out);
    CHECK(!unlink(path) && !rmdir(out));
    fl_object_free(o);
    fl_meta_release(&meta);
    fl_adapter_release(&a);
    fl_layout_release(&t);
}

static const struct fl_config llama = {LLAMA(23, 16, 12, 12, 4, 2, 6, 14, 1e-5, 1e4, true)};
static const struct fl_config gpt2 = {LLAMA(23, 16, 12, 12, 3, 3, 4, 20, 1e-5, 0, true),
                                      .norm = FL_NORM_LAYER, .act = FL_ACT_GELU_TANH,
                                      .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL};

static void
test_targets(void)
{
    static const struct lora_map plain[] = {{"self_attn.q_proj", 0, 4},
                                            {"mlp.down_proj", 0, 4},
                                            {"self_attn.q_proj", 1, 4},
                                            {"mlp.down_proj", 1, 2},
                                            {NULL, 0, 0}};
    static const struct lora_map output[] = {{"self_attn.qkv_proj", 0, 4},
                                             {"self_attn.o_proj", 0, 4},
                                             {NULL, 0, 0}};
    static const struct lora_map both[] = {{"self_attn.o_proj", 0, 4},
                                           {"mlp.down_proj", 0, 4},
                                           {NULL, 0, 0}};

    static const struct lora_map some[] = {{"self_attn.v_proj", 1, 4},
                                           {"mlp.up_proj", 1, 4},
                                           {"self_attn.v_proj", 10, 4},
                                           {"mlp.up_proj", 10, 2},
                                           {NULL, 0, 0}};
    static const struct lora_map unlike[] = {{"self_attn.v_proj", 1, 4},
                                             {"mlp.up_proj", 1, 4},
                                             {"self_attn.v_proj", 11, 4},
                                             {NULL, 0, 0}};
    static const struct lora_map crossed[] = {{"self_attn.q_proj", 0, 4},
                                              {"self_attn.k_proj", 0, 4},
                                              {"self_attn.q_proj", 2, 4},
                                              {"self_attn.v_proj", 2, 4},
                                              {NULL, 0, 0}};
    static const struct lora_map one[] = {{"self_attn.o_proj", 1, 4},
                                          {"mlp.down_proj", 10, 4},
                                          {NULL, 0, 0}};

    exported(&llama, "llama", some, "[\"v_proj\",\"up_proj\"]", "{\"layers.10.mlp.up_proj\":2}");
    exported(&llama, "llama", unlike,
             "\"(.*[.])?(layers[.]1[.]self_attn[.]v_proj|layers[.]1[.]mlp[.]up_proj|"
             "layers[.]11[.]self_attn[.]v_proj)\"",
             "{}");
    exported(&llama, "mistral", crossed,
             "\"(.*[.])?(layers[.]0[.]self_attn[.]q_proj|layers[.]0[.]self_attn[.]k_proj|"
             "layers[.]2[.]self_attn[.]q_proj|layers[.]2[.]self_attn[.]v_proj)\"",
             "{}");
    exported(&gpt2, "gpt2", one, "\"(.*[.])?(h[.]1[.]attn[.]c_proj|h[.]10[.]mlp[.]c_proj)\"", "{}");
    exported(&llama, "llama", plain, "[\"q_proj\",\"down_proj\"]",
             "{\"layers.1.mlp.down_proj\":2}");
    exported(&gpt2, "gpt2", output, "[\"c_attn\",\"attn.c_proj\"]", "{}");
    exported(&gpt2, "gpt2", both, "[\"c_proj\"]", "{}");
}

/* A map that the family does not have as one cannot be said. */
static void
test_not_exported(void)
{
    static const struct lora_map fused[] = {{"self_attn.qkv_proj", 0, 4}, {NULL, 0, 0}};
    static const struct lora_map apart[] = {{"self_attn.q_proj", 0, 4}, {NULL, 0, 0}};
    static const struct {
        const struct fl_config *c;
        const char *family;
        const struct lora_map *maps;
        const char *words;
    } cases[] = {{&llama, "llama", fused, "self_attn.qkv_proj\", which llama models do not have"},
                 {&gpt2, "gpt2", apart, "self_attn.q_proj\", which gpt2 models do not have"},
                 {&llama, "bloom", apart, "\"bloom\", is not known here"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_layout t;
        struct fl_adapter a = {.alpha = 16};
        struct fl_meta meta = {0};
        char out[80];
        CHECK(!fl_layout_make(&t, cases[i].c) &&
              !fl_meta_set_text(&meta, "family", cases[i].family));
        lora_maps(&a, &t, cases[i].maps);
        struct fl_object *o = lora_object(&a, &meta, 1, FL_F32);
        snprintf(out, sizeof out, "%s/out", folder);
        CHECK(fl_peft_export(o, out) == -1 && strstr(fl_error_text(), cases[i].words));
        CHECK(access(out, F_OK) == -1);
        fl_object_free(o);
        fl_meta_release(&meta);
        fl_adapter_release(&a);
        fl_layout_release(&t);
    }
}

int
main(void)
{
    char path[128];

    snprintf(folder, sizeof folder, "/tmp/test_peft.XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    RUN(test_names);
    RUN(test_features);
    RUN(test_notes);
    RUN(test_tensors);
    RUN(test_values);
    RUN(test_targets);
    RUN(test_not_exported);
    static const char *const files[] = {FL_PEFT_CONFIG, FL_PEFT_WEIGHTS};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    return test_end();
}
