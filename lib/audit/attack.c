/*
 * The two attacks that need nothing but losses, so anybody who has the model can run them: they
 * bound from below what it tells. Documents are read some at a time, those of one call together.
 */
#include "audit/attack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/membership.h"
#include "base/error.h"
#include "base/mem.h"
#include "nn/evaluate_file.h"
#include "os/file.h"

enum { GROUP = 64, READ = 4096 };

int
fl_attack_check(const char *attack, size_t members, size_t others, size_t canaries, bool reference)
{
    if (!strcmp(attack, "canary"))
        return !canaries || members || others || reference
                   ? fl_error(FL_USAGE, "--attack canary needs --choices FILE, whose answers were "
                                        "planted, and nothing else to read")
                   : 0;
    return !members || !others || canaries
               ? fl_error(FL_USAGE,
                          "--attack membership needs --members SHARD, which the model was "
                          "trained on, and shards that it was not, as operands")
               : 0;
}

/* ---- losses of documents ---- */

struct losses { /* of documents, in the order of the shards */
    double *items;
    size_t count, cap;
    struct fl_evaluator *e;
    size_t begins; /* ids that nobody has to predict, before each text */
    struct fl_tail group[GROUP];
    uint32_t *ids;  /* (GROUP, T + 1) */
    size_t waiting; /* documents of the group */
};

static int
flush(struct losses *l)
{
    if (l->waiting && fl_evaluate_tails(l->e, l->group, l->waiting))
        return -1;
    for (size_t i = 0; i < l->waiting; i++) {
        double *items = fl_grow(l->items, l->count, &l->cap, sizeof *items);
        if (!items)
            return -1;
        l->items = items;
        l->items[l->count++] = -l->group[i].logprob / (double)l->group[i].length;
    }
    l->waiting = 0;
    return 0;
}

/* The first N ids of a document are in its row of the group. */
static int
end_document(struct losses *l, size_t n)
{
    const size_t known = l->begins ? l->begins : 1;

    if (n <= known)
        return 0; /* nothing in it is predicted */
    l->group[l->waiting] = (struct fl_tail){.ids = l->ids +
                                                   l->waiting * (fl_evaluator_length(l->e) + 1),
                                            .n = n,
                                            .length = n - known};
    return ++l->waiting == GROUP ? flush(l) : 0;
}

/* Each document of a shard to its loss; an end of text is the last id of its document. */
static int
each_document(struct losses *l, const struct fl_data *d, const struct fl_data_shard *shard,
              int64_t end)
{
    const size_t most = fl_evaluator_length(l->e) + 1;
    uint32_t read[READ];
    size_t n = 0;

    for (uint64_t at = 0; at < shard->tokens;) {
        uint64_t left = shard->tokens - at;
        size_t now = left < READ ? (size_t)left : READ;
        if (fl_data_read(d, shard->first + at, now, read))
            return -1;
        for (size_t i = 0; i < now; i++) {
            if (n < most)
                l->ids[l->waiting * most + n] = read[i];
            n++;
            if (read[i] != end)
                continue;
            if (end_document(l, n < most ? n : most))
                return -1;
            n = 0;
        }
        at += now;
    }
    return end_document(l, n < most ? n : most);
}

/* File by file as they are named, since a bundle sorts what it is given together. */
static int
all_losses(struct losses *l, const struct fl_bundle *b, struct fl_evaluator *e,
           const struct fl_attack_files *shards)
{
    const struct fl_marks *marks = fl_tokenizer_marks(b->tokenizer);

    *l = (struct losses){.e = e, .begins = marks->begin.len};
    if (!(l->ids = fl_alloc((fl_evaluator_length(e) + 1) * GROUP, sizeof *l->ids)))
        return -1;
    if (l->begins >= fl_evaluator_length(e))
        return fl_error(FL_USAGE, "-l is too short: the model puts %zu ids before each text",
                        l->begins);
    for (size_t i = 0; i < shards->count; i++) {
        struct fl_data *d = fl_bundle_data(b, &shards->paths[i], 1);
        int failed = !d;
        for (size_t k = 0; !failed && k < fl_data_count(d); k++)
            failed = each_document(l, d, fl_data_shard(d, k), marks->end);
        fl_data_free(d);
        if (failed)
            return -1;
    }
    return flush(l);
}

static void
release(struct losses *l)
{
    free(l->items);
    free(l->ids);
}

/* ---- membership ---- */

struct reference { /* zeroed: none */
    struct fl_bundle bundle;
    struct fl_evaluator *e;
};

struct set {
    struct fl_scored_unit *units;
    size_t count;
};

/* Scores of the documents of SHARDS at the end of SET; each one's row, if they are wanted. */
static int
add_units(const struct fl_attack *a, const struct reference *ref,
          const struct fl_attack_files *shards, bool member, struct set *set)
{
    struct losses own = {0}, reference = {0};
    int failed = all_losses(&own, a->target, a->evaluator, shards) ||
                 (ref->e && all_losses(&reference, &ref->bundle, ref->e, shards));

    if (!failed && ref->e && reference.count != own.count)
        failed = fl_error(FL_FAILED,
                          "the reference finds %zu documents where the model finds %zu; "
                          "it must have the same tokenizer",
                          reference.count, own.count);
    struct fl_scored_unit *all = failed ? NULL
                                        : fl_resize(set->units, set->count + own.count + 1,
                                                    sizeof *all);
    if (all) {
        set->units = all;
        for (size_t i = 0; i < own.count; i++)
            all[set->count++] =
                (struct fl_scored_unit){(ref->e ? reference.items[i] : 0) - own.items[i], member};
    }
    release(&own);
    release(&reference);
    return all ? 0 : -1;
}

static void
put_units(struct fl_report *r, const struct fl_scored_unit *units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fl_report_bool(r, units[i].member);
        fl_report_f64(r, units[i].score, 9);
    }
}

static void
put_membership(struct fl_report *r, const struct fl_attack *a, const struct fl_membership *m)
{
    fl_report_text(r, "membership");
    fl_report_text(r, a->reference ? "reference" : "loss");
    fl_report_u64(r, m->members);
    fl_report_u64(r, m->others);
    fl_report_f64(r, m->auc, 0);
    fl_report_f64(r, m->tpr_1000, 0);
    fl_report_f64(r, m->tpr_100, 0);
    fl_report_f64(r, m->advantage, 0);
}

static int
membership(const struct fl_attack *a, const struct reference *ref, struct set *set, int fd,
           const char *name)
{
    static const char *const rows[] = {"member", "score", NULL};
    static const char *const all[] = {"attack",          "score",     "members",
                                      "nonmembers",      "auc",       "tpr_at_fpr_0_001",
                                      "tpr_at_fpr_0_01", "advantage", NULL};
    struct fl_membership m;
    struct fl_report r;
    int failed = add_units(a, ref, &a->members, true, set) ||
                 add_units(a, ref, &a->others, false, set);

    fl_report_start(&r, a->each ? rows : all, a->json);
    if (!failed && a->each)
        put_units(&r, set->units, set->count); /* before they are sorted */
    failed = failed || fl_membership_measure(set->units, set->count, &m);
    if (!failed && !a->each)
        put_membership(&r, a, &m);
    failed = failed || fl_report_end(&r, fd, name);
    fl_report_release(&r);
    return failed ? -1 : 0;
}

/* ---- canaries ---- */

struct exposures {
    uint64_t canaries, extracted, candidates;
    double sum, most;
};

static int
one_file(const struct fl_attack *a, const char *path, struct fl_report *r, struct exposures *sum)
{
    struct fl_questions q = {.items = NULL};
    int failed = fl_questions_read(&q, path, a->target->tokenizer,
                                   fl_evaluator_length(a->evaluator), NULL);

    for (size_t i = 0; !failed && i < q.count; i++) {
        const struct fl_question *one = &q.items[i];
        double *logprobs = fl_alloc(one->count, sizeof *logprobs);
        failed = !logprobs || fl_questions_score(&q, i, a->evaluator);
        for (size_t k = 0; !failed && k < one->count; k++)
            logprobs[k] = one->tails[k].logprob;
        if (!failed) {
            struct fl_exposure e = fl_exposure(logprobs, one->count, one->answer);
            sum->canaries++;
            sum->extracted += e.rank == 1;
            sum->candidates += one->count;
            sum->sum += e.exposure;
            sum->most = fmax(sum->most, e.exposure);
            if (a->each) {
                fl_report_text(r, fl_input_name(path));
                fl_report_u64(r, i + 1);
                fl_report_u64(r, one->count);
                fl_report_u64(r, e.rank);
                fl_report_f64(r, e.exposure, 9);
            }
        }
        free(logprobs);
    }
    fl_questions_release(&q);
    return failed ? -1 : 0;
}

static int
canary(const struct fl_attack *a, int fd, const char *name)
{
    static const char *const rows[] = {"file", "canary", "candidates", "rank", "exposure", NULL};
    static const char *const all[] = {"attack",        "canaries",      "candidates", "extracted",
                                      "mean_exposure", "most_exposure", NULL};
    struct exposures sum = {0};
    struct fl_report r;
    int failed = 0;

    fl_report_start(&r, a->each ? rows : all, a->json);
    for (size_t i = 0; !failed && i < a->canaries.count; i++)
        failed = one_file(a, a->canaries.paths[i], &r, &sum);
    if (!failed && !sum.canaries)
        failed = fl_error(FL_FAILED, "there is no canary; give questions whose answer was planted");
    if (!failed && !a->each) {
        fl_report_text(&r, "canary");
        fl_report_u64(&r, sum.canaries);
        fl_report_u64(&r, sum.candidates);
        fl_report_u64(&r, sum.extracted);
        fl_report_f64(&r, sum.sum / (double)sum.canaries, 9);
        fl_report_f64(&r, sum.most, 9);
    }
    failed = failed || fl_report_end(&r, fd, name);
    fl_report_release(&r);
    return failed ? -1 : 0;
}

int
fl_attack_run(const struct fl_attack *a, int fd, const char *name)
{
    struct reference ref = {.e = NULL};
    struct set set = {NULL, 0};

    if (!strcmp(a->name, "canary"))
        return canary(a, fd, name);
    int failed = a->reference &&
                 (fl_bundle_open(&ref.bundle, a->reference, NULL) ||
                  !(ref.e = fl_evaluator_for(&ref.bundle, a->pool, a->batch, a->length)));
    failed = failed || membership(a, &ref, &set, fd, name);
    fl_evaluator_free(ref.e);
    fl_bundle_release(&ref.bundle);
    free(set.units);
    return failed ? -1 : 0;
}
