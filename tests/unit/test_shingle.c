/* What a word is, and that shingles are the hashes of words joined by single spaces. */
#include "data/shingle.h"

#include "test.h"
#include "text/fold.h"

static struct fl_shingles s;

static void
check_words(const char *text, const char *want)
{
    CHECK(!fl_shingles_make(&s, text, strlen(text), 5, 0));
    CHECK(s.text.len == strlen(want) && !memcmp(s.text.data, want, s.text.len));
    if (s.text.len != strlen(want))
        printf("# %s: got \"%.*s\"\n", text, (int)s.text.len, (char *)s.text.data);
}

static void
test_words(void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"Hello, World!", "hello world"},
        {"  a--b\tc\n\nd ", "a b c d"},
        {"don't_stop 3.14", "don t stop 3 14"},
        {"Stra\xc3\x9f"
         "e \xc3\x84 \xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
         "strasse a\xcc\x88 \xcf\x83\xce\xb9\xcc\x81\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x83"},
        {"\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\x91 \xef\xac\x81n \xc2\xbd",
         "ab1 fin 1 2"}, /* width, fi, 1/2 */
        {"\xe4\xb8\xad\xe6\x96\x87"
         "abc",
         "\xe4\xb8\xad \xe6\x96\x87 abc"},
        {"\xe3\x81\x82\xe3\x82\xab\xef\xbd\xb6",
         "\xe3\x81\x82 \xe3\x82\xab \xe3\x82\xab"}, /* half width */
        {"\xea\xb0\x80\xeb\x82\x98",
         "\xe1\x84\x80\xe1\x85\xa1\xe1\x84\x82\xe1\x85\xa1"}, /* Hangul: words */
        {"\xe0\xb8\x81\xe0\xb8\x82", "\xe0\xb8\x81 \xe0\xb8\x82"},
        {"", ""},
        {"...", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_words(cases[i].text, cases[i].words);
}

/* Values of python-xxhash. */
static void
test_hashes(void)
{
    const char *text = "The quick; brown FOX jumps \xef\xbd\x8fver";

    CHECK(!fl_shingles_make(&s, text, strlen(text), 5, 42));
    CHECK(s.words == 6 && s.count == 2);
    CHECK(s.hash[0] == 0xe011ed1641dc885fu && s.hash[1] == 0x5d62a54f5b7ee846u);
    CHECK(!fl_shingles_make(&s, text, strlen(text) - 7, 5, 0));
    CHECK(s.words == 5 && s.count == 1 && s.hash[0] == 0x90602c70ee7f6208u);
    CHECK(!fl_shingles_make(&s, "one two three four", 18, 5, 0));
    CHECK(s.words == 4 && s.count == 0);
}

/* A text longer than the last one, endless words and endless marks. */
static void
test_long(void)
{
    enum { N = 300000 };
    char *text = malloc(N + 1);

    for (size_t i = 0; i < N; i++)
        text[i] = "x \xcc\x81"[i % 4];
    CHECK(!fl_shingles_make(&s, text, N, 5, 1));
    CHECK(s.words == N / 4 + 1 && s.count == N / 4 - 3);
    memset(text, 'x', N);
    CHECK(!fl_shingles_make(&s, text, N, 1, 1) && s.words == 1 && s.text.len == N);
    for (size_t i = 0; i < N; i += 3)
        memcpy(text + i, "\xef\xb7\xba", 3); /* one character that becomes 18 */
    CHECK(!fl_shingles_make(&s, text, N, 5, 1) && s.words == N / 3 * 3 + 1);
    free(text);
}

int
main(void)
{
    RUN(test_words);
    RUN(test_hashes);
    RUN(test_long);
    fl_shingles_release(&s);
    return test_end();
}
