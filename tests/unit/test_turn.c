/* A site's turn: what is masked, what is refused, what is sent again, and crashes. */
#include "fed/turn.h"

#include "crash.h"
#include "round.h"

/* ---- whole rounds: pairwise, so that the sum opens by itself ---- */

/* Every width at both ends of the range, of all sites at the cap; and usual values. */
static void
test_exact(void)
{
    struct federation f;
    struct round r;
    char more[300];

    static const unsigned widths[] = {8, 9, 10, 11, 12, 13, 16, 21, 22, 31, 32, 64};

    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        const unsigned bits = widths[w];
        snprintf(more, sizeof more,
                 "steps: 16\ntensors: [{match: \"*\", protect: mask, bits: %u, clip: 0.25}]\n",
                 bits);
        round_start(&r, &f, 3, more, bits % 2 ? fed_extreme : fed_usual);
        round_turns(&r, "abc");
        CHECK(!round_open(&r, round_uploads("cab", NULL)));
        round_check_mean(&r, "abc", NULL);
        round_end(&r);
    }
}

/* Weights by examples, clamped: 10, 11, 12 and unit 4 with floor 1 and cap 2.7. */
static void
test_weights(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 4,
                "weights: {rule: examples, unit: 4, floor: 2.6, cap: 2.9}\n"
                "tensors: [{match: large, protect: plain, bits: 64, clip: 1}, {match: none, "
                "protect: frozen}, {match: \"*\", protect: mask, bits: 21, clip: 0.3}]\n",
                fed_usual);
    for (size_t i = 0; i < 4; i++) { /* without the frozen tensor */
        struct fl_meta meta = {0};
        char file[16];
        snprintf(file, sizeof file, "%s", fed_name(i, ".flt"));
        struct fed_object o = {file, FL_KIND_UPDATE, &meta, fed_usual, (int)i, "none", {0}};
        CHECK(!fl_meta_set_bytes(&meta, "base", f.model, 32) &&
              !fl_meta_set_i64(&meta, "examples", 10 + (int64_t)i));
        fed_write(&f, &o);
        CHECK_REFUSED(round_turn(&r, i), FL_FAILED, "does not say from which numbers");
        CHECK(!fl_meta_set_bytes(&meta, "base.params", fed_params(&f, f.model), 32));
        fed_write(&f, &o);
        fl_meta_release(&meta);
    }
    round_turns(&r, "abcd");
    CHECK(!round_open(&r, round_uploads("dbca", NULL)));
    round_check_mean(&r, "abcd", (const double[]){2.6, 2.75, 2.9, 2.9});
    round_end(&r);
}

/* Any number of threads: the words differ by nothing but the nonce and what follows from it. */
static void
test_threads(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, "", fed_usual);
    for (int i = 0; i < 3; i++) {
        r.threads = i + 1;
        r.level = i;
        CHECK(!round_turn(&r, (size_t)i));
    }
    CHECK(!round_open(&r, round_uploads("abc", NULL)));
    round_check_mean(&r, "abc", NULL);
    round_end(&r);
}

/* With helpers two uploads of one update, by copies of one key, share no word: fresh nonces. */
static void
test_nonce(void)
{
    struct federation f;
    struct round r;
    struct fl_arrival a = {0}, b = {0};

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    fed_system(&f, "cp -r a.state a.copy");
    CHECK(!round_turn(&r, 0));
    fed_system(&f, "rm -r a.state && mv a.copy a.state");
    f.key[0]->uploads = 0; /* and of the key */
    CHECK(!round_turn_of(&r, 0, "a.flt", "up/again.flt"));
    CHECK(!round_arrival(&r, "up/a.flt", &a) && !round_arrival(&r, "up/again.flt", &b));
    CHECK(memcmp(a.upload.nonce, b.upload.nonce, 32) && memcmp(a.payload, b.payload, 32));
    CHECK(a.upload.from.ctr == 1 && b.upload.from.ctr == 1 && memcmp(a.digest, b.digest, 32));
    struct fl_object *x = fl_object_open(round_path(&r, "up/a.flt"), FL_KIND_MASKED);
    struct fl_object *y = fl_object_open(round_path(&r, "up/again.flt"), FL_KIND_MASKED);
    const uint64_t *u = fl_object_data(x, 1), *v = fl_object_data(y, 1);
    size_t same = 0;
    for (size_t i = 0; i < 10001; i++)
        same += u[i] == v[i];
    CHECK(same == 0);
    fl_object_free(x);
    fl_object_free(y);
    fl_arrival_release(&a);
    fl_arrival_release(&b);
    round_end(&r);
}

/* An upload of zeros: each bit of its words is set about half of the time. */
static void
test_looks_like_noise(void)
{
    struct federation f;
    struct round r;
    size_t ones[64] = {0};

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    CHECK(!round_turn_of(&r, 2, "zero", "up/c.flt"));
    struct fl_object *o = fl_object_open(round_path(&r, "up/c.flt"), FL_KIND_MASKED);
    const uint64_t *words = fl_object_data(o, 1);
    for (size_t i = 0; i < 10000; i++)
        for (int b = 0; b < 64; b++)
            ones[b] += words[i] >> b & 1;
    for (int b = 0; b < 64; b++)
        CHECK(ones[b] > 4650 && ones[b] < 5350); /* seven standard deviations */
    fl_object_free(o);
    round_end(&r);
}

/* ---- what is refused ---- */

static void
test_again(void)
{
    struct federation f;
    struct round r, other;

    round_start(&r, &f, 3, "max_open: 2\n", fed_usual);
    CHECK(!round_turn(&r, 0));
    fed_system(&f, "cp r1/up/a.flt first.flt; cp a.state/state state.first; cp a.key key.first");
    r.threads = 2;
    r.level = 3;
    CHECK(!round_turn(&r, 0)); /* the same update: the same bytes, and nothing is recorded */
    CHECK(fed_same_files(&f, "first.flt", "r1/up/a.flt"));
    CHECK(fed_same_files(&f, "a.state/state", "state.first"));
    CHECK(fed_same_files(&f, "a.key", "key.first"));
    CHECK_REFUSED(round_turn_of(&r, 0, "b.flt", "x.flt"), FL_REFUSED, "masked with another update");
    CHECK_REFUSED(round_turn_of(&r, 0, "zero", "x.flt"), FL_REFUSED, "masked with another update");
    CHECK(access(round_path(&r, "x.flt"), F_OK));

    /* Another plan of the round, which the hub signed out of another state. */
    struct fl_plan plan;
    const struct fed_planning how = {.round = 1, .deadline = "2999-01-01T00:00:00Z"};
    CHECK(!fed_draft(&f, &plan, &how) && !fed_write_plan(&f, &plan, "two.flt"));
    fl_plan_release(&plan);
    other = r;
    CHECK(!fl_plan_read(&other.plan, fed_path(&f, "two.flt"), NULL));
    CHECK_REFUSED(round_turn_of(&other, 0, "a.flt", "x.flt"), FL_REFUSED, "for another plan of it");
    fl_plan_release(&other.plan);

    /* A round that was passed, one that is too far, the model too often. */
    CHECK(!round_plan(&other, &f, &(struct fed_planning){.round = 0}));
    CHECK_REFUSED(round_turn(&other, 0), FL_REFUSED, "round 0 is over");
    fl_plan_release(&other.plan);
    CHECK(!round_plan(&other, &f, &(struct fed_planning){.round = 5}) && !round_turn(&other, 0));
    CHECK(!access(fed_path(&f, "a.state/upload-1-1.flt"), F_OK));
    fl_plan_release(&other.plan);
    CHECK(!round_plan(&other, &f, &(struct fed_planning){.round = 6}));
    CHECK_REFUSED(round_turn(&other, 0), FL_REFUSED, "max_open is 2");
    fl_plan_release(&other.plan);

    /* The kept upload is gone: not made again. */
    fed_system(&f, "rm a.state/upload-1-5.flt");
    CHECK(!fl_plan_read(&other.plan, fed_path(&f, "r5/plan.flt"), NULL));
    snprintf(other.folder, sizeof other.folder, "r5");
    CHECK_REFUSED(round_turn(&other, 0), FL_FAILED, "must miss the round");
    fl_plan_release(&other.plan);
    round_end(&r);
}

static void
set_params(struct fl_meta *meta, void *arg)
{
    CHECK(!fl_meta_set_bytes(meta, "base.params", arg, 32));
}

static void
test_refused(void)
{
    struct federation f, g;
    struct round r;
    const unsigned char other[32] = {1};
    unsigned char params[32];

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    fed_update(&f, 1, other, 10, fed_usual);
    CHECK_REFUSED(round_turn(&r, 1), FL_REFUSED, "b.flt: ");
    fed_update(&f, 1, f.model, 10, fed_usual);
    memcpy(params, r.plan.params, 32);
    fed_forge(&f, &(struct fed_forgery){.from = "b.flt",
                                        .to = "same.flt",
                                        .kind = FL_KIND_UPDATE,
                                        .change = set_params,
                                        .arg = params});
    CHECK(!round_turn_of(&r, 1, "same.flt", "up/b.flt"));
    params[0] ^= 1;
    fed_forge(&f, &(struct fed_forgery){.from = "a.flt",
                                        .to = "bad.flt",
                                        .kind = FL_KIND_UPDATE,
                                        .change = set_params,
                                        .arg = params});
    CHECK_REFUSED(round_turn_of(&r, 0, "bad.flt", "x.flt"), FL_REFUSED, "other numbers");
    fed_forge(&f, &(struct fed_forgery){.from = "a.flt",
                                        .to = "bad.flt",
                                        .kind = FL_KIND_UPDATE,
                                        .leave_out_last = true});
    CHECK_REFUSED(round_turn_of(&r, 0, "bad.flt", "x.flt"), FL_FAILED, "norm.weight");
    CHECK_REFUSED(round_turn_of(&r, FED_AUX, "a.flt", "x.flt"), FL_REFUSED, "no site");

    /* The hub has counted what this key does not know of: it was copied, or rolled back. */
    r.plan.last[0].ctr = 1;
    CHECK_REFUSED(round_turn(&r, 0), FL_REFUSED, "its state knows of 0");
    r.plan.last[0].ctr = 0;
    r.plan.last[1] = (struct fl_counted){1, {1}, 0};
    CHECK_REFUSED(round_turn_of(&r, 1, "same.flt", "x.flt"), FL_REFUSED, "counted another upload");
    r.plan.last[1].ctr = 0;
    CHECK(!round_turn_of(&r, 1, "same.flt", "x.flt"));

    /* A plan of people who are not ours. */
    fed_start(&g, 3, "");
    struct fl_plan ours = r.plan;
    fed_plan(&g, &r.plan, 1);
    CHECK_REFUSED(round_turn(&r, 0), FL_REFUSED, "that this key has not accepted");
    fl_plan_release(&r.plan);
    r.plan = ours;
    CHECK(!round_turn(&r, 0));
    fed_end(&g);
    round_end(&r);
}

/* Nothing private decides: values that are odd, no weight, a weight of any size; all are masked. */
static float
odd(uint64_t i, int arg)
{
    return i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : arg ? -INFINITY : 0;
}

static int
second_turn(void *arg)
{
    return round_turn(arg, 2);
}

/* In size, in the calls that write, in whether there is an upload. */
static void
test_private_values(void)
{
    static const struct {
        fed_value *value;
        int64_t examples;
    } cases[] = {{fed_usual, 2}, {odd, 0}, {odd, INT64_MAX}, {fed_extreme, 1}, {fed_usual, 0}};
    struct federation f;
    struct round r;
    struct fl_buf b = {0};
    int calls = 0, first = 0;
    size_t len = 0;

    round_start(&r, &f, 4, "weights: {rule: examples, unit: 1, floor: 1, cap: 3}\n", fed_usual);
    fed_system(&f, "mkdir safe && cp -r c.key c.state safe");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_system(&f, "rm -rf c.key c.state r1/up/* && cp -r safe/c.key safe/c.state .");
        fed_update(&f, 2, f.model, cases[i].examples, cases[i].value);
        int outcome = crash_run(1 << 20, second_turn, &r, &calls);
        CHECK(outcome == 0 || test_under_valgrind() || outcome == -2);
        if (outcome)
            CHECK(!round_turn(&r, 2));
        CHECK(!fl_read_file(round_file(&r, "up", 2), 1 << 24, &b));
        if (!i) {
            first = calls;
            len = b.len;
        }
        CHECK(calls == first && b.len == len && len > 80000);
        fl_buf_release(&b);
    }
    CHECK(!round_turn(&r, 0) && !round_turn(&r, 1));
    CHECK(!round_turn_of(&r, 3, "zero", "up/d.flt"));
    CHECK(!fl_read_file(round_file(&r, "up", 3), 1 << 24, &b) && b.len == len);
    fl_buf_release(&b);
    CHECK(!round_open(&r, round_uploads("abcd", NULL)));
    round_end(&r);
}

/* fl_turn_admit looks at no update and changes nothing. */
static void
test_admit(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, "", fed_usual);
    fed_system(&f, "cp a.state/state before; cp a.key key.before");
    struct fl_turn t = {.key = f.key[0], .plan = &r.plan, .kept = -1, .state = fed_state(&f, 0)};
    CHECK(!fl_turn_admit(&t) && t.index == 0 && !t.done);
    r.plan.last[0].ctr = 3;
    CHECK_REFUSED(fl_turn_admit(&t), FL_REFUSED, "knows of 0");
    fl_state_free(t.state);
    CHECK(fed_same_files(&f, "a.state/state", "before") &&
          fed_same_files(&f, "a.key", "key.before"));
    round_end(&r);
}

/* What fl_upload_bytes says is enough, and not much more. */
static void
test_bytes(void)
{
    static const char *const rosters[] =
        {"", FED_HELPERS "min_sum: 3\n",
         "steps: 16\ntensors: [{match: large, protect: plain, bits: 8, clip: 1}, {match: \"*\", "
         "protect: mask, bits: 21, clip: 0.3}]\n"};
    struct federation f;
    struct round r;

    for (size_t i = 0; i < sizeof rosters / sizeof *rosters; i++) {
        struct fl_buf b = {0};
        uint64_t bytes = 0;
        round_start(&r, &f, 4, rosters[i], fed_usual);
        CHECK(!round_turn(&r, 3) && !fl_read_file(round_file(&r, "up", 3), 1 << 24, &b));
        CHECK(!fl_upload_bytes(&r.plan, &bytes) && bytes >= b.len && bytes < b.len + 1000);
        fl_buf_release(&b);
        round_end(&r);
    }
}

/* ---- crashes ---- */

static int
turn_in_child(void *arg)
{
    return round_turn(arg, 0);
}

/*
 * A crash at any moment: what left is what is sent again, to the byte, and no mask is used twice.
 * Whatever was kept without a record is gone after the next run.
 */
static void
test_crash(void)
{
    struct federation f;
    struct round r;
    int n = 0, outcome = 1, sent = 0, kept = 0;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    fed_system(&f, "mkdir safe && cp -r a.key a.state safe");
    if (test_under_valgrind() || crash_at(1 << 20, turn_in_child, &r) == -2) {
        round_end(&r);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf a.key a.state r1/up/* first.flt && cp -r safe/a.key safe/a.state .");
        fl_key_free(f.key[0]);
        f.key[0] = fl_key_read(fed_path(&f, "a.key"));
        outcome = crash_at(n, turn_in_child, &r);
        CHECK(outcome >= 0);
        fl_key_free(f.key[0]);
        f.key[0] = fl_key_read(fed_path(&f, "a.key"));
        struct fl_state *s = f.key[0] ? fed_state(&f, 0) : NULL;
        CHECK(s && f.key[0]->uploads <= s->uploads.ctr);
        const bool recorded = s && s->upload_count == 1;
        CHECK(s && s->section[0].up_next == (recorded ? 2U : 0U));
        fl_state_free(s);
        const bool left = !access(round_path(&r, "up/a.flt"), F_OK);
        CHECK(!left || recorded);
        sent += left;
        kept += recorded && !left;
        if (left)
            fed_system(&f, "mv r1/up/a.flt first.flt");
        else if (recorded) /* what was kept is what will leave */
            fed_system(&f, "cp a.state/upload-1-1.flt first.flt");
        CHECK(!round_turn(&r, 0) && f.key[0]->uploads == 1);
        if (left || recorded)
            CHECK(fed_same_files(&f, "first.flt", "r1/up/a.flt"));
        if (recorded) /* and another update is refused, before and after */
            CHECK_REFUSED(round_turn_of(&r, 0, "b.flt", "x.flt"), FL_REFUSED, "another update");
        fed_system(&f, "[ $(ls a.state | grep -c upload) = 1 ]");
    }
    CHECK(outcome == 0 && n > 10 && kept > 3 && sent > 0 && sent + kept < n);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_exact);
    RUN(test_weights);
    RUN(test_threads);
    RUN(test_nonce);
    RUN(test_looks_like_noise);
    RUN(test_again);
    RUN(test_refused);
    RUN(test_private_values);
    RUN(test_admit);
    RUN(test_bytes);
    RUN(test_crash);
    return test_end();
}
