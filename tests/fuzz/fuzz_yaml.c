/* Any bytes as YAML: no crash, no leak, and what is accepted keeps the promises of conf/yaml.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "conf/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(const struct fl_yaml *node, unsigned depth)
{
    if (depth > 32 || !node->line || (node->type == FL_YAML_SCALAR) != (node->text != NULL))
        abort();
    for (size_t i = 0; i < node->count; i++) {
        walk(node->items[i], depth + 1);
        if (node->type == FL_YAML_MAP && fl_yaml_get(node, node->keys[i]) != node->items[i])
            abort(); /* a key twice */
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_yaml *y = fl_yaml_parse((const char *)data, size, "fuzz");
    int64_t n = 0;
    double x = 0;
    char *text = NULL, *choice = NULL;
    struct fl_yaml_key keys[] = {FL_KEY_I64("a", -9, 9, &n), FL_KEY_F64("b", 0, 0, &x),
                                 FL_KEY_TEXT("c", &text), FL_KEY_CHOICE("d", "x|yy", &choice),
                                 FL_KEY_END};

    if (!y && (!*fl_error_text() || fl_error_status() != FL_USAGE))
        abort();
    if (y) {
        walk(y, 0);
        fl_yaml_fill("fuzz", y, keys);
        if (n < -9 || n > 9 || (choice && strcmp(choice, "x") && strcmp(choice, "yy")))
            abort();
    }
    free(text);
    free(choice);
    fl_yaml_free(y);
    return 0;
}
