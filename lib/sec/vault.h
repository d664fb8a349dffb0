/*
 * Small text files that hold secrets: a key, or what a key remembers.
 *
 * The first line says what the file is, the last one is "check HEX", a hash of all before it;
 * between them every line is a word and its values, separated by single spaces. The text lives in
 * locked memory only and is wiped with it; the file has mode 0600 and is replaced in one atomic
 * step. A file that others can read is refused (FL_REFUSED). Messages never show a value.
 */
#ifndef FL_SEC_VAULT_H
#define FL_SEC_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum { FL_VAULT_FIELDS = 8, FL_VAULT_MAX = 64 << 20 };

struct fl_vault { /* a zeroed struct is empty */
    char *text;   /* secret memory */
    size_t len, cap;
    size_t at;    /* where the next line begins */
    size_t line;  /* number of the line that was read last */
    size_t count; /* fields of that line */
    char *field[FL_VAULT_FIELDS];
    char *name; /* of the file, for messages */
};

void fl_vault_release(struct fl_vault *v);

/*
 * Read PATH, whose first line must be MAGIC, and check it. A file that begins otherwise is another
 * one, named by mistake: the error says what it is and that WANT is expected ("a secret key, which
 * ... writes"), whoever can read it. -1 leaves V released.
 */
FL_MUST int fl_vault_read(struct fl_vault *v, const char *path, const char *magic,
                          const char *want);

/* The next line into v->field: 1, 0 after the last, -1. */
FL_MUST int fl_vault_next(struct fl_vault *v);

/* True when the line's word is WORD. */
bool fl_vault_is(const struct fl_vault *v, const char *word);

/*
 * The values of the line, which must be as many as FORMAT has letters, each with its arguments:
 *     b  unsigned char[32]            B  void *, size_t bytes
 *     n  uint64_t max, uint64_t *     w  char *, size_t size (of text, its zero included)
 * 0, or -1 naming file and line.
 */
FL_MUST int fl_vault_get(struct fl_vault *v, const char *format, ...);

/* "FILE: line N: is not what this program writes; ..." with FL_FAILED. Returns -1. */
int fl_vault_bad_line(const struct fl_vault *v);

/* Begin a text with its MAGIC line; errors of the adders stay until fl_vault_write. */
FL_MUST int fl_vault_begin(struct fl_vault *v, const char *magic);

/* Add a line of WORD and values: b const unsigned char[32], B const void *, size_t; n uint64_t;
 * w const char *. */
FL_MUST int fl_vault_put(struct fl_vault *v, const char *word, const char *format, ...);

/*
 * Add the check and write the file, durably and in one step; FRESH: not over another one. More than
 * FL_VAULT_MAX bytes are an error, since fl_vault_read would not take them.
 */
FL_MUST int fl_vault_write(struct fl_vault *v, const char *path, bool fresh);

#endif
