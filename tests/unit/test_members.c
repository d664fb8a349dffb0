/* Who is in a sum: kept in order, once each; to metadata and back; what is no such metadata. */
#include "fed/members.h"

#include "federation.h"
#include "random.h"
#include "sec/set.h"

static struct fl_counted
counted_of(uint32_t site)
{
    struct fl_counted c = {site + 1, {0}, site % 2 ? site + 9 : 0};

    memset(c.digest, (int)site + 1, 32);
    return c;
}

/* In any order of adding the list ascends, and its set is that of its sites. */
static void
test_add(void)
{
    struct federation f;
    struct fl_plan plan;
    uint32_t seed = 5;

    fed_start(&f, 12, FED_HELPERS "min_sum: 3\n");
    fed_plan(&f, &plan, 1);
    for (int trial = 0; trial < 200; trial++) {
        struct fl_members m = {0};
        bool in[12] = {false};
        uint32_t sites[12];
        unsigned char digests[12 * 32], want[32], got[32];
        size_t count = 0;
        for (int k = 0; k < 20; k++) {
            uint32_t site = random_next(&seed) % 12;
            struct fl_counted c = counted_of(site);
            fl_error_clear();
            CHECK((fl_members_add(&m, &plan, site, &c) == 0) == !in[site]);
            CHECK(!in[site] || (fl_error_status() == FL_REFUSED && fed_says("counts once")));
            in[site] = true;
        }
        for (uint32_t i = 0; i < 12; i++) {
            CHECK(fl_members_has(&m, i) == in[i]);
            if (!in[i])
                continue;
            CHECK(m.sites[count] == i && m.uploads[count].ctr == i + 1);
            CHECK(m.uploads[count].digest[31] == i + 1);
            memset(digests + 32 * count, (int)i + 1, 32);
            sites[count++] = i;
        }
        CHECK(m.count == count && !fl_members_has(&m, 12));
        fl_set_digest(want, plan.sid, sites, digests, count);
        CHECK(!fl_members_set(&m, &plan, got) && !memcmp(got, want, 32));
        fl_members_release(&m);
        CHECK(!m.count && !fl_members_has(&m, 0));
    }
    fl_plan_release(&plan);
    fed_end(&f);
}

static void
fill(struct fl_members *m, const struct fl_plan *plan, size_t answers)
{
    static const uint32_t sites[] = {7, 0, 3};

    *m = (struct fl_members){.answer_count = answers};
    for (size_t i = 0; i < 3; i++) {
        struct fl_counted c = counted_of(sites[i]);
        CHECK(!fl_members_add(m, plan, sites[i], &c));
    }
    for (size_t h = 0; h < answers; h++)
        m->answers[h] = counted_of(40 + (uint32_t)h);
}

static void
test_round_trip(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 8, FED_HELPERS "min_sum: 3\n");
    fed_plan(&f, &plan, 1);
    for (size_t answers = 0; answers <= 2; answers += 2) {
        struct fl_members m, back;
        struct fl_meta meta = {0};
        fill(&m, &plan, answers);
        CHECK(!fl_members_to_meta(&m, &meta) && meta.count == (answers ? 6 : 4));
        CHECK(!fl_members_from_meta(&back, &meta, 8, 2));
        CHECK(back.count == 3 && back.sites[0] == 0 && back.sites[1] == 3 && back.sites[2] == 7);
        CHECK(back.answer_count == answers);
        for (size_t i = 0; i < 3; i++)
            CHECK(back.uploads[i].ctr == back.sites[i] + 1 &&
                  back.uploads[i].spent == m.uploads[i].spent &&
                  back.uploads[i].digest[9] == back.sites[i] + 1);
        for (size_t h = 0; h < answers; h++)
            CHECK(back.answers[h].ctr == 41 + h && back.answers[h].digest[0] == 41 + h);
        fl_members_release(&back);
        fl_members_release(&m);
        fl_meta_release(&meta);
    }
    fl_plan_release(&plan);
    fed_end(&f);
}

static void
test_bad_meta(void)
{
    static const struct {
        const char *key;
        int64_t list[4];
        size_t count; /* 0: the key is removed; 99: 32 bytes in its place */
        size_t n;
        const char *words;
    } cases[] = {{"sum.parties", {0, 3, 7}, 3, 7, "no ascending list"}, /* 7 is no site of 7 */
                 {"sum.parties", {0, 3, 7}, 3, 2, "which sites"},
                 {"sum.parties", {0, 3, 3}, 3, 8, "no ascending list"},
                 {"sum.parties", {3, 0, 7}, 3, 8, "no ascending list"},
                 {"sum.parties", {-1, 3, 7}, 3, 8, "no ascending list"},
                 {"sum.parties", {0, 3, INT64_MAX}, 3, 8, "no ascending list"},
                 {"sum.parties", {0, 3, 0x100000007}, 3, 8, "no ascending list"},
                 {"sum.parties", {0, 3}, 2, 8, "sum.uploads"},
                 {"sum.parties", {0}, 0, 8, "which sites"},
                 {"sum.parties", {0}, 99, 8, "which sites"},
                 {"sum.uploads", {0}, 0, 8, "sum.uploads"},
                 {"sum.uploads", {0}, 99, 8, "sum.uploads"},
                 {"sum.uploads.ctr", {1, 4}, 2, 8, "sum.uploads.ctr"},
                 {"sum.uploads.ctr", {1, 0, 8}, 3, 8, "counts from 1"},
                 {"sum.uploads.ctr", {1, INT64_MIN, 8}, 3, 8, "counts from 1"},
                 {"sum.uploads.ctr", {0}, 0, 8, "sum.uploads.ctr"},
                 {"sum.uploads.ctr", {0}, 99, 8, "sum.uploads.ctr"},
                 {"sum.uploads.spent", {1, 4}, 2, 8, "sum.uploads.spent"},
                 {"sum.uploads.spent", {1, -1, 4}, 3, 8, "below zero"},
                 {"sum.uploads.spent", {0}, 99, 8, "sum.uploads.spent"},
                 {"sum.answers.ctr", {1}, 1, 8, "sum.answers.ctr"},
                 {"sum.answers.ctr", {1, 0}, 2, 8, "counts from 1"},
                 {"sum.answers.ctr", {0}, 0, 8, "sum.answers.ctr"},
                 {"sum.answers", {0}, 99, 8, "sum.answers"}};
    const unsigned char bytes[32] = {0};
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 8, FED_HELPERS "min_sum: 3\n");
    fed_plan(&f, &plan, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_members m, back;
        struct fl_meta meta = {0};
        fill(&m, &plan, 2);
        CHECK(!fl_members_to_meta(&m, &meta));
        fl_meta_remove(&meta, cases[i].key);
        if (cases[i].count == 99)
            CHECK(!fl_meta_set_bytes(&meta, cases[i].key, bytes, 32));
        else if (cases[i].count)
            CHECK(!fl_meta_set_i64_list(&meta, cases[i].key, cases[i].list, cases[i].count));
        CHECK_REFUSED(fl_members_from_meta(&back, &meta, cases[i].n, 2), FL_FAILED, cases[i].words);
        fl_members_release(&back);
        fl_members_release(&m);
        fl_meta_release(&meta);
    }
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_add);
    RUN(test_round_trip);
    RUN(test_bad_meta);
    return test_end();
}
