/*
 * The grammar of mechanisms. A table says which keys each of them has, and where a number goes; it
 * is that of the reference data, so that a line of a ledger can be given to other accountants.
 */
#include "priv/event.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/mem.h"
#include "base/number.h"

#define MECHANISMS "gauss|pgauss|wor|dgauss|pdgauss|lap|plap|epsdelta"
#define COUNT_MAX  1000000000000u

enum field { NONE, Q, NOISE, SENS, N, M, EPS, DELTA };
enum { KEYS = 3 };

struct form {
    enum fl_mechanism mechanism;
    bool squares;
    struct {
        const char *key;
        enum field field;
    } keys[KEYS];
};

static const struct form forms[] = {
    {FL_MECH_GAUSS, false, {{"nm", NOISE}}},
    {FL_MECH_PGAUSS, false, {{"q", Q}, {"nm", NOISE}}},
    {FL_MECH_WOR, false, {{"n", N}, {"m", M}, {"nm", NOISE}}},
    {FL_MECH_DGAUSS, false, {{"sigma", NOISE}, {"sens", SENS}}},
    {FL_MECH_DGAUSS, true, {{"sigma2", NOISE}, {"sens2", SENS}}},
    {FL_MECH_PDGAUSS, false, {{"q", Q}, {"sigma", NOISE}, {"sens", SENS}}},
    {FL_MECH_LAP, false, {{"b", NOISE}}},
    {FL_MECH_PLAP, false, {{"q", Q}, {"b", NOISE}}},
    {FL_MECH_EPSDELTA, false, {{"eps", EPS}, {"delta", DELTA}}},
};
enum { FORMS = sizeof forms / sizeof *forms };

static size_t
keys_of(const struct form *form)
{
    size_t n = 0;

    while (n < KEYS && form->keys[n].key)
        n++;
    return n;
}

static int
wrong(const char *event, const char *what)
{
    return fl_error(FL_USAGE, "event \"%s\": %s", event, what);
}

/* "pgauss:q=,nm=", all forms of a mechanism. */
static int
wrong_keys(const char *event, enum fl_mechanism mechanism)
{
    char text[160] = "", name[16];
    size_t at = 0;

    fl_choice_word(MECHANISMS, (int)mechanism, name, sizeof name);
    for (size_t f = 0; f < FORMS; f++) {
        if (forms[f].mechanism != mechanism)
            continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s:", at ? " or " : "", name);
        for (size_t k = 0; k < keys_of(&forms[f]); k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s=", k ? "," : "",
                                   forms[f].keys[k].key);
    }
    return fl_error(FL_USAGE, "event \"%s\": write %s, each key once", event, text);
}

static int
put_field(struct fl_event *e, enum field field, const char *value)
{
    const double most = 1e300;

    switch (field) {
    case Q: return fl_parse_f64(value, 0, 1, &e->q);
    case NOISE: return fl_parse_f64(value, 1e-150, most, &e->noise);
    case SENS: return fl_parse_f64(value, 0, most, &e->sens);
    case N: return fl_parse_u64(value, 1, COUNT_MAX, &e->n);
    case M: return fl_parse_u64(value, 0, COUNT_MAX, &e->m);
    case EPS: return fl_parse_f64(value, 0, 1e6, &e->eps);
    case DELTA: return fl_parse_f64(value, 0, 1, &e->delta);
    default: return -1;
    }
}

/* Take KEY=VALUE pairs apart, which end at the end of PAIRS; -1 without an error: not this form. */
static int
match_form(const struct form *form, const char *const *keys, size_t n)
{
    unsigned seen = 0;

    if (n != keys_of(form))
        return -1;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < n && strcmp(form->keys[k].key, keys[i]))
            k++;
        if (k == n || seen & 1u << k)
            return -1;
        seen |= 1u << k;
    }
    return 0;
}

static enum field
field_of(const struct form *form, const char *key)
{
    for (size_t k = 0; k < keys_of(form); k++)
        if (!strcmp(form->keys[k].key, key))
            return form->keys[k].field;
    return NONE;
}

/* Split "a=1,b=2" in place. Returns how many, or -1 (no error recorded). */
static int
split(char *pairs, const char *keys[KEYS], const char *values[KEYS])
{
    size_t n = 0;

    for (char *at = pairs, *next; at; at = next) {
        if ((next = strchr(at, ',')))
            *next++ = '\0';
        char *equal = strchr(at, '=');
        if (!equal || n == KEYS)
            return -1;
        *equal = '\0';
        keys[n] = at;
        values[n++] = equal + 1;
    }
    return (int)n;
}

/* What a number alone cannot say. */
static int
check_event(const char *text, const struct fl_event *e)
{
    bool discrete = e->mechanism == FL_MECH_DGAUSS || e->mechanism == FL_MECH_PDGAUSS;

    if (discrete && !e->squares && (e->sens != floor(e->sens) || e->sens > 0x1p53))
        return wrong(text, "sens is a whole number, since discrete noise hides whole numbers");
    if (e->mechanism == FL_MECH_WOR && e->m > e->n)
        return wrong(text, "m, the units that are drawn, is at most n");
    return 0;
}

/* One event, without its count. TEXT is for messages, BODY is taken apart. */
static int
parse_body(const char *text, char *body, struct fl_event *e)
{
    const char *keys[KEYS], *values[KEYS];
    char *pairs = strchr(body, ':');
    const struct form *form = NULL;

    if (pairs)
        *pairs++ = '\0';
    int mechanism = fl_choice_find(MECHANISMS, body);
    if (mechanism < 0) {
        (void)fl_choice_check(MECHANISMS, body);
        return fl_error_about("mechanism");
    }
    int n = pairs ? split(pairs, keys, values) : -1;
    for (size_t f = 0; n > 0 && f < FORMS && !form; f++)
        if ((int)forms[f].mechanism == mechanism && !match_form(&forms[f], keys, (size_t)n))
            form = &forms[f];
    if (!form)
        return wrong_keys(text, (enum fl_mechanism)mechanism);
    *e = (struct fl_event){.mechanism = form->mechanism, .squares = form->squares, .q = 1};
    for (int i = 0; i < n; i++)
        if (put_field(e, field_of(form, keys[i]), values[i]))
            return fl_error_about(keys[i]), fl_error_as(FL_USAGE);
    return check_event(text, e);
}

static int
parse_event(struct fl_events *events, const char *text)
{
    struct fl_event e;
    uint64_t count = 1;
    char *body = fl_strdup(text), *star;

    if (!body)
        return -1;
    if ((star = strchr(body, '*')))
        *star++ = '\0';
    int failed = parse_body(text, body, &e);
    if (!failed && star && fl_parse_u64(star, 0, COUNT_MAX, &count))
        failed = (fl_error_about(text), fl_error_as(FL_USAGE));
    free(body);
    e.count = count;
    return failed ? -1 : fl_events_add(events, &e);
}

/* The "+" before an event, not that of a number, "1e+5": an event begins with a letter. */
static char *
next_event(char *text)
{
    for (char *at = text; (at = strchr(at, '+')); at++)
        if (at == text || !at[1] || (at[1] >= 'a' && at[1] <= 'z'))
            return at;
    return NULL;
}

int
fl_events_parse(struct fl_events *events, const char *text)
{
    char *copy = fl_strdup(text);
    int failed = !copy;

    for (char *at = copy, *next; !failed && at; at = next) {
        if ((next = next_event(at)))
            *next++ = '\0';
        failed = parse_event(events, at) != 0;
    }
    free(copy);
    return failed ? -1 : 0;
}

int
fl_events_add(struct fl_events *events, const struct fl_event *event)
{
    struct fl_event *items = fl_grow(events->items, events->count, &events->cap,
                                     sizeof *events->items);

    if (!items)
        return -1;
    events->items = items;
    items[events->count++] = *event;
    return 0;
}

void
fl_events_release(struct fl_events *events)
{
    free(events->items);
    *events = (struct fl_events){0};
}

/* The shortest decimal number that reads back to the same bits. */
static int
print_f64(struct fl_buf *out, double x)
{
    char text[40];

    if (x == floor(x) && fabs(x) < 1e15)
        return fl_buf_printf(out, "%.0f", x);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    return fl_buf_add_text(out, text);
}

static int
print_field(const struct fl_event *e, enum field field, struct fl_buf *out)
{
    switch (field) {
    case N: return fl_buf_printf(out, "%llu", (unsigned long long)e->n);
    case M: return fl_buf_printf(out, "%llu", (unsigned long long)e->m);
    case Q: return print_f64(out, e->q);
    case NOISE: return print_f64(out, e->noise);
    case SENS: return print_f64(out, e->sens);
    case EPS: return print_f64(out, e->eps);
    default: return print_f64(out, e->delta);
    }
}

int
fl_event_print(const struct fl_event *event, struct fl_buf *out)
{
    const struct form *form = forms;
    char name[16];

    while (form->mechanism != event->mechanism || form->squares != event->squares)
        form++;
    if (fl_buf_add_text(out, fl_choice_word(MECHANISMS, (int)event->mechanism, name, sizeof name)))
        return -1;
    for (size_t k = 0; k < keys_of(form); k++)
        if (fl_buf_printf(out, "%c%s=", k ? ',' : ':', form->keys[k].key) ||
            print_field(event, form->keys[k].field, out))
            return -1;
    return event->count == 1 ? 0 : fl_buf_printf(out, "*%llu", (unsigned long long)event->count);
}

bool
fl_event_same(const struct fl_event *a, const struct fl_event *b)
{
    return a->mechanism == b->mechanism && a->squares == b->squares && a->q == b->q &&
           a->noise == b->noise && a->sens == b->sens && a->n == b->n && a->m == b->m &&
           a->eps == b->eps && a->delta == b->delta;
}

bool
fl_events_have(const struct fl_events *events, enum fl_mechanism mechanism)
{
    for (size_t i = 0; i < events->count; i++)
        if (events->items[i].mechanism == mechanism && events->items[i].count)
            return true;
    return false;
}

int
fl_events_check(const struct fl_events *events)
{
    bool other = false, wor = fl_events_have(events, FL_MECH_WOR);

    for (size_t i = 0; i < events->count; i++)
        other |= events->items[i].mechanism != FL_MECH_WOR && events->items[i].count;
    if (wor && other)
        return fl_error(FL_USAGE, "wor counts neighbours that differ in one unit replaced, the "
                                  "other events such that differ in one added or removed; account "
                                  "for each kind alone");
    return 0;
}

const char *
fl_events_relation(const struct fl_events *events)
{
    return fl_events_have(events, FL_MECH_WOR) ? "replace-one" : "add-remove";
}

const char *
fl_events_sampling(const struct fl_events *events)
{
    size_t drawn = 0, all = 0;

    if (fl_events_have(events, FL_MECH_WOR))
        return "without-replacement";
    for (size_t i = 0; i < events->count; i++)
        if (events->items[i].count)
            *(events->items[i].q < 1 ? &drawn : &all) += 1;
    return drawn && all ? "mixed" : drawn ? "poisson" : "all";
}

double
fl_event_ratio(const struct fl_event *event)
{
    switch (event->mechanism) {
    case FL_MECH_DGAUSS:
    case FL_MECH_PDGAUSS:
        if (!event->sens)
            return INFINITY;
        return event->squares ? sqrt(event->noise / event->sens) : event->noise / event->sens;
    case FL_MECH_EPSDELTA: return 0;
    default: return event->noise;
    }
}

double
fl_events_pure(const struct fl_events *events)
{
    double sum = 0;

    for (size_t i = 0; i < events->count; i++) {
        const struct fl_event *e = &events->items[i];
        if (!e->count)
            continue;
        if (e->mechanism == FL_MECH_EPSDELTA)
            sum += (double)e->count * e->eps;
        else if (e->mechanism == FL_MECH_LAP)
            sum += (double)e->count / e->noise;
        else if (e->mechanism == FL_MECH_PLAP)
            sum += (double)e->count * log1p(e->q * expm1(1 / e->noise));
        else
            return INFINITY;
    }
    return sum;
}
