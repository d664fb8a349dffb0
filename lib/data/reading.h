/*
 * How records of one input become documents: which fields are taken from where, what form their
 * values are brought to, and how they are rendered as one text. Made of a contract and a site file
 * (data/contract.h), or of a name of a field alone. It is only read while records are worked on.
 */
#ifndef FL_DATA_READING_H
#define FL_DATA_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "data/codes.h"
#include "data/csv.h"
#include "data/records.h"
#include "data/unit.h"
#include "data/when.h"

enum fl_value_kind { FL_VALUE_TEXT, FL_VALUE_UNIT, FL_VALUE_DATE, FL_VALUE_CODE };

struct fl_field { /* of the contract, at this input */
    const char *name;
    const char *source; /* the key of a line of JSON ("a.b"), or the column of a table */
    bool required;
    enum fl_value_kind kind;
    struct fl_unit_map unit;
    struct fl_codes *codes; /* NULL: no table, every code is unknown */
    enum fl_code_policy policy;
};

struct fl_part { /* of a template: a literal, or a field */
    char *text;  /* NULL: a field */
    size_t len;
    int field;
    size_t section; /* the template of which it is a part */
};

struct fl_rendering { /* templates, "{role}: {text}"; one whose fields are all empty is left out */
    struct fl_part *parts;
    size_t count;
};
void fl_rendering_release(struct fl_rendering *r);

struct fl_names {
    const char *const *items;
    size_t count;
};

/*
 * Take TEMPLATES apart; NAMES are the fields that may stand in them, each once. "{{" and "}}" are
 * braces. -1 (FL_USAGE) with an error.
 */
FL_MUST int fl_rendering_make(struct fl_rendering *r, const struct fl_names *templates,
                              const struct fl_names *names);

enum { FL_CHAT_ROLE, FL_CHAT_TEXT, FL_CHAT_FIELDS }; /* of the template of a turn */

struct fl_chat_roles { /* names at the site, and the role of the contract that each is */
    const char **names, **roles;
    size_t count;
};

struct fl_reading {
    struct fl_record_form form;
    struct fl_field *fields;
    size_t count;
    struct fl_rendering render;
    int text;  /* the field that plain text is, or -1 */
    int group; /* the field whose value keeps documents on one side of the split, or -1 */
    char decimal;
    enum fl_date_order order;
    const char *const *columns; /* of a table without a header */
    size_t column_count;
    bool scalars; /* numbers of JSON count as text */

    bool chat;            /* records are conversations: */
    const char *messages; /* JSON: the path of the list, "" when the line is the list */
    const char *role, *content;
    struct fl_rendering turn;
    struct fl_chat_roles roles;
};
void fl_reading_release(struct fl_reading *r);

/* The text is the field FIELD (borrowed) of lines and tables, and nothing is changed. */
FL_MUST int fl_reading_plain(struct fl_reading *r, const char *field);

/* What is known of one file before its records are worked on. */
struct fl_columns {           /* zeroed for files that are no tables */
    int *slots;               /* (count,) the field that a column is, or -1 */
    size_t count;             /* columns of every row */
    enum fl_date_order order; /* of dates, given or proved, */
    uint64_t proof;           /* by so many of them; 0: given, or not known */
};
void fl_columns_release(struct fl_columns *c);

/*
 * The columns of a table by its header, or by the site's list when HEADER is NULL. A required field
 * without its column is an error (FL_USAGE) that lists the columns.
 */
FL_MUST int fl_columns_find(struct fl_columns *c, const struct fl_reading *r,
                            const struct fl_csv_header *header);

#endif
