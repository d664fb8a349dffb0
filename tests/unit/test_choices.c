/*
 * Multiple choice: the ids of lm-evaluation-harness's way, written out by hand, and scores by the
 * slow twin of the model.
 */
#include "nn/choices.h"

#include <unistd.h>

#include "../naive/decoder.h"
#include "base/mem.h"
#include "shard.h"
#include "floats.h"
#include "merging.h"
#include "test.h"

enum { T = 8, VOCAB = MERGING_VOCAB, END = 256, AB = 257, ABC = 258 };

static char path[] = "/tmp/test_choices.XXXXXX";

static int
read_questions(struct fl_questions *q, const char *text, size_t most, const char *between)
{
    struct fl_tokenizer *t = merging_tokenizer();
    FILE *f = fopen(path, "wb");

    *q = (struct fl_questions){.items = NULL};
    CHECK(f && fwrite(text, 1, strlen(text), f) == strlen(text) && !fclose(f));
    int result = fl_questions_read(q, path, t, most, between);
    fl_tokenizer_free(t);
    return result;
}

static void
test_ids(void)
{
    static const struct {
        const char *context, *choice, *between;
        uint32_t ids[8]; /* 0 after the last */
        size_t length;   /* of the choice */
    } cases[] = {
        {"xy", "ab", NULL, {'x', 'y', ' ', AB}, 2},           /* a space between */
        {"xy", " ab", NULL, {'x', 'y', ' ', AB}, 2},          /* but not two */
        {"xy ", "ab", NULL, {'x', 'y', ' ', AB}, 2},          /* and it belongs to the choice */
        {"xy\\n ", "ab", NULL, {'x', 'y', '\n', ' ', AB}, 3}, /* with all white space there */
        {"xy", "ab", "", {'x', 'y', AB}, 1},                  /* asked for */
        {"xy ", "ab", "-", {'x', 'y', ' ', '-', AB}, 3},
        {"xy ", " ab", " ", {'x', 'y', ' ', ' ', ' ', AB}, 4},
        {"xa", "bc", "", {0}, 0},              /* x abc: no longer than x a */
        {"xa", "bcd", "", {'x', 'a', 'd'}, 1}, /* x abc d: the third belongs to the choice */
        {"xab", "cab", "", {'x', AB, AB}, 1},  /* the context's own ids stand before it */
        {"", "ab", NULL, {END, AB}, 1},        /* an empty context is the begin of a text */
        {" ", "ab", NULL, {END, ' ', AB}, 2},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_questions q;
        char line[200];
        size_t n = 0;
        snprintf(line, sizeof line, "{\"context\": \"%s\", \"choices\": [\"%s\"], \"answer\": 0}",
                 cases[i].context, cases[i].choice);
        while (n < 8 && cases[i].ids[n])
            n++;
        CHECK(read_questions(&q, line, T, cases[i].between) == (cases[i].length ? 0 : -1));
        if (!cases[i].length) {
            CHECK(strstr(fl_error_text(), ": line 1: choice 0 has no token of its own"));
            fl_error_clear();
        } else if (q.count == 1) {
            const struct fl_tail *tail = q.items[0].tails;
            CHECK(tail->n == n && tail->length == cases[i].length);
            CHECK(tail->n == n && !memcmp(tail->ids, cases[i].ids, n * sizeof *tail->ids));
        }
        fl_questions_release(&q);
    }
}

/* Sum of ln p of the last LENGTH of N ids, from at most T before each. */
static double
twin(const struct fl_model *m, const double *w, const struct fl_tail *tail)
{
    static double logits[T * VOCAB], losses[T];
    size_t n = tail->n - 1 < T ? tail->n - 1 : T;
    const uint32_t *x = tail->ids + tail->n - 1 - n;
    struct naive_batch batch = {1, n, x, x + 1, 1};
    double sum = 0;

    naive_decoder(m, w, &batch, losses, logits, NULL);
    for (size_t i = n - tail->length; i < n; i++)
        sum -= losses[i];
    return sum;
}

/* Choices of unequal length, long contexts, and the three ways to choose, each of which matters. */
static void
test_scores(void)
{
    static const char text[] =
        "{\"context\": \"q\", \"choices\": [\"a\", \"bcdef\", \"xyz\"], \"answer\": 1}\n"
        "{\"context\": \"longer than what fits\", \"choices\": [\"abcab\", \"d\"], \"answer\": 0}\n"
        "{\"context\": \"\", \"choices\": [\"e\", \"ee\", \"eee\", \"eeee\"], \"answer\": 3}\n"
        "{\"context\": \"u\", \"choices\": [\"\xc3\xa9\xc3\xa8\xc3\xa0\", \"fghi\", \"f\"], "
        "\"answer\": 0}\n"
        "{\"context\": \"v\", \"choices\": [\"\xf0\x9f\x98\x80\", \"no\", \"yes\"], \"answer\": "
        "0}\n"
        "{\"context\": \"one\", \"choices\": [\"it\"], \"answer\": 0}\n";
    static const size_t characters[][4] = {{1, 5, 3}, {5, 1},    {1, 2, 3, 4},
                                           {3, 4, 1}, {1, 2, 3}, {2}};
    struct fl_model *m = shard_model(3, VOCAB);
    struct fl_tokenizer *t = merging_tokenizer();
    struct fl_evaluator *e = fl_evaluator_new(m, NULL, t, 2, T);
    double *w = fl_alloc(m->layout.size, sizeof *w);
    struct fl_questions q;
    bool differ[FL_CHOICE_WAYS] = {false};

    for (size_t i = 0; i < m->layout.size; i++)
        w[i] = (double)floats(m)[i];
    CHECK(!read_questions(&q, text, T, NULL) && q.count == 6);
    for (size_t i = 0; i < q.count; i++) {
        const struct fl_question *one = &q.items[i];
        size_t best[FL_CHOICE_WAYS] = {0};
        double top[FL_CHOICE_WAYS] = {-INFINITY, -INFINITY, -INFINITY};
        CHECK(!fl_questions_score(&q, i, e));
        for (size_t c = 0; c < one->count; c++) {
            double sum = twin(m, w, &one->tails[c]);
            double by[FL_CHOICE_WAYS] = {sum, sum / (double)characters[i][c],
                                         sum / (double)one->choices[c].len};
            CHECK_NEAR(one->tails[c].logprob, sum, 1e-5);
            for (size_t k = 0; k < FL_CHOICE_WAYS; k++)
                if (by[k] > top[k]) {
                    top[k] = by[k];
                    best[k] = c;
                }
        }
        for (size_t k = 0; k < FL_CHOICE_WAYS; k++) {
            CHECK(one->chosen[k] == best[k]);
            differ[k] = differ[k] || best[k] != best[(k + 1) % FL_CHOICE_WAYS];
        }
    }
    CHECK(differ[0] && differ[1] && differ[2]); /* or the test would not tell them apart */
    fl_questions_release(&q);
    free(w);
    fl_evaluator_free(e);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

static void
test_refused(void)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"{}", "has no field \"context\""},
        {"{\"context\": 1}", "\"context\" is not a string"},
        {"{\"context\": \"x\"}", "\"choices\" is not a list"},
        {"{\"context\": \"x\", \"choices\": \"a\"}", "\"choices\" is not a list"},
        {"{\"context\": \"x\", \"choices\": []}", "\"choices\" is not a list"},
        {"{\"context\": \"x\", \"choices\": [\"a\", 2]}", "item 1 of its field \"choices\""},
        {"{\"context\": \"x\", \"choices\": [\"a\", \"\"]}", "choice 1 is empty"},
        {"{\"context\": \"x\", \"choices\": [\"a\"]}", "has no field \"answer\""},
        {"{\"context\": \"x\", \"choices\": [\"a\"], \"answer\": 1}", "from 0 to 0"},
        {"{\"context\": \"x\", \"choices\": [\"a\"], \"answer\": -1}", "from 0 to 0"},
        {"{\"context\": \"x\", \"choices\": [\"a\"], \"answer\": \"a\"}", "from 0 to 0"},
        {"{\"context\": \"x\", \"choices\": [\"defghijk\"], \"answer\": 0}",
         "choice 0 has 9 tokens, and windows have 8"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_questions q;
        char text[300];
        snprintf(text, sizeof text,
                 "{\"context\": \"x\", \"choices\": [\"a\"], \"answer\": 0}\n%s\n", cases[i].line);
        CHECK(read_questions(&q, text, T, NULL) == -1 && fl_error_status() == FL_FAILED);
        CHECK(strstr(fl_error_text(), ": line 2: ") && strstr(fl_error_text(), cases[i].says));
        fl_error_clear();
        fl_questions_release(&q);
    }
}

int
main(void)
{
    close(mkstemp(path));
    RUN(test_ids);
    RUN(test_scores);
    RUN(test_refused);
    unlink(path);
    return test_end();
}
