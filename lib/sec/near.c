/*
 * Sets are collected from all bases that count, the new one last, and judged together. What a hub
 * only asked for is no promise, and is counted where a set is chosen, not where one is judged:
 * helpers judge.
 */
#include "sec/near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "sec/set.h"

void
fl_near_release(struct fl_near *near)
{
    for (size_t b = 0; b < near->base_count; b++) {
        for (size_t s = 0; s < near->bases[b].set_count; s++)
            free(near->bases[b].sets[s].bits);
        free(near->bases[b].sets);
    }
    free(near->bases);
    free(near->members);
    fl_wipe(near, sizeof *near);
}

struct fl_near_base *
fl_near_find(const struct fl_near *near, const unsigned char object[32])
{
    for (size_t b = 0; b < near->base_count; b++)
        if (!memcmp(near->bases[b].object, object, 32))
            return &near->bases[b];
    return NULL;
}

struct fl_near_base *
fl_near_add(struct fl_near *near, const unsigned char object[32], struct fl_object *model)
{
    struct fl_near_base *base = fl_near_find(near, object);

    if (!base) {
        struct fl_near_base *grown = fl_grow(near->bases, near->base_count, &near->base_cap,
                                             sizeof *grown);
        if (!grown)
            return NULL;
        near->bases = grown;
        base = &grown[near->base_count++];
        *base = (struct fl_near_base){0};
        memcpy(base->object, object, 32);
    }
    if (base->sketched || !model)
        return base;
    if (!near->keyed)
        fl_random_bytes(near->key, sizeof near->key);
    near->keyed = true;
    if (fl_sketch_make(&base->sketch, model, near->key))
        return NULL;
    base->sketched = true;
    return base;
}

double
fl_near_distance(const struct fl_near_base *a, const struct fl_near_base *b)
{
    if (!memcmp(a->object, b->object, 32) || !a->sketched || !b->sketched)
        return 0;
    return fl_sketch_distance(&a->sketch, &b->sketch);
}

/* The number of a member, added when it is new; SIZE_MAX with an error. */
static size_t
number_of(struct fl_near *near, const unsigned char key[32])
{
    for (size_t k = 0; k < near->member_count; k++)
        if (!memcmp(near->members[k], key, 32))
            return k;
    unsigned char(*grown)[32] = fl_grow(near->members, near->member_count, &near->member_cap,
                                        sizeof *grown);
    if (!grown)
        return SIZE_MAX;
    near->members = grown;
    memcpy(grown[near->member_count], key, 32);
    return near->member_count++;
}

/*
 * Number of each of the roster's sites. With the members in the roster's order, as after a first
 * epoch, each is found at its place; O(n members) otherwise.
 */
static size_t *
number_sites(struct fl_near *near, const struct fl_roster *r)
{
    size_t *numbers = fl_alloc(r->n, sizeof *numbers);

    for (size_t i = 0; numbers && i < r->n; i++) {
        const unsigned char *key = r->parties[i].sign;
        bool there = i < near->member_count && !memcmp(near->members[i], key, 32);
        numbers[i] = there ? i : number_of(near, key);
        if (numbers[i] == SIZE_MAX) {
            free(numbers);
            return NULL;
        }
    }
    return numbers;
}

/* Sets that count beside a new one, as bits over all members; room for one more at the end. */
struct gathered {
    size_t *numbers; /* of the roster's sites */
    size_t keys, count;
    unsigned char *sets;
};

static bool
counts(const struct fl_near_base *other, const struct fl_near_base *base,
       const struct fl_plan *plan)
{
    if (plan->roster.weights.hide && other->epoch == plan->roster.epoch)
        return true;
    double distance = fl_near_distance(other, base); /* NaN, of models that hold such, is near */
    return distance == 0 || !(distance >= fl_sketch_edge(plan));
}

static bool
same_set(const struct fl_near_set *set, const unsigned char *bits, size_t bytes)
{
    for (size_t i = 0; i < bytes || i < set->bytes; i++)
        if ((i < set->bytes ? set->bits[i] : 0) != (i < bytes ? bits[i] : 0))
            return false;
    return true;
}

/* Each set once: the same sites over many models teach nothing new. */
static int
gather_set(struct gathered *g, const struct fl_near_set *set)
{
    const size_t bytes = fl_set_bytes(g->keys);

    for (size_t s = 0; s < g->count; s++)
        if (same_set(set, g->sets + s * bytes, bytes))
            return 0;
    if (g->count == FL_NEAR_SETS_MAX)
        return fl_error(FL_REFUSED,
                        "%d different sets were summed over models as near as this one, and more "
                        "are not watched; continue from a model that is further away",
                        FL_NEAR_SETS_MAX);
    memcpy(g->sets + g->count++ * bytes, set->bits, set->bytes);
    return 0;
}

/* Does this set count in the plan's round; WISHES: what was asked for in others too? */
static bool
set_counts(const struct fl_near_set *set, const struct fl_plan *plan, bool wishes)
{
    return !set->asked || (wishes && memcmp(set->plan, plan->digest, 32));
}

static bool
any_counts(const struct fl_near_base *base, const struct fl_plan *plan, bool wishes)
{
    for (size_t s = 0; s < base->set_count; s++)
        if (set_counts(&base->sets[s], plan, wishes))
            return true;
    return false;
}

/*
 * Which bases with sets COUNT (base_count; zeroed) beside BASE: those near it, those near one of
 * these, and so on. Near is not transitive, and sums over three models in a row, of which only
 * neighbours are near, can cancel all but one site of the one in the middle (found by
 * tests/model). Each base is compared once with each that counts.
 */
static int
connected(const struct fl_near *near, const struct fl_near_base *base, const struct fl_plan *plan,
          bool wishes, bool *count)
{
    size_t *queue = fl_alloc(near->base_count + 1, sizeof *queue);
    const struct fl_near_base *from = base;
    size_t at = 0, end = 0;

    if (!queue)
        return -1;
    for (;; from = &near->bases[queue[at++]]) {
        for (size_t b = 0; b < near->base_count; b++) {
            const struct fl_near_base *other = &near->bases[b];
            if (count[b] || !any_counts(other, plan, wishes) || !counts(other, from, plan))
                continue;
            count[b] = true;
            queue[end++] = b;
        }
        if (at == end)
            break;
    }
    free(queue);
    return 0;
}

static int
gather(struct gathered *g, struct fl_near *near, const struct fl_near_base *base,
       const struct fl_plan *plan, bool wishes)
{
    bool *count = fl_alloc(near->base_count + 1, sizeof *count);
    int failed = !count || connected(near, base, plan, wishes, count);

    *g = (struct gathered){.numbers = number_sites(near, &plan->roster)};
    g->keys = near->member_count;
    g->sets = g->numbers ? fl_alloc(FL_NEAR_SETS_MAX + 1, fl_set_bytes(g->keys)) : NULL;
    failed = failed || !g->sets;
    for (size_t b = 0; b < near->base_count && !failed; b++)
        for (size_t s = 0; count[b] && s < near->bases[b].set_count && !failed; s++)
            failed = set_counts(&near->bases[b].sets[s], plan, wishes) &&
                     gather_set(g, &near->bases[b].sets[s]);
    free(count);
    return failed ? -1 : 0;
}

static void
release(struct gathered *g)
{
    free(g->numbers);
    free(g->sets);
}

/* The name of member K, if the roster has it. */
static const char *
name_of(const struct gathered *g, const struct fl_roster *r, size_t k)
{
    for (size_t i = 0; i < r->n; i++)
        if (g->numbers[i] == k)
            return r->parties[i].name;
    return "a site of an earlier epoch";
}

int
fl_near_check(struct fl_near *near, const struct fl_near_base *base, const struct fl_plan *plan,
              const uint32_t *sites, size_t count)
{
    const size_t min_sum = (size_t)plan->roster.min_sum;
    struct gathered g;
    size_t key = 0, size = 0;
    int result = -1;

    if (!gather(&g, near, base, plan, false)) {
        for (size_t i = 0; i < count; i++)
            fl_set_put(g.sets, g.keys, g.count, g.numbers[sites[i]]);
        result = fl_set_check(g.sets, g.count + 1, g.keys, min_sum, &key, &size);
    }
    if (result == 0)
        fl_error(FL_REFUSED,
                 "with the sums over this or nearly this model that were made before, the sum of "
                 "%zu site%s could be computed, \"%s\" among them; at least %zu must always be "
                 "together: sum the same sites as before, or continue from a model that is further "
                 "away",
                 size, size == 1 ? "" : "s", name_of(&g, &plan->roster, key), min_sum);
    release(&g);
    return result == 1 ? 0 : -1;
}

int
fl_near_fit(struct fl_near *near, const struct fl_near_base *base, const struct fl_plan *plan,
            const uint32_t *here, size_t count, uint32_t *fit, size_t *fitting)
{
    struct gathered g;
    unsigned char *bits = NULL, *chosen = NULL;
    int failed = gather(&g, near, base, plan, true) ||
                 !(bits = fl_alloc(fl_set_bytes(g.keys), 1)) ||
                 !(chosen = fl_alloc(fl_set_bytes(g.keys), 1));

    *fitting = 0;
    for (size_t i = 0; i < count && !failed; i++)
        fl_set_put(bits, g.keys, 0, g.numbers[here[i]]);
    if (!failed)
        failed = fl_set_fit(g.sets, g.count, g.keys, (size_t)plan->roster.min_sum, bits, chosen) <
                 0;
    for (size_t i = 0; i < count && !failed; i++)
        if (fl_set_has(chosen, g.keys, 0, g.numbers[here[i]]))
            fit[(*fitting)++] = here[i];
    free(bits);
    free(chosen);
    release(&g);
    return failed ? -1 : 0;
}

int
fl_near_view(struct fl_near *near, const struct fl_near_base *base, const struct fl_plan *plan,
             bool *must, double *distance)
{
    struct gathered g;
    int failed = gather(&g, near, base, plan, true);

    for (size_t i = 0; i < plan->roster.n && !failed; i++) {
        must[i] = false;
        for (size_t s = 0; s < g.count; s++)
            must[i] |= fl_set_has(g.sets, g.keys, s, g.numbers[i]);
    }
    release(&g);
    *distance = INFINITY;
    for (size_t b = 0; b < near->base_count; b++)
        if (any_counts(&near->bases[b], plan, true))
            *distance = fmin(*distance, fl_near_distance(&near->bases[b], base));
    return failed ? -1 : 0;
}

/* Put the set into its base, as one that was asked for or for good. 0 or -1. */
static int
keep(struct fl_near *near, struct fl_near_base *base, const struct fl_plan *plan,
     const uint32_t *sites, size_t count, bool asked)
{
    size_t *numbers = number_sites(near, &plan->roster);
    const size_t bytes = fl_set_bytes(near->member_count);
    struct fl_near_set set = {numbers ? fl_alloc(bytes, 1) : NULL, bytes, asked, {0}};
    bool there = false;

    memcpy(set.plan, plan->digest, 32);
    for (size_t i = 0; i < count && set.bits; i++)
        fl_set_put(set.bits, near->member_count, 0, numbers[sites[i]]);
    free(numbers);
    if (!set.bits)
        return -1;
    base->epoch = plan->roster.epoch;
    for (size_t s = 0; s < base->set_count; s++) {
        const struct fl_near_set *old = &base->sets[s];
        there |= (!old->asked || (asked && !memcmp(old->plan, set.plan, 32))) &&
                 same_set(old, set.bits, bytes);
    }
    struct fl_near_set *sets = there ? NULL
                                     : fl_grow(base->sets, base->set_count, &base->set_cap,
                                               sizeof *sets);
    if (!sets) {
        free(set.bits);
        return there ? 0 : -1;
    }
    base->sets = sets;
    sets[base->set_count++] = set;
    return 0;
}

int
fl_near_record(struct fl_near *near, struct fl_near_base *base, const struct fl_plan *plan,
               const uint32_t *sites, size_t count)
{
    return keep(near, base, plan, sites, count, false);
}

int
fl_near_ask(struct fl_near *near, struct fl_near_base *base, const struct fl_plan *plan,
            const uint32_t *sites, size_t count)
{
    return keep(near, base, plan, sites, count, true);
}

void
fl_near_forget_asked(struct fl_near *near, const unsigned char plan[32])
{
    for (size_t b = 0; b < near->base_count; b++) {
        struct fl_near_base *base = &near->bases[b];
        size_t kept = 0;
        for (size_t s = 0; s < base->set_count; s++)
            if (base->sets[s].asked && !memcmp(base->sets[s].plan, plan, 32))
                free(base->sets[s].bits);
            else
                base->sets[kept++] = base->sets[s];
        base->set_count = kept;
    }
}
