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
#include "fed/verify_parts.h"
#include "os/file.h"

struct round {
    char *folder;
    int64_t epoch;
    uint64_t round;
};

struct rounds {
    size_t count, cap;
    struct round *rounds;
};

static void
release(struct rounds *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->rounds[i].folder);
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
static void
sort(struct rounds *all, struct fl_pool *pool)
{
    for (size_t i = 0; i < all->count; i++) {
        struct round *r = &all->rounds[i];
        char *path = fl_published(r->folder, NULL, "plan");
        struct fl_plan plan = {0};
        if (path && !fl_plan_read(&plan, path, pool)) {
            r->epoch = plan.roster.epoch;
            r->round = plan.round;
        }
        fl_plan_release(&plan);
        free(path);
    }
    if (all->count)
        qsort(all->rounds, all->count, sizeof *all->rounds, in_order);
}

/* A model that is at hand, and the velocity beside it. */
struct known {
    unsigned char base[32];
    const char *model, *velocity; /* names; NULL: none */
    int fds[2];                   /* spools, or -1 */
    char names[2][FL_SPOOL_NAME];
};

/* What the last step began from, and what it led to: a round may be over the one or the other. */
struct chain {
    struct known from, to;
};

static void
drop(struct known *k)
{
    for (int i = 0; i < 2; i++)
        if (k->fds[i] >= 0)
            close(k->fds[i]);
    *k = (struct known){.fds = {-1, -1}};
}

/* The first model is what was given. */
static int
start(struct chain *c, const struct fl_verify_settings *set)
{
    *c = (struct chain){.from = {.fds = {-1, -1}}, .to = {.fds = {-1, -1}}};
    if (!set->model)
        return 0;
    struct fl_object *o = fl_object_open(set->model, FL_KIND_MODEL);
    int failed = !o || fl_object_digest(o, set->pool, c->to.base);
    fl_object_free(o);
    c->to.model = set->model;
    c->to.velocity = set->velocity;
    return failed ? -1 : 0;
}

/*
 * *FOUND is the one that the plan in FOLDER is over, or NULL. -1 where steps do not begin there.
 */
static int
known_for(const struct chain *c, const char *folder, struct fl_pool *pool,
          const struct known **found)
{
    char *path = fl_published(folder, NULL, "plan");
    struct fl_plan plan = {0};
    int failed = !path;

    *found = NULL;
    if (path && !fl_plan_read(&plan, path, pool)) {
        *found = c->to.model && !memcmp(plan.base, c->to.base, 32)       ? &c->to
                 : c->from.model && !memcmp(plan.base, c->from.base, 32) ? &c->from
                                                                         : NULL;
        if (plan.roster.delay && c->to.model)
            failed = fl_error(FL_USAGE,
                              "%s: has delay: 1, where a step does not begin at the round's "
                              "model; leave out -m, or give it for one round's folder",
                              path);
    }
    fl_plan_release(&plan);
    free(path);
    return failed ? -1 : 0;
}

/* A step was taken from what the last one led to: V's spools are the chain's now. */
static void
step(struct chain *c, struct fl_verify *v)
{
    drop(&c->from);
    c->from = c->to;
    for (int i = 0; i < 2; i++) /* names are where they were */
        if (c->from.fds[i] >= 0)
            *(i ? &c->from.velocity : &c->from.model) = fl_verify_spool(c->from.fds[i],
                                                                        c->from.names[i]);
    c->to = (struct known){.fds = {v->next, -1}};
    c->to.model = fl_verify_spool(v->next, c->to.names[0]);
    memcpy(c->to.base, v->replay.opened.next_base, 32);
    v->next = -1;
    if (v->plan.roster.apply == FL_APPLY_SGD)
        return;
    c->to.fds[1] = v->velocity;
    c->to.velocity = fl_verify_spool(v->velocity, c->to.names[1]);
    v->velocity = -1;
}

static int
take(const struct fl_verify_settings *set, const char *folder, bool last, struct chain *c,
     struct fl_verify_past *past, struct fl_verify_seen *seen, fl_verify_whole *whole,
     struct fl_findings *findings, struct fl_findings *good)
{
    const struct known *known;
    struct fl_verify_settings own = *set;
    struct fl_verify v = {.set = &own, .past = past, .seen = seen, .findings = *findings};

    if (known_for(c, folder, set->pool, &known))
        return -1;
    v.sum = v.mean = v.next = v.velocity = -1;
    own.folder = folder;
    own.model = known ? known->model : NULL;
    own.velocity = known ? known->velocity : NULL;
    own.next = last && known ? set->next : NULL;
    int failed = whole(&v, good);
    *findings = v.findings;
    v.findings = (struct fl_findings){0};
    if (!failed && v.stepped && known == &c->to)
        step(c, &v);
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
    struct chain c;
    int failed = start(&c, set) || !past || !seen || list(&all, set->folder);

    if (!failed && set->key)
        failed = fl_error(FL_USAGE,
                          "%s: holds several rounds; a party under replay signs for one: "
                          "give the folder of that",
                          set->folder);
    if (!failed)
        sort(&all, set->pool);
    for (size_t i = 0; i < all.count && !failed; i++)
        failed = take(set, all.rounds[i].folder, i + 1 == all.count, &c, past, seen, whole,
                      findings, good);
    drop(&c.from);
    drop(&c.to);
    fl_verify_past_free(past);
    fl_verify_seen_free(seen);
    release(&all);
    return failed ? -1 : 0;
}
