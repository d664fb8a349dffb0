/* COUNT grows with each copy, so that a list that could not be finished can be released. */
#include "conf/name_list.h"

#include <stdlib.h>

#include "base/mem.h"

void
fl_name_list_release(struct fl_name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct fl_name_list){0};
}

int
fl_name_list_read(struct fl_name_list *list, const char *file, const char *key,
                  const struct fl_yaml *node)
{
    if (!node)
        return 0;
    if (node->type != FL_YAML_LIST)
        return fl_yaml_error(file, node, "%s: must be a list", key);
    list->items = fl_alloc(node->count, sizeof *list->items);
    if (!list->items)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        const struct fl_yaml *item = node->items[i];
        if (item->type != FL_YAML_SCALAR)
            return fl_yaml_error(
                file, item, "%s: holds a list or a mapping; it should be a list of single values",
                key);
        list->items[i] = fl_strdup(item->text);
        if (!list->items[i])
            return -1;
        list->count = i + 1;
    }
    return 0;
}
