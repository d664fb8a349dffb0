/*
 * Where each byte of a text came from, and what became of each byte of its source. A text is a
 * sequence of pieces: OUT bytes of it that stand for LEN bytes of the source from FROM on, and why.
 * Every step that changes a text says so as edits, so that the bytes of a record have one fate
 * each, which the card adds up and --explain shows.
 *
 * Offsets are within one record, whose bytes are less than 4 GiB.
 */
#ifndef FL_DATA_TRACE_H
#define FL_DATA_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum fl_fate {
    FL_FATE_KEPT,   /* stands in a document as it came */
    FL_FATE_ESCAPE, /* mapped, here and below: \n and "" of JSON and CSV */
    FL_FATE_NFC,
    FL_FATE_MOJIBAKE,
    FL_FATE_UNIT,
    FL_FATE_DATE,
    FL_FATE_CODE,
    FL_FATE_ROLE,
    FL_FATE_INVALID, /* replaced, here and below */
    FL_FATE_IDENTIFIER,
    FL_FATE_SPACE, /* dropped, here and below: line ends, blank lines, white space at the ends */
    FL_FATE_CONTROL,
    FL_FATE_ZERO_WIDTH,
    FL_FATE_MARK,   /* a byte order mark */
    FL_FATE_UNUSED, /* other fields, and the characters that divide fields */
    FL_FATE_EMPTY,  /* the whole record, here and below */
    FL_FATE_MALFORMED,
    FL_FATE_FIELDS, /* a row with another number of fields than the header */
    FL_FATE_NO_FIELD,
    FL_FATE_OVERLONG,
    FL_FATE_BAD_CODE,
    FL_FATE_PRIVATE, /* by the policy of an identifier */
    FL_FATE_SAME,    /* a copy of a document that is kept */
    FL_FATE_NEAR,    /* nearly one */
    FL_FATES,
    FL_FATE_ADDED = FL_FATES /* text of no source: literals of a template */
};

/* "kept", "escape" and so on: the words of --explain. */
const char *fl_fate_name(enum fl_fate fate);

struct fl_fates {
    uint64_t bytes[FL_FATES];
};
void fl_fates_add(struct fl_fates *to, const struct fl_fates *more);
uint64_t fl_fates_sum(const struct fl_fates *f, enum fl_fate first, enum fl_fate last);

struct fl_piece {
    uint32_t from, len; /* of the source */
    uint32_t out;       /* bytes of the text; equal to LEN when it is kept */
    uint32_t fate;
};

struct fl_trace { /* a zeroed struct is an empty text */
    struct fl_piece *pieces;
    size_t count, cap;
    struct fl_piece *other; /* room for an edit */
    size_t other_cap;
};
void fl_trace_release(struct fl_trace *t);
void fl_trace_clear(struct fl_trace *t);

/* Add a piece at the end of the text; joined with the last one where that is the same. O(1). */
FL_MUST int fl_trace_add(struct fl_trace *t, struct fl_piece piece);

/* Bytes AT to AT + LEN of the text became OUT bytes. */
struct fl_edit {
    uint32_t at, len, out;
    uint32_t fate;
};

struct fl_edits { /* in the order of AT, not overlapping; a zeroed struct is fine */
    struct fl_edit *items;
    size_t count, cap;
};
void fl_edits_release(struct fl_edits *e);
FL_MUST int fl_edits_add(struct fl_edits *e, size_t at, size_t len, size_t out, enum fl_fate fate);

/*
 * Change the trace as the text was changed. Source bytes of an edit have its fate from now on, but
 * for those that had been dropped before. Cost O(pieces + edits).
 */
FL_MUST int fl_trace_edit(struct fl_trace *t, const struct fl_edits *edits);

/*
 * The source of T is the text of BASE: make it the source of BASE. Cost O(pieces of T log BASE).
 * Kept pieces may become several; an other one has all that it stands for in BASE.
 */
FL_MUST int fl_trace_through(struct fl_trace *t, const struct fl_trace *base);

/* Add MORE's pieces after those of T, its text after T's text. */
FL_MUST int fl_trace_append(struct fl_trace *t, const struct fl_trace *more);

/* Add the source bytes of the text's bytes FROM to TO, by their fates. Cost O(pieces). */
void fl_trace_sum(const struct fl_trace *t, uint64_t from, uint64_t to, struct fl_fates *fates);

#endif
