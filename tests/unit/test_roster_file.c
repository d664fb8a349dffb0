/* The YAML of a roster: defaults, every key, types and ranges at both ends, what is not known. */
#include "conf/roster_file.h"

#include "test.h"

#define LEAST                                                                                      \
    "federation: f\nepoch: 7\nmodel: 00\nsites: [x, y]\nhub: h\n"                                  \
    "tensors: [{match: \"*\", protect: mask, bits: 16, clip: 0.2}]\n"

static int
parse(struct fl_roster_conf *c, const char *text)
{
    return fl_roster_conf_parse(c, text, strlen(text), "roster.yaml");
}

static void
test_defaults(void)
{
    struct fl_roster_conf c;

    CHECK(!parse(&c, LEAST));
    CHECK_TEXT(c.federation, "f");
    CHECK_TEXT(c.model, "00");
    CHECK_TEXT(c.hub, "h");
    CHECK_TEXT(c.apply_rule, "sgd");
    CHECK_TEXT(c.protection, "pairwise");
    CHECK_TEXT(c.weight_rule, "uniform");
    CHECK_TEXT(c.noise.kind, "none");
    CHECK(c.epoch == 7 && c.first_round == 0 && !c.psk && c.lr == 1 && c.momentum == 0);
    CHECK(c.sites.count == 2 && c.helpers.count == 0 && c.replay.count == 0 && c.min_sum == 0);
    CHECK(c.floor == 0 && c.cap == 0 && c.alpha == 0.5 && c.tokens == 1e6 && c.mbit == 100);
    CHECK(c.unit == 1000 && !c.hide && c.steps == 64 && c.move == 1.0 / 64);
    CHECK(c.max_open == 4 && c.max_skip == 1024 && c.max_age == 1000 && c.tensor_count == 1);
    CHECK_TEXT(c.tensors[0].match, "*");
    CHECK_TEXT(c.tensors[0].protect, "mask");
    CHECK(c.tensors[0].bits == 16 && c.tensors[0].clip == 0.2);
    fl_roster_conf_release(&c);
    CHECK(!c.federation && !c.tensors && !c.sites.items);
}

static void
test_every_key(void)
{
    struct fl_roster_conf c;

    CHECK(!parse(&c, "federation: g\nepoch: 0\nfirst_round: 9\npsk: true\nmodel: 11\n"
                     "apply: {rule: nesterov, lr: 0.7, momentum: 0.9}\nsites: [x, y, z]\nhub: h\n"
                     "protection: helpers\nhelpers: [x, w]\nreplay: [w]\nmin_sum: 3\n"
                     "weights: {rule: dynamic, floor: 0.5, cap: 2, alpha: 1, tokens: 5, mbit: 6, "
                     "unit: 7, hide: true}\n"
                     "tensors:\n  - {match: a, protect: frozen}\n"
                     "  - {match: b, protect: plain, bits: 64, clip: 1}\n"
                     "steps: 100\nmove: 0\nnoise: none\nmax_open: 16\nmax_skip: 1\nmax_age: 2\n"
                     "recipe: {steps: 8, schedule: wsd}\n"));
    CHECK(c.recipe.steps == 8 && c.recipe.batch == -1 && !strcmp(c.recipe.schedule, "wsd"));
    CHECK_TEXT(c.apply_rule, "nesterov");
    CHECK_TEXT(c.protection, "helpers");
    CHECK_TEXT(c.weight_rule, "dynamic");
    CHECK_TEXT(c.helpers.items[1], "w");
    CHECK_TEXT(c.replay.items[0], "w");
    CHECK(c.epoch == 0 && c.first_round == 9 && c.psk && c.lr == 0.7 && c.momentum == 0.9);
    CHECK(c.sites.count == 3 && c.min_sum == 3 && c.floor == 0.5 && c.cap == 2 && c.alpha == 1);
    CHECK(c.tokens == 5 && c.mbit == 6 && c.unit == 7 && c.hide && c.tensor_count == 2);
    CHECK(c.tensors[0].bits == 0 && c.tensors[0].clip == 0 && c.tensors[1].bits == 64);
    CHECK(c.steps == 100 && c.move == 0 && c.max_open == 16 && c.max_skip == 1 && c.max_age == 2);
    fl_roster_conf_release(&c);
}

/* A key of LEAST is left out. */
static void
test_required(void)
{
    static const char *const lines[] = {"federation: f\n",
                                        "epoch: 7\n",
                                        "model: 00\n",
                                        "sites: [x, y]\n",
                                        "hub: h\n",
                                        "tensors: [{match: \"*\", protect: mask, bits: 16, clip: "
                                        "0.2}]\n"};

    for (size_t i = 0; i < 6; i++) {
        struct fl_roster_conf c;
        char text[400] = "", want[40];
        for (size_t k = 0; k < 6; k++)
            strcat(text, k == i ? "" : lines[k]);
        fl_error_clear();
        CHECK(parse(&c, text) == -1 && fl_error_status() == FL_USAGE);
        snprintf(want, sizeof want, "lacks \"%.*s\"", (int)strcspn(lines[i], ":"), lines[i]);
        CHECK(strstr(fl_error_text(), want) && strstr(fl_error_text(), "roster.yaml: "));
    }
}

/* Values at the ends of their range, and just beyond them. */
static void
test_ranges(void)
{
    static const struct {
        const char *good, *bad;
    } cases[] = {
        {"first_round: 0", "first_round: -1"},
        {"first_round: 9000000000000000", "first_round: 9000000000000001"},
        {"psk: false", "psk: 0"},
        {"apply: {rule: momentum}", "apply: {rule: adam}"},
        {"apply: {lr: 1e-9}", "apply: {lr: 0}"},
        {"apply: {lr: 1000000}", "apply: {lr: 1000001}"},
        {"apply: {momentum: 0}", "apply: {momentum: -0.1}"},
        {"apply: {momentum: 0.999999}", "apply: {momentum: 1}"},
        {"apply: {}", "apply: {nesterov: true}"},
        {"protection: helpers", "protection: none"},
        {"protection: pairwise", "protection: committee"},
        {"helpers: []", "helpers: x"},
        {"replay: []", "replay: {x: y}"},
        {"min_sum: 1", "min_sum: 0"},
        {"min_sum: 1000000", "min_sum: 1000001"},
        {"weights: {rule: examples}", "weights: {rule: size}"},
        {"weights: {floor: 1e-9}", "weights: {floor: 0}"},
        {"weights: {cap: 1e9}", "weights: {cap: 1.1e9}"},
        {"weights: {alpha: 0}", "weights: {alpha: -0.5}"},
        {"weights: {alpha: 4}", "weights: {alpha: 4.1}"},
        {"weights: {tokens: 1}", "weights: {tokens: 0.9}"},
        {"weights: {mbit: 1e-6}", "weights: {mbit: 0}"},
        {"weights: {unit: 1e15}", "weights: {unit: 2e15}"},
        {"weights: {hide: true}", "weights: {hide: maybe}"},
        {"weights: {}", "weights: uniform"},
        {"steps: 1", "steps: 0"},
        {"steps: 1e9", "steps: 2e9"},
        {"move: 0", "move: -0.001"},
        {"move: 1e9", "move: 2e9"},
        {"noise: none", "noise: gauss"},
        {"max_open: 1", "max_open: 0"},
        {"max_open: 16", "max_open: 17"},
        {"max_skip: 1", "max_skip: 0"},
        {"max_skip: 4096", "max_skip: 4097"},
        {"max_age: 1", "max_age: 0"},
        {"max_age: 1000000", "max_age: 1000001"},
        {"delay: 1", "delay: 2"},
        {"delay: 0", "delay: -1"},
        {"stale: 63", "stale: 64"},
        {"stale: 0", "stale: yes"},
    };
    char text[500];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_roster_conf c;
        snprintf(text, sizeof text, LEAST "%s\n", cases[i].good);
        CHECK(!parse(&c, text));
        fl_roster_conf_release(&c);
        snprintf(text, sizeof text, LEAST "%s\n", cases[i].bad);
        fl_error_clear();
        if (parse(&c, text) == 0 || fl_error_status() != FL_USAGE ||
            !strstr(fl_error_text(), "roster.yaml: line ")) {
            test_failed++;
            printf("# %s: \"%s\"\n", cases[i].bad, fl_error_text());
        }
    }
}

static void
test_tensors(void)
{
    static const struct {
        const char *tensors, *words; /* NULL: it is good */
    } cases[] = {
        {"[{match: x, protect: mask, bits: 8, clip: 1e-9}]", NULL},
        {"[{match: x, protect: plain, bits: 64, clip: 1e9}]", NULL},
        {"[{match: x, protect: frozen}]", NULL},
        {"[]", "must be a list of rules"},
        {"x", "must be a list of rules"},
        {"{match: x}", "must be a list of rules"},
        {"[x]", ""},
        {"[{protect: mask, bits: 8, clip: 1}]", "lacks \"match\""},
        {"[{match: x, bits: 8, clip: 1}]", "lacks \"protect\""},
        {"[{match: x, protect: mask, clip: 1}]", "lacks bits and clip"},
        {"[{match: x, protect: mask, bits: 8}]", "lacks bits and clip"},
        {"[{match: x, protect: plain}]", "lacks bits and clip"},
        {"[{match: x, protect: frozen, bits: 8}]", "has no bits and clip"},
        {"[{match: x, protect: frozen, clip: 1}]", "has no bits and clip"},
        {"[{match: x, protect: he, bits: 8, clip: 1}]", NULL},
        {"[{match: x, protect: he}]", "lacks bits and clip"},
        {"[{match: x, protect: ha, bits: 8, clip: 1}]", "mask|plain|frozen|he"},
        {"[{match: x, protect: mask, bits: 7, clip: 1}]", "bits"},
        {"[{match: x, protect: mask, bits: 65, clip: 1}]", "bits"},
        {"[{match: x, protect: mask, bits: 8.5, clip: 1}]", "bits"},
        {"[{match: x, protect: mask, bits: 8, clip: 0}]", "clip"},
        {"[{match: x, protect: mask, bits: 8, clip: 2e9}]", "clip"},
        {"[{match: x, protect: mask, bits: 8, clip: 1, scale: 2}]", "no key \"scale\""},
    };
    char text[500];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_roster_conf c;
        snprintf(text, sizeof text,
                 "federation: f\nepoch: 7\nmodel: 00\nsites: [x]\nhub: h\ntensors: %s\n",
                 cases[i].tensors);
        fl_error_clear();
        int result = parse(&c, text);
        bool fine = cases[i].words ? result == -1 && fl_error_status() == FL_USAGE &&
                                         strstr(fl_error_text(), cases[i].words)
                                   : !result;
        if (!fine) {
            test_failed++;
            printf("# %s: \"%s\"\n", cases[i].tensors, fl_error_text());
        }
        if (!result)
            fl_roster_conf_release(&c);
    }
}

/* Keys of later versions, of earlier ones, and mistyped ones. */
static void
test_unknown(void)
{
    static const char *const keys[] =
        {"hee: [x]",          "delays: 1",    "stales: 1",      "recipes: {lr: 1}",
         "contracts: x",      "budgets: 5",   "noise.scale: 1", "commitee: [x]",
         "committee: [x]",    "threshold: 2", "policy: {}",     "spread: 16",
         "vary: true",        "caps: {}",     "bandwidth: {}",  "params: 00",
         "weight: {rule: x}", "max_shift: 3", "Federation: x",  "noise: {kind: skellam}",
         "weights: {vary: 1}"};
    char text[500];

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct fl_roster_conf c;
        snprintf(text, sizeof text, LEAST "%s\n", keys[i]);
        fl_error_clear();
        CHECK(parse(&c, text) == -1 && fl_error_status() == FL_USAGE);
        if (strncmp(keys[i], "noise:", 6) && strncmp(keys[i], "weights", 7)) {
            char want[40];
            snprintf(want, sizeof want, "no key \"%.*s\"", (int)strcspn(keys[i], ":"), keys[i]);
            CHECK(strstr(fl_error_text(), want));
        }
    }
}

int
main(void)
{
    RUN(test_defaults);
    RUN(test_every_key);
    RUN(test_required);
    RUN(test_ranges);
    RUN(test_tensors);
    RUN(test_unknown);
    return test_end();
}
