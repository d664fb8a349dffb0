/* What differs between the three ends of a round; the ways to them are fed/gather's. */
#include "fed/masked.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/ask.h"
#include "fed/opened.h"

struct fl_masked {
    struct fl_masked_settings set;
    struct fl_plan plan;
    struct fl_lane_sum *sums;
    struct fl_gather gather;
    struct fl_request request;
    struct fl_key *key; /* for a request: */
    struct fl_state *state;
    bool *wanted;
    struct fl_buf left_out;
};

static int
open_state(struct fl_masked *m)
{
    char *dir = NULL;
    int failed = !(m->key = fl_key_read(m->set.key)) ||
                 !(dir = fl_state_dir(m->set.key, m->set.state)) ||
                 !(m->state = fl_state_open(dir, m->key)) ||
                 fl_state_check_plan(m->state, m->key, &m->plan);

    free(dir);
    if (failed)
        return -1;
    if (m->plan.roster.protection != FL_PROTECTION_HELPERS)
        return fl_error(FL_USAGE, "--request asks helpers, and with protection %s there are none",
                        fl_protection_name(m->plan.roster.protection));
    return m->state->section[0].party == FL_SIGNER_HUB
               ? 0
               : fl_error(FL_REFUSED, "%s: is not the key of the roster's hub", m->set.key);
}

struct fl_masked *
fl_masked_open(const struct fl_masked_settings *settings)
{
    struct fl_masked *m = fl_alloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->set = *settings;
    int failed = fl_plan_read(&m->plan, settings->plan, settings->pool) ||
                 (settings->roster &&
                  fl_plan_check_roster(&m->plan, settings->plan, settings->roster)) ||
                 (settings->request && open_state(m));
    if (!failed && settings->memory && m->plan.roster.protection != FL_PROTECTION_NONE)
        failed = !(m->sums = fl_lane_sum_new(&m->plan, settings->memory, settings->progress)) ||
                 fl_gather_start(&m->gather, &m->plan, m->sums,
                                 settings->request ? &m->request : NULL);
    if (!failed)
        return m;
    fl_masked_free(m);
    return NULL;
}

void
fl_masked_free(struct fl_masked *m)
{
    if (!m)
        return;
    fl_gather_release(&m->gather);
    fl_lane_sum_free(m->sums);
    fl_request_release(&m->request);
    fl_state_free(m->state);
    fl_key_free(m->key);
    fl_plan_release(&m->plan);
    fl_buf_release(&m->left_out);
    free(m->wanted);
    free(m);
}

const struct fl_plan *
fl_masked_plan(const struct fl_masked *m)
{
    return &m->plan;
}

int
fl_masked_fit(struct fl_masked *m, const char *const *paths, size_t count)
{
    m->wanted = fl_alloc(m->plan.roster.n, sizeof *m->wanted);
    m->gather.wanted = m->wanted;
    return m->wanted ? fl_ask_fit(m->state, &m->plan, paths, count, m->wanted, &m->left_out) : -1;
}

const char *
fl_masked_left_out(const struct fl_masked *m)
{
    return m->left_out.len ? fl_buf_text(&m->left_out) : "";
}

int
fl_masked_add(struct fl_masked *m, struct fl_reader *in)
{
    return fl_gather_add(&m->gather, in);
}

int
fl_masked_check(struct fl_masked *m)
{
    if (m->set.request)
        return fl_ask_check(m->state, &m->gather);
    if (m->set.partial)
        return fl_gather_check_tags(&m->gather);
    return fl_gather_whole(&m->gather) || fl_opened_check(&m->plan, m->sums, &m->gather.members)
               ? -1
               : 0;
}

static int
write_object(struct fl_masked *m, struct fl_output *out)
{
    struct fl_writer *w = fl_writer_new(out->fd, out->name, m->set.level);
    bool open = !m->set.request && !m->set.partial;
    int failed = !w || (open ? fl_opened_write(&m->plan, m->sums, &m->gather.members, w)
                             : fl_gather_write_sum(&m->gather, w));

    fl_writer_free(w);
    return failed ? -1 : 0;
}

int
fl_masked_write(struct fl_masked *m, struct fl_output *out)
{
    struct fl_output request = FL_OUTPUT_INIT;
    int failed = write_object(m, out);

    if (!failed && m->set.request)
        failed = fl_output_open(&request, m->set.request, FL_OUTPUT_BINARY) ||
                 fl_ask_write(m->state, &m->gather, m->key, request.fd, request.name,
                              m->set.level) ||
                 fl_output_flush(out) || fl_output_flush(&request);
    if (!failed)
        failed = fl_output_commit(out) || (m->set.request && fl_output_commit(&request));
    fl_output_abort(&request);
    return failed ? -1 : 0;
}
