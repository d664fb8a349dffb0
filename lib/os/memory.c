/*
 * Huge pages by advice: Linux gives them to a private map that is aligned to their size and asks
 * (Documentation/admin-guide/mm/transhuge.rst), other systems choose for themselves.
 */
#include "os/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/mem.h"

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
