/*
 * Huge pages by advice: Linux gives them to a private map that is aligned to their size and asks
 * (Documentation/admin-guide/mm/transhuge.rst), other systems choose for themselves.
 */
#include "os/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/error.h"
#include "base/mem.h"

#ifdef __has_feature
#define HAS_LEAK_SANITIZER __has_feature(address_sanitizer)
#else
#define HAS_LEAK_SANITIZER 0
#endif

static atomic_bool swappable;

static const size_t huge = (size_t)2 << 20; /* on x86-64; with 4 KiB pages also on arm64 */

void *
fl_alloc_large(size_t count, size_t size)
{
    size_t bytes = 0;

    if (fl_mul_size(count, size, &bytes))
        return NULL;
    if (bytes < huge || bytes > SIZE_MAX - huge)
        return fl_alloc_aligned(count, size);
    bytes = (bytes + huge - 1) / huge * huge;
    void *p = aligned_alloc(huge, bytes);
    if (!p)
        return fl_alloc_aligned(count, size); /* which needs less, or says what is missing */
#ifdef MADV_HUGEPAGE
    madvise(p, bytes, MADV_HUGEPAGE); /* may fail: then pages are small */
#endif
    return p;
}

/* Aligned to huge pages by a map that is larger by one of them, less what is beside. */
void *
fl_map_zeros(size_t size)
{
    size_t slack = size < huge ? 0 : huge;
    unsigned char *p = size > SIZE_MAX - slack ? MAP_FAILED
                                               : mmap(NULL, size + slack, PROT_READ | PROT_WRITE,
                                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        fl_error(FL_FAILED, "out of memory: %zu bytes are not to be had", size);
        return NULL;
    }
    if (!slack)
        return p;
    size_t before = (huge - (uintptr_t)p % huge) % huge, page = (size_t)sysconf(_SC_PAGESIZE);
    size_t kept = (size + page - 1) / page * page;
    if (before)
        munmap(p, before);
    if (before + kept < size + slack)
        munmap(p + before + kept, size + slack - before - kept);
#ifdef MADV_HUGEPAGE
    madvise(p + before, kept, MADV_HUGEPAGE);
#endif
    return p + before;
}

void
fl_unmap_zeros(void *p, size_t size)
{
    if (p)
        munmap(p, size);
}

void
fl_memory_keep_freed(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most that glibc takes */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void
fl_memory_lock(const void *p, size_t n)
{
    if (mlock(p, n))
        swappable = true;
}

bool
fl_memory_swappable(void)
{
    return swappable;
}

/*
 * A limit of 0 stops no core that the system hands to a program (core(5)), and no other process of
 * the same user that reads this one's memory; not being dumpable stops both. The leak sanitizer is
 * such a reader.
 */
void
fl_memory_leave_no_core(void)
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
