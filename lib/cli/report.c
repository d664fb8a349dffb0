/*
 * Rows and records as text. Each cell is written by before(), its value and after(); JSON and
 * tab-separated form differ in what stands around and between values, hardly in the values.
 */
#include "cli/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/visible.h"
#include "os/file.h"

enum { DRAIN = 1 << 16 };

static void
put(struct fl_report *r, const char *text)
{
    if (fl_buf_add_text(&r->out, text))
        r->failed = true;
}

static void
put_visible(struct fl_report *r, const char *text)
{
    enum fl_visible form = r->json      ? FL_VISIBLE_JSON
                           : r->in_list ? FL_VISIBLE_ITEM
                                        : FL_VISIBLE_CELL;

    if (fl_buf_add_visible(&r->out, text, strlen(text), form))
        r->failed = true;
}

static void
put_quoted(struct fl_report *r, const char *text)
{
    put(r, "\"");
    put_visible(r, text);
    put(r, "\"");
}

/* The header line, once. */
static void
begin(struct fl_report *r)
{
    if (!r->begun && !r->json && !r->columns)
        put(r, "key\tvalue\n");
    for (const char *const *c = r->columns; !r->begun && !r->json && c && *c; c++) {
        put_visible(r, *c);
        put(r, c[1] ? r->between : "\n");
    }
    r->begun = true;
}

/* What stands before a value: in a list nothing of the row's. */
static void
before(struct fl_report *r)
{
    if (r->in_list) {
        put(r, !r->at ? "" : r->json ? ", " : ",");
        return;
    }
    begin(r);
    assert(r->columns || r->key);
    if (r->json) {
        put(r, r->at ? ", " : "{");
        put_quoted(r, r->columns ? r->columns[r->at] : r->key);
        put(r, ": ");
    } else if (!r->columns) {
        put_visible(r, r->key);
        put(r, "\t");
    } else if (r->at) {
        put(r, r->between);
    }
}

static void
after(struct fl_report *r)
{
    r->at++;
    if (r->in_list)
        return;
    r->key = NULL;
    if (!r->columns && !r->json)
        put(r, "\n");
    if (!r->columns || r->columns[r->at])
        return;
    put(r, r->json ? "}\n" : "\n");
    r->at = 0;
}

void
fl_report_start(struct fl_report *r, const char *const *columns, bool json)
{
    *r = (struct fl_report){.columns = columns, .json = json, .between = "\t"};
}

void
fl_report_start_record(struct fl_report *r, bool json)
{
    *r = (struct fl_report){.json = json};
}

void
fl_report_release(struct fl_report *r)
{
    fl_buf_release(&r->out);
}

void
fl_report_bare(struct fl_report *r, const char *between)
{
    r->between = between;
    r->begun = true;
}

struct fl_report *
fl_report_key(struct fl_report *r, const char *key)
{
    assert(!r->columns && !r->key && !r->in_list);
    r->key = key;
    return r;
}

void
fl_report_text(struct fl_report *r, const char *value)
{
    if (!value) {
        fl_report_none(r);
        return;
    }
    before(r);
    if (r->json)
        put_quoted(r, value);
    else
        put_visible(r, value);
    after(r);
}

void
fl_report_i64(struct fl_report *r, int64_t value)
{
    char text[32];

    before(r);
    snprintf(text, sizeof text, "%lld", (long long)value);
    put(r, text);
    after(r);
}

void
fl_report_u64(struct fl_report *r, uint64_t value)
{
    char text[32];

    before(r);
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put(r, text);
    after(r);
}

void
fl_report_bool(struct fl_report *r, bool value)
{
    before(r);
    put(r, value ? "true" : "false");
    after(r);
}

void
fl_report_hex(struct fl_report *r, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    before(r);
    put(r, r->json ? "\"" : "");
    for (size_t i = 0; i < len; i++)
        if (fl_buf_printf(&r->out, "%02x", p[i]))
            r->failed = true;
    put(r, r->json ? "\"" : "");
    after(r);
}

void
fl_report_none(struct fl_report *r)
{
    before(r);
    put(r, r->json ? "null" : "-");
    after(r);
}

void
fl_report_f64(struct fl_report *r, double value, int digits)
{
    char text[40];

    if (isnan(value) || (isinf(value) && r->json)) {
        fl_report_none(r);
        return;
    }
    for (int n = digits ? digits : 15; n <= (digits ? digits : 17); n++) {
        snprintf(text, sizeof text, "%.*g", n, value);
        if (strtod(text, NULL) == value)
            break;
    }
    before(r);
    put(r, text);
    after(r);
}

void
fl_report_number(struct fl_report *r, const char *text)
{
    if (r->json && strpbrk(text, "nN")) { /* nan, inf */
        fl_report_none(r);
        return;
    }
    before(r);
    put(r, text);
    after(r);
}

void
fl_report_list(struct fl_report *r)
{
    before(r);
    put(r, r->json ? "[" : "");
    r->cell = r->at;
    r->at = 0;
    r->in_list = true;
}

void
fl_report_list_end(struct fl_report *r)
{
    assert(r->in_list);
    put(r, r->json ? "]" : "");
    r->at = r->cell;
    r->in_list = false;
    after(r);
}

void
fl_report_list_u64(struct fl_report *r, const uint64_t *values, size_t n)
{
    fl_report_list(r);
    for (size_t i = 0; i < n; i++)
        fl_report_u64(r, values[i]);
    fl_report_list_end(r);
}

void
fl_report_list_text(struct fl_report *r, const char *const *values, size_t n)
{
    fl_report_list(r);
    for (size_t i = 0; i < n; i++)
        fl_report_text(r, values[i]);
    fl_report_list_end(r);
}

int
fl_report_flush(struct fl_report *r, int fd, const char *name)
{
    begin(r);
    if (!r->columns && r->json)
        put(r, r->at ? "}\n" : "{}\n");
    if (!r->columns)
        r->at = 0;
    if (r->failed)
        return fl_error_memory("out of memory for a report");
    int result = fl_write_full(fd, name, r->out.data, r->out.len);
    fl_buf_clear(&r->out);
    return result;
}

int
fl_report_drain(struct fl_report *r, int fd, const char *name)
{
    return r->out.len < DRAIN ? 0 : fl_report_flush(r, fd, name);
}

int
fl_report_end(struct fl_report *r, int fd, const char *name)
{
    int result = fl_report_flush(r, fd, name);

    fl_report_release(r);
    return result;
}
