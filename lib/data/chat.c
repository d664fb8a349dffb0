/*
 * Conversations: a list of turns in a line of JSON, or lines "Name: text" up to a blank line. Each
 * turn is rendered by the contract's template; a name that nobody gave a role is refused, since a
 * turn under the wrong role teaches the model the wrong side.
 */
#include <string.h>

#include "base/error.h"
#include "data/fields_parts.h"

enum { NAME_MAX_BYTES = 60, NAME_WORDS = 4 };

struct turns {
    struct fl_fields *fields;
    const struct fl_reading *reading;
    struct fl_traced *out;
    bool incomplete; /* a turn lacks its role or its text */
    size_t count;
};

/* The role of NAME, or NULL. "*" stands for all names that are not in the list. */
static const char *
role_of(const struct fl_reading *r, const char *name, size_t len)
{
    const char *other = NULL;

    for (size_t i = 0; i < r->roles.count; i++) {
        const char *known = r->roles.names[i];
        if (strlen(known) == len && !memcmp(known, name, len))
            return r->roles.roles[i];
        if (!strcmp(known, "*"))
            other = r->roles.roles[i];
    }
    return other;
}

static int
unknown_role(const char *name, size_t len)
{
    return fl_error(FL_FAILED,
                    "\"%.*s\" is no role; the site file names it, like roles: {\"%.*s\": user}, or "
                    "\"-\" where it is no speaker",
                    (int)(len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES), name,
                    (int)(len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES), name);
}

/* Let the value of a role be what it is called in the contract. */
static int
map_role(struct fl_fields *f, const struct fl_reading *r, struct fl_jsonl_value *v)
{
    const char *role = role_of(r, fl_buf_text(&v->text), v->text.len);

    if (!role || !strcmp(role, "-"))
        return unknown_role(fl_buf_text(&v->text), v->text.len);
    if (!strcmp(role, fl_buf_text(&v->text)))
        return 0;
    f->edits.count = 0;
    if (fl_edits_add(&f->edits, 0, v->text.len, strlen(role), FL_FATE_ROLE) ||
        fl_trace_edit(&v->trace, &f->edits))
        return -1;
    fl_buf_clear(&v->text);
    return fl_buf_add_text(&v->text, role);
}

static int
take_turn(void *arg, struct fl_jsonl_value *values)
{
    struct turns *t = arg;

    if (values[FL_CHAT_ROLE].result != FL_JSONL_FOUND ||
        values[FL_CHAT_TEXT].result != FL_JSONL_FOUND) {
        t->incomplete = true;
        return 0;
    }
    t->count++;
    fl_fields_note(t->fields, &values[FL_CHAT_TEXT]);
    return map_role(t->fields, t->reading, &values[FL_CHAT_ROLE]) ||
                   fl_fields_put(t->out, &t->reading->turn, values)
               ? -1
               : 0;
}

static int
render_json(struct fl_fields *f, const struct fl_record_text *record, const struct fl_reading *r,
            struct fl_traced *out)
{
    struct turns turns = {f, r, out, false, 0};
    const char *const paths[FL_CHAT_FIELDS] = {r->role, r->content};
    const struct fl_jsonl_wanted wanted = {paths,       FL_CHAT_FIELDS, false,
                                           r->messages, take_turn,      &turns};
    size_t offset;

    switch (fl_jsonl_fields(record->text, record->len, &wanted, f->values, &offset)) {
    case FL_JSONL_NO_MEMORY: return -1;
    case FL_JSONL_MALFORMED: return FL_FATE_MALFORMED;
    case FL_JSONL_FOUND: break;
    default: return FL_FATE_NO_FIELD;
    }
    if (turns.incomplete)
        return FL_FATE_NO_FIELD;
    return turns.count ? FL_FATE_KEPT : FL_FATE_EMPTY;
}

/* The bytes of a name at the start of a line that a colon ends, or 0: no turn begins here. */
static size_t
speaker(const struct fl_reading *r, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES);
    size_t n = colon ? (size_t)(colon - line) : 0, words = 1;

    if (!n || *line == ' ' || *line == '\t' || colon[-1] == ' ' ||
        (n + 1 < len && !strchr(" \t\r", line[n + 1])))
        return 0;
    for (size_t i = 0; i < n; i++)
        words += line[i] == ' ';
    const char *role = role_of(r, line, n);
    return words > NAME_WORDS || (role && !strcmp(role, "-")) ? 0 : n;
}

static int
set_value(struct fl_jsonl_value *v, const struct fl_record_text *record, size_t at, size_t len)
{
    const struct fl_piece kept = {(uint32_t)at, (uint32_t)len, (uint32_t)len, FL_FATE_KEPT};

    v->result = FL_JSONL_FOUND;
    v->surrogates = 0;
    fl_buf_clear(&v->text);
    fl_trace_clear(&v->trace);
    return fl_buf_add(&v->text, record->text + at, len) || fl_trace_add(&v->trace, kept) ? -1 : 0;
}

/* The turn whose name has N bytes at AT, and whose text ends before END. */
static int
put_turn(struct turns *t, const struct fl_record_text *record, size_t at, size_t n, size_t end)
{
    struct fl_jsonl_value *values = t->fields->values;
    size_t text = at + n + 1;

    while (text < end && (record->text[text] == ' ' || record->text[text] == '\t'))
        text++;
    while (end > text && strchr("\r\n", record->text[end - 1]) && record->text[end - 1])
        end--;
    if (set_value(&values[FL_CHAT_ROLE], record, at, n) ||
        set_value(&values[FL_CHAT_TEXT], record, text, end - text))
        return -1;
    return take_turn(t, values);
}

static int
render_lines(struct fl_fields *f, const struct fl_record_text *record, const struct fl_reading *r,
             struct fl_traced *out)
{
    struct turns turns = {f, r, out, false, 0};
    size_t at = 0, name = 0; /* of the turn at hand; NAME 0: none yet */

    for (size_t line = 0; line < record->len;) {
        const char *nl = memchr(record->text + line, '\n', record->len - line);
        size_t end = nl ? (size_t)(nl - record->text) : record->len;
        size_t n = speaker(r, record->text + line, end - line);
        if (!n && !name)
            return FL_FATE_MALFORMED;
        if (n) {
            if (name && put_turn(&turns, record, at, name, line))
                return -1;
            at = line;
            name = n;
        }
        line = nl ? end + 1 : record->len;
    }
    if (!name)
        return FL_FATE_EMPTY;
    return put_turn(&turns, record, at, name, record->len) ? -1 : FL_FATE_KEPT;
}

int
fl_chat_render(struct fl_fields *f, const struct fl_record_text *record,
               const struct fl_reading *reading, struct fl_traced *out)
{
    return record->format == FL_RECORDS_JSONL ? render_json(f, record, reading, out)
                                              : render_lines(f, record, reading, out);
}
