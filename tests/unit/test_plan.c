/* The plan of a round: its layout, drafts, what it is read back as, and forged ones. */
#include "sec/plan.h"

#include "federation.h"

static int
read_plan(const struct federation *f, struct fl_plan *plan, const char *file)
{
    return fl_plan_read(plan, fed_path(f, file), NULL);
}

/* Where tensors lie by the rules of the roster: masked ones, the weight, plain ones. */
static void
test_layout(void)
{
    static const struct {
        const char *rules;
        struct {
            const char *name;
            uint64_t words, word_at;
            unsigned bits;
            enum fl_role role;
        } want[4];
        const char *places[5]; /* "": the weight's */
        uint64_t masked_words, words;
    } cases[] =
        {{"tensors: [{match: \"*\", protect: mask, bits: 32, clip: 0.5}]\n",
          {{"embed", 175, 0, 32, FL_MASKED},
           {"large", 10001, 175, 32, FL_MASKED},
           {"none", 0, 10176, 32, FL_MASKED},
           {"norm.weight", 5, 10176, 32, FL_MASKED}},
          {"embed", "large", "none", "norm.weight", ""},
          10182,
          10182},
         /* 64 / 12 is 5 lanes a word, 64 / 21 is 3 */
         {"tensors: [{match: \"*e\", protect: plain, bits: 64, clip: 1}, {match: embed, protect: "
          "mask, bits: 12, clip: 0.1}, {match: \"*\", protect: mask, bits: 21, clip: 0.5}]\n",
          {{"embed", 70, 0, 12, FL_MASKED},
           {"large", 20001, 74, 64, FL_PLAIN},
           {"none", 0, 20075, 64, FL_PLAIN},
           {"norm.weight", 3, 70, 21, FL_MASKED}},
          {"embed", "norm.weight", "", "large", "none"},
          74,
          20075},
         {"tensors: [{match: \"l*\", protect: frozen}, {match: \"norm*\", protect: plain, bits: 8, "
          "clip: 0.1}, {match: \"*\", protect: mask, bits: 64, clip: 0.5}]\n",
          {{"embed", 350, 0, 64, FL_MASKED},
           {"none", 0, 350, 64, FL_MASKED},
           {"norm.weight", 2, 351, 8, FL_PLAIN}},
          {"embed", "none", "", "norm.weight"},
          351,
          353}};
    struct federation f;

    fed_start(&f, 3, "");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct fl_plan plan;
        char more[500];
        size_t count = 0;
        snprintf(more, sizeof more, "steps: 16\n%s", cases[c].rules);
        CHECK(!fed_roster(&f, more));
        fed_plan(&f, &plan, 3);
        while (count < 4 && cases[c].want[count].name)
            count++;
        CHECK(plan.count == count && plan.words == cases[c].words);
        CHECK(plan.masked_words == cases[c].masked_words);
        for (size_t i = 0; i < plan.count && i < count; i++) {
            const struct fl_plan_tensor *t = &plan.tensors[i];
            CHECK_TEXT(t->tensor->name, cases[c].want[i].name);
            CHECK(t->words == cases[c].want[i].words && t->word_at == cases[c].want[i].word_at);
            CHECK(t->lanes.bits == cases[c].want[i].bits && t->role == cases[c].want[i].role);
        }
        for (size_t i = 0; i <= plan.count; i++) {
            const struct fl_plan_tensor *t = fl_plan_at(&plan, i);
            struct fl_tensor up;
            CHECK_TEXT(t ? t->tensor->name : "", cases[c].places[i]);
            CHECK(!fl_plan_upload_tensor(&plan, i, &up));
            CHECK_TEXT(up.name, t ? t->tensor->name : FL_WEIGHT_TENSOR);
            CHECK(up.dtype == FL_U64 && up.rank == 1 && up.dims[0] == (t ? t->words : 1));
            CHECK(up.role == (t ? t->role : FL_MASKED));
            fl_meta_release(&up.attrs);
        }
        size_t wrong = 0;
        for (uint64_t at = 0; at < plan.words; at++) { /* the last that begins at or before */
            size_t place = 0;
            for (size_t i = 0; i <= plan.count; i++) {
                const struct fl_plan_tensor *t = fl_plan_at(&plan, i);
                if ((t ? t->word_at : plan.masked_words - 1) <= at)
                    place = i;
            }
            wrong += fl_plan_place(&plan, at) != place;
        }
        CHECK(wrong == 0);
        CHECK(fl_plan_travels(&plan, "embed") && !fl_plan_travels(&plan, "tokenizer.json"));
        CHECK(fl_plan_travels(&plan, "large") == (c < 2) && !fl_plan_travels(&plan, "embe"));
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

static void
test_rules_refused(void)
{
    static const struct {
        const char *rules, *words;
    } cases[] =
        {{"tensors: [{match: embed, protect: mask, bits: 32, clip: 0.5}]\n",
          "tensor \"large\" of the model has no rule"},
         {"tensors: [{match: \"*\", protect: mask, bits: 32, clip: 0.5}, {match: embed, protect: "
          "mask, bits: 32, clip: 0.5}]\n",
          "the roster's rule for \"embed\" is the first to match none"},
         {"tensors: [{match: embd, protect: mask, bits: 32, clip: 0.5}, {match: \"*\", protect: "
          "mask, bits: 32, clip: 0.5}]\n",
          "the roster's rule for \"embd\""},
         {"tensors: [{match: \"*.json\", protect: mask, bits: 32, clip: 0.5}, {match: \"*\", "
          "protect: mask, bits: 32, clip: 0.5}]\n",
          "the roster's rule for \"*.json\""}};
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        CHECK(!fed_roster(&f, cases[c].rules));
        CHECK_REFUSED(fed_draft(&f, &plan, &(struct fed_planning){.round = 1}), FL_USAGE,
                      cases[c].words);
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

/* All of it comes back as it was written. */
static void
test_round_trip(void)
{
    struct federation f;
    struct fl_plan plan, back;
    struct fl_counted last[6] = {{3, {1}, 5}, {0, {0}, 0}, {INT64_MAX, {2}, INT64_MAX},
                                 {1, {3}, 0}, {2, {4}, 0}, {9, {5}, 0}};
    unsigned char set[32] = {7}, next[32], velocity[32];
    struct fl_meta meta = {0};

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\napply: {rule: momentum, lr: 1, momentum: 0.5}\n");
    CHECK(!fl_meta_set_bytes(&meta, "base", f.model, 32) &&
          !fl_meta_set_i64(&meta, "base.round", 4) &&
          !fl_meta_set_bytes(&meta, "sum.set", set, 32));
    struct fed_object mean = {"mean.flt", FL_KIND_UPDATE, &meta, fed_usual, 0, NULL, {0}};
    fed_write(&f, &mean);
    fl_meta_release(&meta);
    fed_model(&f, "next.flt", 5, f.model, 1, next);
    CHECK(!fl_meta_set_bytes(&meta, "model", next, 32));
    struct fed_object v = {"v.flt", FL_KIND_OPTIMIZER, &meta, fed_usual, 0, NULL, {0}};
    fed_write(&f, &v);
    memcpy(velocity, v.digest, 32);
    fl_meta_release(&meta);

    const struct fed_planning how = {.round = 8,
                                     .model = "next.flt",
                                     .after = "mean.flt",
                                     .velocity = "v.flt",
                                     .deadline = "2999-12-31T23:59:59Z",
                                     .last = last};
    CHECK(!fed_draft(&f, &plan, &how) && !fed_write_plan(&f, &plan, "plan.flt"));
    CHECK(!read_plan(&f, &back, "plan.flt"));
    CHECK(back.round == 8 && back.base_round == 5 && !memcmp(back.base, next, 32));
    CHECK(back.has_after && !memcmp(back.after, set, 32));
    CHECK(back.has_velocity && !memcmp(back.velocity, velocity, 32));
    CHECK_TEXT(back.deadline, "2999-12-31T23:59:59Z");
    CHECK_TEXT(back.software, plan.software);
    for (size_t i = 0; i < 6; i++)
        CHECK(back.last[i].ctr == last[i].ctr && back.last[i].spent == last[i].spent &&
              !memcmp(back.last[i].digest, last[i].digest, 32));
    CHECK(!memcmp(back.digest, plan.digest, 32) && !memcmp(back.sid, plan.sid, 32));
    CHECK(!memcmp(back.params, plan.params, 32) && back.words == plan.words);
    CHECK(!memcmp(back.roster.digest, f.roster.digest, 32));
    CHECK(back.model.count == 4 && back.model.items[3].tensor.dtype == FL_BF16);
    struct fl_object *o = fl_object_open(fed_path(&f, "next.flt"), FL_KIND_MODEL);
    CHECK(!fl_plan_check_base(&back, o, NULL));
    fl_object_free(o);
    o = fl_object_open(fed_path(&f, "model.flt"), FL_KIND_MODEL);
    CHECK_REFUSED(fl_plan_check_base(&back, o, NULL), FL_REFUSED, "is not the model of the plan");
    fl_object_free(o);

    /* The hub says of the model what it is not: its numbers, its tensors. */
    o = fl_object_open(fed_path(&f, "next.flt"), FL_KIND_MODEL);
    back.params[0] ^= 1;
    CHECK_REFUSED(fl_plan_check_base(&back, o, NULL), FL_REFUSED, "has other numbers");
    back.params[0] ^= 1;
    back.model.items[0].tensor.dims[0]++;
    CHECK_REFUSED(fl_plan_check_base(&back, o, NULL), FL_REFUSED, "");
    back.model.items[0].tensor.dims[0]--;
    CHECK(!fl_plan_check_base(&back, o, NULL));
    fl_object_free(o);
    fl_plan_release(&back);
    fl_plan_release(&plan);
    fed_end(&f);
}

static float
one_nan(uint64_t i, int arg)
{
    return i == (uint64_t)arg ? NAN : 1;
}

/* A mean of this round over BASE in FILE, of the set {9}. */
static void
write_mean(const struct federation *f, const char *file, const unsigned char *base, int64_t round,
           bool masked)
{
    const unsigned char set[32] = {9};
    struct fl_meta meta = {0};
    struct fed_object o = {file, FL_KIND_UPDATE, &meta, fed_usual, 0, NULL, {0}};

    CHECK(!fl_meta_set_bytes(&meta, "base", base, 32) &&
          !fl_meta_set_i64(&meta, "base.round", round) &&
          !(masked && fl_meta_set_bytes(&meta, "sum.set", set, 32)));
    fed_write(f, &o);
    fl_meta_release(&meta);
}

static void
test_draft_refused(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_meta meta = {0};
    unsigned char next[32], other[32];

    fed_start(&f, 3, "");
    fed_model(&f, "next.flt", 5, f.model, 1, next);
    fed_model(&f, "skipped.flt", 6, f.model, 1, other);
    fed_model(&f, "orphan.flt", 5, NULL, 1, other);
    fed_model(&f, "child.flt", 5, next, 1, other);
    write_mean(&f, "mean.flt", f.model, 4, true);
    write_mean(&f, "plain.flt", f.model, 4, false);
    write_mean(&f, "far.flt", next, 4, true);
    CHECK(!fl_meta_set_i64(&meta, "round", 4) && !fl_meta_set_bytes(&meta, "parent", f.model, 32));
    struct fed_object bad = {"nan.flt", FL_KIND_MODEL, &meta, one_nan, 400, NULL, {0}};
    fed_write(&f, &bad);
    fl_meta_release(&meta);
    CHECK(!fl_meta_set_bytes(&meta, "model", next, 32));
    struct fed_object v = {"v.flt", FL_KIND_OPTIMIZER, &meta, fed_usual, 0, NULL, {0}};
    fed_write(&f, &v);
    fl_meta_release(&meta);

    const struct {
        struct fed_planning how;
        enum fl_status status;
        const char *words;
    } cases[] =
        {{{.model = "next.flt"}, FL_REFUSED, "is not the model that the roster begins with"},
         {{.model = "next.flt", .after = "plain.flt"}, FL_FAILED, "not the mean of a masked round"},
         {{.model = "next.flt", .after = "far.flt"}, FL_REFUSED, "does not follow from"},
         {{.model = "skipped.flt", .after = "mean.flt"}, FL_REFUSED, "does not follow from"},
         {{.model = "orphan.flt", .after = "mean.flt"}, FL_REFUSED, "does not follow from"},
         {{.model = "child.flt", .after = "mean.flt"}, FL_REFUSED, "does not follow from"},
         {{.model = "nan.flt"}, FL_FAILED, "tensor \"large\": value 50 is nan"},
         {{.velocity = "v.flt"}, FL_USAGE, "leave out --velocity"},
         {{.model = "next.flt", .after = "mean.flt", .velocity = "v.flt"}, FL_USAGE, "leave out"},
         {{.deadline = "tomorrow"}, FL_USAGE, "is no time like"},
         {{.deadline = "2001-01-01T00:00:00Z"}, FL_USAGE, "is over, now is"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_REFUSED(fed_draft(&f, &plan, &cases[i].how), cases[i].status, cases[i].words);
        fl_plan_release(&plan);
    }
    CHECK(!fed_draft(&f, &plan, &(struct fed_planning){.model = "next.flt", .after = "mean.flt"}));
    CHECK(plan.has_after && plan.after[0] == 9 && !plan.has_velocity);
    fl_plan_release(&plan);

    CHECK(!fed_roster(&f, "apply: {rule: nesterov, lr: 1, momentum: 0.9}\n"));
    CHECK_REFUSED(fed_draft(&f, &plan,
                            &(struct fed_planning){.model = "next.flt", .after = "mean.flt"}),
                  FL_USAGE, "name the file");
    fl_plan_release(&plan);
    fed_model(&f, "again.flt", 5, f.model, 2, other);
    CHECK_REFUSED(fed_draft(&f, &plan,
                            &(struct fed_planning){.model = "again.flt",
                                                   .after = "mean.flt",
                                                   .velocity = "v.flt"}),
                  FL_REFUSED, "is the velocity of another model");
    fl_plan_release(&plan);
    CHECK(!fed_draft(&f, &plan, &(struct fed_planning){.round = 0})); /* the first has none */
    CHECK(!plan.has_velocity);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* A change of one metadata item. */
struct change {
    const char *key;
    enum { UNSET, NUMBER, TEXT, BYTES, NUMBERS, TEXTS } what;
    int64_t number;
    const char *text;
    int64_t numbers[12];
    const char *texts[5];
    size_t count;
    enum fl_status status;
    const char *words;
};

static void
apply_change(struct fl_meta *meta, void *arg)
{
    static const unsigned char bytes[64] = {1};
    const struct change *c = arg;
    int failed = 0;

    fl_meta_remove(meta, c->key);
    switch (c->what) {
    case UNSET: break;
    case NUMBER: failed = fl_meta_set_i64(meta, c->key, c->number); break;
    case TEXT: failed = fl_meta_set_text(meta, c->key, c->text); break;
    case BYTES: failed = fl_meta_set_bytes(meta, c->key, bytes, c->count); break;
    case NUMBERS: failed = fl_meta_set_i64_list(meta, c->key, c->numbers, c->count); break;
    case TEXTS: failed = fl_meta_set_text_list(meta, c->key, c->texts, c->count); break;
    }
    CHECK(!failed);
}

static void
test_forged(void)
{
    static const struct change changes[] = {
        {.key = "bits", .what = NUMBER, .number = 32, .status = FL_REFUSED, .words = "not known"},
        {.key = "noise",
         .what = TEXT,
         .text = "skellam",
         .status = FL_REFUSED,
         .words = "\"noise\""},
        {.key = "round", .what = NUMBER, .number = -1, .status = FL_FAILED, .words = "round"},
        {.key = "round",
         .what = NUMBER,
         .number = INT64_MIN,
         .status = FL_FAILED,
         .words = "round"},
        {.key = "round",
         .what = NUMBER,
         .number = 2,
         .status = FL_REFUSED,
         .words = "before the first"},
        {.key = "round",
         .what = NUMBER,
         .number = 13,
         .status = FL_REFUSED,
         .words = "over the 10 that"},
        {.key = "round",
         .what = NUMBER,
         .number = INT64_MAX,
         .status = FL_FAILED,
         .words = "round"},
        {.key = "round", .status = FL_FAILED, .words = "round"},
        {.key = "base", .status = FL_REFUSED, .words = "which model"},
        {.key = "params", .status = FL_REFUSED, .words = "which model"},
        {.key = "base",
         .what = BYTES,
         .count = 32,
         .status = FL_REFUSED,
         .words = "neither the roster's"},
        {.key = "base", .what = BYTES, .count = 31, .status = FL_FAILED, .words = "base"},
        {.key = "base.round",
         .what = NUMBER,
         .number = -1,
         .status = FL_FAILED,
         .words = "base.round"},
        {.key = "velocity",
         .what = BYTES,
         .count = 32,
         .status = FL_REFUSED,
         .words = "names a velocity"},
        {.key = "after", .what = BYTES, .count = 33, .status = FL_FAILED, .words = "after"},
        {.key = "deadline",
         .what = TEXT,
         .text = "2026-11-24",
         .status = FL_REFUSED,
         .words = "deadline"},
        {.key = "software", .status = FL_FAILED, .words = "software"},
        {.key = "last.ctr",
         .what = NUMBERS,
         .numbers = {0, 0, 0},
         .count = 3,
         .status = FL_REFUSED,
         .words = "last.ctr"},
        {.key = "last.ctr",
         .what = NUMBERS,
         .numbers = {0, 0, 0, 0, -1, 0},
         .count = 6,
         .status = FL_REFUSED,
         .words = "below zero"},
        {.key = "last.ctr", .status = FL_REFUSED, .words = "last.ctr"},
        {.key = "tensors.names",
         .what = TEXTS,
         .texts = {"a", "b", "a", "c"},
         .count = 4,
         .status = FL_REFUSED,
         .words = "\"a\" is there twice"},
        {.key = "tensors.names",
         .what = TEXTS,
         .texts = {"a", "b", "c"},
         .count = 3,
         .status = FL_REFUSED,
         .words = "tensors.dtypes"},
        {.key = "tensors.dtypes",
         .what = NUMBERS,
         .numbers = {FL_F32, FL_F32, FL_F32, 99},
         .count = 4,
         .status = FL_REFUSED,
         .words = "norm.weight"},
        {.key = "tensors.dtypes",
         .what = NUMBERS,
         .numbers = {FL_U8, FL_F32, FL_F32, FL_BF16},
         .count = 4,
         .status = FL_REFUSED,
         .words = "embed"},
        {.key = "tensors.trained",
         .what = NUMBERS,
         .numbers = {1, 1, 1, 2},
         .count = 4,
         .status = FL_REFUSED,
         .words = ""},
        {.key = "tensors.trained",
         .what = NUMBERS,
         .numbers = {1, 0, 1, 1},
         .count = 4,
         .status = FL_REFUSED,
         .words = "\"large\" is f32, which is trained"},
        {.key = "tensors.shapes",
         .what = NUMBERS,
         .numbers = {2, 50, 7, 1, 20001},
         .count = 5,
         .status = FL_REFUSED,
         .words = "shapes"},
        {.key = "tensors.shapes",
         .what = NUMBERS,
         .numbers = {2, 50, 7, 1, 20001, 2, 3, 0, 1, 9, 4},
         .count = 11,
         .status = FL_REFUSED,
         .words = "shapes"},
        {.key = "tensors.shapes",
         .what = NUMBERS,
         .numbers = {-1, 50, 7, 1, 20001, 2, 3, 0, 1, 9},
         .count = 10,
         .status = FL_REFUSED,
         .words = "shapes"},
        {.key = "tensors.shapes",
         .what = NUMBERS,
         .numbers = {2, INT64_MAX, INT64_MAX, 1, 20001, 2, 3, 0, 1, 9},
         .count = 10,
         .words = ""},
    };
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\nfirst_round: 3\nmax_age: 10\n");
    fed_plan(&f, &plan, 12);
    fl_plan_release(&plan);
    struct fed_forgery how = {.from = "plan.flt",
                              .to = "forged.flt",
                              .kind = FL_KIND_PLAN,
                              .key = f.key[FED_HUB],
                              .signer = FL_SIGNER_HUB};
    fed_forge(&f, &how);
    CHECK(!read_plan(&f, &plan, "forged.flt")); /* unchanged, it is one */
    fl_plan_release(&plan);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct change c = changes[i];
        how.change = apply_change;
        how.arg = &c;
        fed_forge(&f, &how);
        fl_error_clear();
        int got = read_plan(&f, &plan, "forged.flt");
        if (got != -1 || (c.status && fl_error_status() != c.status) || !fed_says(c.words) ||
            fl_error_status() == FL_USAGE) {
            CHECK(!"this forgery is refused as it should be");
            printf("# %zu: %s: %d, %s\n", i, c.key, (int)fl_error_status(), fl_error_text());
        }
        CHECK(fed_says("forged.flt: ") &&
              !strstr(strstr(fl_error_text(), "forged.flt: ") + 5, "forged.flt"));
        if (got == 0)
            fl_plan_release(&plan);
    }
    fed_end(&f);
}

static void
other_roster(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)t;
    (void)arg;
    if (i == 0)
        ((unsigned char *)data)[bytes - 1] ^= 1;
}

static void
short_last(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)data;
    (void)bytes;
    (void)arg;
    if (i == 1)
        t->dims[0] -= 32;
}

/* Who signs, for what, and what is in the two tensors. */
static void
test_signed(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    fed_plan(&f, &plan, 1);
    fl_plan_release(&plan);
    struct fl_key *other = fl_key_new("hub", 1);
    const struct {
        const struct fl_key *key;
        uint32_t signer;
        const char *kind, *as;
        void (*tensor)(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg);
        bool leave_out;
        const char *words;
    } cases[] = {
        {NULL, 0, FL_KIND_PLAN, NULL, NULL, false, "not signed by the hub"},
        {f.key[1], FL_SIGNER_HUB, FL_KIND_PLAN, NULL, NULL, false, "not its own"},
        {other, FL_SIGNER_HUB, FL_KIND_PLAN, NULL, NULL, false, "not its own"},
        {f.key[FED_HUB], FL_SIGNER_HUB, FL_KIND_PLAN, FL_KIND_MASKED, NULL, false, "does not hold"},
        {f.key[1], 1, FL_KIND_PLAN, NULL, NULL, false, "not signed by the hub"},
        {f.key[1], 2, FL_KIND_PLAN, NULL, NULL, false, "not its own"},
        {f.key[FED_HUB], FL_SIGNER_HUB, FL_KIND_PLAN, NULL, other_roster, false, ""},
        {f.key[FED_HUB], FL_SIGNER_HUB, FL_KIND_PLAN, NULL, short_last, false, "\"last\""},
        {f.key[FED_HUB], FL_SIGNER_HUB, FL_KIND_PLAN, NULL, NULL, true, "\"last\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_forge(&f, &(struct fed_forgery){.from = "plan.flt",
                                            .to = "forged.flt",
                                            .kind = cases[i].kind,
                                            .key = cases[i].key,
                                            .signer = cases[i].signer,
                                            .as = cases[i].as,
                                            .tensor = cases[i].tensor,
                                            .leave_out_last = cases[i].leave_out});
        CHECK_REFUSED(read_plan(&f, &plan, "forged.flt"), FL_REFUSED, cases[i].words);
    }
    fl_key_free(other);
    CHECK_REFUSED(read_plan(&f, &plan, "model.flt"), FL_FAILED, "");
    fed_end(&f);
}

/* Any bit that is another: of head, tensors, signature. */
static void
test_damaged(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_buf bytes = {0};
    const size_t step = test_under_valgrind() ? 1201 : 61;

    fed_start(&f, 3, "");
    fed_plan(&f, &plan, 1);
    fl_plan_release(&plan);
    CHECK(!fl_read_file(fed_path(&f, "plan.flt"), 1 << 20, &bytes));
    for (size_t bit = 0; bit < 8 * bytes.len; bit += step) {
        int fd = open(fed_path(&f, "bad.flt"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(!fl_write_full(fd, "bad.flt", bytes.data, bytes.len));
        close(fd);
        CHECK(read_plan(&f, &plan, "bad.flt") == -1);
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    fl_buf_release(&bytes);
    fed_end(&f);
}

/* An update must have the tensors that travel, no others. */
static void
test_match(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3,
              "tensors: [{match: large, protect: frozen}, {match: \"*\", protect: mask, bits: 32, "
              "clip: 0.5}]\n");
    fed_plan(&f, &plan, 1);
    struct fl_meta meta = {0};
    struct fed_object some = {"some.flt", FL_KIND_UPDATE, &meta, fed_usual, 0, "large", {0}};
    struct fed_object all = {"all.flt", FL_KIND_UPDATE, &meta, fed_usual, 0, NULL, {0}};
    struct fed_object less = {"less.flt", FL_KIND_UPDATE, &meta, fed_usual, 0, "norm.weight", {0}};
    fed_write(&f, &some);
    fed_write(&f, &all);
    fed_write(&f, &less);
    struct fl_object *o = fl_object_open(fed_path(&f, "some.flt"), FL_KIND_UPDATE);
    CHECK(!fl_plan_match(&plan, o));
    plan.model.items[0].tensor.dims[1]++;
    CHECK_REFUSED(fl_plan_match(&plan, o), FL_FAILED, "\"embed\" is plain f32[50,7]");
    plan.model.items[0].tensor.dims[1]--;
    fl_object_free(o);
    o = fl_object_open(fed_path(&f, "all.flt"), FL_KIND_UPDATE);
    CHECK_REFUSED(fl_plan_match(&plan, o), FL_FAILED, "large");
    fl_object_free(o);
    o = fl_object_open(fed_path(&f, "less.flt"), FL_KIND_UPDATE);
    CHECK_REFUSED(fl_plan_match(&plan, o), FL_FAILED, "");
    fl_object_free(o);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* The roster that somebody names is the plan's. */
static void
test_check_roster(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_buf yaml = {0};

    fed_start(&f, 3, "");
    fed_plan(&f, &plan, 1);
    fed_yaml(&f, "", &yaml);
    CHECK(!fl_output_write_file(fed_path(&f, "r.yaml"), yaml.data, yaml.len, 0));
    fed_yaml(&f, "max_age: 999\n", &yaml);
    CHECK(!fl_output_write_file(fed_path(&f, "s.yaml"), yaml.data, yaml.len, 0));
    CHECK(!fl_plan_check_roster(&plan, "plan.flt", fed_path(&f, "r.yaml")));
    CHECK_REFUSED(fl_plan_check_roster(&plan, "plan.flt", fed_path(&f, "s.yaml")), FL_REFUSED,
                  "plan.flt: is a plan of another roster than");
    CHECK(fed_says("\"test\", epoch 1"));
    fl_buf_release(&yaml);
    fl_plan_release(&plan);
    fed_end(&f);
}

static void
test_deadline(void)
{
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-11-24",
                                      "2026-11-24T18:00:00",
                                      "2026-13-24T18:00:00Z",
                                      "2026-11-31T18:00:00Z",
                                      "2026-02-30T18:00:00Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24t18:00:00Z",
                                      "2026-11-24T18:60:00Z",
                                      "2026-11-24T18:00:00+01:00",
                                      "2026-11-24T18:00:00Z ",
                                      "2026-00-10T18:00:00Z"};

    CHECK(!fl_plan_deadline("2026-11-24T18:00:00Z") && !fl_plan_deadline("2028-02-29T23:59:60Z"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(fl_plan_deadline(bad[i]) == -1);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_layout);
    RUN(test_rules_refused);
    RUN(test_round_trip);
    RUN(test_draft_refused);
    RUN(test_forged);
    RUN(test_signed);
    RUN(test_damaged);
    RUN(test_match);
    RUN(test_check_roster);
    RUN(test_deadline);
    return test_end();
}
