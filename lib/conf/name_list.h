/* Lists of names out of a YAML list of scalars. */
#ifndef FL_CONF_NAME_LIST_H
#define FL_CONF_NAME_LIST_H

#include <stddef.h>

#include "base/must.h"
#include "conf/yaml.h"

struct fl_name_list { /* a zeroed struct is empty */
    char **items;
    size_t count;
};

void fl_name_list_release(struct fl_name_list *list);

/*
 * Copies of the scalars of NODE, a list (NULL: none); LIST is empty before. FILE is for messages.
 */
FL_MUST int fl_name_list_read(struct fl_name_list *list, const char *file, const char *key,
                              const struct fl_yaml *node);

#endif
