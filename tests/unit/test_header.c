/* The metadata of messages: to it and back, every key needed, none that is not known. */
#include "sec/header.h"

#include "federation.h"

static unsigned char tags[32 * 11];
static const int64_t bad_sites[] = {0, 2, 3};

enum { UPLOAD, ANSWER, READY, OPENED, KINDS };

union any_head {
    struct fl_upload_head upload;
    struct fl_answer_head answer;
    struct fl_ready_head ready;
    struct fl_opened_head opened;
};

static int
encode(int kind, const union any_head *h, const struct fl_plan *plan, struct fl_meta *meta)
{
    *meta = (struct fl_meta){0};
    switch (kind) {
    case UPLOAD: return fl_upload_head_encode(&h->upload, plan, meta);
    case ANSWER: return fl_answer_head_encode(&h->answer, plan, meta);
    case READY: return fl_ready_head_encode(&h->ready, plan, meta);
    default: return fl_opened_head_encode(&h->opened, plan, meta);
    }
}

static int
decode(int kind, union any_head *h, const struct fl_plan *plan, const struct fl_meta *meta)
{
    switch (kind) {
    case UPLOAD: return fl_upload_head_decode(&h->upload, plan, meta);
    case ANSWER: return fl_answer_head_decode(&h->answer, plan, meta);
    case READY: return fl_ready_head_decode(&h->ready, plan, meta);
    default: return fl_opened_head_decode(&h->opened, plan, meta);
    }
}

static void
fill_sender(struct fl_sender *from, uint32_t party)
{
    *from = (struct fl_sender){.party = party, .ctr = 77};
    memset(from->prev, 6, 32);
    snprintf(from->next, sizeof from->next, "fl1 some line");
}

/* One head of each kind: party 2 or, of helpers, number 1. */
static void
fill(int kind, union any_head *h, const struct fl_plan *plan)
{
    memset(h, 0, sizeof *h);
    for (size_t i = 0; i < sizeof tags; i++)
        tags[i] = (unsigned char)i;
    const uint32_t helper = plan->roster.m ? plan->roster.helpers[1] : 0;
    switch (kind) {
    case UPLOAD:
        fill_sender(&h->upload.from, 2);
        h->upload.tags = tags;
        memset(h->upload.nonce, plan->roster.m ? 5 : 0, 32);
        break;
    case ANSWER:
        fill_sender(&h->answer.from, helper);
        memset(h->answer.set, 4, 32);
        break;
    case READY:
        h->ready = (struct fl_ready_head){.party = helper, .bad = bad_sites, .bad_count = 3};
        memset(h->ready.set, 4, 32);
        break;
    default:
        h->opened = (struct fl_opened_head){.party = 3, .has_velocity = true, .distance = 1.5};
        memset(h->opened.set, 1, 32);
        memset(h->opened.next_base, 2, 32);
        memset(h->opened.next_params, 3, 32);
        memset(h->opened.next_velocity, 4, 32);
    }
}

static void
check_same(int kind, const union any_head *a, const union any_head *b, const struct fl_plan *plan)
{
    const size_t bytes = 32 * fl_upload_tags(plan);

    switch (kind) {
    case UPLOAD:
        CHECK(!memcmp(&a->upload.from, &b->upload.from, sizeof a->upload.from));
        CHECK(!memcmp(a->upload.nonce, b->upload.nonce, 32));
        CHECK(!memcmp(a->upload.tags, b->upload.tags, bytes));
        break;
    case ANSWER:
        CHECK(!memcmp(&a->answer.from, &b->answer.from, sizeof a->answer.from));
        CHECK(!memcmp(a->answer.set, b->answer.set, 32));
        break;
    case READY:
        CHECK(a->ready.party == b->ready.party && !memcmp(a->ready.set, b->ready.set, 32));
        CHECK(b->ready.bad_count == 3 && !memcmp(b->ready.bad, bad_sites, sizeof bad_sites));
        break;
    default:
        CHECK(a->opened.party == b->opened.party && !memcmp(a->opened.set, b->opened.set, 32));
        CHECK(!memcmp(a->opened.next_base, b->opened.next_base, 32));
        CHECK(!memcmp(a->opened.next_params, b->opened.next_params, 32));
        CHECK(!memcmp(a->opened.next_velocity, b->opened.next_velocity, 32));
        CHECK(b->opened.has_velocity && b->opened.distance == 1.5);
    }
}

static const char *const rosters[] = {"", FED_HELPERS "min_sum: 3\nreplay: [d, \"aux\"]\n"};

/* Back as it was; without any one key, or with that key of another type, it is no message. */
static void
test_each_key(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 4, "");
    for (size_t r = 0; r < 2; r++) {
        CHECK(!fed_roster(&f, rosters[r]));
        fed_plan(&f, &plan, 3);
        CHECK(fl_upload_tags(&plan) == (r ? 2U : 3U));
        for (int kind = 0; kind < KINDS; kind++) {
            union any_head h, back;
            struct fl_meta meta, less;
            if (!r && (kind == ANSWER || kind == READY))
                continue;
            fill(kind, &h, &plan);
            CHECK(!encode(kind, &h, &plan, &meta) && !decode(kind, &back, &plan, &meta));
            check_same(kind, &h, &back, &plan);
            for (size_t i = 0; i < meta.count; i++) {
                const char *key = meta.items[i].key;
                const bool optional = !strcmp(key, "next.velocity");
                CHECK(!fl_meta_copy(&less, &meta));
                fl_meta_remove(&less, key);
                fl_error_clear();
                CHECK(decode(kind, &back, &plan, &less) == (optional ? 0 : -1));
                CHECK(optional ||
                      ((fl_error_status() == FL_FAILED || fl_error_status() == FL_REFUSED) &&
                       fed_says(key)));
                CHECK(!fl_meta_set_f64_list(&less, key, (const double[]){1}, 1));
                CHECK(decode(kind, &back, &plan, &less) == -1);
                fl_meta_release(&less);
            }
            CHECK(!fl_meta_set_i64(&meta, "more", 1));
            CHECK_REFUSED(decode(kind, &back, &plan, &meta), FL_REFUSED,
                          "\"more\" is not known to this version");
            fl_meta_release(&meta);
        }
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

static void
test_values(void)
{
    static const unsigned char other[32] = {1};
    static const struct {
        int kind;
        const char *key;
        enum { NUMBER, TEXT, BYTES, NUMBERS } what;
        int64_t number;
        const char *text;
        int64_t list[3];
        size_t count;
        enum fl_status status;
        const char *words;
    } cases[] = {
        {UPLOAD, "roster", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another roster or epoch"},
        {UPLOAD, "sid", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another plan"},
        {UPLOAD, "base", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another model"},
        {UPLOAD, "params", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another model"},
        {UPLOAD, "round", NUMBER, 4, NULL, {0}, 0, FL_REFUSED, "says round 4"},
        {UPLOAD, "base.round", NUMBER, 3, NULL, {0}, 0, FL_REFUSED, "base.round"},
        {UPLOAD, "ctr", NUMBER, 0, NULL, {0}, 0, FL_FAILED, "ctr"},
        {UPLOAD, "ctr", NUMBER, -1, NULL, {0}, 0, FL_FAILED, "ctr"},
        {UPLOAD, "site.index", NUMBER, 4, NULL, {0}, 0, FL_FAILED, "site.index"}, /* aux */
        {UPLOAD, "site.index", NUMBER, -1, NULL, {0}, 0, FL_FAILED, "site.index"},
        {UPLOAD, "site.index", NUMBER, 0x100000002, NULL, {0}, 0, FL_FAILED, "site.index"},
        {UPLOAD, "site.index", NUMBER, 1, NULL, {0}, 0, FL_REFUSED, "in the roster it is \"b\""},
        {UPLOAD, "site", TEXT, 0, "d", {0}, 0, FL_REFUSED, "in the roster it is \"c\""},
        {UPLOAD, "tags", BYTES, 0, NULL, {0}, 32, FL_FAILED, "tags"},
        {UPLOAD, "nonce", BYTES, 0, NULL, {0}, 31, FL_FAILED, "nonce"},
        {UPLOAD, "prev", BYTES, 0, NULL, {0}, 0, FL_FAILED, "prev"},
        {ANSWER, "party", NUMBER, 5, NULL, {0}, 0, FL_FAILED, "party"},
        {ANSWER, "party", NUMBER, 1, NULL, {0}, 0, FL_REFUSED, "in the roster it is \"b\""},
        {ANSWER, "roster", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another roster"},
        {ANSWER, "sid", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another plan"},
        {ANSWER, "ctr", NUMBER, 0, NULL, {0}, 0, FL_FAILED, "ctr"},
        {READY, "bad", NUMBERS, 0, NULL, {0, 2, 2}, 3, FL_FAILED, "ascending"},
        {READY, "bad", NUMBERS, 0, NULL, {1, 0}, 2, FL_FAILED, "ascending"},
        {READY, "bad", NUMBERS, 0, NULL, {-1}, 1, FL_FAILED, "ascending"},
        {READY, "bad", NUMBERS, 0, NULL, {4}, 1, FL_FAILED, "ascending"},
        {READY, "sid", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another plan"},
        {OPENED, "params", BYTES, 0, NULL, {0}, 32, FL_REFUSED, "another model"},
        {OPENED, "party", NUMBER, 5, NULL, {0}, 0, FL_FAILED, "party"},
        {OPENED, "replay", TEXT, 0, "c", {0}, 0, FL_REFUSED, "in the roster it is \"d\""},
        {OPENED, "next.velocity", BYTES, 0, NULL, {0}, 1, FL_FAILED, "next.velocity"},
    };
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 4, rosters[1]);
    fed_plan(&f, &plan, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        union any_head h, back;
        struct fl_meta meta;
        fill(cases[i].kind, &h, &plan);
        CHECK(!encode(cases[i].kind, &h, &plan, &meta));
        int failed = cases[i].what == NUMBER ? fl_meta_set_i64(&meta, cases[i].key, cases[i].number)
                     : cases[i].what == TEXT ? fl_meta_set_text(&meta, cases[i].key, cases[i].text)
                     : cases[i].what == BYTES
                         ? fl_meta_set_bytes(&meta, cases[i].key, other, cases[i].count)
                         : fl_meta_set_i64_list(&meta, cases[i].key, cases[i].list, cases[i].count);
        CHECK(!failed);
        CHECK_REFUSED(decode(cases[i].kind, &back, &plan, &meta), cases[i].status, cases[i].words);
        fl_meta_release(&meta);
    }
    /* Somebody who is no helper answers under its own name; a line that fits nowhere. */
    union any_head h, back;
    struct fl_meta meta;
    fill(ANSWER, &h, &plan);
    h.answer.from.party = 0;
    CHECK(!encode(ANSWER, &h, &plan, &meta));
    CHECK_REFUSED(decode(ANSWER, &back, &plan, &meta), FL_REFUSED, "\"a\" is no helper");
    fl_meta_release(&meta);
    char text[FL_LINE_MAX + 1];
    memset(text, 'x', FL_LINE_MAX);
    text[FL_LINE_MAX] = '\0';
    fill(UPLOAD, &h, &plan);
    CHECK(!encode(UPLOAD, &h, &plan, &meta) && !fl_meta_set_text(&meta, "next", text));
    CHECK_REFUSED(decode(UPLOAD, &back, &plan, &meta), FL_FAILED, "too long");
    text[FL_LINE_MAX - 1] = '\0';
    CHECK(!fl_meta_set_text(&meta, "next", text) && !decode(UPLOAD, &back, &plan, &meta));
    fl_meta_release(&meta);
    fl_plan_release(&plan);
    /* A nonce where there are no helpers. */
    CHECK(!fed_roster(&f, ""));
    fed_plan(&f, &plan, 3);
    fill(UPLOAD, &h, &plan);
    CHECK(!encode(UPLOAD, &h, &plan, &meta) && !fl_meta_set_bytes(&meta, "nonce", other, 32));
    CHECK_REFUSED(decode(UPLOAD, &back, &plan, &meta), FL_REFUSED, "has a nonce");
    fl_meta_release(&meta);
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_each_key);
    RUN(test_values);
    return test_end();
}
