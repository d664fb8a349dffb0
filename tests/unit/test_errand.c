/* What a site and a helper do next, by their files and the hub's list, which may say anything. */
#include "fed/errand.h"

#include <time.h>

#include "federation.h"

static void
write_files(struct federation *f, const char *party, const char *more)
{
    struct fl_buf yaml = {0};
    struct fl_plan plan = {0};

    fed_start(f, 4, more);
    fed_yaml(f, more, &yaml);
    CHECK(!fl_output_write_file(fed_path(f, "roster.yaml"), yaml.data, yaml.len, 0));
    fl_buf_release(&yaml);
    fed_plan(f, &plan, 3);
    fl_plan_release(&plan);
    fed_system(f,
               "mkdir -p srv/pub work && printf 'name: %s\\nhub: dir:srv\\nroster: roster.yaml\\n"
               "key: %s.key\\nwork: work\\ntrainer: t\\n' >party.yaml",
               party, party);
}

/* The files in the words of MADE, "NAME" or "NAME=CONTENT"; round 3 has its plan with PLAN. */
static void
make(const struct federation *f, const char *made)
{
    fed_system(f,
               "rm -rf work; mkdir -p work/round; for x in %s; do mkdir -p "
               "$(dirname work/$x) && case $x in */plan.flt) cp plan.flt work/$x ;; "
               "*) echo ${x##*=} >work/${x%%=*} ;; esac; done",
               made);
}

/* The rows of one turn whose steps all fail, with blanks, joined by ";". */
static const char *
turn(const struct federation *f, const char *list)
{
    static char rows[4000];
    struct fl_standing s;
    struct fl_report r;
    struct fl_buf tried = {0};

    *rows = '\0';
    CHECK(!fl_output_write_file(fed_path(f, "list"), list, strlen(list), 0));
    unlink(fed_path(f, "tried"));
    for (int i = 0; i < 20; i++) {
        fl_report_start(&r, fl_errand_columns, false);
        int failed = fl_standing_open(&s, fed_path(f, "party.yaml")) ||
                     fl_errand_next(&s, fed_path(f, "list"), fed_path(f, "tried"), &r);
        CHECK(!failed);
        fl_standing_release(&s);
        const char *row = strchr(fl_buf_text(&r.out), '\n');
        bool none = failed || !row || !row[1];
        if (!none) {
            CHECK(!fl_buf_add_text(&tried, row + 1));
            CHECK(!fl_output_write_file(fed_path(f, "tried"), tried.data, tried.len, 0));
        }
        fl_report_release(&r);
        if (none)
            break;
        CHECK(i < 19);
    }
    snprintf(rows, sizeof rows, "%s", fl_buf_text(&tried));
    for (char *p = rows; *p; p++)
        *p = *p == '\t' ? ' ' : *p == '\n' ? ';' : *p;
    fl_buf_release(&tried);
    return rows;
}

static void
test_site(void)
{
    struct federation f;
    char m[65], model[200], want[300];

    write_files(&f, "a", "");
    fl_hex(m, f.model, 32);
    make(&f, "");
    CHECK_TEXT(turn(&f, "time 5\n"), "");
    CHECK_TEXT(turn(&f, "time 5\n9 pub/round/3/plan.flt\n8 pub/round/2/plan.flt\n"),
               "plan 3 round/3/plan.flt .part/plan.flt 9;");
    make(&f, ".part/plan.flt"); /* fetched, and not checked yet */
    CHECK_TEXT(turn(&f, "9 pub/round/3/plan.flt\n"), "plan 3 round/3/plan.flt .part/plan.flt 9;");
    make(&f, "round/3/plan.flt");
    snprintf(model, sizeof model, "9 pub/round/3/plan.flt\n77 pub/model/%s.flt\n", m);
    snprintf(want, sizeof want, "fetch - model/%s.flt model/%s.flt 77;", m, m);
    CHECK_TEXT(turn(&f, model), want);
    snprintf(want, sizeof want, "round/3/plan.flt model/%s.flt", m);
    make(&f, want);
    snprintf(want, sizeof want, "train 3 %s - -;", m);
    CHECK_TEXT(turn(&f, model), want);
    CHECK_TEXT(turn(&f, "9 pub/round/3/plan.flt\n1 pub/round/3/void\n"), "");
    snprintf(want, sizeof want, "round/3/plan.flt model/%s.flt pause", m);
    make(&f, want);
    CHECK_TEXT(turn(&f, model), "");
    fed_end(&f);
}

#define PLAN "9 pub/round/3/plan.flt\n"

static void
test_post(void)
{
    struct federation f;
    char m[65], made[300];

    write_files(&f, "a", "");
    fl_hex(m, f.model, 32);
    snprintf(made, sizeof made, "round/3/plan.flt model/%s.flt round/3/up.flt", m);
    make(&f, made);
    CHECK_TEXT(turn(&f, PLAN), "send 3 up round/3/up.flt 0;");
    CHECK_TEXT(turn(&f, PLAN "4096 in/a/.3.up.part\n"), "send 3 up round/3/up.flt 4096;");
    CHECK_TEXT(turn(&f, PLAN "5 in/a/3.up.flt\n"), "");
    CHECK_TEXT(turn(&f, PLAN "5 pub/round/3/closed\n"), "fetch 3 round/3/closed round/3/closed 5;");
    /* A receipt that could not be fetched, or that was of other bytes, keeps nothing back. */
    CHECK_TEXT(turn(&f, PLAN "70 pub/round/3/have/a/up\n"),
               "receipt 3 round/3/have/a/up round/3/have.up 70;send 3 up round/3/up.flt 0;");
    CHECK_TEXT(turn(&f, PLAN "70 pub/round/3/have/b/up\n"), "send 3 up round/3/up.flt 0;");
    strcat(made, " round/3/have.up");
    make(&f, made);
    CHECK_TEXT(turn(&f, PLAN "70 pub/round/3/have/a/up\n"), "");
    fed_end(&f);
}

/* What leads to a model that is not here: back along the chain to one that is. */
static void
test_follow(void)
{
    struct federation f;
    char m[65], b[65] = "", made[500], list[300], want[300];

    write_files(&f, "a", "");
    fl_hex(m, f.model, 32);
    for (int i = 0; i < 64; i++)
        strcat(b, i % 2 ? "a" : "7");
    snprintf(made, sizeof made,
             "round/3/plan.flt round/3/closed model/%s.flt round/3/up.flt "
             "round/3/have.up round/3/mean.flt",
             m);
    make(&f, made);
    fed_system(&f, "echo '3 %s m %s' >work/round/3/closed", m, b);
    snprintf(want, sizeof want, "fetch - chain.tsv .part/chain 8;lost - %s - -;", b);
    CHECK_TEXT(turn(&f, PLAN "8 pub/chain.tsv\n"), want);
    fed_system(&f,
               "mkdir work/.part; printf '3\\t%s\\tm\\t%s\\n4\\t%s\\tm\\t%s\\n' >work/.part/chain",
               m, b, b, b);
    snprintf(want, sizeof want, "apply 3 %s %s -;", m, b);
    CHECK_TEXT(turn(&f, PLAN), want);
    fed_system(&f, "rm work/round/3/mean.flt");
    snprintf(list, sizeof list, "%s", PLAN "12 pub/round/3/mean.flt\n");
    CHECK_TEXT(turn(&f, list), "fetch 3 round/3/mean.flt round/3/mean.flt 12;");
    /* Of a chain that goes in circles nothing comes. */
    fed_system(&f, "printf '3\\t%s\\tm\\t%s\\n' >work/.part/chain", b, b);
    snprintf(want, sizeof want, "lost - %s - -;", b);
    CHECK_TEXT(turn(&f, PLAN), want);
    fed_end(&f);
}

/* A site that missed 3,000 rounds: by lines of which each was looked for in all of them, 12 s. */
static void
test_long_chain(void)
{
    enum { ROUNDS = 3000 };
    struct federation f;
    struct fl_buf chain = {0};
    char m[65], from[65], to[65] = "", made[200];
    int bad = 0;

    write_files(&f, "a", "max_age: 4000\n");
    fl_hex(m, f.model, 32);
    memcpy(from, m, sizeof from);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(to, sizeof to, "%064d", i + 1);
        bad |= fl_buf_printf(&chain, "%d\t%s\tm\t%s\n", i, from, to);
        memcpy(from, to, sizeof from);
    }
    snprintf(made, sizeof made, "round/%d/plan.flt model/%s.flt .part/chain", ROUNDS, m);
    make(&f, made);
    fed_system(&f, "echo '%d %s m %s' >work/round/%d/closed", ROUNDS, m, to, ROUNDS);
    CHECK(!bad &&
          !fl_output_write_file(fed_path(&f, "work/.part/chain"), chain.data, chain.len, 0));
    fl_buf_release(&chain);
    const clock_t began = clock();
    snprintf(made, sizeof made, "plan 0 round/0/plan.flt .part/plan.flt 9;train %d %s - -;", ROUNDS,
             m);
    CHECK_TEXT(turn(&f, "9 pub/round/3000/plan.flt\n9 pub/round/0/plan.flt\n"), made);
    CHECK((double)(clock() - began) / CLOCKS_PER_SEC < 2);
    fed_end(&f);
}

static void
test_helper(void)
{
    struct federation f;
    char m[65], made[300];

    write_files(&f, "aux", FED_HELPERS "min_sum: 3\n");
    fl_hex(m, f.model, 32);
    snprintf(made, sizeof made, "round/3/plan.flt model/%s.flt", m);
    make(&f, made);
    CHECK_TEXT(turn(&f, PLAN), "");
    CHECK_TEXT(turn(&f, PLAN "7 pub/round/3/request.1.flt\n8 pub/round/3/request.2.flt\n"),
               "fetch 3 round/3/request.2.flt round/3/request.2.flt 8;");
    strcat(made, " round/3/request.2.flt");
    make(&f, made);
    CHECK_TEXT(turn(&f, PLAN "8 pub/round/3/request.2.flt\n"),
               "ready 3 round/3/request.2.flt round/3/ready.2.flt -;");
    strcat(made, " round/3/ready.2.flt round/3/go=2");
    make(&f, made);
    CHECK_TEXT(turn(&f, PLAN "8 pub/round/3/request.2.flt\n2 pub/round/3/go\n"),
               "send 3 ready.2 round/3/ready.2.flt 0;"
               "answer 3 round/3/request.2.flt round/3/answer.flt -;");
    fed_end(&f);
}

/* Numbers that shells count otherwise, names that lead out, sizes that are none. */
static void
test_hostile(void)
{
    static const char *const lists[] = {
        "9 pub/round/08/plan.flt\n",
        "9 pub/round/99999999999999999999/plan.flt\n",
        "9 pub/round/1234567890123456/plan.flt\n",
        "9 pub/round/-1/plan.flt\n",
        "9 pub/round/a[$(id)]/plan.flt\n",
        "09 pub/round/3/plan.flt\n",
        "-9 pub/round/3/plan.flt\n",
        "a[$(id)] pub/round/3/plan.flt\n",
        "9  pub/round/3/plan.flt\n",
        "9 pub/round/3/../3/plan.flt\n",
        "9 pub/round//3/plan.flt\n",
        "9 /pub/round/3/plan.flt\n",
        "9 pub/round/3/plan.flt", /* no end */
        "9 pub/roster/02.yaml\n9 pub/roster/../2.yaml\n9 pub/roster/2.yaml.yaml\n",
        "time a[$(id)]\nhere 9\n",
        "",
        "\n\n\n",
    };
    struct federation f;
    char m[65], made[300];

    write_files(&f, "aux", FED_HELPERS "min_sum: 3\nreplay: [\"aux\"]\n");
    make(&f, "");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        CHECK_TEXT(turn(&f, lists[i]), "");
    CHECK_TEXT(turn(&f, "time 1000\nhere 1120\n"), "");
    CHECK_TEXT(turn(&f, "time 1000\nhere 1121\n"), "skew - 121 - -;");
    CHECK_TEXT(turn(&f, "time 1000\nhere 5\nhere 879\n"), "skew - -121 - -;");
    CHECK_TEXT(turn(&f, "5 pub/roster/2.yaml\n"), "epoch - roster/2.yaml ./roster.2.yaml 5;");
    fl_hex(m, f.model, 32);
    snprintf(made, sizeof made, "round/3/plan.flt model/%s.flt round/3/mean.flt", m);
    make(&f, made);
    CHECK_TEXT(turn(&f, PLAN "1 pub/round/3/mean.flt\n2 pub/round/3/up/a.flt\n3 pub/round/3/up/.b\n"
                             "4 pub/round/3/up/c/d.flt\n5 pub/round/3/secret\n"),
               "fetch 3 round/3/up/a.flt round/3/up/a.flt 2;");
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_site);
    RUN(test_post);
    RUN(test_follow);
    RUN(test_long_chain);
    RUN(test_helper);
    RUN(test_hostile);
    return test_end();
}
