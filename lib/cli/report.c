#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "os/file.h"

static void
put(struct fl_report *r, const char *text)
{
    if (fl_buf_add_text(&r->out, text))
        r->failed = true;
}

static void
put_char(struct fl_report *r, unsigned c)
{
    if (fl_buf_add_byte(&r->out, c))
        r->failed = true;
}

/* JSON is UTF-8: a byte that is not (of a file's name) becomes U+FFFD. */
static void
put_json_text(struct fl_report *r, const char *text)
{
    size_t len = strlen(text), valid = fl_utf8_valid_prefix(text, len);

    put_char(r, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape[8];
        if (i == valid) {
            snprintf(escape, sizeof escape, "\xEF\xBF\xBD");
            valid += 1 + fl_utf8_valid_prefix(text + i + 1, len - i - 1);
        } else if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c == '\n')
            snprintf(escape, sizeof escape, "\\n");
        else if (c < 32)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        put(r, escape);
    }
    put_char(r, '"');
}

static void
put_tsv_text(struct fl_report *r, const char *text)
{
    for (; *text; text++) {
        if (*text == '\t')
            put(r, "\\t");
        else if (*text == '\n')
            put(r, "\\n");
        else if (*text == '\\')
            put(r, "\\\\");
        else
            put_char(r, (unsigned char)*text);
    }
}

static void
begin(struct fl_report *r)
{
    for (const char *const *c = r->columns; !r->begun && !r->json && *c; c++) {
        put_tsv_text(r, *c);
        put_char(r, c[1] ? '\t' : '\n');
    }
    r->begun = true;
}

static void
before(struct fl_report *r)
{
    begin(r);
    if (r->json) {
        put(r, r->at ? ", " : "{");
        put_json_text(r, r->columns[r->at]);
        put(r, ": ");
    } else if (r->at) {
        put_char(r, '\t');
    }
}

static void
after(struct fl_report *r)
{
    if (r->columns[++r->at])
        return;
    put(r, r->json ? "}\n" : "\n");
    r->at = 0;
}

void
fl_report_start(struct fl_report *r, const char *const *columns, bool json)
{
    *r = (struct fl_report){.columns = columns, .json = json};
}

void
fl_report_text(struct fl_report *r, const char *value)
{
    before(r);
    if (r->json)
        put_json_text(r, value);
    else
        put_tsv_text(r, value);
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
fl_report_f64(struct fl_report *r, double value, int digits)
{
    char text[40];

    if (!isfinite(value) && r->json) {
        fl_report_none(r);
        return;
    }
    before(r);
    snprintf(text, sizeof text, "%.*g", digits, value);
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
fl_report_none(struct fl_report *r)
{
    before(r);
    put(r, r->json ? "null" : "-");
    after(r);
}

int
fl_report_flush(struct fl_report *r, int fd, const char *name)
{
    begin(r);
    if (r->failed)
        return fl_error_memory("out of memory for a report");
    int result = fl_write_full(fd, name, r->out.data, r->out.len);
    fl_buf_clear(&r->out);
    return result;
}

int
fl_report_beside(struct fl_report *r, const char *output)
{
    return output && strcmp(output, "-") ? fl_report_flush(r, 1, "standard output")
                                         : fl_report_flush(r, 2, "standard error");
}

void
fl_report_release(struct fl_report *r)
{
    fl_buf_release(&r->out);
}
