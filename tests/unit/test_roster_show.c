/* A roster in words: every row of rosters of both protections, and what differs from another. */
#include "sec/roster_show.h"

#include "federation.h"
#include "sec/fingerprint.h"

/* The rows of R as text, to be freed. */
static char *
show(const struct fl_roster *r, const struct fl_roster *last, bool words)
{
    struct fl_report report;
    int fd = fl_spool_open();

    fl_report_start(&report, fl_roster_show_columns, false);
    CHECK(!fl_roster_show(r, &(struct fl_roster_view){.last = last, .words = words}, &report));
    CHECK(!report.failed && !fl_report_end(&report, fd, "report"));
    off_t len = lseek(fd, 0, SEEK_END);
    char *out = calloc((size_t)len + 1, 1);
    CHECK(fl_pread_full(fd, "report", out, (size_t)len, 0) == (ssize_t)len);
    close(fd);
    return out;
}

/* TEXT is exactly these lines, below the header. */
static void
check_rows(const char *text, const char *const *want)
{
    CHECK(!strncmp(text, "item\tvalue\n", 11));
    text += 11;
    for (; *want; want++) {
        size_t n = strcspn(text, "\n");
        if (n != strlen(*want) || memcmp(text, *want, n)) {
            test_failed++;
            printf("# got \"%.*s\", want \"%s\"\n", (int)n, text, *want);
        }
        text += n + (text[n] == '\n');
    }
    CHECK_TEXT(text, "");
}

static bool
has_row(const char *text, const char *row)
{
    size_t n = strlen(row);

    for (const char *p = text; (p = strstr(p, row)); p++)
        if ((p == text || p[-1] == '\n') && p[n] == '\n')
            return true;
    return false;
}

#define MODEL "model\t0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"

static void
test_pairwise(void)
{
    static const char *const want[] = {
        "federation\ttest",
        "epoch\t1",
        "first_round\t0",
        MODEL,
        "apply\tsgd, lr 1",
        "hub\thub",
        "site\ta",
        "site\tb",
        "site\tc",
        "protection\tpairwise",
        "min_sum\t3",
        "absent\tnone: a sum opens when all 3 sites are in it",
        "collude\tthe hub and 2 sites together can read the update of the one that is left; with "
        "fewer sites it reads sums of at least two",
        "weights\tuniform: every site counts the same",
        "largest_share\t0.333 of a sum of 3 sites, 0.5 of two sites",
        "tensors\t*: mask, 32 bits (4 bytes a value), values to +-0.5 in steps of 9.31e-10 to "
        "9.31e-10 by weight",
        "steps\t64",
        "move\t0.015625",
        "noise\tnone",
        "max_open\t4",
        "max_skip\t1024",
        "max_age\t1000",
        "psk\tno",
        NULL,
    };
    struct federation f;

    fed_start(&f, 3, "");
    memset(f.model, 0x0f, 32);
    CHECK(!fed_roster(&f, ""));
    char *text = show(&f.roster, NULL, false);
    check_rows(text, want); /* nothing differs from the defaults */
    free(text);
    fed_end(&f);
}

static void
test_helpers(void)
{
    static const char *const want[] = {
        "federation\ttest",
        "epoch\t1",
        "first_round\t9",
        MODEL,
        "apply\tnesterov, lr 0.7, momentum 0.9",
        "hub\thub",
        "site\ta",
        "site\tb",
        "site\tc",
        "site\td",
        "site\te",
        "protection\thelpers",
        "helper\tb",
        "helper\taux (no site)",
        "replay\tc",
        "min_sum\t4",
        "absent\t1 of 5 sites may be missing in a round; none of the 2 helpers, without whom no "
        "sum opens",
        "collude\tthe hub together with all 2 helpers can read every update; with all helpers but "
        "one and 2 sites it cannot",
        "mean\tone of those named under replay must be honest, or the hub may publish a false mean",
        "weights\tdynamic: loss / ((tokens / 1e+06) * (Mbit/s / 100)^0.5), from 0.5 to 1.5",
        "weights_hide\tno: a changed set of sites shows the weight (count, loss) of who is missing",
        "largest_share\t0.5 of a sum of 4 sites, 0.75 of two sites",
        "tensors\tembed: frozen (not trained)",
        "tensors\thead*: plain (the hub reads each site's values), 64 bits (8 bytes a value), "
        "values to +-8 in steps of 6.94e-18 to 2.08e-17 by weight",
        "tensors\t*: mask, 13 bits (2 bytes a value), values to +-0.2 in steps of 0.000488 to "
        "0.00146 by weight",
        "steps\t16",
        "move\t0: only rounds over the same model are near; a hub that publishes nearly the same "
        "model twice can compare two sums",
        "noise\tnone",
        "max_open\t2",
        "max_skip\t64",
        "max_age\t12",
        "recipe\tsteps 300, length 256, lr 0.001",
        "psk\tyes: a secret that all parties shared before",
        "not_default\tfirst_round: 9",
        "not_default\tapply: nesterov, lr 0.7, momentum 0.9",
        "not_default\tprotection: helpers",
        "not_default\thelper: b",
        "not_default\thelper: aux (no site)",
        "not_default\treplay: c",
        "not_default\tweights: dynamic: loss / ((tokens / 1e+06) * (Mbit/s / 100)^0.5), from 0.5 "
        "to "
        "1.5",
        "not_default\tweights_hide: no: a changed set of sites shows the weight (count, loss) of "
        "who "
        "is missing",
        "not_default\ttensors: embed: frozen (not trained)",
        "not_default\ttensors: head*: plain (the hub reads each site's values), 64 bits (8 bytes a "
        "value), values to +-8 in steps of 6.94e-18 to 2.08e-17 by weight",
        "not_default\tsteps: 16",
        "not_default\tmove: 0: only rounds over the same model are near; a hub that publishes "
        "nearly "
        "the same model twice can compare two sums",
        "not_default\tmax_open: 2",
        "not_default\tmax_skip: 64",
        "not_default\tmax_age: 12",
        "not_default\trecipe: steps 300, length 256, lr 0.001",
        "not_default\tpsk: yes: a secret that all parties shared before",
        NULL,
    };
    struct federation f;

    fed_start(&f, 5, "");
    memset(f.model, 0x0f, 32);
    CHECK(!fed_roster(
        &f,
        "first_round: 9\npsk: true\napply: {rule: nesterov, lr: 0.7, momentum: 0.9}\n" FED_HELPERS
        "replay: [c]\nmin_sum: 4\nweights: {rule: dynamic, floor: 0.5, cap: 1.5}\n"
        "tensors:\n  - {match: embed, protect: frozen}\n"
        "  - {match: \"head*\", protect: plain, bits: 64, clip: 8}\n"
        "  - {match: \"*\", protect: mask, bits: 13, clip: 0.2}\n"
        "steps: 16\nmove: 0\nmax_open: 2\nmax_skip: 64\nmax_age: 12\n"
        "recipe: {lr: 1e-3, length: 256, steps: 300}\n"));
    char *text = show(&f.roster, NULL, false);
    check_rows(text, want);
    free(text);
    fed_end(&f);
}

/* Rows that depend on other choices. */
static void
test_more_rows(void)
{
    static const struct {
        const char *more;
        const char *rows[4];
    } cases[] = {
        {FED_HELPERS "min_sum: 4\n",
         {"mean\trecomputed by each helper before it answers again; anybody else can with "
          "fl-aggregate --verify",
          "not_default\tmean: recomputed by each helper before it answers again; anybody else can "
          "with fl-aggregate --verify"}},
        {"weights: {rule: examples, floor: 0.5, cap: 2, hide: true}\n",
         {"weights\texamples: a site's documents / 1000, from 0.5 to 2",
          "weights_hide\tyes: no two sums of the epoch show the weight of who is missing in one",
          "largest_share\t0.5 of a sum of 5 sites, 0.8 of two sites"}},
        {"weights: {rule: loss, floor: 1, cap: 2}\n",
         {"weights\tloss: a site's loss before training, from 1 to 2"}},
        {"apply: {rule: momentum, momentum: 0.5}\n", {"apply\tmomentum, lr 1, momentum 0.5"}},
        {"apply: {lr: 0.25}\n", {"apply\tsgd, lr 0.25", "not_default\tapply: sgd, lr 0.25"}},
        {"move: 0.5\n", {"move\t0.5", "not_default\tmove: 0.5"}},
    };
    struct federation f;

    fed_start(&f, 5, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(!fed_roster(&f, cases[i].more));
        char *text = show(&f.roster, NULL, false);
        for (size_t k = 0; k < 4 && cases[i].rows[k]; k++)
            if (!has_row(text, cases[i].rows[k])) {
                test_failed++;
                printf("# no row \"%s\" in:\n%s", cases[i].rows[k], text);
            }
        free(text);
    }
    fed_end(&f);
}

/* What is new in it beside the roster in force, and what is gone; nothing when they are the same.
 */
static void
test_differences(void)
{
    struct federation f;
    struct fl_roster last = {0};

    fed_start(&f, 5, "");
    CHECK(!fed_roster_of(&f, FED_HELPERS "min_sum: 4\n", &last));
    CHECK(!fed_roster(&f, FED_HELPERS "min_sum: 4\n"));
    char *text = show(&f.roster, &last, false);
    CHECK(!strstr(text, "\nnew\t") && !strstr(text, "\ngone\t"));
    free(text);
    CHECK(!fed_roster(&f, "protection: helpers\nhelpers: [c, \"@aux\"]\nmin_sum: 3\n"
                          "sites: [\"@a\", \"@b\", \"@c\", \"@d\"]\nmax_age: 7\n"));
    text = show(&f.roster, &last, false);
    static const char *const rows[] = {"new\thelper: c",     "gone\thelper: b",  "gone\tsite: e",
                                       "new\tmin_sum: 3",    "gone\tmin_sum: 4", "new\tmax_age: 7",
                                       "gone\tmax_age: 1000"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(has_row(text, rows[i]));
    CHECK(!has_row(text, "new\thelper: aux (no site)") && !has_row(text, "gone\tsite: a"));
    free(text);
    /* another key under the name of before: of a site, a helper, the hub */
    fl_key_free(f.key[3]);
    f.key[3] = fl_key_new("d", 1);
    fl_key_free(f.key[FED_AUX]);
    f.key[FED_AUX] = fl_key_new("aux", 1);
    fl_key_free(f.key[FED_HUB]);
    f.key[FED_HUB] = fl_key_new("hub", 1);
    fl_key_renew(f.key[0], 1); /* that of agreement changes with every epoch */
    CHECK(!fed_roster(&f, FED_HELPERS "min_sum: 4\n"));
    text = show(&f.roster, &last, false);
    CHECK(has_row(text, "new\tsigning key: d: not the one of before"));
    CHECK(has_row(text, "new\tsigning key: aux: not the one of before"));
    CHECK(has_row(text, "new\tsigning key: hub: not the one of before"));
    CHECK(!strstr(text, "\ngone\t") && !strstr(text, "signing key: a:"));
    free(text);
    fl_roster_release(&last);
    fed_end(&f);
}

static void
test_words(void)
{
    struct federation f;
    char row[200], words[FL_FINGERPRINT_TEXT];

    fed_start(&f, 3, "");
    char *text = show(&f.roster, NULL, true);
    fl_fingerprint_text(words, f.roster.digest);
    snprintf(row, sizeof row, "words\t%s", words);
    CHECK(has_row(text, row));
    memcpy(row, "digest\t", 7);
    fl_hex(row + 7, f.roster.digest, 32);
    CHECK(has_row(text, row));
    CHECK(!fl_fingerprint_check(text, f.roster.digest)); /* what --words takes */
    free(text);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_pairwise);
    RUN(test_helpers);
    RUN(test_more_rows);
    RUN(test_differences);
    RUN(test_words);
    return test_end();
}
