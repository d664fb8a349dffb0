/* The signed plan of a round: which model, which sites, how updates are encoded and protected. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "crypt/hash.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/plan.h"
#include "sec/state.h"

static struct {
    const char *roster, *key, *model, *after, *conf, *deadline, *state;
    int64_t round;
    bool round_given, explain;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('r', "roster", "ROSTER", "who takes part, and the policy", &opt.roster),
    FL_OPT_KEY('k', "key", "KEY", "the hub's key, which signs", &opt.key),
    FL_OPT_I64(0, "round", "N", 0, 9.2e18,
               "number of the round; a site masks once a round, upwards", &opt.round,
               .given = &opt.round_given),
    FL_OPT_INPUT('m', "model", "MODEL", "the model that sites train from", &opt.model),
    FL_OPT_INPUT(0, "after", "MEAN", "the opened sum that led to the model", &opt.after),
    FL_OPT_INPUT('c', "config", "ROUND.yaml", "settings (default: see fl-plan(1))", &opt.conf),
    FL_OPT_TEXT(0, "deadline", "TIME", "when uploads are due, in UTC: 2026-11-24T18:00:00Z",
                &opt.deadline),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_FLAG(0, "explain", "report the plan (on standard error when it goes to standard output)",
                &opt.explain),
    FL_OPT_END,
};

static void
row(struct fl_report *report, const char *setting, const char *value)
{
    fl_report_text(report, setting);
    fl_report_text(report, value);
}

static void
row_number(struct fl_report *report, const char *setting, double value)
{
    fl_report_text(report, setting);
    fl_report_f64(report, value, 17);
}

static void
row_digest(struct fl_report *report, const char *setting, const unsigned char digest[32])
{
    char hex[65];

    fl_hex(hex, digest, 32);
    row(report, setting, hex);
}

static int
explain(const struct fl_cli *cli, const struct fl_plan *plan)
{
    static const char *const columns[] = {"setting", "value", NULL};
    struct fl_report report;

    fl_report_start(&report, columns, cli->json);
    row(&report, "federation", plan->roster.federation);
    row_number(&report, "epoch", (double)plan->roster.epoch);
    row_number(&report, "round", (double)plan->round);
    row_digest(&report, "session", plan->sid);
    row_digest(&report, "base", plan->base);
    row_number(&report, "base.round", (double)plan->base_round);
    if (plan->has_after)
        row_digest(&report, "after", plan->after);
    row(&report, "deadline", *plan->deadline ? plan->deadline : "-");
    row(&report, "protection", "pairwise");
    row_number(&report, "sites", (double)plan->roster.n);
    row_number(&report, "bits", plan->bits);
    row_number(&report, "clip", plan->clip);
    row_number(&report, "scale", plan->scale);
    row(&report, "rounding", plan->stochastic ? "stochastic" : "nearest");
    row(&report, "weights", fl_weight_rule_name(plan->rule));
    row_number(&report, "cap", plan->cap);
    if (plan->rule == FL_WEIGHT_DYNAMIC)
        row_number(&report, "alpha", plan->alpha);
    for (size_t i = 0; plan->bandwidth && i < plan->roster.n; i++) {
        char name[FL_SITE_MAX + 16] = "bandwidth.";
        row_number(&report, strcat(name, plan->roster.sites[i].name), plan->bandwidth[i]);
    }
    row_number(&report, "resolution at the cap", 1 / plan->scale);
    row_number(&report, "resolution at a weight of 1", plan->cap / plan->scale);
    row_number(&report, "bytes of an upload, about", (double)plan->words * 8);
    int result = fl_report_beside(&report, cli->output);
    fl_report_release(&report);
    return result;
}

/* Serialised first: no byte of a plan leaves before the state says that it was signed. */
static int
emit(const struct fl_cli *cli, struct fl_plan *plan, const struct fl_key *key,
     struct fl_state *state)
{
    struct fl_output out = FL_OUTPUT_INIT;
    int spool = fl_spool_open();
    int result = spool < 0 || fl_plan_write(plan, key, spool, cli->level) ||
                 fl_output_open(&out, cli->output, FL_OUTPUT_BINARY) ||
                 fl_state_commit_plan(state, plan->round, plan->digest);

    if (!result && lseek(spool, 0, SEEK_SET) != 0)
        result = fl_error(FL_FAILED, "temporary file: cannot read it again");
    if (!result)
        result = fl_output_copy(&out, spool, "temporary file");
    if (spool >= 0)
        close(spool);
    if (result) {
        fl_output_abort(&out);
        return -1;
    }
    return fl_output_commit(&out) || (opt.explain && explain(cli, plan)) ? -1 : 0;
}

/* The hub takes the roster that it names into force, a first or a later one. */
static struct fl_state *
open_state(struct fl_key *key, const struct fl_roster *roster)
{
    char *dir = fl_state_dir(opt.key, opt.state);
    struct fl_state *state = NULL;
    bool already;

    if (dir && fl_roster_find_key(roster, key->public) != (int64_t)FL_SIGNER_HUB)
        fl_error(FL_REFUSED,
                 "%s: is the key of \"%s\", not of the roster's hub; give the key of \"%s\"",
                 opt.key, key->name, roster->hub.name);
    else if (dir && !fl_state_accept(dir, key, opt.key, roster, NULL, &already))
        state = fl_state_open(dir, key);
    free(dir);
    return state;
}

static int
draft(struct fl_plan *plan, struct fl_pool *pool)
{
    struct fl_round_conf conf = {0};
    struct fl_plan_params params = {.round = (uint64_t)opt.round,
                                    .conf = &conf,
                                    .deadline = opt.deadline,
                                    .pool = pool};
    int result = opt.conf ? fl_round_conf_read(&conf, opt.conf) : 0;

    if (!result && !(params.model = fl_object_open(opt.model, FL_KIND_MODEL)))
        result = -1;
    if (!result && opt.after && !(params.after = fl_object_open(opt.after, FL_KIND_UPDATE)))
        result = -1;
    if (!result)
        result = fl_plan_draft(plan, &params);
    fl_object_free(params.model);
    fl_object_free(params.after);
    fl_round_conf_release(&conf);
    return result;
}

static int
run(struct fl_cli *cli)
{
    struct fl_plan plan = {0};
    struct fl_pool *pool = NULL;
    struct fl_key *key = NULL;
    struct fl_state *state = NULL;

    if (!opt.roster || !opt.key || !opt.model || !opt.round_given)
        return fl_error(FL_USAGE,
                        "%s is missing; a plan needs -r ROSTER, -k KEY, --round N and -m MODEL",
                        !opt.roster  ? "-r ROSTER"
                        : !opt.key   ? "-k KEY"
                        : !opt.model ? "-m MODEL"
                                     : "--round N");
    int ready = (pool = fl_pool_new(cli->threads)) && !fl_roster_read(&plan.roster, opt.roster) &&
                (key = fl_key_read(opt.key)) && !draft(&plan, pool) &&
                (state = open_state(key, &plan.roster));
    int result = ready ? emit(cli, &plan, key, state) : -1;
    fl_state_free(state);
    fl_key_free(key);
    fl_plan_release(&plan);
    fl_pool_free(pool);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-plan",
        .summary = "Sign the plan of a round: the model, the sites, how updates are encoded and "
                   "protected.",
        .operands = "",
        .max_operands = 0,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
