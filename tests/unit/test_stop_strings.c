/* Stop strings against the definition, for every text and set of strings over two letters. */
#include "nn/stop_strings.h"

#include "test.h"

enum { LONGEST = 8 };

static const char *const sets[][4] = {{"a"},          {"ab"},         {"aab", "ab"},
                                      {"aba", "bb"},  {"aaab"},       {"b", "aab"},
                                      {"abab", "ba"}, {"bbb", "aaa"}, {"ab", "aab"}};

/* Where a text ends by the definition: the first byte that completes one, the longest of these. */
static bool
naive(const char *const *set, const char *text, size_t len, size_t *at, size_t *which)
{
    for (size_t end = 1; end <= len; end++) {
        size_t longest = 0;
        for (size_t i = 0; set[i]; i++) {
            size_t n = strlen(set[i]);
            if (n <= end && n > longest && !strncmp(text + end - n, set[i], n)) {
                longest = n;
                *which = i;
            }
        }
        *at = end - longest;
        if (longest)
            return true;
    }
    return false;
}

/* May the last N bytes of TEXT be the begin of a string, with more to come? */
static bool
may_begin(const char *const *set, const char *text, size_t len, size_t n)
{
    for (size_t i = 0; set[i]; i++)
        if (strlen(set[i]) > n && !strncmp(text + len - n, set[i], n))
            return true;
    return false;
}

static void
test_every_text(void)
{
    char text[LONGEST];

    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        struct fl_stop_strings stops = {.items = NULL};
        for (size_t i = 0; sets[s][i]; i++)
            CHECK(!fl_stop_strings_add(&stops, sets[s][i], strlen(sets[s][i])));
        for (size_t len = 0; len <= LONGEST; len++)
            for (unsigned bits = 0; bits < 1u << len; bits++) {
                size_t at = 99, which = 99, want_at = 0, want_which = 0, held = 0;
                for (size_t i = 0; i < len; i++)
                    text[i] = bits >> i & 1 ? 'b' : 'a';
                bool found = fl_stop_strings_find(&stops, text, len, &at, &which);
                CHECK(found == naive(sets[s], text, len, &want_at, &want_which));
                CHECK(!found || (at == want_at && which == want_which));
                for (size_t n = 1; n <= len; n++)
                    held = may_begin(sets[s], text, len, n) ? n : held;
                CHECK(fl_stop_strings_held(&stops, text, len) == held);
            }
        fl_stop_strings_release(&stops);
    }
}

/* However a text is cut into pieces, it ends in the same place, and no byte too many was shown. */
static void
test_pieces(void)
{
    static const char text[] = "aabababbaaab";

    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (unsigned cuts = 0; cuts < 1u << (sizeof text - 2); cuts += 7) {
            struct fl_stop_strings stops = {.items = NULL};
            size_t shown = 0, at, which, want_at = 0, want_which = 0;
            bool found = false;
            for (size_t i = 0; sets[s][i]; i++)
                CHECK(!fl_stop_strings_add(&stops, sets[s][i], strlen(sets[s][i])));
            bool want = naive(sets[s], text, sizeof text - 1, &want_at, &want_which);
            for (size_t end = 1; end < sizeof text && !found; end++) {
                if (!(cuts >> (end - 1) & 1) && end < sizeof text - 1)
                    continue;
                found = fl_stop_strings_find(&stops, text + shown, end - shown, &at, &which);
                if (found)
                    CHECK(shown + at == want_at && which == want_which);
                else
                    shown = end - fl_stop_strings_held(&stops, text + shown, end - shown);
            }
            CHECK(found == want && (!want || shown <= want_at));
            fl_stop_strings_release(&stops);
        }
}

static void
test_refused(void)
{
    static const char *const texts[] = {"fine", ""};
    struct fl_stop_strings stops = {.items = NULL};

    CHECK(fl_stop_strings_add(&stops, "", 0) == -1 && fl_error_status() == FL_USAGE);
    CHECK(fl_stop_strings_add(&stops, "a\xff", 2) == -1 && fl_error_status() == FL_USAGE);
    CHECK(stops.count == 0);
    CHECK(!fl_stop_strings_add(&stops, "a\0b", 3));
    CHECK(fl_stop_strings_is(&stops, "a\0b", 3) == 0 && fl_stop_strings_is(&stops, "a", 1) == 1);
    CHECK(fl_stop_strings_add_texts(&stops, texts, 2) == -1 && stops.count == 2);
    CHECK(strstr(fl_error_text(), "--stop: ") == fl_error_text());
    fl_error_clear();
    fl_stop_strings_release(&stops);
}

int
main(void)
{
    RUN(test_every_text);
    RUN(test_pieces);
    RUN(test_refused);
    return test_end();
}
