/* XXH3-64 compiled for AVX2, whatever the rest is compiled for; see check.h. */
#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#include <immintrin.h>
#include <xxhash.h>

#include "flt/check.h"

uint64_t
fl_check64_avx2(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
#include "flt/check.h"

uint64_t
fl_check64_avx2(const void *data, size_t len)
{
    return fl_check64_plain(data, len);
}
#endif
