/* Masked or plain, added or looked at: the four ways stand side by side here, and nowhere else. */
#include "fed/adding.h"

#include "base/error.h"
#include "fed/inbox.h"
#include "os/file.h"

/* A plan brings its roster along; whose signatures count is for people to say. */
static int
open_masked(struct fl_adding *a)
{
    struct fl_masked_settings *m = &a->set.masked;

    if (!m->plan)
        return 0;
    m->memory = a->set.check ? 0 : a->set.plain.memory;
    m->pool = a->set.plain.pool;
    m->progress = a->set.plain.progress;
    m->level = a->set.level;
    a->masked = fl_masked_open(m);
    return a->masked ? 0 : -1;
}

void
fl_adding_by_round(struct fl_aggregate_settings *settings, struct fl_plain *round)
{
    settings->weighting = &round->weighting;
    settings->weighting_given = true;
    settings->lineage = &round->lineage;
    settings->expected = &round->expected;
    settings->plain = round;
}

/* In a plain round the plan says what options say elsewhere. */
static int
take_plain(struct fl_adding *a)
{
    const struct fl_plan *plan = a->masked ? fl_masked_plan(a->masked) : NULL;
    struct fl_aggregate_settings *to = &a->set.plain;

    if (!plan || plan->roster.protection != FL_PROTECTION_NONE)
        return plan && a->set.explain
                   ? fl_error(FL_USAGE, "--explain: a masked round shows nobody's weight")
                   : 0;
    if (to->partial)
        return fl_error(FL_USAGE, "--partial: a plain round is summed from its uploads; leave out "
                                  "-p to make sums without a round");
    if (fl_plain_start(&a->round, plan))
        return -1;
    fl_adding_by_round(to, &a->round);
    return 0;
}

int
fl_adding_start(struct fl_adding *a, const struct fl_adding_settings *set)
{
    *a = (struct fl_adding){.set = *set};
    if (open_masked(a) || take_plain(a))
        return -1;
    const struct fl_plan *plan = a->masked && !a->round.plan ? fl_masked_plan(a->masked) : NULL;
    const struct fl_inspect_settings inspect = {plan, a->set.plain, set->plain.progress};
    fl_progress_start(set->plain.progress, set->program, "B",
                      plan ? plan->roster.n * plan->words * 8
                           : fl_input_bytes(set->paths, set->count));
    if (set->check)
        return (a->inspect = fl_inspect_new(&inspect)) ? 0 : -1;
    if (!plan)
        return (a->plain = fl_aggregate_new(&a->set.plain)) ? 0 : -1;
    return set->masked.fit ? fl_masked_fit(a->masked, set->paths, set->count) : 0;
}

void
fl_adding_release(struct fl_adding *a)
{
    fl_inspect_free(a->inspect);
    fl_aggregate_free(a->plain);
    fl_plain_release(&a->round);
    fl_masked_free(a->masked);
    *a = (struct fl_adding){0};
}

/* Where it is known who must be in, a file that is not there yet is only not in. */
static int
add_input(struct fl_adding *a, const char *path)
{
    if (a->inspect)
        return fl_inspect_add(a->inspect, path);
    if ((a->masked || fl_expected_any(a->set.plain.expected)) && fl_input_missing(path)) {
        a->set.absent(a->set.arg, path);
        return 0;
    }
    struct fl_reader *in = fl_reader_open(path);
    int result = !in        ? -1
                 : a->plain ? fl_aggregate_add(a->plain, in)
                            : fl_masked_add(a->masked, in);
    fl_reader_free(in);
    return result;
}

int
fl_adding_read(struct fl_adding *a)
{
    const size_t count = a->set.count ? a->set.count : 1;
    const struct fl_inbox inbox = {.plan = a->masked ? fl_masked_plan(a->masked) : NULL,
                                   .plan_file = a->set.masked.plan,
                                   .as = a->set.as,
                                   .pool = a->set.plain.pool,
                                   .progress = a->set.plain.progress};

    if (a->set.as && a->set.count != 1)
        return fl_error(FL_USAGE, "--as is of one file; name it");
    if (a->set.as)
        return inbox.plan ? fl_inbox_check(&inbox, a->set.paths[0])
                          : fl_inbox_check_keys(a->set.masked.roster, a->set.as, a->set.paths[0]);
    for (size_t i = 0; i < count; i++)
        if (add_input(a, a->set.count ? a->set.paths[i] : NULL))
            return -1;
    if (a->inspect)
        return fl_inspect_end(a->inspect);
    return a->plain ? fl_aggregate_check(a->plain) : fl_masked_check(a->masked);
}

int
fl_adding_write(struct fl_adding *a, struct fl_output *out, bool json)
{
    struct fl_progress *progress = a->set.plain.progress;

    fl_progress_end(progress, a->plain ? fl_aggregate_bytes(a->plain) : progress->total, NULL);
    if (a->set.as)
        return fl_output_commit(out);
    if (a->inspect)
        return fl_inspect_write(a->inspect, json, out);
    if (!a->plain)
        return fl_masked_write(a->masked, out);
    struct fl_writer *writer = fl_writer_new(out->fd, out->name, a->set.level);
    int result = writer ? fl_aggregate_write(a->plain, writer) : -1;
    fl_writer_free(writer);
    return result ? -1 : fl_output_commit(out);
}
