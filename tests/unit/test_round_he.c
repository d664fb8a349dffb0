/* Turns of rounds with encrypted tensors: batches of keys, the hub's steps, what a helper fetches. */
#include "fed/round_he.h"

#include <sys/stat.h>

#include "encrypted.h"
#include "fed/errand.h"
#include "sec/he_offer.h"

#define HE_RULE "tensors: [{match: \"*\", protect: he, bits: 16, clip: 0.5}]\n"

/* Files of b (its turn is in work) and of the hub (srv), under a roster with encrypted tensors. */
static void
write_files(struct federation *f)
{
    struct fl_he_line line[2];
    struct fl_buf more = {0}, yaml = {0};

    he_start(f, 5, HE_RULE);
    for (int h = 0; h < 2; h++)
        he_offer(f, h, &line[h]);
    fl_buf_printf(&more, "%s%she: [\"%s\", \"%s\"]\n", HE_HELPERS, HE_RULE, line[0].text,
                  line[1].text);
    fed_yaml(f, fl_buf_text(&more), &yaml);
    CHECK(!fl_output_write_file(fed_path(f, "roster.yaml"), yaml.data, yaml.len, 0));
    fed_system(f, "mkdir -p srv/pub/round work/round && for n in hub b; do printf "
                  "\"name: $n\\nroster: roster.yaml\\nkey: $n.key\\nwork: work\\n\" >$n.yaml; done "
                  "&& echo 'root: srv' >>hub.yaml && printf 'hub: dir:srv\\ntrainer: t\\n' "
                  ">>b.yaml");
    fl_buf_release(&more);
    fl_buf_release(&yaml);
}

/* NAME becomes helper H's keys of rounds FIRST to 2, as its program writes them. */
static void
write_keys(const struct federation *f, int h, const char *rounds, const char *name)
{
    struct fl_output out = FL_OUTPUT_INIT;

    CHECK(!fl_output_open(&out, fed_path(f, name), FL_OUTPUT_BINARY) &&
          !fl_he_keys_make(fed_file(f, he_key_of(h), ".key"), fed_file(f, he_key_of(h), ".state"),
                           rounds, &out) &&
          !fl_output_commit(&out));
    fl_output_abort(&out);
}

/* ---- batches ---- */

/* The key of the round after it, in its place and under its name. */
static void
swap_keys(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *f)
{
    (void)t;
    if (i == 1)
        memcpy(data, he_public(f, 0, 2), bytes);
}

static void
rename_key(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)data;
    (void)bytes;
    (void)arg;
    if (i != 1)
        return;
    fl_meta_release(&t->attrs);
    fl_tensor_init(t, "he.7", t->dtype, t->rank, t->dims);
}

static void
other_roster(struct fl_meta *meta, void *arg)
{
    static const unsigned char other[32] = {1};

    CHECK(!fl_meta_set_bytes(meta, "roster", other, 32));
    (void)arg;
}

static void
test_batches(void)
{
    struct federation f;

    write_files(&f);
    fed_accept_all(&f);
    write_keys(&f, 0, "0..2", "b.flt");
    write_keys(&f, 1, "1", "aux.flt");
    const struct fl_roster *r = &f.roster;
    const uint32_t b = 1, aux = (uint32_t)fl_roster_find(r, "aux");
    const struct {
        const char *file;
        uint32_t party;
        uint64_t first;
        enum fl_status status;
        const char *words;
    } cases[] = {
        {"b.flt", b, 0, 0, ""},
        {"aux.flt", aux, 1, 0, ""},
        {"b.flt", aux, 0, FL_REFUSED, "is of \"b\", not of \"aux\""},
        {"aux.flt", aux, 0, FL_FAILED, "its \"he.1\" stands where \"he.0\" should"},
        {"b.flt", 0, 0, FL_FAILED, "nobody asked \"a\" for keys of round 0"},
        {"b.flt", FL_SIGNER_HUB, 0, FL_FAILED, "nobody asked \"hub\""},
        {"b.flt", b, 99999, FL_FAILED, "nobody asked \"b\" for keys of round 99999"},
        {"swapped", b, 0, FL_REFUSED, "its \"he.1\" is not the key that the roster commits \"b\""},
        {"renamed", b, 0, FL_FAILED, "its \"he.7\" stands where \"he.1\" should"},
        {"unsigned", b, 0, FL_REFUSED, "is not signed by \"b\""},
        {"forged", b, 0, FL_REFUSED, "not its own"},
        {"b.cut", b, 0, FL_FAILED, "b.cut"},
        {"other", b, 0, FL_REFUSED, "holds keys for another roster"},
    };

    fed_forge(&f, &(struct fed_forgery){"b.flt", "swapped", FL_KIND_HEKEY, NULL, &f, swap_keys,
                                        f.key[1], b, NULL, false});
    fed_forge(&f, &(struct fed_forgery){"b.flt", "renamed", FL_KIND_HEKEY, NULL, NULL, rename_key,
                                        f.key[1], b, NULL, false});
    fed_forge(&f, &(struct fed_forgery){.from = "b.flt", .to = "unsigned", .kind = FL_KIND_HEKEY});
    fed_forge(&f, &(struct fed_forgery){.from = "b.flt",
                                        .to = "forged",
                                        .kind = FL_KIND_HEKEY,
                                        .key = f.key[0],
                                        .signer = b});
    fed_forge(&f, &(struct fed_forgery){.from = "b.flt",
                                        .to = "other",
                                        .kind = FL_KIND_HEKEY,
                                        .change = other_roster,
                                        .key = f.key[1],
                                        .signer = b});
    fed_system(&f, "head -c 300000 b.flt >b.cut");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *file = fed_path(&f, cases[i].file);
        if (cases[i].status)
            CHECK_REFUSED(fl_he_batch_check(r, cases[i].party, cases[i].first, file),
                          cases[i].status, cases[i].words);
        else
            CHECK(!fl_he_batch_check(r, cases[i].party, cases[i].first, file));
    }
    CHECK(fl_he_batch_has(r, fed_path(&f, "b.flt"), 2) == 1 &&
          fl_he_batch_has(r, fed_path(&f, "b.flt"), 3) == 0 &&
          fl_he_batch_has(r, fed_path(&f, "none"), 0) == 0 &&
          fl_he_batch_has(r, fed_path(&f, "other"), 2) == 0 && /* of an epoch before */
          fl_he_batch_has(r, fed_path(&f, "model.flt"), 0) == -1);
    CHECK(fl_he_batch_last(r, 5) == 20 && fl_he_batch_last(r, 990) == 999);
    fed_end(&f);
}

/* ---- the hub ---- */

/* The hub's step as a row, SINCE seconds after it told that keys are needed. */
static const char *
step(const struct federation *f, int64_t since)
{
    static char row[400];
    struct fl_standing s;
    struct fl_report r;
    struct stat st;
    const int64_t now = stat(fed_path(f, "srv/pub/round/0/limit"), &st) ? 0 : st.st_mtime + since;

    fl_report_start(&r, fl_standing_step_columns, false);
    int failed = fl_standing_open(&s, fed_path(f, "hub.yaml")) || fl_standing_step(&s, now, &r);
    const char *line = failed ? NULL : strchr(fl_buf_text(&r.out), '\n');
    snprintf(row, sizeof row, "%s", line ? line + 1 : fl_error_text());
    row[strcspn(row, "\n")] = '\0';
    fl_report_release(&r);
    fl_standing_release(&s);
    return row;
}

/* Rows of --status that are of a round that waits for keys. */
static bool
status_says(const struct federation *f, const char *words)
{
    struct fl_standing s;
    struct fl_report r;

    fl_report_start(&r, fl_standing_columns, false);
    CHECK(!fl_standing_open(&s, fed_path(f, "hub.yaml")) && !fl_standing_report(&s, &r));
    bool says = strstr(fl_buf_text(&r.out), words) != NULL;
    fl_report_release(&r);
    fl_standing_release(&s);
    return says;
}

static void
test_hub(void)
{
    struct federation f;
    char model[65], want[300];

    write_files(&f);
    fed_accept_all(&f);
    fl_hex(model, f.model, 32);
    snprintf(want, sizeof want, "keys\t0\t%llu\t-\tb,aux", (unsigned long long)fl_he_batch_bytes());
    CHECK_TEXT(step(&f, 0), want);
    fed_system(&f, "mkdir -p srv/pub/round/0/keys && echo keys 9 >srv/pub/round/0/limit");
    CHECK_TEXT(step(&f, 86399), "wait\t0\t-\t-\tb,aux");
    CHECK_TEXT(step(&f, 86400), "unheard\t0\t-\t-\tb,aux");
    CHECK(status_says(&f, "0\t-\tkeys\t") && status_says(&f, "waits for keys of b, aux\n"));
    write_keys(&f, 0, "0..2", "srv/pub/round/0/keys/b.flt");
    CHECK_TEXT(step(&f, 0), "wait\t0\t-\t-\taux");
    CHECK(status_says(&f, "waits for keys of aux\n"));
    write_keys(&f, 1, "0..1", "srv/pub/round/0/keys/aux.flt");
    snprintf(want, sizeof want, "open\t0\t-\t%s\t0/keys/b.flt,0/keys/aux.flt", model);
    CHECK_TEXT(step(&f, 0), want);
    /* Round 1 has keys from the batch of round 0, round 2 only those of b. */
    fed_system(&f, "cd srv/pub/round && touch 0/plan.flt 0/void");
    snprintf(want, sizeof want, "open\t1\t-\t%s\t0/keys/b.flt,0/keys/aux.flt", model);
    CHECK_TEXT(step(&f, 0), want);
    fed_system(&f, "cd srv/pub/round && mkdir 1 && touch 1/plan.flt 1/void");
    snprintf(want, sizeof want, "keys\t2\t%llu\t-\taux", (unsigned long long)fl_he_batch_bytes());
    CHECK_TEXT(step(&f, 0), want);
    fed_system(&f, "cd srv/pub/round && mkdir -p 2/keys && touch 2/limit");
    write_keys(&f, 1, "2", "srv/pub/round/2/keys/aux.flt");
    snprintf(want, sizeof want, "open\t2\t-\t%s\t0/keys/b.flt,2/keys/aux.flt", model);
    CHECK_TEXT(step(&f, 0), want);
    fed_system(&f, "echo damaged >srv/pub/round/2/keys/aux.flt");
    CHECK(strstr(step(&f, 0), "2/keys/aux.flt"));
    fed_end(&f);
}

/* ---- go ---- */

static void
test_go(void)
{
    static const struct {
        const char *text;
        int64_t number;
        const char *parts;
    } cases[] = {
        {"1\n", 1, ""},
        {"2\na:5,b:70\n", 2, "a:5;b:70;"},
        {"2\na:5,b:70", 2, "a:5;b:70;"},
        {"12\na:5\nb:7\n", 12, "a:5;b:7;"},
        {"x\na:5\n", -1, "a:5;"},
        {"01\n", -1, ""},
        {"", -1, ""},
        {"1\n../a:5,a/b:5,.a:5,a b:5,:5,a:,a:05,a:-1,a:5x,a:1234567890123456,a,a:5:6\n", 1, ""},
    };
    struct federation f = {.n = 0};
    char got[200];

    snprintf(f.dir, sizeof f.dir, "/tmp/fl-test-XXXXXX");
    CHECK(mkdtemp(f.dir) != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_round_he_go go;
        size_t n = 0;
        CHECK(!fl_output_write_file(fed_path(&f, "go"), cases[i].text, strlen(cases[i].text), 0));
        CHECK(!fl_round_he_read(&go, fed_path(&f, "go")) && go.number == cases[i].number);
        *got = '\0';
        for (size_t k = 0; k < go.count; k++)
            n += (size_t)snprintf(got + n, sizeof got - n, "%s:%lld;", go.parts[k].site,
                                  (long long)go.parts[k].bytes);
        CHECK_TEXT(got, cases[i].parts);
        fl_round_he_release(&go);
    }
    fed_end(&f);
}

/* go says of an upload how long its first object is; that is all that the helpers' answers take. */
static void
test_lengths(void)
{
    static const char *const parts[] = {"c1/a.flt", "c1/b.flt", "c1/d.flt", "c1/e.flt", NULL};
    static const char sites[] = "abde";
    struct federation f;
    struct round r;
    uint64_t bytes[4];
    struct fl_standing s;
    struct fl_report report;
    char want[200] = "";

    write_files(&f);
    fed_accept_all(&f);
    CHECK(!round_plan(&r, &f, &(struct fed_planning){.round = 1}));
    for (size_t i = 0; i < 5; i++)
        fed_update(&f, i, f.model, 10 + (int64_t)i, fed_usual);
    round_turns(&r, "abcde");
    CHECK(!round_ask(&r, sites, false));
    fed_system(&f, "mkdir -p r1/c1 && cp -r r1 srv/pub/round/1 && "
                   "mv srv/pub/round/1/request.flt srv/pub/round/1/request.1.flt");
    for (size_t i = 0; i < 4; i++) {
        CHECK(!fl_cipher_length(round_file(&r, "up", (size_t)(sites[i] - 'a')), &bytes[i]));
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s%c:%llu", i ? "," : "",
                 sites[i], (unsigned long long)bytes[i]);
    }
    fl_report_start(&report, fl_standing_step_columns, false);
    CHECK(!fl_standing_open(&s, fed_path(&f, "hub.yaml")));
    for (size_t k = 0; k < 4; k++)
        fl_report_none(&report);
    fl_report_list(&report);
    CHECK(!fl_round_he_lengths(&s, 1, 1, &report));
    fl_report_list_end(&report);
    CHECK(strstr(fl_buf_text(&report.out), want));
    fl_report_release(&report);
    fl_standing_release(&s);

    fed_system(&f,
               "cd r1 && for x in $(echo %s | tr , ' '); do "
               "head -c ${x#?:} up/${x%%:*}.flt >c1/${x%%:*}.flt; done",
               want);
    struct fl_object *o = fl_object_open(round_path(&r, "c1/a.flt"), FL_KIND_CIPHER);
    CHECK(o && fl_object_count(o) == 1);
    fl_object_free(o);
    CHECK_REFUSED(fl_cipher_length(round_path(&r, "c1/a.flt"), bytes), FL_FAILED,
                  "ends before its upload");
    CHECK_REFUSED(fl_cipher_length(fed_path(&f, "model.flt"), bytes), FL_FAILED, "kind");
    r.uploads = parts;
    round_answers(&r);
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    round_check_mean(&r, sites, NULL);
    round_end(&r);
}

/* ---- a helper ---- */

/* The rows of a turn of b whose steps all fail, with blanks, joined by ";". */
static const char *
turn(const struct federation *f, const char *list)
{
    static char rows[2000];
    struct fl_buf tried = {0};
    bool more = true;

    CHECK(!fl_output_write_file(fed_path(f, "list"), list, strlen(list), 0));
    unlink(fed_path(f, "tried"));
    for (int i = 0; i < 20 && more; i++) {
        struct fl_standing s;
        struct fl_report r;
        fl_report_start(&r, fl_errand_columns, false);
        CHECK(!fl_standing_open(&s, fed_path(f, "b.yaml")) &&
              !fl_errand_next(&s, fed_path(f, "list"), fed_path(f, "tried"), &r));
        fl_standing_release(&s);
        const char *row = strchr(fl_buf_text(&r.out), '\n');
        more = row && row[1];
        if (more)
            CHECK(!fl_buf_add_text(&tried, row + 1) &&
                  !fl_output_write_file(fed_path(f, "tried"), tried.data, tried.len, 0));
        fl_report_release(&r);
    }
    snprintf(rows, sizeof rows, "%s", fl_buf_text(&tried));
    for (char *p = rows; *p; p++)
        *p = *p == '\t' ? ' ' : *p == '\n' ? ';' : *p;
    fl_buf_release(&tried);
    return rows;
}

#define LIMIT3 "9 pub/round/3/limit\n"
#define PLAN3  LIMIT3 "9 pub/round/3/plan.flt\n"
#define ASKED3 PLAN3 "8 pub/round/3/request.1.flt\n20 pub/round/3/go\n"
#define KEYS3  "keys 3 3..18 round/3/keys.flt -;"
#define ROOM3  "room 3 - - 12;"
#define A3     "fetch 3 round/3/up/a.flt round/3/c1/a.flt 5;"
#define B3     "fetch 3 round/3/up/b.flt round/3/c1/b.flt 7;"
#define ANSWER "answer 3 round/3/request.1.flt round/3/answer.flt -;"

static void
test_helper(void)
{
    static const struct {
        const char *files, *list, *rows; /* files of WORK; those of round 3 but its plan */
    } cases[] = {
        {"", LIMIT3, KEYS3},
        {"", "9 pub/round/2/limit\n" LIMIT3 "8 pub/round/2/plan.flt\n",
         "keys 3 3..18 round/3/keys.flt -;plan 2 round/2/plan.flt .part/plan.flt 8;"},
        {"", "9 pub/round/990/limit\n", "keys 990 990..999 round/990/keys.flt -;"},
        {"", "9 pub/round/1000/limit\n", ""}, /* the epoch is over */
        {"", "9 pub/round/0x3/limit\n9 pub/round/-3/limit\n9 pub/round/03/limit\n", ""},
        {"keys.flt", LIMIT3, "send 3 keys round/3/keys.flt 0;"},
        {"keys.flt", LIMIT3 "4096 in/b/.3.keys.part\n", "send 3 keys round/3/keys.flt 4096;"},
        {"keys.flt", LIMIT3 "4096 in/b/3.keys.flt\n", ""},
        {"keys.flt", LIMIT3 "72 pub/round/3/have/b/keys\n",
         "receipt 3 round/3/have/b/keys round/3/have.keys 72;send 3 keys round/3/keys.flt 0;"},
        {"keys.flt have.keys", LIMIT3, "old - round/3/keys.flt - -;"},
        {"have.keys", LIMIT3, ""},
        {"../2/keys.flt", LIMIT3,
         "send 2 keys round/2/keys.flt 0;old - round/2/keys.flt - -;" KEYS3},
        {"../4/keys.flt ../4/have.keys", LIMIT3, "old - round/4/keys.flt - -;" KEYS3},
        {"plan.flt request.1.flt go=1,a:5,b:7",
         ASKED3 "5 pub/round/3/up/a.flt\n9 pub/round/3/up/b.flt\n", ROOM3 A3 B3},
        {"plan.flt request.1.flt go=1,a:5,b:7 c1/a.flt",
         ASKED3 "5 pub/round/3/up/a.flt\n9 pub/round/3/up/b.flt\n", B3},
        {"plan.flt request.1.flt go=1,a:5,b:7 c1/a.flt c1/b.flt",
         ASKED3 "5 pub/round/3/up/a.flt\n9 pub/round/3/up/b.flt\n", ANSWER},
        /* The hub shows one alone, and one that is shorter than it says. */
        {"plan.flt request.1.flt go=1,a:5,b:7", ASKED3 "5 pub/round/3/up/a.flt\n",
         "room 3 - - 5;" A3},
        {"plan.flt request.1.flt go=1,a:5,b:7",
         ASKED3 "4 pub/round/3/up/a.flt\n6 pub/round/3/up/b.flt\n", ""},
        /* There is no disk for all of them. */
        {"plan.flt request.1.flt go=1,a:900000000000000,b:7 c1/b.flt",
         ASKED3 "900000000000000 pub/round/3/up/a.flt\n9 pub/round/3/up/b.flt\n",
         "room 3 - - 900000000000000;"},
        {"plan.flt request.1.flt go=x,a:5", ASKED3 "5 pub/round/3/up/a.flt\n", ""},
    };
    struct federation f;
    char model[65];

    write_files(&f);
    struct fl_plan plan;
    const struct fed_planning how = {.round = 2}; /* keys of 3 rounds are known here */
    CHECK(!fed_draft(&f, &plan, &how) && !fed_write_plan(&f, &plan, "plan.flt"));
    fl_plan_release(&plan);
    fl_hex(model, f.model, 32);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_system(&f, "rm -rf work; mkdir -p work/round work/model && touch work/model/%.64s.flt",
                   model);
        fed_system(&f,
                   "for x in %s; do p=work/round/3/${x%%%%=*}; mkdir -p ${p%%/*} && "
                   "echo ${x##*=} | sed 's/,/\\n/' >$p; done",
                   cases[i].files);
        fed_system(&f, "[ ! -e work/round/3/plan.flt ] || cp plan.flt work/round/3");
        CHECK_TEXT(turn(&f, cases[i].list), cases[i].rows);
    }
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_batches);
    RUN(test_hub);
    RUN(test_go);
    RUN(test_lengths);
    RUN(test_helper);
    return test_end();
}
