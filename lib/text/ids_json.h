/* Token ids as a line of JSON: "[1, 2, 3]". */
#ifndef FL_TEXT_IDS_JSON_H
#define FL_TEXT_IDS_JSON_H

#include "base/must.h"
#include "text/tokenizer.h"

/* Add the array and a line feed. */
FL_MUST int fl_ids_json_write(const struct fl_ids *ids, struct fl_buf *out);

/* Add the ids of one array; white space around and between is fine. -1 with an error. */
FL_MUST int fl_ids_json_read(const char *line, size_t len, struct fl_ids *ids);

#endif
