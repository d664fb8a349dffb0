/* A round that everybody can recompute, and hubs that lie about it: each lie is named. */
#include "fed/verify.h"

#include <sys/wait.h>

#include "fed/replay.h"
#include "round.h"

#define NESTEROV "apply: {rule: nesterov, lr: 0.5, momentum: 0.75}\n"
#define ROSTER   FED_HELPERS "min_sum: 4\nreplay: [c, aux]\n" NESTEROV

/* What the last verification wrote to standard output. */
static char said[1 << 16];

/* Verify FOLDER of F as SET says, whose names are files of F; 0 or -1. */
static int
verify(const struct federation *f, const char *folder, struct fl_verify_settings set,
       struct fl_output *out)
{
    static const char none[] = "none";
    struct fl_progress progress = {0};
    struct fl_buf text = {0};
    const char **names[] = {&set.model,  &set.velocity, &set.next,
                            &set.roster, &set.key,      &set.state};
    char paths[7][200];

    snprintf(paths[6], sizeof paths[6], "%s", fed_path(f, folder));
    set.folder = paths[6];
    set.memory = ROUND_MEMORY;
    set.program = none;
    set.progress = &progress;
    for (size_t i = 0; i < 6; i++)
        if (*names[i]) {
            snprintf(paths[i], sizeof paths[i], "%s", fed_path(f, *names[i]));
            *names[i] = paths[i];
        }
    fflush(stdout);
    int kept = dup(1), fd = open(fed_path(f, "said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1);
    close(fd);
    int result = fl_verify(&set, out);
    dup2(kept, 1);
    close(kept);
    CHECK(!fl_read_file(fed_path(f, "said"), sizeof said - 1, &text));
    snprintf(said, sizeof said, "%s", text.len ? fl_buf_text(&text) : "");
    fl_buf_release(&text);
    return result;
}

static const struct fl_verify_settings with_model = {.model = "model.flt", .next = "m2.flt"};

static void
whole_round(struct round *r, const char *sites)
{
    round_turns(r, sites);
    CHECK(!round_ask(r, sites, false));
    round_answers(r);
    CHECK(!round_open(r, ROUND_FILES("sum.flt", "answer/aux.flt", "answer/b.flt")));
}

/* "opened/NAME.flt" of party, made from the round itself. */
static void
sign_round(struct round *r, size_t i)
{
    char key[64], state[64], out_file[64];
    struct fl_output out;
    struct fl_verify_settings set = with_model;

    snprintf(key, sizeof key, "%s", fed_name(i, ".key"));
    snprintf(state, sizeof state, "%s", fed_name(i, ".state"));
    snprintf(out_file, sizeof out_file, "opened/%s", fed_name(i, ".flt"));
    set.key = key;
    set.state = state;
    CHECK(!fl_output_open(&out, round_path(r, out_file), 0));
    CHECK(!verify(r->f, r->folder, set, &out));
    fl_output_abort(&out);
}

/* ---- nothing to find ---- */

static void
test_good(void)
{
    struct federation f;
    struct round r;
    struct fl_output out;
    struct fl_verify_settings set = with_model;

    round_start(&r, &f, 6, ROSTER, fed_usual);
    CHECK(verify(&f, "r1", (struct fl_verify_settings){0}, NULL) == -1);
    CHECK(fl_error_status() == FL_NOT_YET); /* no upload yet */
    whole_round(&r, "abcdf");
    CHECK(!round_step(&r, "model.flt", "v", "m2.flt"));
    CHECK(!verify(&f, "r1", with_model, NULL));
    CHECK(strstr(said, "r1: round 1 of test, epoch 1, is as it should be: plan, request, 5 "
                       "uploads, 2 answers, sum, mean and next model; signed for by 0 of 2 under "
                       "replay\n"));
    round_turns(&r, "e"); /* late */
    CHECK(!verify(&f, "r1", (struct fl_verify_settings){0}, NULL));
    CHECK(strstr(said, "sum and mean; signed for by 0 of 2 under replay; uploads that are not in "
                       "the set: e\n"));
    set.json = true;
    CHECK(!verify(&f, "r1", set, NULL));
    CHECK(!strncmp(said, "{\"status\": \"good\", \"file\": \"", 27) &&
          strstr(said, "\"found\": \""));

    /* Who is under replay signs; others do not; helpers follow what is signed. */
    sign_round(&r, 2);
    sign_round(&r, FED_AUX);
    CHECK(!verify(&f, "r1", with_model, NULL));
    CHECK(strstr(said, "; signed for by 2 of 2 under replay"));
    set = with_model;
    set.key = "d.key";
    set.state = "d.state";
    CHECK(!fl_output_open(&out, fed_path(&f, "x.flt"), 0));
    CHECK_REFUSED(verify(&f, "r1", set, &out), FL_REFUSED, "\"d\" is not named under the roster's");
    fl_output_abort(&out);
    fed_system(&f, "mv r1/up r1/gone"); /* nobody can open the sum now */
    struct fl_replay p = {.plan = &r.plan, .memory = ROUND_MEMORY};
    char paths[4][200];
    const char *names[] = {"r1", "model.flt", "aux.v", "aux2.flt"};
    for (size_t i = 0; i < 4; i++)
        snprintf(paths[i], sizeof paths[i], "%s", fed_path(&f, names[i]));
    p.folder = paths[0];
    p.model = paths[1];
    p.velocity = paths[2];
    p.output = paths[3];
    struct fl_state *s = fed_state(&f, FED_AUX);
    CHECK(s && !fl_replay_advance(&p, s, f.key[FED_AUX]));
    fl_state_free(s);
    CHECK(fed_same_files(&f, "m2.flt", "aux2.flt") && fed_same_files(&f, "v", "aux.v"));
    round_end(&r);
}

/* The next round begins with a velocity. */
static void
test_velocity(void)
{
    struct federation f;
    struct round r, r2;
    unsigned char base[32];
    struct fl_verify_settings set = {.model = "m2.flt", .next = "m3.flt", .velocity = "v1"};

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 4\n" NESTEROV, fed_usual);
    whole_round(&r, "abcd");
    CHECK(!round_step(&r, "model.flt", "v", "m2.flt"));
    fed_system(&f, "cp v v1");
    struct fl_object *o = fl_object_open(fed_path(&f, "m2.flt"), FL_KIND_MODEL);
    CHECK(o && !fl_object_digest(o, NULL, base));
    fl_object_free(o);
    CHECK(
        !round_plan(&r2, &f, &(struct fed_planning){2, "m2.flt", "r1/mean.flt", "v", NULL, NULL}));
    for (size_t i = 0; i < 4; i++)
        fed_update(&f, i, base, 10, fed_extreme);
    for (size_t h = 0; h < 2; h++) {
        struct fl_replay p = {.plan = &r.plan, .memory = ROUND_MEMORY};
        char paths[4][200];
        snprintf(paths[0], sizeof paths[0], "%s", fed_path(&f, "r1"));
        snprintf(paths[1], sizeof paths[1], "%s", fed_path(&f, "model.flt"));
        snprintf(paths[2], sizeof paths[2], "%s", fed_path(&f, h ? "aux.v" : "b.v"));
        snprintf(paths[3], sizeof paths[3], "%s", fed_path(&f, h ? "aux2" : "b2"));
        p.folder = paths[0];
        p.model = paths[1];
        p.velocity = paths[2];
        p.output = paths[3];
        struct fl_state *s = fed_state(&f, h ? FED_AUX : 1);
        CHECK(s && !fl_replay_advance(&p, s, f.key[h ? FED_AUX : 1]));
        fl_state_free(s);
    }
    whole_round(&r2, "abcd");
    CHECK(!round_step(&r2, "m2.flt", "v", "m3.flt"));
    CHECK(!verify(&f, "r2", set, NULL));
    CHECK(strstr(said, "mean and next model\n"));
    set.velocity = "v"; /* the one after it */
    CHECK_REFUSED(verify(&f, "r2", set, NULL), FL_REFUSED, "has taken this step already");
    set.velocity = NULL;
    CHECK_REFUSED(verify(&f, "r2", set, NULL), FL_REFUSED,
                  "the plan's step begins with a velocity");
    set.velocity = "v1";
    set.next = "m2.flt";
    CHECK_REFUSED(verify(&f, "r2", set, NULL), FL_FAILED, "m2.flt (altered)");
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* ---- lies ---- */

/* One bit of the last byte of the tensor of this number. */
static void
flip_bit(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    (void)t;
    if (i == *(const size_t *)arg)
        ((unsigned char *)data)[bytes - 1] ^= 1;
}

/* The weight's word says one more: masks do not hide that the sum is too large then. */
static void
add_weight(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    uint64_t word;

    (void)i;
    (void)arg;
    if (strcmp(t->name, FL_WEIGHT_TENSOR))
        return;
    CHECK(bytes == 8);
    memcpy(&word, data, 8);
    word += UINT64_C(1) << FL_WEIGHT_BITS;
    memcpy(data, &word, 8);
}

static void
other_set(struct fl_meta *meta, void *arg)
{
    unsigned char set[32] = {7};

    CHECK(!fl_meta_set_bytes(meta, arg, set, 32));
}

static void
other_deadline(struct fl_meta *meta, void *arg)
{
    (void)arg;
    CHECK(!fl_meta_set_text(meta, "deadline", "2026-12-24T18:00:00Z"));
}

static void
other_round(struct fl_meta *meta, void *arg)
{
    (void)arg;
    CHECK(!fl_meta_set_i64(meta, "round", 8));
}

static void
other_weight(struct fl_meta *meta, void *arg)
{
    (void)arg;
    CHECK(!fl_meta_set_f64(meta, "sum.weight", 4.5));
}

static void
other_name(struct fl_meta *meta, void *arg)
{
    CHECK(!fl_meta_set_text(meta, "site", arg));
}

enum { NOBODY = 99 };

/* A row: FROM of the round, changed and signed, is TO of the round; or a command does it. */
struct lie {
    const char *from, *to, *kind;
    size_t key; /* whose, and for which party; NOBODY: not signed */
    uint32_t signer;
    void (*change)(struct fl_meta *meta, void *arg);
    void (*tensor)(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg);
    const char *arg;
    const char *command; /* in the folder of F, before FROM is read */
    enum fl_status status;
    const char *row;    /* "status TAB file TAB party TAB tensor" of what is said, file in "lie/" */
    const char *digest; /* 'e' expected and 'f' found are known; '=': the same */
    const char *reason;
};

static const struct lie lies[] = {
    {.command = "rm lie/plan.flt",
     .status = FL_NOT_YET,
     .row = "missing\tplan.flt\t-\t-",
     .reason = "says what the round is"},
    {"plan.flt", "plan.flt", FL_KIND_PLAN, 2, FL_SIGNER_HUB, other_deadline, .status = FL_REFUSED,
     .row = "refused\tplan.flt\t-\t-", .digest = "f"},
    {"plan.flt", "plan.2.flt", FL_KIND_PLAN, FED_HUB, FL_SIGNER_HUB, other_deadline,
     .status = FL_REFUSED, .row = "twice\tplan.2.flt\thub\t-", .digest = "ef",
     .reason = "one is signed for a round"},
    {"plan.flt", "plan.2.flt", FL_KIND_PLAN, FED_HUB, FL_SIGNER_HUB, other_round,
     .status = FL_REFUSED, .row = "added\tplan.2.flt\thub\t-", .digest = "ef",
     .reason = "the plan of another round"},
    {"plan.flt", "plan.2.flt", FL_KIND_PLAN, NOBODY, .status = FL_REFUSED,
     .row = "refused\tplan.2.flt\thub\t-", .digest = "f"},

    {.command = "rm lie/request.flt", .status = FL_NOT_YET, .row = "missing\trequest.flt\thub\t-"},
    {.command = "cp other.flt lie/request.flt",
     .status = FL_REFUSED,
     .row = "refused\tanswer/b.flt\tb\t-",
     .digest = "ef",
     .reason = "for another set of uploads"},
    {.command = "cp few.flt lie/request.flt",
     .status = FL_REFUSED,
     .row = "refused\trequest.flt\thub\t-",
     .digest = "f",
     .reason = "a sum of 3 sites"},
    {"request.flt", "request.flt", FL_KIND_REQUEST, 2, FL_SIGNER_HUB, .status = FL_REFUSED,
     .row = "refused\trequest.flt\thub\t-", .digest = "f"},
    {"request.flt", "request.flt", FL_KIND_REQUEST, FED_HUB, FL_SIGNER_HUB, other_set, NULL, "set",
     .status = FL_REFUSED, .row = "refused\trequest.flt\thub\t-", .digest = "f",
     .reason = "names another set than its sites make"},

    {"up/c.flt", "up/c.flt", FL_KIND_MASKED, NOBODY, .tensor = flip_bit, .status = FL_REFUSED,
     .row = "refused\tup/c.flt\tc\t-", .digest = "ef", .reason = "is not signed by \"c\""},
    {"up/c.flt", "up/c.flt", FL_KIND_MASKED, FED_HUB, 2, .tensor = flip_bit, .status = FL_REFUSED,
     .row = "refused\tup/c.flt\tc\t-", .digest = "ef"},
    {"up/c.flt", "up/c.flt", FL_KIND_MASKED, 2, 2, .tensor = flip_bit, .status = FL_REFUSED,
     .row = "twice\tup/c.flt\tc\t-", .digest = "ef", .reason = "two copies of its key"},
    {.command = "rm lie/up/c.flt",
     .status = FL_NOT_YET,
     .row = "missing\tup/c.flt\tc\t-",
     .digest = "e",
     .reason = "the request shows that it is in the sum"},
    {.command = "cp lie/up/c.flt lie/up/c.2.flt",
     .status = FL_REFUSED,
     .row = "added\tup/c.2.flt\tc\t-",
     .digest = "ef=",
     .reason = "each counts once"},
    {.command = "cp lie/up/c.flt lie/up/e.flt",
     .status = FL_REFUSED,
     .row = "refused\tup/e.flt\te\t-",
     .digest = "f",
     .reason = "a message of \"c\" under the name of \"e\""},
    {.command = "cp r2/up/c.flt lie/up/c.flt",
     .status = FL_REFUSED,
     .row = "refused\tup/c.flt\tc\t-",
     .digest = "ef",
     .reason = "another plan"},
    {.command = "cat r1/up/d.flt >>lie/up/c.flt",
     .status = FL_FAILED,
     .row = "damaged\tup/c.flt\tc\t-",
     .digest = "e",
     .reason = "more than one object"},
    {.command = "cp lie/sum.flt lie/up/c.flt",
     .status = FL_FAILED,
     .row = "damaged\tup/c.flt\tc\t-",
     .digest = "e"},
    {.command = "head -c 5000 r1/up/c.flt >lie/up/c.flt",
     .status = FL_FAILED,
     .row = "damaged\tup/c.flt\tc\t-",
     .digest = "e"},
    {"up/c.flt", "up/zed.flt", FL_KIND_MASKED, FED_HUB, 2, other_name, NULL, "zed",
     .status = FL_REFUSED, .row = "added\tup/zed.flt\t-\t-", .digest = "f",
     .reason = "of nobody in this round"},

    {"answer/b.flt", "answer/b.flt", FL_KIND_ANSWER, NOBODY, .tensor = flip_bit,
     .status = FL_REFUSED, .row = "refused\tanswer/b.flt\tb\t-", .digest = "f",
     .reason = "is not signed by \"b\""},
    {"answer/b.flt", "answer/b.flt", FL_KIND_ANSWER, 1, 1, other_set, NULL, "set",
     .status = FL_REFUSED, .row = "refused\tanswer/b.flt\tb\t-", .digest = "ef",
     .reason = "for another set of uploads"},
    {"answer/aux.flt", "answer/aux.2.flt", FL_KIND_ANSWER, FED_AUX, 6, other_set, NULL, "set",
     .status = FL_REFUSED, .row = "added\tanswer/aux.2.flt\taux\t-", .digest = "f"},
    {.command = "rm lie/answer/aux.flt",
     .status = FL_NOT_YET,
     .row = "missing\tanswer/aux.flt\taux\t-"},

    {"sum.flt", "sum.flt", FL_KIND_SUM, NOBODY, .tensor = flip_bit, .arg = "1", .status = FL_FAILED,
     .row = "altered\tsum.flt\t-\tlarge", .digest = "ef"},
    {"mean.flt", "mean.flt", FL_KIND_UPDATE, NOBODY, .tensor = flip_bit, .arg = "3",
     .status = FL_FAILED, .row = "altered\tmean.flt\t-\tnorm.weight", .digest = "ef"},
    {"mean.flt", "mean.flt", FL_KIND_UPDATE, NOBODY, 0, other_set, NULL, "sum.set",
     .status = FL_FAILED, .row = "altered\tmean.flt\t-\t-", .digest = "ef",
     .reason = "is of another set of uploads"},
    {"mean.flt", "mean.flt", FL_KIND_UPDATE, NOBODY, 0, other_weight, .status = FL_FAILED,
     .row = "altered\tmean.flt\t-\t-", .digest = "ef", .reason = "its \"sum.weight\" does not"},
    {.command = "cp r2/mean.flt lie/mean.flt",
     .status = FL_FAILED,
     .row = "altered\tmean.flt\t-\t-",
     .digest = "ef",
     .reason = "is of another set of uploads"},
    {.command = "cp a.flt lie/mean.flt",
     .status = FL_FAILED,
     .row = "altered\tmean.flt\t-\t-",
     .digest = "ef",
     .reason = "does not say of which set"},

    {.command = "cp lied.flt lie/opened/c.flt",
     .status = FL_REFUSED,
     .row = "altered\topened/c.flt\tc\t-",
     .digest = "ef",
     .reason = "another model"},
    {.command = "cp r1/opened/c.flt lie/opened/aux.flt",
     .status = FL_REFUSED,
     .row = "refused\topened/aux.flt\taux\t-",
     .digest = "f"},
    {.command = "cp r1/opened/c.flt lie/opened/d.flt",
     .status = FL_REFUSED,
     .row = "added\topened/d.flt\t-\t-",
     .digest = "f",
     .reason = "of nobody whom the roster"},
};

/* Does a row begin with ROW, whose file is in the folder "lie", and has what the lie says? */
static bool
is_said(const struct federation *f, const struct lie *lie)
{
    char want[300], status[20], file[100], rest[100];

    CHECK(sscanf(lie->row, "%19[^\t]\t%99[^\t]\t%99[^\n]", status, file, rest) == 3);
    snprintf(want, sizeof want, "%s\t%s/lie/%s\t%s\t", status, f->dir, file, rest);
    const char *row = strstr(said, want), *end = row ? strchr(row, '\n') : NULL;
    if (!end)
        return false;
    const char *expected = row + strlen(want), *found = strchr(expected, '\t') + 1;
    const char *reason = strstr(row, lie->reason ? lie->reason : "");
    return (*expected != '-') == (lie->digest && strchr(lie->digest, 'e')) &&
           (*found != '-') == (lie->digest && strchr(lie->digest, 'f')) && reason && reason < end &&
           !strncmp(expected, found, 64) == (lie->digest && strchr(lie->digest, '='));
}

static void
tell(const struct round *r, const struct lie *lie)
{
    const struct federation *f = r->f;
    char from[100], to[100];
    size_t tensor = lie->arg ? (size_t)atoi(lie->arg) : 0;

    fed_system(f, "rm -rf lie && cp -r r1 lie");
    if (lie->command)
        fed_system(f, "%s", lie->command);
    if (!lie->from)
        return;
    snprintf(from, sizeof from, "r1/%s", lie->from);
    snprintf(to, sizeof to, "lie/%s", lie->to);
    fed_forge(f, &(struct fed_forgery){.from = from,
                                       .to = to,
                                       .kind = lie->kind,
                                       .change = lie->change,
                                       .tensor = lie->tensor,
                                       .arg = lie->tensor ? (void *)&tensor : (void *)lie->arg,
                                       .key = lie->key == NOBODY ? NULL : f->key[lie->key],
                                       .signer = lie->signer});
}

/* "few.flt", a request for three sites, and "other.flt", one for other sites than were answered. */
static void
write_requests(struct round *r)
{
    struct fl_request request, few = {0};

    CHECK(!fl_request_read(&request, &r->plan, round_path(r, "request.flt"), NULL));
    for (size_t i = 0; i < 3; i++) {
        const struct fl_shown *s = &request.uploads[i];
        CHECK(!fl_request_add(&few, &r->plan, &s->head, s->payload, s->digest, s->sign));
    }
    int fd = open(fed_path(r->f, "few.flt"), O_WRONLY | O_CREAT, 0600);
    CHECK(!fl_request_write(&few, &r->plan, r->f->key[FED_HUB], fd, "few.flt", 0));
    close(fd);
    fl_request_release(&few);
    fl_request_release(&request);
    fed_system(r->f, "cp -r r1 safe && cp -r hub.state hub.safe");
    CHECK(!round_ask(r, "abcdef", false));
    fed_system(r->f, "mv r1/request.flt other.flt && rm -rf r1 hub.state && mv safe r1 && "
                     "mv hub.safe hub.state");
}

static void
test_lies(void)
{
    struct federation f;
    struct round r, r2;
    struct fl_replay p = {0};

    round_start(&r, &f, 6, ROSTER, fed_usual);
    whole_round(&r, "abcdf");
    round_turns(&r, "e");
    fed_system(&f, "mv r1/up/e.flt e.up"); /* is late */
    fed_system(&f, "cp e.up r1/up/e.flt");
    write_requests(&r);
    CHECK(!round_step(&r, "model.flt", "v", "m2.flt"));
    sign_round(&r, 2);
    p.plan = &r.plan;
    CHECK(fl_replay_opened(&(struct fl_replay){.plan = &r.plan, .folder = fed_path(&f, "r1")}, 2,
                           &p.opened) == 1);
    p.opened.next_base[3] ^= 1;
    int fd = open(fed_path(&f, "lied.flt"), O_WRONLY | O_CREAT, 0600);
    CHECK(!fl_replay_sign(&p, 2, f.key[2], fd, "lied.flt"));
    close(fd);
    /* Another round over the same model, in which the same sites sent the same. */
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    whole_round(&r2, "abcdf");

    CHECK(!verify(&f, "r1", with_model, NULL));
    CHECK(!verify(&f, "r2", (struct fl_verify_settings){0}, NULL));
    /* What the hub asked for before the request that was answered is no lie, by whatever name. */
    fed_system(&f, "cp -r r1 asked && cp other.flt asked/request.2.flt");
    CHECK(!verify(&f, "asked", with_model, NULL));
    fed_system(&f, "cp r1/request.flt asked/request.0.flt && mv asked/request.2.flt "
                   "asked/request.flt");
    CHECK(!verify(&f, "asked", with_model, NULL));
    fed_system(&f, "mv asked/request.0.flt asked/request.1.flt && cp few.flt asked/request.0.flt");
    CHECK_REFUSED(verify(&f, "asked", with_model, NULL), FL_REFUSED,
                  "request.0.flt: asks for a sum");
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        tell(&r, &lies[i]);
        fl_error_clear();
        int result = verify(&f, "lie", with_model, NULL);
        const bool right = result == -1 && fl_error_status() == lies[i].status &&
                           is_said(&f, &lies[i]);
        CHECK(right);
        if (!right)
            printf("# lie %zu, \"%s\": status %d, not %d\n# %s\n", i, lies[i].row,
                   (int)fl_error_status(), (int)lies[i].status, said);
    }
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* Several lies at once: each is a row, and what is worst is the status. */
static void
test_several(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 5, ROSTER, fed_usual);
    whole_round(&r, "abcde");
    fed_system(&f, "rm r1/up/a.flt r1/answer/b.flt; head -c 999 r1/up/c.flt >x; mv x r1/up/c.flt");
    CHECK_REFUSED(verify(&f, "r1", with_model, NULL), FL_FAILED, "r1: 3 findings: ");
    CHECK(strstr(said, "missing\t") && strstr(said, "damaged\t"));
    fed_system(&f, "cp r1/up/d.flt r1/up/e.flt");
    CHECK_REFUSED(verify(&f, "r1", with_model, NULL), FL_REFUSED, "r1: 4 findings: ");
    round_end(&r);
}

/* ---- what only the model shows, and what only the sum does ---- */

static void
test_next(void)
{
    struct federation f;
    struct round r;
    struct fl_verify_settings set = with_model;
    struct fl_buf yaml = {0};
    size_t tensor = 0;
    char base[65];

    fed_start(&f, 4, FED_HELPERS "min_sum: 4\n");
    fed_yaml(&f, FED_HELPERS "min_sum: 4\n", &yaml);
    CHECK(!fl_output_write_file(fed_path(&f, "roster.yaml"), yaml.data, yaml.len, 0));
    fed_accept_all(&f);
    CHECK(!round_plan(&r, &f, &(struct fed_planning){.round = 1}));
    for (size_t i = 0; i < 4; i++)
        fed_update(&f, i, f.model, 10, fed_usual);
    whole_round(&r, "abcd");
    CHECK(!round_step(&r, "model.flt", NULL, "m2.flt"));
    CHECK(!verify(&f, "r1", set, NULL) && strstr(said, "sum, mean and next model\n"));
    set.next = "x.flt";
    struct fed_forgery forgery = {.from = "m2.flt",
                                  .to = "x.flt",
                                  .kind = FL_KIND_MODEL,
                                  .tensor = flip_bit,
                                  .arg = &tensor};
    fed_forge(&f, &forgery);
    CHECK_REFUSED(verify(&f, "r1", set, NULL), FL_FAILED, "x.flt: has other values");
    CHECK(strstr(said, "\tembed\t"));
    forgery.tensor = NULL;
    forgery.change = other_round;
    fed_forge(&f, &forgery);
    CHECK_REFUSED(verify(&f, "r1", set, NULL), FL_FAILED, "its \"round\" does not");
    set.model = "m2.flt";
    CHECK_REFUSED(verify(&f, "r1", set, NULL), FL_REFUSED, "is not the model of the plan");
    fl_hex(base, r.plan.base, 32);
    CHECK(strstr(said, base)); /* is expected */
    /* A plan that says other numbers of its model is named though no upload is of it. */
    fed_system(&f, "cp -r r1 lie");
    fed_forge(&f, &(struct fed_forgery){.from = "r1/plan.flt",
                                        .to = "lie/plan.flt",
                                        .kind = FL_KIND_PLAN,
                                        .change = other_set,
                                        .arg = (void *)"params",
                                        .key = f.key[FED_HUB],
                                        .signer = FL_SIGNER_HUB});
    CHECK_REFUSED(verify(&f, "lie", with_model, NULL), FL_REFUSED, " findings: ");
    CHECK(strstr(said, "has other numbers than the plan says"));
    set = (struct fl_verify_settings){.roster = "roster.yaml"};
    CHECK(!verify(&f, "r1", set, NULL));
    fed_yaml(&f, "epoch: 2\n" FED_HELPERS "min_sum: 4\n", &yaml);
    CHECK(!fl_output_write_file(fed_path(&f, "roster.yaml"), yaml.data, yaml.len, 0));
    CHECK_REFUSED(verify(&f, "r1", set, NULL), FL_REFUSED, "is of another roster");
    fl_buf_release(&yaml);
    round_end(&r);
}

/* A site that signs a weight above its cap, which its mask hides and the sum shows. */
static void
test_weight(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 4\n", fed_usual);
    round_turns(&r, "abcd");
    fed_forge(&f, &(struct fed_forgery){.from = "r1/up/c.flt",
                                        .to = "heavy.flt",
                                        .kind = FL_KIND_MASKED,
                                        .tensor = add_weight,
                                        .key = f.key[2],
                                        .signer = 2});
    fed_system(&f, "mv heavy.flt r1/up/c.flt");
    CHECK(!round_ask(&r, "abcd", false));
    round_answers(&r);
    CHECK_REFUSED(verify(&f, "r1", (struct fl_verify_settings){0}, NULL), FL_FAILED,
                  "the summed weight is 5 of 4 sites, which these cannot have");
    CHECK(strstr(said, "/r1\t-\t-\t-\t-\tthe summed weight"));
    round_end(&r);
}

/* ---- other ways to the same sum ---- */

static int
partial(struct round *r, const char *const *files, const char *out)
{
    struct fl_masked_settings set = {.partial = true};

    return round_masked(r, &set, files, out);
}

/* Any tree of partial sums leads to the bytes of the flat one, and so do threads and packing. */
static void
test_tree(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\n", fed_usual);
    whole_round(&r, "abcdef");
    CHECK(!partial(&r, ROUND_FILES("up/f.flt", "up/b.flt"), "fb.flt"));
    CHECK(!partial(&r, ROUND_FILES("up/d.flt", "fb.flt"), "dfb.flt"));
    CHECK(!partial(&r, ROUND_FILES("up/e.flt", "up/a.flt"), "ea.flt"));
    CHECK(!partial(&r, ROUND_FILES("ea.flt", "up/c.flt", "dfb.flt"), "tree.flt"));
    CHECK(fed_same_files(&f, "r1/sum.flt", "r1/tree.flt"));
    fed_system(&f, "mv r1/tree.flt r1/sum.flt && mv r1/mean.flt flat.flt");
    CHECK(!round_open(&r, ROUND_FILES("answer/b.flt", "ea.flt", "answer/aux.flt", "dfb.flt",
                                      "up/c.flt")));
    CHECK(fed_same_files(&f, "r1/mean.flt", "flat.flt"));
    CHECK(!verify(&f, "r1", (struct fl_verify_settings){0}, NULL));
    CHECK(strstr(said, "6 uploads, 2 answers, sum and mean\n"));
    struct fl_verify_settings set = {.pool = fl_pool_new(3)};
    CHECK(!verify(&f, "r1", set, NULL));
    fl_pool_free(set.pool);
    round_end(&r);
}

static void
test_pairwise(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 4, "", fed_usual);
    round_turns(&r, "abcd");
    CHECK(!round_open(&r, round_uploads("abcd", NULL)));
    CHECK(!verify(&f, "r1", (struct fl_verify_settings){0}, NULL));
    CHECK(strstr(said, "plan, 4 uploads and mean\n"));
    CHECK(!partial(&r, round_uploads("dcba", NULL), "sum.flt"));
    CHECK(!round_step(&r, "model.flt", NULL, "m2.flt"));
    CHECK(!verify(&f, "r1", with_model, NULL));
    CHECK(strstr(said, "plan, 4 uploads, sum, mean and next model\n"));
    fed_system(&f, "mv r1/up/b.flt b.up");
    CHECK_REFUSED(verify(&f, "r1", with_model, NULL), FL_NOT_YET, "no upload may be missing");
    fed_system(&f, "mv b.up r1/up/b.flt; cp r1/up/a.flt r1/answer/b.flt");
    CHECK_REFUSED(verify(&f, "r1", with_model, NULL), FL_REFUSED, "answer/b.flt: ");
    fed_system(&f, "rm r1/answer/b.flt; cp r1/sum.flt r1/request.flt");
    CHECK_REFUSED(verify(&f, "r1", with_model, NULL), FL_REFUSED, "with protection pairwise");
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_good);
    RUN(test_velocity);
    RUN(test_lies);
    RUN(test_several);
    RUN(test_next);
    RUN(test_weight);
    RUN(test_tree);
    RUN(test_pairwise);
    return test_end();
}
