/* Text and trace change together here, so that nobody forgets one of them. */
#include "data/traced.h"

void
fl_traced_release(struct fl_traced *t)
{
    fl_buf_release(&t->text);
    fl_buf_release(&t->other);
    fl_trace_release(&t->trace);
    fl_edits_release(&t->edits);
}

void
fl_traced_clear(struct fl_traced *t)
{
    fl_buf_clear(&t->text);
    fl_trace_clear(&t->trace);
    t->edits.count = 0;
}

int
fl_traced_edited(struct fl_traced *t)
{
    int result = fl_trace_edit(&t->trace, &t->edits);

    t->edits.count = 0;
    return result;
}

int
fl_traced_take(struct fl_traced *t)
{
    if (!t->edits.count)
        return 0;
    struct fl_buf swap = t->text;
    t->text = t->other;
    t->other = swap;
    return fl_traced_edited(t);
}
