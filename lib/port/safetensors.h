/*
 * Files of the safetensors format: a length, a JSON header that names tensors, their bytes. The
 * file is mapped; a tensor is read when it is asked for. Nothing of the header is believed
 * unchecked: tensors must lie inside the file, agree with their shapes and not overlap. Source: the
 * format's description in huggingface/safetensors, README, "Format".
 */
#ifndef FL_PORT_SAFETENSORS_H
#define FL_PORT_SAFETENSORS_H

#include "flt/format.h"

struct fl_safetensors;

/* NULL with an error that names PATH. */
struct fl_safetensors *fl_safetensors_open(const char *path);

/* The same from LEN bytes at DATA, borrowed; NAME is for messages. */
struct fl_safetensors *fl_safetensors_parse(const void *data, size_t len, const char *name);
void fl_safetensors_free(struct fl_safetensors *s);

const char *fl_safetensors_name(const struct fl_safetensors *s);
size_t fl_safetensors_count(const struct fl_safetensors *s);
const struct fl_tensor *fl_safetensors_tensor(const struct fl_safetensors *s, size_t i);

/* Index by name, or -1 (no error recorded). */
int64_t fl_safetensors_find(const struct fl_safetensors *s, const char *name);

/* The payload, little-endian, not aligned; valid until fl_safetensors_free. */
const unsigned char *fl_safetensors_data(const struct fl_safetensors *s, size_t i);

#endif
