/*
 * Sums of masked rounds (fed/masked.h, fed/gather.h, fed/lane_sum.h, fed/opened.h, fed/ask.h): what
 * is gathered, what is refused, what the hub asks for and remembers.
 */
#include "fed/masked.h"

#include "crash.h"
#include "round.h"

#define SIX FED_HELPERS "min_sum: 4\n"

static const char *const answers[] = {"answer/aux.flt", "answer/b.flt", NULL};

static int
partial(struct round *r, const char *const *files, const char *out)
{
    struct fl_masked_settings set = {.partial = true};

    return round_masked(r, &set, files, out);
}

/* Any grouping of uploads, sums and answers opens to the same bytes; so does a sum on disk. */
static void
test_groups(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 6,
                SIX
                "steps: 16\ntensors: [{match: embed, protect: plain, bits: 64, clip: 3}, {match: "
                "\"*\", protect: mask, bits: 21, clip: 0.3}]\n",
                fed_usual);
    round_turns(&r, "abcdef");
    CHECK(!round_ask(&r, "abdef", false));
    round_answers(&r);
    CHECK(!round_open(&r, round_uploads("abdef", answers)));
    round_check_mean(&r, "abdef", NULL);
    fed_system(&f, "mv r1/mean.flt mean.flt");
    CHECK(!partial(&r, round_uploads("fb", NULL), "one.flt"));
    CHECK(!partial(&r, round_uploads("d", NULL), "two.flt"));
    CHECK(!partial(&r, ROUND_FILES("two.flt", "up/e.flt", "one.flt"), "three.flt"));
    CHECK(!partial(&r, ROUND_FILES("up/a.flt", "three.flt"), "all.flt"));
    CHECK(fed_same_files(&f, "r1/all.flt", "r1/sum.flt"));
    CHECK(!round_open(&r, ROUND_FILES("up/a.flt", "answer/b.flt", "three.flt", "answer/aux.flt")));
    CHECK(fed_same_files(&f, "mean.flt", "r1/mean.flt"));
    struct fl_masked_settings little = {.memory = 1}; /* the sums lie on disk */
    CHECK(!round_masked(&r, &little, round_uploads("abdef", answers), "mean.flt"));
    CHECK(fed_same_files(&f, "mean.flt", "r1/mean.flt"));
    round_end(&r);
}

/* What does not belong together. */
static void
test_refused(void)
{
    static const struct {
        const char *files[8];
        enum fl_status status;
        const char *words;
    } cases[] = {
        {{"up/a.flt", "up/a.flt"}, FL_REFUSED, "counts once"},
        {{"ab.flt", "up/a.flt"}, FL_REFUSED, "counts once"},
        {{"up/a.flt", "ab.flt"}, FL_REFUSED, "counts once"},
        {{"ab.flt", "ab.flt"}, FL_REFUSED, "counts once"},
        {{"sum.flt", "answer/b.flt", "answer/b.flt"}, FL_REFUSED, "is there already"},
        {{"up/a.flt", "up/b.flt"}, FL_NOT_YET, "4 of 6 uploads missing: c, d, e, f"},
        {{"answer/b.flt"}, FL_NOT_YET, "6 of 6 uploads missing"},
        {{"sum.flt"}, FL_NOT_YET, "the answer of helper \"b\" is missing"},
        {{"sum.flt", "answer/b.flt"}, FL_NOT_YET, "the answer of helper \"aux\" is missing"},
        {{"up/a.flt", "up/b.flt", "up/c.flt", "up/d.flt", "answer/b.flt", "answer/aux.flt"},
         FL_REFUSED,
         "is for another set of uploads than these 4"},
        {{"sum.flt", "up/f.flt", "answer/b.flt", "answer/aux.flt"}, FL_REFUSED, "another set"},
        {{"../r2/up/a.flt"}, FL_REFUSED, "another plan"},
        {{"../r2/one.flt", "up/b.flt"}, FL_REFUSED, "is a sum for another plan"},
        {{"../a.flt"}, FL_FAILED, "is of kind \"update\""},
        {{"plan.flt"}, FL_FAILED, "is of kind \"plan\""},
        {{"request.flt"}, FL_FAILED, "is of kind \"request\""},
    };
    struct federation f;
    struct round r, r2;

    round_start(&r, &f, 6, SIX, fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    round_turns(&r, "abcdef");
    round_turns(&r2, "a");
    CHECK(!partial(&r2, round_uploads("a", NULL), "one.flt"));
    CHECK(!round_ask(&r, "abcde", false));
    round_answers(&r);
    CHECK(!partial(&r, round_uploads("ab", NULL), "ab.flt"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_REFUSED(round_open(&r, cases[i].files), cases[i].status, cases[i].words);
        CHECK(access(round_path(&r, "mean.flt"), F_OK));
    }
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* ---- uploads that were changed and signed again ---- */

struct edit {
    size_t tensor, word;
    uint64_t add; /* to that word */
};

static void
edit_word(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    const struct edit *e = arg;

    (void)t;
    if (i != e->tensor)
        return;
    CHECK(8 * e->word < bytes);
    uint64_t *word = (uint64_t *)data + e->word;
    uint32_t low = (uint32_t)*word + (uint32_t)e->add; /* without a carry to the other lane */
    *word = e->tensor == 4
                ? *word + e->add
                : (uint64_t)((uint32_t)(*word >> 32) + (uint32_t)(e->add >> 32)) << 32 | low;
}

/* SITE's upload (or helper's answer) with one word changed, signed by its own key. */
static void
edit_message(struct round *r, const char *file, size_t key, uint32_t party, const struct edit *e)
{
    struct fl_object *o = fl_object_open(round_path(r, file), NULL);
    char from[64], kind[64], to[64];
    struct edit copy = *e;

    snprintf(kind, sizeof kind, "%s", fl_object_head(o)->kind);
    fl_object_free(o);
    snprintf(from, sizeof from, "%s/%s", r->folder, file);
    snprintf(to, sizeof to, "%s/edited.flt", r->folder);
    fed_forge(r->f, &(struct fed_forgery){.from = from,
                                          .to = to,
                                          .kind = kind,
                                          .tensor = edit_word,
                                          .arg = &copy,
                                          .key = r->f->key[key],
                                          .signer = party});
}

/*
 * At the end of the range, all sites at the clip: what a sum can be is taken, one more than that is
 * not. Rounding lets a sum be off by one a site, and the bound itself is rounded up.
 */
static void
test_range(void)
{
    static const struct {
        struct edit edit; /* tensors of an upload: embed, large, none, norm.weight, the weight */
        const char *words;
    } cases[] = {
        {{4, 0, 0}, NULL},
        {{4, 0, 1}, "the summed weight is 3"},
        {{4, 0, (uint64_t)-1}, "of 3 sites"},
        {{4, 0, (uint64_t)1 << 40}, "the summed weight is 4 of 3 sites"},
        {{0, 0, 4}, NULL},
        {{0, 0, 5}, "tensor \"embed\": the opened sum is out of the plan's range"},
        {{0, 0, (uint64_t)4 << 32}, NULL}, /* the other lane is at its other end */
        {{3, 4, 4}, NULL},                 /* norm.weight[8] is at its other end, too */
        {{3, 4, 0xd0000000}, "tensor \"norm.weight\""},
        {{3, 4, (uint64_t)1 << 32}, "out of the plan's range"}, /* a lane beyond the last value */
        {{1, 10000, 0xd0000000}, "tensor \"large\""},
    };
    struct federation f;
    struct round r;

    /* clip 0.5, 32 bits, 3 sites: scale 2^30, 3 * 2^29 of 2^31 */
    round_start(&r, &f, 3, "", fed_extreme);
    for (size_t i = 0; i < 3; i++)
        fed_update(&f, i, f.model, 1, fed_extreme);
    round_turns(&r, "abc");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *files = ROUND_FILES("up/a.flt", "edited.flt", "up/c.flt");
        edit_message(&r, "up/b.flt", 1, 1, &cases[i].edit);
        fed_system(&f, "rm -f r1/mean.flt");
        if (!cases[i].words) {
            CHECK(!round_open(&r, files));
            continue;
        }
        CHECK_REFUSED(round_open(&r, files), FL_FAILED, cases[i].words);
        CHECK(access(round_path(&r, "mean.flt"), F_OK));
    }
    round_end(&r);
}

/* Weights that are not uniform: between what all would count least and most. */
static void
test_weights(void)
{
    static const struct {
        double add; /* to the sum of weights, in caps */
        bool fine;
    } cases[] = {{0, true}, {0.2, true}, {0.3, false}, {-0.7, true}, {-0.9, false}};
    struct federation f;
    struct round r;

    /* floor 1, cap 2: 1.5, 1, 2 count .75 + .5 + 1; the sum lies from 1.5 to 3... */
    round_start(&r, &f, 3, "weights: {rule: examples, unit: 10, floor: 1, cap: 2}\n", fed_usual);
    fed_update(&f, 0, f.model, 17, fed_usual);
    fed_update(&f, 1, f.model, 1, fed_usual);
    fed_update(&f, 2, f.model, 900, fed_usual);
    round_turns(&r, "abc"); /* .85 + .5 + 1 = 2.35, so 3 - .65 and 1.5 + .85 */
    CHECK(!round_open(&r, round_uploads("abc", NULL)));
    round_check_mean(&r, "abc", (const double[]){1.7, 1, 2});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double scaled = (cases[i].add + (cases[i].add > 0 ? 0.4 : -0.05)) * 0x1p40;
        struct edit e = {4, 0, (uint64_t)(int64_t)(cases[i].add == 0 ? 0 : scaled)};
        edit_message(&r, "up/b.flt", 1, 1, &e);
        int got = round_open(&r, ROUND_FILES("up/a.flt", "edited.flt", "up/c.flt"));
        if (cases[i].fine) /* values out of the reach of less weight are another matter */
            CHECK(!got || fed_says("out of the plan's range"));
        else
            CHECK(got == -1 && fl_error_status() == FL_FAILED && fed_says("summed weight"));
    }
    round_end(&r);
}

/* Bits above the lanes of a word: refused as they are read, in uploads and answers. */
static void
test_spare_bits(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 4,
                FED_HELPERS
                "min_sum: 3\nsteps: 16\ntensors: [{match: \"*\", protect: mask, bits: 21, clip: "
                "0.3}]\n",
                fed_usual);
    round_turns(&r, "abcd");
    CHECK(!round_ask(&r, "abcd", false));
    round_answers(&r);
    edit_message(&r, "up/c.flt", 2, 2, &(struct edit){1, 77, (uint64_t)1 << 63});
    CHECK_REFUSED(round_open(&r, ROUND_FILES("up/a.flt", "edited.flt")), FL_FAILED, "large");
    edit_message(&r, "answer/b.flt", 1, 1, &(struct edit){0, 0, (uint64_t)1 << 63});
    CHECK_REFUSED(round_open(&r, ROUND_FILES("sum.flt", "edited.flt")), FL_FAILED, "embed");
    /* an answer that is another in one lane spoils the sum, unnamed: in range or out of it */
    edit_message(&r, "answer/b.flt", 1, 1, &(struct edit){4, 0, 1});
    CHECK_REFUSED(round_open(&r, ROUND_FILES("sum.flt", "edited.flt", "answer/aux.flt")), FL_FAILED,
                  "the summed weight");
    round_end(&r);
}

/* ---- who sends ---- */

static void
cut_answer(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)data;
    (void)bytes;
    (void)arg;
    if (i == 1)
        t->dims[0]--;
}

static void
test_senders(void)
{
    struct federation f;
    struct round r;
    struct fl_arrival a = {0};
    unsigned char digest[32];

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    round_turns(&r, "abcd");
    CHECK(!round_ask(&r, "abcd", false));
    CHECK(!round_answer(&r, 1));
    const struct {
        const char *from, *kind;
        const struct fl_key *key;
        uint32_t signer;
        void (*tensor)(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg);
        enum fl_status status;
        const char *words;
    } cases[] = {
        {"r1/up/a.flt", FL_KIND_MASKED, NULL, 0, NULL, FL_REFUSED, "is not signed by \"a\""},
        {"r1/up/a.flt", FL_KIND_MASKED, f.key[1], 1, NULL, FL_REFUSED, "is not signed by \"a\""},
        {"r1/up/a.flt", FL_KIND_MASKED, f.key[1], 0, NULL, FL_REFUSED, ""},
        {"r1/up/a.flt", FL_KIND_ANSWER, f.key[0], 0, NULL, FL_REFUSED, ""},
        {"r1/answer/b.flt", FL_KIND_ANSWER, f.key[0], 0, NULL, FL_REFUSED, "not signed by \"b\""},
        {"r1/answer/b.flt", FL_KIND_MASKED, f.key[1], 1, NULL, FL_REFUSED, ""},
        {"r1/answer/b.flt", FL_KIND_ANSWER, f.key[1], 1, cut_answer, FL_FAILED, "large"},
        {"r1/up/a.flt", FL_KIND_MASKED, f.key[0], 0, cut_answer, FL_FAILED, "large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_forge(&f, &(struct fed_forgery){.from = cases[i].from,
                                            .to = "r1/forged.flt",
                                            .kind = cases[i].kind,
                                            .key = cases[i].key,
                                            .signer = cases[i].signer,
                                            .tensor = cases[i].tensor});
        CHECK_REFUSED(round_open(&r, ROUND_FILES("forged.flt")), cases[i].status, cases[i].words);
    }
    /* Forks: against what the plan says was counted last. */
    CHECK(!round_arrival(&r, "up/c.flt", &a) && !a.gap);
    memcpy(digest, a.digest, 32);
    struct fl_counted *last = &r.plan.last[2];
    *last = (struct fl_counted){2, {0}, 0};
    CHECK_REFUSED(round_arrival(&r, "up/c.flt", &a), FL_REFUSED, "is older than what was counted");
    *last = (struct fl_counted){1, {0}, 0};
    CHECK_REFUSED(round_arrival(&r, "up/c.flt", &a), FL_REFUSED, "has the number of another");
    CHECK(fed_says("two copies of the key of \"c\""));
    memcpy(last->digest, digest, 32);
    CHECK(!round_arrival(&r, "up/c.flt", &a)); /* it was counted: the same again */
    *last = (struct fl_counted){0, {0}, 1};
    CHECK_REFUSED(round_arrival(&r, "up/c.flt", &a), FL_REFUSED, "a ledger without the lines");
    CHECK(fed_says("two copies of the ledger of \"c\""));
    *last = (struct fl_counted){0, {0}, 0};
    r.plan.roster.noise.kind = FL_NOISE_LOCAL;
    CHECK_REFUSED(round_arrival(&r, "up/c.flt", &a), FL_REFUSED, "in no ledger");
    r.plan.roster.noise.kind = FL_NOISE_NONE;
    last = &r.plan.last[4];
    *last = (struct fl_counted){3, {0}, 0};
    CHECK_REFUSED(round_arrival(&r, "answer/b.flt", &a), FL_REFUSED, "is older");
    fl_arrival_release(&a);
    round_end(&r);
}

static void
raise_ctr(struct fl_meta *meta, void *arg)
{
    CHECK(!fl_meta_set_i64(meta, "ctr", *(int64_t *)arg));
}

/* The second upload of a site follows on the first; a lost one between is no fork. */
static void
test_follows(void)
{
    struct federation f;
    struct round r, r2;
    struct fl_arrival a = {0};
    int64_t ctr = 3;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    round_turns(&r, "a");
    round_turns(&r2, "a");
    CHECK(!round_arrival(&r, "up/a.flt", &a));
    r2.plan.last[0].ctr = 1;
    memcpy(r2.plan.last[0].digest, a.digest, 32);
    CHECK(!round_arrival(&r2, "up/a.flt", &a) && !a.gap && a.upload.from.ctr == 2);
    r2.plan.last[0].digest[0] ^= 1;
    CHECK_REFUSED(round_arrival(&r2, "up/a.flt", &a), FL_REFUSED, "does not follow on");
    fed_forge(&f, &(struct fed_forgery){.from = "r2/up/a.flt",
                                        .to = "r2/gap.flt",
                                        .kind = FL_KIND_MASKED,
                                        .change = raise_ctr,
                                        .arg = &ctr,
                                        .key = f.key[0]});
    CHECK(!round_arrival(&r2, "gap.flt", &a) && a.gap);
    fl_arrival_release(&a);
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* Pairwise: all must come, and every two must say the same of their key. */
static void
flip_tag(struct fl_meta *meta, void *arg)
{
    unsigned char copy[96];
    const unsigned char *tags;

    CHECK(!fl_meta_get_bytes(meta, "tags", 96, &tags));
    memcpy(copy, tags, 96);
    copy[*(size_t *)arg] ^= 1;
    CHECK(!fl_meta_set_bytes(meta, "tags", copy, 96));
}

static void
test_pairwise(void)
{
    struct federation f;
    struct round r;
    size_t tag = 32 * 2 + 5; /* of b for d */

    round_start(&r, &f, 4, "", fed_usual);
    round_turns(&r, "abcd");
    CHECK_REFUSED(round_open(&r, round_uploads("dab", NULL)), FL_NOT_YET,
                  "1 of 4 uploads missing: c; with protection pairwise");
    CHECK(!round_open(&r, round_uploads("dabc", NULL)));
    round_check_mean(&r, "abcd", NULL);
    CHECK(!partial(&r, round_uploads("dab", NULL), "three.flt"));
    CHECK(!round_open(&r, ROUND_FILES("up/c.flt", "three.flt")));
    round_check_mean(&r, "abcd", NULL);
    fed_forge(&f, &(struct fed_forgery){.from = "r1/up/b.flt",
                                        .to = "r1/flipped.flt",
                                        .kind = FL_KIND_MASKED,
                                        .change = flip_tag,
                                        .arg = &tag,
                                        .key = f.key[1],
                                        .signer = 1});
    CHECK_REFUSED(round_open(&r, ROUND_FILES("up/a.flt", "up/c.flt", "up/d.flt", "flipped.flt")),
                  FL_FAILED, "the tags of \"b\" and \"d\" differ");
    CHECK_REFUSED(partial(&r, ROUND_FILES("up/d.flt", "flipped.flt"), "x.flt"), FL_FAILED,
                  "\"b\" and \"d\"");
    CHECK(!partial(&r, ROUND_FILES("up/c.flt", "flipped.flt"), "x.flt"));
    struct fl_masked_settings set = {.request = "request.flt"};
    CHECK_REFUSED(round_masked(&r, &set, round_uploads("abcd", NULL), "sum.flt"), FL_USAGE,
                  "there are none");
    round_end(&r);
}

/* ---- asking ---- */

static void
test_ask(void)
{
    struct federation f;
    struct round r, r2;
    struct fl_state *s;
    struct fl_request request;

    round_start(&r, &f, 8, FED_HELPERS "min_sum: 4\n", fed_usual);
    round_turns(&r, "abcdefgh");
    CHECK_REFUSED(round_ask(&r, "abc", false), FL_NOT_YET, "missing: d, e, f, g, h");
    CHECK_REFUSED(round_ask(&r, "abc", true), FL_NOT_YET, "still missing: d, e, f, g, h");
    struct fl_masked_settings set = {.request = "request.flt"};
    CHECK_REFUSED(round_masked(&r, &set, ROUND_FILES("up/a.flt", "sum.flt"), "sum.flt"), FL_FAILED,
                  "sum.flt");
    CHECK(!partial(&r, round_uploads("ab", NULL), "ab.flt"));
    set = (struct fl_masked_settings){.request = "request.flt"};
    CHECK_REFUSED(round_masked(&r, &set, ROUND_FILES("ab.flt"), "sum.flt"), FL_USAGE,
                  "give the uploads themselves");
    set = (struct fl_masked_settings){.request = "request.flt", .fit = true};
    CHECK_REFUSED(round_masked(&r, &set, ROUND_FILES(NULL), "sum.flt"), FL_USAGE,
                  "reads its files");
    CHECK(access(round_path(&r, "request.flt"), F_OK) && access(round_path(&r, "sum.flt"), F_OK));
    s = fed_state(&f, FED_HUB);
    CHECK(s && !fl_state_plan(s, 1)->asked && !s->member_count);
    fl_state_free(s);

    CHECK(!round_ask(&r, "hgfedc", false));
    CHECK(!fl_request_read(&request, &r.plan, round_path(&r, "request.flt"), NULL));
    s = fed_state(&f, FED_HUB);
    CHECK(s && fl_state_plan(s, 1)->asked && s->member_count == 6);
    CHECK(s && !memcmp(fl_state_plan(s, 1)->set, request.set, 32));
    struct fl_counted last[10];
    fl_state_last(s, &r.plan.roster, last);
    CHECK(!last[0].ctr && !last[1].ctr && last[2].ctr == 1 && last[7].ctr == 1 && !last[8].ctr);
    CHECK(!memcmp(last[4].digest, fl_request_find(&request, 4)->digest, 32));
    const struct fl_near_base *over = fl_near_find(&s->near, r.plan.base);
    CHECK(over->set_count == 1 && over->sets[0].asked);
    CHECK(!memcmp(over->sets[0].plan, r.plan.digest, 32));
    fl_state_free(s);
    fl_request_release(&request);
    CHECK(!round_ask(&r, "abcdefgh", false)); /* nobody has answered: another set may be asked */
    round_answers(&r);
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/aux.flt", "answer/b.flt")));

    /* Of two halves the one that is whole fits; the hub's own list knows what led on. */
    s = fed_state(&f, FED_HUB);
    struct fl_near_base *base = fl_near_add(&s->near, r.plan.base, NULL);
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7}, half[] = {0, 1, 2, 3};
    CHECK(base && !fl_near_record(&s->near, base, &r.plan, all, 8));
    CHECK(!fl_near_record(&s->near, base, &r.plan, half, 4));
    fl_near_forget_asked(&s->near, r.plan.digest); /* it led on */
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    round_turns(&r2, "bcdefgh");
    CHECK_REFUSED(round_ask(&r2, "bcdefgh", false), FL_REFUSED, "the sum of 1 site");
    set = (struct fl_masked_settings){.request = "request.flt", .fit = true};
    CHECK_REFUSED(round_masked(&r2, &set, round_uploads("bcdefg", NULL), "sum.flt"), FL_NOT_YET,
                  "still missing: a, h");
    CHECK(!round_ask(&r2, "bcdefgh", true));
    CHECK(!fl_request_read(&request, &r2.plan, round_path(&r2, "request.flt"), NULL));
    CHECK(request.count == 4 && fl_request_find(&request, 4) && fl_request_find(&request, 7));
    fl_request_release(&request);
    round_answers(&r2);
    CHECK(!round_open(&r2, ROUND_FILES("sum.flt", "answer/aux.flt", "answer/b.flt")));
    round_check_mean(&r2, "efgh", NULL);
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* Names of those who are left out; files that are not there are no uploads. */
static void
test_fit_names(void)
{
    struct federation f;
    struct round r;
    char plan[200], key[200], state[200], request[200], names[4][200];
    const char *paths[4];

    round_start(&r, &f, 8, FED_HELPERS "min_sum: 3\n", fed_usual);
    round_turns(&r, "abcdefg");
    struct fl_state *s = fed_state(&f, FED_HUB);
    struct fl_near_base *base = fl_near_add(&s->near, r.plan.base, NULL);
    CHECK(!fl_near_record(&s->near, base, &r.plan, (const uint32_t[]){0, 1, 2}, 3));
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    snprintf(plan, sizeof plan, "%s", round_path(&r, "plan.flt"));
    snprintf(request, sizeof request, "%s", round_path(&r, "request.flt"));
    snprintf(key, sizeof key, "%s", fed_file(&f, FED_HUB, ".key"));
    snprintf(state, sizeof state, "%s", fed_file(&f, FED_HUB, ".state"));
    fed_system(&f, "cat r1/up/d.flt r1/up/e.flt r1/up/a.flt >r1/up/dea.flt");
    static const char *const files[] = {"up/dea.flt", "up/h.flt", "up/g.flt", "up/b.flt"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(names[i], sizeof names[i], "%s", round_path(&r, files[i]));
        paths[i] = names[i];
    }
    struct fl_masked_settings set = {.plan = plan,
                                     .request = request,
                                     .key = key,
                                     .state = state,
                                     .fit = true,
                                     .memory = ROUND_MEMORY};
    struct fl_masked *m = fl_masked_open(&set);
    CHECK(m && !fl_masked_fit(m, paths, 4));
    CHECK_TEXT(fl_masked_left_out(m), "a, b"); /* without c they are a class of two */
    fl_masked_free(m);
    /* The key of somebody who is no hub; a plan of another roster; a plan that was not signed. */
    snprintf(key, sizeof key, "%s", fed_path(&f, "a.key"));
    snprintf(state, sizeof state, "%s", fed_path(&f, "a.state"));
    CHECK_REFUSED(!fl_masked_open(&set), FL_REFUSED, "is not the key of the roster's hub");
    struct fl_plan other;
    CHECK(!fed_draft(&f, &other, &(struct fed_planning){.round = 4}));
    CHECK(!fed_write_plan(&f, &other, "r1/plan.flt"));
    fl_plan_release(&other);
    snprintf(key, sizeof key, "%s", fed_file(&f, FED_HUB, ".key"));
    snprintf(state, sizeof state, "%s", fed_file(&f, FED_HUB, ".state"));
    m = fl_masked_open(&set);
    CHECK(m != NULL);
    CHECK_REFUSED(fl_masked_check(m), FL_REFUSED, "signed another plan for round 4, or none");
    fl_masked_free(m);
    round_end(&r);
}

static int
ask_in_child(void *arg)
{
    return round_ask(arg, "abcd", false);
}

/* A request that somebody can see is one that the hub's state knows; asking again is the same. */
static void
test_crash(void)
{
    struct federation f;
    struct round r;
    int n = 0, outcome = 1, seen = 0, recorded = 0;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 4\n", fed_usual);
    round_turns(&r, "abcd");
    fed_system(&f, "mkdir safe && cp -r hub.key hub.state safe");
    if (test_under_valgrind() || crash_at(1 << 20, ask_in_child, &r) == -2) {
        round_end(&r);
        SKIP("nothing can be traced here");
    }
    CHECK(!access(round_path(&r, "request.flt"), F_OK));
    fed_system(&f, "mv r1/request.flt want.flt; mv r1/sum.flt want.sum");
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf hub.key hub.state r1/*.flt.* r1/request.flt r1/sum.flt && cp -r "
                       "safe/hub.key safe/hub.state .");
        outcome = crash_at(n, ask_in_child, &r);
        CHECK(outcome >= 0);
        struct fl_state *s = fed_state(&f, FED_HUB);
        const bool asked = s && fl_state_plan(s, 1)->asked;
        CHECK(s && s->member_count == (asked ? 4 : 0));
        fl_state_free(s);
        const bool there = !access(round_path(&r, "request.flt"), F_OK);
        CHECK(!there || (asked && fed_same_files(&f, "r1/request.flt", "want.flt")));
        CHECK(access(round_path(&r, "sum.flt"), F_OK) ||
              (asked && fed_same_files(&f, "r1/sum.flt", "want.sum")));
        seen += there;
        recorded += asked;
        CHECK(!round_ask(&r, "abcd", false) && fed_same_files(&f, "r1/request.flt", "want.flt"));
    }
    CHECK(outcome == 0 && n > 8 && seen > 0 && recorded > seen && recorded < n);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_groups);
    RUN(test_refused);
    RUN(test_range);
    RUN(test_weights);
    RUN(test_spare_bits);
    RUN(test_senders);
    RUN(test_follows);
    RUN(test_pairwise);
    RUN(test_ask);
    RUN(test_fit_names);
    RUN(test_crash);
    return test_end();
}
