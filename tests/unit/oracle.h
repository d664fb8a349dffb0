/* References that were computed elsewhere (../shared/data, its README), as tests read them. */
#ifndef TEST_ORACLE_H
#define TEST_ORACLE_H

#include "test.h"

#include <jansson.h>
#include <unistd.h>

#include "base/mem.h"

/* "../shared/data/" and FORMAT with the two names in it. */
static inline const char *
data_path(const char *format, const char *model, const char *file, char path[512])
{
    const char *shared = getenv("FL_SHARED");
    char rest[256];

    snprintf(rest, sizeof rest, format, model, file);
    snprintf(path, 512, "%s/data/%s", shared ? shared : "../shared", rest);
    return path;
}

static inline uint32_t *
ids_of(const json_t *list, size_t *n)
{
    *n = json_array_size(list);
    uint32_t *ids = fl_alloc(*n, sizeof *ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = (uint32_t)json_integer_value(json_array_get(list, i));
    return ids;
}

/* A (4,32) array of lists, flat. */
static inline uint32_t *
rows_of(const json_t *rows, size_t *B, size_t *T)
{
    *B = json_array_size(rows);
    *T = json_array_size(json_array_get(rows, 0));
    uint32_t *ids = fl_alloc(*B * *T, sizeof *ids);
    for (size_t b = 0; b < *B; b++)
        for (size_t t = 0; t < *T; t++)
            ids[b * *T + t] = (uint32_t)json_integer_value(
                json_array_get(json_array_get(rows, b), t));
    return ids;
}

static inline double
number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    CHECK(json_is_number(v));
    return json_number_value(v);
}

#endif
