/* A site's turn in a round: its update, encoded and masked, once. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/program.h"
#include "fed/turn.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/output.h"

static struct {
    const char *key, *plan, *state;
} opt;

static const struct fl_option options[] = {
    FL_OPT_KEY('k', "key", "KEY", "the site's key", &opt.key),
    FL_OPT_INPUT('p', "plan", "PLAN", "the round's plan, signed by the hub", &opt.plan),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_END,
};

/* What a site should know, and what is nobody else's business. */
static void
warn(const struct fl_cli *cli, const struct fl_turn *t)
{
    const struct fl_plan *plan = t->plan;
    const struct fl_meta_item *site = fl_meta_find(&fl_object_head(t->update)->meta, "site");
    char now[FL_UTC_TEXT];

    if (site && site->type == FL_META_TEXT && strcmp(site->value.text, t->key->name))
        fl_warn(cli, "%s: was made by site \"%s\"; it is masked as \"%s\"'s",
                fl_object_name(t->update), site->value.text, t->key->name);
    if (*plan->deadline && strcmp(fl_utc_now(now), plan->deadline) > 0)
        fl_warn(cli, "%s: its deadline %s is over", opt.plan, plan->deadline);
    if (t->done)
        return;
    if (t->weight > plan->cap)
        fl_warn(cli, "the weight %g counts as %g, the plan's cap", t->weight, plan->cap);
    if (t->weight < plan->cap * 0x1p-12 && plan->bits <= 32)
        fl_warn(cli,
                "the weight %g is small under the plan's cap of %g: values are resolved to %g "
                "only; a smaller cap would be better",
                t->weight, plan->cap, plan->cap / t->weight / plan->scale);
    if (t->clipped)
        fl_warn(cli, "%llu values were beyond the plan's clip of %g and cut to it",
                (unsigned long long)t->clipped, plan->clip);
}

static int
mask(const struct fl_cli *cli, struct fl_turn *t)
{
    struct fl_output out = FL_OUTPUT_INIT;
    struct fl_progress progress = {0};
    int result = fl_turn_check(t);

    if (!result)
        result = fl_output_open(&out, cli->output, FL_OUTPUT_BINARY);
    if (!result) {
        if (!t->done)
            fl_progress_start(&progress, "fl-mask", "B", t->plan->words * 8);
        t->progress = &progress;
        result = fl_turn_make(t);
    }
    if (!result) {
        fl_progress_end(&progress, t->plan->words * 8, NULL);
        warn(cli, t);
        result = fl_turn_send(t, &out);
    }
    if (result)
        fl_output_abort(&out);
    else
        result = fl_output_commit(&out);
    if (!result)
        result = fl_turn_clean(t);
    fl_turn_release(t);
    return result;
}

static int
run(struct fl_cli *cli)
{
    struct fl_plan plan = {0};
    struct fl_turn turn = {.plan = &plan, .level = cli->level, .kept = -1};
    struct fl_key *key = NULL;
    char *dir = NULL;

    if (!opt.key)
        return fl_error(FL_USAGE, "-k KEY is missing; it is the site's key");
    if (!opt.plan)
        return fl_error(FL_USAGE, "-p PLAN is missing; it is what the hub sent for this round");
    int ready = (turn.pool = fl_pool_new(cli->threads)) &&
                (turn.key = key = fl_key_read(opt.key)) &&
                !fl_plan_read(&plan, opt.plan, turn.pool) &&
                (dir = fl_state_dir(opt.key, opt.state)) &&
                (turn.state = fl_state_open(dir, key)) &&
                (turn.update = fl_object_open(cli->operands[0], FL_KIND_UPDATE));
    int result = ready ? mask(cli, &turn) : -1;
    fl_object_free(turn.update);
    fl_state_free(turn.state);
    fl_plan_release(&plan);
    fl_key_free(key);
    free(dir);
    fl_pool_free(turn.pool);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-mask",
        .summary = "Encode an update by a round's plan and mask it, so that only the sum of all "
                   "sites can be read.",
        .operands = "[UPDATE]",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_REFUSES_SEED,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
