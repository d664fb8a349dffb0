/* fl-train: train a model on one site's tokens and write the update. See fl-train(1). */
#include <string.h>

#include "base/error.h"
#include "base/name.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/freeze.h"
#include "fed/train_paid.h"
#include "nn/bundle.h"
#include "nn/cost.h"
#include "nn/hide.h"
#include "nn/train_log.h"
#include "nn/trained.h"
#include "nn/training.h"
#include "os/file.h"
#include "os/output.h"
#include "os/stop.h"
#include "port/lora.h"

static struct {
    const char *model, *plan, *config, *site, *report;
    struct fl_option_list valid;
    struct fl_lora lora;
    struct fl_purse purse;
    bool dry_run;
} opt = {.purse = FL_PURSE_INIT};

static struct fl_training job = {.recipe = FL_RECIPE_UNSET,
                                 .checkpoint_every = 30,
                                 .valid_every = 10};

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the base model (required)", &opt.model),
    FL_LORA_OPTIONS(opt.lora),
    FL_LORA_TRAIN_OPTIONS(opt.lora),
    FL_OPT_INPUT('p', "plan", "PLAN", "the round: train what it does not freeze, by its recipe",
                 &opt.plan),
    FL_OPT_INPUT('c', "config", "RECIPE.yaml", "settings that are not given as options",
                 &opt.config),
    FL_RECIPE_OPTIONS(job.recipe),
    FL_OPT_INPUTS(0, "valid", "SHARD", "measure on this one too; may be repeated", &opt.valid),
    FL_OPT_I64(0, "valid-every", "N", 0, 1e9,
               "at every Nth row of the report (default 10; 0: the ends)", &job.valid_every),
    FL_OPT_OUTPUT(0, "checkpoint", "FILE", "go on from it if it is there; write it on the way",
                  &job.checkpoint),
    FL_OPT_F64(0, "checkpoint-every", "SECONDS", 0, 1e9, "how often (default 30)",
               &job.checkpoint_every),
    FL_OPT_I64(0, "seed", "N", 0, 9007199254740992.0,
               "seed of the order of windows (default: the base model's round)", &job.recipe.seed),
    FL_OPT_FLAG(0, "recompute", "less memory for a third more time", &job.recompute),
    FL_OPT_TEXT(0, "site", "NAME", "name of the site, for the update", &opt.site),
    FL_OPT_OUTPUT(0, "report", "FILE", "rows of loss, rate and speed as they come", &opt.report),
    FL_OPT_I64(0, "report-every", "N", 1, 1e15, "steps of a row (default: a hundredth of all)",
               &job.report_every),
    FL_OPT_FLAG(0, "dry-run", "check the inputs, print what it would take, and end", &opt.dry_run),
    FL_PURSE_OPTIONS(opt.purse),
    FL_OPT_END,
};

/* What is at hand between opening the inputs and committing the update. */
struct work {
    const struct fl_cli *cli;
    struct fl_bundle bundle;
    struct fl_data *data, *valid;
    struct fl_documents documents;
    struct fl_train_log log;
    struct fl_output out;
    struct fl_cost cost;
    struct fl_buf advice; /* lines of it */
};

static int
check_options(const struct fl_cli *cli)
{
    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; it names the model to train from");
    if (fl_same_file(opt.model, "-") && !cli->operand_count)
        return fl_error(FL_USAGE, "the model is on standard input, so the shards must be operands");
    if (job.recipe.steps >= 0 && job.recipe.epochs >= 0)
        return fl_error(FL_USAGE, "--steps and --epochs exclude each other; give one of them");
    if (fl_same_file(job.checkpoint, "-"))
        return fl_error(FL_USAGE, "a checkpoint is read again, so it must be a file");
    if (opt.site && fl_name_check(opt.site))
        return fl_error_about("--site");
    if (opt.config && fl_recipe_read(opt.config, &job.recipe))
        return -1;
    return opt.plan ? 0 : fl_hide_check(&job.recipe); /* the plan may have more to say */
}

static int
open_data(struct work *w)
{
    size_t count = w->cli->operand_count;
    const unsigned char *contract;

    w->data = fl_bundle_data(&w->bundle, w->cli->operands, count ? count : 1);
    w->valid = fl_bundle_data(&w->bundle, opt.valid.items, opt.valid.count);
    return !w->data || !w->valid || fl_data_check_split(w->data, w->valid) ||
                   fl_data_check_contract(w->data, w->valid, &contract)
               ? -1
               : 0;
}

static int
open_inputs(struct work *w)
{
    if (!(job.pool = fl_pool_new(w->cli->threads)) || fl_bundle_look(&w->bundle, opt.model) ||
        fl_lora_adapt(&opt.lora, &w->bundle, job.pool) ||
        fl_object_digest(fl_bundle_trained(&w->bundle), job.pool, job.base) ||
        fl_object_params(fl_bundle_trained(&w->bundle), job.pool, job.params) ||
        (opt.plan &&
         fl_freeze_by_plan(&w->bundle, opt.plan, job.pool, &job.recipe, &opt.purse.agreed)) ||
        fl_hide_check(&job.recipe) || open_data(w))
        return -1;
    job.model = w->bundle.model;
    job.data = w->data;
    job.valid = opt.valid.count ? w->valid : NULL;
    if ((job.recipe.seed < 0 && fl_model_round(fl_bundle_trained(&w->bundle), &job.recipe.seed)) ||
        fl_training_fill(&job, &w->advice))
        return -1;
    if (fl_model_to_train(w->bundle.model))
        return fl_error_about(fl_object_name(w->bundle.object));
    return fl_hide_open(&job, &w->documents) ||
                   fl_train_may_pay(&opt.purse, &job, opt.dry_run, &w->advice)
               ? -1
               : 0;
}

/* What it will take; activations are recomputed where they would not find room. */
static int
count_cost(struct work *w)
{
    const struct fl_trained planned = {&job,
                                       NULL,
                                       fl_bundle_trained(&w->bundle),
                                       opt.site,
                                       w->bundle.adapter ? w->bundle.object : NULL,
                                       NULL};
    bool asked = job.recompute;

    fl_warn_lines(w->cli, fl_buf_text(&w->advice));
    if (fl_cost_choose(&job, &planned, w->cli->output, &w->cost))
        return -1;
    if (job.recompute && !asked)
        fl_warn(w->cli, "there is too little memory to keep activations: --recompute is chosen");
    return 0;
}

static int
write_update(struct work *w, const struct fl_train_result *result)
{
    struct fl_trained trained = {&job, result, fl_bundle_trained(&w->bundle), opt.site, NULL, NULL};
    struct fl_writer *writer = fl_writer_new(w->out.fd, w->out.name, w->cli->level);
    int failed = !writer || fl_train_paid_write(&opt.purse, &trained, writer, w->out.name);

    fl_writer_free(writer);
    return failed ? -1 : fl_output_commit(&w->out);
}

/* *SIGNAL: what stopped it, when everything that could be saved was. */
static int
train(struct work *w, int *signal)
{
    const struct fl_cli *cli = w->cli;
    struct fl_train_result result;

    if (job.checkpoint) /* without one, nothing could be kept by ending later */
        fl_stop_catch(cli->quiet ? NULL
                                 : "fl-train: stopping after this step; the same command goes on");
    if (fl_bundle_fill(&w->bundle) || fl_output_open(&w->out, cli->output, FL_OUTPUT_BINARY) ||
        fl_output_try(job.checkpoint) || fl_train_log_open(&w->log, opt.report, cli->json, &job) ||
        fl_train(&job, &result))
        return -1;
    if (job.checkpoint && (*signal = fl_stop_let()))
        return 0;
    fl_train_log_end(&w->log);
    return write_update(w, &result);
}

static int
estimate(struct work *w)
{
    const struct fl_cost_memory *m = &w->cost.memory;
    struct fl_report report;

    if (m->lacking)
        fl_warn(w->cli,
                "the training takes %llu MiB of memory and %llu are available, so its time "
                "was not tried; a smaller -b takes less",
                (unsigned long long)m->total >> 20, (unsigned long long)m->available >> 20);
    else if (fl_bundle_fill(&w->bundle) || fl_cost_probe(&job, &w->cost))
        return -1;
    fl_report_start_record(&report, w->cli->json);
    fl_cost_report(&job, &w->cost, &report);
    return fl_train_paid_report(&opt.purse, &job, &report)
               ? -1
               : fl_report_end(&report, 1, "standard output");
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli, .out = FL_OUTPUT_INIT, .log = {.fd = -1}};
    int signal = 0, result = check_options(cli) || open_inputs(&w) || count_cost(&w);

    if (!result)
        result = opt.dry_run ? estimate(&w) : train(&w, &signal);
    fl_output_abort(&w.out);
    fl_train_log_close(&w.log);
    fl_documents_release(&w.documents);
    fl_data_free(w.data);
    fl_data_free(w.valid);
    fl_bundle_release(&w.bundle);
    fl_buf_release(&w.advice);
    fl_pool_free(job.pool);
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
