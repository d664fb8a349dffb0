#include "data/looks.h"

#include "base/buf.h"
#include "test.h"

/* What comes near a table and is none; and tables. */
static void
test_tables(void)
{
    static const struct {
        const char *text;
        char divider;
    } cases[] = {
        {"", 0},
        {"one\ntwo\nthree\n", 0},
        /* verse, in which each line has one comma, two of them */
        {"Roses are red, violets blue\nSugar is sweet, and so are you\nThe sun is up, the sky is "
         "clear\nThe birds are here, the spring is near\n",
         0},
        {"I came, I saw, I won\nHe came, he saw, he lost\nWe came, we saw, we left\n", 0},
        {"la,la,la\nla,la,la\nla,la,la\n", 0},
        {"\xe5\xba\x8a\xe5\x89\x8d,\xe7\x96\x91\xe6\x98\xaf\n\xe4\xb8\xbe\xe5\xa4\xb4,\xe4\xbd\x8e"
         "\xe5\xa4\xb4\n\xe5\xba\x8a,\xe9\x9c\x9c,\xe5\xa4\xb4\n",
         0},
        {"\xe5\xba\x8a,\xe7\x96\x91,\xe5\xa4\xb4\n\xe4\xb8\xbe,\xe5\xa4\xb4,\xe4\xbd\x8e\n\xe5\xba"
         "\x8a,\xe9\x9c\x9c,\xe5\xa4\xb4\n",
         0},
        /* talk */
        {"\"Hello,\" said Bob, \"come in\"\n\"Why,\" said Ann, \"who is it\"\n\"Me,\" said Bob, "
         "\"of "
         "course\"\n",
         0},
        {"Ann: hi, you\nBob: hello, Ann\nAnn: bye, Bob\n", 0},
        /* lists, with tabs and without */
        {"1.\tApples\n2.\tPears\n3.\tPlums\n", 0},
        {"apple\tApfel\tpomme\npear\tBirne\tpoire\nplum\tPflaume\tprune\n", 0},
        {"the\t1234\nof\t999\nand\t870\n", 0},
        {"Smith,John\nDoe,Jane\nRoe,Richard\n", 0},
        /* logs */
        {"2024-01-01,12:00:01,INFO,started\n2024-01-01,12:00:02,INFO,ready\n2024-01-01,12:00:03,"
         "WARN,"
         "slow\n",
         0},
        {"12:00:01,123 INFO a\n12:00:01,456 INFO b\n12:00:02,001 WARN c\n", 0},
        {"2024-01-01\tINFO\tstarted\n2024-01-01\tINFO\tready\n2024-01-02\tWARN\tslow\n", 0},
        /* code */
        {"int a,b;\nint c,d;\nint e,f;\n", 0},
        {"a = f(1,2);\nb = f(3,4);\nc = f(5,6);\n", 0},
        {"\"one\",\n\"two\",\n\"three\",\n", 0},
        {"mov eax,ebx\nadd eax,ecx\nret\n", 0},
        {"INSERT INTO t (a,b) VALUES (1,'x');\nINSERT INTO t (a,b) VALUES (2,'y');\nINSERT INTO t "
         "(a,b) VALUES (3,'z');\n",
         0},
        {"all:\n\tcc a.c\nclean:\n\trm a\n", 0},
        {"x = 1;\ny = 2;\nz = 3;\n", 0},
        /* tables of Markdown and of others */
        {"| a | b |\n|---|---|\n| 1 | 2 |\n", 0},
        {"Name, age, place\nBob, 3, Rome\nAnn, 4, Oslo\n", 0},
        {"a,b,c\n1,2\n3,4,5\n", 0},         /* not as many */
        {"a,b,c\n\n1,2,3\n4,5,6\n", 0},     /* a blank line */
        {"a,b,c\n1,\"2,3\n4,5,6\n", 0},     /* a quote without end */
        {"a,b,c\n1,2 \"x\",3\n4,5,6\n", 0}, /* a quote within */
        {"a,b,c\n1,\"2\"x,3\n4,5,6\n", 0},
        {"a,b,c\n", 0},
        /* tables */
        {"id,text\n1,hello\n", ','},
        {"id,text\n1,hello\n2,world\n", ','},
        {"\xef\xbb\xbfid,text\r\n1,hello\r\n2,world\r\n", ','},
        {"text,label\ngood,1\nbad,0", ','},
        {"id,text\n1,\"Hello, \"\"world\"\"\nand more\"\n2,\"x\"\n", ','},
        {"name,city,country\nBob,Paris,France\nAnn,Rome,Italy\n", ','},
        {"id;name;value\n1;a;2,5\n2;b;3,5\n", ';'},
        {"name\tage\tcity\nBob\t3\tRome\nAnn\t4\tOslo\n", '\t'},
        {"1.5,2.5\n3.5,4.5\n5.5,6.5\n", ','},
        {"1\t2\t3\n4\t5\t6\n7\t8\t9\n", '\t'},
        {"\"a\",\"b c\"\n\"d\",\"e, f\"\n\"g\",\"h\"\n", ','},
        {"Name (m),Height [cm]\nx,1\ny,2\nz,3\n", 0}, /* no name has square brackets here */
        {"Name,Height (cm)\nx,1\ny,2\nz,3\n", ','},
        {"\xe5\xa7\x93,\xe5\xb9\xb4\n\xe7\x8e\x8b,3\n\xe6\x9d\x8e,4\n", ','},
        {"a,b\nc,d\ne,f\ng,h\ni,j\nk,l\nm,n\no,p\nq,r\ns,t\n", ','}, /* ten of them */
        {"a,b,\nc,d,\ne,f,\n", 0},
        {"a,b,c\n1,,\n2,,\n3,,\n", ','},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got = fl_looks_table(cases[i].text, strlen(cases[i].text), true);
        if (got != cases[i].divider)
            printf("# %zu: '%c', not '%c', in %.50s\n", i, got, cases[i].divider, cases[i].text);
        CHECK(got == cases[i].divider);
    }
    /* of a sample the last record may be cut */
    CHECK(fl_looks_table("id,text\n1,a\n2,b\n3", 17, false) == ',');
    CHECK(fl_looks_table("id,text\n1,a\n2,b\n3", 17, true) == 0);
    CHECK(fl_looks_table("id,text\n1,a\n2,\"b", 16, false) == ',');
}

static void
test_json(void)
{
    static const struct {
        const char *text;
        enum fl_json_look whole, cut;
    } cases[] = {
        {"", FL_JSON_NONE, FL_JSON_NONE},
        {"[Scene: a room, with \"a\" door]\n[Enter Ann]\n", FL_JSON_NONE, FL_JSON_NONE},
        {"[1] Doe, J.: On things. 1999.\n[2] Roe, R.: On others.\n", FL_JSON_NONE, FL_JSON_NONE},
        {"[1, 2, 3]\n", FL_JSON_NONE, FL_JSON_NONE}, /* a list of numbers that somebody printed */
        {"[]\n", FL_JSON_NONE, FL_JSON_NONE},
        {"[\"a\"] is a list of one\n", FL_JSON_NONE, FL_JSON_NONE},
        {"[link](http://x) and text\n", FL_JSON_NONE, FL_JSON_NONE},
        {"[section]\nkey = \"value\"\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{ int x; }\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{{ title }}\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{\"a\": 1, b: 2}\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{\"a\" is a letter}\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{}\ntext behind it\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{\"a\": 1} and prose\n", FL_JSON_NONE, FL_JSON_NONE},
        {"{\"a\": 1}\nand prose\n", FL_JSON_NONE, FL_JSON_NONE},
        {"\"a\", \"b\"\n", FL_JSON_NONE, FL_JSON_NONE},
        {"[{\"text\": \"a\"}, {\"text\": \"b\"}]\n", FL_JSON_ARRAY, FL_JSON_ARRAY},
        {"\n [\n  {\"text\": \"a\"},\n  {\"text\": \"b\"}\n]\n", FL_JSON_ARRAY, FL_JSON_ARRAY},
        {"[\"a\",\"b\"]", FL_JSON_ARRAY, FL_JSON_ARRAY},
        {"[[1,2],[3,4]]", FL_JSON_ARRAY, FL_JSON_ARRAY},
        {"[{\"text\": \"a\"}, {\"te", FL_JSON_NONE, FL_JSON_ARRAY},
        {"[{\"text\": tr", FL_JSON_NONE, FL_JSON_ARRAY},
        {"{\"text\": \"a\"}\n{\"text\": \"b\"}\n", FL_JSON_LINES, FL_JSON_LINES},
        {"{\"text\": \"a\"}\r\n", FL_JSON_LINES, FL_JSON_LINES},
        {"{\"text\": \"a\"}\n{\"text\": \"b", FL_JSON_NONE, FL_JSON_LINES},
        {"{\"text\": \"aaaaaaa", FL_JSON_NONE, FL_JSON_LINES},
        {"{\n  \"text\": \"a\"\n}\n", FL_JSON_VALUES, FL_JSON_NONE},
        {"{\n  \"text\": \"a\"\n}\n{\n  \"text\": \"b\"\n}\n", FL_JSON_VALUES, FL_JSON_VALUES},
        {"{\n  \"text\": \"a", FL_JSON_NONE, FL_JSON_VALUES},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum fl_json_look whole = fl_looks_json(cases[i].text, strlen(cases[i].text), true);
        enum fl_json_look cut = fl_looks_json(cases[i].text, strlen(cases[i].text), false);
        if (whole != cases[i].whole || cut != cases[i].cut)
            printf("# %s: %d, cut %d\n", cases[i].text, (int)whole, (int)cut);
        CHECK(whole == cases[i].whole && cut == cases[i].cut);
    }
}

static void
encode(struct fl_buf *out, uint32_t c, unsigned size, bool big)
{
    if (size == 2 && c >= 0x10000) {
        encode(out, 0xd800 + ((c - 0x10000) >> 10), 2, big);
        encode(out, 0xdc00 + ((c - 0x10000) & 0x3ff), 2, big);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        fl_buf_add_byte(out, c >> 8 * (big ? size - 1 - i : i) & 0xff);
}

static void
test_wide(void)
{
    static const uint32_t english[] = {'H', 'e', 'l', 'l', 'o', ',', ' ', 'y', 'o', 'u', '\n'},
                          russian[] = {0x41f, 0x440, 0x438, 0x432, 0x435, 0x442, ' ', 0x438, '\n'},
                          chinese[] = {0x4f60, 0x597d, 0xff0c, 0x4e16, 0x754c, 0x3002, '\n'},
                          smile[] = {':', ' ', 0x1f600, ' ', 0x1f601, '\n', 'o', 'k'};
    static const struct {
        const uint32_t *text;
        size_t len;
    } texts[] = {{english, 11}, {russian, 9}, {chinese, 7}, {smile, 8}};
    static const char *const none[] = {"plain",
                                       "one\0two\0\n",
                                       "two\0zeros\0in\0it",
                                       "a\0b\n",
                                       "\0\0\0\0\0\0\0\0",
                                       "a\0b\0",
                                       "PNG\0\0\0\x01\x02\x03\x04\x05",
                                       "\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0"};
    static const size_t none_len[] = {5, 9, 14, 4, 8, 4, 11, 12};

    for (unsigned t = 0; t < 4; t++)
        for (unsigned kind = 0; kind < 4; kind++) {
            static const char *const names[] = {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"};
            struct fl_buf buf = {0};
            for (size_t i = 0; i < texts[t].len; i++)
                encode(&buf, texts[t].text[i], kind / 2 ? 4 : 2, kind % 2);
            const char *got = fl_looks_wide(buf.data, buf.len);
            CHECK_TEXT(got ? got : "none", names[kind]);
            fl_buf_release(&buf);
        }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK_TEXT(fl_looks_wide(none[i], none_len[i]) ? none[i] : "none", "none");
}

int
main(void)
{
    RUN(test_tables);
    RUN(test_json);
    RUN(test_wide);
    return test_end();
}
