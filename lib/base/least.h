/*
 * The smaller and the larger of two, one function a type: an expression is written, and evaluated,
 * once.
 */
#ifndef FL_BASE_LEAST_H
#define FL_BASE_LEAST_H

#include <stddef.h>
#include <stdint.h>

static inline size_t
fl_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t
fl_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline uint64_t
fl_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint32_t
fl_max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The size of the next piece of LEFT items that are taken at most MOST at a time. */
static inline size_t
fl_piece(uint64_t left, size_t most)
{
    return left < most ? (size_t)left : most;
}

#endif
