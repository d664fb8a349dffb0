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
#include "data/csv.h"
#include "data/kind.h"
#include "data/source.h"
#include "flt/check.h"
#include "os/file.h"
#include "text/unicode.h"

enum { READ_SIZE = 256 << 10, BLOCK = 512 };

struct fl_records {
    struct fl_records_settings set;
    const char *const *paths;
    size_t count, at; /* files; the one at hand */
    struct fl_records_file *files;
    struct fl_source *source; /* NULL between files */
    struct fl_chain *chain;   /* over what was read of it */
    struct fl_record_form form;
    bool eof, header;
    unsigned char *buf; /* [start, end) is read and not yet given out */
    size_t cap, start, end;
    size_t seen; /* bytes after START that hold no line end */
    struct fl_csv_state csv;
    uint64_t offset, line; /* of START */
    size_t pass;           /* bytes of the last record and what divides it from the next */
    uint64_t pass_lines;
};

static const char *
name_of(const struct fl_records *r, size_t file)
{
    return fl_input_name(r->paths ? r->paths[file] : NULL);
}

/* Does the name end so, packed or not? */
static bool
is_named(const char *path, const char *end)
{
    size_t n = path ? fl_name_unpacked(path) : 0, m = strlen(end);

    return n >= m && !memcmp(path + n - m, end, m);
}

/* What file I is to be read as: never AUTO. */
static struct fl_record_form
form_of(const struct fl_records_settings *set, const char *path, size_t i)
{
    struct fl_record_form form = {.format = set->format};

    if (set->forms)
        form = *set->forms[i];
    if (form.format == FL_RECORDS_AUTO)
        form.format = is_named(path, ".jsonl") || is_named(path, ".ndjson") ? FL_RECORDS_JSONL
                      : is_named(path, ".csv") || is_named(path, ".tsv")    ? FL_RECORDS_CSV
                                                                            : FL_RECORDS_TEXT;
    bool tabs = form.format == FL_RECORDS_TSV;
    if (tabs)
        form.format = FL_RECORDS_CSV;
    if (!form.divider)
        form.divider = tabs || is_named(path, ".tsv") ? '\t' : ',';
    return form;
}

static int
check_kind(const struct fl_records_settings *set, const struct fl_record_form *form,
           const char *path, const struct fl_kind_sample *sample)
{
    enum fl_kind_as as = set->as_is                         ? FL_KIND_AS_IS
                         : form->format == FL_RECORDS_JSONL ? FL_KIND_AS_LINES
                         : form->format == FL_RECORDS_CSV   ? FL_KIND_AS_TABLE
                                                            : FL_KIND_AS_TEXT;

    if (fl_kind_check(fl_input_name(path), sample->data, sample->len, sample->whole, as))
        return -1;
    bool odd = memchr(sample->data, 0, sample->len) || memchr(sample->data, 27, sample->len);
    if (!form->proved || !odd)
        return 0;
    return fl_error(FL_FAILED,
                    "%s: has NUL or ESC, as UTF-16 and ISO-2022-JP have; the site file names its "
                    "encoding, like encoding: UTF-8",
                    fl_input_name(path));
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
check_file(const char *path, size_t i, const struct fl_records_settings *set, unsigned char *sample)
{
    const struct fl_record_form form = form_of(set, path, i);
    struct fl_source *s = set->raw ? NULL : fl_source_open(path, form.encoding);
    int fd = set->raw ? fl_open_input(path, false) : -1;
    ssize_t n = -1;

    if (s)
        n = fl_source_read(s, sample, FL_KIND_SAMPLE + 1);
    else if (fd >= 0)
        n = fl_read_full(fd, path, sample, FL_KIND_SAMPLE + 1);
    const struct fl_kind_sample looked = {sample, (size_t)n, n <= FL_KIND_SAMPLE};
    fl_close_input(fd);
    fl_source_close(s);
    return n < 0 ? -1 : check_kind(set, &form, path, &looked);
}

int
fl_records_check(const char *const *paths, size_t count, const struct fl_records_settings *set,
                 struct fl_records_found *found)
{
    unsigned char *sample = fl_alloc(FL_KIND_SAMPLE + 1, 1);
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
        failed = check_file(paths[i], i, set, sample);
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
    fl_source_close(r->source);
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
    ssize_t n = fl_source_read(r->source, r->buf + r->end, READ_SIZE);
    if (n < 0)
        return -1;
    fl_chain_add64(r->chain, fl_check64(r->buf + r->end, (size_t)n));
    r->end += (size_t)n;
    r->files[r->at].bytes += (uint64_t)n;
    r->files[r->at].taken = fl_source_taken(r->source);
    r->eof = n < READ_SIZE;
    return 0;
}

static int
open_file(struct fl_records *r)
{
    const char *path = r->paths ? r->paths[r->at] : NULL;
    struct fl_records_file *file = &r->files[r->at];

    r->form = form_of(&r->set, path, r->at);
    r->source = fl_source_open(path, r->form.encoding);
    if (!r->source)
        return -1;
    file->bytes = file->mark = fl_source_mark(r->source);
    file->encoding = fl_source_encoding(r->source);
    file->packing = fl_source_packing(r->source);
    r->start = r->end = r->seen = r->pass = 0;
    r->csv = (struct fl_csv_state){0};
    r->offset = file->mark;
    r->line = 1;
    r->pass_lines = 0;
    r->header = r->form.format == FL_RECORDS_CSV && !r->form.headless;
    fl_chain_reset(r->chain);
    if (fill(r))
        return -1;
    const struct fl_kind_sample looked = {r->buf, r->end, r->eof};
    return check_kind(&r->set, &r->form, path, &looked);
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
    r->csv = (struct fl_csv_state){0};
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

/* The same over bytes between records. */
static void
pass_over(struct fl_records *r, size_t n, uint64_t lines)
{
    r->files[r->at].between += n;
    advance(r, n, lines);
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
                                     .format = r->form.format,
                                     .divider = r->form.divider,
                                     .header = r->header};
    r->header = false;
    r->files[r->at].between += pass - len;
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
find_text(struct fl_records *r, struct fl_raw_record *record, size_t passage)
{
    size_t line = 0; /* start of the line at hand, after START */

    for (;;) {
        const unsigned char *p = r->buf + r->start;
        size_t have = r->end - r->start;
        size_t look = have > r->set.max + 1 ? r->set.max + 1 : have;
        size_t from = r->seen > line ? r->seen : line;
        size_t stop = find_end(p, from, look, passage > 0);
        bool nl = stop < look && p[stop] == '\n', ff = stop < look && !nl;
        if (ff && stop)
            return give(r, stop, stop + 1, record);
        if (ff) {
            pass_over(r, 1, 0);
            continue;
        }
        if (nl && stop < r->set.max && passage && is_blank(p + line, stop - line)) {
            if (line && line >= passage)
                return give(r, line, stop + 1, record);
            if (!line) {
                pass_over(r, stop + 1, 1);
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

static int
next_text(struct fl_records *r, struct fl_raw_record *record)
{
    const size_t passage = r->form.lines ? 1 : r->set.passage;
    int got = find_text(r, record, passage);

    if (got == 1)
        record->passage = passage > 0;
    return got;
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
            advance(r, (size_t)(nl - p), 0);
            pass_over(r, 1, 1);
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
            pass_over(r, pass, 1);
        } else {
            r->seen = have;
            if (fill(r))
                return -1;
        }
    }
}

/* As next_line, but a line end within quotes ends no row. */
static int
next_row(struct fl_records *r, struct fl_raw_record *record)
{
    const size_t most = FL_RECORDS_LINE(r->set.max);

    for (;;) {
        const unsigned char *p = r->buf + r->start;
        size_t have = r->end - r->start;
        bool ended = fl_csv_row_end(&r->csv, p, have, r->form.divider);
        size_t len = r->csv.at, cr = ended && len && p[len - 1] == '\r';
        if (r->csv.quoted && (len > most || (r->eof && !ended)))
            return fl_error(FL_FAILED,
                            "%s: line %llu begins a row with a quote that is still open %s; mend "
                            "that row, or take it out",
                            name_of(r, r->at), (unsigned long long)r->line,
                            r->eof ? "at the end of the file" : "after the longest row");
        if (len > most) {
            if (skip_line(r))
                return -1;
        } else if (ended || r->eof) {
            if (!len && !ended)
                return 0;
            if (len - cr)
                return give(r, len - cr, len + ended, record);
            pass_over(r, len + ended, ended);
        } else if (fill(r)) {
            return -1;
        }
    }
}

static int
next_of_file(struct fl_records *r, struct fl_raw_record *record)
{
    switch (r->form.format) {
    case FL_RECORDS_JSONL: return next_line(r, record);
    case FL_RECORDS_CSV: return next_row(r, record);
    default: return next_text(r, record);
    }
}

int
fl_records_next(struct fl_records *r, struct fl_raw_record *record)
{
    while (r->at < r->count) {
        if (!r->source && open_file(r))
            return -1;
        advance(r, r->pass, r->pass_lines);
        r->pass = 0;
        r->pass_lines = 0;
        int got = next_of_file(r, record);
        if (got)
            return got;
        fl_source_close(r->source);
        r->source = NULL;
        r->files[r->at++].check = fl_chain_value(r->chain);
    }
    return 0;
}
