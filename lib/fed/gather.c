/* One function for each kind of message, and one for each question at the end. */
#include "fed/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

int
fl_gather_start(struct fl_gather *g, const struct fl_plan *plan, struct fl_lane_sum *sums,
                struct fl_request *request)
{
    *g = (struct fl_gather){.plan = plan, .sums = sums, .request = request};
    g->tags = fl_alloc(plan->roster.n, sizeof *g->tags);
    return g->tags ? 0 : -1;
}

void
fl_gather_release(struct fl_gather *g)
{
    for (size_t i = 0; g->tags && i < g->plan->roster.n; i++)
        free(g->tags[i]);
    free(g->tags);
    fl_members_release(&g->members);
    fl_arrival_release(&g->arrival);
    fl_cipher_sum_free(g->look);
    *g = (struct fl_gather){0};
}

/* ---- pairwise tags: both ends of every pair say the same of their key ---- */

/* The tag that I publishes for its key with J: those of the other sites, by index. */
static const unsigned char *
tag(const unsigned char *tags, size_t i, size_t j)
{
    return tags + (j < i ? j : j - 1) * FL_PAIR_TAG;
}

static int
keep_tags(struct fl_gather *g)
{
    const uint32_t site = g->arrival.upload.from.party;
    const size_t size = FL_PAIR_TAG * fl_upload_tags(g->plan);

    if (g->plan->roster.protection != FL_PROTECTION_PAIRWISE)
        return 0;
    g->tags[site] = fl_alloc(size, 1);
    if (!g->tags[site])
        return -1;
    memcpy(g->tags[site], g->arrival.upload.tags, size);
    return 0;
}

bool
fl_gather_agree(const struct fl_gather *g, uint32_t a, uint32_t b)
{
    return a == b || !g->tags[a] || !g->tags[b] ||
           !memcmp(tag(g->tags[a], a, b), tag(g->tags[b], b, a), FL_PAIR_TAG);
}

int
fl_gather_check_tags(const struct fl_gather *g)
{
    const struct fl_roster *r = &g->plan->roster;

    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (!fl_gather_agree(g, i, j))
                return fl_error(
                    FL_FAILED,
                    "the tags of \"%s\" and \"%s\" differ: they share no key in this round, so "
                    "their masks would not cancel; both must accept a roster of a new epoch",
                    r->parties[j].name, r->parties[i].name);
    return 0;
}

/* ---- messages ---- */

static int
about_file(struct fl_reader *in)
{
    return fl_error_about(fl_reader_name(in));
}

/*
 * Of a file that begins with other ciphertexts a helper, who reads those alone, would add the wrong
 * ones and refuse, after the hub had taken it: it has them once, and the upload after them.
 */
static int
lone_cipher(struct fl_gather *g, const char *file)
{
    g->has_cipher = false;
    return fl_error(FL_REFUSED,
                    "%s: the ciphertexts of \"%s\" have no upload after them; fetch the file again",
                    file, g->plan->roster.parties[g->cipher_site].name);
}

/* The object before an upload: its form and residues; whether it is the upload's shows then. */
static int
look_at_cipher(struct fl_gather *g, struct fl_reader *in, const struct fl_head *head)
{
    const char *file = fl_reader_name(in);
    const struct fl_tensor *t;
    struct fl_schema want = {0};
    struct fl_tensor form;
    uint64_t bytes = 0;
    size_t i = 0;

    if (!g->plan->ciphertexts)
        return fl_error(FL_REFUSED, "%s: has ciphertexts, and no tensor of the plan is encrypted",
                        file);
    if (g->has_cipher)
        return lone_cipher(g, file);
    if (fl_cipher_head_decode(&g->cipher_site, g->plan, &head->meta))
        return about_file(in);
    if ((!g->look && !(g->look = fl_cipher_sum_new(g->plan, NULL))) ||
        fl_plan_cipher_tensor(g->plan, FL_CIPHER_C1, &form))
        return -1;
    int failed = fl_schema_start(&want, "the ciphertexts of this plan") ||
                 fl_schema_add(&want, &form, false),
        got = 0;
    fl_meta_release(&form.attrs);
    while (!failed && (got = fl_reader_tensor(in, &t)) == 1)
        failed = fl_schema_match_next(&want, i++, file, t) ||
                 fl_cipher_sum_add(g->look, in, &bytes);
    failed = failed || got || fl_schema_match_end(&want, i, file);
    fl_schema_release(&want);
    if (failed)
        return -1;
    fl_reader_digest(in, g->cipher);
    g->has_cipher = true;
    return 0;
}

/* The ciphertexts before this upload are those that its site signed for. */
static int
check_cipher(struct fl_gather *g, const char *file)
{
    const struct fl_upload_head *up = &g->arrival.upload;
    const bool had = g->has_cipher;

    g->has_cipher = false;
    if (!g->plan->ciphertexts)
        return 0;
    if (!had)
        return fl_error(
            FL_REFUSED,
            "%s: lacks the ciphertexts before the upload of \"%s\"; fetch the file again", file,
            g->plan->roster.parties[up->from.party].name);
    if (g->cipher_site != up->from.party || memcmp(g->cipher, up->cipher, 32))
        return fl_error(FL_REFUSED,
                        "%s: the ciphertexts before the upload of \"%s\" are not those that it "
                        "signed for",
                        file, g->plan->roster.parties[up->from.party].name);
    return 0;
}

static int
add_upload(struct fl_gather *g, struct fl_reader *in, const struct fl_head *head)
{
    const char *file = fl_reader_name(in);
    struct fl_arrival *a = &g->arrival;

    if (fl_arrival_begin(a, g->plan, head, file)) {
        g->has_cipher = false; /* this one's */
        return -1;
    }
    const uint32_t site = a->upload.from.party;
    if (check_cipher(g, file))
        return -1;
    if (g->wanted && !g->wanted[site])
        return 0; /* the reader passes over the rest */
    if (fl_members_has(&g->members, site))
        return fl_error(FL_REFUSED, "%s: the upload of \"%s\" is there already; a site counts once",
                        file, g->plan->roster.parties[site].name);
    if (fl_lane_sum_add(g->sums, in, 1, false) || fl_arrival_end(a, in) || keep_tags(g))
        return -1;
    struct fl_counted counted = {.ctr = a->upload.from.ctr, .spent = a->upload.ledger_count};
    memcpy(counted.digest, a->digest, 32);
    if (fl_members_add(&g->members, g->plan, site, &counted))
        return about_file(in);
    if (g->request && fl_request_add(g->request, g->plan, &a->head, a->payload, a->digest, a->sign))
        return about_file(in);
    return 0;
}

static int
add_answer(struct fl_gather *g, struct fl_reader *in, const struct fl_head *head)
{
    const struct fl_roster *r = &g->plan->roster;
    const char *file = fl_reader_name(in);
    struct fl_arrival *a = &g->arrival;

    if (fl_arrival_begin(a, g->plan, head, file))
        return -1;
    const size_t h = (size_t)fl_roster_helper(r, a->reply.from.party);
    if (g->answered[h])
        return fl_error(FL_REFUSED, "%s: the answer of \"%s\" is there already", file,
                        r->parties[a->reply.from.party].name);
    if (fl_lane_sum_add(g->sums, in, -1, true) || fl_arrival_end(a, in))
        return -1;
    g->answered[h] = true;
    memcpy(g->sets[h], a->reply.set, 32);
    g->members.answers[h].ctr = a->reply.from.ctr;
    memcpy(g->members.answers[h].digest, a->digest, 32);
    return 0;
}

/* What a sum says must be of this plan; whoever made it is not asked: its parts can be added again.
 */
static int
check_sum(const struct fl_gather *g, const struct fl_meta *meta)
{
    const struct {
        const char *key;
        const unsigned char *want;
    } same[] = {{"roster", g->plan->roster.digest}, {"sid", g->plan->sid}};
    const unsigned char *got;

    for (size_t i = 0; i < 2; i++) {
        if (fl_meta_get_bytes(meta, same[i].key, 32, &got))
            return -1;
        if (memcmp(got, same[i].want, 32))
            return fl_error(FL_REFUSED, "is a sum for another %s than this plan's",
                            i ? "plan" : "roster");
    }
    return 0;
}

static int
add_sum(struct fl_gather *g, struct fl_reader *in, const struct fl_head *head)
{
    struct fl_members members = {0};
    int failed = check_sum(g, &head->meta) ||
                 fl_members_from_meta(&members, &head->meta, g->plan->roster.n, g->plan->roster.m);

    for (size_t i = 0; i < members.count && !failed; i++)
        failed = fl_members_add(&g->members, g->plan, members.sites[i], &members.uploads[i]);
    fl_members_release(&members);
    if (failed)
        return about_file(in);
    return fl_lane_sum_add(g->sums, in, 1, false);
}

int
fl_gather_object(struct fl_gather *g, struct fl_reader *in, const struct fl_head *head)
{
    if (!strcmp(head->kind, FL_KIND_CIPHER))
        return look_at_cipher(g, in, head);
    if (!strcmp(head->kind, FL_KIND_ANSWER))
        return add_answer(g, in, head);
    if (strcmp(head->kind, FL_KIND_SUM))
        return add_upload(g, in, head);
    if (g->request)
        return fl_error(FL_USAGE,
                        "%s: is a sum; a request shows each upload, so give the uploads themselves",
                        fl_reader_name(in));
    return add_sum(g, in, head);
}

int
fl_gather_add(struct fl_gather *g, struct fl_reader *in)
{
    const struct fl_head *head;
    int got;

    fl_reader_want_digest(in);
    while ((got = fl_reader_object(in, &head)) == 1)
        if (fl_gather_object(g, in, head))
            return -1;
    return got ? got : fl_gather_end_file(g, in);
}

int
fl_gather_end_file(struct fl_gather *g, struct fl_reader *in)
{
    return g->has_cipher ? lone_cipher(g, fl_reader_name(in)) : 0;
}

/* ---- at the end ---- */

int64_t
fl_gather_missing(const struct fl_gather *g, struct fl_buf *names)
{
    const struct fl_roster *r = &g->plan->roster;
    int64_t missing = 0;

    for (size_t i = 0; i < r->n; i++)
        if (!fl_members_has(&g->members, (uint32_t)i) &&
            fl_buf_printf(names, "%s%s", missing++ ? ", " : "", r->parties[i].name))
            return -1;
    return missing;
}

int
fl_gather_enough(const struct fl_gather *g)
{
    const struct fl_roster *r = &g->plan->roster;
    struct fl_buf names = {0};
    int64_t missing = fl_gather_missing(g, &names);
    const bool pairwise = r->protection == FL_PROTECTION_PAIRWISE;
    int failed = missing < 0;

    if (!failed && (int64_t)g->members.count < r->min_sum)
        failed = fl_error(FL_NOT_YET, "%lld of %zu uploads missing: %.800s; %s", (long long)missing,
                          r->n, fl_buf_text(&names),
                          pairwise ? "with protection pairwise the sum opens when all are there"
                                   : "the roster's min_sum is not reached yet");
    fl_buf_release(&names);
    return failed ? -1 : 0;
}

static int
check_answers(struct fl_gather *g)
{
    const struct fl_roster *r = &g->plan->roster;
    unsigned char set[32];

    if (r->protection == FL_PROTECTION_PAIRWISE)
        return 0;
    if (fl_members_set(&g->members, g->plan, set))
        return -1;
    for (size_t h = 0; h < r->m; h++) {
        const char *name = r->parties[r->helpers[h]].name;
        if (!g->answered[h])
            return fl_error(FL_NOT_YET,
                            "the answer of helper \"%s\" is missing; the sum opens when all %zu "
                            "helpers have answered",
                            name, r->m);
        if (memcmp(g->sets[h], set, 32))
            return fl_error(
                FL_REFUSED,
                "the answer of \"%s\" is for another set of uploads than these %zu; give "
                "the sum that was made with its request",
                name, g->members.count);
    }
    g->members.answer_count = r->m;
    return 0;
}

int
fl_gather_whole(struct fl_gather *g)
{
    return fl_gather_enough(g) || fl_gather_check_tags(g) || check_answers(g) ? -1 : 0;
}

int
fl_gather_write_sum(const struct fl_gather *g, struct fl_writer *out)
{
    struct fl_meta meta = {0};
    unsigned char set[32];
    int failed = fl_members_set(&g->members, g->plan, set) ||
                 fl_meta_set_bytes(&meta, "roster", g->plan->roster.digest, 32) ||
                 fl_meta_set_bytes(&meta, "sid", g->plan->sid, 32) ||
                 fl_meta_set_bytes(&meta, "params", g->plan->params, 32) ||
                 fl_meta_set_bytes(&meta, "set", set, 32) ||
                 fl_meta_set_i64(&meta, "round", (int64_t)g->plan->round) ||
                 fl_members_to_meta(&g->members, &meta) ||
                 fl_writer_head(out, FL_KIND_SUM, &meta) || fl_lane_sum_write(g->sums, out);

    fl_meta_release(&meta);
    return failed || fl_writer_done(out) ? -1 : 0;
}
