/* Errors about the set name no file: it is of all files together. */
#include "fed/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"

/* The base of a plan that this hub signed. */
static struct fl_near_base *
base_of(struct fl_state *s, const struct fl_plan *plan)
{
    const struct fl_signed_plan *signed_plan = fl_state_plan(s, plan->round);

    if (signed_plan && !memcmp(signed_plan->digest, plan->digest, 32))
        return fl_near_add(&s->near, plan->base, NULL);
    fl_error(FL_REFUSED, "this hub signed another plan for round %llu, or none",
             (unsigned long long)plan->round);
    return NULL;
}

/* The sites of all uploads in PATH, by their heads alone. */
static int
note_here(const struct fl_plan *plan, const char *path, bool *here)
{
    struct fl_reader *in = fl_reader_open(path);
    struct fl_arrival a = {0};
    const struct fl_head *head;
    int got = -1;

    while (in && (got = fl_arrival_expect(in, FL_KIND_MASKED, &head, NULL, NULL)) == 1) {
        if (fl_arrival_begin(&a, plan, head, fl_reader_name(in))) {
            got = -1;
            break;
        }
        here[fl_arrival_sender(&a)->party] = true;
    }
    fl_arrival_release(&a);
    fl_reader_free(in);
    return got;
}

/* Sites of the roster whose flag is WANT, by name. */
static int
list_names(const struct fl_roster *r, const bool *flags, bool want, struct fl_buf *names)
{
    for (size_t i = 0; i < r->n; i++)
        if (flags[i] == want &&
            fl_buf_printf(names, "%s%s", names->len ? ", " : "", r->parties[i].name))
            return -1;
    return 0;
}

static int
no_set(const struct fl_plan *plan, const bool *here, size_t count)
{
    struct fl_buf names = {0};

    if (!list_names(&plan->roster, here, false, &names))
        fl_error(FL_NOT_YET,
                 "of the %zu sites that are here no set can be summed yet, beside those that were "
                 "summed or asked for over this or nearly this model; still missing: %.700s; if no "
                 "helper answered what was asked for, give the files of a set without --fit",
                 count, names.len ? fl_buf_text(&names) : "none, so continue from another model");
    fl_buf_release(&names);
    return -1;
}

static int
choose(struct fl_state *s, const struct fl_plan *plan, const bool *here, bool *wanted)
{
    const size_t n = plan->roster.n;
    struct fl_near_base *base = base_of(s, plan);
    uint32_t *sites = fl_alloc(2 * n, sizeof *sites), *fit = sites ? sites + n : NULL;
    size_t count = 0, fitting = 0;
    int failed = !base || !sites;

    for (size_t i = 0; i < n && !failed; i++)
        if (here[i])
            sites[count++] = (uint32_t)i;
    if (!failed)
        failed = fl_near_fit(&s->near, base, plan, sites, count, fit, &fitting);
    for (size_t i = 0; i < fitting && !failed; i++)
        wanted[fit[i]] = true;
    free(sites);
    return failed ? -1 : fitting ? 0 : no_set(plan, here, count);
}

int
fl_ask_fit(struct fl_state *s, const struct fl_plan *plan, const char *const *paths, size_t count,
           bool *wanted, struct fl_buf *left_out)
{
    const struct fl_roster *r = &plan->roster;
    bool *here = fl_alloc(r->n, sizeof *here);
    int failed = !here;

    if (!failed && !count)
        failed = fl_error(FL_USAGE, "--fit reads its files twice, so they must be operands");
    for (size_t i = 0; i < count && !failed; i++)
        if (!fl_input_missing(paths[i]))
            failed = note_here(plan, paths[i], here);
    if (!failed)
        failed = choose(s, plan, here, wanted);
    for (size_t i = 0; i < r->n && !failed; i++)
        here[i] = here[i] && !wanted[i];
    if (!failed)
        failed = list_names(r, here, true, left_out);
    free(here);
    return failed ? -1 : 0;
}

int
fl_ask_check(struct fl_state *s, const struct fl_gather *g)
{
    const struct fl_members *m = &g->members;
    struct fl_near_base *base = base_of(s, g->plan);

    if (!base || fl_gather_enough(g))
        return -1;
    return fl_near_check(&s->near, base, g->plan, m->sites, m->count);
}

int
fl_ask_write(struct fl_state *s, const struct fl_gather *g, const struct fl_key *key, int fd,
             const char *name, int level)
{
    const struct fl_roster *r = &g->plan->roster;
    const struct fl_members *m = &g->members;
    struct fl_signed_plan *asked = fl_state_plan(s, g->plan->round);
    struct fl_near_base *base = base_of(s, g->plan);

    if (!base || fl_request_write(g->request, g->plan, key, fd, name, level) ||
        fl_near_ask(&s->near, base, g->plan, m->sites, m->count))
        return -1;
    asked->asked = true;
    memcpy(asked->set, g->request->set, 32);
    for (size_t i = 0; i < m->count; i++)
        if (fl_state_count(s, r->parties[m->sites[i]].sign, false, &m->uploads[i]))
            return -1;
    return fl_state_save(s);
}
