#include "text/pretokenizer.h"

#include "random.h"
#include "test.h"

static struct fl_buf got;

static int
show(void *arg, const unsigned char *word, size_t len)
{
    (void)arg;
    return fl_buf_add_byte(&got, '[') || fl_buf_add(&got, word, len) || fl_buf_add_byte(&got, ']')
               ? -1
               : 0;
}

static const char *
words(const char *spec, const char *text, bool first)
{
    struct fl_pretokenizer p = {0};
    struct fl_pretokenizer_scratch s;
    json_t *json = json_loads(spec, JSON_DECODE_ANY, NULL);

    fl_buf_clear(&got);
    CHECK(json && !fl_pretokenizer_read(&p, json));
    CHECK(!fl_pretokenizer_scratch_init(&s, &p));
    CHECK(!fl_pretokenizer_run(&p, &s, text, strlen(text), first, show, NULL));
    fl_pretokenizer_scratch_release(&s);
    fl_pretokenizer_release(&p);
    json_decref(json);
    return fl_buf_text(&got);
}

static void
test_kinds(void)
{
    static const char level[] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}";
    static const char digits[] =
        "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true}"
        ",{\"type\":\"ByteLevel\",\"add_prefix_space\":false}]}";

    CHECK_TEXT(words("null", "a b", true), "[a b]");
    CHECK_TEXT(words(level, "a b", true), "[ a][ b]");
    CHECK_TEXT(words(level, " a", true), "[ a]");
    CHECK_TEXT(words(level, "\na", false), "[ ][\n][a]");
    CHECK_TEXT(words(digits, "ab12 3", true), "[ab][1][2][ ][3]");
    CHECK_TEXT(words("{\"type\":\"Digits\"}", "ab12 3", true), "[ab][12][ ][3]");
    CHECK_TEXT(words("{\"type\":\"Digits\"}", "1\xc2\xb2\xe2\x85\xa3x", true),
               "[1\xc2\xb2\xe2\x85\xa3][x]");
    CHECK_TEXT(
        words("{\"type\":\"Split\",\"pattern\":{\"Regex\":\"-+\"},\"behavior\":\"Isolated\"}",
              "--a--b", true),
        "[--][a][--][b]");
}

static void
test_metaspace(void)
{
    static const char always[] = "{\"type\":\"Metaspace\",\"replacement\":\"_\"}";
    static const char first[] = "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":"
                                "\"first\",\"split\":false}";

    CHECK_TEXT(words(always, "a b  c", true), "[_a][_b][_][_c]");
    CHECK_TEXT(words(always, " a", false), "[_a]");
    CHECK_TEXT(words(always, "_a", false), "[_a]");
    CHECK_TEXT(words(first, "a b", true), "[_a_b]");
    CHECK_TEXT(words(first, "a b", false), "[a_b]");
    CHECK_TEXT(words("{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":false}",
                     "a b", true),
               "[a][_b]");
}

/* The quick way through ASCII finds the words of the expression, on random text. */
static void
test_gpt2(void)
{
    struct fl_regex *re = fl_regex_new(FL_REGEX_GPT2);
    struct fl_regex_search *s = fl_regex_search_new();
    uint32_t seed = 3;
    size_t quick = 0, slow = 0;
    char text[400];

    for (int round = 0; round < 20000; round++) {
        size_t len = random_text(
            &seed,
            "a|b|s|t|ve|ll|re| | |\n|\t|'|1|2|.|-|\x1c|\xc3\xa9|\xe2\x80\x83|\xe4\xb8\xad|\xd9\xa3",
            24, text);
        fl_regex_search_start(s, re, text, len);
        for (size_t at = 0, start, end; at < len; at = end) {
            CHECK(fl_regex_find(s, at, &start, &end) == 1 && start == at);
            size_t mine = fl_pretokenizer_gpt2_word(text, len, at);
            if (mine && mine != end) {
                printf("# \"%s\" at %zu: %zu, not %zu\n", text, at, mine, end);
                CHECK(!"same word");
            }
            *(mine ? &quick : &slow) += 1;
        }
    }
    CHECK(quick > 20000 && slow > 20000);
    fl_regex_free(re);
    fl_regex_search_free(s);
}

int
main(void)
{
    RUN(test_kinds);
    RUN(test_metaspace);
    RUN(test_gpt2);
    fl_buf_release(&got);
    return test_end();
}
