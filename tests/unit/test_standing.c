/* The hub's next step, by which files there are; a round's folder is made of nothing but names. */
#include "fed/standing.h"

#include "fed/overrule.h"
#include "federation.h"

enum { NOW = 1000000 };

/* K.flt is a plan over M(K): the roster's model for 0, else 32 bytes of 0x11 K. */
static void
write_plans(struct federation *f)
{
    for (unsigned k = 0; k < 6; k++) {
        struct fl_meta meta = {0};
        struct fl_output out = FL_OUTPUT_INIT;
        unsigned char base[32];
        char name[16];
        memset(base, (int)(0x11 * k), sizeof base);
        snprintf(name, sizeof name, "%u.flt", k);
        CHECK(!fl_output_open(&out, fed_path(f, name), FL_OUTPUT_BINARY) &&
              !fl_meta_set_bytes(&meta, "base", k ? base : f->model, 32));
        struct fl_writer *w = fl_writer_new(out.fd, out.name, 0);
        CHECK(w && !fl_writer_head(w, FL_KIND_PLAN, &meta) && !fl_writer_done(w));
        fl_writer_free(w);
        CHECK(!fl_output_commit(&out));
        fl_meta_release(&meta);
    }
}

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
    write_plans(f);
}

/* The step when the files in the words of MADE are there, as its row without the line feed. */
static const char *
step(const struct federation *f, const char *made)
{
    static char row[400];
    struct fl_standing s;
    struct fl_report r;

    fed_system(
        f,
        "rm -rf srv/pub/round/* srv/plain work/round/* work/from work/pause; for x in %s; do "
        "mkdir -p $(dirname $x) && echo ${x##*=} | tr , ' ' >${x%%=*}; done; "
        "for p in srv/pub/round/*/plan.flt; do [ ! -e $p ] || { n=$(cat $p); "
        "[ -e $n.flt ] || n=0; cp $n.flt $p; }; done",
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
    snprintf(want, sizeof want, "closed\t0\t-\t%s\t", model);
    CHECK_TEXT(step(&f, OPEN SOON R0 "mean.flt"), want);
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
                   "cp closed.1 srv/pub/round/1/closed; touch srv/pub/round/0/plan.flt "
                   "srv/pub/round/1/plan.flt");
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

#define R1 "srv/pub/round/1/"
#define R2 "srv/pub/round/2/"
#define R3 "srv/pub/round/3/"

/* Rounds over M(0), M(1), ... of delay: 1; TEXT has "@K" for M(K). */
static const char *
overlap(const struct federation *f, const char *made, const char *want)
{
    static char text[2][4000];
    const char *const in[2] = {made, want};

    for (int t = 0; t < 2; t++) {
        size_t n = 0;
        for (const char *p = in[t]; *p; p++) {
            if (*p != '@') {
                text[t][n++] = *p;
                continue;
            }
            unsigned char model[32];
            memset(model, 0x11 * (*++p - '0'), sizeof model);
            fl_hex(text[t] + n, *p == '0' ? f->model : model, 32);
            n += 64;
        }
        text[t][n] = '\0';
    }
    const char *got = step(f, text[0]);
    return strcmp(got, text[1]) ? got : NULL;
}

#define WAITING   "work/round/1/due=1000001 work/round/2/due=1000001 work/round/3/due=1000001 "
#define ALL_OF(R) R "up/a.flt " R "up/b.flt " R "up/c.flt " R "up/d.flt "
#define FIRST     R0 "first=0,@0,x,@1 "
#define CLOSED0   R0 "plan.flt=0 " R0 "mean.flt " FIRST R0 "closed=0,@1,x,@2 "
#define CLOSED1   R1 "plan.flt=1 " R1 "mean.flt " R1 "closed=1,@2,x,@3 "

static void
test_overlap(void)
{
    static const char *const cases[][2] = {
        {"", "open\t0\t-\t@0\t"},
        /* no model is there for another round before the first is summed */
        {OPEN SOON UP("a"), "wait\t0\t-\t-\tb,c,d"},
        {OPEN SOON ALL_OF(R0), "sum\t0\t-\t-\t"},
        {OPEN SOON R0 "mean.flt", "first\t0\t-\t@0\t"},
        {OPEN SOON R0 "mean.flt " FIRST, "closed\t0\t-\t@1\t"},
        {CLOSED0, "open\t1\t0\t@1\t"},
        /* while it travels the next one opens, over what the first mean made too */
        {CLOSED0 R1 "plan.flt=1", "open\t2\t0\t@2\t"},
        {WAITING CLOSED0 R1 "plan.flt=1 work/pause", "wait\t1\t-\t-\ta,b,c,d"},
        /* and not a third; what came of the newer waits for the older */
        {WAITING CLOSED0 R1 "plan.flt=1 " R2 "plan.flt=2", "wait\t1\t-\t-\ta,b,c,d"},
        {WAITING CLOSED0 R1 "plan.flt=1 " R2 "plan.flt=2 " ALL_OF(R2), "wait\t1\t-\t-\ta,b,c,d"},
        {CLOSED0 R1 "plan.flt=1 " ALL_OF(R1) R2 "plan.flt=2", "sum\t1\t-\t-\t"},
        {CLOSED0 R1 "plan.flt=1 " R1 "mean.flt " R2 "plan.flt=2", "closed\t1\t-\t@2\t"},
        {CLOSED0 CLOSED1 R2 "plan.flt=2", "open\t3\t1\t@3\t"},
        {WAITING CLOSED0 CLOSED1 R2 "plan.flt=2 " R3 "plan.flt=3", "wait\t2\t-\t-\ta,b,c,d"},
        /* a round that was given up is opened again over its model, after the one in flight */
        {CLOSED0 R1 "plan.flt=1 " R1 "void " R2 "plan.flt=2", "open\t3\t0\t@1\t"},
        {WAITING CLOSED0 R1 "plan.flt=1 " R1 "void " R2 "plan.flt=2 " ALL_OF(R2) R3 "plan.flt=1",
         "wait\t3\t-\t-\ta,b,c,d"},
        {CLOSED0 R1 "plan.flt=1 " R1 "void " R2 "plan.flt=2 " R2 "mean.flt " R3 "plan.flt=1 " R3
                    "mean.flt " R3 "closed=3,@2,x,@3",
         "closed\t2\t-\t@3\t"},
    };
    struct federation f;

    write_files(&f, "delay: 1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = overlap(&f, cases[i][0], cases[i][1]);
        CHECK(!got);
        if (got)
            printf("# case %zu: %s\n", i, got);
    }
    fed_end(&f);
}

/* The next epoch begins with the newest model, whose round has not the greatest number here. */
static void
test_overlap_draft(void)
{
    static const char want[] = "model: 4444444444444444444444444444444444444444444444444444444444"
                               "444444\n";
    struct federation f;
    struct fl_standing s;
    struct fl_buf roster = {0};

    write_files(&f, "delay: 1\n");
    CHECK(!overlap(&f,
                   CLOSED0 R1 "plan.flt=1 " R1 "void " R2 "plan.flt=2 " R2 "mean.flt " R2
                              "closed=2,@3,x,@4 " R3 "plan.flt=1 " R3 "mean.flt " R3
                              "closed=3,@2,x,@3",
                   "open\t4\t3\t@3\t"));
    CHECK(!fl_standing_open(&s, fed_path(&f, "hub.yaml")) &&
          !fl_overrule_roster(&s, NULL, 0, &roster));
    CHECK(strstr(fl_buf_text(&roster), want));
    fl_buf_release(&roster);
    fl_standing_release(&s);
    fed_end(&f);
}

#define PLAIN   "protection: none\ntensors: [{match: \"*\", protect: plain}]\nmin_sum: 2\n"
#define HERE(S) "srv/plain/0/up/" S ".flt "

static void
test_plain(void)
{
    static const struct {
        const char *more, *made, *want;
    } cases[] = {
        {PLAIN, OPEN SOON HERE("a") HERE("b"), "wait\t0\t-\t-\tc,d"},
        {PLAIN, OPEN SOON UP("a") UP("b") UP("c") UP("d"), "wait\t0\t-\t-\ta,b,c,d"},
        {PLAIN, OPEN SOON HERE("a") HERE("b") HERE("c") HERE("d"), "sum\t0\t-\t-\t"},
        {PLAIN, OPEN DUE HERE("a") HERE("b"), "sum\t0\t-\t-\t"},
        {PLAIN, OPEN DUE HERE("a"), "late\t0\t-\t-\tb,c,d"},
        {PLAIN "stale: 2\n", OPEN SOON HERE("a"), "wait\t0\t-\t-\tb,c,d"},
        {PLAIN "stale: 2\n", OPEN SOON HERE("a") HERE("d"), "sum\t0\t-\t-\t"},
        {PLAIN "stale: 2\n", OPEN DUE HERE("d"), "sum\t0\t-\t-\t"},
        {PLAIN "stale: 2\n", OPEN DUE, "late\t0\t-\t-\ta,b,c,d"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct federation f;
        write_files(&f, cases[i].more);
        CHECK_TEXT(step(&f, cases[i].made), cases[i].want);
        fed_end(&f);
    }
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_pairwise);
    RUN(test_closed);
    RUN(test_helpers);
    RUN(test_overlap);
    RUN(test_overlap_draft);
    RUN(test_plain);
    return test_end();
}
