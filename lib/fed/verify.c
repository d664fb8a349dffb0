/* Everything is looked at before anything is said: one lie must not hide another. */
#include "fed/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/published.h"
#include "fed/verify_parts.h"
#include "os/file.h"

const char *
fl_verify_spool(int fd, char name[FL_SPOOL_NAME])
{
    snprintf(name, FL_SPOOL_NAME, "/dev/fd/%d", fd);
    return name;
}

static bool
digest_of(const struct fl_verify *v, const char *file, unsigned char digest[32])
{
    struct fl_object *o = fl_object_open(file, NULL);
    bool known = o && !fl_object_digest(o, v->set->pool, digest);

    fl_object_free(o);
    return known;
}

int
fl_verify_blame(struct fl_verify *v, struct fl_finding finding)
{
    struct fl_error_copy copy;
    unsigned char found[32];

    fl_error_save(&copy);
    if (copy.status == FL_REFUSED && strcmp(finding.file, v->set->folder) &&
        digest_of(v, finding.file, found))
        finding.found = found;
    fl_error_restore(&copy);
    return fl_findings_blame(&v->findings, &finding);
}

int
fl_verify_note(char **first, const char *file)
{
    return *first || (*first = fl_strdup(file)) ? 0 : -1;
}

/* ---- plans ---- */

/* The agreed roster, if it was given, is the plan's: 1. Otherwise 0, and a finding; or -1. */
static int
check_roster(struct fl_verify *v, const char *path)
{
    struct fl_roster agreed = {0};
    int result = 1;

    if (!v->set->roster)
        return 1;
    if (fl_roster_read(&agreed, v->set->roster))
        return -1;
    if (memcmp(agreed.digest, v->plan.roster.digest, 32)) {
        const struct fl_finding f = {.kind = FL_FINDING_REFUSED,
                                     .status = FL_REFUSED,
                                     .file = path,
                                     .party = v->plan.roster.hub.name,
                                     .expected = agreed.digest,
                                     .found = v->plan.roster.digest,
                                     .reason = "is of another roster than the one that people "
                                               "agreed on"};
        result = fl_findings_add(&v->findings, &f);
    }
    fl_roster_release(&agreed);
    return result;
}

/* The plan of the round: 1. It does not hold, and nothing else can be told: 0. Or -1. */
static int
take_plan(struct fl_verify *v)
{
    char *path = fl_published(v->set->folder, NULL, "plan");
    int result = path ? 1 : -1;

    if (path && fl_input_missing(path)) {
        const struct fl_finding f = {.kind = FL_FINDING_MISSING,
                                     .status = FL_NOT_YET,
                                     .file = path,
                                     .reason = "is not there; it says what the round is"};
        result = fl_findings_add(&v->findings, &f);
    } else if (path && fl_plan_read(&v->plan, path, v->set->pool)) {
        result = fl_verify_blame(v, (struct fl_finding){.file = path});
    } else if (path && v->plan.roster.protection == FL_PROTECTION_NONE) {
        result = fl_error(FL_USAGE,
                          "%s: is of a plain round, where --verify has no masks to look at; sum "
                          "its uploads with -p and compare the means",
                          path);
    } else if (path) {
        result = check_roster(v, path);
    }
    free(path);
    return result;
}

static int
compare_plan(struct fl_verify *v, const char *path, const struct fl_plan *other)
{
    const struct fl_plan *plan = &v->plan;
    const bool ours = !memcmp(plan->roster.digest, other->roster.digest, 32);
    struct fl_finding f = {.kind = FL_FINDING_TWICE,
                           .status = FL_REFUSED,
                           .file = path,
                           .party = plan->roster.hub.name,
                           .expected = plan->digest,
                           .found = other->digest,
                           .reason = "the hub signed this plan too for the round of plan.flt; one "
                                     "is signed for a round"};

    if (!memcmp(plan->digest, other->digest, 32))
        return 0;
    if (!ours || plan->round != other->round) {
        f.kind = FL_FINDING_ADDED;
        f.reason = ours ? "is the plan of another round" : "is the plan of another roster";
    }
    return fl_findings_add(&v->findings, &f);
}

/* Plans beside plan.flt, which somebody else got: a hub that shows two splits the sites. */
static int
take_other_plans(struct fl_verify *v, const struct fl_published_list *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *name = files->names[i];
        if (!fl_published_is(name, "plan") || !strcmp(name, "plan"))
            continue;
        char *path = fl_published(v->set->folder, NULL, name);
        struct fl_plan other = {0};
        int failed = !path;
        if (path && fl_plan_read(&other, path, v->set->pool))
            failed = fl_verify_blame(v, (struct fl_finding){.file = path,
                                                            .party = v->plan.roster.hub.name});
        else if (path)
            failed = compare_plan(v, path, &other);
        fl_plan_release(&other);
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

/* ---- who signs ---- */

/* The roster that the key accepted is the plan's, and names it under replay. */
static int
find_signer(struct fl_verify *v)
{
    const struct fl_roster *r = &v->plan.roster;
    char *dir = fl_state_dir(v->set->key, v->set->state);
    struct fl_state *state = NULL;
    int failed = !dir || !(v->key = fl_key_read(v->set->key)) ||
                 !(state = fl_state_open(dir, v->key)) ||
                 fl_state_check_plan(state, v->key, &v->plan);
    bool named = false;

    for (size_t i = 0; !failed && i < r->replay_count; i++)
        named |= r->replay[i] == state->section[0].party;
    if (!failed && !named)
        failed = fl_error(FL_REFUSED,
                          "%s: \"%s\" is not named under the roster's replay; leave out -k and -o, "
                          "since anybody may verify",
                          v->set->key, v->key->name);
    if (!failed)
        v->party = state->section[0].party;
    fl_state_free(state);
    free(dir);
    return failed ? -1 : 0;
}

/* ---- the round ---- */

static int
start(struct fl_verify *v)
{
    const struct fl_plan *plan = &v->plan;
    struct fl_progress *progress = v->set->progress;
    const uint64_t messages = plan->roster.n + plan->roster.m;

    if (progress)
        fl_progress_start(progress, v->set->program, "B", messages * plan->words * 8);
    v->replay = (struct fl_replay){.plan = plan,
                                   .folder = v->set->folder,
                                   .pool = v->set->pool,
                                   .program = v->set->program};
    v->uploads = fl_alloc(plan->roster.n, sizeof *v->uploads);
    return !v->uploads || !(v->sums = fl_lane_sum_new(plan, v->set->memory, progress)) ||
                   !(v->look = fl_lane_sum_inspector(plan, progress)) ||
                   fl_gather_start(&v->in, plan, v->sums, NULL) ||
                   fl_gather_start(&v->beside, plan, v->look, NULL)
               ? -1
               : 0;
}

static int
look(struct fl_verify *v)
{
    struct fl_published_list files = {0};
    int got = fl_published_list(&files, v->set->folder, NULL) ? -1 : take_plan(v);
    int failed = got < 0;

    if (got == 1)
        failed = (v->set->key && find_signer(v)) || take_other_plans(v, &files) || start(v) ||
                 fl_verify_model(v) ||
                 fl_verify_requests(v, (const char *const *)files.names, files.count) ||
                 fl_verify_uploads(v) || fl_verify_sum(v) || fl_verify_answers(v) ||
                 fl_verify_sets(v) || fl_verify_mean(v) || fl_verify_next(v) ||
                 fl_verify_opened(v) || fl_verify_step(v);
    fl_published_release(&files);
    return failed ? -1 : 0;
}

void
fl_verify_release(struct fl_verify *v)
{
    const int spools[] = {v->sum, v->mean, v->next, v->velocity};

    for (size_t i = 0; i < sizeof spools / sizeof *spools; i++)
        if (spools[i] >= 0)
            close(spools[i]);
    for (size_t i = 0; i < v->request_count; i++) {
        fl_request_release(&v->requests[i].request);
        free(v->requests[i].file);
    }
    free(v->requests);
    free(v->lost);
    free(v->unanswered);
    free(v->uploads);
    if (v->in.plan)
        fl_gather_release(&v->in);
    if (v->beside.plan)
        fl_gather_release(&v->beside);
    fl_lane_sum_free(v->sums);
    fl_lane_sum_free(v->look);
    fl_buf_release(&v->outside);
    fl_findings_release(&v->findings);
    fl_key_free(v->key);
    fl_plan_release(&v->plan);
}

/* ---- what is said ---- */

/* "plan, request, 4 uploads, 2 answers, sum and mean": what was looked at. */
static int
say_parts(const struct fl_verify *v, struct fl_buf *out)
{
    const struct fl_roster *r = &v->plan.roster;
    char counts[2][40];
    const char *parts[7];
    size_t n = 0;

    snprintf(counts[0], sizeof counts[0], "%zu uploads", v->in.members.count);
    snprintf(counts[1], sizeof counts[1], "%zu answers", r->m);
    parts[n++] = "plan";
    if (v->asked)
        parts[n++] = "request";
    parts[n++] = counts[0];
    if (r->m)
        parts[n++] = counts[1];
    if (v->has_sum)
        parts[n++] = "sum";
    if (v->has_mean)
        parts[n++] = "mean";
    if (v->stepped && v->set->next)
        parts[n++] = "next model";
    for (size_t i = 0; i < n; i++)
        if (fl_buf_printf(out, "%s%s", i == 0 ? "" : i == n - 1 ? " and " : ", ", parts[i]))
            return -1;
    return 0;
}

static int
say_good(const struct fl_verify *v, struct fl_buf *out)
{
    const struct fl_roster *r = &v->plan.roster;

    return fl_buf_printf(out, "round %llu of %s, epoch %lld, is as it should be: ",
                         (unsigned long long)v->plan.round, r->federation, (long long)r->epoch) ||
                   say_parts(v, out) ||
                   (r->replay_count && fl_buf_printf(out, "; signed for by %zu of %zu under replay",
                                                     v->signatures, r->replay_count)) ||
                   (v->outside.len &&
                    fl_buf_printf(out, "; uploads that are not in the set: %.400s",
                                  fl_buf_text(&v->outside)))
               ? -1
               : 0;
}

/* Nothing was found: a row that says so, whose digest is the mean's. */
static int
add_good(struct fl_verify *v, struct fl_findings *good)
{
    char name[FL_SPOOL_NAME];
    unsigned char mean[32];
    struct fl_buf text = {0};
    struct fl_finding f = {.kind = FL_FINDING_GOOD, .file = v->set->folder, .found = mean};
    int failed = say_good(v, &text) || !digest_of(v, fl_verify_spool(v->mean, name), mean);

    f.reason = failed ? NULL : fl_buf_text(&text);
    failed = failed || fl_findings_add(good, &f);
    fl_buf_release(&text);
    return failed ? -1 : 0;
}

/* What was found as a table, or else what is good: a line of each round, or as JSON a row. */
static int
report(const struct fl_verify_settings *set, const struct fl_findings *findings,
       const struct fl_findings *good)
{
    struct fl_report table;
    struct fl_buf lines = {0};
    int failed;

    if (findings->count || set->json) {
        fl_report_start(&table, fl_findings_columns, set->json);
        fl_findings_report(findings->count ? findings : good, &table);
        failed = fl_report_end(&table, 1, "standard output");
    } else {
        failed = fl_findings_lines(good, &lines) ||
                 fl_write_full(1, "standard output", lines.data, lines.len);
    }
    fl_buf_release(&lines);
    return failed || fl_findings_judge(findings, set->folder) ? -1 : 0;
}

/* One round; whether it is good into GOOD. 0 or -1. */
static int
whole(struct fl_verify *v, struct fl_findings *good)
{
    const size_t before = v->findings.count;

    if (look(v))
        return -1;
    if (v->set->progress)
        fl_progress_end(v->set->progress, v->set->progress->total, NULL);
    return v->findings.count > before ? 0 : add_good(v, good);
}

int
fl_verify(const struct fl_verify_settings *set, struct fl_output *out)
{
    struct fl_verify v = {.set = set, .sum = -1, .mean = -1, .next = -1, .velocity = -1};
    struct fl_findings findings = {0}, good = {0};
    int several = fl_verify_several(set->folder), failed = several < 0;

    if (several == 1)
        failed = fl_verify_rounds(set, whole, &findings, &good);
    else if (!failed)
        failed = whole(&v, &good);
    if (several != 1) {
        findings = v.findings;
        v.findings = (struct fl_findings){0};
    }
    if (!failed)
        failed = (v.key && !findings.count &&
                  fl_replay_sign(&v.replay, v.party, v.key, out->fd, out->name)) ||
                 report(set, &findings, &good) || (set->key && fl_output_commit(out));
    fl_findings_release(&findings);
    fl_findings_release(&good);
    fl_verify_release(&v);
    return failed ? -1 : 0;
}
