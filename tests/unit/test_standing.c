/* The hub's next step, by which files there are; a round's folder is made of nothing but names. */
#include "fed/standing.h"

#include "federation.h"

enum { NOW = 1000000 };

/* The federation's file of NAME, and its roster. */
static void
write_files(struct federation *f, const char *more)
{
    struct fl_buf yaml = {0};

    fed_start(f, 4, more);
    fed_yaml(f, more, &yaml);
    CHECK(!fl_output_write_file(fed_path(f, "roster.yaml"), yaml.data, yaml.len, 0));
    fl_buf_release(&yaml);
    fed_system(f,
               "mkdir -p srv/pub/round work/round work/journal && printf 'name: hub\\nroot: srv\\n"
               "roster: roster.yaml\\nkey: hub.key\\nwork: work\\nkeep: 1\\n' >hub.yaml");
}

/* The step when the files in the words of MADE are there, as its row without the line feed. */
static const char *
step(const struct federation *f, const char *made)
{
    static char row[400];
    struct fl_standing s;
    struct fl_report r;

    fed_system(f,
               "rm -rf srv/pub/round/* work/round/* work/from work/pause; for x in %s; do "
               "mkdir -p $(dirname $x) && echo ${x##*=} >${x%%=*}; done",
               made);
    fl_report_start(&r, fl_standing_step_columns, false);
    int failed = fl_standing_open(&s, fed_path(f, "hub.yaml")) || fl_standing_step(&s, NOW, &r);
    const char *line = failed ? "" : strchr(fl_buf_text(&r.out), '\n');
    snprintf(row, sizeof row, "%s", failed ? fl_error_text() : line ? line + 1 : "no row");
    row[strcspn(row, "\n")] = '\0';
    fl_report_release(&r);
    fl_standing_release(&s);
    return row;
}

#define R0    "srv/pub/round/0/"
#define UP(S) R0 "up/" S ".flt "
#define DUE   "work/round/0/due=999999 "
#define SOON  "work/round/0/due=1000001 "
#define OPEN  R0 "plan.flt "

static void
test_pairwise(void)
{
    struct federation f;
    char model[65], want[200];

    write_files(&f, "");
    fl_hex(model, f.model, 32);
    snprintf(want, sizeof want, "open\t0\t-\t%s\t", model);
    CHECK_TEXT(step(&f, ""), want);
    CHECK_TEXT(step(&f, SOON), want); /* begun, and its deadline is not over: the same again */
    CHECK_TEXT(step(&f, OPEN SOON UP("a") UP("c")), "wait\t0\t-\t-\tb,d");
    CHECK_TEXT(step(&f, OPEN DUE UP("a") UP("c")), "late\t0\t-\t-\tb,d");
    CHECK_TEXT(step(&f, OPEN UP("a") UP("b") UP("c")), "late\t0\t-\t-\td"); /* no deadline left */
    CHECK_TEXT(step(&f, OPEN SOON UP("a") UP("b") UP("c") UP("d")), "sum\t0\t-\t-\t");
    CHECK_TEXT(step(&f, OPEN SOON R0 "mean.flt"), "close\t0\t-\t-\t");
    snprintf(want, sizeof want, "open\t1\t-\t%s\t", model);
    CHECK_TEXT(step(&f, OPEN SOON UP("a") R0 "void=because"), want);
    snprintf(want, sizeof want, "open\t7\t-\t%s\t", model);
    CHECK_TEXT(step(&f, "work/from=7"), want);
    snprintf(want, sizeof want, "open\t1\t-\t%s\t", model); /* what was begun is over: the next */
    CHECK_TEXT(step(&f, DUE), want);
    CHECK_TEXT(step(&f, "work/pause"), "wait\t0\t-\t-\t");
    CHECK(strstr(step(&f, "work/from=x"), "is no number"));
    fed_end(&f);
}

/* What a round led to is what its line of the chain says; of those before keep large files go. */
static void
test_closed(void)
{
    struct federation f;
    char next[65] = "", made[600];

    write_files(&f, "");
    for (int i = 0; i < 64; i++)
        strcat(next, i % 2 ? "a" : "7");
    fed_system(&f, "ln -s ../srv work/root && mkdir -p srv/pub/model");
    fed_system(&f, "printf '0 b m %s\\n' >closed.0; printf '1 b m %s\\n' >closed.1", next, next);
    fed_system(&f, "rm -rf srv/pub/round/*; mkdir -p srv/pub/round/0/up srv/pub/round/1/up "
                   "srv/pub/round/x srv/pub/round/08; cp closed.0 srv/pub/round/0/closed; "
                   "cp closed.1 srv/pub/round/1/closed");
    /* Not by step(), which begins with an empty folder. */
    struct fl_standing s;
    struct fl_report r;
    CHECK(!fl_standing_open(&s, fed_path(&f, "hub.yaml")) && s.count == 2 && s.rounds[1] == 1);
    fl_report_start(&r, fl_standing_step_columns, false);
    CHECK(!fl_standing_step(&s, NOW, &r));
    CHECK_TEXT(strchr(fl_buf_text(&r.out), '\n') + 1, "old\t-\t-\troot/pub/round/0/up\t\n");
    fl_report_release(&r);
    fed_system(&f, "rm -r srv/pub/round/0/up");
    fl_report_start(&r, fl_standing_step_columns, false);
    CHECK(!fl_standing_step(&s, NOW, &r));
    snprintf(made, sizeof made, "open\t2\t1\t%s\t\n", next);
    CHECK_TEXT(strchr(fl_buf_text(&r.out), '\n') + 1, made);
    fl_report_release(&r);
    fl_standing_release(&s);
    fed_end(&f);
}

#define ASKED OPEN UP("a") UP("b") UP("c") R0 "request.1.flt "
#define ALL   UP("a") UP("b") UP("c") UP("d")

static void
test_helpers(void)
{
    struct federation f;

    write_files(&f, FED_HELPERS "min_sum: 3\n");
    CHECK_TEXT(step(&f, OPEN SOON UP("a")), "wait\t0\t-\t-\tb,c,d");
    CHECK_TEXT(step(&f, OPEN DUE UP("a") UP("b")), "late\t0\t-\t-\tc,d");
    CHECK_TEXT(step(&f, OPEN DUE UP("a") UP("b") UP("d")), "ask\t0\t1\t-\ta,b,d");
    CHECK_TEXT(step(&f, OPEN SOON ALL), "ask\t0\t1\t-\ta,b,c,d");
    CHECK_TEXT(step(&f, ASKED SOON), "wait\t0\t-\t-\tb,aux");
    CHECK_TEXT(step(&f, ASKED SOON R0 "ready.1/b.flt"), "wait\t0\t-\t-\taux");
    CHECK_TEXT(step(&f, ASKED DUE R0 "ready.1/b.flt"), "unheard\t0\t-\t-\taux");
    CHECK_TEXT(step(&f, ASKED R0 "go=1 " SOON R0 "answer/b.flt"), "wait\t0\t-\t-\taux");
    CHECK_TEXT(step(&f, ASKED R0 "go=1 " DUE R0 "answer/b.flt"), "unheard\t0\t-\t-\taux");
    CHECK_TEXT(step(&f, ASKED R0 "go=1 " DUE R0 "answer/b.flt " R0 "answer/aux.flt"),
               "sum\t0\t1\t-\t");
    /* A word that cannot be read is an error, and not a yes. */
    CHECK(strstr(step(&f, ASKED SOON R0 "ready.1/b.flt " R0 "ready.1/aux.flt"), "ready.1/b.flt"));
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_pairwise);
    RUN(test_closed);
    RUN(test_helpers);
    return test_end();
}
