/*
 * Planned steps out of YAML. One form for people who write a list, one for those who keep it beside
 * other settings; events are in the one grammar, so nothing is said twice.
 */
#include "priv/steps.h"

#include "base/error.h"
#include "conf/yaml.h"
#include "os/file.h"

static int
add_item(const char *name, const struct fl_yaml *item, struct fl_events *events)
{
    if (item->type != FL_YAML_SCALAR)
        return fl_yaml_error(name, item,
                             "a step is an event as text, such as "
                             "\"pgauss:q=0.01,nm=1*500\"");
    if (fl_events_parse(events, item->text)) {
        struct fl_error_copy why;
        fl_error_save(&why);
        return fl_yaml_error(name, item, "%s", why.what);
    }
    return 0;
}

static int
add_steps(const char *name, const struct fl_yaml *steps, struct fl_events *events)
{
    if (steps->type != FL_YAML_LIST)
        return add_item(name, steps, events);
    for (size_t i = 0; i < steps->count; i++)
        if (add_item(name, steps->items[i], events))
            return -1;
    return 0;
}

static int
read_map(const char *name, const struct fl_yaml *map, struct fl_events *events, char **unit)
{
    const struct fl_yaml *steps = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("unit", unit),
        FL_KEY_NODE("steps", &steps),
        FL_KEY_END,
    };

    if (fl_yaml_fill(name, map, keys))
        return -1;
    if (!steps)
        return fl_error(FL_USAGE, "%s: has no steps; a list of events is needed", name);
    return add_steps(name, steps, events);
}

int
fl_steps_read(const char *path, struct fl_events *events, char **unit)
{
    const char *name = fl_input_name(path);
    struct fl_yaml *node = fl_yaml_read(path);

    *unit = NULL;
    if (!node)
        return -1;
    int result = node->type == FL_YAML_MAP ? read_map(name, node, events, unit)
                                           : add_steps(name, node, events);
    fl_yaml_free(node);
    return result;
}
