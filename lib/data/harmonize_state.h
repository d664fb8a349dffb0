/* What harmonize.c, harmonize_chunk.c and harmonize_sample.c share of a run. */
#ifndef FL_DATA_HARMONIZE_STATE_H
#define FL_DATA_HARMONIZE_STATE_H

#include "data/canary.h"
#include "data/cluster.h"
#include "data/contract.h"
#include "data/harmonize.h"
#include "data/held.h"
#include "data/minhash.h"
#include "data/shingle.h"

enum { FL_WORD_PARTS = 16 }; /* of the word table, by hash */

struct fl_chunk_document { /* of a record, or a part of one that is too long */
    size_t at, len;        /* in the text of its chunk */
    bool valid;            /* on that side */
    struct fl_fates fates; /* of the bytes of its source, */
    uint64_t hash;         /* of the text, */
    bool lanes;            /* and has it a signature, in the chunk: where documents wait */
};

/* A run of records of one file, and what was made of it. */
struct fl_chunk {
    size_t file, first, count; /* records */
    struct fl_harmonize_row row;
    struct fl_buf text; /* of documents that wait, or come back */
    struct fl_chunk_document *documents;
    size_t document_count, document_cap;
    uint32_t *lanes; /* (document_cap, FL_MINHASH_LANES) */
    struct fl_ids train, valid;
    uint64_t train_bytes, valid_bytes; /* of their documents */
    struct fl_buf lines;               /* documents as JSON */
    struct fl_words words;
    bool failed;
    struct fl_error_copy error;
};

struct fl_harmonize_worker {
    struct fl_document document;
    struct fl_shingles shingles;
    struct fl_encoder *encoder;
    struct fl_pretokenizer_scratch pretokenizer;
    struct fl_chunk *chunk;
};

struct fl_harmonize {
    const struct fl_harmonize_settings *set;
    const char *const *paths;
    struct fl_records *records;
    struct fl_harmonize_row *rows;
    bool passages;               /* a document so far is a part of what its people would call one */
    struct fl_columns *columns;  /* one a file */
    struct fl_buf arena;         /* bytes of the records below */
    struct fl_raw_record *batch; /* data is an offset in the arena until the batch is full */
    size_t batch_count, batch_cap;
    struct fl_chunk *chunks;
    size_t chunk_count;
    struct fl_harmonize_worker *workers;
    int worker_count;
    size_t begun;       /* files whose first record came */
    uint64_t threshold; /* of the validation side */
    const struct fl_tokenizer *tokenizer;
    struct fl_shard *train, *valid; /* where ids go */
    bool learning;                  /* words are counted */
    struct fl_pretokenizer cutter;
    struct fl_held *held;    /* documents wait; NULL: they are used at once */
    bool deciding;           /* they come back */
    struct fl_buf sides;     /* a byte for each: is it on the validation side? */
    struct fl_cluster *near; /* which of them stay */
    struct fl_minhash minhash;
    struct fl_raw_record *sample; /* (set->sample,) records with bytes of their own */
    size_t sample_count;
    uint64_t sample_seen;
    bool only_sample; /* nothing else is done with records */
    struct fl_recall recall[FL_ID_TYPES];
    bool recalled;
    int lines_fd; /* where documents go as lines of JSON, or -1 */
    const char *lines_name;
    size_t checked; /* files that are done, and have lost no more than they may */
    uint64_t taken; /* bytes of them */
    struct fl_words parts[FL_WORD_PARTS];
    struct fl_error_copy part_errors[FL_WORD_PARTS];
};

const struct fl_reading *fl_harmonize_reading(const struct fl_harmonize *h, size_t file);

/* How records of a file become documents in this run. */
struct fl_document_way fl_harmonize_way(const struct fl_harmonize *h, size_t file);

/* Let a record stand a chance to be in the sample (reservoir sampling, Vitter's algorithm R). */
FL_MUST int fl_sample_offer(struct fl_harmonize *h, const struct fl_raw_record *record);
void fl_sample_release(struct fl_harmonize *h);

/*
 * Read a regular file through to see which order of day and month its dates prove, where its
 * reading has dates and nobody said (date_proof.c). Nothing for pipes, whose order stays unknown.
 */
FL_MUST int fl_harmonize_prove_dates(struct fl_harmonize *h, size_t file);

/* Read everything: each record goes to the sample and, unless only that is wanted, into chunks. */
FL_MUST int fl_harmonize_read(struct fl_harmonize *h);

/* Work on chunk INDEX in a thread: from records, or from documents that came back. For fl_pool. */
void fl_chunk_run(void *harmonize, size_t index, int worker);
void fl_chunk_run_held(void *harmonize, size_t index, int worker);

#endif
