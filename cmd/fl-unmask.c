/* A helper's turn in a round: what hides the sum of a set of sites, once. See fl-unmask(1). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/answer.h"
#include "fed/replay.h"
#include "os/output.h"

static struct {
    const char *key, *plan, *state, *model, *velocity;
    struct fl_purse purse;
    int64_t close;
    uint64_t memory;
    bool ready, advance, show, close_given;
} opt = {.purse = FL_PURSE_INIT, .memory = 1 << 30};

static const struct fl_option options[] = {
    FL_OPT_KEY('k', "key", "KEY", "the helper's key", &opt.key),
    FL_OPT_INPUT('p', "plan", "PLAN", "the round's plan, signed by the hub", &opt.plan),
    FL_OPT_FLAG(0, "ready", "say whether this helper would answer; it records nothing", &opt.ready),
    FL_OPT_FLAG(0, "advance", "follow the round in the folder DIR to the next model", &opt.advance),
    FL_OPT_INPUT('m', "model", "MODEL", "with --advance: the plan's model", &opt.model),
    FL_OPT_OUTPUT(0, "velocity", "FILE",
                  "with --advance: the optimizer's state beside the model, replaced",
                  &opt.velocity),
    FL_OPT_I64(0, "close", "ROUND", 0, 9007199254740992.0,
               "wipe the keys of a round that was given up; it cannot be opened then", &opt.close,
               .given = &opt.close_given),
    FL_OPT_FLAG(0, "show", "report what this helper remembers", &opt.show),
    FL_OPT_SIZE(0, "mem", "SIZE", 1, 9.2e18,
                "memory for sums, beyond it $TMPDIR is used (default 1G)", &opt.memory),
    FL_PURSE_OPTIONS(opt.purse),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_END,
};

static int
check_options(const struct fl_cli *cli)
{
    const int modes = opt.ready + opt.advance + opt.show + opt.close_given;
    const bool needs_plan = !opt.show && !opt.close_given;

    if (!opt.key)
        return fl_error(FL_USAGE, "-k KEY is missing; it is the helper's key");
    if (modes > 1)
        return fl_error(FL_USAGE, "give one of --ready, --advance, --close and --show");
    if (needs_plan && !opt.plan)
        return fl_error(FL_USAGE, "-p PLAN is missing; it is what the hub sent for this round");
    if (needs_plan && !cli->operand_count)
        return fl_error(FL_USAGE, opt.advance ? "the folder of the round is missing"
                                              : "the request is missing; the hub made it");
    if (!needs_plan && cli->operand_count)
        return fl_error(FL_USAGE, "\"%s\" is one operand too many; see --help", cli->operands[0]);
    if ((opt.advance || opt.ready) && cli->operand_count > 1)
        return fl_error(FL_USAGE, "\"%s\" is one operand too many; uploads are given to answer",
                        cli->operands[1]);
    if (opt.advance && (!opt.model || !cli->output || !strcmp(cli->output, "-")))
        return fl_error(FL_USAGE, "--advance needs -m MODEL and -o NEXT, a file");
    return 0;
}

static int
write_ready(const struct fl_cli *cli, const struct fl_answering *a)
{
    struct fl_output out;

    if (fl_output_open(&out, cli->output, FL_OUTPUT_BINARY))
        return -1;
    if (fl_answer_ready(a, out.fd, out.name)) {
        fl_output_abort(&out);
        return -1;
    }
    for (size_t i = 0; i < a->bad_count; i++)
        fl_warn(cli, "the tag of \"%s\" is not this helper's own",
                a->plan->roster.parties[a->bad[i]].name);
    return fl_output_commit(&out);
}

static int
write_answer(const struct fl_cli *cli, struct fl_answering *a)
{
    struct fl_output out = FL_OUTPUT_INIT;
    struct fl_progress progress = {0};

    if (!a->done)
        fl_progress_start(&progress, "fl-unmask", "B", a->plan->masked_words * 8);
    a->progress = &progress;
    int failed = fl_output_open(&out, cli->output, FL_OUTPUT_BINARY) || fl_answer_make(a);
    if (!failed)
        fl_progress_end(&progress, a->plan->masked_words * 8, NULL);
    if (!failed)
        failed = fl_answer_send(a, &out) || fl_output_commit(&out) || fl_answer_clean(a);
    fl_output_abort(&out);
    a->progress = NULL;
    return failed ? -1 : 0;
}

static int
answer(const struct fl_cli *cli, struct fl_key *key, struct fl_state *state,
       const struct fl_plan *plan, struct fl_pool *pool)
{
    struct fl_request request = {0};
    struct fl_answering a = {.key = key,
                             .key_path = opt.key,
                             .state = state,
                             .plan = plan,
                             .request = &request,
                             .uploads = cli->operands + 1,
                             .upload_count = cli->operand_count - 1,
                             .memory = opt.memory,
                             .purse = &opt.purse,
                             .pool = pool,
                             .level = cli->level,
                             .kept = -1};
    int failed = fl_request_read(&request, plan, cli->operands[0], pool) || fl_answer_check(&a) ||
                 (opt.ready ? write_ready(cli, &a) : write_answer(cli, &a));

    fl_answer_release(&a);
    fl_request_release(&request);
    return failed ? -1 : 0;
}

static int
advance(const struct fl_cli *cli, struct fl_key *key, struct fl_state *state,
        const struct fl_plan *plan, struct fl_pool *pool)
{
    const bool stepped = plan->roster.apply != FL_APPLY_SGD;
    struct fl_replay r = {.plan = plan,
                          .folder = cli->operands[0],
                          .model = opt.model,
                          .velocity = opt.velocity,
                          .output = cli->output,
                          .pool = pool,
                          .memory = opt.memory,
                          .level = cli->level,
                          .program = "fl-unmask"};

    if (stepped != (opt.velocity != NULL))
        return fl_error(FL_USAGE, stepped ? "the roster's step has a velocity; name its file with "
                                            "--velocity"
                                          : "the roster's step has no velocity; leave out "
                                            "--velocity");
    return fl_replay_advance(&r, state, key);
}

/* A round that this helper has not come to yet is passed first, with those before it left open. */
static int
close_round(const char *dir, const struct fl_key *key, struct fl_state *state)
{
    const uint64_t round = (uint64_t)opt.close;
    struct fl_roster r;
    int failed = fl_state_roster(dir, key, &r);

    if (!failed && round >= state->section[0].down_next)
        failed = fl_state_admit(state->section[0].down_next, round, r.max_skip) ||
                 fl_state_step_down(state, round, r.max_open);
    if (!failed && !fl_state_open_keys(state, round))
        failed =
            fl_error(FL_FAILED,
                     "round %llu is not open at this helper: it was answered, closed, or is too "
                     "old; nothing is wiped",
                     (unsigned long long)round);
    fl_roster_release(&r);
    if (failed)
        return -1;
    fl_state_close_round(state, round);
    return fl_state_save(state);
}

static int
show(const struct fl_cli *cli, const struct fl_state *s)
{
    const struct fl_section *now = &s->section[0];
    struct fl_report r;

    fl_report_start_record(&r, cli->json);
    fl_report_text(fl_report_key(&r, "federation"), now->federation);
    fl_report_i64(fl_report_key(&r, "epoch"), now->epoch);
    fl_report_u64(fl_report_key(&r, "next_round"), now->down_next);
    fl_report_hex(fl_report_key(&r, "model"), now->now.object, 32);
    fl_report_list(fl_report_key(&r, "open_rounds"));
    for (size_t i = 0; i < now->open_count; i++)
        fl_report_u64(&r, now->open[i].round);
    fl_report_list_end(&r);
    fl_report_u64(fl_report_key(&r, "answers"), s->answers.ctr);
    fl_report_u64(fl_report_key(&r, "models_seen"), s->near.base_count);
    int failed = fl_report_flush(&r, 1, "standard output");
    fl_report_release(&r);
    return failed;
}

static int
work(const struct fl_cli *cli, struct fl_key *key, struct fl_state *state)
{
    struct fl_plan plan = {0};
    struct fl_pool *pool = fl_pool_new(cli->threads);
    int failed = !pool || fl_plan_read(&plan, opt.plan, pool) ||
                 (opt.advance ? advance : answer)(cli, key, state, &plan, pool);

    fl_plan_release(&plan);
    fl_pool_free(pool);
    return failed ? -1 : 0;
}

static int
run(struct fl_cli *cli)
{
    if (check_options(cli))
        return -1;
    struct fl_key *key = fl_file_lock(opt.key) ? NULL : fl_key_read(opt.key);
    char *dir = key ? fl_state_dir(opt.key, opt.state) : NULL;
    struct fl_state *state = dir ? fl_state_open(dir, key) : NULL;
    int failed = !state;

    if (!failed && !state->section[0].down)
        failed = fl_error(FL_REFUSED, "%s: \"%s\" is no helper in the roster that it accepted",
                          opt.key, key->name);
    if (!failed)
        failed = opt.show          ? show(cli, state)
                 : opt.close_given ? close_round(dir, key, state)
                                   : work(cli, key, state);
    fl_state_free(state);
    fl_key_free(key);
    free(dir);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-unmask",
        .summary = "One helper's answer to the hub's request: what hides the sum of its sites.",
        .operands = "[REQUEST|DIR] [UPLOAD...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON | FL_REFUSES_SEED,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
