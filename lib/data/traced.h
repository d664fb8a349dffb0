/*
 * A text that is being cleaned, with where each of its bytes came from. A step puts the new text
 * into OTHER and its edits into EDITS, and fl_traced_take makes them the text.
 */
#ifndef FL_DATA_TRACED_H
#define FL_DATA_TRACED_H

#include "base/buf.h"
#include "base/must.h"
#include "data/trace.h"

struct fl_traced { /* a zeroed struct is an empty text */
    struct fl_buf text, other;
    struct fl_trace trace;
    struct fl_edits edits;
};
void fl_traced_release(struct fl_traced *t);
void fl_traced_clear(struct fl_traced *t);

/*
 * Let OTHER, to which EDITS led, be the text; nothing when there are no edits. O(pieces + edits).
 */
FL_MUST int fl_traced_take(struct fl_traced *t);

/* The edits alone: the text itself was changed in place. */
FL_MUST int fl_traced_edited(struct fl_traced *t);

#endif
