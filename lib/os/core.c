/*
 * Core files and readers of this process's memory, both of which would get its secrets.
 */
#include "os/core.h"

#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#ifdef __has_feature
#define HAS_LEAK_SANITIZER __has_feature(address_sanitizer)
#else
#define HAS_LEAK_SANITIZER 0
#endif

/*
 * A limit of 0 stops no core that the system hands to a program (core(5)), and no other process of
 * the same user that reads this one's memory; not being dumpable stops both. The leak sanitizer is
 * such a reader.
 */
void
fl_core_forbid(void)
{
    struct rlimit core;

    if (!getrlimit(RLIMIT_CORE, &core) && core.rlim_cur) {
        core.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &core);
    }
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !HAS_LEAK_SANITIZER
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
