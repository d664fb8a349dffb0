/*
 * Any bytes as config.json: refused with a sentence, or a configuration that is in range, that its
 * family can say, and that metadata says too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "port/hf_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_accepted(const struct fl_family *family, const struct fl_config *c)
{
    struct fl_meta meta = {0};
    struct fl_config again;
    json_t *written = fl_hf_config_write(family, c);

    if (fl_config_check(c) || !written)
        abort();
    if (fl_config_to_meta(c, &meta) || fl_config_from_meta(&again, &meta) ||
        !fl_config_same(c, &again))
        abort();
    fl_meta_release(&meta);
    json_decref(written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *file = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const struct fl_family *family = NULL;
    struct fl_buf notes = {0};
    struct fl_config c;

    if (json_is_object(file)) {
        fl_error_clear();
        if (!fl_hf_config(&family, &c, file, "fuzz", &notes))
            check_accepted(family, &c);
        else if (fl_error_status() != FL_FAILED || strncmp(fl_error_text(), "fuzz: ", 6))
            abort();
    }
    fl_buf_release(&notes);
    json_decref(file);
    return 0;
}
