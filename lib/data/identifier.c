/*
 * The rules, and the way of one text through fold, scanners, resolver and placeholders.
 */
#include "data/identifier.h"

#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "data/id_parts.h"
#include "flt/check.h"

static const char *const names[FL_ID_TYPES] = {"email", "url",      "ip",    "mac",  "iban",
                                               "card",  "national", "phone", "date", "age"};

struct fl_id_rules *
fl_id_rules_new(void)
{
    struct fl_id_rules *rules = fl_alloc(1, sizeof *rules);

    if (!rules)
        return NULL;
    for (unsigned t = 0; t < FL_ID_TYPES; t++)
        rules->policy[t] = FL_ID_PLACEHOLDER;
    fl_id_index_words(rules);
    return rules;
}

void
fl_id_rules_free(struct fl_id_rules *rules)
{
    if (!rules)
        return;
    for (unsigned i = 0; i < rules->owned; i++)
        free(rules->names[i]);
    fl_id_own_free(rules->own);
    free(rules);
}

const char *
fl_id_name(const struct fl_id_rules *rules, unsigned type)
{
    if (type < FL_ID_TYPES)
        return names[type];
    return type - FL_ID_OWN < rules->owned ? rules->names[type - FL_ID_OWN] : NULL;
}

unsigned
fl_id_types(const struct fl_id_rules *rules)
{
    return FL_ID_TYPES + rules->owned;
}

int
fl_id_type_of(const struct fl_id_rules *rules, const char *name)
{
    for (unsigned t = 0; t < fl_id_types(rules); t++)
        if (!strcmp(fl_id_name(rules, t), name))
            return (int)t;
    return -1;
}

void
fl_id_set(struct fl_id_rules *rules, unsigned type, enum fl_id_policy policy)
{
    rules->policy[type] = (uint8_t)policy;
}

enum fl_id_policy
fl_id_policy(const struct fl_id_rules *rules, unsigned type)
{
    return (enum fl_id_policy)rules->policy[type];
}

/* The own type NAME, made when it is new; -1 with an error. */
static int
own_type(struct fl_id_rules *rules, const char *name)
{
    int type = fl_id_type_of(rules, name);

    if (type >= 0 && type < FL_ID_OWN)
        return fl_error(FL_USAGE,
                        "\"%s\" is a built-in type of identifiers; another name would be right",
                        name);
    if (!rules->own && !(rules->own = fl_id_own_new()))
        return -1;
    if (type >= 0)
        return type;
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (!len || name[len] || len > 32 || *name < 'a')
        return fl_error(FL_USAGE,
                        "\"%s\" is no name of a type; 1 to 32 of a-z, 0-9 and '-', a letter first, "
                        "would be right",
                        name);
    if (rules->owned == FL_ID_OWN_MOST)
        return fl_error(FL_USAGE, "\"%s\" is one type too many; at most %d can be had", name,
                        FL_ID_OWN_MOST);
    if (!(rules->names[rules->owned] = fl_strdup(name)))
        return -1;
    rules->policy[FL_ID_OWN + rules->owned] = FL_ID_PLACEHOLDER;
    return FL_ID_OWN + (int)rules->owned++;
}

int
fl_id_rules_pattern(struct fl_id_rules *rules, const char *name, const char *pattern)
{
    int type = own_type(rules, name);

    return type < 0 ? -1 : fl_id_own_pattern(rules->own, (unsigned)type, pattern);
}

int
fl_id_rules_literal(struct fl_id_rules *rules, const char *name, const char *text, size_t len)
{
    int type = own_type(rules, name);

    return type < 0 ? -1 : fl_id_own_literal(rules->own, (unsigned)type, text, len);
}

void
fl_id_scan_release(struct fl_id_scan *scan)
{
    struct fl_id_state *s = scan->state;

    if (s) {
        fl_buf_release(&s->plain);
        free(s->shifts);
        free(s->found);
        free(s->values);
        free(s->numbers);
        free(s);
    }
    free(scan->spans);
    *scan = (struct fl_id_scan){0};
}

/* What stands for the value of F: letters and digits in lower case; all of an address. */
static uint64_t
value_of(const struct fl_id_state *s, const struct fl_id_found *f)
{
    unsigned char text[FL_ID_VALUE];
    size_t n = 0;

    if (f->type == FL_ID_EMAIL) {
        n = fl_id_mail_plain(s, f->at, f->end, text);
    } else {
        for (size_t i = f->at; i < f->end && n < sizeof text; i++) {
            unsigned char c = s->p[i];
            bool alnum = fl_id_alnum(c);
            if (alnum || f->type == FL_ID_URL || f->type >= FL_ID_OWN || fl_id_is(c, FL_ID_HIGH))
                text[n++] = alnum ? (unsigned char)(c | 32) : c;
        }
    }
    return fl_check64(text, n) + f->type;
}

/* Forget the last text. */
static void
restart(struct fl_id_state *s, const struct fl_id_rules *rules)
{
    s->rules = rules;
    s->first = s->last = 0;
    s->next = s->words_done = s->net_done = s->mac_done = s->host_done = s->found_count = 0;
    memset(s->topic, 0, sizeof s->topic);
    memset(s->taken, 0, sizeof s->taken);
    s->wanted = 0;
    for (unsigned t = 0; t < FL_ID_TYPES; t++)
        s->wanted |= (uint32_t)(rules->policy[t] != FL_ID_KEEP) << t;
}

/* The candidates that are left, as places of the original. */
static int
make_spans(const struct fl_id_rules *rules, struct fl_id_scan *scan)
{
    struct fl_id_state *s = scan->state;
    size_t cursor = 0;

    for (size_t i = 0; i < s->found_count; i++) {
        const struct fl_id_found *f = &s->found[i];
        struct fl_id_span *spans = fl_grow(scan->spans, scan->count, &s->span_cap, sizeof *spans);
        if (!spans)
            return -1;
        scan->spans = spans;
        struct fl_id_span *span = &spans[scan->count++];
        span->at = fl_id_origin(s, f->at, &cursor);
        span->len = fl_id_origin_end(s, f->end, &cursor) - span->at;
        span->type = f->type;
        span->evidence = (uint8_t)(f->rank >> 8);
        span->value = value_of(s, f);
        scan->drop |= rules->policy[f->type] == FL_ID_DROP;
    }
    return 0;
}

int
fl_id_find(const struct fl_id_rules *rules, struct fl_id_scan *scan, const void *text, size_t len)
{
    scan->count = 0;
    scan->drop = false;
    if (!scan->state && !(scan->state = fl_alloc(1, sizeof *scan->state)))
        return -1;
    struct fl_id_state *s = scan->state;
    restart(s, rules);
    if (!s->wanted && !rules->own)
        return 0;
    if (fl_id_fold(s, text, len) || (s->wanted && fl_id_scan_all(s)) ||
        (rules->own && fl_id_own_scan(rules->own, s)))
        return -1;
    fl_id_resolve(s);
    return make_spans(rules, scan);
}

/* Room for the numbers of COUNT values, none of which is there yet. */
static int
clear_numbers(struct fl_id_state *s, size_t count, unsigned types)
{
    size_t cap = 64;

    while (cap < 2 * count)
        cap *= 2;
    if (cap > s->value_cap) {
        free(s->values);
        s->value_cap = 0;
        s->values = fl_alloc(cap, 2 * sizeof *s->values);
        if (!s->values)
            return -1;
        s->value_cap = cap;
    }
    s->value_mask = cap - 1;
    memset(s->values, 0, cap * 2 * sizeof *s->values);
    free(s->numbers);
    s->numbers = fl_alloc(types, sizeof *s->numbers);
    return s->numbers ? 0 : -1;
}

/* The number of the value of SPAN within the text. */
static uint32_t
number_of(struct fl_id_state *s, const struct fl_id_span *span)
{
    uint64_t key = span->value ? span->value : 1;
    size_t i = key & s->value_mask;

    while (s->values[2 * i] && s->values[2 * i] != key)
        i = (i + 1) & s->value_mask;
    if (!s->values[2 * i]) {
        s->values[2 * i] = key;
        s->values[2 * i + 1] = ++s->numbers[span->type];
    }
    return (uint32_t)s->values[2 * i + 1];
}

int
fl_id_replace(const struct fl_id_rules *rules, struct fl_id_scan *scan, const void *text,
              size_t len, struct fl_buf *out)
{
    const unsigned char *p = text;
    size_t done = 0;

    if (!scan->count)
        return fl_buf_add(out, text, len);
    if (clear_numbers(scan->state, scan->count, fl_id_types(rules)))
        return -1;
    for (size_t i = 0; i < scan->count; i++) {
        const struct fl_id_span *span = &scan->spans[i];
        char name[40];
        size_t n = 0;
        for (const char *c = fl_id_name(rules, span->type); n < sizeof name - 1 && c[n]; n++)
            name[n] = c[n] >= 'a' ? (char)(c[n] - 32) : c[n];
        name[n] = '\0';
        if (fl_buf_add(out, p + done, span->at - done) ||
            fl_buf_printf(out, "[%s_%u]", name, (unsigned)number_of(scan->state, span)))
            return -1;
        done = span->at + span->len;
    }
    return fl_buf_add(out, p + done, len - done);
}
