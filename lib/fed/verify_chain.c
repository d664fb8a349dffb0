/*
 * The last few models stay as spools, of all others the digests: two rounds may be over one model,
 * and where rounds overlap, one that was given up is repeated after the next.
 */
#include "fed/verify_chain.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

enum { KNOWN = 4 };

struct known {
    struct fl_verify_known files;
    unsigned char base[32];   /* its own digest */
    unsigned char parent[32]; /* that of the model that was stepped, or zeros */
    bool made;                /* by the mean of this set: */
    unsigned char set[32];
    int fds[2]; /* spools, or -1 */
    char names[2][FL_SPOOL_NAME];
};

struct digests {
    unsigned char (*at)[32];
    size_t count, cap;
};

struct fl_verify_chain {
    struct known known[KNOWN]; /* in a ring */
    size_t count;              /* that were ever known */
    struct digests made;       /* all models that there were, in their order */
    struct digests over;       /* those that rounds are over */
    struct digests open;       /* of these no round over them led on */
};

static bool
has(const struct digests *d, const unsigned char digest[32])
{
    for (size_t i = 0; i < d->count; i++)
        if (!memcmp(d->at[i], digest, 32))
            return true;
    return false;
}

static int
put(struct digests *d, const unsigned char digest[32])
{
    unsigned char(*at)[32] = fl_grow(d->at, d->count, &d->cap, sizeof *at);

    if (!at)
        return -1;
    d->at = at;
    memcpy(at[d->count++], digest, 32);
    return 0;
}

static void
take_out(struct digests *d, const unsigned char digest[32])
{
    for (size_t i = d->count; i-- > 0;)
        if (!memcmp(d->at[i], digest, 32))
            memcpy(d->at[i], d->at[--d->count], 32);
}

static void
drop(struct known *k)
{
    for (int i = 0; i < 2; i++)
        if (k->fds[i] >= 0)
            close(k->fds[i]);
    *k = (struct known){.fds = {-1, -1}};
}

/* The place of another model, of which BASE and PARENT (NULL: none) are the digests; or NULL. */
static struct known *
add(struct fl_verify_chain *c, const unsigned char base[32], const unsigned char *parent)
{
    struct known *k = &c->known[c->count++ % KNOWN];

    drop(k);
    memcpy(k->base, base, 32);
    if (parent)
        memcpy(k->parent, parent, 32);
    return put(&c->made, base) || (parent && put(&c->made, parent)) ? NULL : k;
}

/* The model that was given may be one in the middle, whose metadata names the one before. */
static int
start(struct fl_verify_chain *c, const struct fl_verify_settings *set)
{
    struct fl_object *o = fl_object_open(set->model, FL_KIND_BASE);
    const struct fl_meta_item *parent = o ? fl_meta_find(&fl_object_head(o)->meta, "parent") : NULL;
    unsigned char digest[32];
    struct known *k = NULL;

    if (parent && (parent->type != FL_META_BYTES || parent->count != 32))
        parent = NULL;
    if (o && !fl_object_digest(o, set->pool, digest) &&
        (k = add(c, digest, parent ? parent->value.bytes : NULL)))
        k->files = (struct fl_verify_known){set->model, set->velocity};
    fl_object_free(o);
    return k ? 0 : -1;
}

struct fl_verify_chain *
fl_verify_chain_new(const struct fl_verify_settings *set)
{
    struct fl_verify_chain *c = fl_alloc(1, sizeof *c);

    if (!c)
        return NULL;
    *c = (struct fl_verify_chain){0};
    for (size_t i = 0; i < KNOWN; i++)
        c->known[i] = (struct known){.fds = {-1, -1}};
    if (set->model && start(c, set)) {
        fl_verify_chain_free(c);
        return NULL;
    }
    return c;
}

void
fl_verify_chain_free(struct fl_verify_chain *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < KNOWN; i++)
        drop(&c->known[i]);
    free(c->made.at);
    free(c->over.at);
    free(c->open.at);
    free(c);
}

bool
fl_verify_chain_find(const struct fl_verify_chain *c, const struct fl_verify_link *link,
                     struct fl_verify_known *known)
{
    const bool after = link->delay && !link->first;

    for (size_t i = c->count; i > 0 && i + KNOWN > c->count; i--) {
        const struct known *k = &c->known[(i - 1) % KNOWN];
        if (memcmp(after ? k->parent : k->base, link->base, 32) != 0)
            continue;
        *known = k->files;
        return true;
    }
    return false;
}

int
fl_verify_chain_add(struct fl_verify_chain *c, const struct fl_verify_link *link,
                    struct fl_verify *v)
{
    unsigned char parent[32];

    if (!has(&c->over, link->base) && put(&c->over, link->base))
        return -1;
    if (!v->stepped)
        return has(&c->open, link->base) ? 0 : put(&c->open, link->base);
    for (size_t i = 0; i < KNOWN; i++)
        if (c->known[i].files.model == v->set->model)
            memcpy(parent, c->known[i].base, 32);
    take_out(&c->open, link->base);
    struct known *k = add(c, v->replay.opened.next_base, parent);
    if (!k)
        return -1;
    k->made = true;
    memcpy(k->set, v->replay.opened.set, 32);
    k->fds[0] = v->next;
    k->files.model = fl_verify_spool(v->next, k->names[0]);
    v->next = -1;
    if (v->plan.roster.apply == FL_APPLY_SGD)
        return 0;
    k->fds[1] = v->velocity;
    k->files.velocity = fl_verify_spool(v->velocity, k->names[1]);
    v->velocity = -1;
    return 0;
}

int
fl_verify_chain_check(const struct fl_verify_chain *c, const struct fl_verify_link *link,
                      struct fl_verify *v)
{
    const struct known *made = NULL;

    for (size_t i = 0; i < KNOWN && link->has_after; i++)
        if (c->known[i].made && !memcmp(c->known[i].base, link->base, 32))
            made = &c->known[i];
    if (!made || !memcmp(made->set, link->after, 32))
        return 0;
    const struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                                 .status = FL_REFUSED,
                                 .file = link->plan,
                                 .party = v->plan.roster.hub.name,
                                 .expected = made->set,
                                 .found = link->after,
                                 .reason = "says that its model came of another set of uploads "
                                           "than the one whose mean made it"};
    return fl_findings_add(&v->findings, &f);
}

/* The model that the next plan should be over; NULL: not known. */
static const unsigned char *
expected(const struct fl_verify_chain *c)
{
    for (size_t i = 0; i < c->made.count; i++)
        if (!has(&c->over, c->made.at[i]))
            return c->made.at[i];
    return NULL;
}

int
fl_verify_chain_blame(const struct fl_verify_chain *c, const struct fl_verify_link *link,
                      struct fl_verify *v)
{
    const bool lie = !has(&c->made, link->base) && !c->open.count;
    const struct fl_finding f =
        {.kind = lie ? FL_FINDING_REFUSED : FL_FINDING_SKIPPED,
         .status = lie ? FL_REFUSED : FL_NOT_YET,
         .file = link->plan,
         .party = v->plan.roster.hub.name,
         .expected = lie ? expected(c) : NULL,
         .found = link->base,
         .reason = lie ? "is over a model to which the rounds before it do not lead: one of them "
                         "was left out, or the model was made of something else"
                       : "the round's step could not be recomputed, for want of the model that it "
                         "begins at, which a round before it leads to"};

    return fl_findings_add(&v->findings, &f);
}
