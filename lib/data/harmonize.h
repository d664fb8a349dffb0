/*
 * Records to documents to tokens, on all threads and in bounded memory.
 *
 * The input is cut into chunks of about FL_HARMONIZE_CHUNK bytes that depend on it alone, threads
 * work on chunks, and results are taken in order: they do not depend on the number of threads. It
 * is read once; where duplicates are left out, documents wait in a sealed file until all are known.
 *
 * A document falls on the validation side when the first 8 bytes of H("fl1.split"; it, or the value
 * of the field that groups documents), as a little-endian number, are below VALID * 2^64: equal
 * ones are always on the same side, in every file and at every site. Its ids are what
 * FL_ENCODE_DOCUMENT makes of it.
 *
 * Every byte of a file has one fate (data/trace.h); that they add up to the file is checked. Lost
 * of a file are the bytes of records that are dropped as unreadable (no JSON, no such field, too
 * long, another number of fields, a code without a place; without their line ends) and the bytes
 * and escapes that U+FFFD took the place of. White space that goes, other fields of a line,
 * documents of nothing but white space, duplicates and what a contract leaves out on purpose are
 * not lost.
 */
#ifndef FL_DATA_HARMONIZE_H
#define FL_DATA_HARMONIZE_H

#include "base/must.h"
#include "cli/report.h"
#include "data/document.h"
#include "data/records.h"
#include "data/shard.h"
#include "os/output.h"
#include "os/pool.h"
#include "os/progress.h"
#include "text/bpe_train.h"
#include "text/pretokenizer.h"

enum {
    FL_HARMONIZE_CHUNK = 128 << 10, /* bytes of records that one thread takes at a time */
    FL_HARMONIZE_CHUNKS = 64,       /* that are in memory at a time, */
    FL_HARMONIZE_BATCH = 8 << 20,   /* but no more when they have so many bytes */
    FL_HARMONIZE_WORD = 256,        /* bytes of the longest word that a vocabulary is learnt from */
    FL_HARMONIZE_WORDS = 1 << 20,   /* different words that are counted at a time, and */
    FL_HARMONIZE_WORD_BYTES = 1 << 24 /* bytes of them; above either, rare ones are dropped */
};

struct fl_contract; /* data/contract.h */

struct fl_harmonize_settings {
    struct fl_records_settings records;
    const struct fl_reading *reading;         /* of every file, or */
    const struct fl_reading *const *readings; /* one a file */
    struct fl_clean_rules rules;
    bool proved; /* a file that is not UTF-8 is an error, unless its encoding is named */
    const struct fl_contract *contract; /* or NULL: neither identifiers nor duplicates */
    size_t mem;                         /* bytes for near duplicates */
    size_t sample;        /* records that are kept, to show them or to measure with; 0: none */
    uint64_t seed;        /* of the choice of them, and of the canaries */
    double max_dropped;   /* share of the bytes of a file; more is an error: see below */
    double valid;         /* fraction of documents for validation; 0: none */
    struct fl_pool *pool; /* NULL: one thread */
    struct fl_progress *progress; /* shown bytes that were read; NULL: none */
};

struct fl_harmonize_row { /* of the card: a file, or all of them */
    struct fl_document_counts counts;
    struct fl_fates fates;                      /* of all its bytes */
    uint64_t bytes_in, documents, train, valid; /* documents is the sum of the last two */
    uint64_t bytes_out;                         /* of documents, in UTF-8 */
    uint64_t tokens; /* of documents, with what stands around each; 0 when none were made */
    uint64_t overlong, overlong_line; /* lines dropped; the first */
    uint64_t taken;                   /* bytes of the file itself */
    const char *encoding;             /* NULL: of several files */
    const char *packing;
    const char *field;             /* the key or column without which a record is dropped */
    enum fl_records_format format; /* of its records; AUTO: it has none, or several files */
    bool bom;
    const char *date_order; /* of its dates, or NULL: not known, or several */
    uint64_t date_proof;    /* dates that prove it; 0: it was given */
    uint64_t same, near;    /* documents left out as duplicates */
    size_t
        same_as; /* the first file with the same bytes: its own number when there is none before */
};

/* Add what lies after it. */
void fl_harmonize_row_add(struct fl_harmonize_row *to, const struct fl_harmonize_row *more);

struct fl_harmonize;

/* PATHS and SETTINGS are borrowed. COUNT 0: standard input. NULL with an error. */
struct fl_harmonize *fl_harmonize_new(const char *const *paths, size_t count,
                                      const struct fl_harmonize_settings *settings);
void fl_harmonize_free(struct fl_harmonize *h);

/*
 * Everything into shards. VALID NULL: documents of that side are counted and left out. Input
 * without one document is an error.
 */
FL_MUST int fl_harmonize_encode(struct fl_harmonize *h, const struct fl_tokenizer *t,
                                struct fl_shard *train, struct fl_shard *valid);

struct fl_shard_outputs {
    const struct fl_output *train, *valid; /* VALID NULL: as above */
    int level;
};

/* The same into new shards, written whole, which name the contract. */
FL_MUST int fl_harmonize_shards(struct fl_harmonize *h, const struct fl_tokenizer *t,
                                const struct fl_shard_outputs *out);

/* Takes a finished sentence. */
typedef void fl_note_fn(void *arg, const char *sentence);

struct fl_vocabulary_output {
    const struct fl_output *out;
    int level;
    fl_note_fn *note; /* told when the text gives fewer ids */
    void *arg;
};

/* The same of a tokenizer of SIZE ids that is learnt. */
FL_MUST int fl_harmonize_tokenizer(struct fl_harmonize *h, size_t size,
                                   const struct fl_vocabulary_output *to);

/*
 * Learn a vocabulary of SIZE ids from the training side. PROGRESS (or NULL), which is started here,
 * is of the learning itself.
 */
FL_MUST int fl_harmonize_learn(struct fl_harmonize *h, size_t size, struct fl_progress *progress,
                               struct fl_bpe_trained *result);

/* Everything as lines of JSON, {"text": "..."}, to FD; both sides. */
FL_MUST int fl_harmonize_write(struct fl_harmonize *h, int fd, const char *name);

/*
 * Show what becomes of SET->sample records, chosen over all files (all of them when there are no
 * more): a line of JSON each to FD, with the record before and after, and every range of its bytes
 * that is not in the document as it came, with its rule. Duplicates are not looked for.
 */
FL_MUST int fl_harmonize_explain(struct fl_harmonize *h, int fd, const char *name);

struct fl_recall; /* data/canary.h */

/*
 * After a run with SET->sample: put the contract's canaries into copies of the records of the
 * sample, and count how many are found; nothing else sees the copies. 0, or -1 (FL_REFUSED) when a
 * type stays below its floor; fl_harmonize_recalled has the counts also then. Cost O(canaries *
 * types * FL_RECALL_RECORD).
 */
FL_MUST int fl_harmonize_recall(struct fl_harmonize *h);

enum { FL_RECALL_RECORD = 16 << 10 }; /* bytes of the longest record that is copied for it */

/* What was found of TYPE, or NULL when it was not measured. */
const struct fl_recall *fl_harmonize_recalled(const struct fl_harmonize *h, unsigned type);

/* After either: the rows, one a file. */
size_t fl_harmonize_count(const struct fl_harmonize *h);
const char *fl_harmonize_name(const struct fl_harmonize *h, size_t file);
const struct fl_harmonize_row *fl_harmonize_row(const struct fl_harmonize *h, size_t file);

const struct fl_harmonize_settings *fl_harmonize_set(const struct fl_harmonize *h);

struct fl_malformed_words { /* "3 lines are not JSON; --format text reads plain text" */
    const char *record, *are, *cure;
};

/* How a sentence says that records of FORMAT are malformed; plain text has such as a chat only. */
const struct fl_malformed_words *fl_malformed_words(enum fl_records_format format);

/* 0, or -1 with an error when more of a file was lost than SET allows. */
FL_MUST int fl_harmonize_check(const struct fl_harmonize_settings *set, const char *name,
                               const struct fl_harmonize_row *row);

/* After a run: what was lost or odd in the files, in their order. */
void fl_harmonize_notes(const struct fl_harmonize *h, fl_note_fn *note, void *arg);

/* Before a run: whether a file is given twice. */
void fl_harmonize_note_twice(const char *const *paths, const struct fl_records_found *found,
                             fl_note_fn *note, void *arg);

/*
 * The data card: a row for every file and one called "total", into the report's buffer. PUB: for
 * others to see: without names of files, and numbers of documents and places below 5 as "<5".
 */
void fl_harmonize_card(const struct fl_harmonize *h, bool json, bool pub, struct fl_report *report);

#endif
