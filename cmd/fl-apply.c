/* The server step: a model and an update that belongs to it, to the next model. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/program.h"
#include "fed/server.h"
#include "os/output.h"

static struct {
    const char *model, *optimizer, *state;
    double lr, momentum;
    bool momentum_given;
} opt = {.optimizer = "sgd", .lr = 1, .momentum = 0.9};

static const struct fl_option options[] = {
    FL_OPT_INPUT('m', "model", "MODEL", "the model that the update belongs to", &opt.model,
                 .replaceable = true),
    FL_OPT_CHOICE(0, "optimizer", "RULE", FL_SERVER_CHOICES, "how the step is made (default: sgd)",
                  &opt.optimizer),
    FL_OPT_F64(0, "lr", "X", 1e-9, 1e6, "step size (default 1)", &opt.lr),
    FL_OPT_F64(0, "momentum", "X", 0, 0.999999, "what is kept of the velocity (default 0.9)",
               &opt.momentum, .given = &opt.momentum_given),
    FL_OPT_OUTPUT(0, "state", "FILE", "the optimizer's state, read when it is there and replaced",
                  &opt.state),
    FL_OPT_END,
};

struct outputs {
    struct fl_output model, state;
};

static int
check_options(enum fl_server_rule rule)
{
    bool keeps_state = rule != FL_SERVER_SGD;

    if (!opt.model)
        return fl_error(FL_USAGE, "-m MODEL is missing; name the model that the update belongs to");
    if (keeps_state && (!opt.state || !strcmp(opt.state, "-")))
        return fl_error(FL_USAGE, "--state FILE is missing; %s keeps its velocity there",
                        opt.optimizer);
    if (!keeps_state && (opt.state || opt.momentum_given))
        return fl_error(FL_USAGE,
                        "--state and --momentum belong to momentum and nesterov, not sgd");
    return 0;
}

/* The state, if it is there; a first step of a model that has some behind it is worth a word. */
static int
open_state(struct fl_cli *cli, struct fl_server_step *step)
{
    const struct fl_meta *meta = &fl_object_head(step->model)->meta;
    int64_t round;

    if (step->rule == FL_SERVER_SGD)
        return 0;
    if (!access(opt.state, F_OK) || errno != ENOENT)
        return (step->state = fl_object_open(opt.state, FL_KIND_OPTIMIZER)) ? 0 : -1;
    if (fl_meta_find(meta, "round") && !fl_meta_get_i64(meta, "round", 1, INT64_MAX, &round))
        fl_warn(cli, "%s: is not there; the velocity starts at zero in round %lld", opt.state,
                (long long)round);
    return 0;
}

/* Both, before either is written. */
static int
open_outputs(struct fl_cli *cli, const struct fl_server_step *step, struct outputs *out)
{
    if (fl_output_open(&out->model, cli->output, FL_OUTPUT_BINARY))
        return -1;
    if (step->rule == FL_SERVER_SGD || step->again)
        return 0;
    return fl_output_open(&out->state, opt.state, FL_OUTPUT_BINARY);
}

static int
write_model(struct fl_cli *cli, struct fl_server_step *step, struct fl_output *out,
            unsigned char digest[FL_HASH_BYTES])
{
    struct fl_progress progress;

    fl_progress_start(&progress, "fl-apply", "B", fl_object_total(step->model));
    struct fl_writer *writer = fl_writer_new(out->fd, out->name, cli->level);
    if (writer)
        fl_writer_want_digest(writer);
    int result = writer ? fl_server_write_model(step, &progress, writer) : -1;
    if (!result)
        fl_writer_digest(writer, digest);
    fl_writer_free(writer);
    if (!result)
        fl_progress_end(&progress, fl_object_total(step->model), NULL);
    if (!result && step->again)
        result = fl_server_check_again(step, digest);
    return result;
}

static int
write_state(struct fl_server_step *step, struct fl_output *out,
            const unsigned char digest[FL_HASH_BYTES])
{
    if (out->fd < 0)
        return 0;
    struct fl_writer *writer = fl_writer_new(out->fd, out->name, 0);
    int result = writer ? fl_server_write_state(step, digest, writer) : -1;
    fl_writer_free(writer);
    return result;
}

/*
 * A model in a file appears after its state: from the state the step can be done again. A model
 * in a stream has left before.
 */
static int
commit(struct outputs *out)
{
    bool in_place = !out->model.part;

    if (in_place && fl_output_commit(&out->model))
        return -1;
    if (out->state.fd >= 0 && (fl_output_flush(&out->model) || fl_output_flush(&out->state) ||
                               fl_output_commit(&out->state)))
        return -1;
    return in_place ? 0 : fl_output_commit(&out->model);
}

static int
apply(struct fl_cli *cli, struct fl_server_step *step)
{
    struct outputs out = {FL_OUTPUT_INIT, FL_OUTPUT_INIT};
    unsigned char digest[FL_HASH_BYTES];

    int failed = !(step->model = fl_object_open(opt.model, FL_KIND_MODEL)) ||
                 !(step->update = fl_object_open(cli->operands[0], FL_KIND_UPDATE)) ||
                 open_state(cli, step) || fl_server_check(step) || open_outputs(cli, step, &out) ||
                 write_model(cli, step, &out.model, digest) ||
                 write_state(step, &out.state, digest) || commit(&out);
    fl_output_abort(&out.model);
    fl_output_abort(&out.state);
    return failed ? -1 : 0;
}

static int
run(struct fl_cli *cli)
{
    struct fl_server_step step = {.lr = opt.lr, .momentum = opt.momentum};

    if (fl_server_rule_find(opt.optimizer, &step.rule) || check_options(step.rule))
        return -1;
    int failed = !(step.pool = fl_pool_new(cli->threads)) || apply(cli, &step);
    fl_object_free(step.state);
    fl_object_free(step.update);
    fl_object_free(step.model);
    fl_pool_free(step.pool);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-apply",
        .summary = "Apply an update to the model that it belongs to, and write the next model.",
        .operands = "[UPDATE]",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
