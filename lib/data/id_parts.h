/*
 * What the scanners of identifiers share: the text made plain, its places in the original, numbers
 * as groups, words of context, and the list of candidates. Used by id_*.c and identifier.c only.
 */
#ifndef FL_DATA_ID_PARTS_H
#define FL_DATA_ID_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "data/identifier.h"

enum { /* bits of fl_id_class */
       FL_ID_DIGIT = 1,
       FL_ID_LETTER = 2,
       FL_ID_HEX = 4,
       FL_ID_HIGH = 8,   /* a byte of a character beyond ASCII */
       FL_ID_MAIL = 16,  /* stands in the part before '@' */
       FL_ID_LABEL = 32, /* stands in a part of a host's name */
       FL_ID_PATH = 64,  /* stands in a URL */
       FL_ID_UPPER = 128
};
extern const unsigned char fl_id_class[256];

static inline bool
fl_id_is(unsigned char c, unsigned bits)
{
    return fl_id_class[c] & bits;
}

static inline bool
fl_id_alnum(unsigned char c)
{
    return fl_id_class[c] & (FL_ID_DIGIT | FL_ID_LETTER);
}

/* A character of the plain text that is not one byte for byte: N bytes from AT for SIZE of ORIGIN.
 */
struct fl_id_shift {
    size_t at, origin;
    uint8_t n, size;
};

enum fl_id_topic { /* what words of context are about */
                   FL_ID_ON_PHONE,
                   FL_ID_ON_CARD,
                   FL_ID_ON_IBAN,
                   FL_ID_ON_NATIONAL,
                   FL_ID_ON_RECORD, /* numbers of patients and of licences */
                   FL_ID_ON_BIRTH,
                   FL_ID_ON_AGE,
                   FL_ID_ON_NUMBER, /* some number: of a telephone, when no other word is near */
                   FL_ID_ON_WEB,
                   FL_ID_ON_OTHER, /* another number follows: order, version, page */
                   FL_ID_TOPICS
};

struct fl_id_group { /* a run of ASCII letters and digits, as a part of a written number */
    size_t at;
    uint8_t len; /* 255: longer than a number is */
    uint8_t digits;
    char before; /* ' ' '-' '.' '/' '(' ')' or 0 when nothing of it stands before */
};

enum {
    FL_ID_PAD = 64,    /* zero bytes before the plain text, and twice as many after it */
    FL_ID_FAR = 40,    /* bytes from words of context to what they tell of, at most */
    FL_ID_GROUPS = 10, /* of one number, at most */
    FL_ID_RING = 64
};

struct fl_id_found { /* a candidate, places in the plain text */
    size_t at, end;
    uint16_t type, rank; /* evidence in the high byte, nearness of its context in the low one */
};

struct fl_id_state {
    const struct fl_id_rules *rules;
    struct fl_buf plain;    /* the text as it is scanned, padded */
    const unsigned char *p; /* of it */
    size_t n;
    uint32_t wanted; /* bits of built-in types */

    struct fl_id_shift *shifts;
    size_t shift_count, shift_cap;

    struct fl_id_group ring[FL_ID_RING]; /* groups from the token on which the scan stands */
    size_t first, last;
    size_t next;      /* where the group after the last one begins; 0: none follows */
    char next_before; /* and what stands before it */

    size_t words_done;          /* words of context are read up to here */
    size_t topic[FL_ID_TOPICS]; /* the end of the last word on each; 0: none yet */

    size_t net_done, mac_done, host_done; /* read, whatever it was */
    size_t taken[FL_ID_TYPES]; /* a candidate of this type ends here: none begins before */

    struct fl_id_found *found;
    size_t found_count, found_cap;
    size_t span_cap; /* of the scan's */

    uint64_t *values; /* of placeholders: a hash table of values and their numbers */
    size_t value_cap, value_mask;
    uint32_t *numbers; /* the last one of each type */
};

/* id_fold.c: TEXT into S->plain, S->shifts; O(len). */
FL_MUST int fl_id_fold(struct fl_id_state *s, const unsigned char *text, size_t len);
/* The place in the original of plain place AT; for END the end of the character before it. Calls
 * go from left to right: *CURSOR begins at 0. */
size_t fl_id_origin(const struct fl_id_state *s, size_t at, size_t *cursor);
size_t fl_id_origin_end(const struct fl_id_state *s, size_t end, size_t *cursor);

/*
 * id_context.c: the distance in bytes from the end of the last word on TOPIC to AT, 0 or more, or
 * SIZE_MAX when there is none within REACH, or a word on another number (FL_ID_ON_OTHER) is nearer.
 * Calls go from left to right.
 */
size_t fl_id_context(struct fl_id_state *s, enum fl_id_topic topic, size_t at, size_t reach);
/* Is the first word after END, within REACH bytes, on TOPIC? */
bool fl_id_context_after(const struct fl_id_state *s, enum fl_id_topic topic, size_t end,
                         size_t reach);
/* Where words of context begin with each letter, for RULES. */
void fl_id_index_words(struct fl_id_rules *rules);

/*
 * id_resolve.c: add a candidate from AT to END, whose context is DISTANCE bytes away (0: needs
 * none). One that overlaps an earlier one of its type, found from further left, is passed over.
 */
FL_MUST int fl_id_add(struct fl_id_state *s, unsigned type, size_t at, size_t end,
                      enum fl_id_evidence evidence, size_t distance);

static inline bool
fl_id_wants(const struct fl_id_state *s, unsigned type)
{
    return s->wanted >> type & 1;
}

/* id_number.c: groups of the number that begins with the token at AT, *COUNT of them; three letters
 * without a digit are a word, which ends it. */
const struct fl_id_group *fl_id_groups(struct fl_id_state *s, size_t at, size_t *count);
/* The groups from AT, which is the start of a run of letters and digits, into G; their number. */
size_t fl_id_read_groups(const struct fl_id_state *s, size_t at, struct fl_id_group *g,
                         size_t most);
/* Do the COUNT groups at G begin with a date in numbers: day, month and year in some order? */
bool fl_id_date(const struct fl_id_state *s, const struct fl_id_group *g, size_t count);

/* Do they begin with a span of years, "2014-2020"? */
bool fl_id_years(const struct fl_id_state *s, const struct fl_id_group *g, size_t count);

enum fl_id_number {
    FL_ID_US_SSN,
    FL_ID_UK_NINO,
    FL_ID_UK_NHS,
    FL_ID_DE_TAX,
    FL_ID_DE_PENSION,
    FL_ID_DE_HEALTH,
    FL_ID_FR_NIR,
    FL_ID_ES_DNI,
    FL_ID_ES_NIE,
    FL_ID_ES_NASS,
    FL_ID_IT_FISCAL,
    FL_ID_NL_BSN,
    FL_ID_PL_PESEL,
    FL_ID_SE_NUMBER,
    FL_ID_DK_CPR,
    FL_ID_IN_AADHAAR,
    FL_ID_IN_PAN,
    FL_ID_BR_CPF
};
/* id_national.c: does TEXT, letters in upper case and nothing between, of the shape of NUMBER, pass
 * its check? */
bool fl_id_number_holds(enum fl_id_number number, const char *text);

enum { FL_ID_VALUE = 512 }; /* bytes of a value that tell it from others */
/* id_mail.c: the address between AT and END as "name@host", at most FL_ID_VALUE bytes; its size. */
size_t fl_id_mail_plain(const struct fl_id_state *s, size_t at, size_t end, unsigned char *text);

/* The scanners, on the anchor at AT; each O(FL_ID_REACH), no matter what the text is. */
FL_MUST int fl_id_mail(struct fl_id_state *s, size_t at);        /* '@' */
FL_MUST int fl_id_mail_worded(struct fl_id_state *s, size_t at); /* "(at", " dot " */
FL_MUST int fl_id_url(struct fl_id_state *s, size_t at);         /* "://" */
FL_MUST int fl_id_domain(struct fl_id_state *s, size_t at);      /* '.' before a letter */
FL_MUST int fl_id_net6(struct fl_id_state *s, size_t at);        /* ':' */

struct fl_id_token { /* a run of letters and digits with a digit in it */
    size_t at;
    const struct fl_id_group *g; /* it, and what follows */
    size_t count, digits;        /* of all of them, */
    size_t run;                  /* and of those from the first on that are digits only */
};
FL_MUST int fl_id_mac(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_net4(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_iban(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_card(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_national(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_phone(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_birth(struct fl_id_state *s, const struct fl_id_token *t);
FL_MUST int fl_id_age(struct fl_id_state *s, const struct fl_id_token *t);

/* id_anchor.c: everything built in. */
FL_MUST int fl_id_scan_all(struct fl_id_state *s);

/* id_check.c: checksums of digits as characters. */
bool fl_id_luhn(const char *digits, size_t n);
unsigned fl_id_mod97(const char *text, size_t n); /* letters are 10 to 35 */
bool fl_id_verhoeff(const char *digits, size_t n);

/*
 * id_resolve.c: S->found in order, with one in the place of those that overlap: from the first byte
 * of any to the last, of the type of the longest, then of that with the stronger evidence, then of
 * the left one. So nothing that a scanner found stays because another found more. O(n log n) in
 * candidates, O(n) where they come in order.
 */
void fl_id_resolve(struct fl_id_state *s);

/* id_own.c */
struct fl_id_own;
struct fl_id_own *fl_id_own_new(void);
void fl_id_own_free(struct fl_id_own *own);
FL_MUST int fl_id_own_pattern(struct fl_id_own *own, unsigned type, const char *pattern);
FL_MUST int fl_id_own_literal(struct fl_id_own *own, unsigned type, const char *text, size_t len);
FL_MUST int fl_id_own_scan(const struct fl_id_own *own, struct fl_id_state *s);

struct fl_id_begin {          /* what words of context are that begin with two letters: bits of */
    uint32_t lengths, thirds; /* their lengths, and of the letters that follow the two */
};

struct fl_id_rules {
    uint16_t word_from[27];                /* of words of context: by their first letter, */
    struct fl_id_begin word_begin[26][26]; /* and by two */
    uint8_t policy[FL_ID_TYPES + FL_ID_OWN_MOST];
    char *names[FL_ID_OWN_MOST];
    unsigned owned;
    struct fl_id_own *own; /* NULL: none */
};

#endif
