/*
 * The first block tells whether there is a mark. Where nothing is converted, bytes go straight from
 * the unpacker to the caller.
 */
#include "data/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "data/transcode.h"
#include "os/file.h"

enum { BLOCK = 64 << 10, FIRST = 4 };

struct fl_source {
    int fd;
    const char *name, *encoding;
    struct fl_unpack *unpack;
    struct fl_transcode *transcode; /* NULL: bytes go as they are */
    unsigned char first[FIRST];     /* of the text, looked at and not yet given */
    size_t first_at, first_len;
    size_t mark;
    unsigned char *block;
    struct fl_buf text; /* UTF-8 that was converted; [at, len) is not yet given */
    size_t at;
    bool eof;
};

static bool
is_utf8(const char *name)
{
    return !strcmp(name, "UTF-8") || !strcmp(name, "utf-8") || !strcmp(name, "UTF8") ||
           !strcmp(name, "utf8") || !strcmp(name, "auto");
}

/* Look at the first bytes: what the text is, and whether a mark goes. */
static int
start(struct fl_source *s, const char *encoding)
{
    ssize_t n = fl_unpack_read(s->unpack, s->first, FIRST);

    if (n < 0)
        return -1;
    s->first_len = (size_t)n;
    s->encoding = "UTF-8";
    if (n >= 3 && !memcmp(s->first, "\xef\xbb\xbf", 3) && (!encoding || is_utf8(encoding))) {
        s->mark = s->first_at = 3;
        return 0;
    }
    const char *marked = fl_transcode_mark(s->first, s->first_len, &s->mark);
    if (marked && (!encoding || is_utf8(encoding) || !strncmp(marked, encoding, 6))) {
        encoding = marked;
        s->first_at = s->mark;
    } else {
        s->mark = 0;
    }
    if (!encoding || is_utf8(encoding))
        return 0;
    s->encoding = encoding;
    s->transcode = fl_transcode_new(encoding);
    s->block = fl_alloc(BLOCK, 1);
    return s->transcode && s->block ? 0 : -1;
}

struct fl_source *
fl_source_open(const char *path, const char *encoding)
{
    struct fl_source *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->name = fl_input_name(path);
    s->fd = fl_open_input(path, false);
    if (s->fd >= 0)
        s->unpack = fl_unpack_new(s->fd, s->name);
    if (!s->unpack || start(s, encoding)) {
        fl_source_close(s);
        return NULL;
    }
    return s;
}

void
fl_source_close(struct fl_source *s)
{
    if (!s)
        return;
    fl_unpack_free(s->unpack);
    fl_transcode_free(s->transcode);
    fl_close_input(s->fd);
    fl_buf_release(&s->text);
    free(s->block);
    free(s);
}

/* Bytes of the content, those that were looked at first. */
static ssize_t
read_content(struct fl_source *s, void *data, size_t n)
{
    size_t head = s->first_len - s->first_at;

    if (head > n)
        head = n;
    memcpy(data, s->first + s->first_at, head);
    s->first_at += head;
    ssize_t got = fl_unpack_read(s->unpack, (unsigned char *)data + head, n - head);
    return got < 0 ? -1 : got + (ssize_t)head;
}

static int
convert_more(struct fl_source *s)
{
    ssize_t n = read_content(s, s->block, BLOCK);

    if (n < 0)
        return -1;
    s->eof = n < BLOCK;
    s->at = 0;
    fl_buf_clear(&s->text);
    return fl_transcode(s->transcode, s->block, (size_t)n, s->eof, &s->text)
               ? fl_error_about(s->name)
               : 0;
}

ssize_t
fl_source_read(struct fl_source *s, void *data, size_t n)
{
    size_t done = 0;

    if (!s->transcode)
        return read_content(s, data, n);
    while (done < n) {
        size_t left = s->text.len - s->at, take = left < n - done ? left : n - done;
        if (take)
            memcpy((unsigned char *)data + done, s->text.data + s->at, take);
        s->at += take;
        done += take;
        if (done == n || (s->at == s->text.len && s->eof))
            break;
        if (s->at == s->text.len && convert_more(s))
            return -1;
    }
    return (ssize_t)done;
}

const char *
fl_source_encoding(const struct fl_source *s)
{
    return s->encoding;
}

enum fl_packing
fl_source_packing(const struct fl_source *s)
{
    return fl_unpack_packing(s->unpack);
}

uint64_t
fl_source_taken(const struct fl_source *s)
{
    return fl_unpack_taken(s->unpack);
}

size_t
fl_source_mark(const struct fl_source *s)
{
    return s->mark;
}
