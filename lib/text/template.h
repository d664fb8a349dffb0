/*
 * The post-processor of a tokenizer.json, for one text: ids that stand before it and behind it.
 * TemplateProcessing, ByteLevel (which changes no id), or a Sequence of them.
 */
#ifndef FL_TEXT_TEMPLATE_H
#define FL_TEXT_TEMPLATE_H

#include <jansson.h>

#include "text/tokenizer.h"
#include "text/vocab.h"

struct fl_template { /* a zeroed struct adds nothing */
    struct fl_ids before, behind;
};

/* From the JSON value (NULL and null: nothing). Ids must have one of NAMES. */
int fl_template_read(struct fl_template *t, const json_t *spec, const struct fl_vocab *names);
void fl_template_release(struct fl_template *t);

#endif
