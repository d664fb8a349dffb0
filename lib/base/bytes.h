/*
 * Little-endian integers in byte arrays; the compiler makes single moves of them.
 */
#ifndef FL_BASE_BYTES_H
#define FL_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void
fl_put16(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

static inline void
fl_put32(unsigned char *p, uint32_t v)
{
    fl_put16(p, (uint16_t)v);
    fl_put16(p + 2, (uint16_t)(v >> 16));
}

static inline void
fl_put64(unsigned char *p, uint64_t v)
{
    fl_put32(p, (uint32_t)v);
    fl_put32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t
fl_get16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
fl_get32(const unsigned char *p)
{
    return (uint32_t)fl_get16(p) | (uint32_t)fl_get16(p + 2) << 16;
}

static inline uint64_t
fl_get64(const unsigned char *p)
{
    return (uint64_t)fl_get32(p) | (uint64_t)fl_get32(p + 4) << 32;
}

static inline void
fl_put_f64(unsigned char *p, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    fl_put64(p, bits);
}

static inline double
fl_get_f64(const unsigned char *p)
{
    uint64_t bits = fl_get64(p);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

#endif
