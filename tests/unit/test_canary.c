/* Canaries: what they are, where they go, and that the scanners find each way of writing. */
#include "data/canary.h"

#include "base/buf.h"
#include "test.h"

enum { EACH = 480 };

static struct fl_id_rules *rules;
static struct fl_id_scan scan;

/* How many of EACH canaries of TYPE are found in TEXT; what was missed is listed. */
static unsigned
found_in(const char *text, unsigned type, unsigned *forms)
{
    unsigned found = 0;
    struct fl_buf out = {0};

    for (uint64_t i = 0; i < EACH; i++) {
        struct fl_canary c;
        bool placed;
        fl_canary_make(1, type, i, &c);
        fl_buf_clear(&out);
        CHECK(!fl_canary_insert(1, i, &c, text, strlen(text), &out));
        CHECK(out.len >= strlen(text) + c.len && out.len <= strlen(text) + c.len + 2);
        CHECK(!fl_id_find(rules, &scan, out.data, out.len));
        bool one = fl_canary_found(&c, &scan, out.data, out.len, &placed);
        CHECK(placed);
        found += one;
        forms[c.form] += one;
        if (!one && getenv("LABELLED"))
            printf("# %s form %u locale %u: %s IN %.*s\n", fl_id_name(rules, type), c.form,
                   c.locale, c.text, (int)out.len, (char *)out.data);
    }
    fl_buf_release(&out);
    return found;
}

static void
test_every_way_of_writing(void)
{
    static const char *const texts[] =
        {"", "The patient came on Tuesday with a cough, was given 500 mg twice a day and left.\n",
         "Der Patient kam am Dienstag mit Husten; Befund ohne Besonderheiten.\nWeiter wie "
         "besprochen."};

    for (size_t t = 0; t < 3; t++)
        for (unsigned type = 0; type < FL_ID_TYPES; type++) {
            unsigned forms[FL_CANARY_FORMS] = {0}, found = found_in(texts[t], type, forms);
            if (found < EACH * (type == FL_ID_PHONE ? .97 : .99))
                printf("# %s: %u of %d\n", fl_id_name(rules, type), found, EACH);
            CHECK(found >= EACH * (type == FL_ID_PHONE ? .97 : .99));
            for (unsigned f = 0; f < FL_CANARY_FORMS; f++)
                CHECK(forms[f] >= EACH / FL_CANARY_FORMS * .9);
        }
}

/* A type that is not looked for is not found, and the floor says so by its name. */
static void
test_a_blind_run(void)
{
    unsigned forms[FL_CANARY_FORMS] = {0};
    struct fl_recall recall = {.placed = EACH};

    fl_id_set(rules, FL_ID_CARD, FL_ID_KEEP);
    recall.found = found_in("some words", FL_ID_CARD, forms);
    fl_id_set(rules, FL_ID_CARD, FL_ID_PLACEHOLDER);
    CHECK(recall.found == 0);
    CHECK(fl_recall_check("card", &recall, .95) == -1 && fl_error_status() == FL_REFUSED);
    CHECK(strstr(fl_error_text(), "\"card\": 0 of 480"));
}

/* 373 of 400 are too few for .97, and 379 are not: the upper end of the interval decides. */
static void
test_interval(void)
{
    static const struct {
        uint64_t found, placed;
        double low, high; /* roots of (f - p)^2 = z^2 p (1 - p) / n, by bisection */
    } cases[] = {
        {0, 0, 0, 1},
        {0, 10, 0, 0.27753279986288926},
        {10, 10, 0.7224672001371109, 1},
        {373, 400, 0.9035733345645931, 0.9531985308362403},
        {5, 20, 0.11186170140766566, 0.468700877618744},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double low, high;
        fl_wilson(cases[i].found, cases[i].placed, &low, &high);
        CHECK_NEAR(low, cases[i].low, 1e-9);
        CHECK_NEAR(high, cases[i].high, 1e-9);
    }
    CHECK(fl_recall_check("iban", &(struct fl_recall){373, 400}, .97) == -1);
    CHECK(fl_recall_check("iban", &(struct fl_recall){383, 400}, .97) == 0);
    CHECK(fl_recall_check("iban", &(struct fl_recall){0, 0}, .97) == 0);
}

/* Equal for equal arguments; other digits for another index; the text stays in its order. */
static void
test_same_again(void)
{
    struct fl_canary a, b, c;
    struct fl_buf one = {0}, two = {0};
    const char *text = "alpha beta gamma delta";
    unsigned places = 0;

    fl_canary_make(7, FL_ID_IBAN, 3, &a);
    fl_canary_make(7, FL_ID_IBAN, 3, &b);
    fl_canary_make(7, FL_ID_IBAN, 51, &c);
    CHECK(!memcmp(&a, &b, sizeof a));
    CHECK(c.form == a.form && c.locale == a.locale && strcmp(a.text, c.text));
    for (uint64_t i = 0; i < 200; i++) {
        fl_buf_clear(&one);
        CHECK(!fl_canary_insert(7, i, &a, text, strlen(text), &one));
        size_t at = (size_t)(strstr(fl_buf_text(&one), a.text) - fl_buf_text(&one));
        CHECK(!at || one.data[at - 1] == ' ');
        CHECK(at + a.len == one.len || one.data[at + a.len] == ' ');
        CHECK(strstr(fl_buf_text(&one), "alpha") && strstr(fl_buf_text(&one), "beta") &&
              strstr(fl_buf_text(&one), "gamma") && strstr(fl_buf_text(&one), "delta"));
        places |= 1u << (at > 30 ? 30 : at);
        fl_buf_clear(&two);
        CHECK(!fl_buf_add(&two, one.data, at) ||
              !fl_buf_add(&two, one.data + at + a.len, one.len - at - a.len));
    }
    CHECK(__builtin_popcount(places) >= 5); /* both ends and between all words */
    fl_buf_release(&one);
    fl_buf_release(&two);
}

/* What the run dropped of a canary's zero-width characters does not hide it; a cut one is not counted. */
static void
test_after_a_run(void)
{
    struct fl_canary c = {.type = FL_ID_CARD, .len = 20, .at = 0, .size = 19};
    bool placed;

    memcpy(c.text,
           "4111\xe2\x80\x8b"
           "111111111111",
           20);
    c.len = c.size = 19;
    const char *clean = "pay 4111111111111111 now", *cut = "pay 41111111";
    CHECK(!fl_id_find(rules, &scan, clean, strlen(clean)));
    CHECK(fl_canary_found(&c, &scan, clean, strlen(clean), &placed) && placed);
    scan.spans[0].len--;
    CHECK(!fl_canary_found(&c, &scan, clean, strlen(clean), &placed) && placed);
    CHECK(!fl_id_find(rules, &scan, cut, strlen(cut)));
    CHECK(!fl_canary_found(&c, &scan, cut, strlen(cut), &placed) && !placed);
}

int
main(void)
{
    rules = fl_id_rules_new();
    RUN(test_every_way_of_writing);
    RUN(test_a_blind_run);
    RUN(test_interval);
    RUN(test_same_again);
    RUN(test_after_a_run);
    fl_id_scan_release(&scan);
    fl_id_rules_free(rules);
    return test_end();
}
