/* The reader's counterpart; what it checks is kept here by construction. */
#include "port/safetensors_write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* {"dtype": "BF16", "shape": [2,3], "data_offsets": [0,12]}, and *AT after it; NULL: no memory. */
static json_t *
entry(const struct fl_tensor *t, uint64_t *at)
{
    json_t *shape = json_array(), *offsets = json_array(), *e = json_object();
    char dtype[16] = "";
    uint64_t elements, bytes;
    int failed = fl_tensor_size(t, &elements, &bytes);

    for (size_t i = 0; i + 1 < sizeof dtype && fl_dtype_name(t->dtype)[i]; i++)
        dtype[i] = (char)toupper((unsigned char)fl_dtype_name(t->dtype)[i]);
    for (unsigned i = 0; i < t->rank; i++)
        failed |= json_array_append_new(shape, json_integer((json_int_t)t->dims[i]));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)*at));
    failed |= json_array_append_new(offsets, json_integer((json_int_t)(*at += bytes)));
    failed |= json_object_set_new(e, "dtype", json_string(dtype));
    failed |= json_object_set_new(e, "shape", shape);
    failed |= json_object_set_new(e, "data_offsets", offsets);
    if (!failed)
        return e;
    json_decref(e);
    return NULL;
}

int
fl_safetensors_header(struct fl_buf *out, const struct fl_tensor *tensors, size_t count,
                      const json_t *notes)
{
    json_t *header = json_object();
    uint64_t at = 0;
    int failed = json_object_set(header, "__metadata__", (json_t *)notes);

    for (size_t i = 0; !failed && i < count; i++)
        failed = json_object_set_new(header, tensors[i].name, entry(&tensors[i], &at));
    char *text = failed ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (!text)
        return fl_error_memory("a safetensors header");
    size_t len = strlen(text), padded = (len + 7) / 8 * 8;
    failed = fl_buf_add64(out, padded) || fl_buf_add(out, text, len);
    while (!failed && len++ < padded)
        failed = fl_buf_add_byte(out, ' ');
    free(text);
    return failed ? -1 : 0;
}
