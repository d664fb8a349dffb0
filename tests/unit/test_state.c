/* The state of a key: its chains, what it remembers, what it refuses, and crashes while it is
 * written. */
#include "sec/state.h"

#include <sys/stat.h>

#include "crash.h"
#include "federation.h"

static const unsigned char sid[32] = "session", params[32] = "params", other_params[32] = "others";

/* Round R's upload (or answer) as a state records it. */
static struct fl_made
made_of(const struct federation *f, uint64_t round)
{
    struct fl_made made = {.epoch = f->roster.epoch, .round = round};

    memcpy(made.roster, f->roster.digest, 32);
    memcpy(made.sid, sid, 32);
    memset(made.input, (int)round, 32);
    memset(made.root, (int)round + 1, 32);
    return made;
}

static int
upload(struct fl_state *s, const struct federation *f, size_t i, uint64_t round,
       const unsigned char *over)
{
    const struct fl_made made = made_of(f, round);
    char path[200];

    snprintf(path, sizeof path, "%s", fed_file(f, i, ".key"));
    return fl_state_commit_upload(s, &made, over, f->key[i], path);
}

static int
answer(struct fl_state *s, const struct federation *f, size_t i, uint64_t round)
{
    const struct fl_made made = made_of(f, round);
    char path[200];

    snprintf(path, sizeof path, "%s", fed_file(f, i, ".key"));
    return fl_state_step_down(s, round, f->roster.max_open) ||
           fl_state_commit_answer(s, &made, f->key[i], path);
}

static void
reread_key(struct federation *f, size_t i)
{
    fl_key_free(f->key[i]);
    f->key[i] = fl_key_read(fed_file(f, i, ".key"));
    CHECK(f->key[i] != NULL);
}

/* Pairwise: both ends of every pair have one key, at any round; other pairs and rounds another. */
static void
test_accept(void)
{
    struct federation f;
    unsigned char old_dh[32], k[3][3][32], later[32];

    fed_start(&f, 3, "first_round: 2\n");
    memcpy(old_dh, f.key[1]->dh, 32);
    CHECK(!fed_state(&f, 1) && fl_error_status() == FL_REFUSED && fed_says("accepted no roster"));
    fed_accept_all(&f);
    CHECK(memcmp(old_dh, f.key[1]->dh, 32) && f.key[1]->epoch == 2 && f.key[1]->has_roster);
    CHECK(f.key[1]->roster_epoch == 1 && !memcmp(f.key[1]->roster, f.roster.digest, 32));
    CHECK(f.key[FED_HUB]->epoch == 1 && f.key[FED_HUB]->has_roster && !f.key[FED_AUX]->has_roster);
    struct fl_key *file = fl_key_read(fed_path(&f, "b.key"));
    CHECK(file && !memcmp(file, f.key[1], sizeof *file));
    fl_key_free(file);
    for (uint32_t i = 0; i < 3; i++) {
        struct fl_state *s = fed_state(&f, i);
        CHECK(s && s->section[0].party == i && s->section[0].up_next == 2 && s->section_count == 1);
        CHECK(s->section[0].up_count == 3 && !s->section[0].down && !s->section[0].helpers);
        CHECK(!memcmp(s->key, f.key[i]->public, 32));
        fl_state_step_up(s, 5);
        for (uint32_t j = 0; j < 3; j++)
            if (j != i)
                fl_state_up_key(s, j, j, sid, k[i][j]);
        fl_state_step_up(s, 6);
        fl_state_up_key(s, i == 2, i == 2, sid, later);
        CHECK(memcmp(later, k[i][i == 2], 32));
        fl_state_free(s);
    }
    CHECK(!memcmp(k[0][1], k[1][0], 32) && !memcmp(k[0][2], k[2][0], 32));
    CHECK(!memcmp(k[1][2], k[2][1], 32) && memcmp(k[0][1], k[0][2], 32));
    struct fl_acceptance again = {.dir = fed_path(&f, "b.state"),
                                  .key_path = fed_path(&f, "b.key"),
                                  .key = f.key[1],
                                  .roster = &f.roster};
    CHECK(!fl_state_accept(&again) && again.already && f.key[1]->epoch == 2);
    struct fl_roster kept;
    CHECK(!fl_state_roster(fed_path(&f, "b.state"), f.key[1], &kept));
    CHECK(!memcmp(kept.digest, f.roster.digest, 32));
    fl_roster_release(&kept);
    CHECK(fl_state_roster(fed_path(&f, "x.state"), f.key[FED_AUX], &kept) == 1);
    fed_end(&f);
}

/* Helpers: each site's key with each helper, the own one of a site that helps, both directions. */
static void
test_helpers(void)
{
    enum { N = 4, M = 2, ALL = 2 * N * M };
    static const size_t helpers[M] = {1, FED_AUX};
    struct federation f;
    unsigned char k[N][M][32], down[N][M][32], next[32];
    size_t same = 0, wrong = 0;

    fed_start(&f, N, FED_HELPERS "min_sum: 3\nmax_open: 2\n");
    fed_accept_all(&f);
    for (size_t i = 0; i < N; i++) {
        struct fl_state *s = fed_state(&f, i);
        CHECK(s && s->section[0].up_count == M && s->section[0].helpers);
        CHECK((s->section[0].down != NULL) == (i == 1));
        fl_state_step_up(s, 3);
        for (uint32_t h = 0; h < M; h++)
            fl_state_up_key(s, h, f.roster.helpers[h], sid, k[i][h]);
        fl_state_free(s);
    }
    for (size_t h = 0; h < M; h++) {
        struct fl_state *s = fed_state(&f, helpers[h]);
        CHECK(s && s->section[0].down && s->section[0].down_next == 0);
        CHECK((s->section[0].up_count > 0) == (h == 0));
        CHECK(!s->section[0].now.known && !memcmp(s->section[0].now.object, f.model, 32));
        CHECK(!fl_state_step_down(s, 3, 2) && s->section[0].down_next == 4);
        CHECK(s->section[0].open_count == 2 && s->section[0].open[0].round == 2);
        CHECK(!fl_state_open_keys(s, 1) && !fl_state_open_keys(s, 4));
        const unsigned char *keys = fl_state_open_keys(s, 3);
        for (uint32_t i = 0; keys && i < N; i++)
            fl_state_down_key(s, keys, i, sid, down[i][h]);
        CHECK(keys && fl_state_open_keys(s, 2));
        fl_state_down_key(s, fl_state_open_keys(s, 2), 0, sid, next);
        CHECK(memcmp(next, down[0][h], 32));
        fl_state_close_round(s, 2);
        CHECK(s->section[0].open_count == 1 && !fl_state_open_keys(s, 2));
        CHECK(fl_state_open_keys(s, 3));
        fl_state_close_all(s);
        CHECK(!s->section[0].open_count);
        fl_state_free(s);
    }
    for (size_t a = 0; a < N * M; a++)
        for (size_t b = 0; b < N * M; b++) {
            bool equal = !memcmp(k[a / M][a % M], down[b / M][b % M], 32);
            same += equal;
            wrong += equal != (a == b);
        }
    CHECK(same == (size_t)N * M && !wrong);
    fed_end(&f);
}

static void
test_accept_refused(void)
{
    struct federation f;
    unsigned char psk[32] = {1};

    fed_start(&f, 3, "");
    struct fl_key *stranger = fl_key_new("a", 1);
    struct fl_acceptance acc = {.dir = fed_path(&f, "x.state"),
                                .key_path = fed_path(&f, "x.key"),
                                .key = stranger,
                                .roster = &f.roster};
    CHECK_REFUSED(fl_state_accept(&acc), FL_REFUSED, "does not hold the key");
    fl_key_free(stranger);
    acc = (struct fl_acceptance){.dir = fed_path(&f, "a.state"),
                                 .key_path = fed_path(&f, "a.key"),
                                 .key = f.key[0],
                                 .roster = &f.roster,
                                 .psk = psk};
    CHECK_REFUSED(fl_state_accept(&acc), FL_USAGE, "leave out --psk");
    CHECK(!fed_roster(&f, "psk: true\n"));
    CHECK_REFUSED(fed_accept(&f, 0), FL_USAGE, "wants a pre-shared secret");
    CHECK(!f.key[0]->has_roster);
    CHECK(!fl_state_accept(&acc) && !acc.already && f.key[0]->has_roster);
    fl_key_renew(f.key[1], 1); /* its line in the roster is of the key before */
    CHECK_REFUSED(fed_accept(&f, 1), FL_REFUSED, "not the one that its key has now");
    CHECK(!fed_accept(&f, FED_HUB)); /* it has no chains, so no secret either */
    fed_end(&f);
}

static void
test_uploads(void)
{
    struct federation f;
    struct fl_state *s;
    unsigned char k[32], later[32];

    fed_start(&f, 3, "first_round: 3\nmax_open: 2\n");
    CHECK(!fed_accept(&f, 0));
    CHECK_REFUSED(fl_state_admit(3, 2, 100), FL_REFUSED, "round 2 is over");
    CHECK(!fl_state_admit(3, 3, 100) && !fl_state_admit(3, 102, 100));
    CHECK_REFUSED(fl_state_admit(3, 103, 100), FL_REFUSED, "too far");
    CHECK_REFUSED(fl_state_admit(3, INT64_MAX, 100), FL_REFUSED, "too far");
    CHECK_REFUSED(fl_state_admit(3, UINT64_MAX, 100), FL_REFUSED, "too far");
    s = fed_state(&f, 0);
    fl_state_step_up(s, 5);
    fl_state_up_key(s, 2, 2, sid, k);
    CHECK(!upload(s, &f, 0, 5, params) && s->uploads.ctr == 1 && s->section[0].up_next == 6);
    CHECK(f.key[0]->uploads == 1);
    fl_state_free(s);

    s = fed_state(&f, 0); /* what was passed is passed after a restart too */
    CHECK(s && s->section[0].up_next == 6 && s->uploads.ctr == 1 && s->uploads.prev[0] == 6);
    const struct fl_made *m = fl_state_made(s->upload, s->upload_count, f.roster.digest, 5);
    CHECK(m && m->input[0] == 5 && m->root[31] == 6 && !memcmp(m->sid, sid, 32) && m->epoch == 1);
    CHECK(!fl_state_made(s->upload, s->upload_count, f.roster.digest, 4));
    CHECK(!fl_state_made(s->upload, s->upload_count, sid, 5));
    CHECK(!fl_state_made(s->answer, s->answer_count, f.roster.digest, 5));
    fl_state_up_key(s, 2, 2, sid, later);
    CHECK(memcmp(k, later, 32));
    CHECK(!fl_state_check_masked(s, params, 2) && !fl_state_check_masked(s, other_params, 2));
    CHECK_REFUSED(fl_state_check_masked(s, params, 1), FL_REFUSED, "in 1 rounds already");
    CHECK(!upload(s, &f, 0, 9, params) && !upload(s, &f, 0, 10, other_params));
    CHECK_REFUSED(fl_state_check_masked(s, params, 2), FL_REFUSED, "max_open is 2");
    CHECK(!fl_state_check_masked(s, other_params, 2) && s->masked_count == 2);
    CHECK(!fl_state_drop_made(s, false, 2) && s->upload_count == 2 && s->upload[0].round == 9);
    fl_state_free(s);
    s = fed_state(&f, 0);
    CHECK(s && s->upload_count == 2 && s->upload[1].round == 10 && s->uploads.ctr == 3);
    CHECK(s->section[0].up_next == 11 && s->masked_count == 2);
    CHECK_REFUSED(fl_state_check_masked(s, params, 2), FL_REFUSED, "max_open is 2");
    fl_state_free(s);
    fed_end(&f);
}

static void
test_answers(void)
{
    struct federation f;
    struct fl_state *s;
    unsigned char k[32], again[32];

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\nmax_open: 3\n");
    fed_accept_all(&f);
    s = fed_state(&f, FED_AUX);
    CHECK(!fl_state_step_down(s, 2, 3));
    fl_state_down_key(s, fl_state_open_keys(s, 1), 2, sid, k);
    CHECK(!answer(s, &f, FED_AUX, 2) && s->answers.ctr == 1 && f.key[FED_AUX]->answers == 1);
    CHECK(!f.key[FED_AUX]->uploads && !s->uploads.ctr);
    fl_state_free(s);
    s = fed_state(&f, FED_AUX); /* rounds 0 and 1 are open still; of 2 the keys exist nowhere */
    CHECK(s && s->section[0].open_count == 2 && s->section[0].down_next == 3);
    CHECK(s && !fl_state_open_keys(s, 2) && s->answers.prev[5] == 3 && s->answer_count == 1);
    fl_state_down_key(s, fl_state_open_keys(s, 1), 2, sid, again);
    CHECK(!memcmp(k, again, 32));
    CHECK(!answer(s, &f, FED_AUX, 7) && s->section[0].open_count == 2);
    CHECK(!fl_state_open_keys(s, 1) && fl_state_open_keys(s, 5) && fl_state_open_keys(s, 6));
    CHECK(!fl_state_drop_made(s, true, 1) && s->answer_count == 1 && s->answer[0].round == 7);
    fl_state_free(s);
    fed_end(&f);
}

/* What the hub says it counted last, against what the key has made. */
static void
test_last(void)
{
    const struct fl_count own = {7, {7}};
    const struct {
        struct fl_counted last;
        bool fine;
        const char *words;
    } cases[] = {{{0, {0}, 0}, true, ""},
                 {{6, {9}, 0}, true, ""},
                 {{7, {7}, 0}, true, ""},
                 {{7, {8}, 0}, false, "has counted another upload 7"},
                 {{8, {7}, 0}, false, "counted upload 8 of this key, and its state knows of 7"},
                 {{INT64_MAX, {7}, 0}, false, "an old copy"}};
    const struct fl_count none = {0, {0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].fine)
            CHECK(!fl_state_check_last(&own, &cases[i].last, "upload"));
        else
            CHECK_REFUSED(fl_state_check_last(&own, &cases[i].last, "upload"), FL_REFUSED,
                          cases[i].words);
    CHECK(!fl_state_check_last(&none, &cases[0].last, "answer"));
    CHECK_REFUSED(fl_state_check_last(&none, &(struct fl_counted){1, {0}, 0}, "answer"), FL_REFUSED,
                  "answer 1");
}

/* A key that has a roster and not its own state, or an old one. */
static void
test_lost(void)
{
    struct federation f;
    struct fl_state *s;

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\n");
    fed_system(&f, "cp a.key a.old");
    fed_accept_all(&f);
    fed_system(&f, "cp -r a.state a.before; cp -r aux.state aux.before; cp -r b.state b.before");
    s = fed_state(&f, 0);
    CHECK(s && !upload(s, &f, 0, 1, params));
    CHECK(!fed_state(&f, 0) && fed_says("another program"));
    fl_state_free(s);
    s = fed_state(&f, FED_AUX);
    CHECK(s && !answer(s, &f, FED_AUX, 1));
    fl_state_free(s);
    s = fed_state(&f, 1); /* a site that answers: each count tells an old copy */
    CHECK(s && !answer(s, &f, 1, 1));
    fl_state_free(s);
    static const struct {
        const char *dir;
        size_t key;
        const char *words;
    } old[] = {{"a.before", 0, "forgotten uploads"},
               {"aux.before", FED_AUX, "forgotten answers"},
               {"b.before", 1, "forgotten answers"},
               {"b.state", 0, "another key"},
               {"nowhere", 0, "missing"}};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        CHECK_REFUSED(!fl_state_open(fed_path(&f, old[i].dir), f.key[old[i].key]), FL_REFUSED,
                      old[i].words);
    /* An old copy of the key file, from before it had a roster, may not begin the epoch again. */
    struct fl_acceptance acc = {.dir = fed_path(&f, "a.state"),
                                .key_path = fed_path(&f, "a.old"),
                                .key = fl_key_read(fed_path(&f, "a.old")),
                                .roster = &f.roster};
    CHECK_REFUSED(fl_state_accept(&acc), FL_REFUSED, "old copy");
    fl_key_free(acc.key);
    CHECK(!unlink(fed_path(&f, "a.state/state")));
    CHECK_REFUSED(!fed_state(&f, 0), FL_REFUSED, "missing");
    CHECK_REFUSED(fed_accept(&f, 0), FL_REFUSED, "missing");
    fed_system(&f, "rm -r a.state");
    CHECK_REFUSED(!fed_state(&f, 0), FL_REFUSED, "missing");
    CHECK_REFUSED(fed_accept(&f, 0), FL_REFUSED, "missing");
    CHECK(access(fed_path(&f, "a.state"), F_OK)); /* and none is made */
    CHECK(!chmod(fed_path(&f, "b.state"), 0755));
    CHECK_REFUSED(!fed_state(&f, 1), FL_REFUSED, "others");
    CHECK(!chmod(fed_path(&f, "b.state"), 0700) && !chmod(fed_path(&f, "b.state/state"), 0640));
    CHECK_REFUSED(!fed_state(&f, 1), FL_REFUSED, "others");
    fed_end(&f);
}

/* Any byte of the state changed, or the file cut: refused, not half believed. */
static void
test_damaged(void)
{
    struct federation f;
    struct fl_state *s;
    struct fl_buf b = {0};
    const size_t step = test_under_valgrind() ? 211 : 7;

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\n");
    fed_accept_all(&f);
    s = fed_state(&f, 1);
    CHECK(!upload(s, &f, 1, 1, params) && !answer(s, &f, 1, 1));
    fl_state_free(s);
    CHECK(!fl_read_file(fed_path(&f, "b.state/state"), 1 << 20, &b));
    for (size_t i = 0; i < b.len; i += step) {
        int fd = open(fed_path(&f, "b.state/state"), O_WRONLY | O_TRUNC);
        b.data[i] ^= 2;
        CHECK(!fl_write_full(fd, "state", b.data, i % 2 ? b.len : i));
        close(fd);
        b.data[i] ^= 2;
        fl_error_clear();
        CHECK(!fed_state(&f, 1) && fl_error_status() != FL_OK);
    }
    fl_buf_release(&b);
    fed_end(&f);
}

/* What a thief of the disk might guess is not to be found in it: models that were masked over. */
static void
test_hidden(void)
{
    struct federation f;
    struct fl_state *s[2];
    unsigned char one[32], two[32], three[32];
    char hex[65], small[65];

    fed_start(&f, 3, "");
    fed_accept_all(&f);
    s[0] = fed_state(&f, 0);
    s[1] = fed_state(&f, 1);
    fl_state_hide(s[0], "fl1.masked", params, one);
    fl_state_hide(s[1], "fl1.masked", params, two);
    fl_state_hide(s[0], "fl1.input", params, three);
    CHECK(memcmp(one, two, 32) && memcmp(one, three, 32) && memcmp(one, params, 32));
    CHECK(!upload(s[0], &f, 0, 0, params));
    fl_state_free(s[0]);
    fl_state_free(s[1]);
    fl_hex(hex, params, 32);
    fl_hex(small, one, 32);
    fed_system(&f, "! grep -q %s a.state/state && grep -q %s a.state/state", hex, small);
    fed_end(&f);
}

/* The next epoch: what stays, what goes, what is refused. */
static void
test_next_epoch(void)
{
    struct federation f;
    struct fl_state *s;
    struct fl_buf first_roster = {0};
    unsigned char first[32], model[32], first_model[32];
    struct fl_roster other = {0};

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\n");
    memcpy(first, f.roster.digest, 32);
    CHECK(!fl_buf_add(&first_roster, f.roster.canonical.data, f.roster.canonical.len));
    fed_accept_all(&f);
    s = fed_state(&f, 1);
    CHECK(s && !upload(s, &f, 1, 4, params) && !answer(s, &f, 1, 4));
    CHECK(fl_near_add(&s->near, f.model, NULL) && !fl_state_save(s)); /* it has served, */
    fl_state_free(s);
    struct fl_acceptance acc = {.dir = fed_path(&f, "b.state"),
                                .key_path = fed_path(&f, "b.key"),
                                .key = f.key[1],
                                .roster = &f.roster,
                                .mbit = 12.5};
    f.key[4] = fl_key_new("e", 2);
    CHECK(f.key[4] && !fl_key_write(f.key[4], fed_path(&f, "e.key")));
    f.n = 5;
    f.epoch = 2;
    fl_key_renew(f.key[FED_AUX], 2);
    CHECK(!fl_key_write(f.key[FED_AUX], fed_path(&f, "aux.key")));

    /* A helper that has served must see the model of the epoch, if it is another. */
    memcpy(first_model, f.model, 32);
    fed_model(&f, "model2.flt", 9, NULL, 3, model);
    memcpy(f.model, model, 32);
    CHECK(!fed_roster(&f, FED_HELPERS "min_sum: 3\nfirst_round: 5\n"));
    CHECK(!fed_roster_of(&f, FED_HELPERS "min_sum: 4\nfirst_round: 5\n", &other));
    acc.model = fl_object_open(fed_path(&f, "model2.flt"), NULL); /* and did not see its model */
    CHECK_REFUSED(fl_state_accept(&acc), FL_USAGE, "never seen it");
    fl_object_free(acc.model);
    s = fed_state(&f, 1);
    acc.model = fl_object_open(fed_path(&f, "model.flt"), NULL);
    CHECK(s && fl_near_add(&s->near, first_model, acc.model) && !fl_state_save(s));
    fl_state_free(s);
    CHECK_REFUSED(fed_accept(&f, 1), FL_USAGE, "-m MODEL");
    CHECK_REFUSED(fl_state_accept(&acc), FL_REFUSED, "is not the roster's model");
    fl_object_free(acc.model);
    acc.model = fl_object_open(fed_path(&f, "model2.flt"), NULL);
    CHECK(!fl_state_accept(&acc) && !acc.already);
    fl_object_free(acc.model);
    s = fed_state(&f, 1);
    CHECK(s && s->section_count == 1 && s->section[0].epoch == 2 && s->section[0].mbit == 12.5);
    CHECK(s->section[0].up_next == 5 && s->section[0].down_next == 5 && s->section[0].n == 5);
    CHECK(s->uploads.ctr == 1 && s->answers.ctr == 1 && s->near.base_count == 2);
    CHECK(!memcmp(s->section[0].now.object, model, 32) && !s->section[0].now.known &&
          !s->section[0].open_count);
    CHECK(fl_near_find(&s->near, model) && fl_near_find(&s->near, model)->sketched);
    CHECK(fl_state_made(s->upload, s->upload_count, first, 4));
    CHECK(!fl_state_made(s->upload, s->upload_count, f.roster.digest, 4));
    CHECK_REFUSED(fl_state_check_masked(s, params, 4), FL_REFUSED, "masked in epoch 1");
    CHECK(!fl_state_check_masked(s, other_params, 4));
    fl_state_free(s);

    /* The same again is fine; another roster of that epoch is not, nor the one of before. */
    CHECK(!fed_accept(&f, 1) && f.key[1]->epoch == 3);
    acc.roster = &other;
    acc.model = NULL;
    CHECK_REFUSED(fl_state_accept(&acc), FL_REFUSED, "a new roster needs a later epoch");
    fl_roster_release(&other);
    fl_roster_release(&f.roster);
    CHECK(!fl_roster_decode(&f.roster, first_roster.data, first_roster.len));
    CHECK_REFUSED(fed_accept(&f, 1), FL_REFUSED, "");
    fl_buf_release(&first_roster);
    fed_end(&f);
}

/* ---- crashes ---- */

struct crashing {
    struct federation *f;
    size_t party;
};

/* Accept as a program does: the key is read, and what it becomes is in its file. */
static int
accept_in_child(void *arg)
{
    struct crashing *c = arg;

    return fed_accept(c->f, c->party);
}

/*
 * A crash at any moment of accepting epoch 2: the old or the new one is in force, with its chains;
 * what the key has counted is there; and accepting again ends as if nothing had been.
 */
static void
accept_and_crash(size_t sites, const char *terms, bool helper)
{
    struct federation f;
    struct crashing c = {&f, 1};
    struct fl_state *s;
    unsigned char first[32], model[2][32] = {0};
    int n = 0, outcome = 1, old = 0;

    fed_start(&f, sites, terms);
    memcpy(first, f.roster.digest, 32);
    memcpy(model[0], f.model, 32);
    fed_accept_all(&f);
    s = fed_state(&f, 1);
    CHECK(s && !upload(s, &f, 1, 2, params));
    fl_state_free(s);
    f.epoch = 2;
    fl_key_renew(f.key[FED_AUX], 2);
    fed_model(&f, "model2.flt", 9, NULL, 3, model[1]);
    memcpy(f.model, model[1], 32);
    CHECK(!fed_roster(&f, terms));
    fed_system(&f, "mkdir safe && cp -r b.key b.state safe");
    if (test_under_valgrind() || crash_at(1 << 20, accept_in_child, &c) == -2) {
        fed_end(&f);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf b.key b.state && cp -r safe/b.key safe/b.state .");
        reread_key(&f, 1);
        outcome = crash_at(n, accept_in_child, &c);
        CHECK(outcome >= 0);
        reread_key(&f, 1);
        const bool is_old = f.key[1]->roster_epoch == 1;
        old += is_old;
        CHECK(f.key[1]->epoch == (is_old ? 2 : 3) && f.key[1]->uploads == 1);
        CHECK((s = fed_state(&f, 1)) != NULL);
        if (s) {
            CHECK(s->section_count == 1 && s->section[0].epoch == (is_old ? 1 : 2));
            CHECK(!memcmp(s->section[0].roster, is_old ? first : f.roster.digest, 32));
            CHECK(s->section[0].up_next == (is_old ? 3U : 0U) && s->uploads.ctr == 1);
            CHECK(s->upload_count == 1 && s->masked_count == 1);
            CHECK(!helper || !memcmp(s->section[0].now.object, model[!is_old], 32));
        }
        fl_state_free(s);
        fed_system(&f, "[ $(grep -c '^roster ' b.state/state) = 1 ]");
        CHECK(!fed_accept(&f, 1) && f.key[1]->roster_epoch == 2);
    }
    CHECK(outcome == 0 && n > 8 && old > 3 && old < n - 1);
    fed_end(&f);
}

static void
test_crash_accept(void)
{
    accept_and_crash(3, "", false);
}

/* A helper is at the model of the roster that is in force. */
static void
test_crash_helper(void)
{
    accept_and_crash(4, FED_HELPERS "min_sum: 3\n", true);
}

/* The same of a key's first roster: none in force, or this one. */
static void
test_crash_first(void)
{
    struct federation f;
    struct crashing c = {&f, 1};
    struct fl_state *s;
    int n = 0, outcome = 1, without = 0;

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\n");
    fed_system(&f, "mkdir safe && cp b.key safe");
    if (test_under_valgrind() || crash_at(1 << 20, accept_in_child, &c) == -2) {
        fed_end(&f);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf b.key b.state && cp safe/b.key .");
        reread_key(&f, 1);
        outcome = crash_at(n, accept_in_child, &c);
        CHECK(outcome >= 0);
        reread_key(&f, 1);
        without += !f.key[1]->has_roster;
        CHECK(!fed_accept(&f, 1) && f.key[1]->has_roster && f.key[1]->epoch == 2);
        CHECK((s = fed_state(&f, 1)) && s->section_count == 1 && s->section[0].down);
        /* the chain to itself is one chain */
        unsigned char up[32], down[32];
        fl_state_up_key(s, 0, 1, sid, up);
        CHECK(!fl_state_step_down(s, 0, 4));
        fl_state_down_key(s, fl_state_open_keys(s, 0), 1, sid, down);
        CHECK(!memcmp(up, down, 32));
        fl_state_free(s);
    }
    CHECK(outcome == 0 && n > 8 && without > 3 && without < n);
    fed_end(&f);
}

static int
upload_in_child(void *arg)
{
    struct crashing *c = arg;
    struct fl_state *s = fed_state(c->f, c->party);

    return s ? upload(s, c->f, c->party, 6, params) : -1;
}

static int
answer_in_child(void *arg)
{
    struct crashing *c = arg;
    struct fl_state *s = fed_state(c->f, c->party);

    return s ? answer(s, c->f, c->party, 6) : -1;
}

/* Recording a message: before or after, never chains without the record or a record without. */
static void
crash_commit(crash_action *action, bool answers)
{
    struct federation f;
    struct crashing c = {&f, 1};
    struct fl_state *s;
    int n = 0, outcome = 1, before = 0;

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\n");
    fed_accept_all(&f);
    fed_system(&f, "mkdir safe && cp -r b.key b.state safe");
    for (; outcome == 1 && n < 1000; n++) {
        fed_system(&f, "rm -rf b.key b.state && cp -r safe/b.key safe/b.state .");
        reread_key(&f, 1);
        outcome = crash_at(n, action, &c);
        CHECK(outcome >= 0);
        reread_key(&f, 1);
        s = fed_state(&f, 1);
        CHECK(s != NULL);
        if (!s)
            break;
        const struct fl_count *count = answers ? &s->answers : &s->uploads;
        const size_t records = answers ? s->answer_count : s->upload_count;
        const uint64_t next = answers ? s->section[0].down_next : s->section[0].up_next;
        const uint64_t in_key = answers ? f.key[1]->answers : f.key[1]->uploads;
        CHECK(count->ctr == records && next == (records ? 7 : 0) && in_key <= count->ctr);
        CHECK(count->prev[0] == (records ? 7 : 0) && !fl_state_open_keys(s, 6));
        CHECK(s->masked_count == (answers ? 0 : records));
        before += !records;
        fl_state_free(s);
    }
    CHECK(outcome == 0 && n > 4 && before > 2 && before < n);
    fed_end(&f);
}

static void
test_crash_commit(void)
{
    if (test_under_valgrind() || crash_at(0, accept_in_child, NULL) == -2)
        SKIP("nothing can be traced here");
    crash_commit(upload_in_child, false);
    crash_commit(answer_in_child, true);
}

/* ---- the hub ---- */

static void
test_plans(void)
{
    struct federation f;
    struct fl_state *s;
    struct fl_plan one = {.round = 7}, two = {.round = 7}, three = {.round = 6};

    fed_start(&f, 3, "");
    CHECK(!fed_accept(&f, FED_HUB));
    memset(one.digest, 1, 32);
    memset(two.digest, 2, 32);
    memset(three.base, 3, 32);
    s = fed_state(&f, FED_HUB);
    CHECK(s && s->section[0].party == FL_SIGNER_HUB && !s->section[0].up && !s->section[0].down);
    CHECK(!fl_state_commit_plan(s, &one) && !fl_state_commit_plan(s, &one));
    CHECK_REFUSED(fl_state_commit_plan(s, &two), FL_REFUSED, "another plan was signed");
    CHECK(!fl_state_commit_plan(s, &three));
    fl_state_plan(s, 6)->asked = true;
    memset(fl_state_plan(s, 6)->set, 9, 32);
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    s = fed_state(&f, FED_HUB);
    CHECK_REFUSED(fl_state_commit_plan(s, &two), FL_REFUSED, "another plan was signed");
    CHECK(!fl_state_commit_plan(s, &one) && s->plan_count == 2 && !fl_state_plan(s, 5));
    CHECK(!fl_state_plan(s, 7)->asked && fl_state_plan(s, 6)->asked);
    CHECK(fl_state_plan(s, 6)->set[31] == 9 && fl_state_plan(s, 6)->object[0] == 3);
    fl_state_free(s);
    /* a plan of a former roster is none of this one's */
    f.epoch = 2;
    fl_key_renew(f.key[0], 2);
    fl_key_renew(f.key[1], 2);
    fl_key_renew(f.key[2], 2);
    CHECK(!fed_roster(&f, "") && !fed_accept(&f, FED_HUB));
    s = fed_state(&f, FED_HUB);
    CHECK(s && !fl_state_plan(s, 7) && !fl_state_commit_plan(s, &two));
    fl_state_free(s);
    CHECK(!fed_roster(&f, "max_age: 5\n")); /* another one of the same epoch */
    CHECK_REFUSED(fed_accept(&f, FED_HUB), FL_REFUSED, "needs a later epoch");
    fed_end(&f);
}

/* Counts are of keys, over epochs: a later one is taken, an earlier one left out. */
static void
test_counts(void)
{
    struct federation f;
    struct fl_state *s;
    struct fl_counted last[6];

    fed_start(&f, 4, FED_HELPERS "min_sum: 3\n");
    CHECK(!fed_accept(&f, FED_HUB));
    s = fed_state(&f, FED_HUB);
    fl_state_last(s, &f.roster, last);
    for (size_t i = 0; i < 6; i++)
        CHECK(!last[i].ctr && !last[i].digest[0]);
    CHECK(!fl_state_count(s, f.key[2]->public, false, &(struct fl_counted){5, {55}, 7}));
    CHECK(!fl_state_count(s, f.key[2]->public, false, &(struct fl_counted){4, {44}, 0}));
    CHECK(!fl_state_count(s, f.key[2]->public, false, &(struct fl_counted){5, {56}, 0}));
    CHECK(!fl_state_count(s, f.key[1]->public, false, &(struct fl_counted){1, {11}, 0}));
    CHECK(!fl_state_count(s, f.key[1]->public, true, &(struct fl_counted){2, {22}, 0}));
    CHECK(!fl_state_count(s, f.key[FED_AUX]->public, true, &(struct fl_counted){3, {33}, 0}));
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    s = fed_state(&f, FED_HUB);
    fl_state_last(s, &f.roster, last);
    CHECK(last[2].ctr == 5 && last[2].digest[0] == 55 && !last[0].ctr && !last[3].ctr);
    CHECK(last[2].spent == 7 && !last[0].spent && !last[1].spent && !last[4].spent);
    CHECK(last[1].ctr == 1 && last[1].digest[0] == 11);
    CHECK(last[4].ctr == 2 && last[4].digest[0] == 22); /* the helpers: b, aux */
    CHECK(last[5].ctr == 3 && last[5].digest[0] == 33);
    fl_state_free(s);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_accept);
    RUN(test_helpers);
    RUN(test_accept_refused);
    RUN(test_uploads);
    RUN(test_answers);
    RUN(test_last);
    RUN(test_lost);
    RUN(test_damaged);
    RUN(test_hidden);
    RUN(test_next_epoch);
    RUN(test_crash_accept);
    RUN(test_crash_helper);
    RUN(test_crash_first);
    RUN(test_crash_commit);
    RUN(test_plans);
    RUN(test_counts);
    return test_end();
}
