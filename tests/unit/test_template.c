#include "text/template.h"

#include "test.h"

#define TABLE                                                                                      \
    "\"special_tokens\":{\"<s>\":{\"ids\":[1]},\"</s>\":{\"ids\":[2,3]},\"<o>\":{\"ids\":[9]}}"
#define PIECE(name)      "{\"SpecialToken\":{\"id\":\"" name "\",\"type_id\":0}}"
#define TEXT_A           "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}"
#define TEMPLATE(single) "{\"type\":\"TemplateProcessing\",\"single\":[" single "]," TABLE "}"

static int
take(struct fl_marks *t, const char *spec)
{
    json_t *json = json_loads(spec, JSON_DECODE_ANY, NULL);
    struct fl_vocab names = {0};
    int result = -2;

    for (uint64_t id = 1; id < 4; id++)
        CHECK(!fl_vocab_add(&names, "abc" + id - 1, 1, id, 9));
    if (json)
        result = fl_template_read(t, json, &names);
    fl_vocab_release(&names);

    json_decref(json);
    return result;
}

static void
test_templates(void)
{
    struct fl_marks t = {0};

    CHECK(!take(&t, "null") && !t.begin.len && !t.after.len);
    CHECK(!take(&t, "{\"type\":\"ByteLevel\",\"trim_offsets\":false}") && !t.begin.len);
    CHECK(!take(&t, TEMPLATE(PIECE("<s>") "," TEXT_A "," PIECE("</s>"))));
    CHECK(t.begin.len == 1 && t.begin.data[0] == 1);
    CHECK(t.after.len == 2 && t.after.data[0] == 2 && t.after.data[1] == 3);
    fl_marks_release(&t);
    CHECK(!take(&t, "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"}," TEMPLATE(
                        PIECE("<s>") "," TEXT_A) "]}") &&
          t.begin.len == 1);
    fl_marks_release(&t);
}

static void
test_refusals(void)
{
    static const char *const bad[] =
        {"{}",
         "{\"type\":\"BertProcessing\"}",
         TEMPLATE(""),
         TEMPLATE(PIECE("<s>")),
         TEMPLATE(TEXT_A "," TEXT_A),
         TEMPLATE(PIECE("<q>") "," TEXT_A),
         TEMPLATE(PIECE("<o>") "," TEXT_A), /* not in the vocabulary */
         "{\"type\":\"Sequence\"}",
         "{\"type\":\"Sequence\",\"processors\":[" TEMPLATE(PIECE("<s>") "," TEXT_A) "," TEMPLATE(
             PIECE("<s>") "," TEXT_A) "]}"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_marks t = {0};
        CHECK(take(&t, bad[i]) == -1 && !t.begin.len && !t.begin.data);
    }
}

int
main(void)
{
    RUN(test_templates);
    RUN(test_refusals);
    return test_end();
}
