/* A helper's turn: whom it answers, what it refuses, that it answers once, crashes. */
#include "fed/answer.h"

#include "crash.h"
#include "round.h"
#include "sec/set.h"

#define FIVE FED_HELPERS "min_sum: 4\n"

/* A request for these uploads, signed by the hub, without its state: what a bad hub can do. */
static void
ask(struct round *r, const char *files_of, const char *out_file)
{
    struct fl_request request = {0};
    struct fl_arrival a = {0};
    char path[64], name[64];

    for (; *files_of; files_of++) {
        snprintf(path, sizeof path, "up/%c.flt", *files_of);
        CHECK(!round_arrival(r, path, &a));
        CHECK(!fl_request_add(&request, &r->plan, &a.head, a.payload, a.digest, a.sign));
        fl_arrival_release(&a);
    }
    snprintf(name, sizeof name, "%s", out_file);
    int fd = open(round_path(r, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(!fl_request_write(&request, &r->plan, r->f->key[FED_HUB], fd, name, 0));
    close(fd);
    fl_request_release(&request);
}

/* Is helper I ready for the request in this file? 0 or -1; BAD sites into NAMES. */
static int
ready(struct round *r, size_t i, const char *request_file, char names[FED_SITES + 1])
{
    struct federation *f = r->f;
    struct fl_request request;
    struct fl_answering a = {.key = f->key[i], .plan = &r->plan, .request = &request, .kept = -1};
    int failed = fl_request_read(&request, &r->plan, round_path(r, request_file), NULL);

    if (failed)
        return -1;
    a.state = fed_state(f, i);
    failed = !a.state || fl_answer_check(&a);
    *names = '\0';
    if (!failed) {
        int fd = open(round_path(r, "ready.flt"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        CHECK(!fl_answer_ready(&a, fd, "ready.flt"));
        close(fd);
        for (size_t k = 0; k < a.bad_count; k++) {
            names[k] = (char)('a' + a.bad[k]);
            names[k + 1] = '\0';
        }
    }
    fl_answer_release(&a);
    fl_state_free(a.state);
    fl_request_release(&request);
    return failed ? -1 : 0;
}

/* Every number of sites from min_sum on; masked, plain and frozen tensors of several widths. */
static void
test_opens(void)
{
    static const char *const sets[] = {"abcdef", "bcdef", "acef", "abcd"};
    struct federation f;
    struct round r;
    static const char *const answers[] = {"answer/aux.flt", "answer/b.flt", NULL};

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        round_start(&r, &f, 6,
                    FED_HELPERS "min_sum: 4\nsteps: 16\n"
                                "tensors: [{match: embed, protect: plain, bits: 13, clip: 0.4}, "
                                "{match: large, protect: mask, bits: 10, clip: 0.4}, "
                                "{match: \"*\", protect: mask, bits: 21, clip: 0.2}]\n",
                    i % 2 ? fed_extreme : fed_usual);
        r.threads = (int)i;
        round_turns(&r, "abcdef");
        CHECK(!round_ask(&r, sets[i], false));
        round_answers(&r);
        CHECK(!round_open(&r, round_uploads(sets[i], answers)));
        round_check_mean(&r, sets[i], NULL);
        fed_system(&f, "mv r1/mean.flt first.flt"); /* from the sum; answers in another order */
        CHECK(!round_open(&r, ROUND_FILES("answer/b.flt", "sum.flt", "answer/aux.flt")));
        CHECK(fed_same_files(&f, "first.flt", "r1/mean.flt"));
        round_end(&r);
    }
}

/* All sites help: each adds the stream of its own chain too, and opens nothing alone. */
static void
test_all_help(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, "protection: helpers\nhelpers: [c, a, b]\nmin_sum: 3\n", fed_usual);
    round_turns(&r, "abc");
    CHECK(!round_ask(&r, "abc", false));
    for (size_t i = 0; i < 3; i++)
        CHECK(!round_answer(&r, i));
    CHECK_REFUSED(round_open(&r, ROUND_FILES("sum.flt", "answer/a.flt", "answer/c.flt")),
                  FL_NOT_YET, "\"b\" is missing");
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/a.flt", "answer/c.flt", "answer/b.flt")));
    round_check_mean(&r, "abc", NULL);
    round_end(&r);
}

/* The same set: the same bytes. Another: refused, whatever it is. */
static void
test_once(void)
{
    struct federation f;
    struct round r;
    char names[FED_SITES + 1];

    round_start(&r, &f, 8, FIVE, fed_usual);
    round_turns(&r, "abcdefgh");
    ask(&r, "abcdefgh", "request.flt");
    ask(&r, "abcd", "half.flt"); /* that the rule of sets would allow */
    ask(&r, "abcdefg", "less.flt");
    CHECK(!round_answer(&r, 1));
    fed_system(&f, "cp r1/answer/b.flt first.flt; cp b.state/state before; cp b.key key.before");
    r.threads = 2;
    r.level = 3;
    CHECK(!round_answer(&r, 1) && fed_same_files(&f, "first.flt", "r1/answer/b.flt"));
    CHECK(!ready(&r, 1, "request.flt", names) && !*names);
    CHECK(fed_same_files(&f, "before", "b.state/state") &&
          fed_same_files(&f, "key.before", "b.key"));
    CHECK_REFUSED(round_answer_to(&r, 1, "half.flt", "x.flt"), FL_REFUSED, "for another set");
    CHECK_REFUSED(round_answer_to(&r, 1, "less.flt", "x.flt"), FL_REFUSED, "for another set");
    CHECK_REFUSED(ready(&r, 1, "half.flt", names), FL_REFUSED, "for another set");
    CHECK(access(round_path(&r, "x.flt"), F_OK));
    struct fl_state *s = fed_state(&f, 1);
    CHECK(s && !fl_state_open_keys(s, 1) && s->answers.ctr == 1 && f.key[1]->answers == 1);
    CHECK(s->near.base_count == 1 && s->near.bases[0].set_count == 1);
    fl_state_free(s);
    fed_system(&f, "rm b.state/answer-1-1.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_FAILED, "the round is dead");
    round_end(&r);
}

/* A second round over the same model: the rule of sets, and what is kept of open rounds. */
static void
test_sets(void)
{
    struct federation f;
    struct round r, r2, r3;
    char names[FED_SITES + 1];

    round_start(&r, &f, 8, FIVE "max_open: 2\n", fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    CHECK(!round_plan(&r3, &f, &(struct fed_planning){.round = 4}));
    round_turns(&r, "abcdefgh");
    ask(&r, "abcdefgh", "request.flt");
    CHECK(!round_answer(&r, FED_AUX));
    round_turns(&r2, "abcdefgh");
    ask(&r2, "abcdefg", "request.flt");
    CHECK_REFUSED(ready(&r2, FED_AUX, "request.flt", names), FL_REFUSED, "the sum of 1 site");
    CHECK_REFUSED(round_answer(&r2, FED_AUX), FL_REFUSED, "\"h\" among them");
    ask(&r2, "abc", "less.flt");
    CHECK_REFUSED(round_answer_to(&r2, FED_AUX, "less.flt", "x.flt"), FL_REFUSED, "min_sum is 4");
    ask(&r2, "efgh", "half.flt");
    CHECK(!ready(&r2, FED_AUX, "half.flt", names) && !*names);
    CHECK(!round_answer_to(&r2, FED_AUX, "half.flt", "answer/aux.flt"));
    /* Rounds that were skipped stay open for so many; older ones are over. */
    CHECK_REFUSED(round_turn(&r3, 0), FL_REFUSED, "max_open is 2");
    fl_plan_release(&r2.plan);
    fl_plan_release(&r3.plan);
    round_end(&r);
}

/* Flip a tag of an upload and sign it again: what a bad site does. */
struct flip {
    size_t tag;
};

static void
flip_tag(struct fl_meta *meta, void *arg)
{
    const struct fl_meta_item *tags = fl_meta_find(meta, "tags");
    const struct flip *flip = arg;
    unsigned char copy[32 * FL_HELPERS_MAX];
    const unsigned char *got;

    CHECK(tags && !fl_meta_get_bytes(meta, "tags", 64, &got));
    memcpy(copy, got, 64);
    copy[32 * flip->tag + 7] ^= 1;
    CHECK(!fl_meta_set_bytes(meta, "tags", copy, 64));
}

static void
flip_upload(struct round *r, size_t site, size_t tag)
{
    struct flip flip = {tag};
    char from[64], to[64];

    snprintf(from, sizeof from, "%s/up/%s", r->folder, fed_name(site, ".flt"));
    snprintf(to, sizeof to, "%s/up/flipped.flt", r->folder);
    fed_forge(r->f, &(struct fed_forgery){.from = from,
                                          .to = to,
                                          .kind = FL_KIND_MASKED,
                                          .change = flip_tag,
                                          .arg = &flip,
                                          .key = r->f->key[site],
                                          .signer = (uint32_t)site});
    fed_system(r->f, "mv %s %s", to, from);
}

/*
 * Tags right for one helper and wrong for another: the other names the sites, neither records
 * anything before all are ready, and without those sites the round opens.
 */
static void
test_bad_tags(void)
{
    struct federation f;
    struct round r;
    char names[FED_SITES + 1];
    struct fl_ready_head head;

    round_start(&r, &f, 8, FIVE, fed_usual);
    round_turns(&r, "abcdefgh");
    flip_upload(&r, 2, 1);
    flip_upload(&r, 6, 1);
    ask(&r, "abcdefgh", "request.flt");
    fed_system(&f, "cp b.state/state b.before; cp aux.state/state aux.before");
    CHECK(!ready(&r, 1, "request.flt", names));
    CHECK_TEXT(names, "");
    CHECK(!ready(&r, FED_AUX, "request.flt", names));
    CHECK_TEXT(names, "cg");
    struct fl_object *o = fl_object_open(round_path(&r, "ready.flt"), FL_KIND_READY);
    CHECK(o && !fl_ready_head_decode(&head, &r.plan, &fl_object_head(o)->meta));
    CHECK(head.bad_count == 2 && head.bad[0] == 2 && head.bad[1] == 6 && head.party == 8);
    fl_object_free(o);
    CHECK_REFUSED(round_answer(&r, FED_AUX), FL_FAILED, "the tags of 2 sites, \"c\" among them");
    CHECK(fed_same_files(&f, "b.before", "b.state/state"));
    CHECK(fed_same_files(&f, "aux.before", "aux.state/state"));
    ask(&r, "abdefh", "request.flt");
    round_answers(&r);
    static const char *const answers[] = {"answer/aux.flt", "answer/b.flt", NULL};
    CHECK(!round_open(&r, round_uploads("abdefh", answers)));
    round_check_mean(&r, "abdefh", NULL);
    round_end(&r);
}

static void
test_refused(void)
{
    struct federation f;
    struct round r;
    unsigned char saved[32];

    round_start(&r, &f, 6, FIVE "max_skip: 8\n", fed_usual);
    round_turns(&r, "acdef");
    ask(&r, "acdef", "request.flt");
    CHECK_REFUSED(round_answer(&r, 0), FL_REFUSED, "\"a\" is no helper");
    CHECK_REFUSED(round_answer(&r, FED_HUB), FL_REFUSED, "\"hub\" is no helper");

    /* The plan is over another model, says other numbers, or a velocity, or counts more. */
    memcpy(saved, r.plan.base, 32);
    struct fl_state *s = fed_state(&f, FED_AUX);
    s->section[0].now.object[0] ^= 1;
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    CHECK_REFUSED(round_answer(&r, FED_AUX), FL_REFUSED, "over another model");
    s = fed_state(&f, FED_AUX);
    memcpy(s->section[0].now.object, saved, 32);
    s->section[0].now.known = true;
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    CHECK_REFUSED(round_answer(&r, FED_AUX), FL_REFUSED, "other numbers than it has");
    s = fed_state(&f, FED_AUX);
    memcpy(s->section[0].now.params, r.plan.params, 32);
    s->section[0].now.has_velocity = true;
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    CHECK_REFUSED(round_answer(&r, FED_AUX), FL_REFUSED, "another velocity");
    s = fed_state(&f, FED_AUX);
    s->section[0].now.has_velocity = false;
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    r.plan.last[6 + 1].ctr = 1;
    CHECK_REFUSED(round_answer(&r, FED_AUX), FL_REFUSED, "counted answer 1 of this key");
    r.plan.last[6 + 1].ctr = 0;

    /* A helper that is a site knows its own upload: a copy of its key has sent another. */
    fed_system(&f, "cp b.key key.safe; cp -r b.state state.safe");
    CHECK(!round_turn(&r, 1));
    ask(&r, "abcde", "own.flt");
    fed_system(&f, "cp key.safe b.key; rm -r b.state; cp -r state.safe b.state");
    fl_key_free(f.key[1]);
    f.key[1] = fl_key_read(fed_path(&f, "b.key"));
    CHECK_REFUSED(round_answer_to(&r, 1, "own.flt", "x.flt"), FL_REFUSED,
                  "an upload of \"b\" that its state does not know");
    CHECK(!round_answer(&r, 1)); /* where b is not in it */

    /* The round before stays open for its request. */
    CHECK(!round_answer(&r, FED_AUX));
    s = fed_state(&f, FED_AUX);
    CHECK(s && s->section[0].down_next == 2 && s->section[0].open_count == 1); /* round 0 */
    fl_state_free(s);
    round_end(&r);
}

/* Rounds over one base, the later answered first: the others stay open, until they are closed. */
static void
test_order(void)
{
    struct federation f;
    struct round r1, r2, r3;
    char names[FED_SITES + 1];

    round_start(&r1, &f, 4, FED_HELPERS "min_sum: 4\nmax_open: 4\nmax_skip: 8\n", fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    CHECK(!round_plan(&r3, &f, &(struct fed_planning){.round = 3}));
    round_turns(&r1, "abcd");
    round_turns(&r2, "abcd");
    round_turns(&r3, "abcd");
    ask(&r1, "abcd", "request.flt");
    ask(&r2, "abcd", "request.flt");
    ask(&r3, "abcd", "request.flt");
    CHECK(!round_answer(&r3, FED_AUX) && !round_answer(&r1, FED_AUX));
    struct fl_state *s = fed_state(&f, FED_AUX);
    CHECK(s && s->section[0].down_next == 4 && s->section[0].open_count == 2);
    CHECK_REFUSED(fl_state_admit(s->section[0].down_next, 12, 8), FL_REFUSED, "too far");
    CHECK(s && s->answers.ctr == 2 && fl_state_open_keys(s, 0) && fl_state_open_keys(s, 2));
    fl_state_free(s);
    CHECK(!ready(&r2, FED_AUX, "request.flt", names) && !*names);
    s = fed_state(&f, FED_AUX);
    fl_state_close_round(s, 2); /* fl-unmask --close */
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    CHECK_REFUSED(ready(&r2, FED_AUX, "request.flt", names), FL_REFUSED, "its keys were wiped");
    CHECK_REFUSED(round_answer(&r2, FED_AUX), FL_REFUSED, "its keys were wiped");
    fl_plan_release(&r2.plan);
    fl_plan_release(&r3.plan);
    round_end(&r1);
}

/* ---- crashes ---- */

static int
answer_in_child(void *arg)
{
    return round_answer(arg, 1);
}

/*
 * A crash at any moment: the answer that was recorded or has left is the only one there ever is;
 * before that another set may still be answered.
 */
static void
test_crash(void)
{
    struct federation f;
    struct round r;
    int n = 0, outcome = 1, sent = 0, kept = 0;

    round_start(&r, &f, 8, FIVE, fed_usual);
    round_turns(&r, "abcdefgh");
    ask(&r, "abcdefgh", "request.flt");
    ask(&r, "abcd", "half.flt");
    fed_system(&f, "mkdir safe && cp -r b.key b.state safe");
    if (test_under_valgrind() || crash_at(1 << 20, answer_in_child, &r) == -2) {
        round_end(&r);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f,
                   "rm -rf b.key b.state r1/answer/* first.flt && cp -r safe/b.key safe/b.state .");
        fl_key_free(f.key[1]);
        f.key[1] = fl_key_read(fed_path(&f, "b.key"));
        outcome = crash_at(n, answer_in_child, &r);
        CHECK(outcome >= 0);
        fl_key_free(f.key[1]);
        f.key[1] = fl_key_read(fed_path(&f, "b.key"));
        struct fl_state *s = f.key[1] ? fed_state(&f, 1) : NULL;
        CHECK(s && f.key[1]->answers <= s->answers.ctr);
        const bool recorded = s && s->answer_count == 1;
        CHECK(s && s->section[0].down_next == (recorded ? 2U : 0U));
        CHECK(s && s->near.base_count == recorded && !fl_state_open_keys(s, 1));
        fl_state_free(s);
        const bool left = !access(round_path(&r, "answer/b.flt"), F_OK);
        CHECK(!left || recorded);
        sent += left;
        kept += recorded && !left;
        fed_system(&f, left       ? "mv r1/answer/b.flt first.flt"
                       : recorded ? "cp b.state/answer-1-1.flt first.flt"
                                  : "true");
        if (recorded) {
            CHECK_REFUSED(round_answer_to(&r, 1, "half.flt", "x.flt"), FL_REFUSED, "another set");
            CHECK(!round_answer(&r, 1) && fed_same_files(&f, "first.flt", "r1/answer/b.flt"));
        } else {
            CHECK(!round_answer_to(&r, 1, "half.flt", "x.flt"));
            CHECK_REFUSED(round_answer(&r, 1), FL_REFUSED, "another set");
        }
        CHECK(f.key[1]->answers == 1);
        fed_system(&f, "[ $(ls b.state | grep -c answer) = 1 ]");
    }
    CHECK(outcome == 0 && n > 10 && kept > 3 && sent > 0 && sent + kept < n);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_opens);
    RUN(test_all_help);
    RUN(test_once);
    RUN(test_sets);
    RUN(test_bad_tags);
    RUN(test_refused);
    RUN(test_order);
    RUN(test_crash);
    return test_end();
}
