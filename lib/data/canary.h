/*
 * Canaries: identifiers that are made from a seed and put into copies of a site's own records, so
 * that a run measures what share of them it finds in these surroundings. They are ordinary numbers
 * with valid checksums, in eight ways of writing and six locales. What they measure is the ways of
 * writing and the surroundings; they say nothing about names, nor about ways of writing that nobody
 * thought of.
 */
#ifndef FL_DATA_CANARY_H
#define FL_DATA_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "data/identifier.h"

enum {
    FL_CANARY_FORMS = 8,   /* ways of writing */
    FL_CANARY_LOCALES = 6, /* en, de, fr, es, it, nl */
    FL_CANARY_MOST = 192   /* bytes of the longest, with its context */
};

struct fl_canary {
    unsigned type; /* enum fl_id_type */
    unsigned form, locale;
    char text[FL_CANARY_MOST]; /* what is put in: words of context where the type needs some, */
    size_t len;                /* and the identifier: */
    size_t at, size;           /* these bytes of it */
};

/*
 * Canary number INDEX of built-in TYPE for SEED: always the same. Numbers 0 to 47 have all forms in
 * all locales, and so on in turns; the digits differ.
 */
void fl_canary_make(uint64_t seed, unsigned type, uint64_t index, struct fl_canary *canary);

/*
 * Add TEXT to OUT with CANARY at a word boundary that SEED and INDEX choose (the start and the end
 * are two), a space on either side where there is none.
 */
FL_MUST int fl_canary_insert(uint64_t seed, uint64_t index, const struct fl_canary *canary,
                             const void *text, size_t len, struct fl_buf *out);

/*
 * Is CANARY found in TEXT, which has gone through the run up to fl_id_find, whose spans SCAN has?
 * It is when a span of its type covers every byte of the identifier. Zero-width characters may have
 * been dropped from it. A canary that is in TEXT no more (the text was cut) is not placed: *PLACED
 * is false. Cost O(len).
 */
bool fl_canary_found(const struct fl_canary *canary, const struct fl_id_scan *scan,
                     const void *text, size_t len, bool *placed);

struct fl_recall { /* of one type */
    uint64_t found, placed;
};

/*
 * The interval of Wilson (1927) for FOUND of PLACED at 95% (z = 1.959964); [0, 1] for none placed.
 */
void fl_wilson(uint64_t found, uint64_t placed, double *low, double *high);

/*
 * 0, or -1 (FL_REFUSED) with a sentence that names the type when the upper end of the interval is
 * below FLOOR. FL_RECALL_PROMISE(type) - .03 is the floor that a contract has by default.
 */
FL_MUST int fl_recall_check(const char *type, const struct fl_recall *recall, double floor);

/* What is promised of a built-in type on labelled sets. */
double fl_recall_promise(unsigned type);

#endif
