/* The rule of sets over several rounds: which answers of a helper are told, over which models. */
#include "fed/verify_parts.h"

#include "crypt/secret.h"
#include "test.h"

/* Six sites, the last of which helps; at 64 values of clip 1 and a move of 1/4 the edge is 2. */
enum { N = 6 };
static struct fl_line parties[N];
static struct fl_tensor_rule rule = {.clip = 1};
static struct fl_plan_tensor tensor = {.rule = &rule, .elements = 64};

struct said {
    const char *sites; /* of the set, as "abc" */
    char model, next;  /* the round's, and what it led to: names of one letter */
    double step;       /* how far that is; below 0: nobody knows */
    bool broken;       /* is the answer told? */
};

static void
round_of(struct fl_verify_past *past, const struct said *s, int number, bool hide, bool signed_only)
{
    struct fl_verify_request asked = {0};
    struct fl_shown shown[N] = {0};
    const struct fl_verify_settings set = {.folder = number == 1   ? "pub/1"
                                                     : number == 2 ? "pub/2"
                                                                   : "pub/3"};
    struct fl_verify v = {.set = &set, .past = past, .asked = &asked};

    asked.request.uploads = shown;
    for (const char *p = s->sites; *p; p++)
        shown[asked.request.count++].upload.from.party = (uint32_t)(*p - 'a');
    v.plan.roster = (struct fl_roster){.n = N,
                                       .m = 1,
                                       .party_count = N,
                                       .parties = parties,
                                       .min_sum = 2,
                                       .move = 0.25,
                                       .epoch = 1,
                                       .replay_count = 1};
    v.plan.roster.helpers[0] = N - 1;
    v.plan.roster.weights.hide = hide;
    v.plan.count = 1;
    v.plan.tensors = &tensor;
    v.plan.params[0] = (unsigned char)s->model;
    v.in.answered[0] = *s->sites; /* else the round was given up */
    CHECK(!fl_verify_sets(&v));
    CHECK(v.findings.count == (s->broken ? 1 : 0));
    if (s->broken) {
        CHECK(fl_findings_judge(&v.findings, "pub") == -1 && fl_error_status() == FL_REFUSED);
        CHECK(strstr(fl_error_text(),
                     "answer/f.flt: breaks the rule of sets: \"f\" answered before"));
        CHECK(strstr(fl_error_text(), "pub/1 ("));
    }
    v.stepped = s->step >= 0 && !signed_only;
    struct fl_opened_head *h = signed_only ? &v.signed_for : &v.replay.opened;
    h->next_params[0] = (unsigned char)s->next;
    h->distance = s->step;
    v.signatures = signed_only && s->step >= 0;
    CHECK(!fl_verify_step(&v));
    fl_findings_release(&v.findings);
}

static const struct {
    const char *what;
    struct said rounds[3];
    bool hide;
} cases[] = {
    {"the same set over one model", {{"abcd", 'x', 'y', 1, 0}, {"abcd", 'x', 'y', 1, 0}}, 0},
    {"without one site", {{"abcd", 'x', 'y', 1, 0}, {"abc", 'x', 'y', 1, 1}}, 0},
    {"without two of six", {{"abcdef", 'x', 'y', 1, 0}, {"abcd", 'x', 'y', 1, 0}}, 0},
    {"a third that leaves one",
     {{"abcdef", 'x', 'y', 1, 0}, {"abcd", 'x', 'y', 1, 0}, {"abc", 'x', 'y', 1, 1}},
     0},
    {"over the next model, which is near", {{"abcd", 'x', 'y', 1, 0}, {"abc", 'y', 'z', 1, 1}}, 0},
    {"over one near the edge: perhaps far",
     {{"abcd", 'x', 'y', 1.7, 0}, {"abc", 'y', 'z', 1, 0}},
     0},
    {"over one that is far", {{"abcd", 'x', 'y', 9, 0}, {"abc", 'y', 'z', 1, 0}}, 0},
    {"over one of which nothing is known", {{"abcd", 'x', 'y', -1, 0}, {"abc", 'y', 'z', 1, 0}}, 0},
    {"two steps that are far together",
     {{"abcd", 'x', 'y', 1, 0}, {"", 'y', 'z', 1, 0}, {"abc", 'z', 'w', 1, 0}},
     0},
    {"two steps, near one after the other",
     {{"abcd", 'x', 'y', 1, 0}, {"abcd", 'y', 'z', 1, 0}, {"abc", 'z', 'w', 1, 1}},
     0},
    {"far, but weights are hidden", {{"abcd", 'x', 'y', 9, 0}, {"abc", 'y', 'z', 1, 1}}, 1},
};

static void
test_cases(void)
{
    for (size_t i = 0; i < N; i++) {
        parties[i].name[0] = (char)('a' + i);
        parties[i].sign[0] = (unsigned char)(1 + i);
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int from_signed = 0; from_signed < 2; from_signed++) {
            struct fl_verify_past *past = fl_verify_past_new();
            const int before = test_failed;
            for (int k = 0; past && k < 3 && cases[c].rounds[k].sites; k++)
                if (*cases[c].rounds[k].sites || cases[c].rounds[k].model)
                    round_of(past, &cases[c].rounds[k], k + 1, cases[c].hide, from_signed);
            fl_verify_past_free(past);
            if (test_failed > before)
                printf("# in: %s\n", cases[c].what);
        }
    fl_verify_past_free(NULL);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_cases);
    return test_end();
}
