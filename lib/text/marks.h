/*
 * What stands around a text, decided in this one place for all programs: the ids before it, the
 * ids after it, the id that ends it in a shard and those at which a model's text ends. A document
 * in a shard is
 *
 *     begin ids   ids of the text   ids after   the end, unless the ids after end with it
 *
 * and a prompt is begin ids and ids of the text, as it is to be gone on with. The begin ids are
 * given, never predicted: they are no targets, neither of training nor of an evaluation.
 */
#ifndef FL_TEXT_MARKS_H
#define FL_TEXT_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "flt/meta.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

enum { FL_MARKS_MAX = 64 }; /* ids of each of the three lists */

/* In the metadata of a model or tokenizer: its stops (list of i64), the one for shards first. */
#define FL_MARKS_KEY "tokenizer.eos"

struct fl_marks {               /* a zeroed struct: nothing stands around a text; that has no end */
    struct fl_ids begin, after; /* the template's (text/template.h) */
    struct fl_ids stops;        /* each of them ends what a model writes */
    bool told;                  /* STOPS come from a model, not from names */
    int64_t end;                /* ends a document in a shard; -1 when there is none */
};

void fl_marks_release(struct fl_marks *m);

/*
 * After the template: STOPS as they were TOLD (NULL: what the tokenizer itself says, which is the
 * last special id that the template puts after a text, then the special tokens that are known by
 * name, FL_EOT_TEXT before all) and END: the first of STOPS, but what the template ends a text with
 * when that is one of them. IS_SPECIAL is by id. -1 when a told one has none of NAMES.
 */
FL_MUST int fl_marks_finish(struct fl_marks *m, const struct fl_ids *told,
                            const struct fl_vocab *names, const unsigned char *is_special);

bool fl_marks_stops(const struct fl_marks *m, uint32_t id);

/*
 * The list under FL_MARKS_KEY of META into STOPS, which is empty before; it stays so when the key
 * is absent. -1 when it is not 1 to FL_MARKS_MAX numbers that can be ids.
 */
FL_MUST int fl_marks_read(struct fl_ids *stops, const struct fl_meta *meta);

/* Put it there. */
FL_MUST int fl_marks_write(const struct fl_ids *stops, struct fl_meta *meta);

/* Reading ids that were packed into a shard, and what each is in its document. */
enum fl_walk_role {
    FL_WALK_BEGIN, /* stands before the text */
    FL_WALK_FIRST, /* is the first of the text */
    FL_WALK_TEXT,
    FL_WALK_END
};

struct fl_walk {
    const struct fl_marks *marks;
    size_t begun; /* begin ids of the document at hand */
    bool inside;  /* its text has begun */
};

/* At the begin of a document, or INSIDE one. */
void fl_walk_init(struct fl_walk *w, const struct fl_marks *m, bool inside);
enum fl_walk_role fl_walk_next(struct fl_walk *w, uint32_t id);

#endif
