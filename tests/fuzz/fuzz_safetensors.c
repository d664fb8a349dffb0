/* Any bytes as a safetensors file: refused, or every byte of every tensor can be read. */
#include <stddef.h>
#include <stdint.h>

#include "port/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_safetensors *s = fl_safetensors_parse(data, size, "fuzz");
    volatile unsigned sum = 0;

    for (size_t i = 0; s && i < fl_safetensors_count(s); i++) {
        uint64_t elements, bytes;
        if (fl_tensor_size(fl_safetensors_tensor(s, i), &elements, &bytes))
            break;
        for (uint64_t k = 0; k < bytes; k++)
            sum += fl_safetensors_data(s, i)[k];
    }
    (void)sum;
    fl_safetensors_free(s);
    return 0;
}
