/* The writer is freed before the output is committed: it holds the output's name. */
#include "flt/emit.h"

#include "os/output.h"

static int
emit(const char *path, int flags, int level, fl_emit_fn *write, void *arg)
{
    struct fl_output out;

    if (fl_output_open(&out, path, flags))
        return -1;
    struct fl_writer *w = fl_writer_new(out.fd, out.name, level);
    int failed = !w || write(arg, w);
    fl_writer_free(w);
    if (!failed)
        return fl_output_commit(&out);
    fl_output_abort(&out);
    return -1;
}

int
fl_emit(const char *path, int level, fl_emit_fn *write, void *arg)
{
    return emit(path, FL_OUTPUT_BINARY, level, write, arg);
}

int
fl_emit_secret(const char *path, fl_emit_fn *write, void *arg)
{
    return emit(path, FL_OUTPUT_BINARY | FL_OUTPUT_SECRET, 0, write, arg);
}
