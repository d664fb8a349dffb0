/*
 * The end of a text has no field in tokenizer.json: other programs keep it beside (config.json,
 * generation_config.json). fl-import puts those ids into the model's metadata; a tokenizer.json
 * alone can say it by its template, or by a name that everybody uses.
 */
#include "text/marks.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

void
fl_marks_release(struct fl_marks *m)
{
    fl_ids_release(&m->begin);
    fl_ids_release(&m->after);
    fl_ids_release(&m->stops);
    *m = (struct fl_marks){.end = -1};
}

bool
fl_marks_stops(const struct fl_marks *m, uint32_t id)
{
    for (size_t i = 0; i < m->stops.len; i++)
        if (m->stops.data[i] == id)
            return true;
    return false;
}

static int
add_stop(struct fl_marks *m, uint32_t id)
{
    return fl_marks_stops(m, id) ? 0 : fl_ids_add(&m->stops, id);
}

static int
add_told(struct fl_marks *m, const struct fl_ids *told, const struct fl_vocab *names)
{
    size_t len;

    m->told = true;
    for (size_t i = 0; i < told->len; i++) {
        if (!fl_vocab_text(names, told->data[i], &len))
            return fl_error(FL_FAILED,
                            "\"" FL_MARKS_KEY "\" has the id %lu, which is no token; the "
                            "tokenizer's ids end at %zu",
                            (unsigned long)told->data[i], names->ids - 1);
        if (add_stop(m, told->data[i]))
            return -1;
    }
    return 0;
}

static int
add_known(struct fl_marks *m, const struct fl_vocab *names, const unsigned char *is_special)
{
    static const char *const known[] = {FL_EOT_TEXT,
                                        "<|end_of_text|>",
                                        "</s>",
                                        "<eos>",
                                        "<|eos|>",
                                        "[EOS]",
                                        u8"<\uff5cend\u2581of\u2581sentence\uff5c>",
                                        "<|im_end|>",
                                        "<|eot_id|>",
                                        "<end_of_turn>"};
    const struct fl_ids *after = &m->after;

    if (after->len && is_special[after->data[after->len - 1]] &&
        add_stop(m, after->data[after->len - 1]))
        return -1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t id = fl_vocab_find(names, known[i], strlen(known[i]));
        if (id >= 0 && is_special[id] && add_stop(m, (uint32_t)id))
            return -1;
    }
    return 0;
}

int
fl_marks_finish(struct fl_marks *m, const struct fl_ids *told, const struct fl_vocab *names,
                const unsigned char *is_special)
{
    const struct fl_ids *after = &m->after;

    if (told ? add_told(m, told, names) : add_known(m, names, is_special))
        return -1;
    m->end = m->stops.len ? (int64_t)m->stops.data[0] : -1;
    if (after->len && fl_marks_stops(m, after->data[after->len - 1]))
        m->end = after->data[after->len - 1];
    return 0;
}

int
fl_marks_read(struct fl_ids *stops, const struct fl_meta *meta)
{
    const struct fl_meta_item *item = fl_meta_find(meta, FL_MARKS_KEY);

    if (!item)
        return 0;
    bool good = item->type == FL_META_I64_LIST && item->count && item->count <= FL_MARKS_MAX;
    for (size_t i = 0; good && i < item->count; i++) {
        int64_t id = item->value.i64_list[i];
        good = id >= 0 && id < FL_VOCAB_MAX;
        if (good && fl_ids_add(stops, (uint32_t)id))
            return -1;
    }
    if (good)
        return 0;
    fl_ids_release(stops);
    return fl_error(FL_FAILED, "\"" FL_MARKS_KEY "\" is not a list of 1 to %d ids", FL_MARKS_MAX);
}

int
fl_marks_write(const struct fl_ids *stops, struct fl_meta *meta)
{
    int64_t list[FL_MARKS_MAX];

    if (stops->len > FL_MARKS_MAX)
        return fl_error(FL_FAILED, "\"" FL_MARKS_KEY "\" would have %zu ids; at most %d are kept",
                        stops->len, FL_MARKS_MAX);
    for (size_t i = 0; i < stops->len; i++)
        list[i] = stops->data[i];
    return fl_meta_set_i64_list(meta, FL_MARKS_KEY, list, stops->len);
}

void
fl_walk_init(struct fl_walk *w, const struct fl_marks *m, bool inside)
{
    *w = (struct fl_walk){.marks = m, .inside = inside};
}

enum fl_walk_role
fl_walk_next(struct fl_walk *w, uint32_t id)
{
    const struct fl_marks *m = w->marks;

    if (!w->inside && w->begun < m->begin.len && id == m->begin.data[w->begun]) {
        w->begun++;
        return FL_WALK_BEGIN;
    }
    enum fl_walk_role role = w->inside ? FL_WALK_TEXT : FL_WALK_FIRST;
    w->inside = true;
    if (id != m->end)
        return role;
    w->inside = false;
    w->begun = 0;
    return FL_WALK_END;
}
