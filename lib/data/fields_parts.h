/* What fields.c and chat.c share: parts of a template, of which a text is put together. */
#ifndef FL_DATA_FIELDS_PARTS_H
#define FL_DATA_FIELDS_PARTS_H

#include "data/fields.h"

/* Put VALUES, of which MISSING ones are empty, into the places of R, after OUT. */
FL_MUST int fl_fields_put(struct fl_traced *out, const struct fl_rendering *r,
                          const struct fl_jsonl_value *values);

/* Note half pairs of surrogates of VALUE. */
void fl_fields_note(struct fl_fields *f, const struct fl_jsonl_value *value);

/* As fl_fields_render, for conversations (chat.c). */
FL_MUST int fl_chat_render(struct fl_fields *f, const struct fl_record_text *record,
                           const struct fl_reading *reading, struct fl_traced *out);

#endif
