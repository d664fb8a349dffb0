#include "text/added.h"

#include "base/buf.h"
#include "random.h"
#include "test.h"

/* The longest token at the first place that has one, looked for in the plainest way. */
static int
naive(const struct fl_added *a, const char *text, size_t len, size_t from, size_t *start,
      size_t *end)
{
    for (*start = from; *start < len; ++*start) {
        *end = *start;
        for (size_t i = 0; i < a->count; i++)
            if (a->tokens[i].len <= len - *start && *start + a->tokens[i].len > *end &&
                !memcmp(text + *start, a->tokens[i].text, a->tokens[i].len))
                *end = *start + a->tokens[i].len;
        if (*end > *start)
            return 1;
    }
    return 0;
}

static void
test_longest(void)
{
    uint32_t seed = 11;
    char text[100];

    for (int round = 0; round < 400; round++) {
        struct fl_added a = {0};
        for (uint32_t n = random_next(&seed) % 12; n; n--) {
            const struct fl_added_token token = {.id = n};
            size_t len = random_text(&seed, "a|b|<|\xc3\xa9", 5, text);
            int twice = 0;
            for (size_t i = 0; i < a.count; i++)
                twice |= !strcmp(a.tokens[i].text, text);
            if (len && !twice)
                CHECK(!fl_added_add(&a, text, len, &token));
        }
        fl_added_finish(&a);
        for (int k = 0; k < 50; k++) {
            size_t len = random_text(&seed, "a|b|<|\xc3\xa9|x", 20, text);
            size_t start, end, want_start, want_end;
            struct fl_added_place at = {0};
            const struct fl_added_token *t = fl_added_next(&a, text, len, false, &at, &start, &end);
            int want = naive(&a, text, len, 0, &want_start, &want_end);
            CHECK(want == (t != NULL));
            if (t && want)
                CHECK(start == want_start && end == want_end && t->len == end - start);
        }
        fl_added_release(&a);
    }
}

/* "START-END" of every token in TEXT. */
static void
check_all(const struct fl_added *a, const char *text, size_t len, bool guarded, const char *want)
{
    struct fl_added_place at = {0};
    struct fl_buf got = {0};
    size_t start, end;

    while (fl_added_next(a, text, len, guarded, &at, &start, &end))
        CHECK(!fl_buf_printf(&got, got.len ? " %zu-%zu" : "%zu-%zu", start, end));
    CHECK_TEXT(fl_buf_text(&got), want);
    fl_buf_release(&got);
}

static void
add(struct fl_added *a, const char *text, struct fl_added_token token)
{
    token.id = (uint32_t)a->count + 1;
    CHECK(!fl_added_add(a, text, strlen(text), &token));
}

static void
test_white_space(void)
{
    struct fl_added a = {0};
    const char text[] = "a\xe3\x80\x80 \n<x> \xc2\xa0"
                        "b <x>";

    add(&a, "<x>", (struct fl_added_token){.left = true, .right = true});
    fl_added_finish(&a);
    check_all(&a, text, sizeof text - 1, false, "1-12 13-17");
    check_all(&a, "  <x>  <x>", 10, false, "0-7 7-10"); /* what one has the next has not */
    fl_added_release(&a);

    /* as the source does: white space that was taken is looked for tokens, and then taken twice */
    add(&a, "<x>", (struct fl_added_token){.right = true});
    add(&a, "  ", (struct fl_added_token){.guarded = false});
    fl_added_finish(&a);
    check_all(&a, "a<x>    b", 9, false, "1-8 4-6 6-8");
    fl_added_release(&a);
}

/* A guarded token is text unless asked for, all of it: a name within it is none. */
static void
test_guarded(void)
{
    struct fl_added a = {0};

    add(&a, "<|x|>", (struct fl_added_token){.special = true, .guarded = true});
    add(&a, "x", (struct fl_added_token){.special = false});
    fl_added_finish(&a);
    check_all(&a, "x<|x|>x<|x", 10, false, "0-1 6-7 9-10");
    check_all(&a, "x<|x|>x<|x", 10, true, "0-1 1-6 6-7 9-10");
    fl_added_release(&a);
    add(&a, "<x>", (struct fl_added_token){.special = true, .guarded = true});
    fl_added_finish(&a);
    check_all(&a, "<x>", 3, false, "");
    fl_added_release(&a);
}

static void
test_single_word(void)
{
    struct fl_added a = {0};
    static const char text[] = "ab ab_ \xc3\xa9"
                               "ab (ab) ab\xcc\x81 ab\xe2\x93\x90 ab";

    add(&a, "ab", (struct fl_added_token){.single_word = true});
    fl_added_finish(&a);
    check_all(&a, text, sizeof text - 1, false, "0-2 13-15 28-30");
    check_all(&a, "abab", 4, false, "");
    fl_added_release(&a);
}

/* Twins: the special one counts, and what lies after its text is not looked at. */
static void
test_twins(void)
{
    struct fl_added a = {0};

    add(&a, "ab", (struct fl_added_token){.special = false});
    add(&a, "ab", (struct fl_added_token){.special = true, .guarded = true});
    fl_added_finish(&a);
    CHECK(a.count == 1 && a.tokens[0].special && !a.plain);
    check_all(&a, "ab\0\0\0\0\0\0", 8, true, "0-2");
    fl_added_release(&a);
}

/* Runs of white space that each of many tokens takes: looked through once. */
static void
test_long_runs(void)
{
    struct fl_added a = {0};
    enum { N = 1 << 20 };
    char *text = malloc(N);
    struct fl_added_place at = {0};
    size_t start, end, count = 0;

    memset(text, ' ', N);
    add(&a, "  ", (struct fl_added_token){.right = true});
    fl_added_finish(&a);
    while (fl_added_next(&a, text, N, false, &at, &start, &end))
        count++;
    CHECK(count == N / 2 && end == N);
    a.tokens[0].left = true; /* the first takes all, and nothing is left of the others */
    at = (struct fl_added_place){0};
    CHECK(fl_added_next(&a, text, N, false, &at, &start, &end) && !start && end == N);
    CHECK(!fl_added_next(&a, text, N, false, &at, &start, &end));
    free(text);
    fl_added_release(&a);
}

int
main(void)
{
    RUN(test_longest);
    RUN(test_white_space);
    RUN(test_guarded);
    RUN(test_single_word);
    RUN(test_twins);
    RUN(test_long_runs);
    return test_end();
}
