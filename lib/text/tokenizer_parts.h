/*
 * The inside of a tokenizer, for tokenizer.c, tokenizer_parse.c and encoder.c only.
 *
 *   text -> added tokens -> normalizer -> added tokens -> pre-tokenizer -> BPE -> template -> ids
 */
#ifndef FL_TEXT_TOKENIZER_PARTS_H
#define FL_TEXT_TOKENIZER_PARTS_H

#include "base/must.h"
#include "text/added.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/marks.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/template.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

struct fl_tokenizer {
    char *json;
    size_t json_len;
    struct fl_vocab names;      /* as tokenizer.json spells them */
    uint32_t vocab;             /* largest id + 1 */
    unsigned char *special;     /* by id: stands for no text */
    unsigned char *closed;      /* by id: words do not become it; special, or an added token only */
    struct fl_buf pieces;       /* what ids stand for, one after the other */
    size_t *piece_at;           /* vocab + 1 offsets */
    struct fl_added raw;        /* added tokens that are looked for in the text as it is, */
    struct fl_added normalized; /* and in the text after the normalizer */
    struct fl_normalizer normalizer;
    struct fl_pretokenizer pretokenizer;
    struct fl_bpe bpe;
    struct fl_decoder decoder;
    struct fl_marks marks;
    struct fl_buf prefix; /* what encoding puts before a text, as decoding shows it */
};

/* Fill T, which has its json already. STOPS as in fl_marks_finish. */
FL_MUST int fl_tokenizer_parse_json(struct fl_tokenizer *t, const struct fl_ids *stops);

#endif
