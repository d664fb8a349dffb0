/*
 * The rule of sets over several rounds, replayed for each helper from the answers that it signed.
 * A helper measures models by sketches under a key of its own, which nobody can repeat. What
 * everybody can know is how far each round's step went: computed here, or signed by all parties
 * under replay. So models lie on a line, at the sum of the steps before them, and two of them are
 * at most as far apart as their places. What is near by that, well within the edge, was near for
 * the helper too; where a step is not known a new line begins, far from the others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/published.h"
#include "fed/verify_parts.h"
#include "sec/near.h"

/* A sketch is off by some percent: what is below this share of the edge no helper takes for far. */
static const double SURE = 0.75;
static const double FAR = 1e30;

struct place {
    unsigned char params[32];
    size_t line;
    double at;
};

/* The sets that one helper has answered. */
struct answering {
    unsigned char sign[32];
    struct fl_near near;
    struct fl_buf rounds;
};

struct fl_verify_past {
    struct place *places;
    size_t place_count, place_cap;
    size_t lines;
    struct answering *helpers;
    size_t helper_count, helper_cap;
};

struct fl_verify_past *
fl_verify_past_new(void)
{
    return fl_alloc(1, sizeof(struct fl_verify_past));
}

void
fl_verify_past_free(struct fl_verify_past *past)
{
    if (!past)
        return;
    for (size_t i = 0; i < past->helper_count; i++) {
        fl_near_release(&past->helpers[i].near);
        fl_buf_release(&past->helpers[i].rounds);
    }
    free(past->helpers);
    free(past->places);
    free(past);
}

/* The place of these PARAMS: that which they have, else AT on LINE. NULL with an error. */
static const struct place *
place_of(struct fl_verify_past *past, const unsigned char params[32], size_t line, double at)
{
    for (size_t i = 0; i < past->place_count; i++)
        if (!memcmp(past->places[i].params, params, 32))
            return &past->places[i];
    struct place *grown = fl_grow(past->places, past->place_count, &past->place_cap, sizeof *grown);
    if (!grown)
        return NULL;
    past->places = grown;
    struct place *place = &grown[past->place_count++];
    *place = (struct place){.line = line, .at = at};
    memcpy(place->params, params, 32);
    past->lines += line == past->lines;
    return place;
}

static struct answering *
answering_of(struct fl_verify_past *past, const unsigned char sign[32])
{
    for (size_t i = 0; i < past->helper_count; i++)
        if (!memcmp(past->helpers[i].sign, sign, 32))
            return &past->helpers[i];
    struct answering *grown = fl_grow(past->helpers, past->helper_count, &past->helper_cap,
                                      sizeof *grown);
    if (!grown)
        return NULL;
    past->helpers = grown;
    struct answering *helper = &grown[past->helper_count++];
    *helper = (struct answering){0};
    memcpy(helper->sign, sign, 32);
    return helper;
}

/* A helper answered for the set after others that do not go with it, as the error says. */
static int
add_broken(struct fl_verify *v, const struct answering *helper, const char *name)
{
    struct fl_buf reason = {0};
    char *path = fl_published(v->set->folder, "answer", name);
    int failed = !path ||
                 fl_buf_printf(&reason,
                               "breaks the rule of sets: \"%s\" answered before in %.300s; %s",
                               name, fl_buf_text(&helper->rounds), fl_error_text());
    const struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                                 .status = FL_REFUSED,
                                 .file = path,
                                 .party = name,
                                 .found = v->asked->request.set,
                                 .reason = failed ? NULL : fl_buf_text(&reason)};

    failed = failed || fl_findings_add(&v->findings, &f);
    fl_buf_release(&reason);
    free(path);
    return failed ? -1 : 0;
}

static int
judge(struct fl_verify *v, size_t h, const struct place *place, const uint32_t *sites, size_t count)
{
    const struct fl_line *party = &v->plan.roster.parties[v->plan.roster.helpers[h]];
    struct answering *helper = answering_of(v->past, party->sign);
    struct fl_near_base *base = helper ? fl_near_add(&helper->near, v->plan.params, NULL) : NULL;
    const double move = v->plan.roster.move;

    if (!base)
        return -1;
    base->sketched = true;
    base->sketch.sum[0] = (double)place->line * FAR;
    base->sketch.sum[1] = place->at;
    v->plan.roster.move = SURE * move;
    int bad = fl_near_check(&helper->near, base, &v->plan, sites, count);
    v->plan.roster.move = move;
    if (bad && (fl_error_status() != FL_REFUSED || add_broken(v, helper, party->name)))
        return -1;
    return fl_near_record(&helper->near, base, &v->plan, sites, count) ||
                   fl_buf_printf(&helper->rounds, "%s%s (%zu sites)",
                                 helper->rounds.len ? ", " : "", v->set->folder, count)
               ? -1
               : 0;
}

/* Did helper H answer for the set that was asked for? */
static bool
answered(const struct fl_verify *v, size_t h)
{
    const unsigned char *set = v->asked->request.set;

    return (v->in.answered[h] && !memcmp(v->in.sets[h], set, 32)) ||
           (v->beside.answered[h] && !memcmp(v->beside.sets[h], set, 32));
}

int
fl_verify_sets(struct fl_verify *v)
{
    const struct fl_request *r = v->asked ? &v->asked->request : NULL;

    if (!v->past || !r)
        return 0;
    const struct place *place = place_of(v->past, v->plan.params, v->past->lines, 0);
    uint32_t *sites = fl_alloc(r->count, sizeof *sites);
    int failed = !place || !sites;
    for (size_t i = 0; i < r->count && !failed; i++)
        sites[i] = r->uploads[i].upload.from.party;
    for (size_t h = 0; h < v->plan.roster.m && !failed; h++)
        if (answered(v, h))
            failed = judge(v, h, place, sites, r->count);
    free(sites);
    return failed ? -1 : 0;
}

int
fl_verify_step(struct fl_verify *v)
{
    const struct fl_opened_head *step = v->stepped ? &v->replay.opened : &v->signed_for;
    const bool all = v->signatures && v->signatures == v->plan.roster.replay_count;

    if (!v->past || (!v->stepped && !all))
        return 0;
    const struct place *from = place_of(v->past, v->plan.params, v->past->lines, 0);
    return from && place_of(v->past, step->next_params, from->line, from->at + step->distance) ? 0
                                                                                               : -1;
}
