/*
 * Writing files of the safetensors format: the header is made of a list of tensors, and their bytes
 * follow in that order.
 */
#ifndef FL_PORT_SAFETENSORS_WRITE_H
#define FL_PORT_SAFETENSORS_WRITE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"
#include "flt/format.h"

/*
 * What stands before the data of COUNT tensors: f64, f32, f16, bf16 and whole numbers. NOTES is an
 * object of texts, "__metadata__". Padded with spaces, so that the data begin at a multiple of 8.
 */
FL_MUST int fl_safetensors_header(struct fl_buf *out, const struct fl_tensor *tensors, size_t count,
                                  const json_t *notes);

#endif
