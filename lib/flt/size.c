/*
 * The layout that flt/writer.c writes, added up: a header, the body, the payload with its table of
 * check values, each padded. Whoever changes one changes the other; tests compare them.
 */
#include "flt/size.h"

#include "base/error.h"
#include "flt/record.h"

static uint64_t
padded(uint64_t n, size_t align)
{
    return n + fl_padding(n, align);
}

/* Of a record whose body was encoded (RESULT), and is released. */
static int
add_record(int result, struct fl_buf *body, uint64_t *bytes)
{
    if (!result)
        *bytes += FL_FLT_HEADER + padded(body->len, FL_FLT_ALIGN);
    fl_buf_release(body);
    return result;
}

int
fl_size_head(const char *kind, const struct fl_meta *meta, uint64_t *bytes)
{
    struct fl_buf body = {0};

    return add_record(fl_head_encode(kind, meta, &body), &body, bytes);
}

int
fl_size_tensor(const struct fl_tensor *t, uint64_t *bytes)
{
    struct fl_buf body = {0};
    uint64_t elements, payload;

    if (fl_tensor_size(t, &elements, &payload) ||
        add_record(fl_tensor_encode(t, &body), &body, bytes))
        return -1;
    if (payload > UINT64_MAX / 4)
        return fl_error(FL_FAILED, "tensor \"%s\": its size overflows", t->name);
    *bytes += padded(padded(payload, 8) + 8 * fl_blocks(payload), FL_FLT_ALIGN);
    return 0;
}

int
fl_size_done(uint64_t *bytes)
{
    const struct fl_done done = {0};
    struct fl_buf body = {0};

    return add_record(fl_done_encode(&done, &body), &body, bytes);
}

int
fl_size_sign(const struct fl_sign *sign, uint64_t *bytes)
{
    struct fl_buf body = {0};

    return add_record(fl_sign_encode(sign, &body), &body, bytes);
}
