#include "sec/vault.h"

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

/* Room for MORE bytes and a zero behind the text. */
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
fl_vault_is(struct fl_vault *v, const char *word, size_t values, bool *failed)
{
    if (strcmp(v->field[0], word))
        return false;
    if (v->count != values + 1) {
        fl_vault_bad_line(v);
        *failed = true;
    }
    return true;
}

int
fl_vault_bytes(struct fl_vault *v, size_t i, void *out, size_t n)
{
    /* Looked at first: the message of fl_unhex would show the value. */
    if (i >= v->count || strspn(v->field[i], "0123456789abcdef") != 2 * n ||
        fl_unhex(out, n, v->field[i]))
        return fl_vault_bad_line(v);
    return 0;
}

int
fl_vault_number(struct fl_vault *v, size_t i, uint64_t max, uint64_t *out)
{
    if (i >= v->count || fl_parse_u64(v->field[i], 0, max, out))
        return fl_vault_bad_line(v);
    return 0;
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

/* A space, unless this is the first word of its line. */
static int
separate(struct fl_vault *v)
{
    return v->len && v->text[v->len - 1] != '\n' ? add(v, " ", 1) : 0;
}

int
fl_vault_begin(struct fl_vault *v, const char *magic)
{
    *v = (struct fl_vault){0};
    return add(v, magic, strlen(magic)) || add(v, "\n", 1) ? -1 : 0;
}

int
fl_vault_word(struct fl_vault *v, const char *word)
{
    return separate(v) || add(v, word, strlen(word)) ? -1 : 0;
}

int
fl_vault_put_bytes(struct fl_vault *v, const void *data, size_t n)
{
    if (separate(v) || reserve(v, 2 * n + 1))
        return -1;
    fl_hex(v->text + v->len, data, n);
    v->len += 2 * n;
    return 0;
}

int
fl_vault_put_number(struct fl_vault *v, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return fl_vault_word(v, text);
}

int
fl_vault_end_line(struct fl_vault *v)
{
    return add(v, "\n", 1);
}

int
fl_vault_write(struct fl_vault *v, const char *path, bool fresh)
{
    unsigned char hash[FL_HASH_BYTES];

    fl_hash_once(hash, NULL, CHECK_LABEL, v->text, v->len);
    if (fl_vault_word(v, "check") || fl_vault_put_bytes(v, hash, sizeof hash) ||
        fl_vault_end_line(v))
        return -1;
    return fl_output_write_file(path, v->text, v->len,
                                FL_OUTPUT_SECRET | (fresh ? FL_OUTPUT_NEW : 0));
}
