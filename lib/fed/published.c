/* Listed in the order of names, so that whoever looks at the same files finds the same first. */
#include "fed/published.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

char *
fl_published(const char *folder, const char *sub, const char *name)
{
    size_t size = strlen(folder) + (sub ? strlen(sub) : 0) + strlen(name) + 8;
    char *path = fl_alloc(size, 1);

    if (path)
        snprintf(path, size, "%s/%s%s%s.flt", folder, sub ? sub : "", sub ? "/" : "", name);
    return path;
}

bool
fl_published_is(const char *name, const char *stem)
{
    size_t len = strlen(stem);

    return !strncmp(name, stem, len) && (!name[len] || name[len] == '.');
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* NAME of a file: it counts when it ends with ".flt". */
static int
add(struct fl_published_list *list, const char *name)
{
    const size_t len = strlen(name);

    if (*name == '.' || len < 5 || strcmp(name + len - 4, ".flt"))
        return 0;
    char **names = fl_grow(list->names, list->count, &list->cap, sizeof *names);
    if (!names)
        return -1;
    list->names = names;
    names[list->count] = fl_strndup(name, len - 4);
    return names[list->count++] ? 0 : -1;
}

int
fl_published_list(struct fl_published_list *list, const char *folder, const char *sub)
{
    const size_t size = strlen(folder) + (sub ? strlen(sub) : 0) + 2;
    char *path = fl_alloc(size, 1);
    const struct dirent *entry;
    int failed = 0;

    *list = (struct fl_published_list){0};
    if (!path)
        return -1;
    snprintf(path, size, "%s%s%s", folder, sub ? "/" : "", sub ? sub : "");
    DIR *dir = opendir(path);
    if (!dir && !(sub && errno == ENOENT))
        failed = fl_error_errno(errno, "%s: cannot open this folder", path);
    while (dir && !failed && (entry = readdir(dir)))
        failed = add(list, entry->d_name);
    if (dir)
        closedir(dir);
    free(path);
    if (failed) {
        fl_published_release(list);
        return -1;
    }
    if (list->count)
        qsort(list->names, list->count, sizeof *list->names, compare);
    return 0;
}

void
fl_published_release(struct fl_published_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct fl_published_list){0};
}
