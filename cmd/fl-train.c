/* fl-train: train a model on one site's tokens and write the update. See fl-train(1). */
#include <string.h>

#include "base/error.h"
#include "base/name.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/freeze.h"
#include "nn/bundle.h"
#include "nn/cost.h"
#include "nn/settings.h"
#include "nn/train_log.h"
#include "nn/trained.h"
#include "os/file.h"
#include "os/output.h"
#include "os/stop.h"

static struct {
    const char *model, *plan, *config, *checkpoint, *site, *report;
    struct fl_option_list valid;
    struct fl_recipe recipe;
    double checkpoint_every;
    int64_t report_every, valid_every;
    bool dry_run;
} opt = {.recipe = FL_RECIPE_UNSET, .checkpoint_every = 30, .valid_every = 10};

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the base model (required)", &opt.model),
    FL_OPT_INPUT('p', "plan", "PLAN", "the round: train what its roster does not freeze",
                 &opt.plan),
    FL_OPT_INPUT('c', "config", "RECIPE.yaml", "settings that are not given as options",
                 &opt.config),
    FL_OPT_I64(0, "steps", "N", 0, 1e15, "steps of the optimizer", &opt.recipe.steps),
    FL_OPT_I64(0, "epochs", "N", 0, 1e9, "passes over the shards, instead of --steps (default 1)",
               &opt.recipe.epochs),
    FL_OPT_I64('b', "batch", "N", 1, 1e6, "windows at a time (default: by the model's size)",
               &opt.recipe.batch),
    FL_OPT_I64(0, "accumulate", "N", 1, 1e6, "batches that one step takes together",
               &opt.recipe.accumulate),
    FL_OPT_I64('l', "length", "TOKENS", 1, 1e6, "length of a window (default: the model's context)",
               &opt.recipe.length),
    FL_OPT_F64(0, "lr", "X", 0, 1e38, "highest learning rate (default: by the model's size)",
               &opt.recipe.lr),
    FL_OPT_F64(0, "min-lr", "X", 0, 1e38, "rate of the last step (default: a tenth of --lr)",
               &opt.recipe.min_lr),
    FL_OPT_I64(0, "warmup", "N", 0, 1e15,
               "steps in which the rate rises (default: a tenth, at most 100)", &opt.recipe.warmup),
    FL_OPT_F64(0, "weight-decay", "X", 0, 1e3, "of matrices (default 0.1)",
               &opt.recipe.weight_decay),
    FL_OPT_F64(0, "beta1", "X", 0, 0.999999, "AdamW's memory of gradients (default 0.9)",
               &opt.recipe.beta1),
    FL_OPT_F64(0, "beta2", "X", 0, 0.999999999, "and of their squares (default 0.95)",
               &opt.recipe.beta2),
    FL_OPT_F64(0, "clip", "X", 0, 1e9, "largest norm of a gradient, 0: any (default 1)",
               &opt.recipe.clip),
    FL_OPT_INPUTS(0, "valid", "SHARD", "measure on this one too; may be given many times",
                  &opt.valid),
    FL_OPT_I64(0, "valid-every", "N", 0, 1e9,
               "at every Nth row of the report (default 10; 0: the ends)", &opt.valid_every),
    FL_OPT_OUTPUT(0, "checkpoint", "FILE", "go on from it if it is there; write it on the way",
                  &opt.checkpoint),
    FL_OPT_F64(0, "checkpoint-every", "SECONDS", 0, 1e9, "how often (default 30)",
               &opt.checkpoint_every),
    FL_OPT_I64(0, "seed", "N", 0, 9007199254740992.0,
               "seed of the order of windows (default: the base model's round)", &opt.recipe.seed),
    FL_OPT_TEXT(0, "site", "NAME", "name of the site, for the update", &opt.site),
    FL_OPT_OUTPUT(0, "report", "FILE", "write rows of loss, rate and speed as they come",
                  &opt.report),
    FL_OPT_I64(0, "report-every", "N", 1, 1e15, "steps of a row (default: a hundredth of all)",
               &opt.report_every),
    FL_OPT_FLAG(0, "dry-run", "check the inputs, print what it would take, and end", &opt.dry_run),
    FL_OPT_END,
};

/* What is at hand between opening the inputs and committing the update. */
struct work {
    const struct fl_cli *cli;
    struct fl_bundle bundle;
    struct fl_data *valid;
    struct fl_data *data;
    struct fl_training training;
    struct fl_train_log log;
    struct fl_output out;
};

static int
check_options(const struct fl_cli *cli)
{
    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; it names the model to train from");
    if (fl_same_file(opt.model, "-") && !cli->operand_count)
        return fl_error(FL_USAGE, "the model is on standard input, so the shards must be operands");
    if (opt.recipe.steps >= 0 && opt.recipe.epochs >= 0)
        return fl_error(FL_USAGE, "--steps and --epochs exclude each other; give one of them");
    if (fl_same_file(opt.checkpoint, "-"))
        return fl_error(FL_USAGE, "a checkpoint is read again, so it must be a file");
    if (opt.site && fl_name_check(opt.site))
        return fl_error_about("--site");
    return opt.config ? fl_recipe_read(opt.config, &opt.recipe) : 0;
}

static int
open_data(struct work *w)
{
    size_t count = w->cli->operand_count;

    w->data = fl_bundle_data(&w->bundle, w->cli->operands, count ? count : 1);
    w->valid = fl_bundle_data(&w->bundle, opt.valid.items, opt.valid.count);
    if (!w->data || !w->valid)
        return -1;
    if (opt.valid.count && fl_data_tokens(w->valid) < 2)
        return fl_error(FL_FAILED, "%s: has less than two tokens, so there is nothing to predict",
                        opt.valid.items[0]);
    return fl_data_check_split(w->data, w->valid);
}

/* One recipe serves sites of all sizes; a small one hears what became of it. */
static int
fill_recipe(const struct work *w)
{
    int64_t batch = opt.recipe.batch, accumulate = opt.recipe.accumulate;

    if (fl_settings_fill(&opt.recipe, &w->bundle.model->layout.config, fl_data_tokens(w->data)))
        return -1;
    if (batch > opt.recipe.batch || accumulate > opt.recipe.accumulate)
        fl_warn(
            w->cli,
            "the shards have only %llu windows of %lld tokens: a step takes %lld at a time, %lld "
            "times, each window at most once",
            (unsigned long long)fl_data_tokens(w->data) / (unsigned long long)opt.recipe.length,
            (long long)opt.recipe.length, (long long)opt.recipe.batch,
            (long long)opt.recipe.accumulate);
    return 0;
}

static int
open_inputs(struct work *w)
{
    struct fl_training *t = &w->training;

    if (!(t->pool = fl_pool_new(w->cli->threads)) || fl_bundle_open(&w->bundle, opt.model) ||
        fl_object_digest(w->bundle.object, t->pool, t->base) ||
        fl_object_params(w->bundle.object, t->pool, t->params) ||
        (opt.plan && fl_freeze_by_plan(&w->bundle, opt.plan, t->pool)) || open_data(w))
        return -1;
    if ((opt.recipe.seed < 0 && fl_model_round(w->bundle.object, &opt.recipe.seed)) ||
        fill_recipe(w))
        return -1;
    t->model = w->bundle.model;
    t->data = w->data;
    t->valid = opt.valid.count ? w->valid : NULL;
    t->recipe = opt.recipe;
    t->checkpoint = opt.checkpoint;
    t->checkpoint_every = opt.checkpoint_every;
    t->valid_every = opt.valid_every;
    t->report_every = opt.report_every ? opt.report_every : (t->recipe.steps + 99) / 100;
    t->report_every = t->report_every ? t->report_every : 1;
    return 0;
}

static int
write_update(struct work *w, const struct fl_train_result *result)
{
    const struct fl_trained trained = {&w->training, result, w->bundle.object, opt.site};
    struct fl_writer *writer = fl_writer_new(w->out.fd, w->out.name, w->cli->level);
    int failed = !writer || fl_trained_write(&trained, writer);

    fl_writer_free(writer);
    return failed ? -1 : fl_output_commit(&w->out);
}

/* *SIGNAL: what stopped it, when everything that could be saved was. */
static int
train(struct work *w, int *signal)
{
    const struct fl_cli *cli = w->cli;
    struct fl_train_result result;

    if (opt.checkpoint) /* without one, nothing could be kept by ending later */
        fl_stop_catch(cli->quiet ? NULL
                                 : "fl-train: stopping after this step; the same command goes on");
    if (fl_output_open(&w->out, cli->output, FL_OUTPUT_BINARY) || fl_output_try(opt.checkpoint) ||
        fl_train_log_open(&w->log, opt.report, cli->json, &w->training))
        return -1;
    if (fl_train(&w->training, &result))
        return -1;
    if (opt.checkpoint && (*signal = fl_stop_let()))
        return 0;
    fl_train_log_end(&w->log);
    return write_update(w, &result);
}

static int
estimate(struct work *w)
{
    const struct fl_trained planned = {&w->training, NULL, w->bundle.object, opt.site};
    struct fl_report report;
    struct fl_cost cost;

    if (fl_cost(&planned, w->cli->output, &cost))
        return -1;
    if (cost.memory.lacking)
        fl_warn(w->cli,
                "the training takes %llu MiB of memory and %llu are available, so its time "
                "was not tried; a smaller -b takes less",
                (unsigned long long)cost.memory.total >> 20,
                (unsigned long long)cost.memory.available >> 20);
    else if (fl_cost_probe(&w->training, &cost))
        return -1;
    fl_report_start_record(&report, w->cli->json);
    fl_cost_report(&w->training, &cost, &report);
    return fl_report_end(&report, 1, "standard output");
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli, .out = FL_OUTPUT_INIT, .log = {.fd = -1}};
    int signal = 0, result = check_options(cli) || open_inputs(&w);

    if (!result)
        result = opt.dry_run ? estimate(&w) : train(&w, &signal);
    fl_output_abort(&w.out);
    fl_train_log_close(&w.log);
    fl_data_free(w.data);
    fl_data_free(w.valid);
    fl_bundle_release(&w.bundle);
    fl_pool_free(w.training.pool);
    if (signal)
        fl_stop_die(signal);
    return result ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-train",
        .summary = "Train a model on token shards; write the update, new weights minus base.",
        .operands = "[SHARD...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
