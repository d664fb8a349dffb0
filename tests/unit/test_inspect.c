/* What has arrived of a masked round: each message judged by itself, and who is missing. */
#include "fed/inspect.h"

#include "round.h"

/* The report on these files of the folder, and the status of its end. */
static int
inspect(struct round *r, const char *const *files, struct fl_buf *report)
{
    const struct fl_inspect_settings set = {.plan = &r->plan};
    struct fl_inspect *i = fl_inspect_new(&set);
    struct fl_output out;

    CHECK(i != NULL);
    for (; *files; files++)
        CHECK(!fl_inspect_add(i, round_path(r, *files)));
    CHECK(!fl_inspect_end(i) && !fl_output_open(&out, round_path(r, "report"), 0));
    fl_error_clear();
    int result = fl_inspect_write(i, false, &out);
    fl_inspect_free(i);
    fl_buf_clear(report);
    CHECK(!fl_read_file(round_path(r, "report"), 1 << 16, report));
    return result;
}

/* Does a row of the report hold these words? WORDS end with '|', which are tabs. */
static bool
has_row(const struct fl_buf *report, const char *file, const char *words)
{
    char want[300];

    snprintf(want, sizeof want, "%s\t%s", file, words);
    for (char *p = want; *p; p++)
        *p = *p == '|' ? '\t' : *p;
    return strstr(fl_buf_text(report), want) != NULL;
}

static size_t
rows(const struct fl_buf *report)
{
    size_t n = 0;

    for (size_t i = 0; i < report->len; i++)
        n += report->data[i] == '\n';
    return n - 1; /* without the head */
}

static void
test_helpers(void)
{
    struct federation f;
    struct round r, r2;
    struct fl_buf report = {0};

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\n", fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    round_turns(&r, "abcdef");
    round_turns(&r2, "e");
    CHECK(!inspect(&r, round_uploads("fedcba", NULL), &report));
    CHECK(rows(&report) == 6 && has_row(&report, "up/f.flt", "f|good"));
    CHECK_REFUSED(inspect(&r, round_uploads("abcd", NULL), &report), FL_NOT_YET, "2 missing: e, f");
    CHECK(rows(&report) == 6 && has_row(&report, "up/a.flt", "a|good"));
    CHECK(has_row(&report, "", "e|missing") && has_row(&report, "", "f|missing"));

    /* One that is damaged, one of another round, one twice: the others are good still. */
    fed_system(&f, "cp r2/up/e.flt r1/up/e.flt; cp r1/up/d.flt r1/up/twice.flt; "
                   "printf x | dd of=r1/up/b.flt bs=1 seek=30000 conv=notrunc 2>/dev/null");
    CHECK_REFUSED(inspect(&r,
                          ROUND_FILES("up/a.flt", "up/b.flt", "up/c.flt", "up/d.flt", "up/e.flt",
                                      "up/twice.flt", "up/none.flt", "up/f.flt"),
                          &report),
                  FL_REFUSED, "3 bad: ");
    CHECK(has_row(&report, "up/a.flt", "a|good") && has_row(&report, "up/f.flt", "f|good"));
    CHECK(has_row(&report, "up/b.flt", "b|bad") && has_row(&report, "up/c.flt", "c|good"));
    CHECK(has_row(&report, "up/e.flt", "e|bad|was made for another"));
    CHECK(has_row(&report, "up/twice.flt", "d|bad|the upload of \"d\" is there already"));
    CHECK(has_row(&report, "up/d.flt", "d|good"));
    /* A damaged one alone is no refusal; a file that is nothing of the kind has no site. */
    CHECK_REFUSED(inspect(&r, ROUND_FILES("up/b.flt"), &report), FL_FAILED, "1 bad: ");
    CHECK_REFUSED(inspect(&r, ROUND_FILES("plan.flt", "up/a.flt"), &report), FL_FAILED, "1 bad: ");
    CHECK(has_row(&report, "up/a.flt", "a|good"));

    /* Answers too. */
    CHECK(!round_ask(&r, "acdf", false));
    round_answers(&r);
    CHECK_REFUSED(inspect(&r, round_uploads("acdf", ROUND_FILES("answer/b.flt", "answer/aux.flt")),
                          &report),
                  FL_NOT_YET, "missing: ");
    CHECK(has_row(&report, "answer/b.flt", "b|good"));
    CHECK(has_row(&report, "answer/aux.flt", "aux|good"));
    fl_buf_release(&report);
    fl_plan_release(&r2.plan);
    round_end(&r);
}

static void
flip_tags(struct fl_meta *meta, void *arg)
{
    unsigned char copy[128];
    const unsigned char *tags;

    (void)arg;
    CHECK(!fl_meta_get_bytes(meta, "tags", 128, &tags));
    for (size_t i = 0; i < sizeof copy; i++)
        copy[i] = tags[i] ^ 1;
    CHECK(!fl_meta_set_bytes(meta, "tags", copy, sizeof copy));
}

/* Pairwise: the one whose tags nobody confirms is bad, not those that speak against it. */
static void
test_pairwise(void)
{
    struct federation f;
    struct round r;
    struct fl_buf report = {0};

    round_start(&r, &f, 5, "", fed_usual);
    round_turns(&r, "abcde");
    CHECK(!inspect(&r, round_uploads("abcde", NULL), &report));
    fed_forge(&f, &(struct fed_forgery){.from = "r1/up/c.flt",
                                        .to = "r1/up/forged.flt",
                                        .kind = FL_KIND_MASKED,
                                        .change = flip_tags,
                                        .key = f.key[2],
                                        .signer = 2});
    CHECK_REFUSED(inspect(&r,
                          ROUND_FILES("up/a.flt", "up/b.flt", "up/forged.flt", "up/d.flt",
                                      "up/e.flt"),
                          &report),
                  FL_FAILED, "1 bad: ");
    CHECK(has_row(&report, "up/forged.flt", "c|bad|its tags differ from those of 4 others"));
    CHECK(has_row(&report, "up/a.flt", "a|good") && has_row(&report, "up/e.flt", "e|good"));
    /* of two alone, both */
    CHECK_REFUSED(inspect(&r, ROUND_FILES("up/a.flt", "up/forged.flt"), &report), FL_FAILED,
                  "2 bad: ");
    fl_buf_release(&report);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_helpers);
    RUN(test_pairwise);
    return test_end();
}
