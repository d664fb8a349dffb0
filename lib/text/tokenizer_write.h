/*
 * The tokenizer.json of a byte-level BPE, in the one form that this toolkit writes: ids 0 to 255
 * are the bytes, 256 is the end of text, and merged tokens follow as they were learnt. The same
 * merges give the same bytes.
 */
#ifndef FL_TEXT_TOKENIZER_WRITE_H
#define FL_TEXT_TOKENIZER_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "flt/writer.h"
#include "text/vocab.h"

struct fl_bpe_pair {
    uint32_t left, right;
};

/*
 * PIECES: raw bytes by id, 256 left out. Without merges PIECES may be NULL, and the text is not cut
 * into words.
 */
FL_MUST int fl_tokenizer_write(const struct fl_vocab *pieces, const struct fl_bpe_pair *merges,
                               size_t n, struct fl_buf *out);

/* The same as a whole object of kind tokenizer, with vocab and eot in its metadata. */
FL_MUST int fl_tokenizer_write_stream(const struct fl_vocab *pieces,
                                      const struct fl_bpe_pair *merges, size_t n,
                                      struct fl_writer *w);

#endif
