/* The signed plan of a round: which model, which sites, how updates are encoded and protected. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/upload.h"
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

/* Who and what, as names and digests. */
static void
explain_identity(struct fl_report *r, const struct fl_plan *plan)
{
    const struct fl_roster *roster = &plan->roster;

    fl_report_text(fl_report_key(r, "federation"), roster->federation);
    fl_report_i64(fl_report_key(r, "epoch"), roster->epoch);
    fl_report_u64(fl_report_key(r, "round"), plan->round);
    fl_report_hex(fl_report_key(r, "session"), plan->sid, sizeof plan->sid);
    fl_report_hex(fl_report_key(r, "base"), plan->base, sizeof plan->base);
    fl_report_i64(fl_report_key(r, "base_round"), plan->base_round);
    fl_report_key(r, "after");
    if (plan->has_after)
        fl_report_hex(r, plan->after, sizeof plan->after);
    else
        fl_report_none(r);
    fl_report_text(fl_report_key(r, "deadline"), *plan->deadline ? plan->deadline : NULL);
    fl_report_text(fl_report_key(r, "protection"), "pairwise");
    fl_report_list(fl_report_key(r, "sites"));
    for (size_t i = 0; i < roster->n; i++)
        fl_report_text(r, roster->sites[i].name);
    fl_report_list_end(r);
}

/* How updates are weighted and encoded, and what comes of it. */
static int
explain_encoding(struct fl_report *r, const struct fl_plan *plan)
{
    uint64_t bytes;

    if (fl_upload_bytes(plan, &bytes))
        return -1;
    fl_report_u64(fl_report_key(r, "bits"), plan->bits);
    fl_report_f64(fl_report_key(r, "clip"), plan->clip, 0);
    fl_report_f64(fl_report_key(r, "scale"), plan->scale, 0);
    fl_report_text(fl_report_key(r, "rounding"), plan->stochastic ? "stochastic" : "nearest");
    fl_report_text(fl_report_key(r, "weights"), fl_weight_rule_name(plan->rule));
    fl_report_f64(fl_report_key(r, "cap"), plan->cap, 0);
    fl_report_f64(fl_report_key(r, "alpha"), plan->rule == FL_WEIGHT_DYNAMIC ? plan->alpha : NAN,
                  0);
    fl_report_key(r, "bandwidth_mbit");
    if (plan->bandwidth) {
        fl_report_list(r);
        for (size_t i = 0; i < plan->roster.n; i++)
            fl_report_f64(r, plan->bandwidth[i], 0);
        fl_report_list_end(r);
    } else {
        fl_report_none(r);
    }
    fl_report_f64(fl_report_key(r, "resolution_at_cap"), 1 / plan->scale, 6);
    fl_report_f64(fl_report_key(r, "resolution_at_one"), plan->cap / plan->scale, 6);
    fl_report_u64(fl_report_key(r, "upload_bytes"), bytes);
    return 0;
}

static int
explain(const struct fl_cli *cli, const struct fl_plan *plan)
{
    struct fl_report report;

    fl_report_start_record(&report, cli->json);
    explain_identity(&report, plan);
    int result = explain_encoding(&report, plan) || fl_report_beside(&report, cli) ? -1 : 0;
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
