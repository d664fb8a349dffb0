/*
 * FL_KERNEL before a function compiles it for several x86-64 levels; the one that the processor can
 * run is chosen when the program starts. There is one plain form elsewhere; under sanitizers, which
 * cannot run before that choice; and where the compiler was told of AVX2 or more, as by
 * -march=native: its form is the best one already, and helpers that are compiled for one processor
 * cannot be inlined into forms for another. Such a function uses integers, or floating point in an
 * order that the C text fixes, so that all forms give the same bytes.
 *
 * Write it as plain loops, of a fixed number of lanes where that helps: the compiler makes vectors
 * of them in each form. GCC's vector types are split for the least processor before forms are made.
 */
#ifndef FL_OS_KERNEL_H
#define FL_OS_KERNEL_H

#include <stdbool.h>
#include <stdint.h> /* tells whether this is glibc */
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) &&        \
    __GNUC__ >= 12 && !defined(__clang__) && !defined(__AVX2__) &&                                 \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FL_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FL_KERNEL
#endif

/* Whether the processor has AVX-512, which some kernels need to be faster than a library. */
static inline bool
fl_kernel_is_wide(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

/* Whether it multiplies bf16: two products and a sum in f32 in one (AVX512-BF16). */
static inline bool
fl_kernel_has_bf16(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

/* Whether it does so by tiles of rows (AMX-BF16: leaf 7, EDX, bit 22). */
static inline bool
fl_kernel_has_amx(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
#else
    return false;
#endif
}

#endif
