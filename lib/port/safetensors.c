/*
 * Entries are sorted twice: by offset, to show that they cover the data without holes and overlaps,
 * then by name, to be found. jansson refuses a key that comes twice, which would hide a tensor.
 */
#include "port/safetensors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"
#include "port/json_file.h"

enum { HEADER_MAX = 100 << 20 /* the format's own limit */ };

struct part { /* a file */
    char *name;
    unsigned char *map; /* NULL when the bytes are borrowed */
    size_t map_len;
    const unsigned char *data; /* after the header */
};

struct entry {
    struct fl_tensor tensor;
    uint64_t begin, end; /* in the data after the header */
    size_t part;
};

struct fl_safetensors {
    char *name;
    struct part *parts;
    size_t part_count, part_cap;
    struct entry *entries; /* sorted by name */
    size_t count;
    json_t *notes; /* of the first file */
};

void
fl_safetensors_free(struct fl_safetensors *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->part_count; i++) {
        fl_unmap(s->parts[i].map, s->parts[i].map_len);
        free(s->parts[i].name);
    }
    json_decref(s->notes);
    free(s->parts);
    free(s->entries);
    free(s->name);
    free(s);
}

static int
bad(const struct part *p, const char *what, const char *tensor)
{
    return fl_error(FL_FAILED, "%s: tensor \"%.200s\": %s; is it a whole safetensors file?",
                    p->name, tensor, what);
}

/* The format's dtypes that a stream can carry; a BOOL is a byte, 0 or 1. */
static enum fl_dtype
dtype_of(const char *name)
{
    static const struct {
        const char *name;
        enum fl_dtype dtype;
    } known[] = {{"F64", FL_F64}, {"F32", FL_F32}, {"F16", FL_F16}, {"BF16", FL_BF16},
                 {"I64", FL_I64}, {"I32", FL_I32}, {"I16", FL_I16}, {"I8", FL_I8},
                 {"U64", FL_U64}, {"U32", FL_U32}, {"U16", FL_U16}, {"U8", FL_U8},
                 {"BOOL", FL_U8}};

    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return known[i].dtype;
    return 0;
}

static int
read_entry(const struct part *p, struct entry *e, const char *name, const json_t *value,
           uint64_t data_len)
{
    const json_t *shape = json_object_get(value, "shape");
    const json_t *offsets = json_object_get(value, "data_offsets");
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    uint64_t elements, bytes;

    memset(e, 0, sizeof *e);
    if (!*name || strlen(name) > FL_FLT_NAME_MAX)
        return bad(p, "its name is not 1 to 255 bytes", name);
    strcpy(e->tensor.name, name);
    e->tensor.dtype = dtype_of(dtype);
    if (!dtype)
        return bad(p, "its dtype is missing", name);
    if (!e->tensor.dtype)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%.200s\" is %.40s, a dtype that is not read here; convert it "
                        "to F32, F16 or BF16",
                        p->name, name, dtype);
    if (!json_is_array(shape) || json_array_size(shape) > FL_FLT_RANK_MAX)
        return bad(p, "its shape is not a list of at most 8 numbers", name);
    e->tensor.rank = (unsigned)json_array_size(shape);
    for (unsigned i = 0; i < e->tensor.rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(p, "its shape is not a list of numbers", name);
        e->tensor.dims[i] = (uint64_t)json_integer_value(dim);
    }
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin) ||
        (uint64_t)json_integer_value(end) > data_len)
        return bad(p, "its offsets lie outside of the file", name);
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    if (fl_tensor_size(&e->tensor, &elements, &bytes) || bytes != e->end - e->begin)
        return bad(p, "its shape and its length do not agree", name);
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

/* The COUNT entries of a file cover its data: the format has neither overlaps nor holes. */
static int
check_cover(const struct part *p, struct entry *entries, size_t count, uint64_t data_len)
{
    uint64_t end = 0;

    qsort(entries, count, sizeof *entries, by_offset);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].begin != end)
            return bad(p, "it overlaps another one, or there are bytes of none before it",
                       entries[i].tensor.name);
        end = entries[i].end;
    }
    if (end != data_len)
        return fl_error(FL_FAILED,
                        "%s: has bytes after its last tensor; is it a whole safetensors file?",
                        p->name);
    return 0;
}

/* "__metadata__" has texts. That of the first file is kept. */
static int
read_notes(struct fl_safetensors *s, const struct part *p, json_t *notes)
{
    const char *key;
    json_t *value;
    bool texts = json_is_object(notes);

    json_object_foreach(notes, key, value) texts &= json_is_string(value);
    if (!texts)
        return fl_error(FL_FAILED,
                        "%s: \"__metadata__\" is no object of texts; is it a safetensors file?",
                        p->name);
    if (!s->notes)
        s->notes = json_incref(notes);
    return 0;
}

static int
read_header(struct fl_safetensors *s, const struct part *p, const json_t *header, uint64_t data_len)
{
    size_t first = s->count, most = first + json_object_size(header);
    struct entry *entries = fl_resize(s->entries, most ? most : 1, sizeof *entries);
    const char *name;
    json_t *value;

    if (!entries)
        return -1;
    s->entries = entries;
    json_object_foreach((json_t *)header, name, value)
    {
        if (!strcmp(name, "__metadata__")) {
            if (read_notes(s, p, value))
                return -1;
            continue;
        }
        if (read_entry(p, &entries[s->count], name, value, data_len))
            return -1;
        entries[s->count++].part = s->part_count - 1;
    }
    return check_cover(p, entries + first, s->count - first, data_len);
}

/* The entries of one more file, which is DATA. */
static int
parse(struct fl_safetensors *s, struct part *p, const unsigned char *data, size_t len)
{
    json_error_t why;
    uint64_t header_len = len < 8 ? 0 : fl_get64(data);

    if (len < 10 || header_len > HEADER_MAX || header_len > len - 8 || data[8] != '{')
        return fl_error(FL_FAILED, "%s: is not a safetensors file", p->name);
    json_t *header = json_loadb((const char *)data + 8, (size_t)header_len, JSON_REJECT_DUPLICATES,
                                &why);
    if (!header)
        return fl_error(FL_FAILED, "%s: its header is not JSON: %s (byte %d)", p->name, why.text,
                        why.position);
    p->data = data + 8 + header_len;
    int result = json_is_object(header)
                     ? read_header(s, p, header, len - 8 - header_len)
                     : fl_error(FL_FAILED, "%s: its header is no object", p->name);
    json_decref(header);
    return result;
}

static struct part *
add_part(struct fl_safetensors *s, const char *name)
{
    struct part *parts = fl_grow(s->parts, s->part_count, &s->part_cap, sizeof *parts);

    if (!parts)
        return NULL;
    s->parts = parts;
    parts[s->part_count] = (struct part){.name = fl_strdup(name)};
    return parts[s->part_count].name ? &parts[s->part_count++] : NULL;
}

/* All files are read: entries in the order in which they are found, each name once. */
static int
finish(struct fl_safetensors *s)
{
    qsort(s->entries, s->count, sizeof *s->entries, by_name);
    for (size_t i = 1; i < s->count; i++)
        if (!by_name(&s->entries[i - 1], &s->entries[i]))
            return fl_error(FL_FAILED, "%s: tensor \"%s\" is also in %s; one of them has to go",
                            s->parts[s->entries[i].part].name, s->entries[i].tensor.name,
                            s->parts[s->entries[i - 1].part].name);
    return 0;
}

static struct fl_safetensors *
start(const char *name)
{
    struct fl_safetensors *s = fl_alloc(1, sizeof *s);

    if (s && !(s->name = fl_strdup(name))) {
        free(s);
        return NULL;
    }
    return s;
}

/* S, or nothing when something FAILED. */
static struct fl_safetensors *
end(struct fl_safetensors *s, bool failed)
{
    if (!failed && !finish(s))
        return s;
    fl_safetensors_free(s);
    return NULL;
}

struct fl_safetensors *
fl_safetensors_parse(const void *data, size_t len, const char *name)
{
    struct fl_safetensors *s = start(name);
    struct part *p = s ? add_part(s, name) : NULL;

    return end(s, !p || parse(s, p, data, len));
}

static int
add_file(struct fl_safetensors *s, const char *path)
{
    struct part *p = add_part(s, path);
    int fd = p && !fl_check_plain(path) ? fl_open_input(path, true) : -1;

    if (fd < 0)
        return -1;
    int64_t len = fl_regular_size(fd);
    if (len < 0)
        fl_error(FL_FAILED, "%s: is no regular file; safetensors are mapped", path);
    else
        p->map = fl_map(fd, path, (size_t)len);
    p->map_len = p->map ? (size_t)len : 0;
    fl_close_input(fd);
    return p->map ? parse(s, p, p->map, p->map_len) : -1;
}

struct fl_safetensors *
fl_safetensors_open(const char *path)
{
    struct fl_safetensors *s = start(path);

    return end(s, !s || add_file(s, path));
}

/* "DIR/NAME" of a file of the index. */
static int
add_named(struct fl_safetensors *s, const char *dir, const json_t *file)
{
    const char *name = json_string_value(file);
    char path[FL_PORT_PATH];

    if (!name || !*name || strchr(name, '/') || *name == '.')
        return fl_error(FL_FAILED,
                        "%s: \"weight_map\" names \"%.80s\", which is no file beside it; give "
                        "plain names",
                        s->name, name ? name : "");
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return fl_error(FL_FAILED, "%s: the name \"%.80s...\" is too long", s->name, name);
    for (size_t i = 0; i < s->part_count; i++)
        if (!strcmp(s->parts[i].name, path))
            return 0;
    return add_file(s, path);
}

/* Tensor NAME is in the file that the index says, which is one of the parts. */
static int
check_named(const struct fl_safetensors *s, const char *dir, const char *name, const json_t *file)
{
    int64_t i = fl_safetensors_find(s, name);

    if (i < 0)
        return fl_error(FL_FAILED, "%s: tensor \"%.200s\" is in none of its files", s->name, name);
    const char *in = fl_safetensors_file(s, (size_t)i) + strlen(dir) + 1;
    if (strcmp(in, json_string_value(file)))
        return fl_error(FL_FAILED, "%s: tensor \"%.200s\" is in %.80s, and not in %.80s", s->name,
                        name, in, json_string_value(file));
    return 0;
}

/* The files of INDEX, and whether both say the same. */
static int
read_index(struct fl_safetensors **s, const char *dir, const json_t *index)
{
    json_t *map = json_object_get(index, "weight_map"), *file;
    const char *name;

    if (!json_is_object(map) || !json_object_size(map))
        return fl_error(FL_FAILED, "%s: \"weight_map\" is no object that names tensors",
                        (*s)->name);
    json_object_foreach(map, name, file)
    {
        if (add_named(*s, dir, file))
            return -1;
    }
    if (!(*s = end(*s, false)))
        return -1;
    json_object_foreach(map, name, file)
    {
        if (check_named(*s, dir, name, file))
            return -1;
    }
    for (size_t i = 0; i < (*s)->count; i++)
        if (!json_object_get(map, (*s)->entries[i].tensor.name))
            return fl_error(FL_FAILED, "%s: says nothing of tensor \"%s\" in %s", (*s)->name,
                            (*s)->entries[i].tensor.name, fl_safetensors_file(*s, i));
    return 0;
}

struct fl_safetensors *
fl_safetensors_open_folder(const char *dir)
{
    char path[FL_PORT_PATH], index_path[FL_PORT_PATH];
    json_t *index;

    if (fl_port_path(path, dir, "model.safetensors") ||
        fl_port_path(index_path, dir, "model.safetensors.index.json"))
        return NULL;
    if (!access(path, F_OK) || access(index_path, F_OK))
        return fl_safetensors_open(path);
    if (fl_json_file(index_path, false, &index))
        return NULL;
    struct fl_safetensors *s = start(index_path);
    int failed = !s || read_index(&s, dir, index);
    json_decref(index);
    if (!failed)
        return s;
    fl_safetensors_free(s);
    return NULL;
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

const char *
fl_safetensors_file(const struct fl_safetensors *s, size_t i)
{
    return s->parts[s->entries[i].part].name;
}

const char *
fl_safetensors_note(const struct fl_safetensors *s, const char *key)
{
    return json_string_value(json_object_get(s->notes, key));
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
    return s->parts[s->entries[i].part].data + s->entries[i].begin;
}

void
fl_safetensors_forget(const struct fl_safetensors *s, size_t i, uint64_t from, uint64_t to)
{
    fl_map_forget(fl_safetensors_data(s, i) + from, (size_t)(to - from));
}
