/*
 * fl-plan: sign the plan of a round, which model it is over and when; or what people decide about
 * rounds at the hub of a federation. See fl-plan(1).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/classes.h"
#include "fed/overrule.h"
#include "fed/planning.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/he_offer.h"

static struct {
    const char *roster, *key, *model, *after, *velocity, *deadline, *state;
    struct fl_option_list he_keys;
    int64_t round, void_round, from;
    bool round_given, explain, tensors, void_given, from_given, drafts, sure;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('r', "roster", "ROSTER", "what the members agreed on", &opt.roster),
    FL_OPT_KEY('k', "key", "KEY", "the hub's key, which signs", &opt.key),
    FL_OPT_I64(0, "round", "N", 0, 9.2e18,
               "number of the round; a site masks once a round, upwards", &opt.round,
               .given = &opt.round_given),
    FL_OPT_INPUT('m', "model", "MODEL", "the model that sites train from", &opt.model),
    FL_OPT_INPUT(0, "after", "MEAN", "the mean that led to the model; not for the roster's first",
                 &opt.after),
    FL_OPT_INPUT(0, "velocity", "FILE",
                 "the optimizer's state beside the model, where the roster's step has one",
                 &opt.velocity),
    FL_OPT_INPUTS(0, "he-keys", "FILE", "a helper's keys, where tensors are encrypted; one of each",
                  &opt.he_keys),
    FL_OPT_TEXT(0, "deadline", "TIME", "when uploads are due, in UTC: 2026-11-24T18:00:00Z",
                &opt.deadline),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_FLAG(0, "explain", "report the plan (on standard error when it goes to standard output)",
                &opt.explain),
    FL_OPT_FLAG(0, "tensors", "with --explain: a row for each tensor instead of the plan",
                &opt.tensors),
    FL_OPT_I64(0, "void", "N", 0, 9.2e18, "give round N up, for the REASON", &opt.void_round,
               .given = &opt.void_given),
    FL_OPT_FLAG(0, "yes", "with --void: also when the next is the last over the model", &opt.sure),
    FL_OPT_I64(0, "from", "N", 0, 999999999999999, "number the next round so, or later", &opt.from,
               .given = &opt.from_given),
    FL_OPT_FLAG(0, "draft-roster",
                "write the roster of the next epoch, with +FILEs and without -SITEs", &opt.drafts),
    FL_OPT_END,
};

/* What is at hand between parsing the line and writing the plan. */
struct work {
    const struct fl_cli *cli;
    struct fl_pool *pool;
    struct fl_key *key;
    struct fl_state *state;
    struct fl_plan plan;
    struct fl_planning_view view;
};

static int
explain(const struct work *w)
{
    struct fl_report r;

    if (opt.tensors) {
        fl_report_start(&r, fl_tensors_columns, w->cli->json);
        fl_tensors_report(&r, &w->plan);
        return fl_report_beside(&r, w->cli);
    }
    fl_report_start_record(&r, w->cli->json);
    if (fl_planning_report(&r, &w->plan, &w->view, fl_input_bytes(&opt.model, 1)))
        return -1;
    return fl_report_beside(&r, w->cli);
}

/* Serialised first: no byte of a plan leaves before the state says that it was signed. */
static int
emit(struct work *w)
{
    struct fl_output out = FL_OUTPUT_INIT;
    int spool = fl_spool_open();
    int failed = spool < 0 || fl_plan_write(&w->plan, w->key, spool, w->cli->level) ||
                 fl_output_open(&out, w->cli->output, FL_OUTPUT_BINARY) ||
                 fl_state_commit_plan(w->state, &w->plan);

    if (!failed && lseek(spool, 0, SEEK_SET) != 0)
        failed = fl_error(FL_FAILED, "temporary file: cannot read it again");
    if (!failed)
        failed = fl_output_copy(&out, spool, "temporary file");
    if (spool >= 0)
        close(spool);
    if (failed) {
        fl_output_abort(&out);
        return -1;
    }
    return fl_output_commit(&out) || (opt.explain && explain(w)) ? -1 : 0;
}

/* The hub plans under the roster that it accepted: a draft given by mistake ends no epoch. */
static int
open_state(struct work *w)
{
    const struct fl_roster *r = &w->plan.roster;
    char *dir = fl_state_dir(opt.key, opt.state);

    if (dir && fl_roster_find_key(r, w->key->public) != (int64_t)FL_SIGNER_HUB)
        fl_error(FL_REFUSED,
                 "%s: is the key of \"%s\", not of the roster's hub; give the key of \"%s\"",
                 opt.key, w->key->name, r->hub.name);
    else if (dir)
        w->state = fl_state_open(dir, w->key);
    free(dir);
    if (!w->state)
        return -1;
    if (!memcmp(w->state->section[0].roster, r->digest, 32))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: is another roster than the one that this hub has accepted; if it is the "
                    "one that was agreed on, accept it with fl-keygen --accept",
                    opt.roster);
}

static int
draft(struct work *w, struct fl_plan_params *params)
{
    const struct fl_roster *r = &w->plan.roster;

    if (!(params->model = fl_object_open(opt.model, FL_KIND_BASE)) ||
        (opt.after && !(params->after = fl_object_open(opt.after, FL_KIND_UPDATE))) ||
        (opt.velocity && !(params->velocity = fl_object_open(opt.velocity, FL_KIND_OPTIMIZER))))
        return -1;
    if (params->after && fl_planning_follow(w->state, &w->plan, params->after))
        return -1;
    w->plan.last = fl_alloc(r->n + r->m, sizeof *w->plan.last);
    if (!w->plan.last)
        return -1;
    fl_state_last(w->state, r, w->plan.last);
    return fl_plan_draft(&w->plan, params) || fl_planning_lineage(w->state, &w->plan) ||
                   fl_he_keys_read(&w->plan, opt.he_keys.items, opt.he_keys.count) ||
                   fl_planning_base(w->state, &w->plan, params->model) ||
                   fl_planning_look(w->state, &w->plan, &w->view)
               ? -1
               : 0;
}

/* What people decide, of the federation whose file is the last operand. */
static int
overrule(const struct fl_cli *cli)
{
    const size_t n = cli->operand_count;
    struct fl_standing s = {0};
    struct fl_buf said = {0};
    struct fl_output out = FL_OUTPUT_INIT;

    if (opt.void_given + opt.from_given + opt.drafts > 1 || opt.roster || opt.key || opt.model ||
        opt.round_given || n < 1 + (size_t)opt.void_given ||
        (!opt.drafts && n > 1 + (size_t)opt.void_given))
        return fl_error(FL_USAGE, "it is one of --void N REASON FEDERATION.yaml, --from N "
                                  "FEDERATION.yaml and --draft-roster [+FILE|-SITE...] "
                                  "FEDERATION.yaml");
    int failed = fl_standing_open(&s, cli->operands[n - 1]) ||
                 (opt.void_given ? fl_overrule_round(&s, (uint64_t)opt.void_round, cli->operands[0],
                                                     opt.sure, &said)
                  : opt.from_given ? fl_overrule_number(&s, (uint64_t)opt.from, &said)
                                   : fl_overrule_roster(&s, cli->operands, n - 1, &said)) ||
                 fl_output_open(&out, cli->output, 0) ||
                 fl_output_write(&out, said.data, said.len) || fl_output_commit(&out);
    fl_output_abort(&out);
    fl_buf_release(&said);
    fl_standing_release(&s);
    return failed ? -1 : 0;
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli};
    struct fl_plan_params params = {.round = (uint64_t)opt.round, .deadline = opt.deadline};

    if (opt.void_given || opt.from_given || opt.drafts)
        return overrule(cli);
    if (cli->operand_count || opt.sure)
        return fl_error(FL_USAGE, "a plan has no operands; those of --void, --from and "
                                  "--draft-roster are in --help");
    if (!opt.roster || !opt.key || !opt.model || !opt.round_given)
        return fl_error(FL_USAGE,
                        "%s is missing; a plan needs -r ROSTER, -k KEY, --round N and -m MODEL",
                        !opt.roster  ? "-r ROSTER"
                        : !opt.key   ? "-k KEY"
                        : !opt.model ? "-m MODEL"
                                     : "--round N");
    if (opt.tensors && !opt.explain)
        return fl_error(FL_USAGE, "--tensors is for --explain");
    int failed = !(params.pool = w.pool = fl_pool_new(cli->threads)) ||
                 fl_roster_read(&w.plan.roster, opt.roster) || !(w.key = fl_key_read(opt.key)) ||
                 open_state(&w) || draft(&w, &params) || emit(&w);
    fl_object_free(params.model);
    fl_object_free(params.after);
    fl_object_free(params.velocity);
    free(w.view.must);
    fl_state_free(w.state);
    fl_key_free(w.key);
    fl_plan_release(&w.plan);
    fl_pool_free(w.pool);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-plan",
        .summary = "Sign the plan of a round: which model, of which round, until when.",
        .operands = "[REASON] [+FILE|-SITE...] [FEDERATION.yaml]",
        .max_operands = SIZE_MAX,
        .operands_are_text = true,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
