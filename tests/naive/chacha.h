/* Slow twin of fl_stream_fill: one block after the other, as RFC 8439 has it. */
#ifndef NAIVE_CHACHA_H
#define NAIVE_CHACHA_H

#include <stddef.h>
#include <stdint.h>

void naive_stream(unsigned char *out, size_t n, const unsigned char key[32], uint64_t chunk);

#endif
