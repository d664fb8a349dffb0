#include "fed/verify_parts.h"

#include <stdio.h>
#include <string.h>

#include "federation.h"
#include "test.h"

struct sent {
    uint64_t round, ctr, spent;
    unsigned char digest, prev; /* first bytes */
};

static int
show(struct fl_verify *v, const struct sent *s)
{
    char path[40];
    struct fl_arrival a = {.plan = &v->plan};

    a.upload.from.party = 1;
    a.upload.from.ctr = s->ctr;
    a.upload.from.prev[0] = s->prev;
    a.upload.ledger_count = s->spent;
    a.digest[0] = s->digest;
    v->plan.round = s->round;
    snprintf(path, sizeof path, "%d/up/b.flt", (int)s->round);
    return fl_verify_follows(v, &a, path);
}

/* Whatever the order in which rounds come, the later of two that do not go together is named. */
static void
test_orders(void)
{
    static const struct {
        const char *what;
        struct sent three[3]; /* of rounds 1, 2, 3 */
        bool noise;
        size_t bad; /* findings */
        const char *file;
    } cases[] = {
        {"one after the other", {{1, 1, 2, 1, 0}, {2, 2, 4, 2, 1}, {3, 3, 5, 3, 2}}, true, 0, NULL},
        {"without noise a ledger may stay",
         {{1, 1, 2, 1, 0}, {2, 2, 2, 2, 1}, {3, 3, 2, 3, 2}},
         false,
         0,
         NULL},
        {"or there is none", {{1, 1, 0, 1, 0}, {2, 2, 0, 2, 1}, {3, 3, 0, 3, 2}}, false, 0, NULL},
        {"messages may be lost",
         {{1, 1, 2, 1, 0}, {2, 3, 4, 3, 2}, {3, 9, 5, 9, 8}},
         true,
         0,
         NULL},
        {"the ledger of 3 stands still",
         {{1, 1, 2, 1, 0}, {2, 2, 4, 2, 1}, {3, 3, 4, 3, 2}},
         true,
         1,
         "3/up/b.flt"},
        {"and goes back",
         {{1, 1, 2, 1, 0}, {2, 2, 4, 2, 1}, {3, 3, 3, 3, 2}},
         false,
         1,
         "3/up/b.flt"},
        {"two of one number",
         {{1, 1, 2, 1, 0}, {2, 2, 4, 2, 1}, {3, 2, 5, 3, 1}},
         true,
         1,
         "3/up/b.flt"},
        {"another before it",
         {{1, 1, 2, 1, 0}, {2, 2, 4, 2, 7}, {3, 3, 5, 3, 2}},
         true,
         1,
         "2/up/b.flt"},
    };
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct federation f;
    struct fl_verify v = {0};

    fed_start(&f, 3, "");
    fed_plan(&f, &v.plan, 1);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t o = 0; o < 6; o++) {
            v.seen = fl_verify_seen_new();
            v.plan.roster.noise.kind = cases[c].noise ? FL_NOISE_LOCAL : FL_NOISE_NONE;
            for (int i = 0; i < 3; i++)
                CHECK(!show(&v, &cases[c].three[orders[o][i]]));
            if (v.findings.count != cases[c].bad)
                printf("# %s, order %zu: %zu findings\n", cases[c].what, o, v.findings.count);
            CHECK(v.findings.count == cases[c].bad);
            CHECK(!cases[c].file || fl_findings_about(&v.findings, cases[c].file));
            fl_findings_release(&v.findings);
            fl_verify_seen_free(v.seen);
        }
    v.plan.roster.noise.kind = FL_NOISE_NONE;
    fl_plan_release(&v.plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_orders);
    return test_end();
}
