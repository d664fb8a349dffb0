/*
 * Text is parsed in place, in locked memory, and a line that is not understood is told by its
 * number only. A new text goes to a part that is flushed and renamed, so a crash leaves the old or
 * the new.
 */
#include "sec/vault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "flt/sniff.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/output.h"

#define CHECK_LABEL "fl1.vault"

void
fl_vault_release(struct fl_vault *v)
{
    fl_secret_free(v->text);
    free(v->name);
    *v = (struct fl_vault){0};
}

/* Room for MORE bytes and a zero after the text. */
static int
reserve(struct fl_vault *v, size_t more)
{
    if (v->text && v->cap - v->len > more)
        return 0;
    size_t cap = v->cap ? v->cap * 2 : 4096;
    while (cap - v->len <= more)
        cap *= 2;
    char *text = fl_secret_alloc(cap, 1);
    if (!text)
        return -1;
    if (v->text)
        memcpy(text, v->text, v->len);
    fl_secret_free(v->text);
    v->text = text;
    v->cap = cap;
    return 0;
}

/*
 * Before anything else is said of it: is it such a file at all? The bytes that are looked at may be
 * of another secret, and are wiped.
 */
static int
check_magic(const struct fl_vault *v, int fd, const char *magic, const char *want)
{
    char head[FL_SNIFF_BYTES], what[FL_SNIFF_TEXT];
    ssize_t got = fl_pread_full(fd, v->name, head, sizeof head, 0);
    size_t len = strlen(magic);
    int result = 0;

    if (got < 0) {
        result = -1;
    } else if ((size_t)got <= len || memcmp(head, magic, len) || head[len] != '\n') {
        fl_error(FL_FAILED, "%s: is %s", v->name, fl_sniff(head, (size_t)got, what));
        result = fl_error_cure("%s", want);
    }
    fl_wipe(head, sizeof head);
    return result;
}

static int
read_all(struct fl_vault *v, int fd, const char *magic, const char *want)
{
    int64_t size = fl_regular_size(fd);

    if (size < 0) {
        fl_error(FL_FAILED, "%s: is not a regular file", v->name);
        return fl_error_cure("%s", want);
    }
    if (check_magic(v, fd, magic, want))
        return -1;
    if (size > FL_VAULT_MAX)
        return fl_error(FL_FAILED, "%s: is too large to be what this program writes", v->name);
    if (fl_check_private(fd, v->name) || reserve(v, (size_t)size))
        return -1;
    ssize_t got = fl_read_full(fd, v->name, v->text, (size_t)size);
    if (got < 0)
        return -1;
    v->len = (size_t)got;
    return 0;
}

/* The text must end with "check HEX\n" of all before; it is taken off. */
static int
check(struct fl_vault *v)
{
    unsigned char want[FL_HASH_BYTES], got[FL_HASH_BYTES];
    const size_t tail = 6 + 2 * sizeof want + 1;

    if (v->len >= tail && !memchr(v->text, 0, v->len) && v->text[v->len - 1] == '\n' &&
        !memcmp(v->text + v->len - tail, "check ", 6)) {
        v->text[v->len - 1] = '\0';
        v->len -= tail;
        fl_hash_once(want, NULL, CHECK_LABEL, v->text, v->len);
        if (!fl_unhex(got, sizeof got, v->text + v->len + 6) && !memcmp(want, got, sizeof got)) {
            v->text[v->len] = '\0';
            return 0;
        }
    }
    return fl_error(FL_FAILED,
                    "%s: is cut or changed: its check value differs; take its last good copy only "
                    "if nothing was signed or masked since",
                    v->name);
}

int
fl_vault_read(struct fl_vault *v, const char *path, const char *magic, const char *want)
{
    *v = (struct fl_vault){.name = fl_strdup(path)};
    int fd = v->name ? fl_open_input(path, false) : -1;
    int result = fd < 0 ? -1 : read_all(v, fd, magic, want);
    if (fd >= 0)
        fl_close_input(fd);
    if (!result)
        result = check(v);
    if (result) {
        fl_vault_release(v);
        return -1;
    }
    v->at = strlen(magic) + 1;
    v->line = 1;
    return 0;
}

int
fl_vault_bad_line(const struct fl_vault *v)
{
    return fl_error(FL_FAILED,
                    "%s: line %zu is not what this version of the program writes; use the version "
                    "that wrote it",
                    v->name, v->line);
}

int
fl_vault_next(struct fl_vault *v)
{
    v->count = 0;
    if (v->at >= v->len)
        return 0;
    v->line++;
    char *end = memchr(v->text + v->at, '\n', v->len - v->at);
    if (!end)
        return fl_vault_bad_line(v);
    *end = '\0';
    for (char *p = v->text + v->at; p; p = strchr(p, ' ')) {
        if (v->count)
            *p++ = '\0';
        if (!*p || *p == ' ' || v->count == FL_VAULT_FIELDS)
            return fl_vault_bad_line(v);
        v->field[v->count++] = p;
    }
    v->at = (size_t)(end - v->text) + 1;
    return 1;
}

bool
fl_vault_is(const struct fl_vault *v, const char *word)
{
    return !strcmp(v->field[0], word);
}

static int
get_bytes(const struct fl_vault *v, size_t i, void *out, size_t n)
{
    /* Looked at first: the message of fl_unhex would show the value. */
    if (strspn(v->field[i], "0123456789abcdef") != 2 * n || fl_unhex(out, n, v->field[i]))
        return fl_vault_bad_line(v);
    return 0;
}

static int
get_word(const struct fl_vault *v, size_t i, char *out, size_t size)
{
    if (strlen(v->field[i]) >= size)
        return fl_vault_bad_line(v);
    strcpy(out, v->field[i]);
    return 0;
}

int
fl_vault_get(struct fl_vault *v, const char *format, ...)
{
    int failed = v->count != strlen(format) + 1 ? fl_vault_bad_line(v) : 0;
    va_list ap;

    va_start(ap, format);
    for (size_t i = 1; !failed && i < v->count; i++) {
        void *out = format[i - 1] == 'n' ? NULL : va_arg(ap, void *);
        if (format[i - 1] == 'b') {
            failed = get_bytes(v, i, out, 32);
        } else if (format[i - 1] == 'B') {
            failed = get_bytes(v, i, out, va_arg(ap, size_t));
        } else if (format[i - 1] == 'w') {
            failed = get_word(v, i, out, va_arg(ap, size_t));
        } else {
            uint64_t max = va_arg(ap, uint64_t);
            if (fl_parse_u64(v->field[i], 0, max, va_arg(ap, uint64_t *)))
                failed = fl_vault_bad_line(v);
        }
    }
    va_end(ap);
    return failed ? -1 : 0;
}

static int
add(struct fl_vault *v, const char *text, size_t len)
{
    if (reserve(v, len + 1))
        return -1;
    memcpy(v->text + v->len, text, len);
    v->len += len;
    v->text[v->len] = '\0';
    return 0;
}

int
fl_vault_begin(struct fl_vault *v, const char *magic)
{
    *v = (struct fl_vault){0};
    return add(v, magic, strlen(magic)) || add(v, "\n", 1) ? -1 : 0;
}

static int
put_bytes(struct fl_vault *v, const void *data, size_t n)
{
    if (reserve(v, 2 * n + 1))
        return -1;
    fl_hex(v->text + v->len, data, n);
    v->len += 2 * n;
    return 0;
}

static int
put_number(struct fl_vault *v, uint64_t value)
{
    char text[24];

    return add(v, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)value));
}

int
fl_vault_put(struct fl_vault *v, const char *word, const char *format, ...)
{
    int failed = add(v, word, strlen(word));
    va_list ap;

    va_start(ap, format);
    for (; *format && !failed; format++) {
        if ((failed = add(v, " ", 1)))
            break;
        if (*format == 'n') {
            failed = put_number(v, va_arg(ap, uint64_t));
        } else {
            const void *in = va_arg(ap, const void *);
            failed = *format == 'w' ? add(v, in, strlen(in))
                                    : put_bytes(v, in, *format == 'b' ? 32 : va_arg(ap, size_t));
        }
    }
    va_end(ap);
    return failed || add(v, "\n", 1) ? -1 : 0;
}

int
fl_vault_write(struct fl_vault *v, const char *path, bool fresh)
{
    unsigned char hash[FL_HASH_BYTES];

    fl_hash_once(hash, NULL, CHECK_LABEL, v->text, v->len);
    if (fl_vault_put(v, "check", "b", hash))
        return -1;
    if (v->len > FL_VAULT_MAX)
        return fl_error(FL_FAILED,
                        "%s: would be too large to be read again, with %zu bytes; nothing is "
                        "written: make a new key for the next epoch",
                        path, v->len);
    return fl_output_write_file(path, v->text, v->len,
                                FL_OUTPUT_SECRET | (fresh ? FL_OUTPUT_NEW : 0));
}
