/*
 * A token shard: a stream of kind "tokens" whose length is not known when it begins. Ids go into a
 * chain of tensors tokens/000000, tokens/000001, ..., each FL_SHARD_IDS long but the last; u16 when
 * the vocabulary fits, else u32. Metadata: tokenizer (its digest), vocab, eot; and split and
 * split.fraction of one that was put aside for validation; contract (the digest of the one that its
 * text was harmonized by), if there is one.
 *
 * The ids of some tokenizers do not say how many bytes a text has (fl_tokenizer_is_exact). Tensors
 * of such a shard have an attribute FL_SHARD_BYTES: together, the bytes of all its documents.
 *
 * Of what fl-harmonize writes the tensors have an attribute FL_SHARD_UNIT: "record", or "passage"
 * from the first on in which, or before which, a document is a part of a record. It is not known
 * when the shard begins.
 */
#ifndef FL_DATA_SHARD_H
#define FL_DATA_SHARD_H

#include "base/must.h"
#include "flt/writer.h"
#include "text/tokenizer.h"

#define FL_SHARD_BYTES "bytes" /* i64 */
#define FL_SHARD_UNIT  "unit"  /* text */

enum { FL_SHARD_IDS = 4 << 20 };

struct fl_shard;

/* Can documents be told apart? Only by an end of text that no text has within it. 0 or -1. */
FL_MUST int fl_shard_check(const struct fl_tokenizer *t);

struct fl_shard_about {
    double valid;                  /* 0, or the fraction that the shard holds for validation */
    const unsigned char *contract; /* FL_HASH_BYTES, or NULL */
};

/*
 * Begin a shard on FD (the caller's; NAME is for messages). T was checked. NULL: error.
 */
struct fl_shard *fl_shard_new(int fd, const char *name, int level, const struct fl_tokenizer *t,
                              const struct fl_shard_about *about);
void fl_shard_free(struct fl_shard *s);

/*
 * N more ids, each below the vocabulary, of documents that have BYTES bytes together; writes a
 * tensor when one is full. 0, or -1.
 */
FL_MUST int fl_shard_add(struct fl_shard *s, const uint32_t *ids, size_t n, uint64_t bytes);

/* Of what is added from now on, and of all that was and is not written yet: it is of passages. */
void fl_shard_passages(struct fl_shard *s);

/* Write what is left and end the object. */
FL_MUST int fl_shard_done(struct fl_shard *s);

#endif
