/*
 * One buffer, refilled when a record reaches its end. SEEN is how far it was searched for a line
 * end, so that a long record is not searched again after each refill.
 */
#include "text/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/sniff.h"
#include "os/file.h"
#include "text/unicode.h"

enum { READ_SIZE = 256 << 10, MAGIC_SIZE = FL_SNIFF_BYTES };

struct fl_records {
    struct fl_records_settings set;
    const char *const *paths;
    size_t count, at; /* files; the one at hand */
    struct fl_records_file *files;
    int fd; /* -1 between files */
    bool jsonl, eof;
    unsigned char *buf; /* [start, end) is read and not yet given out */
    size_t cap, start, end;
    size_t seen;           /* bytes after START that hold no line end */
    uint64_t offset, line; /* of START */
    size_t pass;           /* bytes of the last record and what divides it from the next */
    uint64_t pass_lines;
};

static const char *
name_of(const struct fl_records *r, size_t file)
{
    return fl_input_name(r->paths ? r->paths[file] : NULL);
}

static int
check_magic(const char *name, const unsigned char *p, size_t n)
{
    static const struct {
        const char *magic, *what;
    } kinds[] = {
        {"\x1f\x8b", "is compressed; pipe it in with: zcat FILE |"},
        {"\x28\xb5\x2f\xfd", "is compressed; pipe it in with: zstdcat FILE |"},
        {"\xfd"
         "7zXZ",
         "is compressed; pipe it in with: xzcat FILE |"},
        {"BZh", "is compressed; pipe it in with: bzcat FILE |"},
        {"PK\x03\x04", "is a zip archive, not text; take the text out of it first"},
        {"%PDF-", "is a PDF file, not text; pipe it in with: pdftotext FILE - |"},
        {"\xff\xfe", "is UTF-16, not UTF-8; pipe it in with: iconv -f UTF-16 -t UTF-8 FILE |"},
        {"\xfe\xff", "is UTF-16, not UTF-8; pipe it in with: iconv -f UTF-16 -t UTF-8 FILE |"},
    };
    char own[FL_SNIFF_TEXT];

    if (fl_sniff_own(p, n, own))
        return fl_error(FL_FAILED, "%s: is %s, not text", name, own);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i].magic);
        if (n >= len && !memcmp(p, kinds[i].magic, len))
            return fl_error(FL_FAILED, "%s: %s", name, kinds[i].what);
    }
    return 0;
}

int
fl_records_check(const char *const *paths, size_t count, uint64_t *total)
{
    bool known = count > 0;

    *total = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char magic[MAGIC_SIZE];
        struct stat st;
        if (!strcmp(paths[i], "-")) {
            known = false;
            continue;
        }
        if (stat(paths[i], &st))
            return fl_error_errno(errno, "%s: cannot open", paths[i]);
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
            known = false;
            continue;
        }
        int fd = fl_open_input(paths[i], false);
        if (fd < 0)
            return -1;
        ssize_t n = fl_read_full(fd, paths[i], magic, sizeof magic);
        fl_close_input(fd);
        if (n < 0 || check_magic(paths[i], magic, (size_t)n))
            return -1;
        *total += (uint64_t)st.st_size;
    }
    if (!known)
        *total = 0;
    return 0;
}

struct fl_records *
fl_records_open(const char *const *paths, size_t count, const struct fl_records_settings *settings)
{
    struct fl_records *r = fl_alloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->set = *settings;
    r->paths = count ? paths : NULL;
    r->count = count ? count : 1;
    r->fd = -1;
    r->files = fl_alloc(r->count, sizeof *r->files);
    if (!r->files) {
        fl_records_free(r);
        return NULL;
    }
    return r;
}

void
fl_records_free(struct fl_records *r)
{
    if (!r)
        return;
    fl_close_input(r->fd);
    free(r->buf);
    free(r->files);
    free(r);
}

size_t
fl_records_count(const struct fl_records *r)
{
    return r->count;
}

const char *
fl_records_name(const struct fl_records *r, size_t file)
{
    return name_of(r, file);
}

const struct fl_records_file *
fl_records_file(const struct fl_records *r, size_t file)
{
    return &r->files[file];
}

/* Read more after END, moving what is there to the front or growing the buffer as needed. */
static int
fill(struct fl_records *r)
{
    if (r->start && r->cap - r->end < READ_SIZE) {
        memmove(r->buf, r->buf + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    if (r->cap - r->end < READ_SIZE) {
        size_t cap = r->cap ? 2 * r->cap : 4 * READ_SIZE;
        unsigned char *buf = fl_resize(r->buf, cap, 1);
        if (!buf)
            return -1;
        r->buf = buf;
        r->cap = cap;
    }
    ssize_t n = fl_read_full(r->fd, name_of(r, r->at), r->buf + r->end, READ_SIZE);
    if (n < 0)
        return -1;
    r->end += (size_t)n;
    r->files[r->at].bytes += (uint64_t)n;
    r->eof = n < READ_SIZE;
    return 0;
}

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && !strcmp(text + n - m, end);
}

static int
open_file(struct fl_records *r)
{
    const char *path = r->paths ? r->paths[r->at] : NULL;
    const char *name = name_of(r, r->at);
    struct fl_records_file *file = &r->files[r->at];

    r->fd = fl_open_input(path, false);
    if (r->fd < 0)
        return -1;
    r->start = r->end = r->seen = r->pass = 0;
    r->offset = 0;
    r->line = 1;
    r->pass_lines = 0;
    r->jsonl = r->set.format == FL_RECORDS_JSONL ||
               (r->set.format == FL_RECORDS_AUTO && path &&
                (ends_with(path, ".jsonl") || ends_with(path, ".ndjson")));
    if (fill(r) || check_magic(name, r->buf, r->end))
        return -1;
    if (r->end >= 3 && !memcmp(r->buf, "\xef\xbb\xbf", 3)) {
        file->bom = true;
        r->start = 3;
        r->offset = 3;
    }
    file->looks_jsonl = r->set.format == FL_RECORDS_AUTO && !r->jsonl && r->end - r->start > 1 &&
                        r->buf[r->start] == '{' &&
                        (r->buf[r->start + 1] == '"' || r->buf[r->start + 1] == ' ');
    return 0;
}

size_t
fl_records_cut(const unsigned char *text, size_t max)
{
    size_t line = 0, space = 0;

    for (size_t i = max; i > max / 2 && i > 1; i--) {
        unsigned char c = text[i - 1];
        if (c == '\n' && !line)
            line = i;
        if (c == '\n' &&
            (text[i - 2] == '\n' || (text[i - 2] == '\r' && i > 2 && text[i - 3] == '\n')))
            return i;
        if (c == ' ' && !space)
            space = i;
    }
    size_t cut = line ? line : space ? space : fl_unicode_boundary(text, max);
    return cut ? cut : max;
}

static bool
is_blank(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

/* Advance START over N bytes, counting lines. */
static void
advance(struct fl_records *r, size_t n, uint64_t lines)
{
    r->start += n;
    r->offset += n;
    r->line += lines;
    r->seen = 0;
}

static uint64_t
count_lines(const unsigned char *p, size_t len)
{
    const unsigned char *end = p + len;
    uint64_t n = 0;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

/* Give out LEN bytes; the next record begins PASS bytes after their start. */
static int
give(struct fl_records *r, size_t len, size_t pass, struct fl_raw_record *record)
{
    *record = (struct fl_raw_record){.data = r->buf + r->start,
                                     .len = len,
                                     .file = r->at,
                                     .offset = r->offset,
                                     .line = r->line,
                                     .jsonl = r->jsonl};
    r->pass = pass;
    r->pass_lines = count_lines(record->data, pass);
    return 1;
}

static int
next_text(struct fl_records *r, struct fl_raw_record *record)
{
    size_t line = 0; /* start of the line at hand, after START */

    for (;;) {
        const unsigned char *p = r->buf + r->start;
        size_t have = r->end - r->start;
        size_t look = have > r->set.max + 1 ? r->set.max + 1 : have;
        size_t from = r->seen > line ? r->seen : line;
        const unsigned char *nl = from < look ? memchr(p + from, '\n', look - from) : NULL;
        size_t stop = nl ? (size_t)(nl - p) : look;
        const unsigned char *ff = r->set.passage && from < stop
                                      ? memchr(p + from, '\f', stop - from)
                                      : NULL;
        if (ff && ff > p)
            return give(r, (size_t)(ff - p), (size_t)(ff - p) + 1, record);
        if (ff) {
            advance(r, 1, 0);
            continue;
        }
        if (nl && stop < r->set.max && r->set.passage && is_blank(p + line, stop - line)) {
            if (line && line >= r->set.passage)
                return give(r, line, stop + 1, record);
            if (!line) {
                advance(r, stop + 1, 1);
                continue;
            }
        }
        if (nl && stop < r->set.max) {
            line = stop + 1;
            continue;
        }
        r->seen = stop;
        if (have > r->set.max) {
            size_t cut = fl_records_cut(p, r->set.max);
            give(r, cut, cut, record);
            record->cut = true;
            return 1;
        }
        if (r->eof)
            return have ? give(r, have, have, record) : 0;
        if (fill(r))
            return -1;
    }
}

/* Pass over the rest of a line that is too long. */
static int
skip_line(struct fl_records *r)
{
    struct fl_records_file *file = &r->files[r->at];

    if (!file->overlong++)
        file->overlong_line = r->line;
    for (;;) {
        const unsigned char *p = r->buf + r->start;
        const unsigned char *nl = memchr(p, '\n', r->end - r->start);
        if (nl) {
            advance(r, (size_t)(nl - p) + 1, 1);
            return 0;
        }
        advance(r, r->end - r->start, 0);
        if (r->eof)
            return 0;
        if (fill(r))
            return -1;
    }
}

static int
next_line(struct fl_records *r, struct fl_raw_record *record)
{
    for (;;) {
        const unsigned char *p = r->buf + r->start;
        size_t have = r->end - r->start;
        const unsigned char *nl = have > r->seen ? memchr(p + r->seen, '\n', have - r->seen) : NULL;
        size_t len = nl ? (size_t)(nl - p) : have;
        if (len > FL_RECORDS_LINE(r->set.max)) {
            if (skip_line(r))
                return -1;
        } else if (nl || r->eof) {
            size_t pass = nl ? len + 1 : len;
            if (!pass)
                return 0;
            if (!is_blank(p, len))
                return give(r, len, pass, record);
            advance(r, pass, 1);
        } else {
            r->seen = have;
            if (fill(r))
                return -1;
        }
    }
}

int
fl_records_next(struct fl_records *r, struct fl_raw_record *record)
{
    while (r->at < r->count) {
        if (r->fd < 0 && open_file(r))
            return -1;
        advance(r, r->pass, r->pass_lines);
        r->pass = 0;
        r->pass_lines = 0;
        int got = r->jsonl ? next_line(r, record) : next_text(r, record);
        if (got)
            return got;
        fl_close_input(r->fd);
        r->fd = -1;
        r->at++;
    }
    return 0;
}
