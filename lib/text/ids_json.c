/*
 * By hand in both directions: a line may hold millions of ids, and a tree of JSON values takes tens
 * of bytes for each.
 */
#include "text/ids_json.h"

#include <string.h>

int
fl_ids_json_write(const struct fl_ids *ids, struct fl_buf *out)
{
    char digits[16];

    if (fl_buf_add_byte(out, '['))
        return -1;
    for (size_t i = 0; i < ids->len; i++) {
        size_t at = sizeof digits;
        uint32_t id = ids->data[i];
        do
            digits[--at] = (char)('0' + id % 10);
        while (id /= 10);
        if (i) {
            digits[--at] = ' ';
            digits[--at] = ',';
        }
        if (fl_buf_add(out, digits + at, sizeof digits - at))
            return -1;
    }
    return fl_buf_add_text(out, "]\n");
}

static const char *
skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* A whole number below 2^32 at P, as JSON writes it; returns what is after it, or NULL. */
static const char *
read_id(const char *p, const char *end, uint32_t *id)
{
    uint64_t value = 0;
    const char *start = p;

    for (; p < end && *p >= '0' && *p <= '9' && value <= UINT32_MAX; p++)
        value = 10 * value + (uint64_t)(*p - '0');
    *id = (uint32_t)value;
    return p == start || value > UINT32_MAX || (*start == '0' && p > start + 1) ? NULL : p;
}

int
fl_ids_json_read(const char *line, size_t len, struct fl_ids *ids)
{
    const char *end = line + len, *p = skip_space(line, end);
    size_t before = ids->len;
    uint32_t id;

    if (p == end || *p != '[')
        goto wrong;
    p = skip_space(p + 1, end);
    if (p < end && *p == ']')
        p++;
    else
        for (;;) {
            const char *after = read_id(p, end, &id);
            if (!after)
                goto wrong;
            if (fl_ids_add(ids, id)) {
                ids->len = before;
                return -1;
            }
            p = skip_space(after, end);
            if (p == end || (*p != ',' && *p != ']'))
                goto wrong;
            if (*p++ == ']')
                break;
            p = skip_space(p, end);
        }
    if (skip_space(p, end) == end)
        return 0;
wrong:
    ids->len = before;
    return fl_error(FL_FAILED, "is not a JSON array of token ids; byte %zu is wrong",
                    (size_t)((p < end ? p : end) - line));
}
