/* A round done again from its public files, what is signed for it, and helpers who follow. */
#include "fed/replay.h"

#include "crash.h"
#include "round.h"

#define NESTEROV "apply: {rule: nesterov, lr: 0.5, momentum: 0.75}\n"

/* Into "DIR/OUT"; VELOCITY is a file of F too, or NULL. */
static void
fill(struct fl_replay *p, const struct round *r, const char *model, const char *velocity,
     const char *out)
{
    static char paths[4][200];

    snprintf(paths[0], sizeof paths[0], "%s/%s", r->f->dir, r->folder);
    snprintf(paths[1], sizeof paths[1], "%s/%s", r->f->dir, model);
    snprintf(paths[2], sizeof paths[2], "%s/%s", r->f->dir, velocity ? velocity : "");
    snprintf(paths[3], sizeof paths[3], "%s/%s", r->f->dir, out);
    *p = (struct fl_replay){.plan = &r->plan,
                            .folder = paths[0],
                            .model = paths[1],
                            .velocity = velocity ? paths[2] : NULL,
                            .output = paths[3],
                            .memory = ROUND_MEMORY};
}

static void
whole_round(struct round *r, const char *sites)
{
    round_turns(r, sites);
    CHECK(!round_ask(r, sites, false));
    round_answers(r);
    CHECK(!round_open(r, ROUND_FILES("sum.flt", "answer/aux.flt", "answer/b.flt")));
}

static void
digest_of(const struct federation *f, const char *file, unsigned char digest[32],
          unsigned char params[32])
{
    struct fl_object *o = fl_object_open(fed_path(f, file), NULL);

    CHECK(o && !fl_object_digest(o, NULL, digest));
    CHECK(!params || !fl_object_params(o, NULL, params));
    fl_object_free(o);
}

/* The L2 distance of two models of this federation, number by number. */
static double
distance(const struct federation *f, const char *a, const char *b)
{
    struct fl_object *x = fl_object_open(fed_path(f, a), FL_KIND_MODEL);
    struct fl_object *y = fl_object_open(fed_path(f, b), FL_KIND_MODEL);
    double sum = 0;

    for (size_t t = 0; t < 4; t++)
        for (uint64_t i = 0; i < fed_elements((int)t); i++) {
            float values[2];
            for (int k = 0; k < 2; k++) {
                const void *data = fl_object_data(k ? y : x, t);
                uint32_t u = t == 3 ? (uint32_t)((const uint16_t *)data)[i] << 16
                                    : ((const uint32_t *)data)[i];
                memcpy(&values[k], &u, 4);
            }
            sum += ((double)values[1] - (double)values[0]) *
                   ((double)values[1] - (double)values[0]);
        }
    fl_object_free(x);
    fl_object_free(y);
    return sqrt(sum);
}

/* The same model and velocity as the hub's step makes; the head says of them what they are. */
static void
test_round(void)
{
    struct federation f;
    struct round r;
    struct fl_replay p;
    unsigned char digest[32], params[32];

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\n" NESTEROV, fed_usual);
    whole_round(&r, "abcdf");
    CHECK(!round_step(&r, "model.flt", "want.v", "want.flt"));
    fill(&p, &r, "model.flt", "got.v", "got.flt");
    CHECK(!fl_replay_round(&p, NULL));
    CHECK(fed_same_files(&f, "want.flt", "got.flt") && fed_same_files(&f, "want.v", "got.v"));
    digest_of(&f, "got.flt", digest, params);
    CHECK(!memcmp(p.opened.next_base, digest, 32) && !memcmp(p.opened.next_params, params, 32));
    digest_of(&f, "got.v", digest, NULL);
    CHECK(p.opened.has_velocity && !memcmp(p.opened.next_velocity, digest, 32));
    CHECK_NEAR(p.opened.distance, distance(&f, "model.flt", "got.flt"), 1e-12);
    CHECK(p.opened.distance > 1);
    struct fl_request request;
    CHECK(!fl_request_read(&request, &r.plan, round_path(&r, "request.flt"), NULL));
    CHECK(!memcmp(request.set, p.opened.set, 32));

    /* Of several requests the one of the set that is wanted. */
    fed_system(&f, "mv r1/request.flt r1/request.2.flt");
    round_turns(&r, "e");
    CHECK(!round_ask(&r, "abcdef", false));
    fed_system(&f, "rm got.*");
    CHECK(!fl_replay_round(&p, request.set) && fed_same_files(&f, "want.flt", "got.flt"));
    fed_system(&f, "rm got.* r1/request.2.flt");
    CHECK_REFUSED(fl_replay_round(&p, request.set), FL_NOT_YET, "the request that was answered");
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_REFUSED, "for another set of uploads");
    CHECK(access(fed_path(&f, "got.flt"), F_OK) && access(fed_path(&f, "got.v"), F_OK));
    fl_request_release(&request);
    round_end(&r);
}

/* Pairwise: the uploads alone. */
static void
test_pairwise(void)
{
    struct federation f;
    struct round r;
    struct fl_replay p;

    round_start(&r, &f, 3, "", fed_usual);
    round_turns(&r, "ab");
    fill(&p, &r, "model.flt", NULL, "got.flt");
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_NOT_YET, "up/c.flt: is not there yet");
    round_turns(&r, "c");
    CHECK(!round_open(&r, round_uploads("abc", NULL)));
    CHECK(!round_step(&r, "model.flt", NULL, "want.flt"));
    CHECK(!fl_replay_round(&p, NULL) && fed_same_files(&f, "want.flt", "got.flt"));
    CHECK(!p.opened.has_velocity);
    round_end(&r);
}

/* Files that are not there yet, or not those that the request shows. */
static void
test_files(void)
{
    struct federation f;
    struct round r;
    struct fl_replay p;

    round_start(&r, &f, 5, FED_HELPERS "min_sum: 4\n", fed_usual);
    fed_system(&f, "cp c.key key.safe; cp -r c.state state.safe");
    whole_round(&r, "abcd");
    fill(&p, &r, "model.flt", NULL, "got.flt");
    fed_system(&f, "mv r1/up/d.flt d.safe");
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_NOT_YET, "up/d.flt: is not there yet");
    fed_system(&f, "mv d.safe r1/up/d.flt; mv r1/answer/aux.flt aux.safe");
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_NOT_YET, "answer/aux.flt: is not there yet");
    fed_system(&f, "mv aux.safe r1/answer/aux.flt; mv r1/request.flt request.safe");
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_NOT_YET, "has no request");
    fed_system(&f, "mv request.safe r1/request.flt; mv r1/up/c.flt c.safe");
    /* a copy of c's key made another upload of the round: whole, signed, and not the one */
    fed_system(&f, "cp key.safe c.key; rm -r c.state; mv state.safe c.state");
    fl_key_free(f.key[2]);
    f.key[2] = fl_key_read(fed_path(&f, "c.key"));
    CHECK(!round_turn_of(&r, 2, "a.flt", "up/c.flt"));
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_REFUSED,
                  "is not the upload that the request shows");
    fed_system(&f, "mv c.safe r1/up/c.flt; cp r1/up/a.flt r1/up/b.flt");
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_REFUSED, "");
    CHECK(access(fed_path(&f, "got.flt"), F_OK));
    p.folder = "/nonexistent";
    CHECK_REFUSED(fl_replay_round(&p, NULL), FL_FAILED, "cannot open this folder");
    round_end(&r);
}

/* ---- a helper follows ---- */

static int
advance(struct round *r, size_t i, const char *model, const char *velocity, const char *out)
{
    struct fl_replay p;
    struct fl_state *s = fed_state(r->f, i);

    fill(&p, r, model, velocity, out);
    int failed = !s || fl_replay_advance(&p, s, r->f->key[i]);
    fl_state_free(s);
    return failed ? -1 : 0;
}

/* Two rounds, each helper over what it has come to itself; then what is refused. */
static void
test_advance(void)
{
    struct federation f;
    struct round r, r2;
    unsigned char digest[32], params[32];

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\n" NESTEROV, fed_usual);
    whole_round(&r, "abcdef");
    CHECK(!round_step(&r, "model.flt", "v", "m2.flt"));
    CHECK(!advance(&r, 1, "model.flt", "b.v", "b2.flt"));
    CHECK(fed_same_files(&f, "m2.flt", "b2.flt") && fed_same_files(&f, "v", "b.v"));
    digest_of(&f, "m2.flt", digest, params);
    struct fl_state *s = fed_state(&f, 1);
    CHECK(s && s->section[0].now.known && !memcmp(s->section[0].now.object, digest, 32));
    CHECK(!memcmp(s->section[0].now.params, params, 32) && s->section[0].now.has_velocity);
    CHECK(!s->section[0].open_count && s->near.base_count == 2);
    CHECK(fl_near_find(&s->near, digest)->sketched && fl_near_find(&s->near, f.model)->sketched);
    fl_state_free(s);
    /* Once more: it has moved on, nothing changes. */
    fed_system(&f, "cp b.state/state before");
    CHECK(!advance(&r, 1, "model.flt", "b.v", "b2.flt"));
    CHECK(fed_same_files(&f, "before", "b.state/state") && fed_same_files(&f, "v", "b.v"));

    CHECK(
        !round_plan(&r2, &f, &(struct fed_planning){2, "m2.flt", "r1/mean.flt", "v", NULL, NULL}));
    for (size_t i = 0; i < 6; i++)
        fed_update(&f, i, digest, 10, fed_usual);
    round_turns(&r2, "abcdef");
    CHECK(!round_ask(&r2, "abcdef", false));
    CHECK_REFUSED(round_answer(&r2, FED_AUX), FL_REFUSED, "over another model than the one");
    CHECK_REFUSED(advance(&r2, FED_AUX, "m2.flt", "v", "x.flt"), FL_REFUSED, "was not answered by");
    CHECK(!advance(&r, FED_AUX, "model.flt", "aux.v", "aux2.flt"));
    round_answers(&r2);
    CHECK_REFUSED(advance(&r2, 1, "model.flt", "b.v", "b3.flt"), FL_REFUSED, "not the model");
    CHECK(!advance(&r2, 1, "b2.flt", "b.v", "b3.flt"));
    CHECK(!round_open(&r2, ROUND_FILES("sum.flt", "answer/aux.flt", "answer/b.flt")));
    CHECK(!round_step(&r2, "m2.flt", "v", "m3.flt"));
    CHECK(fed_same_files(&f, "m3.flt", "b3.flt") && fed_same_files(&f, "v", "b.v"));
    /* The round of before cannot be followed again from here. */
    CHECK_REFUSED(advance(&r, 1, "model.flt", "b.v", "x.flt"), FL_REFUSED, "over another model");
    CHECK_REFUSED(advance(&r, 0, "model.flt", "b.v", "x.flt"), FL_REFUSED, "was not answered by");
    CHECK(access(fed_path(&f, "x.flt"), F_OK));
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* The velocity that a step begins with is the plan's. */
static void
test_velocity(void)
{
    struct federation f;
    struct round r, r2;
    unsigned char digest[32];

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 4\n" NESTEROV, fed_usual);
    whole_round(&r, "abcd");
    CHECK(!round_step(&r, "model.flt", "v", "m2.flt"));
    fed_system(&f,
               "cp v b.v"); /* the first begins without one; what others wrote is not believed */
    CHECK_REFUSED(advance(&r, 1, "model.flt", "b.v", "b2.flt"), FL_REFUSED,
                  "b.v: says that it has");
    fed_system(&f, "rm b.v");
    CHECK(!advance(&r, 1, "model.flt", "b.v", "b2.flt"));
    CHECK(!advance(&r, FED_AUX, "model.flt", "aux.v", "aux2.flt"));
    digest_of(&f, "m2.flt", digest, NULL);
    CHECK(
        !round_plan(&r2, &f, &(struct fed_planning){2, "m2.flt", "r1/mean.flt", "v", NULL, NULL}));
    for (size_t i = 0; i < 4; i++)
        fed_update(&f, i, digest, 10, fed_extreme);
    whole_round(&r2, "abcd");
    CHECK_REFUSED(advance(&r2, 1, "b2.flt", "none.v", "b3.flt"), FL_REFUSED,
                  "begins with a velocity");
    struct fl_meta meta = {0};
    struct fed_object o = {"other.v", FL_KIND_OPTIMIZER, &meta, fed_usual, 9, NULL, {0}};
    unsigned char zero[32] = {0};
    CHECK(!fl_meta_set_bytes(&meta, "model", digest, 32) &&
          !fl_meta_set_bytes(&meta, "parent", zero, 32) &&
          !fl_meta_set_bytes(&meta, "update", zero, 32) &&
          !fl_meta_set_text(&meta, "optimizer", "nesterov") && !fl_meta_set_f64(&meta, "lr", 0.5) &&
          !fl_meta_set_f64(&meta, "momentum", 0.75));
    fed_write(&f, &o);
    fl_meta_release(&meta);
    CHECK_REFUSED(advance(&r2, 1, "b2.flt", "other.v", "b3.flt"), FL_REFUSED,
                  "not the velocity that the plan names");
    CHECK(!advance(&r2, 1, "b2.flt", "b.v", "b3.flt"));
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* An optimizer's state that says that it has taken the step over BASE by this UPDATE to MODEL. */
static void
write_taken(const struct federation *f, const char *file, const unsigned char base[32],
            const unsigned char update[32], const unsigned char model[32])
{
    struct fl_meta meta = {0};
    struct fed_object o = {file, FL_KIND_OPTIMIZER, &meta, fed_usual, 9, NULL, {0}};

    CHECK(!fl_meta_set_bytes(&meta, "model", model, 32) &&
          !fl_meta_set_bytes(&meta, "parent", base, 32) &&
          !fl_meta_set_bytes(&meta, "update", update, 32) &&
          !fl_meta_set_text(&meta, "optimizer", "nesterov") && !fl_meta_set_f64(&meta, "lr", 0.5) &&
          !fl_meta_set_f64(&meta, "momentum", 0.75));
    fed_write(f, &o);
    fl_meta_release(&meta);
}

/*
 * A state that the hub made up: numbers that it chose, under the claim that the step was taken
 * before. Whoever believes it comes to a model that the hub chose.
 */
static void
test_made_up(void)
{
    struct federation f;
    struct round r;
    unsigned char update[32], chosen[32] = {0};

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 4\n" NESTEROV, fed_usual);
    whole_round(&r, "abcd");
    struct fl_object *mean = fl_object_open(round_path(&r, "mean.flt"), FL_KIND_UPDATE);
    CHECK(mean && !fl_object_digest(mean, NULL, update));
    fl_object_free(mean);
    write_taken(&f, "b.v", f.model, update, chosen);
    struct fl_server_step step = {.rule = FL_APPLY_NESTEROV,
                                  .lr = 0.5,
                                  .momentum = 0.75,
                                  .plan = &r.plan};
    struct fl_step_files files = {.model = fed_path(&f, "model.flt"),
                                  .update = round_path(&r, "mean.flt"),
                                  .state = fed_path(&f, "b.v"),
                                  .output = fed_path(&f, "x.flt")};
    CHECK(fl_step_take(&step, &files) == -1); /* but it tells where the step leads */
    write_taken(&f, "b.v", f.model, update, files.digest);
    CHECK_REFUSED(advance(&r, 1, "model.flt", "b.v", "b2.flt"), FL_REFUSED, "b.v");
    struct fl_state *s = fed_state(&f, 1);
    CHECK(s && !s->section[0].now.known && !memcmp(s->section[0].now.object, f.model, 32));
    fl_state_free(s);
    round_end(&r);
}

/* ---- what others sign ---- */

static void
sign_opened(struct round *r, struct fl_replay *p, size_t key, uint32_t party, const char *file)
{
    int fd = open(round_path(r, file), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(!fl_replay_sign(p, party, r->f->key[key], fd, file));
    close(fd);
}

/* When all under replay have signed, the mean alone is taken, and leads where they say or nowhere.
 */
static void
test_signed(void)
{
    struct federation f;
    struct round r;
    struct fl_replay p;

    round_start(&r, &f, 5, FED_HELPERS "min_sum: 4\nreplay: [c, aux]\n", fed_usual);
    whole_round(&r, "abcd");
    fill(&p, &r, "model.flt", NULL, "c2.flt");
    CHECK(!fl_replay_round(&p, NULL));
    sign_opened(&r, &p, 2, 2, "opened/c.flt");
    struct fl_object *o = fl_object_open(round_path(&r, "opened/c.flt"), FL_KIND_OPENED);
    struct fl_opened_head h;
    CHECK(o && !fl_opened_head_decode(&h, &r.plan, &fl_object_head(o)->meta) && h.party == 2);
    CHECK(!memcmp(h.next_base, p.opened.next_base, 32) && h.distance == p.opened.distance);
    fl_object_free(o);
    fed_system(&f, "cp -r aux.state state.safe; cp aux.key key.safe");
    fed_system(&f, "rm r1/up/d.flt"); /* so that nobody can open the sum */
    CHECK_REFUSED(advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"), FL_NOT_YET, "up/d.flt");

    /* The other of replay signs for another result, badly, for somebody else. */
    const struct fl_opened_head right = p.opened;
    p.opened.next_params[0] ^= 1;
    sign_opened(&r, &p, FED_AUX, 5, "opened/aux.flt");
    CHECK_REFUSED(advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"), FL_REFUSED,
                  "\"aux\" signed for another result than \"c\"");
    p.opened = right;
    sign_opened(&r, &p, 0, 5, "opened/aux.flt");
    CHECK_REFUSED(advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"), FL_REFUSED, "aux");
    fed_system(&f, "cp r1/opened/c.flt r1/opened/aux.flt");
    CHECK_REFUSED(advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"), FL_REFUSED,
                  "is not signed by \"aux\"");
    sign_opened(&r, &p, FED_AUX, 5, "opened/aux.flt");

    /* A mean that leads elsewhere. */
    fed_system(&f, "cp r1/mean.flt mean.safe");
    fed_update(&f, 0, f.model, 7, fed_usual);
    fed_system(&f, "cp a.flt r1/mean.flt");
    CHECK_REFUSED(advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"), FL_REFUSED,
                  "does not lead to the model that was signed for");
    struct fl_state *s = fed_state(&f, FED_AUX);
    CHECK(s && !s->section[0].now.known && !memcmp(s->section[0].now.object, f.model, 32));
    fl_state_free(s);
    fed_system(&f, "cp mean.safe r1/mean.flt");
    CHECK(!advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"));
    CHECK(fed_same_files(&f, "c2.flt", "aux2.flt"));
    s = fed_state(&f, FED_AUX);
    CHECK(s && s->section[0].now.known &&
          !memcmp(s->section[0].now.object, p.opened.next_base, 32));
    fl_state_free(s);

    /* All signed for another set than this helper answered: not for it. */
    fed_system(&f, "rm -r aux.state; cp -r state.safe aux.state; cp key.safe aux.key; rm aux2.flt");
    fl_key_free(f.key[FED_AUX]);
    f.key[FED_AUX] = fl_key_read(fed_path(&f, "aux.key"));
    p.opened.set[0] ^= 1;
    sign_opened(&r, &p, 2, 2, "opened/c.flt");
    sign_opened(&r, &p, FED_AUX, 5, "opened/aux.flt");
    CHECK_REFUSED(advance(&r, FED_AUX, "model.flt", NULL, "aux2.flt"), FL_NOT_YET, "up/d.flt");
    round_end(&r);
}

/* ---- crashes ---- */

static int
advance_in_child(void *arg)
{
    return advance(arg, 1, "model.flt", "b.v", "b2.flt");
}

/* At any moment: it is over the old model or the new one, and gets to the new one by another run.
 */
static void
test_crash(void)
{
    struct federation f;
    struct round r;
    int n = 0, outcome = 1, moved = 0;
    unsigned char next[32];

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 4\n" NESTEROV, fed_usual);
    whole_round(&r, "abcd");
    CHECK(!round_step(&r, "model.flt", "v", "m2.flt"));
    digest_of(&f, "m2.flt", next, NULL);
    fed_system(&f, "cp -r b.state state.safe");
    if (test_under_valgrind() || crash_at(1 << 20, advance_in_child, &r) == -2) {
        round_end(&r);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf b.state b.v* b2.flt* && cp -r state.safe b.state");
        outcome = crash_at(n, advance_in_child, &r);
        CHECK(outcome >= 0);
        struct fl_state *s = fed_state(&f, 1);
        const bool new_now = s && !memcmp(s->section[0].now.object, next, 32);
        CHECK(s &&
              (new_now ? s->section[0].now.known : !memcmp(s->section[0].now.object, f.model, 32)));
        CHECK(!new_now ||
              (fed_same_files(&f, "m2.flt", "b2.flt") && fed_same_files(&f, "v", "b.v")));
        fl_state_free(s);
        moved += new_now;
        CHECK(!advance(&r, 1, "model.flt", "b.v", "b2.flt"));
        CHECK(fed_same_files(&f, "m2.flt", "b2.flt") && fed_same_files(&f, "v", "b.v"));
        s = fed_state(&f, 1);
        CHECK(s && !memcmp(s->section[0].now.object, next, 32));
        fl_state_free(s);
    }
    CHECK(outcome == 0 && n > 8 && moved > 0 && moved < n - 4);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_round);
    RUN(test_pairwise);
    RUN(test_files);
    RUN(test_advance);
    RUN(test_velocity);
    RUN(test_made_up);
    RUN(test_signed);
    RUN(test_crash);
    return test_end();
}
