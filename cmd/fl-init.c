/* fl-init: a new model with seeded random weights. See fl-init(1). */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "flt/emit.h"
#include "nn/model.h"
#include "nn/preset.h"
#include "port/lora.h"
#include "text/tokenizer.h"

static struct {
    const char *preset, *config, *tokenizer, *model, *dtype;
    struct fl_lora lora;
    bool list;
} opt;

static const struct fl_option options[] = {
    FL_OPT_CHOICE('p', "preset", "PRESET", FL_PRESETS, "a shape by name", &opt.preset),
    FL_OPT_INPUT('c', "config", "CONFIG.yaml", "a shape from a file", &opt.config),
    FL_OPT_INPUT('t', "tokenizer", "FILE",
                 "a tokenizer, a model that has one, or a tokenizer.json (default: bytes)",
                 &opt.tokenizer),
    FL_OPT_CHOICE(0, "dtype", "DTYPE", "f32|f16|bf16|q8_0",
                  "what weights are stored as (default f32)", &opt.dtype),
    FL_OPT_INPUT('m', "model", "MODEL", "with --lora: the model that the adapter is for",
                 &opt.model),
    FL_LORA_OPTIONS(opt.lora),
    FL_OPT_FLAG(0, "list-presets", "print the presets and their shapes", &opt.list),
    FL_OPT_END,
};

static int
list_presets(const struct fl_cli *cli)
{
    static const char *const columns[] = {"preset", "parameters", "layers",   "channels",
                                          "heads",  "kv_heads",   "head_dim", "ffn",
                                          "ctx",    "tied",       NULL};
    struct fl_report report;
    const char *name;

    fl_report_start(&report, columns, cli->json);
    for (unsigned i = 0; (name = fl_preset_name(i)); i++) {
        struct fl_config c = {.vocab = FL_BYTE_VOCAB};
        if (fl_config_preset(&c, name))
            return -1;
        fl_report_text(&report, name);
        fl_report_u64(&report, fl_config_parameters(&c));
        fl_report_u64(&report, c.layers);
        fl_report_u64(&report, c.channels);
        fl_report_u64(&report, c.heads);
        fl_report_u64(&report, c.kv_heads);
        fl_report_u64(&report, c.head_dim);
        fl_report_u64(&report, c.ffn);
        fl_report_u64(&report, c.ctx);
        fl_report_bool(&report, c.tied);
    }
    return fl_report_end(&report, 1, "standard output");
}

static int
read_config(struct fl_config *c, uint32_t vocab)
{
    *c = (struct fl_config){.vocab = vocab};
    if (opt.config)
        return fl_config_read(c, opt.config, vocab);
    return fl_config_preset(c, opt.preset) || fl_config_check(c) ? -1 : 0;
}

struct job {
    struct fl_model *model;
    const struct fl_tokenizer *tokenizer;
    uint64_t seed;
};

static int
write_model(void *arg, struct fl_writer *w)
{
    const struct job *job = arg;
    struct fl_meta meta = {0};
    size_t len;
    const char *json = fl_tokenizer_json(job->tokenizer, &len);

    fl_model_init(job->model, job->seed);
    int failed = fl_meta_set_i64(&meta, "round", 0) ||
                 fl_tokenizer_to_meta(job->tokenizer, &meta) ||
                 fl_model_write(job->model, w, &meta, json, len);
    fl_meta_release(&meta);
    return failed ? -1 : 0;
}

static int
make_model(const struct fl_cli *cli, const struct fl_tokenizer *t)
{
    struct job job = {.tokenizer = t, .seed = cli->seed};
    struct fl_config config;

    if (read_config(&config, fl_tokenizer_vocab(t)))
        return -1;
    job.model = fl_model_new(&config);
    for (size_t i = 0; job.model && opt.dtype && i < job.model->layout.count; i++)
        job.model->layout.params[i].dtype = fl_param_dtype(&job.model->layout.params[i],
                                                           fl_dtype_find(opt.dtype), FL_F32);
    int result = job.model ? fl_emit(cli->output, cli->level, write_model, &job) : -1;
    fl_model_free(job.model);
    return result;
}

struct adapting {
    struct fl_object *model;
    uint64_t seed;
};

static int
write_adapter(void *arg, struct fl_writer *w)
{
    const struct adapting *a = arg;

    return fl_lora_write(&opt.lora, a->model, a->seed, NULL, w);
}

static int
make_adapter(const struct fl_cli *cli)
{
    struct adapting a = {.seed = cli->seed};

    if (!opt.model || !opt.lora.rank)
        return fl_error(FL_USAGE, "an adapter is made by -m MODEL and --lora RANK together");
    if (opt.preset || opt.config || opt.tokenizer)
        return fl_error(FL_USAGE, "an adapter has the shape that -m says; leave -p, -c and -t out");
    a.model = fl_object_open(opt.model, FL_KIND_MODEL);
    int result = a.model ? fl_emit(cli->output, cli->level, write_adapter, &a) : -1;
    fl_object_free(a.model);
    return result;
}

static int
run(struct fl_cli *cli)
{
    if (opt.list)
        return list_presets(cli);
    if (opt.model || opt.lora.rank || opt.lora.targets.count || opt.lora.alpha > 0 ||
        opt.lora.rslora)
        return make_adapter(cli);
    if (!opt.preset && !opt.config)
        return fl_error(FL_USAGE,
                        "-p PRESET or -c CONFIG.yaml is missing; --list-presets shows the presets");
    if (opt.preset && opt.config)
        return fl_error(
            FL_USAGE,
            "-p and -c exclude each other; write \"preset: %s\" into %s and what differs below it",
            opt.preset, opt.config);
    if (opt.config && opt.tokenizer && !strcmp(opt.config, "-") && !strcmp(opt.tokenizer, "-"))
        return fl_error(FL_USAGE, "-c and -t cannot both be standard input");
    struct fl_tokenizer *t = opt.tokenizer ? fl_tokenizer_load(opt.tokenizer)
                                           : fl_tokenizer_bytes();
    int result = t ? make_model(cli, t) : -1;
    fl_tokenizer_free(t);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-init",
        .summary = "Make a new model, or a new adapter of one, with seeded random weights.",
        .operands = "",
        .max_operands = 0,
        .common = FL_HAS_OUTPUT | FL_HAS_LEVEL | FL_HAS_SEED | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
