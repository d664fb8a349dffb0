#include "data/jsonl.h"

#include <jansson.h>

#include "test.h"

static enum fl_jsonl_result
get(const char *line, const char *field, struct fl_jsonl_value *value)
{
    size_t offset;

    return fl_jsonl_field(line, strlen(line), field, value, &offset);
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
    struct fl_jsonl_value out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum fl_jsonl_result result = get(cases[i].line, cases[i].field, &out);
        if (result != cases[i].result)
            printf("# %s: %d\n", cases[i].line, (int)result);
        CHECK(result == cases[i].result);
        if (result == FL_JSONL_FOUND)
            CHECK_TEXT(fl_buf_text(&out.text), cases[i].text);
    }
    fl_jsonl_value_release(&out);
}

static void
test_nul_and_notes(void)
{
    const char *line = "{\"text\":\"a\\u0000b\\ud800\"}";
    struct fl_jsonl_value out = {0};
    size_t offset;

    CHECK(fl_jsonl_field(line, strlen(line), "text", &out, &offset) == FL_JSONL_FOUND);
    CHECK(out.text.len == 6 && !memcmp(out.text.data, "a\0b\xef\xbf\xbd", 6));
    CHECK(out.surrogates == 1 && out.first == 17);
    CHECK(out.trace.count == 4 && out.trace.pieces[0].from == 9);
    CHECK(out.trace.pieces[1].from == 10 && out.trace.pieces[1].len == 6 &&
          out.trace.pieces[1].out == 1 && out.trace.pieces[1].fate == FL_FATE_ESCAPE);
    CHECK(out.trace.pieces[3].fate == FL_FATE_INVALID && out.trace.pieces[3].out == 3);
    line = "{\"text\": oops}";
    CHECK(fl_jsonl_field(line, strlen(line), "text", &out, &offset) == FL_JSONL_MALFORMED);
    CHECK(offset == 9);
    fl_jsonl_value_release(&out);
}

static void
test_depth(void)
{
    struct fl_buf line = {0};
    struct fl_jsonl_value out = {0};

    for (int i = 0; i < 100000; i++)
        fl_buf_add_text(&line, "[");
    CHECK(get(fl_buf_text(&line), "text", &out) == FL_JSONL_MALFORMED);
    fl_buf_release(&line);
    fl_jsonl_value_release(&out);
}

/* Several fields in one pass, numbers as they stand, and a list of objects. */
static int
join_item(void *arg, struct fl_jsonl_value *values)
{
    return fl_buf_printf(arg, "%s=%s;", fl_buf_text(&values[0].text), fl_buf_text(&values[1].text));
}

static void
test_several(void)
{
    static const char line[] = "{\"id\": 12345678901234567890, \"v\": 1.10, \"t\": \"a\", "
                               "\"t\": \"b\", \"n\": null, \"m\": {\"list\": [{\"role\": "
                               "\"u\", \"x\": [1], \"text\": \"hi\"}, {\"text\": \"yo\", "
                               "\"role\": \"a\"}]}}";
    static const char *const paths[] = {"id", "v", "t", "n", "gone"};
    static const char *const item[] = {"role", "text"};
    struct fl_jsonl_value v[5] = {{0}};
    struct fl_buf joined = {0};
    struct fl_jsonl_wanted wanted = {paths, 5, true, NULL, NULL, NULL};
    size_t offset;

    CHECK(fl_jsonl_fields(line, strlen(line), &wanted, v, &offset) == FL_JSONL_FOUND);
    CHECK_TEXT(fl_buf_text(&v[0].text), "12345678901234567890");
    CHECK_TEXT(fl_buf_text(&v[1].text), "1.10");
    CHECK(v[2].twice && !v[1].twice && !strcmp(fl_buf_text(&v[2].text), "b"));
    CHECK(v[3].result == FL_JSONL_MISSING && v[4].result == FL_JSONL_MISSING);
    wanted = (struct fl_jsonl_wanted){item, 2, false, "m.list", join_item, &joined};
    CHECK(fl_jsonl_fields(line, strlen(line), &wanted, v, &offset) == FL_JSONL_FOUND);
    CHECK_TEXT(fl_buf_text(&joined), "u=hi;a=yo;");
    wanted.list = "m.none";
    CHECK(fl_jsonl_fields(line, strlen(line), &wanted, v, &offset) == FL_JSONL_NOT_TEXT);
    wanted.list = "";
    CHECK(fl_jsonl_fields("[{}, 1]", 7, &wanted, v, &offset) == FL_JSONL_NOT_TEXT);
    fl_buf_release(&joined);
    for (int i = 0; i < 5; i++)
        fl_jsonl_value_release(&v[i]);
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
    struct fl_jsonl_value out = {0};
    uint32_t seed = 7;
    int found = 0;

    for (int round = 0; round < 200000; round++) {
        char line[sizeof good];
        memcpy(line, good, sizeof good);
        for (uint32_t n = next(&seed) % 3; n; n--)
            line[next(&seed) % (sizeof good - 1)] = bytes[next(&seed) % (sizeof bytes - 1)];
        size_t offset;
        json_error_t error;
        enum fl_jsonl_result result = fl_jsonl_field(line, sizeof good - 1, "text", &out, &offset);
        json_t *tree = json_loadb(line, sizeof good - 1,
                                  JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
                                  &error);
        int same = !tree == (result == FL_JSONL_MALFORMED);
        if (!tree &&
            (strstr(line, "\\ud") || json_error_code(&error) == json_error_numeric_overflow))
            same = 1; /* jansson refuses lone halves of pairs, and numbers out of range */
        json_t *text = tree ? json_object_get(tree, "text") : NULL;
        if (result == FL_JSONL_FOUND && tree && !out.surrogates) {
            found++;
            same = same && json_is_string(text) && json_string_length(text) == out.text.len &&
                   !memcmp(json_string_value(text), out.text.data, out.text.len);
        } else if (tree) {
            same = same && (result == FL_JSONL_NOT_TEXT) == (text && !json_is_string(text));
        }
        if (!same)
            printf("# %s: %d\n", line, (int)result);
        CHECK(same);
        json_decref(tree);
    }
    CHECK(found > 10000);
    fl_jsonl_value_release(&out);
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
    RUN(test_several);
    RUN(test_against_jansson);
    RUN(test_quote);
    RUN(test_span);
    return test_end();
}
