/*
 * Token shards as one sequence of ids that can be read anywhere.
 *
 * An uncompressed file is mapped; a pipe and a compressed stream go through an unlinked 0600 file
 * in $TMPDIR. Everything is read once when it is added: checks, ids below the vocabulary,
 * documents, digest. Memory does not grow with the shards (some 64 bytes for each 4 Mi tokens).
 */
#ifndef FL_NN_DATA_H
#define FL_NN_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "crypt/hash.h"
#include "text/marks.h"

struct fl_data;

struct fl_data_shard {
    char *name; /* the file, for messages */
    unsigned char digest[FL_HASH_BYTES];
    uint64_t first, tokens; /* place in the sequence, and number */
    uint64_t documents;     /* end-of-text tokens, and one more if the last is none */
    size_t number;          /* how many were added before it */
    int64_t eot;            /* the id that ends its documents; -1: it is one document */
    char unit[16];          /* what it says a document is, "record" or "passage"; or "" */
    bool counted;           /* its tensors say how many bytes of text it has: */
    uint64_t bytes;
    char split[32];  /* the part of its text that it was put aside as, "valid"; or "" */
    double fraction; /* of the text that is this part; 0: not known */
    bool contracted; /* its text was harmonized by a contract, of this digest: */
    unsigned char contract[FL_HASH_BYTES];
};

/*
 * What shards must be made for: a model's tokenizer (fl_tokenizer_digest), its number of ids, and
 * what stands around its texts (borrowed; NULL: nothing that is known).
 */
struct fl_data *fl_data_new(const unsigned char tokenizer[FL_HASH_BYTES], uint32_t vocab,
                            const struct fl_marks *marks);
void fl_data_free(struct fl_data *d);

/*
 * Add all shards in PATH (NULL or "-": standard input; more than one may follow each other there).
 * -1 when one is damaged, of another kind or tokenizer or end of text, or has an id that is not in
 * the vocabulary.
 */
FL_MUST int fl_data_add(struct fl_data *d, const char *path);

/*
 * Bring the shards into the order of their digests, so that the order of files on a command line
 * changes nothing. -1 when one is there twice.
 */
FL_MUST int fl_data_sort(struct fl_data *d);

/*
 * Nothing that is measured on is trained on: -1 when a shard of TRAIN says that it was put aside,
 * or is one of VALID's (NULL: none), by whatever name it came; and when those of VALID have less
 * than two tokens together. Both are sorted.
 */
FL_MUST int fl_data_check_split(const struct fl_data *train, const struct fl_data *valid);

/*
 * All shards of TRAIN and VALID (NULL: none) were harmonized by one contract, or all by none: else
 * -1 (FL_REFUSED). *CONTRACT is its digest, or NULL.
 */
FL_MUST int fl_data_check_contract(const struct fl_data *train, const struct fl_data *valid,
                                   const unsigned char **contract);

size_t fl_data_count(const struct fl_data *d);
const struct fl_data_shard *fl_data_shard(const struct fl_data *d, size_t i);
uint64_t fl_data_tokens(const struct fl_data *d);
uint64_t fl_data_documents(const struct fl_data *d);
uint64_t fl_data_bytes(const struct fl_data *d); /* of all ids, as they are mapped */

/*
 * N ids from PLACE (below the number of tokens) on into IDS, around the end to the begin. -1 when a
 * file was changed since it was added. O(N + log tokens).
 */
FL_MUST int fl_data_read(const struct fl_data *d, uint64_t place, size_t n, uint32_t *ids);

/*
 * A window: X is N ids from PLACE on, and Y each one's successor, or FL_IGNORE where that is a
 * begin id, which nothing has to predict. START (NULL: not wanted) is for each the place in the
 * window where its document begins; then the first id of a document is no target either. *COUNTED
 * grows by the targets that are left.
 */
struct fl_window {
    uint32_t *x, *y, *start; /* (n,) each */
};
FL_MUST int fl_data_window(const struct fl_data *d, uint64_t place, size_t n,
                           const struct fl_window *w, uint64_t *counted);

#endif
