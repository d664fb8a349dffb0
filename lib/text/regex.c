/*
 * From a tree of parts to a machine: states from the end of the expression to its start, then what
 * each fork can do with which byte.
 */
#include "text/regex.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "text/regex_parts.h"

struct maker {
    struct fl_regex *re;
    const struct fl_regex_tree *tree;
    int depth; /* of bodies */
};

/* Errors from here on: FL_REGEX_NONE, which is no state. */
static uint32_t
add_state(struct maker *m, enum fl_regex_op op, uint32_t next)
{
    struct fl_regex *re = m->re;
    bool remember = op == FL_REGEX_FORK || op == FL_REGEX_RUN || op == FL_REGEX_HOLD;

    if (re->count >= FL_REGEX_STATES) {
        fl_regex_too_large(m->tree);
        return FL_REGEX_NONE;
    }
    struct fl_regex_state *states = fl_grow(re->states, re->count, &re->cap, sizeof *states);
    if (!states)
        return FL_REGEX_NONE;
    re->states = states;
    states[re->count] = (struct fl_regex_state){.op = op,
                                                .next = next,
                                                .memo = FL_REGEX_NONE,
                                                .ends = FL_REGEX_NONE,
                                                .count = FL_REGEX_NONE};
    if (remember)
        states[re->count].memo = re->memos++;
    if (remember && m->depth)
        states[re->count].ends = re->ends++;
    return (uint32_t)re->count++;
}

static struct fl_regex_fork *
add_fork(struct fl_regex *re)
{
    struct fl_regex_fork **forks = fl_grow(re->forks, re->fork_count, &re->fork_cap, sizeof *forks);

    if (!forks)
        return NULL;
    re->forks = forks;
    struct fl_regex_fork *fork = fl_alloc(1, sizeof *fork);
    if (fork)
        forks[re->fork_count++] = fork;
    return fork;
}

/* A state that takes a set: TAKE, RUN, HOLD, PEEK. */
static uint32_t
add_set_state(struct maker *m, enum fl_regex_op op, const struct fl_charset *set, uint32_t next)
{
    uint32_t at = next == FL_REGEX_NONE ? next : add_state(m, op, next);

    if (at == FL_REGEX_NONE)
        return at;
    m->re->states[at].set = set;
    if (op == FL_REGEX_RUN) {
        struct fl_regex_fork *fork = add_fork(m->re);
        if (!fork)
            return FL_REGEX_NONE;
        fork->branch[fork->count++] = next;
        m->re->states[at].fork = fork;
    }
    return at;
}

/* A fork without branches, *FORK. */
static uint32_t
add_fork_state(struct maker *m, struct fl_regex_fork **fork)
{
    uint32_t at = add_state(m, FL_REGEX_FORK, FL_REGEX_NONE);

    if (at == FL_REGEX_NONE || !(*fork = add_fork(m->re)))
        return FL_REGEX_NONE;
    m->re->states[at].fork = *fork;
    return at;
}

static uint32_t make(struct maker *m, const struct fl_regex_part *p, uint32_t next);

/* First, or else second; with LAZY the other way round. */
static uint32_t
add_two(struct maker *m, enum fl_regex_mode mode, uint32_t first, uint32_t second)
{
    struct fl_regex_fork *fork;
    uint32_t at = first == FL_REGEX_NONE ? first : add_fork_state(m, &fork);

    if (at == FL_REGEX_NONE)
        return at;
    fork->branch[0] = mode == FL_REGEX_LAZY ? second : first;
    fork->branch[1] = mode == FL_REGEX_LAZY ? first : second;
    fork->count = 2;
    return at;
}

static uint32_t
make_body(struct maker *m, const struct fl_regex_part *p)
{
    uint32_t accept = add_state(m, FL_REGEX_ACCEPT, FL_REGEX_NONE);

    m->depth++;
    uint32_t body = accept == FL_REGEX_NONE ? accept : make(m, p, accept);
    m->depth--;
    return body;
}

/* LOOK or ATOM with a body. */
static uint32_t
add_look(struct maker *m, enum fl_regex_op op, bool negated, uint32_t body, uint32_t next)
{
    uint32_t at = body == FL_REGEX_NONE ? body : add_state(m, op, next);

    if (at == FL_REGEX_NONE)
        return at;
    m->re->states[at].body = body;
    m->re->states[at].negated = negated;
    return at;
}

static uint32_t
make_repeat(struct maker *m, const struct fl_regex_part *p, uint32_t next)
{
    const struct fl_regex_part *child = &m->tree->parts[p->child];
    bool set = child->kind == FL_PART_SET;
    uint32_t at = next;

    if (p->mode == FL_REGEX_POSSESSIVE) {
        at = add_set_state(m, FL_REGEX_HOLD, child->set, next);
    } else if (p->max != FL_REGEX_NONE) {
        for (uint32_t i = p->min; i < p->max && at != FL_REGEX_NONE; i++)
            at = add_two(m, p->mode, make(m, child, at), next);
    } else if (set && p->mode == FL_REGEX_GREEDY) {
        at = add_set_state(m, FL_REGEX_RUN, child->set, next);
    } else {
        struct fl_regex_fork *fork;
        uint32_t loop = add_fork_state(m, &fork);
        uint32_t body = loop == FL_REGEX_NONE ? loop : make(m, child, loop);
        if (body == FL_REGEX_NONE)
            return body;
        fork->branch[p->mode == FL_REGEX_LAZY] = body;
        fork->branch[p->mode != FL_REGEX_LAZY] = next;
        fork->count = 2;
        at = p->min ? body : loop;
        for (uint32_t i = 1; i < p->min && at != FL_REGEX_NONE; i++)
            at = make(m, child, at);
        return at;
    }
    for (uint32_t i = 0; i < p->min && at != FL_REGEX_NONE; i++)
        at = make(m, child, at);
    return at;
}

static uint32_t
make_choice(struct maker *m, uint32_t child, uint32_t next)
{
    struct fl_regex_fork *fork;
    uint32_t first = add_fork_state(m, &fork), at = first;

    for (uint32_t c = child; c && at != FL_REGEX_NONE; c = m->tree->parts[c].next) {
        if (fork->count + 1 == FL_REGEX_BRANCHES &&
            m->tree->parts[c].next) { /* the rest in another */
            struct fl_regex_fork *more;
            fork->branch[fork->count++] = at = add_fork_state(m, &more);
            if (at == FL_REGEX_NONE)
                break;
            fork = more;
        }
        fork->branch[fork->count++] = at = make(m, &m->tree->parts[c], next);
    }
    return at == FL_REGEX_NONE ? at : first;
}

/* One alternative of a look back: as many characters back as it has, and then it. */
static uint32_t
make_back(struct maker *m, uint32_t at, bool negated, uint32_t next)
{
    uint32_t back = fl_regex_width(m->tree, at);
    uint32_t body = back == FL_REGEX_NONE ? back : make_body(m, &m->tree->parts[at]);

    if (back == FL_REGEX_NONE) {
        fl_error(
            FL_FAILED,
            "the expression \"%.200s\" is not supported: it looks back over a text that may be "
            "shorter or longer",
            m->tree->pattern);
        return back;
    }
    m->depth++;
    uint32_t start = body == FL_REGEX_NONE ? body : add_state(m, FL_REGEX_BACK, body);
    m->depth--;
    if (start != FL_REGEX_NONE)
        m->re->states[start].count = back;
    return add_look(m, FL_REGEX_LOOK, negated, start, next);
}

/* Any of its alternatives stands before; or, negated, none of them. */
static uint32_t
make_look_back(struct maker *m, const struct fl_regex_part *p, uint32_t next)
{
    bool choice = m->tree->parts[p->child].kind == FL_PART_CHOICE;
    uint32_t c = choice ? m->tree->parts[p->child].child : p->child,
             at = make_back(m, c, p->negated, next);

    while (choice && at != FL_REGEX_NONE && (c = m->tree->parts[c].next))
        at = p->negated ? make_back(m, c, true, at)
                        : add_two(m, FL_REGEX_GREEDY, make_back(m, c, false, next), at);
    return at;
}

static uint32_t
make_sequence(struct maker *m, uint32_t first, uint32_t next)
{
    uint32_t rest = m->tree->parts[first].next ? make_sequence(m, m->tree->parts[first].next, next)
                                               : next;

    return rest == FL_REGEX_NONE ? rest : make(m, &m->tree->parts[first], rest);
}

/* The state of P and then NEXT. */
static uint32_t
make(struct maker *m, const struct fl_regex_part *p, uint32_t next)
{
    const struct fl_regex_part *child = &m->tree->parts[p->child];

    if (p->kind == FL_PART_REPEAT && p->mode == FL_REGEX_POSSESSIVE &&
        (child->kind != FL_PART_SET || p->max != FL_REGEX_NONE)) {
        struct fl_regex_part greedy = *p;
        greedy.mode = FL_REGEX_GREEDY;
        return add_look(m, FL_REGEX_ATOM, false, make_body(m, &greedy), next);
    }
    switch (p->kind) {
    case FL_PART_NOTHING: return next;
    case FL_PART_SET: return add_set_state(m, FL_REGEX_TAKE, p->set, next);
    case FL_PART_SEQUENCE: return make_sequence(m, p->child, next);
    case FL_PART_CHOICE: return make_choice(m, p->child, next);
    case FL_PART_REPEAT: return make_repeat(m, p, next);
    case FL_PART_LOOK_BACK: return make_look_back(m, p, next);
    case FL_PART_ATOMIC: return add_look(m, FL_REGEX_ATOM, false, make_body(m, child), next);
    case FL_PART_LOOK_AHEAD: break;
    }
    if (child->kind != FL_PART_SET)
        return add_look(m, FL_REGEX_LOOK, p->negated, make_body(m, child), next);
    uint32_t at = add_set_state(m, FL_REGEX_PEEK, child->set, next);
    if (at != FL_REGEX_NONE)
        m->re->states[at].negated = p->negated;
    return at;
}

/* The bytes with which something can go on from a state, FL_REGEX_END among them. */
struct begin {
    uint64_t bits[5];
    bool known;
};

static bool
begins(const struct begin *b, size_t byte)
{
    return b->bits[byte / 64] >> byte % 64 & 1;
}

static void
add_set_bytes(struct begin *b, const struct fl_charset *set, unsigned char least)
{
    for (size_t c = 0; c < 256; c++)
        if (set->byte[c] >= least)
            b->bits[c / 64] |= (uint64_t)1 << c % 64;
}

static void find_begin(const struct fl_regex *re, struct begin *all, uint32_t at);

static void
add_begin(const struct fl_regex *re, struct begin *all, uint32_t at, struct begin *to)
{
    find_begin(re, all, at);
    for (size_t i = 0; i < 5; i++)
        to->bits[i] |= all[at].bits[i];
}

/* What can begin at a state; more than can is said where it is not easily known. */
static void
find_begin(const struct fl_regex *re, struct begin *all, uint32_t at)
{
    const struct fl_regex_state *s = &re->states[at];
    struct begin b = {{0}, true}, other = {{0}, true};

    if (all[at].known)
        return;
    switch (s->op) {
    case FL_REGEX_ACCEPT:
    case FL_REGEX_BACK: memset(b.bits, 0xff, sizeof b.bits); break;
    case FL_REGEX_TAKE: add_set_bytes(&b, s->set, 1); break;
    case FL_REGEX_FORK:
        for (size_t i = 0; i < s->fork->count; i++)
            add_begin(re, all, s->fork->branch[i], &b);
        break;
    case FL_REGEX_RUN:
    case FL_REGEX_HOLD:
        add_set_bytes(&b, s->set, 1);
        add_begin(re, all, s->next, &b);
        break;
    case FL_REGEX_PEEK:
        add_begin(re, all, s->next, &b);
        if (s->negated)
            for (size_t c = 0; c < 256; c++)
                other.bits[c / 64] |= (uint64_t)(s->set->byte[c] != 1) << c % 64;
        else
            add_set_bytes(&other, s->set, 1);
        other.bits[FL_REGEX_END / 64] |= s->negated;
        for (size_t i = 0; i < 5; i++)
            b.bits[i] &= other.bits[i];
        break;
    case FL_REGEX_LOOK: add_begin(re, all, s->next, &b); break;
    case FL_REGEX_ATOM: add_begin(re, all, s->body, &b); break;
    }
    all[at] = b;
    if (s->op == FL_REGEX_LOOK) /* its own forks are asked for too */
        find_begin(re, all, s->body);
}

static void
fill_fork(struct fl_regex_fork *fork, const struct begin *all)
{
    for (size_t i = 0; i < fork->count; i++)
        for (size_t c = 0; c <= FL_REGEX_END; c++)
            fork->may[c] |= (uint32_t)begins(&all[fork->branch[i]], c) << i;
}

static int
finish(struct fl_regex *re)
{
    struct begin *all = fl_alloc(re->count, sizeof *all);

    if (!all)
        return -1;
    re->first.branch[0] = re->start;
    re->first.count = 1;
    for (uint32_t i = 0; i < re->count; i++)
        find_begin(re, all, i);
    fill_fork(&re->first, all);
    for (size_t i = 0; i < re->fork_count; i++)
        fill_fork(re->forks[i], all);
    free(all);
    return 0;
}

/* In the order of their making: what one lies within was made before it. */
static int
finish_sets(struct fl_regex *re)
{
    unsigned char *categories = fl_charset_plane();
    int failed = categories ? 0 : -1;

    for (size_t i = 0; i < re->tree.set_count && !failed; i++)
        failed = fl_charset_finish(re->tree.sets[i], categories);
    free(categories);
    return failed;
}

struct fl_regex *
fl_regex_new(const char *pattern)
{
    struct fl_regex *re = fl_alloc(1, sizeof *re);
    struct maker m = {.re = re, .tree = re ? &re->tree : NULL};
    uint32_t accept;

    if (!re)
        return NULL;
    re->start = FL_REGEX_NONE;
    if (!fl_regex_read(pattern, &re->tree) && !finish_sets(re) &&
        (accept = add_state(&m, FL_REGEX_ACCEPT, FL_REGEX_NONE)) != FL_REGEX_NONE)
        re->start = make(&m, &re->tree.parts[re->tree.whole], accept);
    if (re->start == FL_REGEX_NONE || finish(re)) {
        fl_regex_free(re);
        return NULL;
    }
    free(re->tree.parts);
    re->tree.parts = NULL;
    re->tree.pattern = NULL;
    return re;
}

void
fl_regex_free(struct fl_regex *re)
{
    if (!re)
        return;
    fl_regex_tree_release(&re->tree);
    for (size_t i = 0; i < re->fork_count; i++)
        free(re->forks[i]);
    free(re->forks);
    free(re->states);
    free(re);
}
