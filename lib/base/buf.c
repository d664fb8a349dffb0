/*
 * A reservation asks for one byte more than the content, which is the zero after it; capacities at
 * least double, so that bytes added one by one cost O(1) each.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/least.h"
#include "base/mem.h"

void
fl_buf_release(struct fl_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = buf->cap = 0;
}

void
fl_buf_clear(struct fl_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

int
fl_buf_reserve(struct fl_buf *buf, size_t more)
{
    if (more >= SIZE_MAX - buf->len - 64)
        return fl_error_memory("a buffer of %zu bytes cannot grow by %zu", buf->len, more);
    size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return 0;
    size_t cap = fl_max(buf->cap > SIZE_MAX / 2 ? need : fl_max(buf->cap * 2, need), 64);
    unsigned char *data = fl_resize(buf->data, cap, 1);
    if (!data)
        return -1;
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int
fl_buf_add(struct fl_buf *buf, const void *data, size_t len)
{
    if (fl_buf_reserve(buf, len))
        return -1;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int
fl_buf_add_text(struct fl_buf *buf, const char *text)
{
    return fl_buf_add(buf, text, strlen(text));
}

int
fl_buf_add_byte(struct fl_buf *buf, unsigned byte)
{
    unsigned char c = (unsigned char)byte;

    return fl_buf_add(buf, &c, 1);
}

int
fl_buf_add16(struct fl_buf *buf, uint16_t v)
{
    unsigned char p[2];

    fl_put16(p, v);
    return fl_buf_add(buf, p, sizeof p);
}

int
fl_buf_add32(struct fl_buf *buf, uint32_t v)
{
    unsigned char p[4];

    fl_put32(p, v);
    return fl_buf_add(buf, p, sizeof p);
}

int
fl_buf_add64(struct fl_buf *buf, uint64_t v)
{
    unsigned char p[8];

    fl_put64(p, v);
    return fl_buf_add(buf, p, sizeof p);
}

int
fl_buf_printf(struct fl_buf *buf, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0 || fl_buf_reserve(buf, (size_t)n))
        return -1;
    va_start(ap, format);
    vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, format, ap);
    va_end(ap);
    buf->len += (size_t)n;
    return 0;
}

const char *
fl_buf_text(const struct fl_buf *buf)
{
    return buf->data ? (const char *)buf->data : "";
}
