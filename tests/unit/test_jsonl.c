#include "data/jsonl.h"

#include <jansson.h>

#include "test.h"

static enum fl_jsonl_result
get(const char *line, const char *field, struct fl_buf *out)
{
    struct fl_jsonl_note note;

    return fl_jsonl_field(line, strlen(line), field, out, &note);
}

static void
test_fields(void)
{
    static const struct {
        const char *line, *field;
        enum fl_jsonl_result result;
        const char *text;
    } cases[] = {
        {"{\"text\": \"hello\"}", "text", FL_JSONL_FOUND, "hello"},
        {" { \"a\" : 1 , \"text\":\"\" } ", "text", FL_JSONL_FOUND, ""},
        {"{\"text\":\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"}", "text", FL_JSONL_FOUND, "a\n\t\"\\/\b\f\r"},
        {"{\"t\\u0065xt\":\"\\u00e9\\u20AC\\ud83d\\ude00\"}", "text", FL_JSONL_FOUND,
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"{\"text\":\"\\ud83d!\\ude00\\ud83d\\ud83d\\ude00\"}", "text", FL_JSONL_FOUND,
         "\xef\xbf\xbd!\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"{\"text\":\"first\",\"text\":\"last\"}", "text", FL_JSONL_FOUND, "last"},
        {"{\"a\":{\"text\":\"no\"},\"text\":\"yes\"}", "text", FL_JSONL_FOUND, "yes"},
        {"{\"a\":{\"b\":{\"c\":\"deep\"}}}", "a.b.c", FL_JSONL_FOUND, "deep"},
        {"{\"a\":{\"b\":\"x\"},\"b\":\"y\"}", "a.b", FL_JSONL_FOUND, "x"},
        {"{\"a\":[{\"b\":\"x\"}]}", "a.b", FL_JSONL_MISSING, NULL},
        {"{\"a\":\"b\"}", "a.b", FL_JSONL_MISSING, NULL},
        {"{\"tex\":\"b\",\"textt\":\"c\"}", "text", FL_JSONL_MISSING, NULL},
        {"{}", "text", FL_JSONL_MISSING, NULL},
        {"[1,2.5e-3,-0,true,false,null]", "text", FL_JSONL_MISSING, NULL},
        {"\"text\"", "text", FL_JSONL_MISSING, NULL},
        {"{\"text\":[\"a\"]}", "text", FL_JSONL_NOT_TEXT, NULL},
        {"{\"text\":null}", "text", FL_JSONL_NOT_TEXT, NULL},
        {"", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"a\"", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"a}", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"a\"} x", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"a\",}", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"\\x\"}", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"\\u12g4\"}", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"text\":\"a\tb\"}", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"n\":01}", "text", FL_JSONL_MALFORMED, NULL},
        {"{\"n\":1.}", "text", FL_JSONL_MALFORMED, NULL},
        {"{text:1}", "text", FL_JSONL_MALFORMED, NULL},
    };
    struct fl_buf out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum fl_jsonl_result result = get(cases[i].line, cases[i].field, &out);
        if (result != cases[i].result)
            printf("# %s: %d\n", cases[i].line, (int)result);
        CHECK(result == cases[i].result);
        if (result == FL_JSONL_FOUND)
            CHECK_TEXT(fl_buf_text(&out), cases[i].text);
    }
    fl_buf_release(&out);
}

static void
test_nul_and_notes(void)
{
    const char *line = "{\"text\":\"a\\u0000b\\ud800\"}";
    struct fl_buf out = {0};
    struct fl_jsonl_note note;

    CHECK(fl_jsonl_field(line, strlen(line), "text", &out, &note) == FL_JSONL_FOUND);
    CHECK(out.len == 6 && !memcmp(out.data, "a\0b\xef\xbf\xbd", 6));
    CHECK(note.surrogates == 1 && note.first == 17);
    line = "{\"text\": oops}";
    CHECK(fl_jsonl_field(line, strlen(line), "text", &out, &note) == FL_JSONL_MALFORMED);
    CHECK(note.offset == 9);
    fl_buf_release(&out);
}

static void
test_depth(void)
{
    struct fl_buf line = {0}, out = {0};

    for (int i = 0; i < 100000; i++)
        fl_buf_add_text(&line, "[");
    CHECK(get(fl_buf_text(&line), "text", &out) == FL_JSONL_MALFORMED);
    fl_buf_release(&line);
    fl_buf_release(&out);
}

static uint32_t
next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Random damage to good lines: what this reader takes, jansson takes too, and the text agrees. */
static void
test_against_jansson(void)
{
    static const char good[] = "{\"id\": -1.5e+3, \"a\": {\"text\": [\"x\", {}], \"b\": null}, "
                               "\"text\": \"q\\u00e9 \\\"w\\\" \\ud83d\\ude00 z\\n\"}";
    static const char bytes[] = "\"\\{}[]:,u0eE.-+ntd89 a";
    struct fl_buf out = {0};
    uint32_t seed = 7;
    int found = 0;

    for (int round = 0; round < 200000; round++) {
        char line[sizeof good];
        memcpy(line, good, sizeof good);
        for (uint32_t n = next(&seed) % 3; n; n--)
            line[next(&seed) % (sizeof good - 1)] = bytes[next(&seed) % (sizeof bytes - 1)];
        struct fl_jsonl_note note;
        json_error_t error;
        enum fl_jsonl_result result = fl_jsonl_field(line, sizeof good - 1, "text", &out, &note);
        json_t *tree = json_loadb(line, sizeof good - 1,
                                  JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
                                  &error);
        int same = !tree == (result == FL_JSONL_MALFORMED);
        if (!tree &&
            (strstr(line, "\\ud") || json_error_code(&error) == json_error_numeric_overflow))
            same = 1; /* jansson refuses lone halves of pairs, and numbers out of range */
        json_t *text = tree ? json_object_get(tree, "text") : NULL;
        if (result == FL_JSONL_FOUND && tree && !note.surrogates) {
            found++;
            same = same && json_is_string(text) && json_string_length(text) == out.len &&
                   !memcmp(json_string_value(text), out.data, out.len);
        } else if (tree) {
            same = same && (result == FL_JSONL_NOT_TEXT) == (text && !json_is_string(text));
        }
        if (!same)
            printf("# %s: %d\n", line, (int)result);
        CHECK(same);
        json_decref(tree);
    }
    CHECK(found > 10000);
    fl_buf_release(&out);
}

static void
test_quote(void)
{
    struct fl_buf out = {0};

    CHECK(!fl_jsonl_quote(&out, "a\"\\\n\x01\0z\xc3\xa9", 9));
    CHECK_TEXT(fl_buf_text(&out), "\"a\\\"\\\\\\n\\u0001\\u0000z\xc3\xa9\"");
    fl_buf_release(&out);
}

static void
test_span(void)
{
    static const struct {
        const char *text;
        enum fl_jsonl_span span;
        size_t end;
    } cases[] = {
        {"{\"a\":1} {", FL_JSONL_WHOLE, 7},
        {" [1,\"b\"]\n", FL_JSONL_WHOLE, 8},
        {"\"\\ud800\\ud800x\"", FL_JSONL_WHOLE, 15},
        {"{\"\\ud800\": [\"\\udc00\"", FL_JSONL_CUT, 20},
        {"", FL_JSONL_CUT, 0},
        {"[1, tru", FL_JSONL_CUT, 7},
        {"[1, trx", FL_JSONL_OTHER, 4},
        {"{a", FL_JSONL_OTHER, 1},
        {"{\"a\": \"b\n", FL_JSONL_OTHER, 8},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t end;
        enum fl_jsonl_span span = fl_jsonl_span(cases[i].text, strlen(cases[i].text), &end);
        if (span != cases[i].span || end != cases[i].end)
            printf("# %s: %d at %zu\n", cases[i].text, (int)span, end);
        CHECK(span == cases[i].span && end == cases[i].end);
    }
}

int
main(void)
{
    RUN(test_fields);
    RUN(test_nul_and_notes);
    RUN(test_depth);
    RUN(test_against_jansson);
    RUN(test_quote);
    RUN(test_span);
    return test_end();
}
