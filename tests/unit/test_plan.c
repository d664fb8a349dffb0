#include "sec/plan.h"

#include "federation.h"

static int
read_plan(const struct federation *f, struct fl_plan *plan, const char *file)
{
    return fl_plan_read(plan, fed_path(f, file), NULL);
}

static void
test_defaults(void)
{
    struct federation f;
    struct fl_plan plan, again;

    fed_start(&f, 3, "");
    CHECK(!fed_plan(&f, &plan, 7, "{}") && !fed_write_plan(&f, &plan, "plan.flt"));
    CHECK(plan.bits == 32 && plan.clip == 1 && plan.scale == 0x1p29 && plan.stochastic);
    CHECK(plan.rule == FL_WEIGHT_EXAMPLES && plan.cap == 1e6 && plan.alpha == 0);
    CHECK(plan.protection == FL_PROTECT_PAIRWISE && plan.count == 3 && !plan.has_after);
    CHECK(plan.masked_words == 175 + 10001 + 0 + 1 && plan.words == plan.masked_words);
    CHECK(!read_plan(&f, &again, "plan.flt"));
    CHECK(!memcmp(plan.digest, again.digest, 32) && !memcmp(plan.sid, again.sid, 32));
    CHECK(again.round == 7 && again.base_round == 4 && !memcmp(plan.base, again.base, 32));
    CHECK(again.tensors[1].word_at == 175 && again.words == plan.words);
    fl_plan_release(&again);
    fl_plan_release(&plan);
    fed_end(&f);
}

static void
test_settings(void)
{
    struct federation f;
    struct fl_plan plan, again;

    fed_start(&f, 4, "policy: {plain: [none, large]}\n");
    CHECK(!fed_plan(&f, &plan, 7,
                    "bits: 13\nclip: 0.25\nrounding: nearest\nweights: dynamic\n"
                    "alpha: 1\nbandwidth: {a: 10, b: 20, c: 40, d: 100}\n"
                    "cap: 3\nplain: [large]\n"));
    CHECK(plan.scale == 0x1p11 /* 4 * 512 <= 4095 < 4 * 1024 */ && fl_plan_largest(&plan) == 512);
    snprintf(plan.deadline, sizeof plan.deadline, "2026-11-24T18:00:00Z");
    CHECK(!fed_write_plan(&f, &plan, "plan.flt") && !read_plan(&f, &again, "plan.flt"));
    CHECK(again.bits == 13 && again.clip == 0.25 && !again.stochastic && again.cap == 3);
    CHECK(again.rule == FL_WEIGHT_DYNAMIC && again.alpha == 1 && again.bandwidth[2] == 40);
    CHECK_TEXT(again.deadline, "2026-11-24T18:00:00Z");
    CHECK(again.tensors[1].role == FL_PLAIN && again.tensors[0].role == FL_MASKED);
    CHECK(again.masked_words == 88 + 1 && again.words == 89 + 5001);
    CHECK(fl_plan_at(&again, 0) == &again.tensors[0] && fl_plan_at(&again, 1) == &again.tensors[2]);
    CHECK(fl_plan_at(&again, 2) == NULL && fl_plan_at(&again, 3) == &again.tensors[1]);
    CHECK(again.tensors[1].word_at == 89);
    fl_plan_release(&again);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Adversarial test 7: what the policy does not allow. */
static void
test_policy(void)
{
    static const struct {
        const char *policy, *settings;
        enum fl_status status;
        const char *words;
    } bad[] = {
        {"", "plain: [large]", FL_REFUSED, "\"large\" would travel plain"},
        {"plain: [none]", "plain: [none, large]", FL_REFUSED, "\"large\" would travel plain"},
        {"plain: [other]", "plain: [other]", FL_USAGE,
         "\"other\" is none of the model's trained tensors"},
        {"", "cap: 1000001", FL_REFUSED, "cap of 1000001"},
        {"weights: {examples: 50}", "cap: 51", FL_REFUSED, "cap of 51"},
        {"weights: [uniform]", "weights: examples", FL_REFUSED, "rule examples"},
        {"clip: [0.1, 2]", "clip: 3", FL_REFUSED, "clip of 3"},
        {"clip: [0.1, 2]", "clip: 0.05", FL_REFUSED, "clip of 0.05"},
        {"bits: [16, 32]", "bits: 8", FL_REFUSED, "lanes of 8"},
        {"bits: [16, 32]", "bits: 64", FL_REFUSED, "lanes of 64"},
        {"", "bits: 33", FL_REFUSED, "lanes of 33"},
        {"", "bits: 63", FL_REFUSED, "lanes of 63"},
        {"protection: [double]", "{}", FL_REFUSED, "pairwise is not allowed"},
        {"protection: [pairwise]", "protection: double", FL_REFUSED, "double is not allowed"},
        {"", "protection: double", FL_REFUSED, "not there yet"},
        {"", "weights: dynamic\nbandwidth: {a: 1, b: 300, c: 1}", FL_REFUSED, "spread of 16"},
        {"spread: 2", "weights: dynamic\nalpha: 2\nbandwidth: {a: 1, b: 1.5, c: 1}", FL_REFUSED,
         "spread of 2"},
        {"", "weights: dynamic", FL_USAGE, "\"a\" has none"},
        {"", "weights: dynamic\nbandwidth: {a: 1, b: 2}", FL_USAGE, "\"c\" has none"},
        {"", "weights: dynamic\nbandwidth: {a: 1, hub: 2}", FL_USAGE, "\"hub\" is none"},
        {"", "scale: 3", FL_REFUSED, "no power of two"},
        {"", "scale: 67108864", FL_REFUSED, "less than a quarter"},
        {"", "scale: 1e300", FL_USAGE, "scale"},
        {"", "noise: gauss", FL_USAGE, "noise"},
        {"", "colour: 1", FL_USAGE, "no key"},
    };
    struct federation f;

    fed_start(&f, 3, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char more[200];
        struct fl_plan plan;
        snprintf(more, sizeof more, "policy: {%s}\n", bad[i].policy);
        CHECK(!fed_roster(&f, more));
        CHECK_REFUSED(fed_plan(&f, &plan, 1, bad[i].settings), bad[i].status, bad[i].words);
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

/* Adversarial test 22: the default scale is the largest that fits; one more unit does not. */
static void
test_no_wrap(void)
{
    struct federation f;
    struct fl_plan plan;

    for (size_t n = 3; n <= FED_SITES; n++) {
        fed_start(&f, n, "");
        for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1) {
            const uint64_t most = ((UINT64_C(1) << (bits - 1)) - 1) / n;
            char settings[100];
            snprintf(settings, sizeof settings, "bits: %u\nclip: 0.7\n", bits);
            CHECK(!fed_plan(&f, &plan, 1, settings));
            CHECK(fl_plan_largest(&plan) <= most && fl_plan_largest(&plan) * n > most * n / 3);
            plan.scale *= 2;
            CHECK_REFUSED(fl_plan_check(&plan), FL_REFUSED, "could wrap");
            if (bits <= 32) { /* to the unit, with the clip on a whole number of units */
                plan.scale = 1024;
                plan.roster.policy.clip_max = 1e9;
                plan.roster.policy.clip_min = 1e-9;
                plan.clip = (double)most / 1024;
                CHECK(!fl_plan_check(&plan) && fl_plan_largest(&plan) == most);
                plan.clip = (double)(most + 1) / 1024;
                CHECK_REFUSED(fl_plan_check(&plan), FL_REFUSED, "could wrap");
                plan.clip = ((double)most + 0x1p-20) / 1024; /* a part of a unit rounds up */
                CHECK_REFUSED(fl_plan_check(&plan), FL_REFUSED, "could wrap");
            }
            fl_plan_release(&plan);
        }
        fed_end(&f);
    }
}

/* Lanes too small for so many sites at any scale. */
static void
test_too_many(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    CHECK(!fed_plan(&f, &plan, 1, "bits: 8"));
    plan.roster.n = 128; /* 128 > 127 */
    CHECK_REFUSED(fl_plan_check(&plan), FL_REFUSED, "could wrap");
    plan.roster.n = 3;
    fl_plan_release(&plan);
    fed_end(&f);
}

/* The plan again with one metadata value changed by CHANGE, signed by KEY. */
static void
forge(struct federation *f, const char *from, const char *to, const struct fl_key *key,
      int (*change)(struct fl_meta *meta))
{
    struct fl_object *o = fl_object_open(fed_path(f, from), FL_KIND_PLAN);
    struct fl_meta meta;
    struct fl_sign sign;
    unsigned char digest[32];
    int fd = open(fed_path(f, to), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, to, 0);

    CHECK(!fl_meta_copy(&meta, &fl_object_head(o)->meta) && !(change && change(&meta)));
    fl_writer_want_digest(w);
    CHECK(!fl_writer_head(w, FL_KIND_PLAN, &meta));
    CHECK(!fl_writer_tensor(w, fl_object_tensor(o, 0)));
    CHECK(!fl_writer_data(w, fl_object_data(o, 0), (size_t)fl_object_bytes(o, 0)));
    CHECK(!fl_writer_done(w));
    fl_writer_digest(w, digest);
    if (key) {
        fl_roster_sign(&f->roster, FL_SIGNER_HUB, key, FL_KIND_PLAN, digest, &sign);
        CHECK(!fl_writer_sign(w, &sign));
    }
    fl_writer_free(w);
    close(fd);
    fl_meta_release(&meta);
    fl_object_free(o);
}

static int
unknown_key(struct fl_meta *m)
{
    return fl_meta_set_i64(m, "groups", 2);
}

static int
noise(struct fl_meta *m)
{
    return fl_meta_set_text(m, "noise", "skellam");
}

static int
doubled(struct fl_meta *m)
{
    return fl_meta_set_text(m, "protection", "double");
}

static int
wide_clip(struct fl_meta *m)
{
    return fl_meta_set_f64(m, "encoding.clip", 1001);
}

static int
not_a_clip(struct fl_meta *m)
{
    return fl_meta_set_f64(m, "encoding.clip", NAN);
}

static int
large_scale(struct fl_meta *m)
{
    return fl_meta_set_f64(m, "encoding.scale", 0x1p30);
}

static int
plain(struct fl_meta *m)
{
    const char *const names[] = {"embed"};
    return fl_meta_set_text_list(m, "tensors.plain", names, 1);
}

static int
twice(struct fl_meta *m)
{
    const char *const names[] = {"a", "b", "a"};
    return fl_meta_set_text_list(m, "tensors.names", names, 3);
}

static int
short_shapes(struct fl_meta *m)
{
    const int64_t shapes[] = {2, 50, 7, 2, 20001};
    return fl_meta_set_i64_list(m, "tensors.shapes", shapes, 5);
}

static int
huge_shapes(struct fl_meta *m)
{
    const int64_t shapes[] = {2, INT64_MAX, INT64_MAX, 1, 20001, 2, 3, 0};
    return fl_meta_set_i64_list(m, "tensors.shapes", shapes, 8);
}

static int
negative_round(struct fl_meta *m)
{
    return fl_meta_set_i64(m, "round", INT64_MIN); /* 2^63 */
}

static int
last_round(struct fl_meta *m)
{
    return fl_meta_set_i64(m, "round", -1); /* 2^64 - 1 */
}

static int
no_base(struct fl_meta *m)
{
    fl_meta_remove(m, "base");
    return 0;
}

static void
test_forged(void)
{
    static int (*const changes[])(
        struct fl_meta *) = {unknown_key,    noise,      doubled, wide_clip,    not_a_clip,
                             large_scale,    plain,      twice,   short_shapes, huge_shapes,
                             negative_round, last_round, no_base};
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    CHECK(!fed_plan(&f, &plan, 1, "{}") && !fed_write_plan(&f, &plan, "plan.flt"));
    fl_plan_release(&plan);
    forge(&f, "plan.flt", "same.flt", f.hub, NULL);
    CHECK(!read_plan(&f, &plan, "same.flt"));
    fl_plan_release(&plan);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        forge(&f, "plan.flt", "forged.flt", f.hub, changes[i]);
        fl_error_clear();
        CHECK(read_plan(&f, &plan, "forged.flt") == -1);
        CHECK(fl_error_status() == FL_REFUSED || fl_error_status() == FL_FAILED);
        CHECK(fed_says("forged.flt: ") &&
              !strstr(strstr(fl_error_text(), "forged.flt: ") + 5, "forged.flt"));
    }
    forge(&f, "plan.flt", "forged.flt", NULL, NULL);
    CHECK_REFUSED(read_plan(&f, &plan, "forged.flt"), FL_REFUSED, "not signed by the hub");
    forge(&f, "plan.flt", "forged.flt", f.site[1], NULL);
    CHECK_REFUSED(read_plan(&f, &plan, "forged.flt"), FL_REFUSED, "not its own");
    struct fl_key *other = fl_key_new("hub",
                                      1); /* the right name, a key that is not in the roster */
    forge(&f, "plan.flt", "forged.flt", other, NULL);
    CHECK_REFUSED(read_plan(&f, &plan, "forged.flt"), FL_REFUSED, "not its own");
    fl_key_free(other);
    fed_end(&f);
}

/* A signature of another kind, roster or place is none for a plan. */
static void
test_damaged(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_buf bytes = {0};

    fed_start(&f, 3, "");
    CHECK(!fed_plan(&f, &plan, 1, "{}") && !fed_write_plan(&f, &plan, "plan.flt"));
    fl_plan_release(&plan);
    CHECK(!fl_read_file(fed_path(&f, "plan.flt"), 1 << 20, &bytes));
    for (size_t bit = 0; bit < 8 * bytes.len; bit += 61) {
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

static void
test_match(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    CHECK(!fed_plan(&f, &plan, 1, "{}"));
    fed_object(&f, "update.flt", plan.base, 5, fed_plain_value, 1);
    struct fl_object *o = fl_object_open(fed_path(&f, "update.flt"), FL_KIND_UPDATE);
    CHECK(!fl_plan_match(&plan, o));
    plan.tensors[1].dims[0]++;
    CHECK_REFUSED(fl_plan_match(&plan, o), FL_FAILED, "\"large\" is plain f32[20001]");
    plan.tensors[1].dims[0]--;
    plan.count = 2;
    CHECK_REFUSED(fl_plan_match(&plan, o), FL_FAILED,
                  "\"none\", f32[3,0], that is not in the plan's model");
    plan.count = 3;
    plan.tensors[0].name[0] = 'E';
    CHECK_REFUSED(fl_plan_match(&plan, o), FL_FAILED,
                  "has no tensor \"Embed\", which in the plan's model is");
    fl_object_free(o);
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

/* What makes the sum another one is another use of the model; when and why it is made is not. */
static void
test_use(void)
{
    static const char *const others[] = {"bits: 31",
                                         "clip: 0.5\nscale: 536870912",
                                         "scale: 268435456",
                                         "rounding: nearest",
                                         "cap: 2",
                                         "weights: uniform",
                                         "weights: loss\ncap: 1",
                                         "plain: [large]",
                                         "weights: dynamic\nalpha: 0",
                                         "weights: dynamic\nbandwidth: {a: 1, b: 1, c: 1}",
                                         "weights: dynamic\nbandwidth: {a: 1, b: 2, c: 1}",
                                         "weights: dynamic\nbandwidth: {a: 1, b: 1, c: 2}"};
    const size_t n = sizeof others / sizeof *others;
    unsigned char use[sizeof others / sizeof *others + 1][32], again[32];
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "policy: {plain: [large]}\n");
    for (size_t i = 0; i <= n; i++) {
        CHECK(!fed_plan(&f, &plan, 1, i < n ? others[i] : "{}"));
        fl_plan_use(&plan, use[i]);
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(use[i], use[j], 32));
        fl_plan_release(&plan);
    }
    CHECK(!fed_plan(&f, &plan, 9, "{}"));
    snprintf(plan.deadline, sizeof plan.deadline, "2026-11-24T18:00:00Z");
    plan.has_after = true;
    fl_plan_use(&plan, again);
    CHECK(!memcmp(use[n], again, 32));
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_defaults);
    RUN(test_settings);
    RUN(test_policy);
    RUN(test_no_wrap);
    RUN(test_too_many);
    RUN(test_forged);
    RUN(test_damaged);
    RUN(test_match);
    RUN(test_deadline);
    RUN(test_use);
    return test_end();
}
