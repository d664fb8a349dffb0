/* Which word was meant. */
#include "base/choice.h"

#include <string.h>

#include "base/error.h"
#include "test.h"

static const char *
nearest(const char *word, const char *choices)
{
    static char hint[100];
    struct fl_nearest n;

    fl_nearest_start(&n, word, strlen(word));
    fl_nearest_try_choices(&n, choices);
    return fl_nearest_hint(&n, "", hint, sizeof hint);
}

static void
test_nearest(void)
{
    static const struct {
        const char *word, *choices, *want;
    } cases[] = {
        {"steps", "steps", "steps"},
        {"setps", "lr|steps|batch", "steps"}, /* neighbours swapped: one edit */
        {"stpes", "sleeps|steps", "steps"},
        {"step", "epochs|steps", "steps"},                   /* one dropped */
        {"stepss", "steps|epochs", "steps"},                 /* one too many */
        {"batch-size", "batch|length", NULL},                /* five too many */
        {"valid-out", "valid|valid-output", "valid-output"}, /* how it begins */
        {"va", "valid|valid-output", "valid"},               /* and the first of equals */
        {"v", "valid", NULL},
        {"lr", "lora", NULL},
        {"hello", "steps|lr", NULL},
        {"", "a|b", NULL},
        {"b", "a|bb", "a"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[100] = "";
        if (cases[i].want)
            snprintf(want, sizeof want, "; did you mean \"%s\"?", cases[i].want);
        CHECK_TEXT(nearest(cases[i].word, cases[i].choices), want);
    }
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK_TEXT(nearest(longer, "a|b"), "");
    CHECK_TEXT(nearest("a", longer), "");
}

static void
test_check(void)
{
    CHECK(!fl_choice_check("one|two", "one") && !fl_choice_check("one|two", "two"));
    CHECK(fl_choice_check("one|two", "tow") == -1 && fl_error_status() == FL_USAGE);
    CHECK_TEXT(fl_error_text(), "\"tow\" is not one of one|two; did you mean \"two\"?");
    CHECK(fl_choice_check("one|two", "one|two") == -1);
    CHECK(fl_choice_check("one|two", "") == -1);
    CHECK_TEXT(fl_error_text(), "\"\" is not one of one|two");
}

static void
test_places(void)
{
    static const char *const words[] = {"one", "two", "three"};
    char text[16], small[3];

    for (int i = 0; i < 3; i++) {
        CHECK(fl_choice_find("one|two|three", words[i]) == i);
        CHECK_TEXT(fl_choice_word("one|two|three", i, text, sizeof text), words[i]);
    }
    CHECK(fl_choice_find("one|two|three", "tw") == -1 && fl_choice_find("one", "one|") == -1);
    CHECK(fl_choice_find("one|two", "") == -1);
    CHECK(!fl_choice_word("one|two|three", 3, text, sizeof text));
    CHECK(!fl_choice_word("one|two|three", 9, text, sizeof text));
    CHECK_TEXT(fl_choice_word("one|two", 1, small, sizeof small), "tw");
}

int
main(void)
{
    RUN(test_nearest);
    RUN(test_check);
    RUN(test_places);
    return test_end();
}
