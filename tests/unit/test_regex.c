#include "text/regex.h"

#include "../naive/regex.h"
#include "random.h"
#include "text/regex_parts.h"
#include "test.h"

/* The matches of PATTERN in TEXT, each in brackets. */
static const char *
matches(const char *pattern, const char *text)
{
    static char out[400];
    struct fl_regex *re = fl_regex_new(pattern);
    struct fl_regex_search *s = fl_regex_search_new();
    size_t at = 0, start, end, n = 0;

    CHECK(re && s);
    if (re)
        fl_regex_search_start(s, re, text, strlen(text));
    while (re && fl_regex_find(s, at, &start, &end) == 1) {
        n += (size_t)snprintf(out + n, sizeof out - n, "[%.*s]", (int)(end - start), text + start);
        at = end;
    }
    out[n] = '\0';
    fl_regex_free(re);
    fl_regex_search_free(s);
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
    static const char *const bad[] = {"\\w",
                                      "\\b",
                                      "\\A",
                                      "^a",
                                      "a$",
                                      "\\C",
                                      "\\p{Han}",
                                      "\\p{L",
                                      "\\pL",
                                      "[[:alpha:]]",
                                      "[a&&b]",
                                      "[]a]",
                                      "[a",
                                      "a{,3}",
                                      "a{2}+",
                                      "a{2}?",
                                      "(?x:a)",
                                      "(?<n>a)",
                                      "(?#c)",
                                      "(a",
                                      "a*",
                                      "\\s*",
                                      "",
                                      "\\x41",
                                      "\\1",
                                      "\\",
                                      "[\\S]",
                                      "\\h",
                                      "\\R",
                                      "\\K",
                                      "(?R)",
                                      "\\p{^L}",
                                      "a**",
                                      "(a*)*",
                                      "(a|)+",
                                      "(?=a)*b",
                                      "a+?+",
                                      "a{1,2}{3}",
                                      "a{3,2}",
                                      "a)",
                                      "[b-a]",
                                      "[a-\\d]",
                                      "[\\d-a]",
                                      "[a-z-9]",
                                      "(?i:\\p{Lu})",
                                      "(?<=a+)b",
                                      "(?<=a|b+)c",
                                      "\\p{Lx}",
                                      "\\p{Xy}",
                                      "((((a{1000}){1000}",
                                      "(a{100}){100}{2}",
                                      "((a{1000}b){1000}c){1000}",
                                      "(?=a)",
                                      "a|",
                                      "(?<n>a)"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_regex *re = fl_regex_new(bad[i]);
        if (re)
            printf("# %s is taken\n", bad[i]);
        CHECK(!re && fl_error_status() == FL_FAILED);
        fl_regex_free(re);
    }
}

/* Both find the same from the start to the end of TEXT; or neither takes PATTERN. */
static int
agree(const char *pattern, const char *text, size_t len, int remember)
{
    struct fl_regex *re = fl_regex_new(pattern);
    struct naive_regex *naive = naive_regex_new(pattern);
    struct fl_regex_search *s = fl_regex_search_new();
    size_t at = 0, start = 0, end = 0, naive_start = 0, naive_end = 0;
    int got = re && naive, same = 1, found = 0;

    if (remember)
        fl_regex_search_remember(s);
    if (re)
        fl_regex_search_start(s, re, text, len);
    while (got == 1 && same) {
        int want = naive_regex_find(naive, text, len, at, &naive_start, &naive_end);
        got = fl_regex_find(s, at, &start, &end);
        same = want < 0 || (got == want && (!got || (start == naive_start && end == naive_end)));
        at = end;
        found += got == 1;
    }
    if (!same)
        printf("# %s in \"%s\" at %zu: %zu to %zu, not %zu to %zu\n", pattern, text, at, start, end,
               naive_start, naive_end);
    CHECK(same);
    found = re && naive ? found : -1;
    fl_regex_search_free(s);
    fl_regex_free(re);
    naive_regex_free(naive);
    return found;
}

static const char llama3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char tekken[] =
    "[^\\r\\n\\p{L}\\p{N}]?((?=[\\p{L}])([^a-z]))*((?=[\\p{L}])([^A-Z]))+|[^\\r\\n\\p{L}\\p{N}]?((?"
    "=["
    "\\p{L}])([^a-z]))+((?=[\\p{L}])([^A-Z]))*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/"
    "]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

int random_piece(uint32_t *seed, int depth, char *out);

static int
random_choice(uint32_t *seed, int depth, char *out)
{
    int n = 0, alternatives = 1 + (random_next(seed) % 3 == 0) + (random_next(seed) % 4 == 0);

    for (int a = 0; a < alternatives; a++) {
        if (a)
            out[n++] = '|';
        for (uint32_t k = 1 + random_next(seed) % 3; k; k--)
            n += random_piece(seed, depth, out + n);
    }
    out[n] = '\0';
    return n;
}

/* A random expression of all that is taken. */
int
random_piece(uint32_t *seed, int depth, char *out)
{
    static const char *const atoms[] =
        {"a",      "b",      "c",        "\\s",      ".",
         "[ab]",   "[^a]",   "\\p{L}",   "\\p{N}",   "[^\\s\\p{L}]",
         "[a-c1]", "\\S",    "\\P{L}",   "\\d",      "[\\p{Lu}b]",
         " ",      "(?i:A)", "(?i:[S])", "\xc3\xa9", "[^\\r\\n\xc3\xa9]"};
    static const char *const groups[] = {"(?:", "(", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    static const char *const counts[] = {"",   "",    "",      "",     "*",     "+",
                                         "?",  "*?",  "+?",    "??",   "*+",    "++",
                                         "?+", "{2}", "{1,2}", "{2,}", "{0,2}", "+"};
    int n;

    if (depth && random_next(seed) % 3 == 0) {
        n = sprintf(out, "%s", groups[random_next(seed) % 8]);
        n += random_choice(seed, depth - 1, out + n);
        n += sprintf(out + n, ")");
    } else {
        n = sprintf(out, "%s", atoms[random_next(seed) % (sizeof atoms / sizeof *atoms)]);
    }
    return n + sprintf(out + n, "%s", counts[random_next(seed) % (sizeof counts / sizeof *counts)]);
}

/* Random expressions on random text; first those of real tokenizers. */
static void
test_random(void)
{
    static const char *const known[] = {FL_REGEX_GPT2, llama3, tekken};
    static const char *const lists[] =
        {"a|b|c| |\n|1|A|\xc3\xa9|\xc5\xbf",
         "a|b|s|t|ve|LL|re|S| |  "
         "|\n|\r|\t|'|1|23|.|-|/|\x1c|\xc3\xa9|\xc3\x89|\xe2\x80\x83|\xe4\xb8\xad|"
         "\xd9\xa3|\xc2\x85|\xcc\x81|\xe2\x85\xa3"};
    int rounds = test_under_valgrind() ? 200 : 10000, taken = 0, found = 0;
    char pattern[4096], text[200];
    uint32_t seed = 11;

    for (int i = 0; i < rounds; i++) {
        size_t len = random_text(&seed, lists[random_next(&seed) % 2], 40, text);
        if (i % 9 > 2) {
            random_choice(&seed, 3, pattern);
            int n = agree(pattern, text, len, i & 1);
            taken += n >= 0;
            found += n > 0;
        } else {
            CHECK(agree(known[i % 9], text, len, i & 8) >= 0);
        }
    }
    printf("# %d random expressions taken, %d found something\n", taken, found);
    CHECK(taken > rounds / 6 && found > rounds / 10);
}

/* All characters that fold, one by one, against the twin's notion of what is equal but for case. */
static void
test_fold(void)
{
    struct fl_buf all = {0};
    int twins = 0;

    for (uint32_t c = 0; c <= 0x1ffff; c++)
        if ((c < 0xd800 || c > 0xdfff) && fl_charset_fold(c) != c)
            fl_unicode_add(&all, c);
    for (uint32_t c = 0x80; c <= 0x1ffff; c++) {
        char pattern[20];
        struct fl_buf one = {0};
        if ((c >= 0xd800 && c <= 0xdfff) || (fl_charset_fold(c) == c && c != 0x130 && c != 0x131))
            continue;
        CHECK(!fl_unicode_add(&one, c));
        snprintf(pattern, sizeof pattern, "(?i:%s)", fl_buf_text(&one));
        if (twins++ % (test_under_valgrind() ? 200 : 5) == 0)
            CHECK(agree(pattern, fl_buf_text(&all), all.len, 0) > 0 || c == 0x130 || c == 0x131);
        fl_buf_release(&one);
    }
    CHECK(twins > 1300);
    fl_buf_release(&all);
}

/* The steps of a search of N times UNIT and then END, for each byte of it. */
static double
steps(const char *pattern, const char *unit, size_t n, const char *end)
{
    struct fl_regex *re = fl_regex_new(pattern);
    struct fl_regex_search *s = fl_regex_search_new();
    struct fl_buf text = {0};
    size_t at = 0, start;

    for (size_t i = 0; i < n; i++)
        CHECK(!fl_buf_add_text(&text, unit));
    CHECK(re && s && !fl_buf_add_text(&text, end));
    fl_regex_search_start(s, re, (char *)text.data, text.len);
    while (fl_regex_find(s, at, &start, &at) == 1)
        ;
    double all = (double)fl_regex_search_steps(s) / (double)text.len;
    fl_buf_release(&text);
    fl_regex_free(re);
    fl_regex_search_free(s);
    return all;
}

/*
 * What makes other searches give up, or takes them the square of the text, the cube, or for ever:
 * eight times the text takes eight times the steps.
 */
static void
test_linear(void)
{
    static const struct {
        const char *pattern, *unit, *end;
    } table[] = {
        {"(a+)+[bc]", "a", ""},
        {"(a|a)+b|.", "a", ""},
        {"(a+a+)+b|a", "a", "c"},
        {"(a|aa)+b|.", "a", ""},
        {"\\s+x|.", " ", ""},
        {"\\s++x|.", " ", ""},
        {"a(?=.*b)|.", "a", ""},
        {"a(?=.*b)|.", "a", "b"},
        {"a(?!.*b)|.", "a", "b"},
        {"a(?=(a|.b?)+c)|.", "ab", "c"},
        {"a(?=(a|.b?)+c)|.", "ab", ""},
        {"(?>a+)b|.", "a", ""},
        {"(?>(a|b)+)c|.", "ab", ""},
        {"(a|b)++c|.", "ab", ""},
        {"(?>a*?b|.)(?<=b)c|.", "a", "b"},
        {"a(?<=aa(?=.*b))c|.", "a", "b"},
        {".*?b|.", "a", ""},
        {"(.*)(.*)(.*)(.*)b|.", "a", ""},
        {"((((a{1,4}){1,4})b?){1,4}c)|.", "a", ""},
        {"\\p{L}+(?=1)|\\p{L}", "\xc3\xa9", ""},
        {FL_REGEX_GPT2, " ", "x"},
        {FL_REGEX_GPT2, "a", ""},
        {llama3, " ", "x"},
        {llama3, " \t", "\n"},
        {llama3, "                                   x", ""},
        {llama3, "\n \r", "x"},
        {llama3, "'", ""},
        {tekken, "a", ""},
        {tekken, "A", ""},
        {tekken, "\xe4\xb8\xad", "A"},
        {tekken, "Aa", ""},
        {tekken, " ", "x"},
        {tekken, "A\xe4\xb8\xad", "1"},
    };
    const size_t small = 4000, large = 8 * small;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double few = steps(table[i].pattern, table[i].unit, small, table[i].end);
        double many = steps(table[i].pattern, table[i].unit, large, table[i].end);
        bool linear = many < 1.25 * few + 1 && many < 500;
        if (!linear)
            printf("# %s in \"%s\": %.1f steps a byte, and %.1f of %zu\n", table[i].pattern,
                   table[i].unit, few, many, large);
        CHECK(linear);
    }
}

int
main(void)
{
    RUN(test_patterns);
    RUN(test_refusals);
    RUN(test_random);
    RUN(test_fold);
    RUN(test_linear);
    return test_end();
}
