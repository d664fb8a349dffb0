/*
 * Text to token ids and back, as a Hugging Face tokenizer.json says: normalizer, added tokens,
 * pre-tokenizer, BPE model (byte-level, or characters with byte fallback), post-processor, decoder.
 * A component or a setting that is not supported is refused by name when the file is read; nothing
 * is honoured by half.
 *
 * A tokenizer is never changed after it was made: threads share one. What encoding needs beside it
 * (a cache of words, scratch memory) is an encoder, one a thread. A cache changes no result.
 *
 * Ids are below fl_tokenizer_vocab. Some ids may have no token (a hole in the vocabulary).
 * Special ids (end of text, chat marks) come from the FL_ENCODE_ flags only: text that spells such
 * a token stays text without FL_ENCODE_SPECIAL, so private or foreign text cannot inject one.
 * Added tokens that are not special are always found in text.
 */
#ifndef FL_TEXT_TOKENIZER_H
#define FL_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "crypt/hash.h"
#include "flt/meta.h"
#include "flt/object.h"

#define FL_EOT_TEXT         "<|endoftext|>"
#define FL_TOKENIZER_TENSOR "tokenizer.json" /* u8 [bytes] in a model or tokenizer object */

enum {
    FL_TOKENIZER_MAX = 64 << 20, /* bytes of a tokenizer.json */
    FL_VOCAB_MAX = 1 << 20,      /* ids */
    FL_BYTE_VOCAB = 257          /* of fl_tokenizer_bytes */
};

struct fl_tokenizer;
struct fl_marks; /* text/marks.h */

struct fl_ids { /* a zeroed struct is empty */
    uint32_t *data;
    size_t len, cap;
};

void fl_ids_release(struct fl_ids *ids);
FL_MUST int fl_ids_add(struct fl_ids *ids, uint32_t id);

/* The default one: id b is byte b, and 256 is the end of text. */
struct fl_tokenizer *fl_tokenizer_bytes(void);

/* From the bytes of a tokenizer.json, copied; NAME is for messages. NULL with an error. */
struct fl_tokenizer *fl_tokenizer_parse(const char *name, const void *json, size_t len);

/* The same with the ids that end a text (at least one) when a model says them; NULL: by names. */
struct fl_tokenizer *fl_tokenizer_parse_told(const char *name, const void *json, size_t len,
                                             const struct fl_ids *stops);

/*
 * From a model, a tokenizer stream or a tokenizer.json; its first bytes tell which ("-": stdin).
 * All of a stream is checked, as a damaged model must not look whole; of a large one this is most
 * of the cost.
 */
struct fl_tokenizer *fl_tokenizer_load(const char *path);

/* From an open object of kind model or tokenizer. */
struct fl_tokenizer *fl_tokenizer_from_object(struct fl_object *o);
void fl_tokenizer_free(struct fl_tokenizer *t);

/* The bytes it was parsed from, or the canonical ones when it was made here; its own. */
const char *fl_tokenizer_json(const struct fl_tokenizer *t, size_t *len);

/* BLAKE2b with label "fl1.tokenizer" over these bytes: what a token shard names. */
void fl_tokenizer_digest(const struct fl_tokenizer *t, unsigned char digest[FL_HASH_BYTES]);

uint32_t fl_tokenizer_vocab(const struct fl_tokenizer *t); /* largest id + 1 */

/* What stands around a text; the tokenizer's own. */
const struct fl_marks *fl_tokenizer_marks(const struct fl_tokenizer *t);

/* What a model that carries T says of it in META beside its bytes: the told ends of text. */
FL_MUST int fl_tokenizer_to_meta(const struct fl_tokenizer *t, struct fl_meta *meta);

/* Id of the token whose piece or name is TEXT (an added token first), or -1. */
int64_t fl_tokenizer_find(const struct fl_tokenizer *t, const char *text, size_t len);

/*
 * The bytes that ID stands for, in the middle of a text: raw bytes for byte-level pieces, perhaps a
 * part of a character. The name of a special token. NULL and 0 for an id that has no token.
 */
const unsigned char *fl_tokenizer_piece(const struct fl_tokenizer *t, uint32_t id, size_t *len);
bool fl_tokenizer_is_special(const struct fl_tokenizer *t, uint32_t id); /* stands for no text */

/* Bytes that ID stands for at the begin of a text: without a space that encoding puts there. */
size_t fl_tokenizer_first_bytes(const struct fl_tokenizer *t, uint32_t id);

/*
 * Do the ids of a text in normal form C say how many bytes it has, by their pieces? Not when
 * encoding may put a space before it or take one with a token, nor when characters get lost.
 */
bool fl_tokenizer_is_exact(const struct fl_tokenizer *t);

enum fl_encode_flags {
    FL_ENCODE_BEGIN = 1,   /* the begin ids before the text */
    FL_ENCODE_AFTER = 2,   /* the template's ids after it */
    FL_ENCODE_END = 4,     /* the end of a document */
    FL_ENCODE_SPECIAL = 8, /* special tokens that the text spells become their ids */

    FL_ENCODE_PROMPT = FL_ENCODE_BEGIN,                      /* text that is to go on */
    FL_ENCODE_TEMPLATE = FL_ENCODE_BEGIN | FL_ENCODE_AFTER,  /* as Hugging Face's encode */
    FL_ENCODE_DOCUMENT = FL_ENCODE_TEMPLATE | FL_ENCODE_END, /* what a shard holds */
};

struct fl_encoder;

/* T is borrowed. NULL with an error. */
struct fl_encoder *fl_encoder_new(const struct fl_tokenizer *t);
void fl_encoder_free(struct fl_encoder *e);

/*
 * Append the ids of one text to IDS, and what FLAGS put around it. TEXT is UTF-8 (else -1 with the
 * offset of the first byte that is not). FL_ENCODE_END is for tokenizers that have an end. On -1
 * IDS is as it was. Cost O(len log len) for one word without end, O(len) otherwise.
 */
FL_MUST int fl_encode(struct fl_encoder *e, const char *text, size_t len, unsigned flags,
                      struct fl_ids *ids);

/*
 * Append the text of N ids to OUT: exact bytes, also when they are no UTF-8. Special tokens are
 * left out unless KEEP_SPECIAL. An id that has no token is an error.
 */
FL_MUST int fl_decode(const struct fl_tokenizer *t, const uint32_t *ids, size_t n,
                      bool keep_special, struct fl_buf *out);

#endif
