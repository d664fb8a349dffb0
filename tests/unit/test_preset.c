/* Presets and shapes from YAML; tests/cli/30-init.sh has the refusals. */
#include "nn/preset.h"

#include <unistd.h>

#include "base/choice.h"

#include "test.h"

static void
test_sizes(void)
{
    static const struct {
        const char *name;
        double least, most;
    } want[] = {{"nano", 0, 0.2e6},     {"micro", 0.7e6, 1.3e6}, {"small", 12e6, 18e6},
                {"medium", 40e6, 60e6}, {"base", 100e6, 150e6},  {"large", 300e6, 400e6},
                {"xl", 0.9e9, 1.1e9}};
    uint32_t ctx = 256;

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct fl_config c = {.vocab = 257};
        CHECK(fl_choice_find(FL_PRESETS, want[i].name) >= 0);
        CHECK(!fl_config_preset(&c, want[i].name) && !fl_config_check(&c));
        double n = (double)fl_config_parameters(&c);
        CHECK(n > want[i].least && n < want[i].most);
        CHECK(c.vocab == 257 && c.ctx >= ctx && c.ctx <= 2048 && c.kv_heads < c.heads);
        CHECK(c.heads * c.head_dim == c.channels);
        ctx = c.ctx;
    }
    struct fl_config c = {.vocab = 257};
    CHECK(fl_config_preset(&c, "tiny") == -1 && fl_error_status() == FL_USAGE);
    CHECK(strstr(fl_error_text(), FL_PRESETS));
}

/* The list is in the order of sizes, and the words of the option are the same. */
static void
test_order(void)
{
    uint64_t before = 0;
    const char *name;
    unsigned i = 0;

    for (; (name = fl_preset_name(i)); i++) {
        struct fl_config c = {.vocab = 257};
        CHECK(fl_choice_find(FL_PRESETS, name) == (int)i && !fl_config_preset(&c, name));
        CHECK(!fl_config_check(&c) && fl_config_parameters(&c) > before);
        before = fl_config_parameters(&c);
    }
    CHECK(fl_choice_find(FL_PRESETS, "xl") == (int)i - 1);
}

/* With their own vocabularies, models that people have are of the size that is known of them. */
static void
test_known_models(void)
{
    static const struct {
        const char *name;
        uint32_t vocab;
        uint64_t parameters;
    } want[] = {{"gpt2-124m", 50257, 124439808},
                {"smollm2-135m", 49152, 134515008},
                {"qwen2.5-0.5b", 151936, 494032768},
                {"llama3.2-1b", 128256, 1235814400}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct fl_config c = {.vocab = want[i].vocab};
        CHECK(!fl_config_preset(&c, want[i].name) && c.vocab == want[i].vocab);
        CHECK(fl_config_parameters(&c) == want[i].parameters);
    }
}

static int
read_text(const char *text, struct fl_config *c)
{
    char path[] = "/tmp/test_preset.XXXXXX";
    int fd = mkstemp(path), result = -1;

    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        result = fl_config_read(c, path, 257);
    if (fd >= 0)
        close(fd);
    unlink(path);
    return result;
}

static void
test_defaults(void)
{
    struct fl_config c;

    CHECK(!read_text("layers: 2\nchannels: 48\nheads: 4\n", &c));
    CHECK(c.vocab == 257 && c.ctx == 1024 && c.layers == 2 && c.channels == 48 && c.heads == 4);
    CHECK(c.kv_heads == 4 && c.head_dim == 12 && c.ffn == 128 && c.tied);
    CHECK(c.norm_eps == 1e-5 && c.rope_base == 10000);
}

static void
test_changes_of_a_preset(void)
{
    struct fl_config c, nano = {.vocab = 257};

    CHECK(!fl_config_preset(&nano, "nano"));
    CHECK(!read_text("tied: false\npreset: nano\nvocab: 300\nrope_base: 5e5\n", &c));
    CHECK(c.layers == nano.layers && c.ffn == nano.ffn && c.head_dim == nano.head_dim);
    CHECK(!c.tied && c.vocab == 300 && c.rope_base == 5e5);
}

static void
test_switches(void)
{
    struct fl_config c;

    CHECK(!read_text("preset: nano\nnorm: layernorm\nact: gelu_tanh\nbias: 7\npositions: learned\n"
                     "head_dim: 15\n",
                     &c));
    CHECK(c.norm == FL_NORM_LAYER && c.act == FL_ACT_GELU_TANH && c.bias == FL_BIAS_ALL);
    CHECK(c.positions == FL_POSITIONS_LEARNED && c.rope_base == 0 && c.head_dim == 15);
    CHECK(!read_text(
        "preset: nano\nact: gelu\nqk_norm: true\nwindow: 64\nrope_dim: 8\n"
        "rope_scaling: llama3\nrope_factor: 8\nrope_low: 1\nrope_high: 4\nrope_ctx: 64\n",
        &c));
    CHECK(c.act == FL_ACT_GELU && c.qk_norm && c.window == 64 && c.rope_dim == 8);
    CHECK(c.rope_scaling.kind == FL_ROPE_LLAMA3 && c.rope_scaling.factor == 8);
    CHECK(c.rope_scaling.low == 1 && c.rope_scaling.high == 4 && c.rope_scaling.ctx == 64);
    CHECK(!read_text("preset: nano\nrope_scaling: linear\nrope_factor: 2.5\nbias: 1\n", &c));
    CHECK(c.rope_scaling.kind == FL_ROPE_LINEAR && c.rope_scaling.factor == 2.5 && c.bias == 1);
}

static void
test_wrong_files(void)
{
    static const char *const bad[] = {
        "",
        "a",
        "layers: 2\n",
        "preset: tiny\n",
        "preset: nano\nvocab: 256\n",
        "preset: nano\nctx: 0\n",
        "preset: nano\nheads: 0\n",
        "preset: nano\nhead_dim: 7\n",
        "preset: nano\nkv_heads: 3\n",
        "preset: nano\nnorm_eps: 0\n",
        "preset: nano\nact: relu\n",
        "preset: nano\nbias: true\n",
        "preset: nano\nbias: 8\n",
        "preset: nano\nrope_dim: 5\n",
        "preset: nano\nrope_dim: 64\n",
        "preset: nano\nrope_factor: 4\n",
        "preset: nano\nrope_scaling: linear\n",
        "preset: nano\nrope_scaling: linear\nrope_factor: 4\nrope_ctx: 64\n",
        "preset: nano\nrope_scaling: llama3\nrope_factor: 4\nrope_low: 1\nrope_high: 4\n",
        "preset: nano\npositions: learned\nrope_base: 10000\n",
        "preset: nano\npositions: learned\nrope_scaling: linear\nrope_factor: 2\n",
        "preset: nano\nnorm: batchnorm\n",
        "preset: nano\narch.ctx: 3\n",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_config c;
        CHECK(read_text(bad[i], &c) == -1 && fl_error_status() == FL_USAGE);
        CHECK(strstr(fl_error_text(), "/tmp/test_preset."));
        fl_error_clear();
    }
}

int
main(void)
{
    RUN(test_sizes);
    RUN(test_order);
    RUN(test_known_models);
    RUN(test_defaults);
    RUN(test_changes_of_a_preset);
    RUN(test_switches);
    RUN(test_wrong_files);
    return test_end();
}
