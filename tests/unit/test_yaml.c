#include "conf/yaml.h"

#include "base/buf.h"
#include "test.h"

static struct fl_yaml *
parse(const char *text)
{
    return fl_yaml_parse(text, strlen(text), "a.yaml");
}

/* TEXT is refused with FL_USAGE and a sentence that begins with WANT. */
static void
refused(const char *text, size_t len, const char *want)
{
    fl_error_clear();
    struct fl_yaml *root = fl_yaml_parse(text, len, "a.yaml");

    CHECK(!root);
    CHECK(fl_error_status() == FL_USAGE);
    if (strncmp(fl_error_text(), want, strlen(want)))
        CHECK_TEXT(fl_error_text(), want);
    fl_yaml_free(root);
}

static void
test_tree(void)
{
    struct fl_yaml *y = parse("# a comment\n"
                              "name: nano\n"
                              "sizes: [1, 'two', \"\\u00e9\"]\n"
                              "inner:\n"
                              "    - a: 1\n"
                              "      b: ~\n"
                              "    -\n"
                              "text: |\n"
                              "    one\n"
                              "    two\n");

    CHECK(y && y->type == FL_YAML_MAP && y->count == 4);
    if (!y)
        return;
    CHECK(y->line == 2);
    CHECK_TEXT(fl_yaml_get(y, "name")->text, "nano");
    const struct fl_yaml *sizes = fl_yaml_get(y, "sizes");
    CHECK(sizes->type == FL_YAML_LIST && sizes->count == 3 && sizes->line == 3);
    CHECK_TEXT(sizes->items[1]->text, "two");
    CHECK_TEXT(sizes->items[2]->text, "\xc3\xa9");
    const struct fl_yaml *inner = fl_yaml_get(y, "inner");
    CHECK(inner->type == FL_YAML_LIST && inner->count == 2 && y->key_lines[2] == 4);
    CHECK(inner->items[0]->type == FL_YAML_MAP && inner->items[0]->items[1]->line == 6);
    CHECK_TEXT(inner->items[1]->text, "");
    CHECK_TEXT(fl_yaml_get(y, "text")->text, "one\ntwo\n");
    CHECK(!fl_yaml_get(y, "nam") && !fl_yaml_get(inner, "a"));
    fl_yaml_free(y);
    fl_yaml_free(NULL);
}

/* A byte order mark and other line ends change nothing, the numbers of lines neither. */
static void
test_line_ends(void)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    static const char *const lines[] = {"# a comment", "a: 1",     "",         "b:",
                                        "    - x",     "    - 'y", "      z'", "c: |",
                                        "    one",     "",         "    two",  "d: {e: 1,",
                                        "    f: 2}",   NULL};

    for (int bom = 0; bom < 3; bom++)
        for (size_t e = 0; e < 3; e++) {
            struct fl_buf text = {0};
            for (int i = 0; i < bom; i++)
                CHECK(!fl_buf_add_text(&text, "\xef\xbb\xbf"));
            for (size_t i = 0; lines[i]; i++)
                CHECK(!fl_buf_add_text(&text, lines[i]) && !fl_buf_add_text(&text, ends[e]));
            struct fl_yaml *y = fl_yaml_parse(fl_buf_text(&text), text.len, "a.yaml");
            CHECK(y && y->count == 4);
            if (y) {
                CHECK(y->key_lines[0] == 2 && y->key_lines[1] == 4 && y->key_lines[3] == 12);
                CHECK_TEXT(y->items[1]->items[1]->text, "y z");
                CHECK(y->items[1]->items[1]->line == 6 && y->items[3]->key_lines[1] == 13);
                CHECK_TEXT(y->items[2]->text, "one\n\ntwo\n");
            }
            fl_yaml_free(y);
            CHECK(!fl_buf_add_text(&text, "a: 2"));
            refused(fl_buf_text(&text), text.len, "a.yaml: line 14: \"a\" is there twice");
            fl_buf_release(&text);
        }
}

#define REFUSED(text, want) refused(text, sizeof(text) - 1, want)

static void
test_refused(void)
{
    REFUSED("", "a.yaml: is empty");
    REFUSED("# nothing\n", "a.yaml: is empty");
    REFUSED("\xef\xbb\xbf", "a.yaml: is empty");
    REFUSED("\r\n", "a.yaml: is empty");
    REFUSED("\xff\xfe"
            "a\0:\0",
            "a.yaml: is UTF-16, not UTF-8; make it so with: iconv -f UTF-16");
    REFUSED("\xfe\xff\0a\0:", "a.yaml: is UTF-16");
    REFUSED("a\0:\0 \0"
            "1\0",
            "a.yaml: is UTF-16");
    REFUSED("\0a\0:\0 \0"
            "1",
            "a.yaml: is UTF-16");
    REFUSED("a: 1\nb: &x 2\n", "a.yaml: line 2: anchor \"&x\" is refused");
    REFUSED("a: &x [1]\n", "a.yaml: line 1: anchor \"&x\" is refused");
    REFUSED("&x a: 1\n", "a.yaml: line 1: anchor \"&x\" is refused");
    REFUSED("a: &x {b: 1}\n", "a.yaml: line 1: anchor \"&x\" is refused");
    REFUSED("a:\n  - *x\n", "a.yaml: line 2: alias \"*x\" is refused");
    REFUSED("*x : 1\n", "a.yaml: line 1: alias \"*x\" is refused");
    REFUSED("a: !!int 1\n", "a.yaml: line 1: tag \"tag:yaml.org,2002:int\" is refused");
    REFUSED("a: !x [1]\n", "a.yaml: line 1: tag \"!x\" is refused");
    REFUSED("a: !x {b: 1}\n", "a.yaml: line 1: tag \"!x\" is refused");
    REFUSED("a: 1\nb: 2\nc: 3\na: 4\nb: 5\n", "a.yaml: line 4: \"a\" is there twice");
    REFUSED("[a, b]: 1\n", "a.yaml: line 1: a key must be a word");
    REFUSED("{a: 1}: 1\n", "a.yaml: line 1: a key must be a word");
    REFUSED("a: 1\n---\nb: 2\n", "a.yaml: line 2: a second document");
    REFUSED("a: \"x\\0y\"\n", "a.yaml: line 1: a zero byte");
    REFUSED("a: 1\nb: [1, 2\nc: 3\n", "a.yaml: line 3: not YAML");
    REFUSED("a: 1\n b: 2\n", "a.yaml: line 2: not YAML");
    REFUSED("a: \xff\xfe\n", "a.yaml: not YAML in UTF-8 at byte 3");
    REFUSED("a\0: 1\n", "a.yaml: not YAML in UTF-8 at byte 1");
}

/* "[[[...]]]", DEPTH deep. */
static struct fl_yaml *
nested(size_t depth)
{
    char text[200];

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return fl_yaml_parse(text, 2 * depth, "a.yaml");
}

static void
test_limits(void)
{
    struct fl_yaml *y = nested(32);
    CHECK(y);
    fl_yaml_free(y);
    CHECK(!nested(33));
    CHECK_TEXT(fl_error_text(), "a.yaml: line 1: nested deeper than 32");

    size_t max = 8 << 20;
    char *text = malloc(max + 2);
    memset(text, 'x', max + 1);
    memcpy(text, "a: ", 3);
    y = fl_yaml_parse(text, max, "a.yaml");
    CHECK(y && strlen(fl_yaml_get(y, "a")->text) == max - 3);
    fl_yaml_free(y);
    refused(text, max + 1, "a.yaml: has 8388609 bytes");
    free(text);
}

/* Quadratic checks would take minutes here. */
static void
test_many_keys(void)
{
    struct fl_buf b = {0};

    for (int i = 0; i < 100000; i++)
        fl_buf_printf(&b, "k%d:\n", i);
    struct fl_yaml *y = fl_yaml_parse(fl_buf_text(&b), b.len, "a.yaml");
    CHECK(y && y->count == 100000);
    fl_yaml_free(y);
    fl_buf_printf(&b, "k77: 1\n");
    refused(fl_buf_text(&b), b.len, "a.yaml: line 100001: \"k77\" is there twice");
    fl_buf_release(&b);
}

struct config {
    int64_t n;
    double x;
    bool on, n_given;
    char *text, *choice;
    const struct fl_yaml *node;
};

static int
fill(struct config *c, const char *text)
{
    static struct fl_yaml *root; /* nodes are borrowed: kept until the next call */
    const struct fl_yaml_key keys[] = {
        FL_KEY_I64("n", 1, 10, &c->n, .given = &c->n_given),
        FL_KEY_I64("any", 0, 0, &c->n),
        FL_KEY_F64("x", 0, 1, &c->x),
        FL_KEY_F64("anyx", 0, 0, &c->x),
        FL_KEY_BOOL("on", &c->on),
        FL_KEY_TEXT("text", &c->text),
        FL_KEY_CHOICE("choice", "uniform|loss", &c->choice),
        FL_KEY_NODE("node", &c->node),
        FL_KEY_END,
    };

    fl_yaml_free(root);
    root = text ? parse(text) : NULL;
    return root ? fl_yaml_fill("a.yaml", root, keys) : -1;
}

static void
test_fill(void)
{
    struct config c = {.n = 3, .x = 0.25};

    CHECK(!fill(&c, "on: true\ntext: hello world\nchoice: loss\nnode: [1, 2]\n"));
    CHECK(c.n == 3 && c.x == 0.25 && c.on && !c.n_given);
    CHECK_TEXT(c.text, "hello world");
    CHECK_TEXT(c.choice, "loss");
    CHECK(c.node && c.node->count == 2);
    CHECK(!fill(&c, "n: 10\nx: 1e-3\non: false\ntext: again\n"));
    CHECK(c.n == 10 && c.n_given && c.x == 1e-3 && !c.on);
    CHECK_TEXT(c.text, "again");
    CHECK(!fill(&c, "any: -9223372036854775808\nanyx: -2e300\n"));
    CHECK(c.n == INT64_MIN && c.x == -2e300);
    free(c.text);
    free(c.choice);
    fill(&c, NULL);
}

static void
test_fill_errors(void)
{
    static const char *const cases[][2] = {
        {"n: 1\nnn: 2\n", "a.yaml: line 2: there is no key \"nn\"; known are n, any, x, anyx, on, "
                          "text, choice, node; did you mean \"n\"?"},
        {"n: 0\n", "a.yaml: line 1: n: \"0\" is not a whole number from 1 to 10"},
        {"n: 11\n", "a.yaml: line 1: n: \"11\" is not a whole number from 1 to 10"},
        {"n: 1.5\n", "a.yaml: line 1: n: \"1.5\" is not a whole number from 1 to 10"},
        {"\nn:\n", "a.yaml: line 2: n: \"\" is not a whole number from 1 to 10"},
        {"any: 9223372036854775808\n",
         "a.yaml: line 1: any: \"9223372036854775808\" is not a whole number from "
         "-9223372036854775808 to 9223372036854775807"},
        {"x: 2\n", "a.yaml: line 1: x: \"2\" is not a number from 0 to 1"},
        {"anyx: nan\n", "a.yaml: line 1: anyx: \"nan\" is not a number"},
        {"anyx: 1e999\n", "a.yaml: line 1: anyx: \"1e999\" is not a number"},
        {"on: yes\n", "a.yaml: line 1: on: \"yes\" is not one of true|false"},
        {"choice: los\n",
         "a.yaml: line 1: choice: \"los\" is not one of uniform|loss; did you mean \"loss\"?"},
        {"choice: uniform|loss\n",
         "a.yaml: line 1: choice: \"uniform|loss\" is not one of uniform|loss"},
        {"choice: ''\n", "a.yaml: line 1: choice: \"\" is not one of uniform|loss"},
        {"text: [a]\n", "a.yaml: line 1: text: must be one value, not a list"},
        {"text:\n    a: b\n", "a.yaml: line 2: text: must be one value, not a mapping"},
        {"- 1\n", "a.yaml: line 1: must be a mapping (key: value)"},
    };
    struct config c = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_error_clear();
        CHECK(fill(&c, cases[i][0]) == -1);
        CHECK(fl_error_status() == FL_USAGE);
        CHECK_TEXT(fl_error_text(), cases[i][1]);
    }
    CHECK(!c.text && !c.choice);
    fill(&c, NULL);
}

static void
test_read(void)
{
    char path[] = "/tmp/fl-yaml-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");

    fputs("seed: 7\n", f);
    fclose(f);
    struct fl_yaml *y = fl_yaml_read(path);
    CHECK(y && y->count == 1);
    fl_yaml_free(y);
    f = fopen(path, "w");
    for (int i = 0; i <= 8 << 20; i++)
        fputc('#', f);
    fclose(f);
    CHECK(!fl_yaml_read(path));
    CHECK(strstr(fl_error_text(), path));
    remove(path);
    CHECK(!fl_yaml_read(path));
    CHECK(strstr(fl_error_text(), path));
}

int
main(void)
{
    RUN(test_tree);
    RUN(test_line_ends);
    RUN(test_refused);
    RUN(test_limits);
    RUN(test_many_keys);
    RUN(test_fill);
    RUN(test_fill_errors);
    RUN(test_read);
    return test_end();
}
