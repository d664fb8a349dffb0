/* Which library multiplies: it is chosen once in a process, so each choice has a process here. */
#include "math/products.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/kernel.h"
#include "test.h"

/* Run CHECKER in a process with FL_GEMM=VALUE (NULL: without it). */
static void
with(const char *value, void (*checker)(void))
{
    int status = -1;

    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        int failed = value ? setenv("FL_GEMM", value, 1) : unsetenv("FL_GEMM");
        checker();
        fflush(stdout);
        _exit(failed || test_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
}

static void
is_openblas(void)
{
    const struct fl_products *p = fl_products();

    CHECK(p && !strcmp(p->name, "openblas") && !p->f32 && !p->bf16);
    CHECK(setenv("FL_GEMM", "onednn", 1) == 0 && fl_products() == p &&
          !strcmp(p->name, "openblas"));
}

static void
is_onednn(void)
{
    const struct fl_products *p = fl_products();

    if (!p) {
        CHECK(fl_error_status() == FL_USAGE &&
              !strncmp(fl_error_text(), "FL_GEMM=onednn: oneDNN ", 23));
        return;
    }
    CHECK(!strcmp(p->name, "onednn") && p->f32 && strchr(p->version, '.'));
    CHECK(!p->bf16 || (p->bf16_f32 && fl_kernel_has_bf16()));
}

static void
is_unknown(void)
{
    CHECK(!fl_products() && fl_error_status() == FL_USAGE);
    CHECK(
        strstr(fl_error_text(), "FL_GEMM: \"onednm\" is not one of openblas|onednn; did you mean"));
    CHECK(!fl_products());
}

/* By the processor: wherever oneDNN is, with AVX-512 it is the one. */
static void
is_by_processor(void)
{
    const struct fl_products *p = fl_products();

    CHECK(p);
    if (p && !fl_kernel_is_wide())
        CHECK(!strcmp(p->name, "openblas"));
}

/* And nothing but the processor and the library decides: not the environment of OpenBLAS. */
static void
is_the_wide_one(void)
{
    const struct fl_products *p = fl_products();

    CHECK(p && !strcmp(p->name, fl_kernel_is_wide() ? "onednn" : "openblas"));
}

static void
test_names(void)
{
    with("openblas", is_openblas);
    with("onednn", is_onednn);
    with("onednm", is_unknown);
}

static void
test_choice(void)
{
    with(NULL, is_by_processor);
    with("", is_by_processor);
    if (access("/usr/lib/x86_64-linux-gnu/libdnnl.so.2", R_OK))
        SKIP("oneDNN is not where Debian has it");
    with(NULL, is_the_wide_one);
    with("", is_the_wide_one);
}

int
main(void)
{
    RUN(test_names);
    RUN(test_choice);
    return test_end();
}
