/*
 * Rounds of a small federation (federation.h): turns, requests, answers, means, as the programs
 * make them, in a folder of the form that fed/replay.h reads.
 */
#ifndef FL_TEST_ROUND_H
#define FL_TEST_ROUND_H

#include "fed/answer.h"
#include "fed/encode.h"
#include "fed/gather.h"
#include "fed/masked.h"
#include "fed/step.h"
#include "fed/turn.h"
#include "federation.h"
#include "../naive/lanes.h"

enum { ROUND_MEMORY = 1 << 24 };

struct round {
    struct federation *f;
    struct fl_plan plan;
    char folder[24]; /* "r7" in F's, with plan.flt, up/, answer/, opened/ */
    int threads, level;
    const char *const *uploads; /* files of the folder for answers to encrypted tensors; or NULL: */
    bool no_uploads;            /* those that the request shows, unless none are wanted */
};

/* "DIR/FOLDER/SUB" + NAME of party I + SUFFIX, as fed_path. */
static inline const char *
round_path(const struct round *r, const char *name)
{
    char text[150];

    snprintf(text, sizeof text, "%s/%s", r->folder, name);
    return fed_path(r->f, text);
}

static inline const char *
round_file(const struct round *r, const char *sub, size_t i)
{
    char text[100];

    snprintf(text, sizeof text, "%s/%s", sub, fed_name(i, ".flt"));
    return round_path(r, text);
}

/* Draft, sign and read a plan, which the hub's state records. 0 or -1. */
static inline int
round_plan(struct round *r, struct federation *f, const struct fed_planning *how)
{
    struct fl_plan plan;
    char file[64];

    *r = (struct round){.f = f};
    snprintf(r->folder, sizeof r->folder, "r%u", (unsigned)how->round);
    fed_system(f, "rm -rf %s && mkdir -p %s/up %s/answer %s/opened", r->folder, r->folder,
               r->folder, r->folder);
    snprintf(file, sizeof file, "%s/plan.flt", r->folder);
    if (fed_draft(f, &plan, how) || fed_write_plan(f, &plan, file)) {
        fl_plan_release(&plan);
        return -1;
    }
    struct fl_state *s = fed_state(f, FED_HUB);
    int failed = !s || fl_state_commit_plan(s, &plan);
    fl_state_free(s);
    fl_plan_release(&plan);
    return failed || fl_plan_read(&r->plan, round_path(r, "plan.flt"), NULL) ? -1 : 0;
}

/* Everybody has accepted; a first round over model.flt; an update of each site, examples 10 + I. */
static inline void
round_start(struct round *r, struct federation *f, size_t n, const char *more, fed_value *value)
{
    fed_start(f, n, more);
    fed_accept_all(f);
    CHECK(!round_plan(r, f, &(struct fed_planning){.round = 1}));
    for (size_t i = 0; i < n; i++)
        fed_update(f, i, f->model, 10 + (int64_t)i, value);
}

static inline void
round_end(struct round *r)
{
    fl_plan_release(&r->plan);
    fed_end(r->f);
}

/* A site whose roster has noise has a ledger, "NAME.ledger". */
static inline void
round_purse(const struct round *r, size_t i, char path[200], struct fl_purse *purse)
{
    snprintf(path, 200, "%s", fed_file(r->f, i, ".ledger"));
    purse->ledger = path;
    if (access(path, F_OK))
        CHECK(!fl_spent_create(path));
}

/* Site I masks this update ("zero": none) into OUT of the folder; 0 or -1. */
static inline int
round_turn_of(struct round *r, size_t i, const char *update, const char *out_file)
{
    struct federation *f = r->f;
    char key[200], ledger[200];
    struct fl_purse purse = FL_PURSE_INIT;
    struct fl_output out;
    struct fl_turn t = {.key = f->key[i], .plan = &r->plan, .level = r->level, .kept = -1};
    const bool zero = !strcmp(update, "zero");
    int result = -1;

    snprintf(key, sizeof key, "%s", fed_file(f, i, ".key"));
    t.key_path = key;
    if (r->plan.roster.noise.kind != FL_NOISE_NONE) {
        round_purse(r, i, ledger, &purse);
        t.purse = &purse;
    }
    t.pool = r->threads ? fl_pool_new(r->threads) : NULL;
    t.state = fed_state(f, i);
    t.update = zero ? NULL : fl_object_open(fed_path(f, update), FL_KIND_UPDATE);
    if (t.state && (zero || t.update) && !fl_turn_check(&t) && !fl_turn_make(&t) &&
        !fl_output_open(&out, round_path(r, out_file), 0)) {
        result = fl_turn_send(&t, &out) || fl_output_commit(&out);
        fl_output_abort(&out);
        result = result || fl_turn_clean(&t);
    }
    fl_turn_release(&t);
    fl_object_free(t.update);
    fl_state_free(t.state);
    fl_pool_free(t.pool);
    return result ? -1 : 0;
}

/* The usual: its update, to up/. */
static inline int
round_turn(struct round *r, size_t i)
{
    char out[64];

    snprintf(out, sizeof out, "up/%s", fed_name(i, ".flt"));
    return round_turn_of(r, i, fed_name(i, ".flt"), out);
}

static inline void
round_turns(struct round *r, const char *sites)
{
    for (; *sites; sites++)
        CHECK(!round_turn(r, (size_t)(*sites - 'a')));
}

/* What fl-aggregate -p does with these files of the folder, up to NULL; 0 or -1. */
static inline int
round_masked(struct round *r, struct fl_masked_settings *set, const char *const *files,
             const char *out_file)
{
    char names[24][200], plan[200], request[200], key[200], state[200];
    const char *paths[24];
    struct fl_output out = FL_OUTPUT_INIT;
    size_t n = 0;

    snprintf(plan, sizeof plan, "%s", round_path(r, "plan.flt"));
    set->plan = plan;
    set->memory = set->memory ? set->memory : ROUND_MEMORY;
    if (set->request) {
        snprintf(request, sizeof request, "%s", round_path(r, set->request));
        snprintf(key, sizeof key, "%s", fed_file(r->f, FED_HUB, ".key"));
        snprintf(state, sizeof state, "%s", fed_file(r->f, FED_HUB, ".state"));
        set->request = request;
        set->key = key;
        set->state = state;
    }
    for (; files[n]; n++) {
        snprintf(names[n], sizeof names[n], "%s", round_path(r, files[n]));
        paths[n] = names[n];
    }
    struct fl_masked *m = fl_masked_open(set);
    int failed = !m || (set->fit && fl_masked_fit(m, paths, n));
    for (size_t i = 0; i < n && !failed; i++) {
        struct fl_reader *in = fl_reader_open(paths[i]);
        failed = !in || fl_masked_add(m, in);
        fl_reader_free(in);
    }
    if (!failed)
        failed = fl_masked_check(m) || fl_output_open(&out, round_path(r, out_file), 0) ||
                 fl_masked_write(m, &out);
    fl_output_abort(&out);
    fl_masked_free(m);
    return failed ? -1 : 0;
}

/* "up/a.flt" and so on of "abc", and then MORE, up to NULL. */
static inline const char *const *
round_uploads(const char *sites, const char *const *more)
{
    static char names[FED_SITES][16];
    static const char *files[24];
    size_t n = 0;

    for (; sites[n]; n++) {
        snprintf(names[n], sizeof names[n], "up/%c.flt", sites[n]);
        files[n] = names[n];
    }
    while (more && *more)
        files[n++] = *more++;
    files[n] = NULL;
    return files;
}

/* The hub asks for these sites (FIT: for what of them fits): request.flt and sum.flt. */
static inline int
round_ask(struct round *r, const char *sites, bool fit)
{
    struct fl_masked_settings set = {.request = "request.flt", .fit = fit};

    return round_masked(r, &set, round_uploads(sites, NULL), "sum.flt");
}

/* The files with the ciphertexts that REQUEST asks for; how many. */
static inline size_t
round_ciphers(const struct round *r, const struct fl_request *request, const char **paths)
{
    static char names[FED_SITES + 1][200];
    size_t n = 0;

    if (!r->plan.ciphertexts || r->no_uploads)
        return 0;
    for (; r->uploads ? r->uploads[n] != NULL : n < request->count; n++) {
        snprintf(names[n], sizeof names[n], "%s",
                 r->uploads ? round_path(r, r->uploads[n])
                            : round_file(r, "up", request->uploads[n].upload.from.party));
        paths[n] = names[n];
    }
    return n;
}

/* Helper I answers the request in this file of the folder, to OUT there; 0 or -1. */
static inline int
round_answer_to(struct round *r, size_t i, const char *request_file, const char *out_file)
{
    struct federation *f = r->f;
    char key[200], ledger[200];
    struct fl_purse purse = FL_PURSE_INIT;
    struct fl_output out;
    struct fl_request request;
    struct fl_answering a = {.key = f->key[i], .plan = &r->plan, .request = &request, .kept = -1};
    const char *files[FED_SITES + 1];
    int result = -1;

    if (fl_request_read(&request, &r->plan, round_path(r, request_file), NULL))
        return -1;
    snprintf(key, sizeof key, "%s", fed_file(f, i, ".key"));
    a.key_path = key;
    if (!access(fed_file(f, i, ".ledger"), F_OK)) { /* a site, too */
        round_purse(r, i, ledger, &purse);
        a.purse = &purse;
    }
    a.uploads = files;
    a.upload_count = round_ciphers(r, &request, files);
    a.memory = ROUND_MEMORY;
    a.level = r->level;
    a.pool = r->threads ? fl_pool_new(r->threads) : NULL;
    a.state = fed_state(f, i);
    if (a.state && !fl_answer_check(&a) && !fl_answer_make(&a) &&
        !fl_output_open(&out, round_path(r, out_file), 0)) {
        result = fl_answer_send(&a, &out) || fl_output_commit(&out);
        fl_output_abort(&out);
        result = result || fl_answer_clean(&a);
    }
    fl_answer_release(&a);
    fl_state_free(a.state);
    fl_pool_free(a.pool);
    fl_request_release(&request);
    return result ? -1 : 0;
}

static inline int
round_answer(struct round *r, size_t i)
{
    char out[64];

    snprintf(out, sizeof out, "answer/%s", fed_name(i, ".flt"));
    return round_answer_to(r, i, "request.flt", out);
}

/* FED_HELPERS: both answer. */
static inline void
round_answers(struct round *r)
{
    CHECK(!round_answer(r, 1) && !round_answer(r, FED_AUX));
}

/* Open these files to mean.flt. */
static inline int
round_open(struct round *r, const char *const *files)
{
    struct fl_masked_settings set = {0};

    return round_masked(r, &set, files, "mean.flt");
}

#define ROUND_FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * "mean.flt" is the mean of the updates "a.flt" .. of these sites by whole numbers, encoded one by
 * one (naive_encode): every value, to the bit.
 */
static inline void
round_check_mean(const struct round *r, const char *sites, const double *weights)
{
    const struct fl_roster *roster = &r->plan.roster;
    const size_t n = strlen(sites);
    struct fl_object *mean = fl_object_open(round_path(r, "mean.flt"), FL_KIND_UPDATE);
    struct fl_object *update[FED_SITES];
    uint64_t q[FED_SITES], total = 0;
    size_t wrong = 0;
    double weight;

    CHECK(mean && fl_object_count(mean) == r->plan.count);
    if (!mean || fl_object_count(mean) != r->plan.count)
        return;
    for (size_t i = 0; i < n; i++) {
        update[i] = fl_object_open(fed_file(r->f, (size_t)(sites[i] - 'a'), ".flt"), NULL);
        q[i] = (uint64_t)nearbyint(ldexp((weights ? weights[i] : 1) / roster->weights.cap, 40));
        total += q[i];
    }
    for (size_t t = 0; t < r->plan.count; t++) {
        const struct fl_plan_tensor *of = &r->plan.tensors[t];
        const float *got = fl_object_data(mean, t);
        const double divisor = (double)total * ldexp(of->rule->scale, -40);
        const float *values[FED_SITES];
        for (size_t i = 0; i < n; i++)
            values[i] = fl_object_data(update[i],
                                       (size_t)fl_object_find(update[i], of->tensor->name));
        CHECK_TEXT(fl_object_tensor(mean, t)->name, of->tensor->name);
        for (uint64_t k = 0; k < of->elements; k++) {
            int64_t sum = 0;
            for (size_t i = 0; i < n; i++)
                sum += naive_encode(values[i][k], of->rule->clip, of->rule->scale, q[i]);
            wrong += got[k] != (float)((double)sum / divisor);
        }
    }
    CHECK(wrong == 0);
    CHECK(!fl_meta_get_f64(&fl_object_head(mean)->meta, "sum.weight", &weight));
    CHECK(weight == (double)total * 0x1p-40 * roster->weights.cap);
    for (size_t i = 0; i < n; i++)
        fl_object_free(update[i]);
    fl_object_free(mean);
}

/* The roster's step over MODEL, by "mean.flt" of the folder, to OUT; files of F. VELOCITY or NULL.
 */
static inline int
round_step(const struct round *r, const char *model, const char *velocity, const char *out)
{
    struct fl_server_step step = {.rule = r->plan.roster.apply,
                                  .lr = r->plan.roster.lr,
                                  .momentum = r->plan.roster.momentum,
                                  .plan = &r->plan};
    struct fl_step_files files = {.model = fed_path(r->f, model),
                                  .update = round_path(r, "mean.flt"),
                                  .state = velocity ? fed_path(r->f, velocity) : NULL,
                                  .output = fed_path(r->f, out)};

    return fl_step_take(&step, &files);
}

/* Read the head of a message in the folder against the plan: 0 or -1. */
static inline int
round_arrival(const struct round *r, const char *file, struct fl_arrival *a)
{
    const struct fl_head *head;
    struct fl_reader *in = fl_reader_open(round_path(r, file));
    struct fl_lane_sum *none = fl_lane_sum_inspector(&r->plan, NULL);
    int failed = !in || !none;

    if (!failed)
        fl_reader_want_digest(in);
    failed = failed || fl_reader_object(in, &head) != 1 ||
             fl_arrival_begin(a, &r->plan, head, fl_reader_name(in)) ||
             fl_lane_sum_add(none, in, 1, a->answer) || fl_arrival_end(a, in);
    fl_lane_sum_free(none);
    fl_reader_free(in);
    return failed ? -1 : 0;
}

#endif
