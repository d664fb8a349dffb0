/* A site's turn in a round: its update, encoded and masked, once. See fl-mask(1). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/program.h"
#include "fed/plain.h"
#include "fed/turn.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/output.h"

static struct {
    const char *key, *plan, *model, *state;
    struct fl_purse purse;
    bool check, zero;
} opt = {.purse = FL_PURSE_INIT};

static const struct fl_option options[] = {
    FL_OPT_KEY('k', "key", "KEY", "the site's key", &opt.key),
    FL_OPT_INPUT('p', "plan", "PLAN", "the round's plan, signed by the hub", &opt.plan),
    FL_OPT_FLAG(0, "check", "before training: would this round be refused? Writes nothing",
                &opt.check),
    FL_OPT_INPUT('m', "model", "MODEL", "with --check: the model that the plan is of", &opt.model),
    FL_OPT_FLAG(0, "zero", "send zeros at the least weight: for a site whose training failed",
                &opt.zero),
    FL_PURSE_OPTIONS(opt.purse),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_END,
};

static int
check_options(const struct fl_cli *cli)
{
    if (!opt.key)
        return fl_error(FL_USAGE, "-k KEY is missing; it is the site's key");
    if (!opt.plan)
        return fl_error(FL_USAGE, "-p PLAN is missing; it is what the hub sent for this round");
    if (opt.check && !opt.model)
        return fl_error(FL_USAGE, "--check needs -m MODEL, the model that would be trained");
    if (opt.check && (opt.zero || cli->output))
        return fl_error(FL_USAGE, "--check writes nothing; leave out --zero and -o");
    if (opt.model && !opt.check)
        return fl_error(FL_USAGE, "-m belongs to --check; an update names its model itself");
    if (opt.zero && cli->operand_count)
        return fl_error(FL_USAGE, "--zero sends zeros; leave out the update");
    return 0;
}

static void
warn_of_deadline(const struct fl_cli *cli, const struct fl_plan *plan)
{
    char now[FL_UTC_TEXT];

    if (*plan->deadline && strcmp(fl_utc_now(now), plan->deadline) > 0)
        fl_warn(cli, "%s: its deadline %s is over", opt.plan, plan->deadline);
}

static void
warn_of_bare(const struct fl_cli *cli, const struct fl_turn *t)
{
    if (t->bare)
        fl_warn(cli, "nothing hides what this update tells, and %s does not count it",
                opt.purse.ledger);
}

/* What a site should know of its own numbers, and what is nobody else's business. */
static void
warn_of_values(const struct fl_cli *cli, const struct fl_turn *t)
{
    const struct fl_weight_policy *w = &t->plan->roster.weights;
    const struct fl_encoded *c = &t->counts;
    const struct fl_meta_item *site = t->update
                                          ? fl_meta_find(&fl_object_head(t->update)->meta, "site")
                                          : NULL;

    if (site && site->type == FL_META_TEXT && strcmp(site->value.text, t->key->name))
        fl_warn(cli, "%s: was made by site \"%s\"; it is masked as \"%s\"'s",
                fl_object_name(t->update), site->value.text, t->key->name);
    warn_of_bare(cli, t);
    if (t->update && t->zeros)
        fl_warn(cli, "zeros were sent over this model before, and are again: two sums would differ "
                     "by the update");
    if (t->done || !t->update || t->zeros)
        return;
    if (!(t->raw >= w->floor))
        fl_warn(cli, "the weight %g counts as %g, the roster's floor", t->raw, t->weight);
    else if (t->raw > w->cap)
        fl_warn(cli, "the weight %g counts as %g, the roster's cap", t->raw, t->weight);
    if (c->odd)
        fl_warn(cli, "%llu values are not numbers and count as 0; train with a smaller rate",
                (unsigned long long)c->odd);
    if (c->clipped)
        fl_warn(cli, "%llu of %llu values were beyond the roster's clip and cut to it",
                (unsigned long long)c->clipped, (unsigned long long)c->values);
    if (t->factor < 1)
        fl_warn(cli, "the update is %.4g long, and was shortened to the %.4g of the roster's noise",
                t->norm, t->norm * t->factor);
    if (c->values && c->zeros == c->values)
        fl_warn(cli, "all values are zero");
}

static bool
plain(const struct fl_turn *t)
{
    return t->plan->roster.protection == FL_PROTECTION_NONE;
}

/* A plain round's upload: the update itself, signed. */
static int
sign(const struct fl_cli *cli, struct fl_turn *t)
{
    struct fl_output out = FL_OUTPUT_INIT;
    int failed = opt.zero
                     ? fl_error(FL_USAGE, "--zero hides among masks that a site does not take "
                                          "part; in a plain round leave the site out")
                     : !(t->update = fl_object_open(cli->operands[0], FL_KIND_UPDATE)) ||
                           fl_plain_check(t) || fl_output_open(&out, cli->output, FL_OUTPUT_BINARY);

    if (!failed) {
        warn_of_deadline(cli, t->plan);
        warn_of_bare(cli, t);
        failed = fl_plain_write(t, &out) || fl_output_commit(&out);
    }
    fl_output_abort(&out);
    fl_object_free(t->update);
    return failed ? -1 : 0;
}

static int
check(const struct fl_cli *cli, struct fl_turn *t)
{
    struct fl_object *model = fl_object_open(opt.model, FL_KIND_BASE);
    int failed = !model ||
                 (plain(t) ? fl_plain_check_model(t, model) || fl_plain_admit(t)
                           : fl_plan_check_base(t->plan, model, t->pool) || fl_turn_admit(t));

    fl_object_free(model);
    if (!failed)
        warn_of_deadline(cli, t->plan);
    return failed ? -1 : 0;
}

static int
mask(const struct fl_cli *cli, struct fl_turn *t)
{
    struct fl_output out = FL_OUTPUT_INIT;
    struct fl_progress progress = {0};
    int failed = (!opt.zero && !(t->update = fl_object_open(cli->operands[0], FL_KIND_UPDATE))) ||
                 fl_turn_check(t) || fl_output_open(&out, cli->output, FL_OUTPUT_BINARY);

    if (!failed) {
        if (!t->done)
            fl_progress_start(&progress, "fl-mask", "B", t->plan->words * 8);
        t->progress = &progress; /* cppcheck-suppress autoVariables ; T is released below */
        failed = fl_turn_make(t);
        if (!failed)
            fl_progress_end(&progress, t->plan->words * 8, NULL);
    }
    if (!failed) {
        warn_of_deadline(cli, t->plan);
        warn_of_values(cli, t);
        failed = fl_turn_send(t, &out) || fl_output_commit(&out) || fl_turn_clean(t);
    }
    fl_output_abort(&out);
    fl_turn_release(t);
    fl_object_free(t->update);
    return failed ? -1 : 0;
}

static int
run(struct fl_cli *cli)
{
    struct fl_plan plan = {0};
    struct fl_turn turn = {.key_path = opt.key,
                           .plan = &plan,
                           .level = cli->level,
                           .purse = &opt.purse,
                           .kept = -1};
    char *dir = NULL;

    if (check_options(cli))
        return -1;
    int failed = !(turn.pool = fl_pool_new(cli->threads)) || fl_file_lock(opt.key) ||
                 !(turn.key = fl_key_read(opt.key)) || fl_plan_read(&plan, opt.plan, turn.pool) ||
                 !(dir = fl_state_dir(opt.key, opt.state)) ||
                 !(turn.state = fl_state_open(dir, turn.key));
    if (!failed) {
        turn.mbit = turn.state->section[0].mbit;
        failed = opt.check ? check(cli, &turn) : plain(&turn) ? sign(cli, &turn) : mask(cli, &turn);
    }
    fl_state_free(turn.state);
    fl_plan_release(&plan);
    fl_key_free(turn.key);
    free(dir);
    fl_pool_free(turn.pool);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-mask",
        .summary = "Encode and mask an update for a round: what the hub may see of it.",
        .operands = "[UPDATE]",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_REFUSES_SEED,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
