/*
 * The pre-tokenizer of a tokenizer.json: text into the words that byte pair encoding works in.
 * Split (by an expression, Isolated), Digits, ByteLevel, Metaspace, or a Sequence of them in which
 * ByteLevel or Metaspace is the last.
 */
#ifndef FL_TEXT_PRETOKENIZER_H
#define FL_TEXT_PRETOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"
#include "text/regex.h"

enum fl_pretokenizer_type {
    FL_PRETOKENIZER_SPLIT,
    FL_PRETOKENIZER_DIGITS,
    FL_PRETOKENIZER_BYTE_LEVEL,
    FL_PRETOKENIZER_METASPACE
};

enum fl_prepend { FL_PREPEND_NEVER, FL_PREPEND_FIRST, FL_PREPEND_ALWAYS };

struct fl_pretokenizer_step {
    enum fl_pretokenizer_type type;
    struct fl_regex *regex;  /* SPLIT; BYTE_LEVEL: GPT-2's or NULL */
    bool individual;         /* DIGITS: every digit is a word */
    bool prefix_space;       /* BYTE_LEVEL: a space goes before text that begins with none */
    char *mark;              /* METASPACE: what stands for a space */
    enum fl_prepend prepend; /* METASPACE: a mark goes before text that begins with none */
    bool split;              /* METASPACE: cut before every mark */
};

struct fl_pretokenizer { /* a zeroed struct takes the text as one word */
    struct fl_pretokenizer_step *steps;
    size_t count, cap;
};

struct fl_pretokenizer_scratch { /* of one thread; one of each a step */
    struct fl_regex_search **searches;
    struct fl_buf *bufs;
    size_t count;
};

/* Takes one word; returns 0, or -1 with an error, which ends the run. */
typedef int fl_word_fn(void *arg, const unsigned char *word, size_t len);

/* From the JSON value (NULL and null: one word). What was read before an error is released too. */
FL_MUST int fl_pretokenizer_read(struct fl_pretokenizer *p, const json_t *spec);

/* ByteLevel with GPT-2's expression, as in the tokenizers that are made here. P is zeroed. */
FL_MUST int fl_pretokenizer_init_gpt2(struct fl_pretokenizer *p);
void fl_pretokenizer_release(struct fl_pretokenizer *p);

bool fl_pretokenizer_is_byte_level(const struct fl_pretokenizer *p);

FL_MUST int fl_pretokenizer_scratch_init(struct fl_pretokenizer_scratch *s,
                                         const struct fl_pretokenizer *p);
void fl_pretokenizer_scratch_release(struct fl_pretokenizer_scratch *s);

/* WORD(ARG, ...) for every word of TEXT, which is UTF-8. FIRST: it begins the document. */
FL_MUST int fl_pretokenizer_run(const struct fl_pretokenizer *p, struct fl_pretokenizer_scratch *s,
                                const char *text, size_t len, bool first, fl_word_fn *word,
                                void *arg);

/*
 * End of the word that FL_REGEX_GPT2 finds at AT, below LEN, or 0 when characters beyond ASCII have
 * a say in it.
 */
size_t fl_pretokenizer_gpt2_word(const char *text, size_t len, size_t at);

#endif
