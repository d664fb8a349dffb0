/*
 * A build of oneDNN for OpenMP would cut a product by the number of threads, as OpenBLAS would. Its
 * own library of threads is told that the calling thread has one (omp_set_num_threads is of the
 * thread, OpenMP 5.0, 3.2.1), and then it starts none. Other builds cannot be told so.
 */
#include "math/products.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "os/kernel.h"

#define NAMES "openblas|onednn"
enum { OPENBLAS, ONEDNN };

/* The first words of dnnl_version_t, the same in 1.x to 3.x (dnnl_common_types.h). */
struct onednn_version {
    int major, minor, patch;
    const char *hash;
    unsigned cpu_runtime;
};
enum { RUNTIME_SEQUENTIAL = 1, RUNTIME_OPENMP = 2 };

/* Nobody could hand it to a product, whose callers are everywhere. */
static struct fl_products at_work;

#if defined(__x86_64__)
static void *
load(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}
#else
/* On other processors OpenBLAS has the kernels, and static programs of tests can load nothing. */
static void *
load(const char *name)
{
    (void)name;
    return NULL;
}
#define dlsym(library, name) ((void)(library), (void)(name), NULL)
#endif

/* Set F, a pointer to a pointer to a function, to the one of this NAME; false: there is none. */
static bool
find(void *library, const char *name, void *f)
{
    void *p = dlsym(library, name);

    memcpy(f, &p, sizeof p); /* POSIX makes this right, ISO C has no cast */
    return p;
}

static int
open_onednn(struct fl_products *p)
{
    const struct onednn_version *(*version)(void) = NULL;
    void *library = load("libdnnl.so.3");

    if (!library && !(library = load("libdnnl.so.2")))
        return fl_error(FL_USAGE, "oneDNN is not on this machine; as root: apt-get install "
                                  "libdnnl-dev");
    if (!find(library, "dnnl_version", &version) || !find(library, "dnnl_sgemm", &p->f32))
        return fl_error(FL_USAGE, "oneDNN is here, but without products of matrices; another "
                                  "version of it would be right");
    const struct onednn_version *v = version();
    if (v->cpu_runtime != RUNTIME_SEQUENTIAL &&
        (v->cpu_runtime != RUNTIME_OPENMP ||
         !find(library, "omp_set_num_threads", &p->set_threads)))
        return fl_error(FL_USAGE,
                        "oneDNN %d.%d.%d has threads that cannot be kept from its products; one "
                        "that was built for OpenMP or for one thread would be right",
                        v->major, v->minor, v->patch);
    p->name = "onednn";
    snprintf(p->version, sizeof p->version, "%d.%d.%d", v->major, v->minor, v->patch);
    p->bf16 = find(library, "dnnl_gemm_bf16bf16f32", &p->bf16_f32) && fl_kernel_has_bf16();
    return 0;
}

/* Its version is for people: where it cannot be asked, it is not told. */
static void
take_openblas(struct fl_products *p)
{
    char *(*config)(void), *(*kernels)(void);
    void *library = load("libopenblas.so.0");

    *p = (struct fl_products){.name = "openblas"};
    if (library && find(library, "openblas_get_config", &config) &&
        find(library, "openblas_get_corename", &kernels))
        snprintf(p->version, sizeof p->version, "%s, kernels of %s", config(), kernels());
}

/* The one that is asked for, or else the one for this processor. */
static int
choose(struct fl_products *p)
{
    const char *asked = getenv("FL_GEMM");

    if (!asked || !*asked) {
        if (fl_kernel_is_wide() && !open_onednn(p))
            return 0;
        fl_error_clear(); /* that it is missing is no fault */
    } else if (fl_choice_check(NAMES, asked)) {
        return fl_error_about("FL_GEMM");
    } else if (fl_choice_find(NAMES, asked) == ONEDNN) {
        return open_onednn(p) ? fl_error_about("FL_GEMM=onednn") : 0;
    }
    take_openblas(p);
    return 0;
}

const struct fl_products *
fl_products(void)
{
    struct fl_products p = {.name = NULL};

    if (at_work.name)
        return &at_work;
    if (choose(&p))
        return NULL;
    at_work = p;
    return &at_work;
}
