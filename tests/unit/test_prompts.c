/* Prompts of a file: what each line says, what the rest is, and the lines that come out. */
#include "nn/prompts.h"

#include <unistd.h>

#include "shard.h"
#include "floats.h"
#include "test.h"

static char path[] = "/tmp/test_prompts.XXXXXX";
static const struct fl_generation usual = {.how = {0.8, 0.95, 0, 0, 1}, .seed = 5, .tokens = 9};

static int
read_prompts(struct fl_prompts *p, const char *text, const struct fl_generation *how, bool answers)
{
    struct fl_tokenizer *t = fl_tokenizer_bytes();
    FILE *f = fopen(path, "wb");

    *p = (struct fl_prompts){.items = NULL};
    CHECK(f && fwrite(text, 1, strlen(text), f) == strlen(text) && !fclose(f));
    int result = fl_prompts_read(p, path, t, how, answers);
    fl_tokenizer_free(t);
    return result;
}

static void
test_fields(void)
{
    static const char text[] =
        "{\"prompt\": \"ab\"}\n"
        "{\"prompt\": \"\", \"id\": \"one\", \"stop\": \"x\", \"tokens\": 3, \"seed\": 8, "
        "\"temperature\": 0, \"top_k\": 4, \"top_p\": 0.5, \"min_p\": 0.25, "
        "\"repetition_penalty\": 1.5, \"other\": [1]}\n"
        "{\"prompt\": \"a\\u0000b\", \"id\": 7, \"stop\": [\"x\", \"yz\"]}\n"
        "{\"prompt\": \"c\", \"id\": null, \"stop\": [], \"seed\": null}\n";
    struct fl_generation how = usual;
    struct fl_prompts p;

    CHECK(!fl_stop_strings_add(&how.stops, "usual", 5));
    CHECK(!read_prompts(&p, text, &how, false) && p.count == 4);
    const struct fl_prompt *a = &p.items[0], *b = &p.items[1], *c = &p.items[2], *d = &p.items[3];
    CHECK(!a->id && a->ids.len == 2 && a->ids.data[1] == 'b');
    CHECK(a->how.seed == 5 && a->how.tokens == 9 && a->how.how.temperature == 0.8);
    CHECK(a->how.stops.count == 1 && !strcmp(a->how.stops.items[0].text, "usual"));
    CHECK(b->id && b->ids.len == 1 && b->ids.data[0] == 256); /* the end of another text */
    CHECK(b->how.tokens == 3 && b->how.seed == 8 && b->how.how.temperature == 0);
    CHECK(b->how.how.top_k == 4 && b->how.how.top_p == 0.5 && b->how.how.min_p == 0.25);
    CHECK(b->how.how.repetition_penalty == 1.5);
    CHECK(b->how.stops.count == 1 && !strcmp(b->how.stops.items[0].text, "x"));
    CHECK(c->ids.len == 3 && c->ids.data[1] == 0);
    CHECK(c->how.stops.count == 2 && !strcmp(c->how.stops.items[1].text, "yz"));
    CHECK(!d->id && d->how.seed == 5 && d->how.stops.count == 0); /* an empty list: none */
    fl_prompts_release(&p);
    fl_stop_strings_release(&how.stops);
}

static void
test_refused(void)
{
    static const struct {
        const char *line, *says;
        bool answers;
    } cases[] = {
        {"{}", "has no field \"prompt\"", false},
        {"{\"prompt\": 1}", "\"prompt\" is not a string", false},
        {"{\"prompt\": \"a\", \"id\": [1]}", "\"id\" is neither", false},
        {"{\"prompt\": \"a\", \"id\": 1.5}", "\"id\" is neither", false},
        {"{\"prompt\": \"a\", \"stop\": \"\"}", "a stop string is empty", false},
        {"{\"prompt\": \"a\", \"stop\": 1}", "\"stop\" is not a string", false},
        {"{\"prompt\": \"a\", \"stop\": [\"a\", 1]}", "item 1 of its field \"stop\"", false},
        {"{\"prompt\": \"a\", \"tokens\": -1}", "\"tokens\" is not a whole number", false},
        {"{\"prompt\": \"a\", \"seed\": 0.5}", "\"seed\" is not a whole number", false},
        {"{\"prompt\": \"a\", \"temperature\": -1}", "\"temperature\" is not a number", false},
        {"{\"prompt\": \"a\", \"top_k\": 1.5}", "\"top_k\" is not a whole number", false},
        {"{\"prompt\": \"a\", \"top_p\": 2}", "\"top_p\" is not a number", false},
        {"{\"prompt\": \"a\", \"min_p\": \"0\"}", "\"min_p\" is not a number", false},
        {"{\"prompt\": \"a\", \"repetition_penalty\": 0}", "is not a number from 0.01", false},
        {"{\"prompt\": \"a\"}", "has no field \"answer\"", true},
        {"{\"prompt\": \"a\", \"answer\": 4}", "\"answer\" is not a string", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_prompts p;
        char text[300];
        snprintf(text, sizeof text, "{\"prompt\": \"fine\", \"answer\": \"x\"}\n\n%s\n",
                 cases[i].line);
        CHECK(read_prompts(&p, text, &usual, cases[i].answers) == -1);
        CHECK(fl_error_status() == FL_FAILED && strstr(fl_error_text(), ": line 3: "));
        CHECK(strstr(fl_error_text(), cases[i].says));
        fl_error_clear();
        fl_prompts_release(&p);
    }
}

/* The text of a line is its own: whatever other lines there are, and in whatever order. */
static void
test_order(void)
{
    static const char forth[] = "{\"prompt\": \"a\", \"seed\": 1}\n{\"prompt\": \"abcdefghijk\"}\n"
                                "{\"prompt\": \"a\", \"seed\": 2}\n{\"prompt\": \"\"}\n";
    static const char back[] = "{\"prompt\": \"\"}\n{\"prompt\": \"a\", \"seed\": 2}\n"
                               "{\"prompt\": \"abcdefghijk\"}\n{\"prompt\": \"a\", \"seed\": 1}\n";
    struct fl_bundle b = {.model = shard_model(3, FL_BYTE_VOCAB),
                          .tokenizer = fl_tokenizer_bytes()};
    struct fl_generator *g = fl_generator_new(&b, NULL);
    const struct fl_generation how = {.how = FL_SAMPLING_PLAIN, .seed = 5, .tokens = 20};
    struct fl_buf text[2][4] = {{{0}}};
    struct fl_prompts p;
    struct fl_generated done;

    for (int k = 0; k < 2; k++) {
        CHECK(!read_prompts(&p, k ? back : forth, &how, false) && p.count == 4);
        for (size_t i = 0; i < p.count; i++)
            CHECK(!fl_prompts_generate(&p, i, g, &text[k][i], &done) && text[k][i].len);
        fl_prompts_release(&p);
    }
    for (size_t i = 0; i < 4; i++)
        CHECK_TEXT(fl_buf_text(&text[0][i]), fl_buf_text(&text[1][3 - i]));
    CHECK(strcmp(fl_buf_text(&text[0][0]), fl_buf_text(&text[0][2]))); /* another seed */
    for (int i = 0; i < 8; i++)
        fl_buf_release(&text[i / 4][i % 4]);
    fl_generator_free(g);
    fl_bundle_release(&b);
}

static void
test_lines(void)
{
    struct fl_buf text = {0}, out = {0};
    struct fl_prompts p;

    CHECK(!read_prompts(&p, "{\"prompt\": \"ab\", \"id\": \"\\u001b\\\"\", \"stop\": \"\\n\"}\n",
                        &usual, false));
    CHECK(!fl_buf_add(&text, "x\"\0\n", 4));
    CHECK(!fl_prompts_write(&out, &p.items[0], &text,
                            &(struct fl_generated){FL_GENERATED_STOP, 0, 3, 1}));
    CHECK_TEXT(fl_buf_text(&out),
               "{\"id\": \"\\u001b\\\"\", \"text\": \"x\\\"\\u0000\\n\", \"finish_reason\": "
               "\"stop_sequence\", \"stop\": \"\\n\", \"prompt_tokens\": 2, \"dropped_tokens\": 1, "
               "\"new_tokens\": 3}\n");
    fl_prompts_release(&p);
    fl_buf_clear(&out);
    CHECK(!read_prompts(&p, "{\"prompt\": \"ab\", \"id\": -12}\n{\"prompt\": \"c\"}\n", &usual,
                        false));
    CHECK(!fl_prompts_write(&out, &p.items[0], &text,
                            &(struct fl_generated){FL_GENERATED_EOS, 0, 3, 0}));
    CHECK(strstr(fl_buf_text(&out), "{\"id\": -12, "));
    CHECK(strstr(fl_buf_text(&out), "\"finish_reason\": \"eos_token\", \"stop\": null, "));
    fl_buf_clear(&out);
    CHECK(!fl_prompts_write(&out, &p.items[1], &text,
                            &(struct fl_generated){FL_GENERATED_LENGTH, 0, 3, 0}));
    CHECK(strstr(fl_buf_text(&out), "{\"id\": null, "));
    CHECK(strstr(fl_buf_text(&out), "\"finish_reason\": \"length\", \"stop\": null, "));
    fl_prompts_release(&p);
    fl_buf_release(&text);
    fl_buf_release(&out);
}

static void
test_answers(void)
{
    static const struct {
        const char *answer, *text;
        bool match;
    } cases[] = {
        {"Paris", "Paris", true},
        {"Paris", " Paris\n", true},
        {" Paris ", "Paris", true},
        {"Paris", "paris", false},
        {"Paris", "Paris.", false},
        {"Paris", "Pari", false},
        {"", " ", true},
        {"", "x", false},
        {"a b", "a  b", false},
        {"\xc2\xa0", "", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_prompt p = {.answer = {cases[i].answer, strlen(cases[i].answer)}};
        struct fl_buf text = {0};
        CHECK(!fl_buf_add_text(&text, cases[i].text));
        CHECK(fl_prompts_match(&p, &text) == cases[i].match);
        fl_buf_release(&text);
    }
}

int
main(void)
{
    close(mkstemp(path));
    RUN(test_fields);
    RUN(test_refused);
    RUN(test_order);
    RUN(test_lines);
    RUN(test_answers);
    unlink(path);
    return test_end();
}
