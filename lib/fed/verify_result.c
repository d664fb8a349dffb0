/*
 * What comes of the messages of a round: each object is made anew into a spool and compared with
 * the one that was published, by digest; only when they differ tensor by tensor.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/opened.h"
#include "fed/published.h"
#include "fed/step.h"
#include "fed/verify_parts.h"
#include "os/file.h"
#include "sec/pace.h"

/* ---- two objects that should be one ---- */

struct pair {
    struct fl_object *want, *got;
    const char *file;
    const char *set; /* the key under which both say of which set they are, or NULL */
    unsigned char expected[32], found[32];
};

static int
add_altered(struct fl_verify *v, const struct pair *p, const char *tensor, const char *reason)
{
    const struct fl_finding f = {.kind = FL_FINDING_ALTERED,
                                 .status = FL_FAILED,
                                 .file = p->file,
                                 .tensor = tensor,
                                 .expected = p->expected,
                                 .found = p->found,
                                 .reason = reason};

    return fl_findings_add(&v->findings, &f);
}

/* 1: they say that they are of two sets, which is a finding now. 0 or -1. */
static int
compare_sets(struct fl_verify *v, struct pair *p)
{
    const unsigned char *want, *got;

    if (!p->set || fl_meta_get_bytes(&fl_object_head(p->want)->meta, p->set, 32, &want))
        return 0;
    if (fl_meta_get_bytes(&fl_object_head(p->got)->meta, p->set, 32, &got))
        return add_altered(v, p, NULL, "does not say of which set of uploads it is") ? -1 : 1;
    if (!memcmp(want, got, 32))
        return 0;
    memcpy(p->expected, want, 32);
    memcpy(p->found, got, 32);
    return add_altered(v, p, NULL, "is of another set of uploads than the one that was answered")
               ? -1
               : 1;
}

static bool
same_shape(const struct fl_tensor *a, const struct fl_tensor *b)
{
    return !strcmp(a->name, b->name) && a->dtype == b->dtype && a->rank == b->rank &&
           !memcmp(a->dims, b->dims, a->rank * sizeof *a->dims);
}

/* Each tensor whose values differ is a row: 1 when there is any, 0, or -1. */
static int
compare_tensors(struct fl_verify *v, struct pair *p)
{
    int any = 0;

    if (fl_object_count(p->want) != fl_object_count(p->got))
        return add_altered(v, p, NULL, "has another number of tensors than what comes of the round")
                   ? -1
                   : 1;
    for (size_t i = 0; i < fl_object_count(p->want); i++) {
        const struct fl_tensor *want = fl_object_tensor(p->want, i),
                               *got = fl_object_tensor(p->got, i);
        if (!same_shape(want, got))
            return add_altered(v, p, want->name, "has another name or shape there") ? -1 : 1;
        if (fl_object_tensor_digest(p->want, i, v->set->pool, p->expected) ||
            fl_object_tensor_digest(p->got, i, v->set->pool, p->found))
            return -1;
        if (!memcmp(p->expected, p->found, 32))
            continue;
        any = 1;
        if (add_altered(v, p, want->name, "has other values than what comes of the round"))
            return -1;
    }
    return any;
}

/* Only what they say of themselves is left: the first key that differs. */
static int
compare_heads(struct fl_verify *v, struct pair *p)
{
    const struct fl_meta *want = &fl_object_head(p->want)->meta;
    const struct fl_meta *got = &fl_object_head(p->got)->meta;
    const char *key = NULL;
    struct fl_buf reason = {0};

    for (size_t i = 0; i < want->count && !key; i++) {
        const struct fl_meta_item *item = fl_meta_find(got, want->items[i].key);
        if (!item || !fl_meta_same_item(item, &want->items[i]))
            key = want->items[i].key;
    }
    for (size_t i = 0; i < got->count && !key; i++)
        if (!fl_meta_find(want, got->items[i].key))
            key = got->items[i].key;
    int failed = (key ? fl_buf_printf(&reason,
                                      "has the values that come of the round, and its "
                                      "\"%.100s\" does not",
                                      key)
                      : fl_buf_printf(&reason, "describes its tensors in another way than what "
                                               "comes of the round")) ||
                 fl_object_digest(p->want, v->set->pool, p->expected) ||
                 fl_object_digest(p->got, v->set->pool, p->found) ||
                 add_altered(v, p, NULL, fl_buf_text(&reason));
    fl_buf_release(&reason);
    return failed ? -1 : 0;
}

/* 1: FILE is, byte for byte but for packing, what is in the spool WANT. 0: a finding. -1. */
static int
compare(struct fl_verify *v, const char *file, const char *kind, const char *set, int want)
{
    char name[FL_SPOOL_NAME];
    struct pair p = {.file = file, .set = set};
    int result = 0;

    if (!(p.want = fl_object_open(fl_verify_spool(want, name), kind)) ||
        fl_object_digest(p.want, v->set->pool, p.expected)) {
        result = -1;
    } else if (!(p.got = fl_object_open(file, kind)) ||
               fl_object_digest(p.got, v->set->pool, p.found)) {
        result = fl_verify_blame(v, (struct fl_finding){.file = file, .expected = p.expected});
    } else if (!memcmp(p.expected, p.found, 32)) {
        result = 1;
    } else {
        int told = compare_sets(v, &p);
        told = told ? told : compare_tensors(v, &p);
        result = told < 0 ? -1 : told ? 0 : compare_heads(v, &p);
    }
    fl_object_free(p.want);
    fl_object_free(p.got);
    return result;
}

/* "NAME.flt" of the folder, where it is there: *RIGHT tells whether it is, and is right. */
static int
compare_published(struct fl_verify *v, const char *name, const char *kind, const char *set,
                  int want, bool *right)
{
    char *path = fl_published(v->set->folder, NULL, name);
    int got = !path ? -1 : fl_input_missing(path) ? 0 : compare(v, path, kind, set, want);

    free(path);
    *right = got == 1;
    return got < 0 ? -1 : 0;
}

/* ---- sum and mean ---- */

/* FILE, where it is there, could not be compared for want of WHAT. 0 or -1. */
static int
skip(struct fl_verify *v, const char *file, const char *what, const char *but)
{
    struct fl_buf reason = {0};
    struct fl_finding f = {.kind = FL_FINDING_SKIPPED, .status = FL_NOT_YET, .file = file};

    if (fl_input_missing(file))
        return 0;
    int failed = fl_buf_printf(&reason, "could not be compared, for want of a good %s%s", what,
                               but);
    f.reason = failed ? "" : fl_buf_text(&reason);
    failed = failed || fl_findings_add(&v->findings, &f);
    fl_buf_release(&reason);
    return failed ? -1 : 0;
}

/* The sums anew, from the file "sum.flt" at PATH. That it is bad is a finding. 0 or -1. */
static int
take_sum(struct fl_verify *v, const char *path)
{
    fl_gather_release(&v->in);
    fl_lane_sum_free(v->sums);
    v->in = (struct fl_gather){0};
    v->sums = fl_lane_sum_new(&v->plan, v->set->memory, v->set->progress);
    if (!v->sums || fl_gather_start(&v->in, &v->plan, v->sums, NULL))
        return -1;
    struct fl_reader *in = fl_reader_open(path);
    int bad = !in || fl_gather_add(&v->in, in);
    fl_reader_free(in);
    if (bad)
        return fl_verify_blame(v, (struct fl_finding){.file = path});
    unsigned char set[32];
    if (fl_members_set(&v->in.members, &v->plan, set))
        return -1;
    if (!v->asked || !memcmp(set, v->asked->request.set, 32)) {
        v->from_sum = true;
        return skip(v, path, v->lost, "; the mean is compared with what it leads to");
    }
    const struct fl_finding f = {.kind = FL_FINDING_ALTERED,
                                 .status = FL_FAILED,
                                 .file = path,
                                 .expected = v->asked->request.set,
                                 .found = set,
                                 .reason = "is of another set of uploads than the one that was "
                                           "answered"};
    return fl_findings_add(&v->findings, &f);
}

static int
make_sum(struct fl_verify *v)
{
    struct fl_writer *w = (v->sum = fl_spool_open()) < 0
                              ? NULL
                              : fl_writer_new(v->sum, "temporary file", 0);
    int failed = !w || fl_gather_write_sum(&v->in, w);

    fl_writer_free(w);
    return failed || compare_published(v, "sum", FL_KIND_SUM, "set", v->sum, &v->has_sum) ? -1 : 0;
}

int
fl_verify_sum(struct fl_verify *v)
{
    char *path = fl_published(v->set->folder, NULL, "sum");
    int failed = !path;

    if (!failed && !fl_input_missing(path))
        failed = !v->lost ? make_sum(v)
                 : v->asked || v->plan.roster.protection == FL_PROTECTION_PAIRWISE
                     ? take_sum(v, path)
                     : skip(v, path, v->lost, "");
    free(path);
    return failed ? -1 : 0;
}

static int
skip_mean(struct fl_verify *v, const char *what)
{
    char *path = fl_published(v->set->folder, NULL, "mean");
    int failed = !path || skip(v, path, what, "") ||
                 (v->set->next && skip(v, v->set->next, what, ""));

    free(path);
    return failed ? -1 : 0;
}

int
fl_verify_mean(struct fl_verify *v)
{
    if (v->lost && !v->from_sum)
        return skip_mean(v, v->lost);
    if (v->unanswered)
        return skip_mean(v, v->unanswered);
    if (fl_gather_whole(&v->in) || fl_opened_check(&v->plan, v->sums, &v->in.members))
        return fl_verify_blame(v, (struct fl_finding){.file = v->set->folder});
    if (fl_members_set(&v->in.members, &v->plan, v->replay.opened.set) ||
        (v->mean = fl_spool_open()) < 0)
        return -1;
    struct fl_writer *w = fl_writer_new(v->mean, "temporary file", 0);
    int failed = !w || fl_opened_write(&v->plan, v->sums, &v->in.members, w);
    fl_writer_free(w);
    return failed || compare_published(v, "mean", FL_KIND_UPDATE, "sum.set", v->mean, &v->has_mean)
               ? -1
               : 0;
}

/* ---- the next model ---- */

/* That the step was taken by a velocity before leads to no check of its numbers: never. */
static int
refuse_taken(void *arg, const unsigned char state[32], bool again)
{
    const struct fl_verify *v = arg;

    (void)state;
    return again ? fl_error(FL_REFUSED,
                            "%s: says that it has taken this step already; the velocity of before "
                            "is needed, which came with the model",
                            v->set->velocity)
                 : 0;
}

static int
take_step(struct fl_verify *v)
{
    const struct fl_roster *roster = &v->plan.roster;
    const int spools[2] = {v->next, v->velocity};
    char mean[FL_SPOOL_NAME];
    struct fl_server_step step = {.rule = roster->apply,
                                  .lr = roster->lr,
                                  .momentum = roster->momentum,
                                  .plan = &v->plan,
                                  .pool = v->set->pool};
    struct fl_step_files files = {.model = v->set->model,
                                  .update = fl_verify_spool(v->mean, mean),
                                  .state = v->set->velocity,
                                  .spools = spools,
                                  .program = v->set->program,
                                  .settle = refuse_taken,
                                  .arg = v};

    return fl_step_take(&step, &files);
}

/* MODEL is what the step begins at: the plan's, or with a delay the one that came after it. */
static int
check_start(const struct fl_verify *v, struct fl_object *model)
{
    unsigned char digest[32];

    if (!v->plan.roster.delay)
        return fl_plan_check_base(&v->plan, model, v->set->pool);
    return fl_object_digest(model, v->set->pool, digest) ||
           fl_pace_check_step(&v->plan, fl_object_name(model), digest,
                              &fl_object_head(model)->meta);
}

int
fl_verify_model(struct fl_verify *v)
{
    struct fl_object *model = v->set->model ? fl_object_open(v->set->model, FL_KIND_BASE) : NULL;

    if (!v->set->model)
        return 0;
    v->has_model = model && !check_start(v, model);
    fl_object_free(model);
    return v->has_model ? 0
                        : fl_verify_blame(v, (struct fl_finding){.file = v->set->model,
                                                                 .expected = v->plan.base});
}

int
fl_verify_next(struct fl_verify *v)
{
    char next[FL_SPOOL_NAME], velocity[FL_SPOOL_NAME];

    if (!v->has_model || v->mean < 0)
        return 0;
    if ((v->next = fl_spool_open()) < 0 || (v->velocity = fl_spool_open()) < 0)
        return -1;
    if (take_step(v))
        return fl_verify_blame(v, (struct fl_finding){.file = v->set->velocity ? v->set->velocity
                                                                               : v->set->model});
    v->replay.model = v->set->model;
    v->replay.output = fl_verify_spool(v->next, next);
    v->replay.velocity = fl_verify_spool(v->velocity, velocity);
    if (fl_replay_look(&v->replay))
        return -1;
    v->replay.output = v->replay.velocity = NULL;
    v->stepped = true;
    return v->set->next && compare(v, v->set->next, FL_KIND_BASE, NULL, v->next) < 0 ? -1 : 0;
}

/* ---- who signed for it ---- */

static int
compare_result(struct fl_verify *v, const char *path, const char *party,
               const struct fl_opened_head *h)
{
    const struct fl_opened_head *own = &v->replay.opened;
    const bool set = memcmp(own->set, h->set, 32);
    const bool next = memcmp(own->next_base, h->next_base, 32);
    const struct fl_finding f =
        {.kind = FL_FINDING_ALTERED,
         .status = FL_REFUSED,
         .file = path,
         .party = party,
         .expected = set    ? own->set
                     : next ? own->next_base
                            : own->next_velocity,
         .found = set    ? h->set
                  : next ? h->next_base
                         : h->next_velocity,
         .reason = set ? "is signed for another set of uploads than the one that was answered"
                   : next
                       ? "is signed for another model than the one that comes of the round"
                       : "is signed for other numbers or another velocity than come of the round"};

    if (!set && (!v->stepped || fl_replay_same(own, h))) {
        if (!v->signatures)
            v->signed_for = *h;
        v->signatures += !memcmp(v->signed_for.next_params, h->next_params, 32) &&
                         v->signed_for.distance == h->distance;
        return 0;
    }
    return fl_findings_add(&v->findings, &f);
}

static int
take_opened(struct fl_verify *v, const char *name)
{
    const struct fl_roster *r = &v->plan.roster;
    const int64_t party = fl_roster_find(r, name);
    char *path = fl_published(v->set->folder, "opened", name);
    struct fl_opened_head h;
    bool named = false;
    int failed = !path;

    for (size_t i = 0; i < r->replay_count; i++)
        named |= party == (int64_t)r->replay[i];
    if (path && !named) {
        fl_error(FL_REFUSED, "is of nobody whom the roster names under replay");
        failed = fl_verify_blame(v, (struct fl_finding){.kind = FL_FINDING_ADDED, .file = path});
    } else if (path && fl_replay_opened(&v->replay, (uint32_t)party, &h) != 1) {
        failed = fl_verify_blame(v, (struct fl_finding){.file = path, .party = name});
    } else if (path) {
        failed = compare_result(v, path, name, &h);
    }
    free(path);
    return failed ? -1 : 0;
}

/* What was signed can be compared with no mean that was computed. */
static int
skip_opened(struct fl_verify *v, const char *name)
{
    char *path = fl_published(v->set->folder, "opened", name);
    int failed = !path || skip(v, path, "mean", "");

    free(path);
    return failed ? -1 : 0;
}

int
fl_verify_opened(struct fl_verify *v)
{
    struct fl_published_list files;
    int failed = fl_published_list(&files, v->set->folder, "opened");

    for (size_t i = 0; i < files.count && !failed; i++)
        failed = v->mean < 0 ? skip_opened(v, files.names[i]) : take_opened(v, files.names[i]);
    fl_published_release(&files);
    return failed ? -1 : 0;
}
