/* The order of the two renames is what server.h needs to do a step again after a crash. */
#include "fed/step.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/writer.h"
#include "os/output.h"

struct outputs {
    struct fl_output model, state;
};

static int
open_inputs(struct fl_server_step *s, struct fl_step_files *files)
{
    if (!(s->model = fl_object_open(files->model, FL_KIND_BASE)) ||
        !(s->update = fl_object_open(files->update, FL_KIND_UPDATE)))
        return -1;
    files->fresh = false;
    if (fl_meta_get_i64(&fl_object_head(s->model)->meta, "round", 0, INT64_MAX, &files->round))
        files->round = 0;
    if (s->rule == FL_APPLY_SGD)
        return 0;
    if (files->state && (!access(files->state, F_OK) || errno != ENOENT))
        return (s->state = fl_object_open(files->state, FL_KIND_OPTIMIZER)) ? 0 : -1;
    files->fresh = true;
    return 0;
}

/* A state that has taken this step before is what a run that was killed left, or made up. */
static int
check_taken(const struct fl_server_step *s, const struct fl_step_files *files)
{
    unsigned char digest[32];

    if (!s->again || !files->settle)
        return 0;
    return fl_object_digest(s->state, s->pool, digest) || files->settle(files->arg, digest, true)
               ? -1
               : 0;
}

/*
 * Does the plan's step begin with a velocity? With a delay its model is not the plan's, but one
 * after it; only the epoch's first step has none.
 */
static bool
begins_moving(const struct fl_server_step *s)
{
    const struct fl_roster *r = &s->plan->roster;

    return r->delay ? s->rule != FL_APPLY_SGD && memcmp(s->base, r->model, 32) != 0
                    : s->plan->has_velocity;
}

/* A plan whose roster has a velocity says which one the step from its own model begins with. */
static int
check_velocity(const struct fl_server_step *s, const struct fl_step_files *files)
{
    unsigned char digest[32];

    if (!s->plan || s->again)
        return check_taken(s, files);
    if (begins_moving(s) != (s->state != NULL))
        return fl_error(FL_REFUSED,
                        s->state ? "%s: the plan's step begins without a velocity; name a "
                                   "file that is not there yet"
                                 : "%s: is not there, and the plan's step begins with a "
                                   "velocity; take the one that came with its model",
                        files->state ? files->state : "--state");
    if (!s->state || s->plan->roster.delay)
        return 0;
    if (fl_object_digest(s->state, s->pool, digest))
        return -1;
    return memcmp(digest, s->plan->velocity, 32)
               ? fl_error(FL_REFUSED, "%s: is not the velocity that the plan names", files->state)
               : 0;
}

/* Sum of squares of tensor I, in its order. */
static int
add_norm(struct fl_object *update, size_t i, double *sum)
{
    struct fl_view v = {0};
    int got;

    while ((got = fl_object_next(update, i, &v)) == 1) {
        const float *u = v.data;
        for (uint64_t k = 0; k < (v.to - v.from) / sizeof *u; k++)
            *sum += (double)u[k] * (double)u[k];
    }
    return got;
}

static int
check_norm(const struct fl_server_step *s, double most)
{
    double sum = 0;

    for (size_t i = 0; most > 0 && i < fl_object_count(s->update); i++)
        if (add_norm(s->update, i, &sum))
            return -1;
    if (sqrt(sum) <= most || most <= 0)
        return 0;
    return fl_error(
        FL_REFUSED,
        "%s: its norm is %g, above the %g that --max-norm allows; the model stays as it "
        "is",
        fl_object_name(s->update), sqrt(sum), most);
}

/* A descriptor of the caller's, written in place. */
static int
open_spool(struct fl_output *out, int fd)
{
    *out = (struct fl_output)FL_OUTPUT_INIT;
    out->name = fl_strdup("temporary file");
    if (!out->name)
        return -1;
    out->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return out->fd < 0 ? fl_error_errno(errno, "temporary file") : 0;
}

/* Both, before either is written. */
static int
open_outputs(const struct fl_server_step *s, const struct fl_step_files *files, struct outputs *out)
{
    if (files->spools)
        return open_spool(&out->model, files->spools[0]) ||
                       (s->rule != FL_APPLY_SGD && open_spool(&out->state, files->spools[1]))
                   ? -1
                   : 0;
    if (fl_output_open(&out->model, files->output, FL_OUTPUT_BINARY))
        return -1;
    if (s->rule == FL_APPLY_SGD || s->again)
        return 0;
    return fl_output_open(&out->state, files->state, FL_OUTPUT_BINARY);
}

static int
write_model(const struct fl_server_step *s, struct fl_step_files *files, struct fl_output *out)
{
    struct fl_progress progress;
    struct fl_writer *writer = fl_writer_new(out->fd, out->name, files->level);

    fl_progress_start(&progress, files->program, "B", fl_object_total(s->model));
    if (writer)
        fl_writer_want_digest(writer);
    int failed = !writer || fl_server_write_model(s, &progress, writer);
    if (!failed)
        fl_writer_digest(writer, files->digest);
    fl_writer_free(writer);
    if (failed)
        return -1;
    fl_progress_end(&progress, fl_object_total(s->model), NULL);
    return s->again ? fl_server_check_again(s, files->digest) : 0;
}

static int
write_state(const struct fl_server_step *s, const struct fl_step_files *files,
            struct fl_output *out)
{
    if (out->fd < 0)
        return 0;
    unsigned char digest[32];
    struct fl_writer *writer = fl_writer_new(out->fd, out->name, 0);
    if (writer)
        fl_writer_want_digest(writer);
    int failed = !writer || fl_server_write_state(s, files->digest, writer);
    if (!failed)
        fl_writer_digest(writer, digest);
    fl_writer_free(writer);
    return failed || (files->settle && files->settle(files->arg, digest, false)) ? -1 : 0;
}

/*
 * A model in a file appears after its state: from the state the step can be done again. A model in
 * a stream has left before.
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
judge(const struct fl_step_files *files, struct fl_output *model)
{
    if (!files->judge)
        return 0;
    if (!model->part)
        return fl_error(FL_USAGE,
                        "%s: the next model is looked at before it is taken, so -o must "
                        "name a file",
                        model->name);
    return fl_output_flush(model) || files->judge(files->arg, model->part) ? -1 : 0;
}

int
fl_step_take(struct fl_server_step *s, struct fl_step_files *files)
{
    struct outputs out = {FL_OUTPUT_INIT, FL_OUTPUT_INIT};
    int failed = open_inputs(s, files) || fl_server_check(s) || check_velocity(s, files) ||
                 check_norm(s, files->max_norm) || open_outputs(s, files, &out) ||
                 write_model(s, files, &out.model) || judge(files, &out.model) ||
                 write_state(s, files, &out.state) || commit(&out);

    fl_output_abort(&out.model);
    fl_output_abort(&out.state);
    fl_object_free(s->state);
    fl_object_free(s->update);
    fl_object_free(s->model);
    s->model = s->update = s->state = NULL;
    return failed ? -1 : 0;
}
