/* XXH3-64 compiled for AVX512, whatever the rest is compiled for; see check.h. */
#if defined(__x86_64__) && defined(__GNUC__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX512
#include <immintrin.h>
#include <xxhash.h>

#include "flt/check.h"

uint64_t
fl_check64_avx512(const void *data, size_t len)
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
fl_check64_avx512(const void *data, size_t len)
{
    return fl_check64_plain(data, len);
}
#endif
