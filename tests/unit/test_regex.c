#include "text/regex.h"

#include "test.h"

/* The matches of PATTERN in TEXT, each in brackets. */
static const char *
matches(const char *pattern, const char *text)
{
    static char out[400];
    struct fl_regex *re = fl_regex_new(pattern);
    struct fl_regex_scratch *s = fl_regex_scratch_new();
    size_t at = 0, start, end, n = 0;

    CHECK(re && s);
    while (re && fl_regex_find(re, s, text, strlen(text), at, &start, &end) == 1) {
        n += (size_t)snprintf(out + n, sizeof out - n, "[%.*s]", (int)(end - start), text + start);
        at = end;
    }
    out[n] = '\0';
    fl_regex_free(re);
    fl_regex_scratch_free(s);
    return out;
}

static void
test_patterns(void)
{
    CHECK_TEXT(matches(FL_REGEX_GPT2, "I've 12  a,b\n\n c"),
               "[I]['ve][ 12][ ][ a][,][b][\n\n][ c]");
    CHECK_TEXT(matches("\\s+", "a\xc2\xa0\xe3\x80\x80 b\xc2\x85"),
               "[\xc2\xa0\xe3\x80\x80 ][\xc2\x85]");
    CHECK_TEXT(matches("\\s", "\xe1\xa0\x8e"),
               ""); /* U+180E is no White_Space; PCRE2's \s has it */
    CHECK_TEXT(matches("[^\\s]+", "a \xe1\xa0\x8e"), "[a][\xe1\xa0\x8e]");
    CHECK_TEXT(matches("\\S", "a\xc2\x85"), "[a]");
    CHECK_TEXT(matches("\\p{N}{1,3}", "1234567"), "[123][456][7]");
    CHECK_TEXT(matches("(?i:'s|'t)", "'S't'\xc5\xbf"), "['S]['t]['\xc5\xbf]"); /* long s */
    CHECK_TEXT(matches("\\d+", "12\xd9\xa3\xc2\xb2"), "[12\xd9\xa3]");         /* Nd, not No */
    CHECK_TEXT(matches("\\p{Lu}", "aB\xc3\x89"), "[B][\xc3\x89]");
    CHECK_TEXT(matches(".", "\n\r\xc3\xa9"), "[\r][\xc3\xa9]");
    CHECK_TEXT(matches("a++|b?+c", "aac"), "[aa][c]");
}

/* What could mean something else in Ruby, or is not text's business, is refused. */
static void
test_refusals(void)
{
    static const char *const bad[] = {"\\w",    "\\b",      "\\A",     "^a",    "a$",
                                      "\\C",    "\\p{Han}", "\\p{L",   "\\pL",  "[[:alpha:]]",
                                      "[a&&b]", "[]a]",     "[a",      "a{,3}", "a{2}+",
                                      "a{2}?",  "(?x:a)",   "(?<n>a)", "(?#c)", "(a",
                                      "a*",     "\\s*",     "",        "\\x41", "\\1",
                                      "\\",     "[\\S]",    "\\h",     "\\R",   "\\K",
                                      "(?R)",   "\\p{^L}"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_regex *re = fl_regex_new(bad[i]);
        if (re)
            printf("# %s is taken\n", bad[i]);
        CHECK(!re && fl_error_status() == FL_FAILED);
        fl_regex_free(re);
    }
}

/* A search that would take for ever ends with an error. */
static void
test_limit(void)
{
    struct fl_regex *re = fl_regex_new("(a+)+[bc]");
    struct fl_regex_scratch *s = fl_regex_scratch_new();
    char text[4000];
    size_t start, end;

    memset(text, 'a', sizeof text);
    CHECK(re && s && fl_regex_find(re, s, text, sizeof text, 0, &start, &end) == -1);
    CHECK(strstr(fl_error_text(), "expression") != NULL);
    fl_regex_free(re);
    fl_regex_scratch_free(s);
}

int
main(void)
{
    RUN(test_patterns);
    RUN(test_refusals);
    RUN(test_limit);
    return test_end();
}
