/*
 * Files of this toolkit are told apart exactly, by what they begin with; others by the signatures
 * that file(1) goes by, as far as people are likely to mistake one for an input here.
 */
#include "flt/sniff.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"
#include "flt/record.h"

struct kind {
    const char *magic, *what;
};

/* A number and a line feed follow: the format, which another version of fl may have raised. */
static const struct kind numbered[] = {
    {"fl-key-v", "a secret key"},
    {"fl-state-v", "the state of a key"},
    {NULL, NULL},
};

static const struct kind own[] = {
    {"fl1 ", "a member's public line"},
    {NULL, NULL},
};

static const struct kind others[] = {
    {"\x1f\x8b", "gzip data"},
    {"\x28\xb5\x2f\xfd", "zstd data"},
    {"\xfd"
     "7zXZ",
     "xz data"},
    {"BZh", "bzip2 data"},
    {"PK\x03\x04", "a zip archive"},
    {"%PDF-", "a PDF file"},
    {"GGUF", "a GGUF file"},
    {"PAR1", "a Parquet file"},
    {"SQLite format 3", "an SQLite database"},
    {"\x7f"
     "ELF",
     "a program"},
    {"\xff\xfe", "text in UTF-16"},
    {"\xfe\xff", "text in UTF-16"},
    {NULL, NULL},
};

/* "a secret key of format 1". */
static bool
find_numbered(const char *p, size_t len, char text[FL_SNIFF_TEXT])
{
    for (const struct kind *k = numbered; k->magic; k++) {
        size_t at = strlen(k->magic), digits = 0;
        if (len < at || memcmp(p, k->magic, at))
            continue;
        while (digits < 9 && at + digits < len && p[at + digits] >= '0' && p[at + digits] <= '9')
            digits++;
        if (!digits || at + digits == len || p[at + digits] != '\n')
            continue;
        snprintf(text, FL_SNIFF_TEXT, "%s of format %.*s", k->what, (int)digits, p + at);
        return true;
    }
    return false;
}

static bool
find(const struct kind *kinds, const void *data, size_t len, char text[FL_SNIFF_TEXT])
{
    for (; kinds->magic; kinds++) {
        size_t n = strlen(kinds->magic);
        if (len < n || memcmp(data, kinds->magic, n))
            continue;
        snprintf(text, FL_SNIFF_TEXT, "%s", kinds->what);
        return true;
    }
    return false;
}

/* "an FLT stream of kind "plan"", or without the kind when it is damaged or not among the bytes. */
static void
sniff_stream(const unsigned char *p, size_t len, char text[FL_SNIFF_TEXT])
{
    const size_t at = FL_FLT_HEADER + 6;
    size_t n = len > at ? fl_get16(p + FL_FLT_HEADER + 4) : 0;

    if (n >= 1 && n <= 63 && n <= len - at && fl_utf8_valid_prefix(p + at, n) == n)
        snprintf(text, FL_SNIFF_TEXT, "an FLT stream of kind \"%.*s\"", (int)n,
                 (const char *)p + at);
    else
        snprintf(text, FL_SNIFF_TEXT, "an FLT stream");
}

/* Text in UTF-8; a character at the end may be cut. */
static bool
is_text(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((p[i] < ' ' && !strchr("\t\n\r\f", p[i])) || p[i] == 127 || !p[i])
            return false;
    return fl_utf8_valid_prefix(p, len) + 3 >= len;
}

static bool
is_json(const unsigned char *p, size_t len)
{
    size_t i = 0;

    while (i < len && p[i] && strchr(" \t\r\n", p[i]))
        i++;
    return i < len && (p[i] == '{' || p[i] == '[');
}

bool
fl_sniff_own(const void *data, size_t len, char text[FL_SNIFF_TEXT])
{
    if (len < 4 || fl_get32(data) != FL_TAG_HEAD)
        return find_numbered(data, len, text) || find(own, data, len, text);
    sniff_stream(data, len, text);
    return true;
}

const char *
fl_sniff(const void *data, size_t len, char text[FL_SNIFF_TEXT])
{
    const unsigned char *p = data;

    if (fl_sniff_own(data, len, text) || find(others, data, len, text))
        return text;
    /* safetensors: the length of a JSON object, and that */
    bool tensors = len > 9 && fl_get64(p) < UINT64_C(1) << 40 && !memcmp(p + 8, "{\"", 2);
    snprintf(text, FL_SNIFF_TEXT, "%s",
             !len               ? "empty"
             : tensors          ? "a safetensors file"
             : !is_text(p, len) ? "data of an unknown kind"
             : is_json(p, len)  ? "JSON text"
                                : "text");
    return text;
}

int
fl_not_a_stream(const char *file, const void *data, size_t len)
{
    char what[FL_SNIFF_TEXT];

    if (len)
        return fl_error(FL_FAILED, "%s: is %s, not an FLT stream", file, fl_sniff(data, len, what));
    fl_error(FL_FAILED, "%s: is empty", file);
    return fl_error_cure("an FLT stream is expected");
}
