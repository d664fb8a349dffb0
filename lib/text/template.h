/*
 * The post-processor of a tokenizer.json, for one text: ids that stand before it and after it.
 * TemplateProcessing, ByteLevel (which changes no id), or a Sequence of them.
 */
#ifndef FL_TEXT_TEMPLATE_H
#define FL_TEXT_TEMPLATE_H

#include <jansson.h>

#include "base/must.h"
#include "text/marks.h"
#include "text/vocab.h"

/*
 * From the JSON value (NULL and null: nothing) into BEGIN and AFTER of M, which are empty before.
 * Ids must have one of NAMES. What the template says of pairs of texts is not looked at.
 */
FL_MUST int fl_template_read(struct fl_marks *m, const json_t *spec, const struct fl_vocab *names);

#endif
