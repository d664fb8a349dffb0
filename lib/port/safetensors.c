/*
 * Entries are sorted twice: by offset, to show that they cover the data without holes and overlaps,
 * then by name, to be found. jansson refuses a key that comes twice, which would hide a tensor.
 */
#include "port/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"

enum { HEADER_MAX = 100 << 20 }; /* the format's own limit */

struct entry {
    struct fl_tensor tensor;
    uint64_t begin, end; /* in the data after the header */
};

struct fl_safetensors {
    char *name;
    unsigned char *map; /* NULL when the bytes are borrowed */
    size_t map_len;
    const unsigned char *data; /* after the header */
    struct entry *entries;     /* sorted by name */
    size_t count;
};

void
fl_safetensors_free(struct fl_safetensors *s)
{
    if (!s)
        return;
    fl_unmap(s->map, s->map_len);
    free(s->entries);
    free(s->name);
    free(s);
}

static int
bad(const struct fl_safetensors *s, const char *what, const char *tensor)
{
    return fl_error(FL_FAILED, "%s: tensor \"%.200s\": %s; is it a whole safetensors file?",
                    s->name, tensor, what);
}

/* The format's dtypes that a stream can carry. */
static enum fl_dtype
dtype_of(const char *name)
{
    static const struct {
        const char *name;
        enum fl_dtype dtype;
    } known[] = {{"F64", FL_F64}, {"F32", FL_F32}, {"F16", FL_F16}, {"BF16", FL_BF16},
                 {"I64", FL_I64}, {"I32", FL_I32}, {"I16", FL_I16}, {"I8", FL_I8},
                 {"U64", FL_U64}, {"U32", FL_U32}, {"U16", FL_U16}, {"U8", FL_U8}};

    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return known[i].dtype;
    return 0;
}

static int
read_entry(const struct fl_safetensors *s, struct entry *e, const char *name, const json_t *value,
           uint64_t data_len)
{
    const json_t *shape = json_object_get(value, "shape");
    const json_t *offsets = json_object_get(value, "data_offsets");
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    uint64_t elements, bytes;

    memset(e, 0, sizeof *e);
    if (!*name || strlen(name) > FL_FLT_NAME_MAX)
        return bad(s, "its name is not 1 to 255 bytes", name);
    strcpy(e->tensor.name, name);
    e->tensor.dtype = dtype_of(dtype);
    if (!dtype)
        return bad(s, "its dtype is missing", name);
    if (!e->tensor.dtype)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%.200s\" is %.40s, a dtype that is not read here; convert it "
                        "to F32, F16 or BF16",
                        s->name, name, dtype);
    if (!json_is_array(shape) || json_array_size(shape) > FL_FLT_RANK_MAX)
        return bad(s, "its shape is not a list of at most 8 numbers", name);
    e->tensor.rank = (unsigned)json_array_size(shape);
    for (unsigned i = 0; i < e->tensor.rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(s, "its shape is not a list of numbers", name);
        e->tensor.dims[i] = (uint64_t)json_integer_value(dim);
    }
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin) ||
        (uint64_t)json_integer_value(end) > data_len)
        return bad(s, "its offsets lie outside of the file", name);
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    if (fl_tensor_size(&e->tensor, &elements, &bytes) || bytes != e->end - e->begin)
        return bad(s, "its shape and its length do not agree", name);
    return 0;
}

static int
by_offset(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->tensor.name, ((const struct entry *)b)->tensor.name);
}

static int
read_header(struct fl_safetensors *s, const json_t *header, uint64_t data_len)
{
    const char *name;
    json_t *value;

    s->entries = fl_alloc(json_object_size(header), sizeof *s->entries);
    if (!s->entries)
        return -1;
    json_object_foreach((json_t *)header, name, value)
    {
        if (!strcmp(name, "__metadata__"))
            continue;
        if (read_entry(s, &s->entries[s->count], name, value, data_len))
            return -1;
        s->count++;
    }
    qsort(s->entries, s->count, sizeof *s->entries, by_offset);
    uint64_t end = 0; /* the format has neither overlaps nor holes */
    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].begin != end)
            return bad(s, "it overlaps another one, or there are bytes of none before it",
                       s->entries[i].tensor.name);
        end = s->entries[i].end;
    }
    if (end != data_len)
        return fl_error(FL_FAILED,
                        "%s: has bytes after its last tensor; is it a whole safetensors file?",
                        s->name);
    qsort(s->entries, s->count, sizeof *s->entries, by_name);
    return 0;
}

static int
parse(struct fl_safetensors *s, const unsigned char *data, size_t len)
{
    json_error_t why;
    uint64_t header_len = len < 8 ? 0 : fl_get64(data);

    if (len < 10 || header_len > HEADER_MAX || header_len > len - 8 || data[8] != '{')
        return fl_error(FL_FAILED, "%s: is not a safetensors file", s->name);
    json_t *header = json_loadb((const char *)data + 8, (size_t)header_len, JSON_REJECT_DUPLICATES,
                                &why);
    if (!header)
        return fl_error(FL_FAILED, "%s: its header is not JSON: %s (byte %d)", s->name, why.text,
                        why.position);
    s->data = data + 8 + header_len;
    int result = json_is_object(header)
                     ? read_header(s, header, len - 8 - header_len)
                     : fl_error(FL_FAILED, "%s: its header is no object", s->name);
    json_decref(header);
    return result;
}

struct fl_safetensors *
fl_safetensors_parse(const void *data, size_t len, const char *name)
{
    struct fl_safetensors *s = fl_alloc(1, sizeof *s);

    if (s && (!(s->name = fl_strdup(name)) || parse(s, data, len))) {
        fl_safetensors_free(s);
        return NULL;
    }
    return s;
}

struct fl_safetensors *
fl_safetensors_open(const char *path)
{
    int fd = fl_open_input(path, true);
    struct fl_safetensors *s = NULL;

    if (fd < 0)
        return NULL;
    int64_t len = fl_regular_size(fd);
    void *map = NULL;
    if (len < 0)
        fl_error(FL_FAILED, "%s: is no regular file; safetensors are mapped", path);
    else
        map = fl_map(fd, path, (size_t)len);
    fl_close_input(fd);
    if (map && (s = fl_safetensors_parse(map, (size_t)len, path))) {
        s->map = map;
        s->map_len = (size_t)len;
    } else if (map) {
        fl_unmap(map, (size_t)len);
    }
    return s;
}

const char *
fl_safetensors_name(const struct fl_safetensors *s)
{
    return s->name;
}

size_t
fl_safetensors_count(const struct fl_safetensors *s)
{
    return s->count;
}

const struct fl_tensor *
fl_safetensors_tensor(const struct fl_safetensors *s, size_t i)
{
    return &s->entries[i].tensor;
}

static int
compare_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct entry *)entry)->tensor.name);
}

int64_t
fl_safetensors_find(const struct fl_safetensors *s, const char *name)
{
    const struct entry *found = bsearch(name, s->entries, s->count, sizeof *found, compare_name);

    return found ? found - s->entries : -1;
}

const unsigned char *
fl_safetensors_data(const struct fl_safetensors *s, size_t i)
{
    return s->data + s->entries[i].begin;
}
