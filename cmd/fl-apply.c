/* fl-apply: the server step, a model and an update to the next model. See fl-apply(1). */
#include <string.h>

#include "base/error.h"
#include "cli/program.h"
#include "fed/merge.h"
#include "fed/step.h"
#include "flt/emit.h"
#include "nn/bundle.h"
#include "nn/evaluate.h"
#include "os/output.h"

static struct {
    const char *model, *beside, *plan, *optimizer, *state;
    struct fl_option_list shards;
    double lr, momentum, max_norm;
    bool optimizer_given, lr_given, momentum_given, merge;
} opt = {.optimizer = "sgd", .lr = 1, .momentum = 0.9};

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model that the update belongs to", &opt.model,
                 .replaceable = true),
    FL_OPT_INPUT('p', "plan", "PLAN", "take the step that the round's roster says", &opt.plan),
    FL_OPT_CHOICE(0, "optimizer", "RULE", FL_APPLY_CHOICES, "how the step is made (default: sgd)",
                  &opt.optimizer, .given = &opt.optimizer_given),
    FL_OPT_F64(0, "lr", "X", 1e-9, 1e6, "step size (default 1)", &opt.lr, .given = &opt.lr_given),
    FL_OPT_F64(0, "momentum", "X", 0, 0.999999, "what is kept of the velocity (default 0.9)",
               &opt.momentum, .given = &opt.momentum_given),
    FL_OPT_OUTPUT(0, "state", "FILE", "the optimizer's state, read when it is there and replaced",
                  &opt.state),
    FL_OPT_F64(0, "max-norm", "X", 1e-30, 1e30, "refuse an update whose L2 norm is above X",
               &opt.max_norm),
    FL_OPT_INPUTS(0, "if-better", "SHARD",
                  "refuse a model whose loss on SHARD is not lower; may be given many times",
                  &opt.shards),
    FL_OPT_INPUT(0, "beside", "BASE", "with --if-better, of an adapter: the model that it is for",
                 &opt.beside),
    FL_OPT_FLAG(0, "merge", "the operand is an adapter of MODEL: write MODEL with it merged in",
                &opt.merge),
    FL_OPT_END,
};

/* The roster's step is the one that everybody takes; an option may say it again, not otherwise. */
static int
take_rule(struct fl_server_step *step)
{
    const struct fl_roster *r = step->plan ? &step->plan->roster : NULL;

    step->rule = (enum fl_apply_rule)fl_apply_rule_find(opt.optimizer);
    step->lr = opt.lr;
    step->momentum = opt.momentum;
    if (!r)
        return 0;
    if ((opt.optimizer_given && step->rule != r->apply) || (opt.lr_given && opt.lr != r->lr) ||
        (opt.momentum_given && opt.momentum != r->momentum))
        return fl_error(FL_USAGE,
                        "the plan's roster says --optimizer %s --lr %g --momentum %g; leave these "
                        "options out",
                        fl_apply_rule_name(r->apply), r->lr, r->momentum);
    step->rule = r->apply;
    step->lr = r->lr;
    step->momentum = r->momentum;
    return 0;
}

static int
check_options(const struct fl_cli *cli, const struct fl_server_step *step)
{
    bool keeps_state = step->rule != FL_APPLY_SGD;
    bool to_file = cli->output && strcmp(cli->output, "-") != 0;

    if (keeps_state && (!opt.state || !strcmp(opt.state, "-")))
        return fl_error(FL_USAGE, "--state FILE is missing; %s keeps its velocity there",
                        fl_apply_rule_name(step->rule));
    if (!keeps_state && (opt.state || (opt.momentum_given && !step->plan)))
        return fl_error(FL_USAGE,
                        "--state and --momentum belong to momentum and nesterov, not sgd");
    if (opt.shards.count && !to_file)
        return fl_error(FL_USAGE, "--if-better looks at the next model before it is taken, so -o "
                                  "must name a file");
    if (opt.beside && !opt.shards.count)
        return fl_error(FL_USAGE, "--beside belongs to --if-better, which is missing");
    return 0;
}

/* ---- --if-better ---- */

struct trial {
    struct fl_pool *pool;
    double before; /* loss of a token under the model of before */
};

/* The mean loss of a token of all shards under the model in PATH, or the adapter beside its own. */
static int
measure(struct fl_pool *pool, const char *path, double *loss)
{
    struct fl_bundle b = {0};
    struct fl_data *data = NULL;
    struct fl_score score = {0};
    size_t T;
    int failed = fl_bundle_open(&b, opt.beside ? opt.beside : path, opt.beside ? path : NULL) ||
                 !(data = fl_bundle_data(&b, opt.shards.items, opt.shards.count));

    if (!failed) {
        T = b.model->layout.config.ctx;
        struct fl_evaluator *e = fl_evaluator_new(b.model, pool, b.tokenizer, 4, T);
        struct fl_sequence all = {.data = data, .n = fl_data_tokens(data)};
        failed = !e || fl_evaluate(e, &all, &score);
        fl_evaluator_free(e);
    }
    if (!failed && !score.tokens)
        failed = fl_error(FL_FAILED, "%s: has no token to predict", opt.shards.items[0]);
    *loss = failed ? 0 : score.loss / (double)score.tokens;
    fl_data_free(data);
    fl_bundle_release(&b);
    return failed ? -1 : 0;
}

/* An adapter has no loss without its model, and a model needs no other. */
static int
check_beside(void)
{
    struct fl_object *o = fl_object_open(opt.model, FL_KIND_BASE);
    bool adapts = o && !strcmp(fl_object_head(o)->kind, FL_KIND_ADAPTER);

    fl_object_free(o);
    if (!o)
        return -1;
    if (adapts && !opt.beside)
        return fl_error(FL_USAGE,
                        "%s: is an adapter, which has no loss by itself; name its model with "
                        "--beside BASE",
                        opt.model);
    if (!adapts && opt.beside)
        return fl_error(FL_USAGE, "%s: is a model; --beside is for an adapter", opt.model);
    return 0;
}

static int
is_better(void *arg, const char *next)
{
    const struct trial *trial = arg;
    double loss;

    if (measure(trial->pool, next, &loss))
        return -1;
    if (loss < trial->before)
        return 0;
    return fl_error(FL_REFUSED,
                    "the loss of the next model on --if-better is %.6g, not below the %.6g of %s, "
                    "which stays as it is",
                    loss, trial->before, opt.model);
}

static int
apply(const struct fl_cli *cli, struct fl_server_step *step)
{
    struct trial trial = {.pool = step->pool};
    struct fl_step_files files = {.model = opt.model,
                                  .update = cli->operands[0],
                                  .state = opt.state,
                                  .output = cli->output,
                                  .max_norm = opt.max_norm,
                                  .level = cli->level,
                                  .program = "fl-apply",
                                  .judge = opt.shards.count ? is_better : NULL,
                                  .arg = &trial};

    if (opt.shards.count && (check_beside() || measure(step->pool, opt.model, &trial.before)))
        return -1;
    if (fl_step_take(step, &files))
        return -1;
    if (files.fresh && files.round > 0)
        fl_warn(cli, "%s: was not there; the velocity started at zero in round %lld", opt.state,
                (long long)files.round);
    return 0;
}

/* ---- --merge ---- */

struct merging {
    struct fl_object *model, *adapter;
    struct fl_pool *pool;
    struct fl_progress progress;
};

static int
write_merged(void *arg, struct fl_writer *w)
{
    struct merging *m = arg;

    fl_progress_start(&m->progress, "fl-apply", "B", fl_object_total(m->model));
    int failed = fl_merge(m->model, m->adapter, m->pool, &m->progress, w);
    fl_progress_clear(&m->progress);
    return failed;
}

static int
merge(const struct fl_cli *cli, struct fl_pool *pool)
{
    struct merging m = {.pool = pool};

    if (opt.plan || opt.optimizer_given || opt.lr_given || opt.momentum_given || opt.state ||
        opt.max_norm > 0 || opt.shards.count || opt.beside)
        return fl_error(FL_USAGE, "--merge takes no step; only -m, -o, -j and -z go with it");
    int failed = !(m.model = fl_object_open(opt.model, FL_KIND_MODEL)) ||
                 !(m.adapter = fl_object_open(cli->operands[0], FL_KIND_ADAPTER)) ||
                 fl_emit(cli->output, cli->level, write_merged, &m);
    fl_object_free(m.adapter);
    fl_object_free(m.model);
    return failed ? -1 : 0;
}

static int
run(struct fl_cli *cli)
{
    struct fl_plan plan = {0};
    struct fl_server_step step = {.plan = opt.plan ? &plan : NULL};

    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; name the model that the update belongs to");
    int failed = !(step.pool = fl_pool_new(cli->threads)) || (opt.merge && merge(cli, step.pool));
    if (!failed && !opt.merge)
        failed = (opt.plan && fl_plan_read(&plan, opt.plan, step.pool)) || take_rule(&step) ||
                 check_options(cli, &step) || apply(cli, &step);
    fl_plan_release(&plan);
    fl_pool_free(step.pool);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-apply",
        .summary = "Apply an update, or merge an adapter, and write the next model.",
        .operands = "[UPDATE|ADAPTER]",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
