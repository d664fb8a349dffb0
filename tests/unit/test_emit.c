/* flt/emit.h: whole or not at all, and what was there stays after a failure. */
#include "flt/emit.h"

#include <unistd.h>

#include "flt/object.h"
#include "test.h"

struct job {
    int64_t number;
    bool fails;
};

static int
write_number(void *arg, struct fl_writer *w)
{
    const struct job *job = arg;
    struct fl_meta meta = {0};
    int failed = fl_meta_set_i64(&meta, "number", job->number) ||
                 fl_writer_head(w, FL_KIND_UPDATE, &meta) ||
                 (job->fails && fl_error(FL_FAILED, "on purpose")) || fl_writer_done(w);

    fl_meta_release(&meta);
    return failed ? -1 : 0;
}

static int64_t
number_in(const char *path)
{
    struct fl_object *o = fl_object_open(path, FL_KIND_UPDATE);
    int64_t number = -1;

    if (o && fl_meta_get_i64(&fl_object_head(o)->meta, "number", 0, 100, &number))
        number = -1;
    fl_object_free(o);
    return number;
}

static void
test_emit(void)
{
    char dir[] = "/tmp/fl-emit-XXXXXX", path[64], part[64];
    struct job job = {.number = 7};

    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.flt", dir);
    snprintf(part, sizeof part, "%s/.x.flt.part", dir);
    CHECK(!fl_emit(path, 3, write_number, &job) && number_in(path) == 7);
    job = (struct job){.number = 8, .fails = true};
    CHECK(fl_emit(path, 0, write_number, &job) == -1);
    CHECK_TEXT(fl_error_text(), "on purpose");
    CHECK(number_in(path) == 7 && access(part, F_OK));
    job.fails = false;
    CHECK(!fl_emit(path, 0, write_number, &job) && number_in(path) == 8);
    CHECK(fl_emit(dir, 0, write_number, &job) == -1);
    CHECK(strstr(fl_error_text(), "is a folder"));
    unlink(path);
    rmdir(dir);
}

int
main(void)
{
    RUN(test_emit);
    return test_end();
}
