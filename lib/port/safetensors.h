/*
 * Files of the safetensors format: a length, a JSON header that names tensors, their bytes. The
 * files are mapped; a tensor is read when it is asked for. Nothing of a header is believed
 * unchecked: tensors must lie inside the file, agree with their shapes and not overlap. Source: the
 * format's description in huggingface/safetensors, README, "Format"; for several files,
 * transformers' "model.safetensors.index.json".
 */
#ifndef FL_PORT_SAFETENSORS_H
#define FL_PORT_SAFETENSORS_H

#include "base/must.h"
#include "flt/format.h"

struct fl_safetensors;

/* The tensors of one file. NULL with an error that names PATH. */
struct fl_safetensors *fl_safetensors_open(const char *path);

/*
 * Those of the folder DIR: model.safetensors, or the files of model.safetensors.index.json. These
 * are in DIR itself (a name with a slash is refused), and index and files say the same of every
 * tensor. NULL with an error.
 */
struct fl_safetensors *fl_safetensors_open_folder(const char *dir);

/* The same as of a file from LEN bytes at DATA, borrowed; NAME is for messages. */
struct fl_safetensors *fl_safetensors_parse(const void *data, size_t len, const char *name);
void fl_safetensors_free(struct fl_safetensors *s);

const char *fl_safetensors_name(const struct fl_safetensors *s); /* the first file, or the index */
size_t fl_safetensors_count(const struct fl_safetensors *s);
const struct fl_tensor *fl_safetensors_tensor(const struct fl_safetensors *s, size_t i);
const char *fl_safetensors_file(const struct fl_safetensors *s, size_t i); /* that has tensor I */

/* What the first file's "__metadata__" says under KEY, or NULL. */
const char *fl_safetensors_note(const struct fl_safetensors *s, const char *key);

/* Index by name, or -1 (no error recorded). */
int64_t fl_safetensors_find(const struct fl_safetensors *s, const char *name);

/* The payload, little-endian, not aligned; valid until fl_safetensors_free. */
const unsigned char *fl_safetensors_data(const struct fl_safetensors *s, size_t i);

/* Bytes FROM to TO - 1 of it need not stay in memory (the pages at both ends may). */
void fl_safetensors_forget(const struct fl_safetensors *s, size_t i, uint64_t from, uint64_t to);

#endif
