/*
 * Noise and budget of a roster: every key, each refusal with what would be right, in words; over a
 * model, where the numbers must be those of the bound that all compute.
 */
#include "sec/roster_noise.h"

#include "federation.h"
#include "sec/roster_show.h"

#define SITE   "noise: {site: {clip: 0.5, multiplier: 1}}\n"
#define BUDGET "budget: {epsilon: 8, delta: 1e-6}\n"
#define LOCAL  "noise: {local: {clip: 1, multiplier: 1.1, rate: 0.01, steps: 20}}\n"
#define HELP   FED_HELPERS "min_sum: 3\n"
#define WIDE   "tensors: [{match: \"*\", protect: mask, bits: 24, clip: 0.05}]\n"

static void
test_values(void)
{
    struct federation f;
    struct fl_roster again = {0};
    const struct fl_noise_policy *p = &f.roster.noise;

    fed_start(&f, 5, HELP "noise: {site: {clip: 0.50, multiplier: 12e-1}}\n" BUDGET WIDE);
    CHECK(p->kind == FL_NOISE_SITE && p->accountant == FL_ACCOUNT_RDP);
    CHECK(p->clip.mantissa == 5 && p->clip.places == 1);
    CHECK(p->multiplier.mantissa == 12 && p->multiplier.places == 1);
    CHECK(fl_decimal_f64(&p->epsilon) == 8 && fl_decimal_f64(&p->delta) == 1e-6);
    /* the same numbers in another hand are the same roster; other numbers are another */
    CHECK(!fed_roster_of(&f, HELP "noise: {site: {clip: 5e-1, multiplier: 1.2}}\n" BUDGET WIDE,
                         &again));
    CHECK(!memcmp(again.digest, f.roster.digest, 32));
    CHECK(!fed_roster_of(&f, HELP "noise: {site: {clip: 0.5, multiplier: 1.3}}\n" BUDGET WIDE,
                         &again));
    CHECK(memcmp(again.digest, f.roster.digest, 32));
    CHECK(!fed_roster_of(&f,
                         HELP "noise: {site: {clip: 0.5, multiplier: 1.2}}\n" WIDE
                              "budget: {epsilon: 8, delta: 1e-7}\n",
                         &again));
    CHECK(memcmp(again.digest, f.roster.digest, 32));
    CHECK(!fed_roster_of(&f, LOCAL "budget: {epsilon: 3, delta: 1e-5, accountant: pld}\n", &again));
    CHECK(again.noise.kind == FL_NOISE_LOCAL && again.noise.accountant == FL_ACCOUNT_PLD);
    CHECK(fl_decimal_f64(&again.noise.rate) == 0.01 && again.noise.steps == 20);
    CHECK(!fed_roster_of(&f, "noise: none\n", &again) && again.noise.kind == FL_NOISE_NONE);
    fl_roster_release(&again);
    fed_end(&f);
}

static void
test_refused(void)
{
    static const struct {
        const char *more, *says;
    } bad[] = {
        {"noise: gauss\n", "noise: must be none, {site: {clip: C, multiplier: Z}} or {local:"},
        {"noise: [site]\n", "noise: must be none"},
        {"noise: {site: {clip: 1, multiplier: 1}, local: {}}\n", "noise: must be none"},
        {"noise: {all: {clip: 1}}\n", "there is no key \"all\""},
        {HELP "noise: {site: {clip: 1}}\n" BUDGET, "noise: site: lacks \"multiplier\""},
        {HELP "noise: {site: {multiplier: 1}}\n" BUDGET, "noise: site: lacks \"clip\""},
        {HELP "noise: {site: {clip: 1, multiplier: 1, rate: 0.1}}\n" BUDGET, "no key \"rate\""},
        {"noise: {local: {clip: 1, multiplier: 1, rate: 0.1}}\n" BUDGET, "local: lacks \"steps\""},
        {HELP SITE, "noise: lacks a budget"},
        {BUDGET, "budget: there is no noise to pay for"},
        {HELP SITE "budget: {epsilon: 8}\n", "budget: lacks \"delta\""},
        {HELP SITE "budget: {delta: 1e-6}\n", "budget: lacks \"epsilon\""},
        {HELP SITE "budget: {epsilon: 8, delta: 1e-6, accountant: sum}\n", "\"sum\""},
        {HELP "noise: {site: {clip: -1, multiplier: 1}}\n" BUDGET, "noise.site.clip: \"-1\""},
        {HELP "noise: {site: {clip: 1, multiplier: 0}}\n" BUDGET, "noise.site.multiplier: \"0\""},
        {HELP "noise: {site: {clip: 0x1, multiplier: 1}}\n" BUDGET, "noise.site.clip: \"0x1\""},
        {HELP SITE "budget: {epsilon: inf, delta: 1e-6}\n", "budget.epsilon: \"inf\""},
        {HELP SITE "budget: {epsilon: 8, delta: 0.2}\n", "budget: delta"},
        {SITE BUDGET, "write protection: helpers"},
        {HELP SITE BUDGET "weights: {rule: loss, floor: 1, cap: 2}\n", "weights: {rule: uniform}"},
        {HELP SITE "budget: {epsilon: 8, delta: 1e-6, accountant: pld}\n", "accountant: rdp"},
        {HELP SITE BUDGET "tensors: [{match: embed, protect: plain, bits: 16, clip: 1}, {match: "
                          "\"*\", protect: mask, bits: 16, clip: 0.2}]\n",
         "\"embed\": protect plain, where noise: {site} adds none; write mask or frozen"},
        {HELP SITE "budget: {epsilon: 4, delta: 1e-6}\n", "one round costs epsilon 5."},
        {"noise: {local: {clip: 1, multiplier: 1, rate: 1.5, steps: 3}}\n" BUDGET, "at most 1"},
        {"noise: {local: {clip: 1, multiplier: 128, rate: 1, steps: 3}}\n" BUDGET, "127"},
        {LOCAL BUDGET "weights: {rule: loss, floor: 1, cap: 2}\n", "a loss tells of the text"},
        {LOCAL BUDGET "recipe: {steps: 21, length: 8}\n", "recipe: has 21 steps"},
        {LOCAL BUDGET "recipe: {steps: 20, length: 8}\n", "write dp_clip: 1"},
        {LOCAL BUDGET "recipe: {steps: 20, dp_clip: 1, dp_noise: 1, dp_rate: 0.01}\n",
         "write dp_noise: 1.1"},
        {LOCAL BUDGET "recipe: {steps: 20, dp_clip: 1, dp_noise: 1.1, dp_rate: 0.1}\n",
         "write dp_rate: 0.01"},
    };
    struct federation f;
    struct fl_roster r = {0};

    fed_start(&f, 5, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_REFUSED(fed_roster_of(&f, bad[i].more, &r), FL_USAGE, bad[i].says);
    CHECK(!fed_roster_of(&f, HELP SITE BUDGET WIDE, &r) && !fl_noise_policy_check(&r));
    r.rules[0].protect = FL_PROTECT_HE; /* of which a line of each helper would be needed, too */
    CHECK_REFUSED(fl_noise_policy_check(&r), FL_USAGE, "protect he, where others can multiply");
    r.noise.kind = FL_NOISE_LOCAL;
    r.noise.rate = (struct fl_decimal){1, 0};
    CHECK(!fl_noise_policy_check(&r)); /* what it noises is encrypted afterwards */
    CHECK(!fed_roster_of(&f, LOCAL BUDGET "weights: {rule: examples, floor: 1, cap: 2}\n", &r));
    CHECK(!fed_roster_of(&f,
                         LOCAL BUDGET
                         "recipe: {steps: 20, dp_clip: 1, dp_noise: 1.1, dp_rate: 0.01}\n",
                         &r));
    fl_roster_release(&r);
    fed_end(&f);
}

/* Item KEY of a canonical form, changed to TEXT; NULL: left out. Is the roster refused? */
static void
check_other_form(const struct fl_roster *r, const char *key, const char *text, const char *says)
{
    struct fl_meta meta = {0}, changed = {0};
    struct fl_roster got = {0};
    struct fl_buf bytes = {0};
    size_t at = 0;

    CHECK(!fl_meta_decode(&meta, r->canonical.data, r->canonical.len, &at));
    for (size_t i = 0; i < meta.count; i++)
        if (strcmp(meta.items[i].key, key))
            CHECK(!fl_meta_set_item(&changed, &meta.items[i]));
    if (text)
        CHECK(!fl_meta_set_text(&changed, key, text));
    CHECK(!fl_meta_encode(&changed, &bytes));
    fl_error_clear();
    CHECK(fl_roster_decode(&got, bytes.data, bytes.len) && strstr(fl_error_text(), says));
    fl_buf_release(&bytes);
    fl_meta_release(&meta);
    fl_meta_release(&changed);
}

/* The form that people agree on has one way to say each number, and no numbers of another kind. */
static void
test_canonical(void)
{
    struct federation f;
    struct fl_roster r = {0};

    fed_start(&f, 5, HELP SITE BUDGET WIDE);
    check_other_form(&f.roster, "noise.site.clip", "0.50", "written in the canonical form as 0.5");
    check_other_form(&f.roster, "noise.site.clip", "5e-1", "as 0.5");
    check_other_form(&f.roster, "noise.site.clip", NULL, "noise.site.clip");
    check_other_form(&f.roster, "budget.delta", NULL, "budget.delta");
    check_other_form(&f.roster, "noise", "none", "values where this version knows");
    check_other_form(&f.roster, "noise", "gauss", "not known to this version");
    check_other_form(&f.roster, "noise", "local", "noise.local.clip");
    check_other_form(&f.roster, "noise.site.rate", "1", "values where this version knows");
    check_other_form(&f.roster, "protection", "pairwise", "pairwise");
    CHECK(!fed_roster_of(&f, HELP WIDE, &r));
    check_other_form(&r, "noise.site.clip", "1", "values where this version knows");
    check_other_form(&r, "budget.epsilon", "1", "values where this version knows");
    fl_roster_release(&r);
    fed_end(&f);
}

/* One round, ten, and the most that a budget pays for: against Gaussian noise by hand. */
static void
test_cost(void)
{
    struct federation f;
    double one, ten, at, above;
    uint64_t rounds;

    fed_start(&f, 5, HELP SITE "budget: {epsilon: 20.7, delta: 1e-6}\n" WIDE);
    const struct fl_noise_policy *p = &f.roster.noise;
    CHECK(!fl_noise_policy_cost(p, 1, &one) && !fl_noise_policy_cost(p, 10, &ten));
    CHECK(fabs(one - 5.2215) < 1e-3 && fabs(ten - 20.552) < 1e-3); /* fl-account says so */
    CHECK(!fl_noise_policy_rounds(p, 1000, &rounds) && rounds == 10);
    CHECK(!fl_noise_policy_rounds(p, 7, &rounds) && rounds == 7);
    CHECK(!fl_noise_policy_cost(p, 10, &at) && !fl_noise_policy_cost(p, 11, &above));
    CHECK(at <= 20.7 && above > 20.7);
    fed_end(&f);
}

/* ---- over a model ---- */

/* The bound over the model of federation.h by another way: what the plan's must be. */
static void
test_plan(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_buf event = {0};
    char want[100];

    fed_start(&f, 5, "");
    CHECK(!fed_roster(&f, HELP SITE BUDGET
                      "steps: 16\ntensors: [{match: embed, protect: mask, bits: 32, clip: 0.1}, "
                      "{match: norm*, protect: frozen}, "
                      "{match: \"*\", protect: mask, bits: 20, clip: 0.05}]\n"));
    fed_plan(&f, &plan, 1);
    const struct fl_bound *b = &plan.noise;
    struct fl_bound_part parts[2] =
        {{.bits = 32, .clip = 0.1, .d = 350, .scale = fl_roster_scale(5, 32, 0.1)},
         {.bits = 20, .clip = 0.05, .d = 20001, .scale = fl_roster_scale(5, 20, 0.05)}};
    struct fl_bound other =
        {.clip = {5, 1}, .multiplier = {1, 0}, .n = 5, .m = 2, .parts = parts, .count = 2};
    CHECK(!fl_bound_compute(&other));
    CHECK(b->sigma == other.sigma && b->B2 == other.B2 && b->d == 20351 && b->sigma > 2);
    CHECK(parts[0].scale > parts[1].scale && parts[1].scale < fl_roster_scale(5, 20, 0.05));
    for (size_t i = 0; i < plan.count; i++) {
        const struct fl_bound_part *part =
            &parts[strcmp(plan.tensors[i].tensor->name, "embed") != 0];
        CHECK(plan.tensors[i].noise && plan.tensors[i].noise->sigma == part->sigma);
        CHECK(plan.tensors[i].noise->reach == part->reach && part->reach > part->sigma);
        CHECK(plan.tensors[i].rule->scale == part->scale);
        CHECK(plan.tensors[i].noise->shift == part->shift);
    }
    snprintf(want, sizeof want, "dgauss:sigma2=%.17g,sens2=%.17g",
             (double)other.sigma * other.sigma, (double)other.B2);
    CHECK(!fl_plan_event(&plan, &event) && !strncmp(fl_buf_text(&event), want, 20));
    fl_buf_release(&event);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Lanes that have no room, or too few steps left: refused, with bits that do. */
static void
test_room(void)
{
    static const char lines[] = "tensors: [{match: \"*\", protect: mask, bits: %u, clip: 0.05}]\n";
    struct federation f;
    struct fl_plan plan;
    char rules[100], more[400];
    unsigned refused = 0, advised = 0;

    fed_start(&f, 5, "");
    for (unsigned bits = 10; bits <= 24; bits++) {
        snprintf(rules, sizeof rules, lines, bits);
        snprintf(more, sizeof more, "%s%s", HELP SITE BUDGET, rules);
        if (fed_roster(&f, more)) /* too few without noise already */
            continue;
        if (!fed_draft(&f, &plan, &(struct fed_planning){.round = 1})) {
            CHECK(!advised || bits >= advised);
            fl_plan_release(&plan);
            continue;
        }
        CHECK(fl_error_status() == FL_USAGE);
        const char *cure = strstr(fl_error_text(), "bits: ");
        unsigned says = cure ? (unsigned)strtoul(cure + 6, NULL, 10) : 0;
        CHECK(says > bits && (!advised || says == advised || says == 0));
        advised = says;
        refused++;
        fl_plan_release(&plan);
    }
    CHECK(refused > 0 && advised > 0);
    CHECK(!fed_roster(&f, HELP "noise: {site: {clip: 1e-9, multiplier: 1e-5}}\n" WIDE
                               "budget: {epsilon: 1e14, delta: 1e-6}\n"));
    CHECK_REFUSED(fed_draft(&f, &plan, &(struct fed_planning){.round = 1}), FL_USAGE, "more bits");
    fl_plan_release(&plan);
    fed_end(&f);
}

static char *
shown(const struct federation *f, bool model)
{
    struct fl_object *o = model ? fl_object_open(fed_path(f, "model.flt"), FL_KIND_MODEL) : NULL;
    struct fl_report report;
    int fd = fl_spool_open();

    fl_report_start(&report, fl_roster_show_columns, false);
    CHECK(!fl_roster_show(&f->roster, &(struct fl_roster_view){.model = o}, &report));
    CHECK(!report.failed && !fl_report_end(&report, fd, "report"));
    off_t len = lseek(fd, 0, SEEK_END);
    char *out = calloc((size_t)len + 1, 1);
    CHECK(fl_pread_full(fd, "report", out, (size_t)len, 0) == (ssize_t)len);
    close(fd);
    fl_object_free(o);
    return out;
}

/* What people read before they accept: how long the noise is, what it costs, how long it lasts. */
static void
test_shown(void)
{
    struct federation f;

    fed_start(&f, 5, "");
    CHECK(!fed_roster(&f, HELP SITE "max_age: 100\n" BUDGET WIDE));
    char *text = shown(&f, false);
    CHECK(strstr(text, "\nnoise\tsite: updates are cut to the length 0.5, and each helper adds"));
    CHECK(strstr(text, "it is 28.3 times as long as the longest update of one for 10,000 values, "
                       "283 times for 1,000,000; -m MODEL"));
    CHECK(strstr(text, "\nepsilon\tof a site, added or removed: 5.222 for one round, "));
    CHECK(strstr(text, "at delta 1e-06 by rdp\n"));
    CHECK(strstr(text, "\nbudget\tepsilon 8 at delta 1e-06 by rdp: pays for 2 of 100 rounds; after "
                       "these a site sends nothing more\n"));
    CHECK(strstr(text, "in steps of at least "));
    free(text);
    text = shown(&f, true);
    CHECK(strstr(text, "it is 40.4 times as long as the longest update of one (20360 values): such "
                       "a mean is noise more than anything else\n"));
    CHECK(strstr(text, "\nnoise_rounding\tto whole numbers makes the longest update 1 times"));
    CHECK(strstr(text, "\nnoise_steps\teach helper's deviation is "));
    CHECK(!strstr(text, "-m MODEL"));
    free(text);
    CHECK(!fed_roster(&f, HELP SITE BUDGET "tensors: [{match: embed, protect: frozen}, {match: "
                                           "\"*\", protect: mask, bits: 24, clip: 0.05}]\n"));
    text = shown(&f, true); /* a rule without values has no length */
    CHECK(strstr(text, "it is 40 times as long as the longest update of one (20010 values)"));
    free(text);
    CHECK(!fed_roster(&f, LOCAL "max_age: 3\n" BUDGET));
    text = shown(&f, true);
    CHECK(strstr(text, "\nnoise\tlocal: each site trains with gradients of documents cut to 1, "));
    CHECK(strstr(text, "\nepsilon\tof a document, added or removed: "));
    CHECK(strstr(text, "pays for 3 of 3 rounds\n"));
    free(text);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_values);
    RUN(test_refused);
    RUN(test_canonical);
    RUN(test_cost);
    RUN(test_plan);
    RUN(test_room);
    RUN(test_shown);
    return test_end();
}
