/*
 * The processor's features are those that a kernel here or in a library is chosen by; a name of the
 * processor would not say whether its hypervisor lets them through.
 */
#include "math/build.h"

#include "base/version.h"
#include "math/products.h"
#include "os/kernel.h"
#include "os/pool.h"

static void
list_features(struct fl_report *r)
{
    fl_report_list(r);
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2"))
        fl_report_text(r, "avx2");
    if (fl_kernel_is_wide())
        fl_report_text(r, "avx512");
    if (fl_kernel_has_bf16())
        fl_report_text(r, "avx512_bf16");
    if (fl_kernel_has_amx())
        fl_report_text(r, "amx_bf16");
#endif
    fl_report_list_end(r);
}

int
fl_build_report(struct fl_report *r)
{
    const struct fl_products *p = fl_products();

    if (!p)
        return -1;
    fl_report_text(fl_report_key(r, "version"), FL_VERSION);
#if defined(__clang__)
    fl_report_text(fl_report_key(r, "compiler"), __VERSION__);
#else
    fl_report_text(fl_report_key(r, "compiler"), "GCC " __VERSION__);
#endif
    list_features(fl_report_key(r, "processor"));
    fl_report_i64(fl_report_key(r, "cores"), fl_cores());
    fl_report_text(fl_report_key(r, "products"), p->name);
    fl_report_text(fl_report_key(r, "products_version"), *p->version ? p->version : NULL);
    fl_report_list(fl_report_key(r, "precisions"));
    fl_report_text(r, "f32");
    if (p->bf16)
        fl_report_text(r, "bf16");
    fl_report_list_end(r);
    return 0;
}
