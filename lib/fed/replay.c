/*
 * A helper takes the request whose set it answered: neither the hub nor whoever copied the folder
 * chooses what is opened.
 */
#include "fed/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "fed/gather.h"
#include "fed/opened.h"
#include "fed/published.h"
#include "flt/values.h"
#include "os/file.h"

/* Read one, and keep it when it makes SET (NULL: whatever it makes): 1, 0 or -1. */
static int
try_request(const struct fl_replay *r, const char *name, const unsigned char *set,
            struct fl_request *request)
{
    char *path = fl_published(r->folder, NULL, name);
    int found = path && !fl_request_read(request, r->plan, path, r->pool) ? 1 : -1;

    if (found == 1 && set && memcmp(request->set, set, 32)) {
        fl_request_release(request);
        found = 0;
    }
    free(path);
    return found;
}

static int
find_request(const struct fl_replay *r, const unsigned char *set, struct fl_request *request)
{
    struct fl_published_list files;
    int found = 0;

    if (fl_published_list(&files, r->folder, NULL))
        return -1;
    for (size_t i = 0; i < files.count && !found; i++)
        if (fl_published_is(files.names[i], "request"))
            found = try_request(r, files.names[i], set, request);
    fl_published_release(&files);
    if (found == 0)
        return fl_error(FL_NOT_YET, "%s: %s", r->folder,
                        set ? "the request that was answered is not there" : "has no request");
    return found == 1 ? 0 : -1;
}

/* ---- the sum ---- */

/* One message of the round into the sums; it must be there, and, with DIGEST, this one. */
static int
add_file(const struct fl_replay *r, struct fl_gather *g, const char *sub, uint32_t party,
         const unsigned char *digest)
{
    char *path = fl_published(r->folder, sub, r->plan->roster.parties[party].name);
    struct fl_reader *in = NULL;
    int failed = !path;

    if (path && access(path, F_OK))
        failed = fl_error(FL_NOT_YET, "%s: is not there yet", path);
    if (!failed)
        failed = !(in = fl_reader_open(path)) || fl_gather_add(g, in);
    if (!failed && digest && memcmp(g->arrival.digest, digest, 32))
        failed = fl_error(FL_REFUSED, "%s: is not the upload that the request shows", path);
    fl_reader_free(in);
    free(path);
    return failed ? -1 : 0;
}

static int
gather_pairwise(const struct fl_replay *r, struct fl_gather *g)
{
    for (uint32_t i = 0; i < r->plan->roster.n; i++)
        if (add_file(r, g, "up", i, NULL))
            return -1;
    return 0;
}

static int
gather_helpers(const struct fl_replay *r, const unsigned char *set, struct fl_gather *g)
{
    const struct fl_roster *roster = &r->plan->roster;
    struct fl_request request = {0};
    int failed = find_request(r, set, &request);

    for (size_t i = 0; i < request.count && !failed; i++)
        failed = add_file(r, g, "up", request.uploads[i].upload.from.party,
                          request.uploads[i].digest);
    for (size_t h = 0; h < roster->m && !failed; h++)
        failed = add_file(r, g, "answer", roster->helpers[h], NULL);
    fl_request_release(&request);
    return failed ? -1 : 0;
}

/* The mean into the spool FD. */
static int
write_mean(const struct fl_replay *r, const struct fl_gather *g, int fd)
{
    if (fl_opened_check(r->plan, g->sums, &g->members))
        return -1;
    struct fl_writer *w = fl_writer_new(fd, "temporary file", 0);
    int failed = !w || fl_opened_write(r->plan, g->sums, &g->members, w);
    fl_writer_free(w);
    return failed ? -1 : 0;
}

static int
open_sum(struct fl_replay *r, const unsigned char *set, int fd)
{
    const bool helpers = r->plan->roster.protection == FL_PROTECTION_HELPERS;
    struct fl_lane_sum *sums = fl_lane_sum_new(r->plan, r->memory, NULL);
    struct fl_gather g = {0};
    int failed = !sums || fl_gather_start(&g, r->plan, sums, NULL) ||
                 (helpers ? gather_helpers(r, set, &g) : gather_pairwise(r, &g)) ||
                 fl_gather_whole(&g) || fl_members_set(&g.members, r->plan, r->opened.set) ||
                 write_mean(r, &g, fd);

    if (g.plan)
        fl_gather_release(&g);
    fl_lane_sum_free(sums);
    return failed ? -1 : 0;
}

/* ---- the step ---- */

/* Whose step it is: STATE is a helper's, which follows; NULL when the round is only done again. */
struct stepping {
    const struct fl_replay *r;
    struct fl_state *state;
    const struct fl_opened_head *want; /* what others signed for, or NULL */
    const char *mean;
};

/*
 * A velocity that says that it has taken the step before could hold any numbers and lead to any
 * model. The one that an earlier run of this helper wrote is in its state, before it is in place.
 */
static int
settle(void *arg, const unsigned char velocity[32], bool again)
{
    const struct stepping *s = arg;
    struct fl_helper_now *now = s->state ? &s->state->section[0].now : NULL;

    if (again && (!now || !now->coming || memcmp(now->next_velocity, velocity, 32)))
        return fl_error(FL_REFUSED,
                        "%s: says that it has taken this step already, and it is not what this "
                        "key wrote; take the velocity that came with the model",
                        s->r->velocity);
    if (again || !now)
        return 0;
    now->coming = true;
    memcpy(now->next_velocity, velocity, 32);
    return fl_state_save(s->state);
}

static int
digest_of(const char *path, const char *kind, struct fl_pool *pool, unsigned char digest[32])
{
    struct fl_object *o = fl_object_open(path, kind);
    int failed = !o || fl_object_digest(o, pool, digest);

    fl_object_free(o);
    return failed ? -1 : 0;
}

/* The model in the file NEXT, which has not appeared yet, is the one that was signed for. */
static int
leads_there(void *arg, const char *next)
{
    const struct stepping *s = arg;
    unsigned char digest[32];

    if (digest_of(next, FL_KIND_BASE, s->r->pool, digest))
        return -1;
    return memcmp(digest, s->want->next_base, 32)
               ? fl_error(
                     FL_REFUSED,
                     "%s: does not lead to the model that was signed for; fetch the mean again",
                     s->mean)
               : 0;
}

/* WANT, if not NULL: what must come of it, else neither model nor velocity is replaced. */
static int
take_step(const struct fl_replay *r, const char *mean, struct fl_state *state,
          const struct fl_opened_head *want)
{
    struct stepping stepping = {r, state, want, mean};
    const struct fl_roster *roster = &r->plan->roster;
    struct fl_server_step step = {.rule = roster->apply,
                                  .lr = roster->lr,
                                  .momentum = roster->momentum,
                                  .plan = r->plan,
                                  .pool = r->pool};
    struct fl_step_files files = {.model = r->model,
                                  .update = mean,
                                  .state = r->velocity,
                                  .output = r->output,
                                  .level = r->level,
                                  .program = r->program,
                                  .settle = settle,
                                  .judge = want ? leads_there : NULL,
                                  .arg = &stepping};

    return fl_step_take(&step, &files);
}

/* Sum of squares of the differences of one tensor. */
static int
add_squares(struct fl_object *a, size_t i, struct fl_object *b, double *sum)
{
    enum { ROW = 8192 };
    uint64_t count = fl_dtype_count(fl_object_tensor(a, i)->dtype, fl_object_bytes(a, i));
    struct fl_view x = {0}, y = {0};
    float p[ROW], q[ROW];
    int failed = 0;

    for (uint64_t at = 0; !failed && at < count; at += ROW) {
        size_t n = fl_piece(count - at, ROW);
        if ((failed = fl_view_values(a, i, at, n, &x) || fl_view_values(b, i, at, n, &y)))
            break;
        const float *u = fl_view_f32(&x, at, n, p), *v = fl_view_f32(&y, at, n, q);
        for (size_t k = 0; k < n; k++)
            *sum += ((double)v[k] - (double)u[k]) * ((double)v[k] - (double)u[k]);
    }
    fl_view_release(&x);
    fl_view_release(&y);
    return failed ? -1 : 0;
}

static int
measure_step(const struct fl_replay *r, struct fl_object *next, double *distance)
{
    struct fl_object *model = fl_object_open(r->model, FL_KIND_BASE);
    double sum = 0;
    int failed = !model;

    for (size_t i = 0; !failed && i < fl_object_count(model); i++)
        if (fl_schema_trains(fl_object_tensor(model, i)))
            failed = add_squares(model, i, next, &sum);
    fl_object_free(model);
    *distance = sqrt(sum);
    return failed ? -1 : 0;
}

int
fl_replay_look(struct fl_replay *r)
{
    struct fl_opened_head *h = &r->opened;
    struct fl_object *next = fl_object_open(r->output, FL_KIND_BASE);

    h->has_velocity = r->plan->roster.apply != FL_APPLY_SGD;
    int failed = !next || fl_object_digest(next, r->pool, h->next_base) ||
                 fl_object_params(next, r->pool, h->next_params) ||
                 measure_step(r, next, &h->distance) ||
                 (h->has_velocity &&
                  digest_of(r->velocity, FL_KIND_OPTIMIZER, r->pool, h->next_velocity));
    fl_object_free(next);
    return failed ? -1 : 0;
}

/* "/dev/fd/N": the name of a spool, to be opened from its beginning. */
static const char *
spool_name(int fd, char name[32])
{
    snprintf(name, 32, "/dev/fd/%d", fd);
    return name;
}

static int
replay(struct fl_replay *r, const unsigned char *set, struct fl_state *state)
{
    char name[32];
    int fd = fl_spool_open();
    int failed = fd < 0 || open_sum(r, set, fd) ||
                 take_step(r, spool_name(fd, name), state, NULL) || fl_replay_look(r);

    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

int
fl_replay_round(struct fl_replay *r, const unsigned char *set)
{
    return replay(r, set, NULL);
}

int
fl_replay_sign(const struct fl_replay *r, uint32_t party, const struct fl_key *key, int fd,
               const char *name)
{
    struct fl_opened_head head = r->opened;
    struct fl_meta meta = {0};
    struct fl_sign sign;
    unsigned char digest[32];
    struct fl_writer *w = fl_writer_new(fd, name, 0);

    head.party = party;
    int failed = !w || fl_opened_head_encode(&head, r->plan, &meta);
    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_OPENED, &meta) || fl_writer_done(w);
    }
    if (!failed) {
        fl_writer_digest(w, digest);
        fl_roster_sign(&r->plan->roster, party, key, FL_KIND_OPENED, digest, &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    return failed ? -1 : 0;
}

/* ---- a helper follows ---- */

int
fl_replay_opened(const struct fl_replay *r, uint32_t party, struct fl_opened_head *h)
{
    char *path = fl_published(r->folder, "opened", r->plan->roster.parties[party].name);
    unsigned char digest[32];
    bool own = false;

    if (!path || access(path, F_OK)) {
        int absent = path ? 0 : -1;
        free(path);
        return absent;
    }
    struct fl_object *o = fl_object_open(path, FL_KIND_OPENED);
    int failed = !o || fl_object_digest(o, r->pool, digest);
    for (size_t i = 0; !failed && i < fl_object_sign_count(o); i++) {
        const struct fl_sign *sign = fl_object_sign(o, i);
        failed = fl_roster_check_sign(&r->plan->roster, FL_KIND_OPENED, digest, sign);
        own |= sign->signer == party;
    }
    if (!failed)
        failed = fl_opened_head_decode(h, r->plan, &fl_object_head(o)->meta);
    if (!failed && (!own || h->party != party))
        failed = fl_error(FL_REFUSED, "is not signed by \"%s\"",
                          r->plan->roster.parties[party].name);
    if (failed && o)
        fl_error_about(path);
    fl_object_free(o);
    free(path);
    return failed ? -1 : 1;
}

bool
fl_replay_same(const struct fl_opened_head *a, const struct fl_opened_head *b)
{
    return !memcmp(a->set, b->set, 32) && !memcmp(a->next_base, b->next_base, 32) &&
           !memcmp(a->next_params, b->next_params, 32) && a->has_velocity == b->has_velocity &&
           (!a->has_velocity || !memcmp(a->next_velocity, b->next_velocity, 32));
}

/* Have all that the roster names signed for one result of SET? 1: it is in *H. 0: no. -1. */
static int
replayed(const struct fl_replay *r, const unsigned char set[32], struct fl_opened_head *h)
{
    const struct fl_roster *roster = &r->plan->roster;

    for (size_t i = 0; i < roster->replay_count; i++) {
        struct fl_opened_head other;
        int there = fl_replay_opened(r, roster->replay[i], &other);
        if (there != 1)
            return there;
        if (i && !fl_replay_same(h, &other))
            return fl_error(FL_REFUSED,
                            "\"%s\" signed for another result than \"%s\"; somebody computed or "
                            "copied wrongly",
                            roster->parties[roster->replay[i]].name,
                            roster->parties[roster->replay[0]].name);
        *h = other;
    }
    return roster->replay_count && !memcmp(h->set, set, 32);
}

/* From the mean in the folder, to what all have signed for. */
static int
take_signed_step(struct fl_replay *r, const struct fl_opened_head *h, struct fl_state *state)
{
    char *mean = fl_published(r->folder, NULL, "mean");
    int failed = !mean || take_step(r, mean, state, h);

    memcpy(r->opened.set, h->set, 32);
    if (!failed)
        failed = fl_replay_look(r);
    if (!failed && !fl_replay_same(h, &r->opened))
        failed =
            fl_error(FL_REFUSED,
                     "%s: leads to the model that was signed for, and not to its velocity; who "
                     "signed computed or copied wrongly",
                     mean);
    free(mean);
    return failed ? -1 : 0;
}

/* MODEL is what this helper has come to; the first one of an epoch is seen here for the first time.
 */
static int
check_model(const struct fl_replay *r, struct fl_state *state)
{
    struct fl_object *model = fl_object_open(r->model, FL_KIND_BASE);
    int failed = !model;

    if (!failed && memcmp(r->plan->base, state->section[0].now.object, 32))
        failed = fl_error(FL_REFUSED,
                          "the plan is over another model than the one that this helper "
                          "has come to");
    if (!failed)
        failed = fl_plan_check_base(r->plan, model, r->pool) ||
                 !fl_near_add(&state->near, r->plan->base, model);
    fl_object_free(model);
    return failed ? -1 : 0;
}

static int
move_on(const struct fl_replay *r, struct fl_state *state)
{
    struct fl_helper_now next = {.known = true, .has_velocity = r->opened.has_velocity};
    struct fl_object *o = fl_object_open(r->output, FL_KIND_BASE);
    int failed = !o || !fl_near_add(&state->near, r->opened.next_base, o);

    fl_object_free(o);
    if (failed)
        return -1;
    memcpy(next.object, r->opened.next_base, 32);
    memcpy(next.params, r->opened.next_params, 32);
    memcpy(next.velocity, r->opened.next_velocity, 32);
    state->section[0].now = next;
    fl_state_close_all(state);
    return fl_state_save(state);
}

/* A run that was killed at its end had moved on already: the model that it made is the one. */
static bool
moved_before(const struct fl_replay *r, const struct fl_state *state)
{
    unsigned char digest[32];

    return !access(r->output, F_OK) && memcmp(state->section[0].now.object, r->plan->base, 32) &&
           !digest_of(r->output, FL_KIND_BASE, r->pool, digest) &&
           !memcmp(digest, state->section[0].now.object, 32);
}

int
fl_replay_advance(struct fl_replay *r, struct fl_state *state, const struct fl_key *key)
{
    const struct fl_made *made = fl_state_made(state->answer, state->answer_count,
                                               r->plan->roster.digest, r->plan->round);
    struct fl_opened_head h = {0};

    if (fl_state_check_plan(state, key, r->plan))
        return -1;
    if (!made || memcmp(made->sid, r->plan->sid, 32))
        return fl_error(FL_REFUSED,
                        "round %llu was not answered by \"%s\"; it follows only the sums that it "
                        "helped to open",
                        (unsigned long long)r->plan->round, key->name);
    if (moved_before(r, state))
        return 0;
    if (check_model(r, state))
        return -1;
    int signed_for = replayed(r, made->input, &h);
    if (signed_for < 0)
        return -1;
    return (signed_for ? take_signed_step(r, &h, state) : replay(r, made->input, state)) ||
                   move_on(r, state)
               ? -1
               : 0;
}
