/* Rounds with encrypted tensors: what they open to, what a helper refuses, crashes. */
#include "fed/cipher.h"

#include "crash.h"
#include "encrypted.h"

#define MIXED                                                                                      \
    "tensors: [{match: \"norm*\", protect: plain, bits: 16, clip: 0.5}, {match: embed, protect: "  \
    "he, bits: 21, clip: 0.4}, {match: large, protect: he, bits: 16, clip: 0.3}, {match: \"*\", "  \
    "protect: mask, bits: 20, clip: 0.5}]\n"

/* A round of a, b, c, d, while e is missing: uploads, request, answers, mean. */
static void
play(struct round *r)
{
    round_turns(r, "abcd");
    CHECK(!round_ask(r, "abcd", false));
    round_answers(r);
    CHECK(!round_open(r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
}

static void
test_round(void)
{
    struct federation f;
    struct round r;

    he_round_start(&r, &f, 5, MIXED, fed_usual);
    CHECK(r.plan.he.count == 2 && r.plan.ciphertexts == 2 && r.plan.places == r.plan.count - 1);
    CHECK(r.plan.he.parts[0].coordinates == 350 && r.plan.he.parts[1].coordinates == 20001);
    play(&r);
    round_check_mean(&r, "abcd", NULL);

    fed_system(&f, "cp r1/answer/b.flt first.flt"); /* again, of no upload: the same bytes */
    r.no_uploads = true;
    CHECK(!round_answer(&r, 1) && fed_same_files(&f, "first.flt", "r1/answer/b.flt"));
    r.no_uploads = false;

    CHECK(!round_masked(&r, &(struct fl_masked_settings){.partial = true}, /* any tree of sums */
                        ROUND_FILES("up/a.flt", "up/b.flt"), "ab.flt"));
    CHECK(!round_masked(&r, &(struct fl_masked_settings){.partial = true},
                        ROUND_FILES("up/d.flt", "ab.flt", "up/c.flt"), "all.flt") &&
          fed_same_files(&f, "r1/all.flt", "r1/sum.flt"));
    round_end(&r);
}

/* Extreme values at weights that differ, and zeros: what is cut and rounded is that of masks. */
static void
test_values(void)
{
    static const double weights[] = {1.5, 1.25, 0.5, 1};
    struct federation f;
    struct round r;

    he_round_start(
        &r, &f, 5,
        "weights: {rule: loss, floor: 0.5, cap: 1.5}\ntensors: [{match: \"*\", protect: he, "
        "bits: 32, clip: 0.5}]\n",
        fed_extreme);
    for (size_t i = 0; i < 4; i++) {
        struct fl_meta meta = {0};
        struct fed_object o =
            {fed_name(i, ".flt"), FL_KIND_UPDATE, &meta, fed_extreme, (int)i, NULL, {0}};
        CHECK(!fl_meta_set_bytes(&meta, "base", f.model, 32) &&
              !fl_meta_set_bytes(&meta, "base.params", fed_params(&f, f.model), 32) &&
              !fl_meta_set_i64(&meta, "base.round", 4) &&
              !fl_meta_set_f64(&meta, "loss.first", weights[i]));
        fed_write(&f, &o);
        fl_meta_release(&meta);
    }
    CHECK(r.plan.ciphertexts == 1 && r.plan.places == 1);
    play(&r);
    round_check_mean(&r, "abcd", weights);
    round_end(&r);
}

static float
nothing(uint64_t i, int arg)
{
    (void)i;
    (void)arg;
    return 0;
}

/* A site whose training failed encrypts zeros, in an upload of the same size; three threads. */
static void
test_zero(void)
{
    struct federation f;
    struct round r;

    he_round_start(&r, &f, 5, MIXED, fed_usual);
    fed_update(&f, 3, f.model, 13, nothing);
    r.threads = 3;
    round_turns(&r, "abc");
    CHECK(!round_turn_of(&r, 3, "zero", "up/d.flt"));
    fed_system(&f, "[ $(wc -c <r1/up/d.flt) = $(wc -c <r1/up/a.flt) ]");
    CHECK(!round_ask(&r, "abcd", false));
    round_answers(&r);
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    round_check_mean(&r, "abcd", NULL);
    round_end(&r);
}

/* ---- every mix of classes ---- */

/* The tensors of a mean, whatever its metadata. */
static int
payload_of(const struct round *r, unsigned char digest[32])
{
    struct fl_object *o = fl_object_open(round_path(r, "mean.flt"), FL_KIND_UPDATE);
    int failed = !o || fl_object_params(o, NULL, digest);

    fl_object_free(o);
    return failed;
}

/* Classes of embed, large and norm.weight give one mean: any two of them in all nine ways. */
static void
test_mixes(void)
{
    static const char *const words[] = {"mask", "he", "plain"};
    unsigned char want[32], got[32];
    int mixes = 0;

    for (int mix = 0; mix < 9; mix += test_under_valgrind() ? 4 : 1) {
        char rules[400];
        struct federation f;
        struct round r;
        const int c[3] = {mix % 3, mix / 3, (mix % 3 + mix / 3 * 2) % 3};
        snprintf(rules, sizeof rules,
                 "tensors: [{match: embed, protect: %s, bits: 20, clip: 0.3}, {match: large, "
                 "protect: %s, bits: 16, clip: 0.4}, {match: norm.weight, protect: %s, bits: 20, "
                 "clip: 0.2}, {match: \"*\", protect: frozen}]\n",
                 words[c[0]], words[c[1]], words[c[2]]);
        if (c[0] == 1 || c[1] == 1 || c[2] == 1) {
            he_round_start(&r, &f, 5, rules, fed_usual);
        } else {
            char more[500];
            snprintf(more, sizeof more, "%s%s", HE_HELPERS, rules);
            round_start(&r, &f, 5, more, fed_usual);
        }
        for (size_t i = 0; i < 5; i++) { /* "none" is frozen */
            struct fl_meta meta = {0};
            struct fed_object o =
                {fed_name(i, ".flt"), FL_KIND_UPDATE, &meta, fed_usual, (int)i, "none", {0}};
            CHECK(!fl_meta_set_bytes(&meta, "base", f.model, 32) &&
                  !fl_meta_set_bytes(&meta, "base.params", fed_params(&f, f.model), 32) &&
                  !fl_meta_set_i64(&meta, "base.round", 4));
            fed_write(&f, &o);
            fl_meta_release(&meta);
        }
        play(&r);
        CHECK(!payload_of(&r, mixes++ ? got : want));
        CHECK(mixes == 1 || !memcmp(got, want, 32));
        round_end(&r);
    }
}

/* ---- what a helper refuses ---- */

static void
test_refused(void)
{
    struct federation f;
    struct round r, other;

    he_round_start(&r, &f, 5, MIXED, fed_usual);
    round_turns(&r, "abcde");
    CHECK(!round_ask(&r, "abcd", false));
    CHECK(!round_plan(&other, &f, &(struct fed_planning){.round = 2}));
    for (size_t i = 0; i < 5; i++)
        CHECK(!round_turn(&other, i));

    r.no_uploads = true;
    CHECK_REFUSED(round_answer(&r, 1), FL_NOT_YET, "the ciphertexts of \"a\" are missing");
    r.no_uploads = false;
    r.uploads = ROUND_FILES("up/a.flt", "up/b.flt", "up/d.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_NOT_YET, "the ciphertexts of \"c\" are missing");
    r.uploads = ROUND_FILES("up/a.flt", "up/b.flt", "up/a.flt", "up/d.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_REFUSED, "which are there already");
    r.uploads = ROUND_FILES("up/a.flt", "up/b.flt", "up/c.flt", "up/d.flt", "up/e.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_REFUSED, "no upload that the request shows signed");
    r.uploads = ROUND_FILES("sum.flt"); /* the hub's sum could be one site's */
    CHECK_REFUSED(round_answer(&r, 1), FL_FAILED, "\"cipher\" is expected");
    r.uploads = ROUND_FILES("up/a.flt", "up/b.flt", "up/c.flt", "../r2/up/d.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_REFUSED, "made for another plan");
    r.uploads = NULL;

    struct fl_state *s = fed_state(&f, 1); /* none of these was an answer */
    CHECK(s && s->answer_count == 0 && s->section[0].down_next == 0);
    fl_state_free(s);
    CHECK(!round_answer(&r, 1));

    fl_plan_release(&other.plan);
    round_end(&r);
}

/* One bit of a residue, under check values that hold again. */
static void
flip(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)arg;
    (void)bytes;
    if (!i && t->role == FL_CIPHER)
        *(unsigned char *)data ^= 1;
}

/* The largest number that 53 bits hold is no residue. */
static void
overflow(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)arg;
    (void)t;
    (void)bytes;
    if (!i)
        memset(data, 0xff, 8);
}

/* Ciphertexts that the site did not sign for: at the helper, and at the hub on arrival. */
static void
test_unsigned(void)
{
    struct federation f;
    struct round r;

    he_round_start(&r, &f, 5, MIXED, fed_usual);
    round_turns(&r, "abcd");
    CHECK(!round_ask(&r, "abcd", false));
    he_split(&f, "r1/up/a.flt", "own.flt", "tail.flt");
    he_split(&f, "r1/up/b.flt", "others.flt", "x.flt");
    fed_forge(&f, &(struct fed_forgery){.from = "own.flt",
                                        .to = "forged.flt",
                                        .kind = FL_KIND_CIPHER,
                                        .tensor = flip});
    fed_forge(&f, &(struct fed_forgery){.from = "own.flt",
                                        .to = "over.flt",
                                        .kind = FL_KIND_CIPHER,
                                        .tensor = overflow});
    r.uploads = ROUND_FILES("../forged.flt", "up/b.flt", "up/c.flt", "up/d.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_REFUSED, "no upload that the request shows signed");
    r.uploads = ROUND_FILES("../over.flt", "up/b.flt", "up/c.flt", "up/d.flt");
    CHECK_REFUSED(round_answer(&r, 1), FL_FAILED, "over.flt");

    /* the hub: in place of a's own, and before no upload */
    fed_system(&f, "cat forged.flt tail.flt >r1/up/x.flt && cat over.flt tail.flt >r1/up/y.flt && "
                   "cp tail.flt r1/up/z.flt && cat others.flt tail.flt >r1/up/w.flt");
    static const struct {
        const char *file;
        int status;
        const char *words;
    } bad[] = {{"up/x.flt", FL_REFUSED, "are not those that it signed for"},
               {"up/y.flt", FL_FAILED, "up/y.flt"},
               {"up/z.flt", FL_REFUSED, "lacks the ciphertexts"},
               {"up/w.flt", FL_REFUSED, "are not those that it signed for"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_REFUSED(round_masked(&r, &(struct fl_masked_settings){.partial = true},
                                   ROUND_FILES(bad[i].file), "out.flt"),
                      (enum fl_status)bad[i].status, bad[i].words);
    round_end(&r);
}

/* ---- keys ---- */

static void
spoil_key(const struct federation *f, struct fl_plan *plan)
{
    he_give(f, plan);
    plan->keys[1].key[7] ^= 2;
}

static void
spoil_path(const struct federation *f, struct fl_plan *plan)
{
    he_give(f, plan);
    plan->keys[0].path[FL_HE_PATH - 1] ^= 1;
}

static void
swap_keys(const struct federation *f, struct fl_plan *plan)
{
    he_give(f, plan);
    struct fl_he_shown first = plan->keys[0];
    plan->keys[0] = plan->keys[1];
    plan->keys[1] = first;
}

/* That of another round, with its own path. */
static void
old_key(const struct federation *f, struct fl_plan *plan)
{
    he_give(f, plan);
    memcpy(plan->keys[1].key, he_public(f, 1, 2), FL_HE_KEY);
    fl_he_path(plan->keys[1].path, he_leaves(f, 1), 2);
}

static void
test_rogue(void)
{
    static const struct {
        void (*keys)(const struct federation *f, struct fl_plan *plan);
        const char *words;
    } cases[] = {{spoil_key, "\"aux\" is not the one that the roster commits"},
                 {spoil_path, "\"b\" is not the one that the roster commits"},
                 {swap_keys, "\"b\" is not the one that the roster commits"},
                 {old_key, "\"aux\" is not the one that the roster commits"},
                 {he_give, NULL}};
    struct federation f;
    struct fl_plan plan;

    he_start(&f, 5, MIXED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.keys = cases[i].keys;
        CHECK(!fed_draft(&f, &plan, &(struct fed_planning){.round = 1}) &&
              !fed_write_plan(&f, &plan, "plan.flt"));
        fl_plan_release(&plan);
        if (cases[i].words)
            CHECK_REFUSED(fl_plan_read(&plan, fed_path(&f, "plan.flt"), NULL), FL_REFUSED,
                          cases[i].words);
        else
            CHECK(!fl_plan_read(&plan, fed_path(&f, "plan.flt"), NULL));
    }
    fl_plan_release(&plan);
    fed_end(&f);
}

/* A line of another chain in the roster than the key's. */
static void
test_other_line(void)
{
    struct federation f;

    he_start(&f, 5, MIXED);
    f.key[1]->he_root[0] ^= 1;
    CHECK_REFUSED(fed_accept(&f, 1), FL_REFUSED, "fl-keygen --he test prints that one");
    f.key[1]->he_root[0] ^= 1;
    f.key[1]->he_leaves[0] ^= 1;
    CHECK_REFUSED(fed_accept(&f, 1), FL_FAILED, "make another line");
    f.key[1]->he_leaves[0] ^= 1;
    CHECK(!fed_accept(&f, 1) && !f.key[1]->has_he);
    fed_end(&f);
}

/* ---- crashes ---- */

/* Do these 32 bytes stand in b's state? */
static bool
state_has(const struct federation *f, const unsigned char secret[32])
{
    struct fl_buf text = {0};
    char hex[65];

    fl_hex(hex, secret, 32);
    CHECK(!fl_read_file(fed_path(f, "b.state/state"), 1 << 24, &text));
    bool found = strstr(fl_buf_text(&text), hex) != NULL;
    fl_buf_release(&text);
    return found;
}

/*
 * After an answer in round 1 nothing is left that round 1's key follows from; round 0, which was
 * passed over, may still be answered. Before, there is the chain.
 */
static void
check_secrets(const struct federation *f, bool answered)
{
    unsigned char hs[3][32], rk[3][32];

    for (uint64_t k = 0; k < 3; k++) {
        he_chain(0, k, hs[k]);
        he_key(0, k, rk[k]);
    }
    CHECK(state_has(f, hs[0]) == !answered && !state_has(f, hs[1]));
    CHECK(state_has(f, hs[2]) == answered && state_has(f, rk[0]) == answered);
    CHECK(!state_has(f, rk[1]) && !state_has(f, rk[2]));
}

/*
 * How many of b's answers, whole or in part, are in its folder? What a crash left of another would
 * be a second share for its key, for a thief.
 */
static int
answers_kept(const struct federation *f)
{
    char line[200];

    snprintf(line, sizeof line, "exit $(ls -A '%s' | grep -c answer)", fed_path(f, "b.state"));
    return WEXITSTATUS(system(line));
}

static int
answer_in_child(void *arg)
{
    return round_answer(arg, 1);
}

/*
 * A crash at any moment: once the state passed the round no other request is answered, and the
 * chain of the round is on no disk; before that there was no share.
 */
static void
test_crash(void)
{
    struct federation f;
    struct round r;
    int n = 0, outcome = 1, kept = 0, left = 0;

    he_round_start(&r, &f, 5, MIXED, fed_usual);
    round_turns(&r, "abcde");
    CHECK(!round_ask(&r, "abcde", false));
    fed_system(&f, "mv r1/request.flt r1/all.flt");
    CHECK(!round_ask(&r, "abcd", false));
    fed_system(&f, "mv r1/request.flt r1/half.flt && cp r1/all.flt r1/request.flt && mkdir safe && "
                   "cp -r b.key b.state safe");
    if (test_under_valgrind() || crash_at(1 << 20, answer_in_child, &r) == -2) {
        round_end(&r);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf b.key b.state r1/answer/* first.flt && "
                       "cp -r safe/b.key safe/b.state .");
        fl_key_free(f.key[1]);
        f.key[1] = fl_key_read(fed_path(&f, "b.key"));
        outcome = crash_at(n, answer_in_child, &r);
        CHECK(outcome >= 0);
        fl_key_free(f.key[1]);
        f.key[1] = fl_key_read(fed_path(&f, "b.key"));
        struct fl_state *s = f.key[1] ? fed_state(&f, 1) : NULL;
        const bool recorded = s && s->answer_count == 1;
        CHECK(s && s->section[0].down_next == (recorded ? 2U : 0U));
        fl_state_free(s);
        check_secrets(&f, recorded);
        CHECK(access(round_path(&r, "answer/b.flt"), F_OK) || recorded);
        kept += recorded;
        left += !recorded && answers_kept(&f);
        if (recorded)
            CHECK_REFUSED(round_answer_to(&r, 1, "half.flt", "x.flt"), FL_REFUSED, "another set");
        else
            CHECK(!round_answer_to(&r, 1, "half.flt", "x.flt"));
        CHECK(answers_kept(&f) == 1);
    }
    CHECK(outcome == 0 && n > 10 && kept > 3 && kept < n && left > 3);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_round);
    RUN(test_values);
    RUN(test_zero);
    RUN(test_mixes);
    RUN(test_refused);
    RUN(test_unsigned);
    RUN(test_rogue);
    RUN(test_other_line);
    RUN(test_crash);
    return test_end();
}
