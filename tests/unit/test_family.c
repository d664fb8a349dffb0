/* Where each parameter is in a family's files: names, fused maps, turned ones, biases. */
#include "port/family.h"

#include "test.h"

static struct fl_config
config(const char *family, bool tied)
{
    struct fl_config c = {.vocab = 100,
                          .ctx = 16,
                          .layers = 2,
                          .channels = 12,
                          .heads = 3,
                          .kv_heads = 1,
                          .head_dim = 6,
                          .ffn = 20,
                          .norm_eps = 1e-5,
                          .rope_base = 1e4,
                          .tied = tied};

    const struct fl_config *fixed = &fl_family_find(family)->fixed;
    c.norm = fixed->norm;
    c.act = fixed->act;
    c.positions = fixed->positions;
    c.bias = fixed->bias;
    c.qk_norm = fixed->qk_norm;
    if (c.positions == FL_POSITIONS_LEARNED) {
        c.rope_base = 0;
        c.kv_heads = 3;
        c.head_dim = 4;
    }
    return c;
}

/* Parameter NAME of a layout is in tensor WHERE, from row (or column) FIRST on, of DIMS. */
static const struct {
    const char *family, *name, *where, *full;
    uint64_t first;
    unsigned rank;
    uint64_t dims[2];
    bool turned;
} places[] = {
    {"llama",
     "embed_tokens.weight",
     "embed_tokens.weight",
     "model.embed_tokens.weight",
     0,
     2,
     {100, 12},
     false},
    {"llama",
     "layers.1.self_attn.k_proj.weight",
     "layers.1.self_attn.k_proj.weight",
     "model.layers.1.self_attn.k_proj.weight",
     0,
     2,
     {6, 12},
     false},
    {"llama", "lm_head.weight", "lm_head.weight", "lm_head.weight", 0, 2, {100, 12}, false},
    {"mistral",
     "layers.0.mlp.down_proj.weight",
     "layers.0.mlp.down_proj.weight",
     "model.layers.0.mlp.down_proj.weight",
     0,
     2,
     {12, 20},
     false},
    {"qwen2",
     "layers.0.self_attn.q_proj.bias",
     "layers.0.self_attn.q_proj.bias",
     "model.layers.0.self_attn.q_proj.bias",
     0,
     1,
     {18},
     false},
    {"qwen3",
     "layers.1.self_attn.k_norm.weight",
     "layers.1.self_attn.k_norm.weight",
     "model.layers.1.self_attn.k_norm.weight",
     0,
     1,
     {6},
     false},
    {"gpt2", "embed_tokens.weight", "wte.weight", "transformer.wte.weight", 0, 2, {100, 12}, false},
    {"gpt2",
     "embed_positions.weight",
     "wpe.weight",
     "transformer.wpe.weight",
     0,
     2,
     {16, 12},
     false},
    {"gpt2",
     "layers.0.input_layernorm.bias",
     "h.0.ln_1.bias",
     "transformer.h.0.ln_1.bias",
     0,
     1,
     {12},
     false},
    {"gpt2",
     "layers.1.self_attn.q_proj.weight",
     "h.1.attn.c_attn.weight",
     "transformer.h.1.attn.c_attn.weight",
     0,
     2,
     {12, 36},
     true},
    {"gpt2",
     "layers.1.self_attn.k_proj.weight",
     "h.1.attn.c_attn.weight",
     "transformer.h.1.attn.c_attn.weight",
     12,
     2,
     {12, 36},
     true},
    {"gpt2",
     "layers.1.self_attn.v_proj.weight",
     "h.1.attn.c_attn.weight",
     "transformer.h.1.attn.c_attn.weight",
     24,
     2,
     {12, 36},
     true},
    {"gpt2",
     "layers.1.self_attn.q_proj.bias",
     "h.1.attn.c_attn.bias",
     "transformer.h.1.attn.c_attn.bias",
     0,
     1,
     {36},
     false},
    {"gpt2",
     "layers.1.self_attn.v_proj.bias",
     "h.1.attn.c_attn.bias",
     "transformer.h.1.attn.c_attn.bias",
     24,
     1,
     {36},
     false},
    {"gpt2",
     "layers.0.self_attn.o_proj.weight",
     "h.0.attn.c_proj.weight",
     "transformer.h.0.attn.c_proj.weight",
     0,
     2,
     {12, 12},
     true},
    {"gpt2",
     "layers.0.post_attention_layernorm.weight",
     "h.0.ln_2.weight",
     "transformer.h.0.ln_2.weight",
     0,
     1,
     {12},
     false},
    {"gpt2",
     "layers.0.mlp.up_proj.weight",
     "h.0.mlp.c_fc.weight",
     "transformer.h.0.mlp.c_fc.weight",
     0,
     2,
     {12, 20},
     true},
    {"gpt2",
     "layers.0.mlp.up_proj.bias",
     "h.0.mlp.c_fc.bias",
     "transformer.h.0.mlp.c_fc.bias",
     0,
     1,
     {20},
     false},
    {"gpt2",
     "layers.0.mlp.down_proj.weight",
     "h.0.mlp.c_proj.weight",
     "transformer.h.0.mlp.c_proj.weight",
     0,
     2,
     {20, 12},
     true},
    {"gpt2", "norm.bias", "ln_f.bias", "transformer.ln_f.bias", 0, 1, {12}, false},
    {"gpt2", "lm_head.weight", "lm_head.weight", "lm_head.weight", 0, 2, {100, 12}, false},
};

static void
test_places(void)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct fl_family *f = fl_family_find(places[i].family);
        struct fl_config c = config(places[i].family, false);
        struct fl_layout layout;
        struct fl_place p;
        char full[300];

        CHECK(!fl_layout_make(&layout, &c));
        int64_t k = fl_layout_find(&layout, places[i].name);
        CHECK(k >= 0);
        if (k >= 0) {
            fl_family_place(f, &layout, (size_t)k, &p);
            CHECK_TEXT(p.tensor.name, places[i].where);
            CHECK_TEXT(fl_family_full_name(f, p.tensor.name, full, sizeof full), places[i].full);
            CHECK_TEXT(fl_family_bare_name(f, full), places[i].where);
            CHECK(p.first == places[i].first && p.turned == places[i].turned);
            CHECK(p.tensor.rank == places[i].rank && p.tensor.dims[0] == places[i].dims[0]);
            CHECK(p.tensor.rank < 2 || p.tensor.dims[1] == places[i].dims[1]);
        }
        fl_layout_release(&layout);
    }
}

/* Parameters of all families cover their tensors: each value of a file is one of a parameter. */
static void
test_cover(void)
{
    const struct fl_family *f;
    size_t i;

    for (i = 0; (f = fl_family(i)); i++) {
        struct fl_config c = config(f->name, i % 2);
        struct fl_layout layout;
        struct fl_place p;
        uint64_t values = 0, elements, bytes;

        CHECK(!fl_layout_make(&layout, &c) && fl_family_find(f->name) == f);
        for (size_t k = 0; k < layout.count; k++) {
            fl_family_place(f, &layout, k, &p);
            CHECK(!fl_tensor_size(&p.tensor, &elements, &bytes) && bytes == 4 * elements);
            if (!p.first)
                values += elements;
        }
        CHECK(values == layout.size && layout.size == fl_config_parameters(&c));
        fl_layout_release(&layout);
    }
    CHECK(i == 5 && !fl_family_find("") && !fl_family_find("lLama") && !fl_family_find("llama2"));
}

int
main(void)
{
    RUN(test_places);
    RUN(test_cover);
    return test_end();
}
