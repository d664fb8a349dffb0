/*
 * The alphabet of byte-level tokenizers: a printable character for every byte, so that tokens can
 * be written in JSON. Printable ASCII and Latin-1 stand for themselves, the other 68 bytes for
 * U+0100 and up. Source: GPT-2's bytes_to_unicode (Radford et al. 2019).
 */
#ifndef FL_TEXT_ALPHABET_H
#define FL_TEXT_ALPHABET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

/* The character that stands for a byte. */
uint32_t fl_alphabet_point(unsigned char byte);

/* Bytes as characters. And back: 1, 0 (OUT as it was) when a character is not in it, or -1. */
FL_MUST int fl_alphabet_write(const void *bytes, size_t len, struct fl_buf *out);
FL_MUST int fl_alphabet_read(const char *text, size_t len, struct fl_buf *out);

#endif
