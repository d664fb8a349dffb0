/*
 * Whole reads and writes, inputs by name ("-" or NULL is standard input), spools and small files.
 * Errors name the file. A descriptor that somebody made non-blocking is waited for. Inputs and maps
 * are watched for changes (os/watch.h).
 */
#ifndef FL_OS_FILE_H
#define FL_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/must.h"

/* Read up to N bytes, fewer only at the end of the file. Returns the count, or -1 with an error. */
ssize_t fl_read_full(int fd, const char *name, void *data, size_t n);

/* What one read gives, at least a byte but at the end of the file: for a terminal's lines. */
ssize_t fl_read_some(int fd, const char *name, void *data, size_t n);

/* The same as fl_read_full at an offset; the file's own position stays. */
ssize_t fl_pread_full(int fd, const char *name, void *data, size_t n, uint64_t offset);

/* Write all N bytes. A reader that went away records FL_PIPE. */
FL_MUST int fl_write_full(int fd, const char *name, const void *data, size_t n);
FL_MUST int fl_pwrite_full(int fd, const char *name, const void *data, size_t n, uint64_t offset);

/* The same where there is nowhere to tell an error: none is recorded. */
void fl_write_quietly(int fd, const void *data, size_t n);

/*
 * Write text that a model or a document holds: all N bytes as they are, but to a terminal so that
 * they cannot act on it (base/visible.h, FL_VISIBLE_TEXT); then they are whole characters.
 */
FL_MUST int fl_write_text(int fd, const char *name, const void *text, size_t n);

/*
 * Open an input. NULL and "-" are standard input (not closed by fl_close_input). A folder is
 * refused; so is a terminal when BINARY. Returns the descriptor or -1.
 */
FL_MUST int fl_open_input(const char *path, bool binary);
void fl_close_input(int fd);

/*
 * Refuse PATH when it is a pipe, a device or a socket: a file of a folder that somebody else packed
 * is opened only after that, since a pipe would be waited for. 0 also when nothing has that name.
 */
FL_MUST int fl_check_plain(const char *path);

/*
 * Let no file that is opened later become standard input, output or error: those that are closed
 * are held by /dev/null, so that reading or writing them fails as it did. Once, before any file.
 */
FL_MUST int fl_hold_standard(void);

/* What messages call an input: its path, or "standard input". */
const char *fl_input_name(const char *path);

/*
 * Refuse (FL_REFUSED) a file of several names, hard links: what takes its place has one of them,
 * and the others stay what it was. 0 also when nothing has that name.
 */
FL_MUST int fl_check_one_name(const char *path);

/* Bytes of all COUNT files, for the progress; 0 when one is not a regular file, or is missing. */
uint64_t fl_input_bytes(const char *const *paths, size_t count);

/* No file has this name (of an input, as above): it has not come yet, or is mistyped. */
bool fl_input_missing(const char *path);

/*
 * Do two names lead to one regular file, or are they the same name of none yet? (A device may be
 * written by two.) NULL is no name.
 */
bool fl_same_file(const char *a, const char *b);

/*
 * The name at the end of a chain of symbolic links, whether or not it exists: free() it. NULL with
 * an error.
 */
char *fl_follow_links(const char *path);

/*
 * "DIR/BEFORE NAME AFTER" (without the spaces) for "DIR/NAME": what belongs to the file. Where that
 * would be longer than a name can be (255 bytes), the end of NAME is cut off and "~" and 16 digits
 * of a hash of all of NAME stand for it. free() it; NULL with an error.
 */
char *fl_name_beside(const char *path, const char *before, const char *after);

/* Bytes of PATH without .gz, .zst or .xz at its end: the name of what is packed in it. */
size_t fl_name_unpacked(const char *path);

/* The whole of a file in a buffer, refused above MAX bytes. */
FL_MUST int fl_read_file(const char *path, size_t max, struct fl_buf *content);

/*
 * An unlinked file of mode 0600 in $TMPDIR (or /tmp), open for reading and writing, or -1. What is
 * written stays on the disk when the file is gone: what a site keeps to itself goes into one that
 * is sealed (crypt/sealed.h).
 */
FL_MUST int fl_spool_open(void);

/* A read-only private map of LEN bytes from the start of FD, or NULL with an error; fl_unmap it. */
void *fl_map(int fd, const char *name, size_t len);
void fl_unmap(void *p, size_t len);

/* Could LEN bytes of addresses be had now? For libraries that do not take no for an answer. */
bool fl_can_map(size_t len);

/*
 * The pages of a map of a file that lie between P and P + LEN need not stay in memory; they are
 * read again when they are looked at. For programs that pass over a large file once.
 */
void fl_map_forget(const void *p, size_t len);

/*
 * Between P and P + LEN of a map of a file: begin to read these pages, and no others; and whether
 * the system may read ahead of what is touched (as it does until told otherwise), which on some
 * disks is many megabytes. Both are hints.
 */
void fl_map_fetch(const void *p, size_t len);
void fl_map_read_ahead(const void *p, size_t len, bool ahead);

/* A shared writable map of a spool, which is made LEN bytes (zeros) long; NULL with an error. */
void *fl_map_spool(int fd, size_t len);

/* Let a pipe hold more at a time where the system allows it; nothing for other files. */
void fl_pipe_enlarge(int fd);

/* Size of a regular file, or -1 (no error recorded) when FD is not one. */
int64_t fl_regular_size(int fd);

/* Say that reads of FD hop about, so that nothing is read ahead; or, with false, that they do not.
 */
void fl_expect_hops(int fd, bool hops);

#endif
