/*
 * Rounds that lie in folders beside each other are verified in their order, so that what came of
 * one is what the next begins from, and the sets of all of them are held against each other.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/published.h"
#include "fed/verify_chain.h"
#include "os/file.h"

struct round {
    char *folder, *plan;
    int64_t epoch;
    uint64_t round;
    struct fl_verify_link link; /* its plan NULL: it cannot be read */
    bool taken;
};

struct rounds {
    size_t count, cap;
    struct round *rounds;
};

static void
release(struct rounds *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->rounds[i].folder);
        free(all->rounds[i].plan);
    }
    free(all->rounds);
}

/* "FOLDER/NAME" into ALL, when a plan lies in it. 0 or -1. */
static int
add(struct rounds *all, const char *folder, const char *name)
{
    char *plan = *name == '.' ? NULL : fl_published(folder, name, "plan");

    if (*name == '.')
        return 0;
    if (!plan)
        return -1;
    if (access(plan, F_OK)) { /* NAME is a file, or holds no plan */
        free(plan);
        return 0;
    }
    struct round *grown = fl_grow(all->rounds, all->count, &all->cap, sizeof *grown);
    if (!grown) {
        free(plan);
        return -1;
    }
    all->rounds = grown;
    plan[strlen(plan) - strlen("/plan.flt")] = '\0';
    grown[all->count++] = (struct round){.folder = plan};
    return 0;
}

static int
list(struct rounds *all, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int failed = 0;

    while (dir && !failed && (entry = readdir(dir)))
        failed = add(all, folder, entry->d_name);
    if (dir)
        closedir(dir);
    return failed ? -1 : 0;
}

int
fl_verify_several(const char *folder)
{
    struct rounds all = {0};
    char *plan = fl_published(folder, NULL, "plan");
    int several = !plan                     ? -1
                  : !fl_input_missing(plan) ? 0
                  : list(&all, folder)      ? -1
                                            : all.count > 0;

    free(plan);
    release(&all);
    return several;
}

static int
in_order(const void *a, const void *b)
{
    const struct round *x = a, *y = b;
    int order = (x->epoch > y->epoch) - (x->epoch < y->epoch);

    order = order ? order : (x->round > y->round) - (x->round < y->round);
    return order ? order : strcmp(x->folder, y->folder);
}

/* Sorted by what their plans say; one that cannot be read comes first, and is told when it is. */
static int
sort(struct rounds *all, struct fl_pool *pool)
{
    for (size_t i = 0; i < all->count; i++) {
        struct round *r = &all->rounds[i];
        struct fl_plan plan = {0};
        if (!(r->plan = fl_published(r->folder, NULL, "plan")))
            return -1;
        if (!fl_plan_read(&plan, r->plan, pool)) {
            r->epoch = plan.roster.epoch;
            r->round = plan.round;
            r->link = (struct fl_verify_link){.plan = r->plan,
                                              .delay = plan.roster.delay,
                                              .first = !memcmp(plan.base, plan.roster.model, 32),
                                              .has_after = plan.has_after};
            memcpy(r->link.base, plan.base, 32);
            memcpy(r->link.after, plan.after, 32);
        }
        fl_plan_release(&plan);
    }
    if (all->count)
        qsort(all->rounds, all->count, sizeof *all->rounds, in_order);
    return 0;
}

/*
 * The first that was not taken; where rounds overlap, the first of them whose step can be taken,
 * since one that was given up and repeated has a later number than its place in the chain.
 */
static struct round *
next_of(const struct rounds *all, const struct fl_verify_chain *c)
{
    struct round *first = NULL;
    struct fl_verify_known known;

    for (size_t i = 0; i < all->count; i++) {
        struct round *r = &all->rounds[i];
        if (r->taken)
            continue;
        if (r->link.delay && fl_verify_chain_find(c, &r->link, &known))
            return r;
        first = first ? first : r;
        if (!r->link.delay)
            break;
    }
    return first;
}

/* The epoch's first mean steps the model that it has just made once more. 0 or -1. */
static int
step_again(struct fl_verify *v, struct fl_verify_settings *own, struct fl_verify_chain *c,
           const struct fl_verify_link *link)
{
    struct fl_verify_known known;
    struct fl_verify_link after = *link;

    after.first = false;
    if (!fl_verify_chain_find(c, &after, &known))
        return 0;
    own->model = known.model;
    own->velocity = known.velocity;
    v->stepped = false;
    if (v->velocity >= 0)
        close(v->velocity);
    v->velocity = -1;
    return fl_verify_model(v) || fl_verify_next(v) || fl_verify_chain_add(c, link, v) ? -1 : 0;
}

static int
take(const struct fl_verify_settings *set, struct round *r, bool last, struct fl_verify_chain *c,
     struct fl_verify_past *past, struct fl_verify_seen *seen, fl_verify_whole *whole,
     struct fl_findings *findings, struct fl_findings *good)
{
    struct fl_verify_settings own = *set;
    struct fl_verify v = {.set = &own, .past = past, .seen = seen, .findings = *findings};
    struct fl_verify_known known = {0};
    const bool begins = r->link.plan && fl_verify_chain_find(c, &r->link, &known);
    const bool twice = begins && r->link.delay && r->link.first;

    r->taken = true;
    v.sum = v.mean = v.next = v.velocity = -1;
    own.folder = r->folder;
    own.model = known.model;
    own.velocity = known.velocity;
    own.next = last && begins && !twice ? set->next : NULL;
    int failed = whole(&v, good);
    if (!failed && begins)
        failed = fl_verify_chain_check(c, &r->link, &v) || fl_verify_chain_add(c, &r->link, &v);
    else if (!failed && set->model && r->link.plan)
        failed = fl_verify_chain_blame(c, &r->link, &v);
    if (!failed && twice && v.stepped) {
        own.next = last ? set->next : NULL;
        failed = step_again(&v, &own, c, &r->link);
    }
    *findings = v.findings;
    v.findings = (struct fl_findings){0};
    fl_verify_release(&v);
    return failed ? -1 : 0;
}

int
fl_verify_rounds(const struct fl_verify_settings *set, fl_verify_whole *whole,
                 struct fl_findings *findings, struct fl_findings *good)
{
    struct fl_verify_past *past = fl_verify_past_new();
    struct fl_verify_seen *seen = fl_verify_seen_new();
    struct rounds all = {0};
    struct fl_verify_chain *c = fl_verify_chain_new(set);
    int failed = !c || !past || !seen || list(&all, set->folder);

    if (!failed && set->key)
        failed = fl_error(FL_USAGE,
                          "%s: holds several rounds; a party under replay signs for one: "
                          "give the folder of that",
                          set->folder);
    failed = failed || sort(&all, set->pool);
    for (size_t i = 0; i < all.count && !failed; i++)
        failed = take(set, next_of(&all, c), i + 1 == all.count, c, past, seen, whole, findings,
                      good);
    fl_verify_chain_free(c);
    fl_verify_past_free(past);
    fl_verify_seen_free(seen);
    release(&all);
    return failed ? -1 : 0;
}
