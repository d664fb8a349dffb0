/*
 * A document is its length, file, side, a word that says which fates have bytes, those numbers, and
 * the text. It is read through a buffer, as a piece of the sealed file is opened for any byte of
 * it.
 */
#include "data/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "crypt/sealed.h"

enum { HEAD = 4 + 4 + 4, BLOCK = 256 << 10 };

struct fl_held {
    struct fl_sealed *sealed;
    struct fl_buf head;
    unsigned char *buf; /* [start, end) is read and not yet given */
    size_t cap, start, end;
    uint64_t at; /* in the file, of what is read next */
};

struct fl_held *
fl_held_new(void)
{
    struct fl_held *h = fl_alloc(1, sizeof *h);

    if (h && !(h->sealed = fl_sealed_new())) {
        free(h);
        return NULL;
    }
    return h;
}

void
fl_held_free(struct fl_held *h)
{
    if (!h)
        return;
    fl_sealed_free(h->sealed);
    fl_buf_release(&h->head);
    free(h->buf);
    free(h);
}

/* The words before a text: bit 31 of the last one is the side. */
int
fl_held_add(struct fl_held *h, const struct fl_held_document *d)
{
    uint32_t which = d->valid ? (uint32_t)1 << 31 : 0;

    for (size_t i = 0; i < FL_FATES; i++)
        which |= d->fates.bytes[i] ? (uint32_t)1 << i : 0;
    fl_buf_clear(&h->head);
    if (fl_buf_add32(&h->head, (uint32_t)d->len) || fl_buf_add32(&h->head, (uint32_t)d->file) ||
        fl_buf_add32(&h->head, which))
        return -1;
    for (size_t i = 0; i < FL_FATES; i++)
        if (d->fates.bytes[i] && fl_buf_add32(&h->head, (uint32_t)d->fates.bytes[i]))
            return -1;
    return fl_sealed_add(h->sealed, h->head.data, h->head.len) ||
                   fl_sealed_add(h->sealed, d->text, d->len)
               ? -1
               : 0;
}

/* Let WANT bytes from START on be in the buffer; the file has them. */
static int
need(struct fl_held *h, size_t want)
{
    uint64_t left = fl_sealed_size(h->sealed) - h->at;

    if (h->end - h->start >= want)
        return 0;
    if (h->start)
        memmove(h->buf, h->buf + h->start, h->end - h->start);
    h->end -= h->start;
    h->start = 0;
    if (h->cap < want + BLOCK) {
        unsigned char *buf = fl_resize(h->buf, want + BLOCK, 1);
        if (!buf)
            return -1;
        h->buf = buf;
        h->cap = want + BLOCK;
    }
    size_t n = left < h->cap - h->end ? (size_t)left : h->cap - h->end;
    if (fl_sealed_read(h->sealed, h->at, h->buf + h->end, n))
        return -1;
    h->at += n;
    h->end += n;
    return 0;
}

int
fl_held_next(struct fl_held *h, struct fl_held_document *d)
{
    if (h->start == h->end && h->at == fl_sealed_size(h->sealed))
        return 0;
    if (need(h, HEAD))
        return -1;
    *d = (struct fl_held_document){.len = fl_get32(h->buf + h->start),
                                   .file = fl_get32(h->buf + h->start + 4)};
    uint32_t which = fl_get32(h->buf + h->start + 8);
    size_t numbers = 0;
    for (size_t i = 0; i < FL_FATES; i++)
        numbers += which >> i & 1;
    if (need(h, HEAD + 4 * numbers + d->len))
        return -1;
    const unsigned char *p = h->buf + h->start + HEAD;
    d->valid = which >> 31;
    for (size_t i = 0; i < FL_FATES; i++)
        if (which >> i & 1) {
            d->fates.bytes[i] = fl_get32(p);
            p += 4;
        }
    d->text = p;
    h->start += HEAD + 4 * numbers + d->len;
    return 1;
}
