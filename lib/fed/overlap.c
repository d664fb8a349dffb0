/* Links are found by their models, not by numbers of rounds: some of these were given up. */
#include "fed/overlap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "os/file.h"

enum { HEX = 65 };

struct link {
    uint64_t round;
    char from[HEX], to[HEX];
};

struct chain {
    struct link *links; /* in the order of models: M(i) to M(i+1) */
    size_t count, cap;
    char first[HEX]; /* M(0) */
};

static bool
has(struct fl_standing *s, uint64_t round, const char *name)
{
    return !access(fl_standing_file(s, round, "%s", name), F_OK);
}

/* The link in a file of the round, if it is there. */
static int
add_link(struct chain *c, struct fl_standing *s, uint64_t round, const char *name)
{
    struct fl_buf text = {0};

    if (!has(s, round, name))
        return 0;
    struct link *links = fl_grow(c->links, c->count, &c->cap, sizeof *links);
    if (!links || fl_read_file(fl_standing_file(s, round, "%s", name), 65536, &text))
        return -1;
    c->links = links;
    struct link *to = &links[c->count];
    *to = (struct link){.round = round};
    int got = sscanf(fl_buf_text(&text), "%*s %64[0-9a-f] %*s %64[0-9a-f]", to->from, to->to);
    fl_buf_release(&text);
    if (got != 2)
        return fl_error(FL_FAILED, "%s: is no line of the chain; remove the file",
                        fl_standing_file(s, round, "%s", name));
    c->count++;
    return 0;
}

/* In the order of models; what is not linked to them is left out. */
static void
put_in_order(struct chain *c)
{
    const char *model = c->first;
    size_t i = 0;

    for (size_t k = 0; k < c->count; k++) {
        if (strcmp(c->links[k].from, model) != 0)
            continue;
        struct link found = c->links[k];
        memmove(c->links + i + 1, c->links + i, (k - i) * sizeof found);
        c->links[i] = found;
        model = c->links[i].to;
        k = i++; /* go on after it */
    }
    c->count = i;
}

static const char *
model_of(const struct chain *c, size_t i)
{
    return i ? c->links[i - 1].to : c->first;
}

/*
 * Rounds that are open: OVER[0] is over the model whose mean comes next, M(CLOSED), OVER[1] over
 * the one after it. -1: none.
 */
static int
find_open(struct fl_standing *s, const struct chain *c, size_t closed, int64_t over[2],
          struct fl_overlap *o)
{
    char base[HEX];

    over[0] = over[1] = -1;
    for (size_t i = 0; i < s->count; i++) {
        const uint64_t round = s->rounds[i];
        if (round < (uint64_t)s->setup.roster.first_round || has(s, round, "void"))
            continue;
        o->rounds++;
        if (has(s, round, "closed"))
            continue;
        if (fl_standing_base(s, round, base))
            return -1;
        for (size_t k = 0; k < 2 && closed + k <= c->count; k++)
            if (!strcmp(base, model_of(c, closed + k)))
                over[k] = (int64_t)round;
    }
    return 0;
}

static void
fill(struct fl_overlap *o, const struct chain *c, size_t closed, const int64_t over[2])
{
    memcpy(o->newest[0], model_of(c, c->count), HEX);
    memcpy(o->newest[1], model_of(c, closed), HEX);
    o->waits = over[0] >= 0;
    if (o->waits) {
        const bool first = !c->count;
        o->round = (uint64_t)over[0];
        o->file = first ? "first" : "closed";
        memcpy(o->model, model_of(c, first ? 0 : closed + 1), HEX);
    }
    for (size_t k = 0; k < 2 && !o->opens && closed + k <= c->count; k++) {
        if (over[k] >= 0)
            continue;
        const size_t i = closed + k;
        o->opens = true;
        memcpy(o->base, model_of(c, i), HEX);
        o->after = i ? (int64_t)c->links[i - 1].round : -1;
    }
}

int
fl_overlap_look(struct fl_standing *s, struct fl_overlap *o)
{
    struct chain c = {0};
    int64_t over[2];
    int failed = 0;

    *o = (struct fl_overlap){.after = -1};
    fl_hex(c.first, s->setup.roster.model, sizeof s->setup.roster.model);
    for (size_t i = 0; i < s->count && !failed; i++)
        if (s->rounds[i] >= (uint64_t)s->setup.roster.first_round)
            failed = add_link(&c, s, s->rounds[i], "first") ||
                     add_link(&c, s, s->rounds[i], "closed");
    if (!failed) {
        put_in_order(&c);
        const size_t closed = c.count ? c.count - 1 : 0; /* the first mean makes two links */
        failed = find_open(s, &c, closed, over, o);
        if (!failed)
            fill(o, &c, closed, over);
    }
    free(c.links);
    return failed ? -1 : 0;
}
