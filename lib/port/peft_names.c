/* One place for the form of a name, for the way in and the way out. */
#include "port/peft_names.h"

#include <stdio.h>
#include <string.h>

static const char before[] = "base_model.model.", after[] = ".lora_?.weight";

const char *
fl_peft_name(const struct fl_family *f, unsigned module, uint32_t layer, char which, char *name,
             size_t size)
{
    char map[128] = "";

    (void)fl_family_module_name(f, module, layer, map, sizeof map);
    snprintf(name, size, "%s%s%s.lora_%c.weight", before, f->prefix, map, which);
    return name;
}

bool
fl_peft_parse_name(const char *name, const struct fl_family *f, char *module, size_t size,
                   char *which)
{
    size_t first = sizeof before - 1, prefix = strlen(f->prefix), last = sizeof after - 1;
    size_t len = strlen(name);

    if (len <= first + prefix + last || strncmp(name, before, first) ||
        strncmp(name + first, f->prefix, prefix))
        return false;
    *which = name[len - last + 6];
    snprintf(module, size, "%.*s", (int)(len - first - prefix - last), name + first + prefix);
    return !strncmp(name + len - last, ".lora_", 6) && !strcmp(name + len - 7, ".weight") &&
           (*which == 'A' || *which == 'B');
}
