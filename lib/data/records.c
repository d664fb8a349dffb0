/*
 * One buffer, refilled when a record reaches its end. SEEN is how far it was searched for a line
 * end, so that a long record is not searched again after each refill.
 */
#include "data/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/check.h"
#include "os/file.h"
#include "data/kind.h"
#include "text/unicode.h"

enum { READ_SIZE = 256 << 10, BLOCK = 512 };

struct fl_records {
    struct fl_records_settings set;
    const char *const *paths;
    size_t count, at; /* files; the one at hand */
    struct fl_records_file *files;
    int fd;                 /* -1 between files */
    struct fl_chain *chain; /* over what was read of it */
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

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && !strcmp(text + n - m, end);
}

static bool
is_jsonl(const struct fl_records_settings *set, const char *path)
{
    return set->format == FL_RECORDS_JSONL ||
           (set->format == FL_RECORDS_AUTO && path &&
            (ends_with(path, ".jsonl") || ends_with(path, ".ndjson")));
}

static int
check_kind(const struct fl_records_settings *set, const char *path, const void *p, size_t n,
           bool whole)
{
    enum fl_kind_as as = set->as_is            ? FL_KIND_AS_IS
                         : is_jsonl(set, path) ? FL_KIND_AS_LINES
                                               : FL_KIND_AS_TEXT;

    return fl_kind_check(fl_input_name(path), p, n, whole, as);
}

/* A file that two names lead to is known by these. */
struct identity {
    dev_t device;
    ino_t inode;
    size_t index;
};

static int
by_identity(const void *x, const void *y)
{
    const struct identity *a = x, *b = y;

    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* Of the first path, in their order, that leads to the file of an earlier one: both. */
static void
find_twice(struct identity *files, size_t count, struct fl_records_found *found)
{
    found->twice = found->twice_as = count;
    if (count)
        qsort(files, count, sizeof *files, by_identity);
    for (size_t i = 1; i < count; i++)
        if (files[i].device == files[i - 1].device && files[i].inode == files[i - 1].inode) {
            found->again++;
            if (files[i].index < found->twice) {
                found->twice = files[i].index;
                found->twice_as = files[i - 1].index;
            }
        }
}

/* Open a regular file and look at its start. */
static int
check_file(const char *path, const struct fl_records_settings *set, unsigned char *sample)
{
    int fd = fl_open_input(path, false);
    ssize_t n = fd < 0 ? -1 : fl_read_full(fd, path, sample, FL_KIND_SAMPLE);
    int64_t size = fd < 0 ? 0 : fl_regular_size(fd);

    fl_close_input(fd);
    return n < 0 ? -1 : check_kind(set, path, sample, (size_t)n, size <= FL_KIND_SAMPLE);
}

int
fl_records_check(const char *const *paths, size_t count, const struct fl_records_settings *set,
                 struct fl_records_found *found)
{
    unsigned char *sample = fl_alloc(FL_KIND_SAMPLE, 1);
    struct identity *files = fl_alloc(count, sizeof *files);
    bool known = count > 0;
    int failed = sample && files ? 0 : -1;

    *found = (struct fl_records_found){0};
    for (size_t i = 0; i < count && !failed; i++) {
        struct stat st;
        bool standard = !strcmp(paths[i], "-");
        if (standard ? fstat(STDIN_FILENO, &st) : stat(paths[i], &st)) {
            failed = fl_error_errno(errno, "%s: cannot open", fl_input_name(paths[i]));
            break;
        }
        files[i] = (struct identity){st.st_dev, st.st_ino, i};
        if (standard || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
            known = false;
            continue;
        }
        failed = check_file(paths[i], set, sample);
        found->bytes += (uint64_t)st.st_size;
    }
    if (!known)
        found->bytes = 0;
    if (!failed)
        find_twice(files, count, found);
    free(sample);
    free(files);
    return failed;
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
    r->chain = fl_chain_new();
    if (!r->files || !r->chain) {
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
    fl_chain_free(r->chain);
    free(r->buf);
    free(r->files);
    free(r);
}

size_t
fl_records_count(const struct fl_records *r)
{
    return r->count;
}

size_t
fl_records_done(const struct fl_records *r)
{
    return r->at;
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
    fl_chain_add64(r->chain, fl_check64(r->buf + r->end, (size_t)n));
    r->end += (size_t)n;
    r->files[r->at].bytes += (uint64_t)n;
    r->eof = n < READ_SIZE;
    return 0;
}

static int
open_file(struct fl_records *r)
{
    const char *path = r->paths ? r->paths[r->at] : NULL;
    struct fl_records_file *file = &r->files[r->at];

    r->fd = fl_open_input(path, false);
    if (r->fd < 0)
        return -1;
    r->start = r->end = r->seen = r->pass = 0;
    r->offset = 0;
    r->line = 1;
    r->pass_lines = 0;
    r->jsonl = is_jsonl(&r->set, path);
    fl_chain_reset(r->chain);
    if (fill(r) || check_kind(&r->set, path, r->buf, r->end, r->eof))
        return -1;
    if (r->end >= 3 && !memcmp(r->buf, "\xef\xbb\xbf", 3)) {
        file->bom = true;
        r->start = 3;
        r->offset = 3;
    }
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

/*
 * The first line end in P from FROM on, or with FEED form feed, else TO. The search is by blocks,
 * so that the one which is near is not paid for by a search for the other, which is far.
 */
static size_t
find_end(const unsigned char *p, size_t from, size_t to, bool feed)
{
    while (from < to) {
        size_t n = to - from < BLOCK ? to - from : BLOCK;
        const unsigned char *nl = memchr(p + from, '\n', n);
        size_t stop = nl ? (size_t)(nl - p) : from + n;
        const unsigned char *ff = feed ? memchr(p + from, '\f', stop - from) : NULL;
        if (ff)
            return (size_t)(ff - p);
        if (nl)
            return stop;
        from = stop;
    }
    return to;
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
        size_t stop = find_end(p, from, look, r->set.passage > 0);
        bool nl = stop < look && p[stop] == '\n', ff = stop < look && !nl;
        if (ff && stop)
            return give(r, stop, stop + 1, record);
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
        file->overlong_bytes += nl ? (size_t)(nl - p) : r->end - r->start;
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
        r->files[r->at++].check = fl_chain_value(r->chain);
    }
    return 0;
}
