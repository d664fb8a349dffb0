/*
 * A search with a stack of what is still to be tried. Once it has tried more in vain than the text
 * accounts for it remembers, of every fork and run and place, that nothing came of it, and in the
 * body of a look what came of it, and tries nothing again: neither in this search nor in a later
 * one of the same text, since what follows from a state and a place does not depend on the past.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "text/regex_parts.h"

#define NOWHERE SIZE_MAX

enum {
    PATIENCE = 32, /* steps a byte, and */
    GRACE = 65536  /* steps that are taken before anything is remembered */
};

/* A state at AT that has more to try; its like stay until they have nothing when it is remembered.
 */
struct choice {
    uint32_t state;
    uint32_t left; /* FORK: branches not tried yet, as bits */
    size_t at;     /* RUN: the place that is tried now; HOLD: the end */
    size_t low;    /* RUN, HOLD: the first place */
};

struct fl_regex_search {
    const struct fl_regex *re;
    const unsigned char *text;
    size_t len;
    struct choice *stack;
    size_t depth, cap;
    uint64_t steps;
    bool impatient;      /* see regex_parts.h */
    size_t reach;        /* the furthest place that was looked at */
    bool remembers;      /* it does so from now on */
    unsigned char *fail; /* bits: place times memos, and memo */
    uint32_t *ends;      /* place times ends, and end: 1 more than how far a success goes, or 0 */
    bool failed;         /* memory was out */
};

struct fl_regex_search *
fl_regex_search_new(void)
{
    return fl_alloc(1, sizeof(struct fl_regex_search));
}

static void
forget(struct fl_regex_search *s)
{
    free(s->fail);
    free(s->ends);
    s->fail = NULL;
    s->ends = NULL;
    s->remembers = false;
}

void
fl_regex_search_free(struct fl_regex_search *s)
{
    if (!s)
        return;
    forget(s);
    free(s->stack);
    free(s);
}

void
fl_regex_search_start(struct fl_regex_search *s, const struct fl_regex *re, const char *text,
                      size_t len)
{
    if (s->remembers)
        forget(s);
    s->re = re;
    s->text = (const unsigned char *)text;
    s->len = len;
    s->depth = 0;
    s->steps = 0;
    s->reach = 0;
    s->failed = len >= UINT32_MAX && fl_error(FL_FAILED, "a text of %zu bytes is too long", len);
}

void
fl_regex_search_remember(struct fl_regex_search *s)
{
    s->impatient = true;
}

uint64_t
fl_regex_search_steps(const struct fl_regex_search *s)
{
    return s->steps;
}

/* Begin to remember, when more was tried than the text accounts for. */
static void
lose_patience(struct fl_regex_search *s)
{
    size_t bits, ends;

    if (s->remembers || (!s->impatient && s->steps <= (uint64_t)PATIENCE * s->reach + GRACE))
        return;
    if (fl_mul_size(s->len + 1, s->re->memos, &bits) ||
        fl_mul_size(s->len + 1, s->re->ends, &ends) || !(s->fail = fl_alloc(bits / 8 + 1, 1)) ||
        !(s->ends = fl_alloc(ends, sizeof *s->ends)))
        s->failed = true;
    s->remembers = true;
}

static bool
has_failed(const struct fl_regex_search *s, const struct fl_regex_state *st, size_t at)
{
    size_t bit = at * s->re->memos + st->memo;

    return s->fail[bit / 8] >> bit % 8 & 1;
}

static void
set_failed(struct fl_regex_search *s, const struct fl_regex_state *st, size_t at)
{
    size_t bit = at * s->re->memos + st->memo;

    s->fail[bit / 8] |= (unsigned char)(1u << bit % 8);
}

/* Where a success from ST at AT is known to end, or NOWHERE. */
static size_t
known_end(const struct fl_regex_search *s, const struct fl_regex_state *st, size_t at)
{
    uint32_t far = st->ends == FL_REGEX_NONE ? 0 : s->ends[at * s->re->ends + st->ends];

    return far ? at + far - 1 : NOWHERE;
}

static bool
push(struct fl_regex_search *s, uint32_t state, uint32_t left, size_t at, size_t low)
{
    struct choice *stack = fl_grow(s->stack, s->depth, &s->cap, sizeof *stack);

    if (!stack) {
        s->failed = true;
        return false;
    }
    s->stack = stack;
    stack[s->depth++] = (struct choice){state, left, at, low};
    return true;
}

static void
look_at(struct fl_regex_search *s, size_t at)
{
    if (s->reach < at)
        s->reach = at;
}

static size_t
place_before(const unsigned char *text, size_t at)
{
    do
        at--;
    while ((text[at] & 0xc0) == 0x80);
    return at;
}

/* The byte at AT, or FL_REGEX_END. */
static inline size_t
byte_at(const struct fl_regex_search *s, size_t at)
{
    return at < s->len ? s->text[at] : FL_REGEX_END;
}

/*
 * The end of the run of ST's set that begins at AT, or the first place in it of which it is known
 * what comes of ST there: *KNOWN is then set.
 */
static size_t
run_end(struct fl_regex_search *s, const struct fl_regex_state *st, size_t at, bool *known)
{
    const struct fl_charset *set = st->set;
    const unsigned char *text = s->text;
    size_t start = at, len = s->len, size;

    *known = false;
    while (at < len) {
        if (s->remembers && (has_failed(s, st, at) || known_end(s, st, at) != NOWHERE)) {
            *known = true;
            break;
        }
        if (text[at] < 0x80) {
            if (!set->byte[text[at]])
                break;
            at++;
        } else {
            size = fl_charset_take(set, text + at);
            if (!size)
                break;
            at += size;
        }
    }
    s->steps += at - start;
    look_at(s, at);
    return at;
}

/*
 * The last place from C->at down to C->low where what follows a run can begin; each that cannot is
 * a failure. Returns false when there is none.
 */
static bool
step_back(struct fl_regex_search *s, struct choice *c, const struct fl_regex_state *st)
{
    while (!st->fork->may[byte_at(s, c->at)]) {
        if (s->remembers)
            set_failed(s, st, c->at);
        if (c->at == c->low)
            return false;
        c->at = place_before(s->text, c->at);
        s->steps++;
    }
    return true;
}

/* What is next of the choices above BASE: its state, with the place in *AT; or FL_REGEX_NONE. */
static uint32_t
next_choice(struct fl_regex_search *s, size_t base, size_t *at)
{
    lose_patience(s);
    while (s->depth > base && !s->failed) {
        struct choice *c = &s->stack[s->depth - 1];
        const struct fl_regex_state *st = &s->re->states[c->state];
        s->steps++;
        if (st->op == FL_REGEX_FORK && c->left) {
            uint32_t branch = st->fork->branch[__builtin_ctz(c->left)];
            c->left &= c->left - 1;
            *at = c->at;
            if (!c->left && !s->remembers)
                s->depth--;
            return branch;
        }
        if (s->remembers)
            set_failed(s, st, c->at);
        if (st->op == FL_REGEX_RUN && c->at > c->low) {
            c->at = place_before(s->text, c->at);
            if (step_back(s, c, st)) {
                *at = c->at;
                if (c->at == c->low && !s->remembers)
                    s->depth--;
                return st->next;
            }
        }
        while (st->op == FL_REGEX_HOLD && s->remembers && c->at > c->low) {
            c->at = place_before(s->text, c->at);
            set_failed(s, st, c->at);
        }
        s->depth--;
    }
    return FL_REGEX_NONE;
}

/* Success in a body: all choices above BASE lead to END. */
static void
set_ends(struct fl_regex_search *s, size_t base, size_t end)
{
    if (!s->remembers || !s->re->ends)
        return;
    for (size_t i = base; i < s->depth; i++) {
        struct choice *c = &s->stack[i];
        const struct fl_regex_state *st = &s->re->states[c->state];
        size_t at = c->at, low = st->op == FL_REGEX_FORK ? at : c->low;
        while (st->ends != FL_REGEX_NONE) {
            s->ends[at * s->re->ends + st->ends] = (uint32_t)(end - at + 1);
            if (at == low)
                break;
            at = place_before(s->text, at);
        }
    }
}

/* Begin with a fork at AT: its first branch that can go on. */
static uint32_t
enter_fork(struct fl_regex_search *s, uint32_t state, size_t at)
{
    const struct fl_regex_state *st = &s->re->states[state];
    uint32_t may = st->fork->may[byte_at(s, at)];

    if (!may) {
        if (s->remembers)
            set_failed(s, st, at);
        return FL_REGEX_NONE;
    }
    if (((may & (may - 1)) || s->remembers) && !push(s, state, may & (may - 1), at, at))
        return FL_REGEX_NONE;
    return st->fork->branch[__builtin_ctz(may)];
}

/* Begin with a run or a hold at *AT. When it is known how it ends, that goes to *END. */
static uint32_t
enter_run(struct fl_regex_search *s, uint32_t state, size_t *at, size_t *end)
{
    const struct fl_regex_state *st = &s->re->states[state];
    bool known;
    struct choice c = {state, 0, run_end(s, st, *at, &known), *at};

    if (known) { /* the same follows from all places before, or else these are tried next */
        *end = known_end(s, st, c.at);
        push(s, state, 0, c.at, c.low);
        return FL_REGEX_NONE;
    }
    if (st->op == FL_REGEX_RUN && !step_back(s, &c, st))
        return FL_REGEX_NONE;
    *at = c.at;
    if ((s->remembers || (st->op == FL_REGEX_RUN && c.at > c.low)) &&
        !push(s, state, 0, c.at, c.low))
        return FL_REGEX_NONE;
    return st->next;
}

static size_t
characters_back(const struct fl_regex_search *s, size_t at, uint32_t count)
{
    for (; count && at; count--)
        at = place_before(s->text, at);
    return count ? NOWHERE : at;
}

/* The end of what is found from STATE on at AT, or NOWHERE. */
static size_t
run(struct fl_regex_search *s, uint32_t state, size_t at)
{
    const size_t base = s->depth;
    size_t end = NOWHERE, size;

    while (state != FL_REGEX_NONE && end == NOWHERE) {
        const struct fl_regex_state *st = &s->re->states[state];
        uint32_t go = FL_REGEX_NONE;
        s->steps++;
        if (s->remembers && st->memo != FL_REGEX_NONE && has_failed(s, st, at)) {
            state = next_choice(s, base, &at);
            continue;
        }
        switch (st->op) {
        case FL_REGEX_ACCEPT: end = at; break;
        case FL_REGEX_TAKE:
            size = at < s->len ? fl_charset_take(st->set, s->text + at) : 0;
            look_at(s, at);
            at += size;
            go = size ? st->next : FL_REGEX_NONE;
            break;
        case FL_REGEX_PEEK:
            size = at < s->len ? fl_charset_take(st->set, s->text + at) : 0;
            go = !size == st->negated ? st->next : FL_REGEX_NONE;
            break;
        case FL_REGEX_FORK:
            end = s->remembers ? known_end(s, st, at) : NOWHERE;
            go = end == NOWHERE ? enter_fork(s, state, at) : FL_REGEX_NONE;
            break;
        case FL_REGEX_RUN:
        case FL_REGEX_HOLD: go = enter_run(s, state, &at, &end); break;
        case FL_REGEX_LOOK:
            lose_patience(s);
            size = run(s, st->body, at);
            go = (size == NOWHERE) == st->negated ? st->next : FL_REGEX_NONE;
            break;
        case FL_REGEX_ATOM:
            lose_patience(s);
            at = run(s, st->body, at);
            go = at == NOWHERE ? FL_REGEX_NONE : st->next;
            break;
        case FL_REGEX_BACK:
            at = characters_back(s, at, st->count);
            go = at == NOWHERE ? FL_REGEX_NONE : st->next;
            break;
        }
        if (end == NOWHERE)
            state = go == FL_REGEX_NONE ? next_choice(s, base, &at) : go;
    }
    if (end != NOWHERE)
        set_ends(s, base, end);
    s->depth = base;
    return s->failed ? NOWHERE : end;
}

/* Memory that was out keeps its error until a search begins anew. */
int
fl_regex_find(struct fl_regex_search *s, size_t from, size_t *start, size_t *end)
{
    for (size_t at = from; at < s->len && !s->failed; at += fl_charset_size(s->text[at])) {
        if (!s->re->first.may[s->text[at]])
            continue;
        *end = run(s, s->re->start, at);
        *start = at;
        if (*end != NOWHERE)
            return 1;
    }
    return s->failed ? -1 : 0;
}
