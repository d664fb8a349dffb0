/*
 * A sequence that goes on in the next block is kept back (at most REST bytes); what cannot be
 * converted is passed over a unit at a time: two bytes of UTF-16, four of UTF-32, else one.
 */
#include "data/transcode.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

enum { REST = 64, ROOM = 64 << 10 };

struct fl_transcode {
    iconv_t iconv;
    size_t unit;
    char rest[REST];
    size_t rest_len;
};

struct fl_transcode *
fl_transcode_new(const char *encoding)
{
    struct fl_transcode *t = NULL;
    size_t len = strlen(encoding), plain = 0;

    while (plain < len &&
           (isalnum((unsigned char)encoding[plain]) || strchr("-_.:()+", encoding[plain])))
        plain++; /* no "//IGNORE", which would drop bytes in silence */
    iconv_t cd = len && plain == len ? iconv_open("UTF-8", encoding) : (iconv_t)-1;
    if (cd == (iconv_t)-1) {
        fl_error(FL_USAGE, "encoding \"%.60s\" is not known here; iconv -l lists those that are",
                 encoding);
        return NULL;
    }
    t = fl_alloc(1, sizeof *t);
    if (!t) {
        iconv_close(cd);
        return NULL;
    }
    t->iconv = cd;
    t->unit = 1;
    if (!strncasecmp(encoding, "utf-16", 6) || !strncasecmp(encoding, "utf16", 5) ||
        !strncasecmp(encoding, "ucs-2", 5))
        t->unit = 2;
    if (!strncasecmp(encoding, "utf-32", 6) || !strncasecmp(encoding, "utf32", 5) ||
        !strncasecmp(encoding, "ucs-4", 5))
        t->unit = 4;
    return t;
}

void
fl_transcode_free(struct fl_transcode *t)
{
    if (!t)
        return;
    iconv_close(t->iconv);
    free(t);
}

const char *
fl_transcode_mark(const void *p, size_t len, size_t *size)
{
    static const struct {
        const char *bytes, *name;
        size_t size;
    } marks[] = {
        {"\xff\xfe\0\0", "UTF-32LE", 4},
        {"\0\0\xfe\xff", "UTF-32BE", 4},
        {"\xff\xfe", "UTF-16LE", 2},
        {"\xfe\xff", "UTF-16BE", 2},
    };

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (len >= marks[i].size && !memcmp(p, marks[i].bytes, marks[i].size)) {
            *size = marks[i].size;
            return marks[i].name;
        }
    return NULL;
}

/* Convert LEN bytes at DATA; *USED of them were. */
static int
convert(struct fl_transcode *t, const char *data, size_t len, struct fl_buf *out, size_t *used)
{
    char *in = (char *)(uintptr_t)data; /* iconv(3) does not write there */
    size_t left = len;

    while (left) {
        if (fl_buf_reserve(out, ROOM))
            return -1;
        char *to = (char *)out->data + out->len;
        size_t room = ROOM;
        size_t got = iconv(t->iconv, &in, &left, &to, &room);
        int error = errno;
        out->len += ROOM - room;
        out->data[out->len] = '\0';
        if (got != (size_t)-1 || error == E2BIG)
            continue;
        if (error == EINVAL)
            break; /* it goes on after these bytes */
        size_t skip = left < t->unit ? left : t->unit;
        for (size_t i = 0; i < skip; i++)
            if (fl_buf_add_byte(out, 0xff))
                return -1;
        in += skip;
        left -= skip;
        iconv(t->iconv, NULL, NULL, NULL, NULL);
    }
    *used = len - left;
    return 0;
}

int
fl_transcode(struct fl_transcode *t, const void *data, size_t len, bool last, struct fl_buf *out)
{
    const char *p = data;
    size_t used = 0;

    while (t->rest_len && len) { /* a byte at a time until the sequence is whole */
        t->rest[t->rest_len++] = *p++;
        len--;
        if (convert(t, t->rest, t->rest_len, out, &used))
            return -1;
        t->rest_len -= used;
        memmove(t->rest, t->rest + used, t->rest_len);
        if (t->rest_len == REST)
            return fl_error(FL_FAILED, "has a sequence that does not end");
    }
    if (convert(t, p, len, out, &used))
        return -1;
    if (len - used) {
        t->rest_len = len - used < REST ? len - used : REST - 1;
        memcpy(t->rest, p + used, t->rest_len);
    }
    for (size_t i = 0; last && i < t->rest_len; i++)
        if (fl_buf_add_byte(out, 0xff))
            return -1;
    if (last)
        t->rest_len = 0;
    return 0;
}
