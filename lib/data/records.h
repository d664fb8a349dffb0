/*
 * Raw records out of files and standard input, in one pass and bounded memory.
 *
 * An input is unpacked and made UTF-8 first (data/source.h); offsets, lines and bytes below are of
 * that text. Plain text is cut into passages: a record ends at a form feed, or at a blank line once
 * it has at least PASSAGE bytes; a record that reaches MAX bytes is cut after the last blank line
 * in its second half, else after the last line, else the last space, else between characters. Of
 * JSON Lines every line is a record; a line longer than FL_RECORDS_LINE(MAX) is passed over and
 * counted.
 *
 * The bytes of a record are as the file has them: not yet UTF-8, line ends as they were; only a
 * byte order mark at the start of a file, form feeds and blank lines between passages are gone. A
 * file that is no text (data/kind.h) is refused with what would help.
 */
#ifndef FL_DATA_RECORDS_H
#define FL_DATA_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "data/unpack.h"

enum fl_records_format {
    FL_RECORDS_AUTO, /* by the name, without .gz, .zst or .xz: .jsonl and .ndjson, .csv, .tsv; or */
    FL_RECORDS_TEXT,
    FL_RECORDS_JSONL,
    FL_RECORDS_CSV,
    FL_RECORDS_TSV /* as CSV, divided by tabs; records say CSV */
};

/* Bytes of the longest line of JSON Lines: the text may be escaped, other fields may be there. */
#define FL_RECORDS_LINE(max) (8 * (max) + 65536)

struct fl_records_settings {
    enum fl_records_format format;
    size_t max;     /* bytes of a document, at least 64 */
    size_t passage; /* bytes; 0: a whole file is one record, up to MAX */
    bool as_is;     /* what looks like another format than text is taken all the same */
    bool raw;       /* files are read as they are by somebody else: for fl_records_check */
    const struct fl_record_form *const *forms; /* one a file, borrowed; NULL: all are as above */
};

struct fl_record_form { /* of one file */
    enum fl_records_format format;
    const char *encoding; /* a name of iconv(3); NULL: proved by a mark, else UTF-8 */
    char divider;         /* of a table; 0: a tab for .tsv, else a comma */
    bool headless;        /* a table without names of columns */
    bool proved;          /* UTF-8 without NUL and ESC, unless an encoding is named */
    bool lines;           /* text: a blank line always ends a record */
};

struct fl_raw_record {
    const unsigned char *data;     /* valid until the next call */
    size_t len;                    /* at least 1 */
    size_t file;                   /* index of its path */
    uint64_t offset;               /* of its first byte in the file */
    uint64_t line;                 /* of its first byte, from 1 */
    enum fl_records_format format; /* never AUTO */
    char divider;                  /* of a table */
    bool header;                   /* a row with the names of the columns */
    bool cut;                      /* text: it was longer and goes on in the next record */
    bool passage;                  /* text: blank lines divide it, so that a file has many */
};

struct fl_records_file {    /* what one file had; complete when its last record was taken */
    uint64_t bytes;         /* of its text, and of the mark before it */
    uint64_t between;       /* of them between records: line ends, blank lines, form feeds */
    uint64_t taken;         /* bytes of the file itself */
    uint64_t overlong;      /* lines passed over */
    uint64_t overlong_line; /* number of the first of them */
    uint64_t overlong_bytes;
    uint64_t check;       /* a check value of its text: equal files have equal ones */
    size_t mark;          /* bytes of the mark of the byte order that it began with */
    const char *encoding; /* NULL before it is opened */
    enum fl_packing packing;
};

struct fl_records;

struct fl_records_found {
    uint64_t bytes;         /* of all files, 0 when it is not known */
    size_t again;           /* paths that lead to the file of an earlier one */
    size_t twice, twice_as; /* the first of them, and that earlier one */
};

/*
 * Can PATHS be opened, and is none of a kind that is refused (data/kind.h)? Pipes are not looked
 * into. No paths: standard input.
 */
FL_MUST int fl_records_check(const char *const *paths, size_t count,
                             const struct fl_records_settings *settings,
                             struct fl_records_found *found);

/* COUNT 0 reads standard input; PATHS are borrowed. NULL with an error. */
struct fl_records *fl_records_open(const char *const *paths, size_t count,
                                   const struct fl_records_settings *settings);
void fl_records_free(struct fl_records *r);

/* 1 with the next record, 0 after the last one, -1 with an error. */
FL_MUST int fl_records_next(struct fl_records *r, struct fl_raw_record *record);

size_t fl_records_count(const struct fl_records *r); /* files, standard input included */
size_t fl_records_done(const struct fl_records *r);  /* of which no record will come any more */
const char *fl_records_name(const struct fl_records *r, size_t file);
const struct fl_records_file *fl_records_file(const struct fl_records *r, size_t file);

/* Where to cut TEXT, which is longer than MAX, as above: an offset of at least 1, at most MAX. */
size_t fl_records_cut(const unsigned char *text, size_t max);

#endif
