/*
 * xxHash is compiled in (XXH_INLINE_ALL), once for each width of vectors, because an installed
 * library has the one width it was built for. Up to 240 bytes XXH3 uses no vectors, so nothing is
 * chosen.
 */
#include "flt/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
fl_check64_plain(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

uint64_t
fl_check64(const void *data, size_t len)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (len > 240 && __builtin_cpu_supports("avx512f"))
        return fl_check64_avx512(data, len);
    if (len > 240 && __builtin_cpu_supports("avx2"))
        return fl_check64_avx2(data, len);
#endif
    return fl_check64_plain(data, len);
}
