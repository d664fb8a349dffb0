#include "text/tokenizer.h"

#include <unistd.h>

#include "test.h"
#include "text/marks.h"

static struct fl_tokenizer *
parse(const char *json)
{
    return fl_tokenizer_parse("t.json", json, strlen(json));
}

static void
check_round(const struct fl_tokenizer *t, const char *text, size_t len)
{
    struct fl_encoder *e = fl_encoder_new(t);
    struct fl_ids ids = {0};
    struct fl_buf out = {0};

    CHECK(!fl_encode(e, text, len, 0, &ids));
    CHECK(!fl_decode(t, ids.data, ids.len, true, &out));
    CHECK(out.len == len && !memcmp(fl_buf_text(&out), text, len));
    fl_encoder_free(e);
    fl_ids_release(&ids);
    fl_buf_release(&out);
}

static void
test_bytes(void)
{
    struct fl_tokenizer *t = fl_tokenizer_bytes();
    struct fl_encoder *e = fl_encoder_new(t);
    static const char text[] = "a<|endoftext|>\0\xc3\xa9";
    struct fl_ids ids = {0};
    struct fl_buf out = {0};
    unsigned char digest[32];
    char hex[65];
    size_t len;

    CHECK(t && fl_tokenizer_vocab(t) == 257 && fl_tokenizer_marks(t)->end == 256);
    CHECK(!fl_encode(e, text, sizeof text - 1, 0, &ids) && ids.len == sizeof text - 1);
    for (size_t i = 0; i < ids.len; i++)
        CHECK(ids.data[i] == (unsigned char)text[i]);
    ids.len = 0;
    CHECK(!fl_encode(e, text, sizeof text - 1, FL_ENCODE_SPECIAL | FL_ENCODE_TEMPLATE, &ids));
    CHECK(ids.len == 5 && ids.data[1] == 256);
    CHECK(!fl_decode(t, ids.data, ids.len, false, &out) && out.len == 4);
    ids.len = 1;
    CHECK(fl_encode(e, "ab\xff", 3, 0, &ids) == -1 && ids.len == 1);
    CHECK(strstr(fl_error_text(), "byte 2") != NULL);
    CHECK(!memcmp(fl_tokenizer_piece(t, 'x', &len), "x", 1) && len == 1);
    CHECK(fl_tokenizer_is_special(t, 256) && !fl_tokenizer_is_special(t, 255));
    CHECK(!fl_tokenizer_piece(t, 257, &len) && len == 0);
    ids.data[0] = 257;
    CHECK(fl_decode(t, ids.data, 1, true, &out) == -1);
    CHECK(fl_tokenizer_find(t, FL_EOT_TEXT, strlen(FL_EOT_TEXT)) == 256);
    CHECK(fl_tokenizer_find(t, "\n", 1) == 10 && fl_tokenizer_find(t, "zz", 2) == -1);
    /* the canonical bytes are frozen: shards name this digest */
    fl_tokenizer_digest(t, digest);
    fl_hex(hex, digest, 32);
    CHECK_TEXT(hex, "4ac77f25564a9918472eb58745b807c0f80acb001cf7b78931633f16f4da34ef");
    check_round(t, "", 0);
    fl_encoder_free(e);
    fl_ids_release(&ids);
    fl_buf_release(&out);
    fl_tokenizer_free(t);
}

/* A small byte-level vocabulary; %s takes more of the file, or other parts of it. */
#define ADDED "[{\"id\":256,\"content\":\"<|endoftext|>\",\"special\":true}]"
#define LEVEL "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
static struct fl_buf json;

static const char *
make(const char *added, const char *normalizer, const char *pre, const char *decoder,
     const char *vocab, const char *merges, const char *model)
{
    fl_buf_clear(&json);
    fl_buf_printf(&json,
                  "{\"version\":\"1.0\",\"added_tokens\":%s,\"normalizer\":%s,\"pre_tokenizer\":%s,"
                  "\"decoder\":%s,\"model\":{\"type\":\"BPE\",%s\"vocab\":{",
                  added, normalizer, pre, decoder, model);
    struct fl_tokenizer *bytes = fl_tokenizer_bytes();
    size_t len;
    const char *all = fl_tokenizer_json(bytes, &len);
    const char *from = strstr(all, "\"vocab\":{") + 9, *to = strstr(from, ",\"<|endof");
    fl_buf_add(&json, from, (size_t)(to - from));
    fl_tokenizer_free(bytes);
    fl_buf_printf(&json, "%s},\"merges\":%s}}", vocab, merges);
    return fl_buf_text(&json);
}

static void
check_ids(const struct fl_tokenizer *t, const char *text, unsigned flags, const char *want)
{
    struct fl_encoder *e = fl_encoder_new(t);
    struct fl_ids ids = {0};
    struct fl_buf out = {0};

    CHECK(!fl_encode(e, text, strlen(text), flags, &ids));
    for (size_t i = 0; i < ids.len; i++)
        fl_buf_printf(&out, i ? " %u" : "%u", (unsigned)ids.data[i]);
    CHECK_TEXT(fl_buf_text(&out), want);
    fl_encoder_free(e);
    fl_ids_release(&ids);
    fl_buf_release(&out);
}

/* Merges, or a whole word, or a character could spell a special token; they do not make it. */
static void
test_injection(void)
{
    static const char ab[] = "[{\"id\":256,\"content\":\"ab\",\"special\":true}]";
    struct fl_tokenizer *t = parse(make(ab, "null", LEVEL, LEVEL, ",\"ab\":256,\"abc\":257",
                                        "[\"a b\",\"ab c\"]", "\"ignore_merges\":true,"));

    CHECK(t != NULL);
    check_ids(t, "ab", 0, "97 98");
    check_ids(t, "ab", FL_ENCODE_SPECIAL, "256");
    check_ids(t, "abc", 0, "257"); /* a token of its own */
    check_ids(t, "abcab", 0, "97 98 99 97 98");
    fl_tokenizer_free(t);
    t = parse("{\"added_tokens\":[{\"id\":1,\"content\":\"x\",\"special\":true}],\"decoder\":{"
              "\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"}]},\"model\":{\"type\":"
              "\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"x\":1,\"y\":2},\"merges\":[]}}");
    CHECK(t != NULL);
    check_ids(t, "xy", 0, "0 2");
    check_ids(t, "xy", FL_ENCODE_SPECIAL, "1 2");
    fl_tokenizer_free(t);
    /* a name that an added token alone has is found by that token's flags only */
    t = parse("{\"added_tokens\":[{\"id\":3,\"content\":\"z\",\"single_word\":true,\"special\":"
              "false}],\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"}]},"
              "\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"x\":1,\"y\":2},"
              "\"merges\":[]}}");
    CHECK(t != NULL);
    check_ids(t, "z", 0, "3");
    check_ids(t, "yz", 0, "2 0");
    check_ids(t, "z-zz", 0, "3 0 0 0");
    fl_tokenizer_free(t);
}

static void
test_added_tokens(void)
{
    struct fl_tokenizer *t = parse(
        make("[{\"id\":256,\"content\":\"<a>\",\"special\":true,\"lstrip\":true},{\"id\":257,"
             "\"content\":\"<a>b\",\"special\":false,\"rstrip\":true,\"normalized\":false},{\"id\":"
             "258,\"content\":\"<ab\",\"special\":true},{\"id\":300,\"content\":\"e\\u0301\","
             "\"normalized\":true}]",
             "{\"type\":\"NFC\"}", LEVEL, LEVEL, "", "[]", ""));
    size_t len;

    CHECK(t && fl_tokenizer_vocab(t) == 301 && fl_tokenizer_marks(t)->end == -1);
    check_ids(t, "x <a>y", FL_ENCODE_SPECIAL, "120 256 121");
    check_ids(t, "<a>b \t\ny<a>", FL_ENCODE_SPECIAL, "257 121 256");
    check_ids(t, "<ab<a>", FL_ENCODE_SPECIAL, "258 256");
    check_ids(t, "<a", FL_ENCODE_SPECIAL, "60 97");
    check_ids(t, "<a> \xe2\x80\x83<a>", FL_ENCODE_SPECIAL, "256 256");
    check_ids(t, "x\xc3\xa9!", FL_ENCODE_SPECIAL, "120 300 33"); /* looked for after NFC */
    check_ids(t, "xe\xcc\x81!", FL_ENCODE_SPECIAL, "120 300 33");
    check_ids(t, "e\xcc\x81", 0, "300"); /* no special one: found without being asked for */
    check_ids(t, "<a>bx<a>", 0, "257 120 60 97 62");
    CHECK(!fl_tokenizer_piece(t, 299, &len));
    fl_tokenizer_free(t);
}

static void
refused(const char *text, const char *why)
{
    struct fl_tokenizer *t = parse(text);

    CHECK(!t && fl_error_status() == FL_FAILED);
    if (!t && !strstr(fl_error_text(), why))
        CHECK_TEXT(fl_error_text(), why);
    CHECK(t || !strncmp(fl_error_text(), "t.json: ", 8));
    fl_tokenizer_free(t);
}

/* What is not supported is refused by its name. */
static void
test_refusals(void)
{
    refused("", "tokenizer.json");
    refused("{\"model\":", "line 1");
    refused("[]", "not an object");
    refused("{\"model\":{\"type\":\"Unigram\"}}", "Unigram");
    refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", "vocab");
    refused("{\"model\":{\"type\":\"BPE\"},\"extra\":1}", "extra");
    refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999}}}", "too large");
    refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1,\"b\":1}}}", "two tokens");
    refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1}}}", "whole number");
    refused("{\"truncation\":{\"max_length\":5},\"model\":{\"type\":\"BPE\"}}", "truncation");
    refused(make(ADDED, "{\"type\":\"Lowercase\"}", LEVEL, LEVEL, "", "[]", ""), "Lowercase");
    refused(make(ADDED, "null", "{\"type\":\"Whitespace\"}", LEVEL, "", "[]", ""), "Whitespace");
    refused(make(ADDED, "null", LEVEL, "{\"type\":\"WordPiece\"}", "", "[]", ""), "WordPiece");
    refused(make(ADDED, "null", LEVEL, "null", "", "[]", ""), "decoder");
    refused(make(ADDED, "null", "null", LEVEL, "", "[]", ""), "ByteLevel");
    refused(make(ADDED, "null", LEVEL, LEVEL, "", "[\"a b\"]", ""), "merge 0");
    refused(make(ADDED, "null", LEVEL, LEVEL, "", "[\"ab\"]", ""), "merge 0");
    refused(make(ADDED, "null", LEVEL, LEVEL, "", "{}", ""), "merges");
    refused(make(ADDED, "null", LEVEL, LEVEL, "", "[]", "\"dropout\":0.1,"), "dropout");
    refused(make(ADDED, "null", LEVEL, LEVEL, "", "[]", "\"unk_token\":\"q!\","), "unk_token");
    refused(make(ADDED, "null", LEVEL, LEVEL, "", "[]", "\"end_of_word_suffix\":\"w\","), "suffix");
    refused(make("[{\"id\":256,\"content\":\"a\"}]", "null", LEVEL, LEVEL, "", "[]", ""),
            "two ids");
    refused(make("[{\"id\":97,\"content\":\"q!\"}]", "null", LEVEL, LEVEL, "", "[]", ""),
            "two tokens");
    refused(make(ADDED, "null",
                 "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Removed\"}",
                 LEVEL, "", "[]", ""),
            "Removed");
    refused(make(ADDED, "null",
                 "{\"type\":\"Sequence\",\"pretokenizers\":[" LEVEL ",{\"type\":\"Digits\"}]}",
                 LEVEL, "", "[]", ""),
            "Digits");
    refused(make(ADDED, "{\"type\":\"NFC\",\"x\":1}", LEVEL, LEVEL, "", "[]", ""), "\"x\"");
    fl_buf_release(&json);
}

static size_t
unhex(const char *from, size_t n, unsigned char *to)
{
    for (size_t i = 0; i < n / 2; i++) {
        const char digits[3] = {from[2 * i], from[2 * i + 1], '\0'};
        to[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return n / 2;
}

static int
same_ids(const struct fl_ids *ids, const char *field, size_t len)
{
    struct fl_buf out = {0};

    for (size_t i = 0; i < ids->len; i++)
        fl_buf_printf(&out, i ? " %u" : "%u", (unsigned)ids->data[i]);
    int same = out.len == len && !memcmp(fl_buf_text(&out), field, len);
    fl_buf_release(&out);
    return same;
}

static void
check_row(const struct fl_tokenizer *t, struct fl_encoder *e, char *line, int *rows)
{
    static unsigned char text[65536], want[65536];
    char *field[4];
    size_t lens[4];
    struct fl_ids ids = {0};
    struct fl_buf out = {0};

    for (int f = 0; f < 4; f++) {
        lens[f] = strcspn(line, "\t\n");
        field[f] = line;
        line += lens[f] + 1;
    }
    size_t n = unhex(field[0], lens[0], text);
    int good = !fl_encode(e, (char *)text, n, FL_ENCODE_SPECIAL, &ids) &&
               same_ids(&ids, field[1], lens[1]);
    size_t m = unhex(field[3], lens[3], want);
    good = good && !fl_decode(t, ids.data, ids.len, false, &out) && out.len == m &&
           !memcmp(fl_buf_text(&out), want, m);
    ids.len = 0;
    good = good && !fl_encode(e, (char *)text, n, FL_ENCODE_SPECIAL | FL_ENCODE_TEMPLATE, &ids) &&
           same_ids(&ids, field[2], lens[2]);
    if (!good)
        printf("# text %.*s (%.*s)\n", (int)lens[0], field[0], (int)n, (char *)text);
    CHECK(good);
    (*rows)++;
    fl_ids_release(&ids);
    fl_buf_release(&out);
}

static void
check_reference(const char *shared, const char *file, const char *name)
{
    char path[4096];
    static char line[400000];
    int rows = 0;

    snprintf(path, sizeof path, "%s/data/%s/tokenizer.json", shared, file);
    struct fl_tokenizer *t = fl_tokenizer_load(path);
    CHECK(t);
    if (!t)
        return;
    struct fl_encoder *e = fl_encoder_new(t);
    snprintf(path, sizeof path, "%s/data/tokenizers/%s/ref.tsv", shared, name);
    FILE *f = fopen(path, "r");
    CHECK(f && e);
    while (f && fgets(line, sizeof line, f))
        if (line[0] != '#')
            check_row(t, e, line, &rows);
    CHECK(rows > 300);
    if (f)
        fclose(f);
    fl_encoder_free(e);
    fl_tokenizer_free(t);
}

static void
test_references(void)
{
    const char *shared = getenv("FL_SHARED"), *top = getenv("top");
    char path[4096];

    if (!shared) {
        snprintf(path, sizeof path, "%s/../shared", top ? top : ".");
        shared = path;
    }
    char probe[4200];
    snprintf(probe, sizeof probe, "%s/data/tokenizers/gpt2/ref.tsv", shared);
    if (access(probe, R_OK))
        SKIP("no ../shared/data here");
    check_reference(shared, "tokenizers/gpt2", "gpt2");
    check_reference(shared, "tokenizers/smollm-style-on-gpt2-vocab", "smollm-style-on-gpt2-vocab");
    check_reference(shared, "tokenizers/qwen2.5", "qwen2.5");
    check_reference(shared, "tokenizers/tok512-spm", "tok512-spm");
    check_reference(shared, "tokenizers/tok512-metaspace-first", "tok512-metaspace-first");
    check_reference(shared, "models/tiny-gpt2", "model-tiny-gpt2");
    check_reference(shared, "models/tiny-qwen2", "model-tiny-qwen2");
    check_reference(shared, "models/tiny-llama-untied", "model-tiny-llama-untied");
    check_reference(shared, "models/stories260K", "tok512-spm");
}

int
main(void)
{
    RUN(test_bytes);
    RUN(test_injection);
    RUN(test_added_tokens);
    RUN(test_refusals);
    RUN(test_references);
    return test_end();
}
