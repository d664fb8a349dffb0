/*
 * Personal identifiers that have a grammar, a checksum, or a context: found in a text and replaced
 * by placeholders. Names of people, organisations and places are found where a list of them is
 * given as own patterns, and nowhere else; a text in which nothing is found any more can still say
 * who somebody is.
 *
 *     fl_id_rules     which types are looked for, and the own patterns; made once, then read by all
 *                     threads
 *     fl_id_scan      what one thread keeps from text to text; a zeroed struct is fine
 *
 * Cost: O(bytes) for every text: candidates begin at cheap anchors (a digit, '@', ':', ...), each
 * is confirmed or given up within FL_ID_REACH bytes, and nothing goes back. Own patterns add
 * O(bytes) for each that begins with a class, and O(FL_ID_REACH) for all literal ones at the
 * beginning of a word. Memory: O(bytes), kept from text to text.
 */
#ifndef FL_DATA_IDENTIFIER_H
#define FL_DATA_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum {
    FL_ID_REACH = 128,     /* bytes within which a candidate is confirmed */
    FL_ID_OWN_MOST = 1000, /* types of own patterns */
    FL_ID_VERSION = 1      /* of the rules; a contract's `rules:` names it */
};

enum fl_id_type {
    FL_ID_EMAIL,    /* with " (at) " and " (dot) " too */
    FL_ID_URL,      /* a scheme and a host, or www. and a host */
    FL_ID_IP,       /* 4 and 6 */
    FL_ID_MAC,      /* EUI-48 and EUI-64 */
    FL_ID_IBAN,     /* length by country, remainder 1 modulo 97; or with context */
    FL_ID_CARD,     /* first digits and length of an issuer, Luhn; or with context */
    FL_ID_NATIONAL, /* of US, UK, DE, FR, ES, IT, NL, PL, SE, DK, IN, BR; medical record numbers */
    FL_ID_PHONE,
    FL_ID_DATE, /* of birth: a date with such words near it */
    FL_ID_AGE,  /* above 89, with such words near it */
    FL_ID_TYPES,
    FL_ID_OWN = FL_ID_TYPES /* and above: own types, in the order in which they were added */
};

enum fl_id_policy {
    FL_ID_KEEP,        /* not looked for, so that it hides nothing that is */
    FL_ID_PLACEHOLDER, /* [TYPE_N] takes its place */
    FL_ID_DROP         /* the document goes */
};

enum fl_id_evidence { /* weaker ones first */
                      FL_ID_BY_SHAPE,
                      FL_ID_BY_CONTEXT, /* and a shape */
                      FL_ID_BY_GRAMMAR,
                      FL_ID_BY_CHECKSUM
};

struct fl_id_span {
    size_t at, len; /* bytes of the text that was given */
    uint16_t type;  /* enum fl_id_type, or FL_ID_OWN + i */
    uint8_t evidence;
    uint64_t value; /* equal for equal values of a type, however they are written */
};

struct fl_id_rules;

/* All types with the policy FL_ID_PLACEHOLDER and no own pattern; NULL with an error. */
struct fl_id_rules *fl_id_rules_new(void);
void fl_id_rules_free(struct fl_id_rules *rules);

/* "email", "url", "ip", "mac", "iban", "card", "national", "phone", "date", "age", or an own name;
 * NULL when there is no such type. */
const char *fl_id_name(const struct fl_id_rules *rules, unsigned type);
#define FL_ID_NAMES "email|url|ip|mac|iban|card|national|phone|date|age"

/* How many types there are, own ones included. */
unsigned fl_id_types(const struct fl_id_rules *rules);

/* The type of this name, or -1 (no error recorded). */
FL_MUST int fl_id_type_of(const struct fl_id_rules *rules, const char *name);

void fl_id_set(struct fl_id_rules *rules, unsigned type, enum fl_id_policy policy);
enum fl_id_policy fl_id_policy(const struct fl_id_rules *rules, unsigned type);

/*
 * Add PATTERN to the own type NAME (a-z, 0-9 and '-', begins with a letter, no name of a built-in
 * type), which is made with FL_ID_PLACEHOLDER if it is new. In a pattern 9 is a digit and A an
 * upper case ASCII letter; "\9", "\A", "\*" are those characters themselves; *N (1 to 64) after one
 * says: one to N of it. Anything else stands for itself. A pattern is found where neither its first
 * nor its last character would join a letter or digit beside it: "MRN-9999999", "A*3-9*6".
 *
 * Refused (FL_USAGE): an empty pattern, one of more than 64 places when every *N is counted in
 * full, one that a single character could match, one that is not UTF-8, more than 64 patterns with
 * a class.
 */
FL_MUST int fl_id_rules_pattern(struct fl_id_rules *rules, const char *name, const char *pattern);

/* The same of TEXT as it stands (3 to FL_ID_REACH bytes), of which there may be a million. */
FL_MUST int fl_id_rules_literal(struct fl_id_rules *rules, const char *name, const char *text,
                                size_t len);

struct fl_id_scan {
    struct fl_id_span *spans; /* of the last text, in its order, none overlapping another */
    size_t count;
    bool drop;                 /* one of them is of a type with FL_ID_DROP */
    struct fl_id_state *state; /* of id_*.c */
};
void fl_id_scan_release(struct fl_id_scan *scan);

/* Find everything in TEXT (UTF-8; other bytes are taken as they are) into SCAN->spans. */
FL_MUST int fl_id_find(const struct fl_id_rules *rules, struct fl_id_scan *scan, const void *text,
                       size_t len);

/*
 * Add TEXT to OUT with a placeholder for every span that fl_id_find put into SCAN: "[EMAIL_1]", the
 * name of the type in capitals and a number that counts its values within the text: equal values
 * have equal numbers.
 */
FL_MUST int fl_id_replace(const struct fl_id_rules *rules, struct fl_id_scan *scan,
                          const void *text, size_t len, struct fl_buf *out);

#endif
