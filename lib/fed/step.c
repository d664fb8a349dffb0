/* The order of the two renames is what server.h needs to do a step again after a crash. */
#include "fed/step.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "flt/writer.h"
#include "os/output.h"

struct outputs {
    struct fl_output model, state;
};

static int
open_inputs(struct fl_server_step *s, struct fl_step_files *files)
{
    if (!(s->model = fl_object_open(files->model, FL_KIND_MODEL)) ||
        !(s->update = fl_object_open(files->update, FL_KIND_UPDATE)))
        return -1;
    files->fresh = false;
    if (s->rule == FL_APPLY_SGD)
        return 0;
    if (!access(files->state, F_OK) || errno != ENOENT)
        return (s->state = fl_object_open(files->state, FL_KIND_OPTIMIZER)) ? 0 : -1;
    files->fresh = true;
    return 0;
}

/* A plan whose roster has a velocity says which one this step begins with. */
static int
check_velocity(const struct fl_server_step *s, const struct fl_step_files *files)
{
    unsigned char digest[32];

    if (!s->plan || s->again)
        return 0;
    if (s->plan->has_velocity != (s->state != NULL))
        return fl_error(FL_REFUSED,
                        s->state ? "%s: the plan's step begins without a velocity; name a "
                                   "file that is not there yet"
                                 : "%s: is not there, and the plan's step begins with a "
                                   "velocity; take the one that came with its model",
                        files->state ? files->state : "--state");
    if (!s->state)
        return 0;
    if (fl_object_digest(s->state, s->pool, digest))
        return -1;
    return memcmp(digest, s->plan->velocity, 32)
               ? fl_error(FL_REFUSED, "%s: is not the velocity that the plan names", files->state)
               : 0;
}

/* Both, before either is written. */
static int
open_outputs(const struct fl_server_step *s, const struct fl_step_files *files, struct outputs *out)
{
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

    fl_progress_start(&progress, files->progress, files->program, "B", fl_object_total(s->model));
    if (writer)
        fl_writer_want_digest(writer);
    int failed = !writer || fl_server_write_model(s, &progress, writer);
    if (!failed)
        fl_writer_digest(writer, files->digest);
    fl_writer_free(writer);
    if (failed)
        return -1;
    fl_progress_end(&progress, fl_object_total(s->model));
    return s->again ? fl_server_check_again(s, files->digest) : 0;
}

static int
write_state(const struct fl_server_step *s, const struct fl_step_files *files,
            struct fl_output *out)
{
    if (out->fd < 0)
        return 0;
    struct fl_writer *writer = fl_writer_new(out->fd, out->name, 0);
    int failed = !writer || fl_server_write_state(s, files->digest, writer);
    fl_writer_free(writer);
    return failed ? -1 : 0;
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

int
fl_step_take(struct fl_server_step *s, struct fl_step_files *files)
{
    struct outputs out = {FL_OUTPUT_INIT, FL_OUTPUT_INIT};
    int failed = open_inputs(s, files) || fl_server_check(s) || check_velocity(s, files) ||
                 open_outputs(s, files, &out) || write_model(s, files, &out.model) ||
                 write_state(s, files, &out.state) || commit(&out);

    fl_output_abort(&out.model);
    fl_output_abort(&out.state);
    fl_object_free(s->state);
    fl_object_free(s->update);
    fl_object_free(s->model);
    s->model = s->update = s->state = NULL;
    return failed ? -1 : 0;
}
