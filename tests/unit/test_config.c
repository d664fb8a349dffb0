#include "base/version.h"
#include "test.h"

#include "nn/config.h"

static const struct fl_config good = {300, 128, 3, 24, 4, 2, 6, 40, 1e-5, 1e4, true};

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
    c = (struct fl_config){FL_MODEL_VOCAB_MAX,
                           1,
                           FL_LAYERS_MAX,
                           FL_CHANNELS_MAX,
                           FL_HEADS_MAX,
                           FL_HEADS_MAX,
                           FL_HEAD_DIM_MAX,
                           FL_FFN_MAX,
                           1e-5,
                           1e4,
                           false};
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
    CHECK(!fl_meta_set_i64(&meta, "arch.layers", 3));
    CHECK(!fl_meta_set_i64(&meta, "arch.bias", 1));
    CHECK(fl_config_from_meta(&c, &meta) == -1 && strstr(fl_error_text(), "arch.bias is 1"));
    CHECK(!fl_meta_set_i64(&meta, "arch.bias", 0));
    CHECK(!fl_meta_set_text(&meta, "arch.act", "gelu"));
    CHECK(fl_config_from_meta(&c, &meta) == -1);
    CHECK_TEXT(fl_error_text(), "arch.act is \"gelu\", and this fl computes \"silu\" only; use a "
                                "newer fl than " FL_VERSION ", or another model");
    CHECK(!fl_meta_set_text(&meta, "arch.act", "silu") && !fl_config_from_meta(&c, &meta));
    CHECK(!fl_meta_set_i64(&meta, "arch.window", 4096));
    CHECK(fl_config_from_meta(&c, &meta) == -1);
    CHECK_TEXT(fl_error_text(), "arch.window is a feature that this fl does not compute; use a "
                                "newer fl than " FL_VERSION ", or another model");
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
}

int
main(void)
{
    RUN(test_check);
    RUN(test_metadata);
    RUN(test_counts);
    return test_end();
}
