#include "base/version.h"
#include "shape.h"
#include "test.h"

#include "nn/model.h"

static const struct fl_config good = {LLAMA(300, 128, 3, 24, 4, 2, 6, 40, 1e-5, 1e4, true)};

static void
test_check(void)
{
    struct fl_config c = good;

    CHECK(!fl_config_check(&c));
#define BAD(member, value, text)                                                                   \
    do {                                                                                           \
        c = good;                                                                                  \
        c.member = (value);                                                                        \
        CHECK(fl_config_check(&c) == -1);                                                          \
        CHECK(fl_error_status() == FL_USAGE);                                                      \
        CHECK(strstr(fl_error_text(), text));                                                      \
    } while (0)
    BAD(vocab, 0, "vocab");
    BAD(vocab, FL_MODEL_VOCAB_MAX + 1, "vocab");
    BAD(ctx, 0, "ctx");
    BAD(layers, FL_LAYERS_MAX + 1, "layers");
    BAD(channels, UINT32_MAX, "channels");
    BAD(heads, 0, "heads");
    BAD(kv_heads, 3, "kv_heads: 3 does not divide");
    BAD(kv_heads, 8, "kv_heads");
    BAD(head_dim, 7, "head_dim");
    BAD(ffn, 0, "ffn");
    BAD(norm_eps, 0, "norm_eps");
    BAD(norm_eps, (double)NAN, "norm_eps");
    BAD(rope_base, 0.5, "rope_base");
    BAD(rope_base, (double)INFINITY, "rope_base");
    BAD(rope_dim, 3, "rope_dim: 3 is odd");
    BAD(rope_dim, 8, "rope_dim: 8 is more than head_dim");
    BAD(bias, 8, "bias");
    BAD(window, FL_CTX_MAX + 1, "window");
    BAD(positions, FL_POSITIONS_LEARNED, "are learned");
    BAD(rope_scaling, ((struct fl_rope_scaling){FL_ROPE_LINEAR, 0, 0, 0, 0}), "rope_factor");
    BAD(rope_scaling, ((struct fl_rope_scaling){FL_ROPE_LLAMA3, 8, 0, 4, 64}), "rope_low");
    BAD(rope_scaling, ((struct fl_rope_scaling){FL_ROPE_LLAMA3, 8, 4, 4, 64}), "rope_high");
    BAD(rope_scaling, ((struct fl_rope_scaling){FL_ROPE_LLAMA3, 8, 1, 4, 0}), "rope_ctx");
    c = (struct fl_config){LLAMA(FL_MODEL_VOCAB_MAX, 1, FL_LAYERS_MAX, FL_CHANNELS_MAX,
                                 FL_HEADS_MAX, FL_HEADS_MAX, FL_HEAD_DIM_MAX, FL_FFN_MAX, 1e-5, 1e4,
                                 false)};
    CHECK(fl_config_check(&c) == -1 && strstr(fl_error_text(), "too large"));
}

static void
test_metadata(void)
{
    struct fl_meta meta = {0};
    struct fl_config c;

    CHECK(!fl_meta_set_text(&meta, "note", "kept"));
    CHECK(!fl_config_to_meta(&good, &meta));
    CHECK(fl_meta_find(&meta, "note") != NULL);
    CHECK(!fl_config_from_meta(&c, &meta));
    CHECK(c.vocab == 300 && c.ctx == 128 && c.layers == 3 && c.channels == 24 && c.heads == 4 &&
          c.kv_heads == 2 && c.head_dim == 6 && c.ffn == 40 && c.norm_eps == 1e-5 &&
          c.rope_base == 1e4 && c.tied);
    /* every key is needed, and what it says is read */
    static const char *const keys[] = {"arch.family",   "arch.norm",      "arch.act",
                                       "arch.bias",     "arch.vocab",     "arch.ctx",
                                       "arch.layers",   "arch.channels",  "arch.heads",
                                       "arch.kv_heads", "arch.head_dim",  "arch.ffn",
                                       "arch.norm_eps", "arch.rope_base", "arch.tied"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct fl_meta copy = {0};
        CHECK(!fl_meta_copy(&copy, &meta));
        fl_meta_remove(&copy, keys[i]);
        CHECK(fl_config_from_meta(&c, &copy) == -1 && strstr(fl_error_text(), keys[i]));
        CHECK(fl_error_status() == FL_FAILED);
        fl_meta_release(&copy);
    }
    CHECK(!fl_meta_set_i64(&meta, "arch.kv_heads", 3));
    CHECK(fl_config_from_meta(&c, &meta) == -1 && fl_error_status() == FL_FAILED);
    CHECK(!fl_meta_set_i64(&meta, "arch.kv_heads", 2));
    CHECK(!fl_meta_set_i64(&meta, "arch.layers", (int64_t)1 << 40));
    CHECK(fl_config_from_meta(&c, &meta) == -1);
    CHECK(!fl_meta_set_i64(&meta, "arch.layers", 3) && !fl_config_from_meta(&c, &meta));
    CHECK(!fl_meta_set_i64(&meta, "arch.bias", 8));
    CHECK(fl_config_from_meta(&c, &meta) == -1 && strstr(fl_error_text(), "arch.bias"));
    CHECK(!fl_meta_set_i64(&meta, "arch.bias", 0));
    CHECK(!fl_meta_set_text(&meta, "arch.act", "relu"));
    CHECK(fl_config_from_meta(&c, &meta) == -1);
    CHECK_TEXT(fl_error_text(),
               "arch.act is \"relu\", and this fl computes \"silu\", \"gelu\" and \"gelu_tanh\" "
               "only; use a newer fl than " FL_VERSION ", or another model");
    CHECK(!fl_meta_set_text(&meta, "arch.act", "silu") && !fl_config_from_meta(&c, &meta));
    CHECK(!fl_meta_set_i64(&meta, "arch.experts", 8));
    CHECK(fl_config_from_meta(&c, &meta) == -1);
    CHECK_TEXT(fl_error_text(), "arch.experts is a feature that this fl does not compute; use a "
                                "newer fl than " FL_VERSION ", or another model");
    fl_meta_release(&meta);
}

#define SMALL LLAMA(300, 128, 3, 24, 4, 2, 6, 40, 1e-5, 1e4, true)

/* Each with one switch; parameters beside those of the plain one. */
static const struct {
    const char *key;
    struct fl_config config;
    uint64_t more;
} switches[] = {
    {"arch.norm", {SMALL, .norm = FL_NORM_LAYER}, (2 * 3 + 1) * 24},
    {"arch.act", {SMALL, .act = FL_ACT_GELU}, (uint64_t)0 - 3 * 40 * 24},
    {"arch.act", {SMALL, .act = FL_ACT_GELU_TANH}, (uint64_t)0 - 3 * 40 * 24},
    {"arch.rope_dim", {SMALL, .rope_dim = 4}, 0},
    {"arch.rope_factor", {SMALL, .rope_scaling = {FL_ROPE_LINEAR, 4, 0, 0, 0}}, 0},
    {"arch.rope_ctx", {SMALL, .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 64}}, 0},
    {"arch.rope_low", {SMALL, .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 64}}, 0},
    {"arch.rope_high", {SMALL, .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 64}}, 0},
    {"arch.bias", {SMALL, .bias = FL_BIAS_QKV}, 3 * (24 + 12 + 12)},
    {"arch.bias", {SMALL, .bias = FL_BIAS_O}, 3 * 24},
    {"arch.bias", {SMALL, .bias = FL_BIAS_FFN}, 3 * (24 + 40 + 40)},
    {NULL, {SMALL, .qk_norm = true}, 3 * 2 * 6},
    {NULL, {SMALL, .window = 16}, 0},
};

/* Out into metadata and in again; the table of parameters agrees with their count. */
static void
test_switches(void)
{
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        const struct fl_config *want = &switches[i].config;
        struct fl_meta meta = {0};
        struct fl_config c;
        CHECK(!fl_config_check(want) && !fl_config_to_meta(want, &meta));
        CHECK(!fl_config_from_meta(&c, &meta));
        CHECK(c.norm == want->norm && c.act == want->act && c.positions == want->positions);
        CHECK(c.rope_dim == want->rope_dim && c.bias == want->bias && c.window == want->window);
        CHECK(c.qk_norm == want->qk_norm && c.rope_scaling.kind == want->rope_scaling.kind);
        CHECK(c.rope_scaling.factor == want->rope_scaling.factor &&
              c.rope_scaling.low == want->rope_scaling.low &&
              c.rope_scaling.high == want->rope_scaling.high &&
              c.rope_scaling.ctx == want->rope_scaling.ctx);
        CHECK(fl_config_parameters(want) - fl_config_parameters(&good) == switches[i].more);
        struct fl_model *m = fl_model_table(want);
        CHECK(m && m->layout.size == fl_config_parameters(want) &&
              m->layout.trained == m->layout.size);
        fl_model_free(m);
        if (switches[i].key && !want->rope_dim) {
            fl_meta_remove(&meta, switches[i].key);
            CHECK(fl_config_from_meta(&c, &meta) == -1);
            CHECK(strstr(fl_error_text(), switches[i].key));
        }
        fl_meta_release(&meta);
    }
}

/* A key that changes nothing would give one model two digests. */
static void
test_one_form(void)
{
    static const struct {
        const char *key;
        int64_t value;
    } idle[] = {{"arch.rope_ctx", 64},
                {"arch.rope_dim", 0},
                {"arch.window", 0},
                {"arch.qk_norm", 0}};
    struct fl_config learned = {LLAMA(300, 128, 3, 24, 4, 2, 5, 40, 1e-5, 0, true),
                                .positions = FL_POSITIONS_LEARNED},
                     c;
    struct fl_meta meta = {0};

    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        CHECK(!fl_config_to_meta(&good, &meta) &&
              !fl_meta_set_i64(&meta, idle[i].key, idle[i].value));
        CHECK(fl_config_from_meta(&c, &meta) == -1 && strstr(fl_error_text(), idle[i].key));
        fl_meta_release(&meta);
        meta = (struct fl_meta){0};
    }
    CHECK(!fl_config_check(&learned) && !fl_config_to_meta(&learned, &meta));
    CHECK(!fl_meta_find(&meta, "arch.rope_base") && !fl_config_from_meta(&c, &meta));
    CHECK(c.positions == FL_POSITIONS_LEARNED && c.rope_base == 0);
    CHECK(fl_config_parameters(&learned) ==
          128 * 24 + 300 * 24 + 24 + 3 * (2 * 24 + 24 * (2 * 20 + 2 * 10) + 3 * 40 * 24));
    CHECK(!fl_meta_set_f64(&meta, "arch.rope_base", 1e4));
    CHECK(fl_config_from_meta(&c, &meta) == -1 && strstr(fl_error_text(), "arch.rope_base"));
    fl_meta_release(&meta);
}

static void
test_counts(void)
{
    struct fl_config c = good;
    uint64_t layer = 24 + 24 * 24 + 2 * 12 * 24 + 24 * 24 + 24 + 3 * 40 * 24;

    CHECK(fl_config_parameters(&c) == 300 * 24 + 3 * layer + 24);
    c.tied = false;
    CHECK(fl_config_parameters(&c) == 2 * 300 * 24 + 3 * layer + 24);
    /* matrices: layers without gains, and one head; attention over (T + 1) / 2 keys, twice 2 HD */
    double matrices = 3.0 * ((double)layer - 48) + 300 * 24;
    CHECK_NEAR(fl_config_train_flops(&c, 9), 6 * matrices + 3 * (3 * 4 * 24 * 5.0), 1e-12);
    c.window = 3; /* tokens see 1, 2, 3, 3, ... */
    CHECK_NEAR(fl_config_train_flops(&c, 9), 6 * matrices + 3 * (3 * 4 * 24 * 24.0 / 9), 1e-12);
    c.window = 9;
    CHECK_NEAR(fl_config_train_flops(&c, 9), 6 * matrices + 3 * (3 * 4 * 24 * 5.0), 1e-12);
}

int
main(void)
{
    RUN(test_check);
    RUN(test_metadata);
    RUN(test_switches);
    RUN(test_one_form);
    RUN(test_counts);
    return test_end();
}
