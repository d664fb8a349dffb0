/*
 * Requests, uploads and answers of a round that is verified. A message of the set goes into the
 * sums; one beside it, a late upload for example, is checked in the same way and kept nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/published.h"
#include "fed/verify_parts.h"
#include "os/file.h"

static const unsigned char nothing[32];

/* Is NAME in the list, which is sorted? */
static bool
has(const struct fl_published_list *list, const char *name)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(list->names[middle], name);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int
missing(struct fl_verify *v, const char *file, const char *party, const unsigned char *expected,
        const char *reason)
{
    const struct fl_finding f = {.kind = FL_FINDING_MISSING,
                                 .status = FL_NOT_YET,
                                 .file = file,
                                 .party = party,
                                 .expected = expected,
                                 .reason = reason};

    return fl_findings_add(&v->findings, &f);
}

/* ---- requests ---- */

/* What a helper would not answer: too few sites. (Sets of other rounds it knows itself.) */
static int
check_rule(struct fl_verify *v, const char *file, const struct fl_request *request)
{
    char reason[160];
    const struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                                 .status = FL_REFUSED,
                                 .file = file,
                                 .party = v->plan.roster.hub.name,
                                 .found = request->set,
                                 .reason = reason};

    if ((int64_t)request->count >= v->plan.roster.min_sum)
        return 0;
    snprintf(reason, sizeof reason,
             "asks for a sum of %zu sites; the roster's min_sum is %lld, and no honest helper "
             "answers for fewer",
             request->count, (long long)v->plan.roster.min_sum);
    return fl_findings_add(&v->findings, &f);
}

static int
take_request(struct fl_verify *v, const char *name)
{
    struct fl_verify_request *list = fl_grow(v->requests, v->request_count, &v->request_cap,
                                             sizeof *list);
    struct fl_verify_request one = {fl_published(v->set->folder, NULL, name), {0}};
    struct fl_finding f = {.file = one.file, .party = v->plan.roster.hub.name};
    int bad = -1;

    if (list)
        v->requests = list;
    if (list && one.file && v->plan.roster.protection != FL_PROTECTION_HELPERS) {
        f.kind = FL_FINDING_ADDED;
        fl_error(FL_FAILED, "is a request; with protection pairwise there are none");
        bad = 1;
    } else if (list && one.file) {
        bad = fl_request_read(&one.request, &v->plan, one.file, v->set->pool) ? 1 : 0;
    }
    if (bad == 0) {
        list[v->request_count++] = one;
        return check_rule(v, one.file, &one.request);
    }
    int failed = bad < 0 || fl_verify_blame(v, f);
    free(one.file);
    return failed ? -1 : 0;
}

/* For which of the requests does the answer in this file say that it is? Only to choose one. */
static void
vote(const struct fl_verify *v, const char *name, size_t *votes)
{
    char *path = fl_published(v->set->folder, "answer", name);
    struct fl_reader *in = path && !fl_input_missing(path) ? fl_reader_open(path) : NULL;
    struct fl_answer_head h;
    const struct fl_head *head;

    if (in && fl_reader_expect(in, FL_KIND_ANSWER, &head) == 1 &&
        !fl_answer_head_decode(&h, &v->plan, &head->meta))
        for (size_t i = 0; i < v->request_count; i++)
            votes[i] += !memcmp(v->requests[i].request.set, h.set, 32);
    fl_reader_free(in);
    free(path);
}

/* The one that most answers are for; of those that are equal "request.flt", the last by name. */
static int
choose_request(struct fl_verify *v)
{
    const struct fl_roster *r = &v->plan.roster;
    size_t *votes = fl_alloc(v->request_count, sizeof *votes), best = 0;

    if (!votes)
        return -1;
    for (size_t h = 0; h < r->m; h++)
        vote(v, r->parties[r->helpers[h]].name, votes);
    for (size_t i = 1; i < v->request_count; i++)
        best = votes[i] >= votes[best] ? i : best;
    free(votes);
    v->asked = &v->requests[best];
    return 0;
}

int
fl_verify_requests(struct fl_verify *v, const char *const *names, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (!fl_published_is(names[i], "request"))
            continue;
        any = true;
        if (take_request(v, names[i]))
            return -1;
    }
    if (v->plan.roster.protection != FL_PROTECTION_HELPERS)
        return 0;
    if (v->request_count)
        return choose_request(v);
    char *path = fl_published(v->set->folder, NULL, "request");
    int failed = !path || fl_verify_note(&v->lost, path) ||
                 (!any && missing(v, path, v->plan.roster.hub.name, NULL,
                                  "is not there; it shows who is in the sum"));
    free(path);
    return failed ? -1 : 0;
}

/* ---- one message ---- */

struct message {
    const char *path, *kind;
    uint32_t party;                /* whose it must be */
    const unsigned char *expected; /* its digest, or NULL: not known */
};

/* Of an upload or an answer with this head. 0 or -1. */
static int
sender_of(const struct fl_plan *plan, const struct fl_head *head, uint32_t *party)
{
    struct fl_upload_head upload;
    struct fl_answer_head answer;

    if (strcmp(head->kind, FL_KIND_ANSWER)) {
        if (fl_upload_head_decode(&upload, plan, &head->meta))
            return -1;
        *party = upload.from.party;
        return 0;
    }
    if (fl_answer_head_decode(&answer, plan, &head->meta))
        return -1;
    *party = answer.from.party;
    return 0;
}

/* The message's own object; the ciphertexts before an upload are looked at on the way. */
static int
read_cipher(struct fl_gather *g, const struct message *m, struct fl_reader *in,
            const struct fl_head **head)
{
    const bool ciphers = g->plan->ciphertexts && !strcmp(m->kind, FL_KIND_MASKED);
    int got = fl_reader_expect(in, ciphers ? FL_KIND_CIPHER "|" FL_KIND_MASKED : m->kind, head);

    if (got != 1 || !ciphers || strcmp((*head)->kind, FL_KIND_CIPHER))
        return got;
    return fl_gather_object(g, in, *head) ? -1 : fl_reader_expect(in, m->kind, head);
}

static int
read_message(const struct fl_verify *v, struct fl_gather *g, const struct message *m,
             struct fl_reader *in)
{
    const struct fl_head *head;
    uint32_t party;

    fl_reader_want_digest(in);
    if (read_cipher(g, m, in, &head) != 1)
        return -1;
    if (sender_of(&v->plan, head, &party))
        return fl_error_about(m->path);
    if (party != m->party)
        return fl_error(FL_REFUSED, "%s: is a message of \"%s\" under the name of \"%s\"", m->path,
                        v->plan.roster.parties[party].name, v->plan.roster.parties[m->party].name);
    if (fl_gather_object(g, in, head))
        return -1;
    int more = fl_reader_object(in, &head);
    return more == 1 ? fl_error(FL_FAILED, "%s: has more than one object", m->path) : more;
}

/* Into G: 1. It does not hold, which is a finding now: 0. Or -1. */
static int
take(struct fl_verify *v, struct fl_gather *g, const struct message *m)
{
    struct fl_reader *in = fl_reader_open(m->path);

    g->has_cipher = false; /* of a message that does not hold */
    int bad = !in || read_message(v, g, m, in);

    fl_reader_free(in);
    if (!bad)
        return 1;
    return fl_verify_blame(v, (struct fl_finding){.file = m->path,
                                                  .party = v->plan.roster.parties[m->party].name,
                                                  .expected = m->expected});
}

/* A file whose name is no party's: whose message is it? */
static int
name_stranger(struct fl_verify *v, const char *path, const char *kind)
{
    struct fl_finding f = {.kind = FL_FINDING_ADDED, .file = path};
    struct fl_reader *in = fl_reader_open(path);
    const struct fl_head *head;
    uint32_t party;
    int got = in ? fl_arrival_expect(in, kind, &head, NULL, NULL) : -1;
    int bad = got != 1 || sender_of(&v->plan, head, &party);

    if (!bad) {
        f.party = v->plan.roster.parties[party].name;
        f.expected = party < v->plan.roster.n && strcmp(kind, FL_KIND_ANSWER) &&
                             memcmp(v->uploads[party], nothing, 32)
                         ? v->uploads[party]
                         : NULL;
        fl_error(FL_REFUSED,
                 "is a message of \"%s\" under a name that is no %s's; each counts once, under its "
                 "own name",
                 f.party, strcmp(kind, FL_KIND_ANSWER) ? "site" : "helper");
    } else if (got == 1) {
        fl_error_about("is of nobody in this round");
    }
    fl_reader_free(in);
    return fl_verify_blame(v, f);
}

/* ---- uploads ---- */

static int
add_outside(struct fl_verify *v, const char *name)
{
    return fl_buf_printf(&v->outside, "%s%s", v->outside.len ? ", " : "", name);
}

/* The site signed this one too: the hub shows another, or two copies of a key are in use. */
static int
check_shown(struct fl_verify *v, const char *path, uint32_t site, const unsigned char expected[32])
{
    char reason[300];
    const struct fl_finding f = {.kind = FL_FINDING_TWICE,
                                 .status = FL_REFUSED,
                                 .file = path,
                                 .party = v->plan.roster.parties[site].name,
                                 .expected = expected,
                                 .found = v->uploads[site],
                                 .reason = reason};

    if (!memcmp(v->uploads[site], expected, 32))
        return 0;
    snprintf(reason, sizeof reason,
             "is not the upload that %.150s shows; \"%s\" signed both, so two copies of its key "
             "are in use",
             v->asked->file, f.party);
    return fl_findings_add(&v->findings, &f) || fl_verify_note(&v->lost, path) ? -1 : 0;
}

static int
take_upload(struct fl_verify *v, uint32_t site, bool there)
{
    const bool pairwise = v->plan.roster.protection == FL_PROTECTION_PAIRWISE;
    const char *name = v->plan.roster.parties[site].name;
    const struct fl_shown *shown = v->asked ? fl_request_find(&v->asked->request, site) : NULL;
    struct fl_gather *g = pairwise || shown ? &v->in : &v->beside;
    char *path = fl_published(v->set->folder, "up", name);
    int got = path ? 0 : -1;

    if (path && there)
        got = take(v, g,
                   &(struct message){path, FL_KIND_MASKED, site, shown ? shown->digest : NULL});
    else if (path && (pairwise || shown))
        got = missing(v, path, name, shown ? shown->digest : NULL,
                      shown ? "is not there; the request shows that it is in the sum"
                            : "is not there; with protection pairwise no upload may be missing");
    if (got == 0 && path && (pairwise || shown) && fl_verify_note(&v->lost, path))
        got = -1;
    if (got == 1) {
        memcpy(v->uploads[site], g->arrival.digest, 32);
        got = fl_verify_follows(v, &g->arrival, path) ||
              (shown                   ? check_shown(v, path, site, shown->digest)
               : !pairwise && v->asked ? add_outside(v, name)
                                       : 0);
    }
    free(path);
    return got ? -1 : 0;
}

int
fl_verify_uploads(struct fl_verify *v)
{
    const struct fl_roster *r = &v->plan.roster;
    struct fl_published_list files;
    int failed = fl_published_list(&files, v->set->folder, "up");

    for (uint32_t i = 0; i < r->n && !failed; i++)
        failed = take_upload(v, i, has(&files, r->parties[i].name));
    for (size_t i = 0; i < files.count && !failed; i++) {
        int64_t party = fl_roster_find(r, files.names[i]);
        if (party >= 0 && party < (int64_t)r->n)
            continue;
        char *path = fl_published(v->set->folder, "up", files.names[i]);
        failed = !path || name_stranger(v, path, FL_KIND_MASKED);
        free(path);
    }
    fl_published_release(&files);
    return failed ? -1 : 0;
}

/* ---- answers ---- */

static int
check_set(struct fl_verify *v, const char *path, const char *name, const unsigned char found[32])
{
    char reason[240];
    const struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                                 .status = FL_REFUSED,
                                 .file = path,
                                 .party = name,
                                 .expected = v->asked->request.set,
                                 .found = found,
                                 .reason = reason};

    if (!memcmp(found, f.expected, 32))
        return 0;
    snprintf(reason, sizeof reason, "is for another set of uploads than %.150s shows",
             v->asked->file);
    return fl_findings_add(&v->findings, &f);
}

static int
take_answer(struct fl_verify *v, uint32_t helper, bool there)
{
    const char *name = v->plan.roster.parties[helper].name;
    char *path = fl_published(v->set->folder, "answer", name);
    struct fl_gather *g = v->lost && !v->from_sum ? &v->beside : &v->in;
    int got = path ? 0 : -1;

    if (path && there)
        got = take(v, g, &(struct message){path, FL_KIND_ANSWER, helper, NULL});
    else if (path)
        got = missing(v, path, name, NULL, "is not there; the sum opens with all answers");
    const bool good = got == 1 && v->asked &&
                      !memcmp(g->arrival.reply.set, v->asked->request.set, 32);
    if (got == 1)
        got = v->asked ? check_set(v, path, name, g->arrival.reply.set) : 0;
    if (!got && path && !good)
        got = fl_verify_note(&v->unanswered, path);
    free(path);
    return got ? -1 : 0;
}

int
fl_verify_answers(struct fl_verify *v)
{
    const struct fl_roster *r = &v->plan.roster;
    struct fl_published_list files;
    int failed = fl_published_list(&files, v->set->folder, "answer");

    for (size_t h = 0; h < r->m && !failed; h++)
        failed = take_answer(v, r->helpers[h], has(&files, r->parties[r->helpers[h]].name));
    for (size_t i = 0; i < files.count && !failed; i++) {
        int64_t party = fl_roster_find(r, files.names[i]);
        if (party >= 0 && party < (int64_t)r->party_count &&
            fl_roster_helper(r, (uint32_t)party) >= 0)
            continue;
        char *path = fl_published(v->set->folder, "answer", files.names[i]);
        failed = !path || name_stranger(v, path, FL_KIND_ANSWER);
        free(path);
    }
    fl_published_release(&files);
    return failed ? -1 : 0;
}
