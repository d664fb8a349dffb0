#include "sec/state.h"

#include <sys/stat.h>

#include "federation.h"

static struct fl_state *
open_state(const struct federation *f, size_t i)
{
    return fl_state_open(fed_path(f, fed_name(i, ".state")), f->site[i]);
}

static const unsigned char sid[32] = "session", base[32] = "base", other_base[32] = "other";
static const unsigned char terms[32] = "terms", other_terms[32] = "others";

static int
commit(struct fl_state *s, const struct federation *f, uint64_t round, const unsigned char *of)
{
    struct fl_round r = {.epoch = f->roster.epoch, .round = round};
    struct fl_precedent plan = {.terms = "terms"};

    memcpy(r.roster, f->roster.digest, 32);
    memcpy(r.sid, sid, 32);
    memset(r.input, (int)round, 32);
    memset(r.root, (int)round + 1, 32);
    memcpy(plan.base, of, 32);
    fl_roster_members(&f->roster, plan.use);
    return fl_state_commit_round(s, &r, &plan);
}

static void
test_accept(void)
{
    struct federation f;
    unsigned char old_dh[32], k[3][3][32];

    fed_start(&f, 3, "");
    memcpy(old_dh, f.site[1]->dh, 32);
    CHECK(!open_state(&f, 1) && fl_error_status() == FL_REFUSED && fed_says("no roster"));
    for (size_t i = 0; i < 3; i++)
        CHECK(!fed_accept(&f, i));
    CHECK(memcmp(old_dh, f.site[1]->dh, 32) && f.site[1]->epoch == 2 && f.site[1]->has_roster);
    CHECK(f.site[1]->roster_epoch == 1 && !memcmp(f.site[1]->roster, f.roster.digest, 32));
    struct fl_key *file = fl_key_read(fed_path(&f, "b.key"));
    CHECK(file && !memcmp(file, f.site[1], sizeof *file));
    fl_key_free(file);
    for (uint32_t i = 0; i < 3; i++) { /* both ends of every pair have one key, at any round */
        struct fl_state *s = open_state(&f, i);
        CHECK(s && s->section[0].index == i && s->section[0].next == 0 && s->section_count == 1);
        fl_state_step_to(s, 5);
        for (uint32_t j = 0; j < 3; j++)
            if (j != i)
                fl_state_pair_key(s, j, sid, k[i][j]);
        fl_state_free(s);
    }
    CHECK(!memcmp(k[0][1], k[1][0], 32) && !memcmp(k[0][2], k[2][0], 32));
    CHECK(!memcmp(k[1][2], k[2][1], 32) && memcmp(k[0][1], k[0][2], 32));
    bool already;
    CHECK(!fl_state_accept(fed_path(&f, "b.state"), f.site[1], fed_path(&f, "b.key"), &f.roster,
                           NULL, &already) &&
          already);
    fed_end(&f);
}

static void
test_accept_refused(void)
{
    struct federation f;
    unsigned char psk[32] = {1};
    bool already;

    fed_start(&f, 3, "");
    struct fl_key *stranger = fl_key_new("a", 1);
    CHECK_REFUSED(fl_state_accept(fed_path(&f, "x.state"), stranger, fed_path(&f, "x.key"),
                                  &f.roster, NULL, &already),
                  FL_REFUSED, "does not hold the key");
    fl_key_free(stranger);
    CHECK_REFUSED(fl_state_accept(fed_path(&f, "a.state"), f.site[0], fed_path(&f, "a.key"),
                                  &f.roster, psk, &already),
                  FL_USAGE, "leave out --psk");
    CHECK(!fed_roster(&f, "psk: true\n"));
    CHECK_REFUSED(fed_accept(&f, 0), FL_USAGE, "wants a pre-shared secret");
    CHECK(!fl_state_accept(fed_path(&f, "a.state"), f.site[0], fed_path(&f, "a.key"), &f.roster,
                           psk, &already) &&
          !already);
    fl_key_renew(f.site[1], 1); /* its line in the roster is of the key before */
    CHECK_REFUSED(fed_accept(&f, 1), FL_REFUSED, "not the one that its key has now");
    fed_end(&f);
}

static void
test_rounds(void)
{
    struct federation f;
    struct fl_state *s;
    unsigned char k[32], later[32], use[32], others[32] = {9};

    fed_start(&f, 3, "first_round: 3\n");
    CHECK(!fed_accept(&f, 0));
    s = open_state(&f, 0);
    CHECK_REFUSED(fl_state_admit(s, 2, 100), FL_REFUSED, "round 2 is over");
    CHECK(!fl_state_admit(s, 3, 100) && !fl_state_admit(s, 102, 100));
    CHECK_REFUSED(fl_state_admit(s, 103, 100), FL_REFUSED, "too far");
    CHECK_REFUSED(fl_state_admit(s, INT64_MAX, 100), FL_REFUSED, "too far");
    CHECK(!fl_state_check_terms(s, terms) && !fl_state_check_terms(s, other_terms));
    fl_state_step_to(s, 5);
    fl_state_pair_key(s, 2, sid, k);
    CHECK(!commit(s, &f, 5, base) && s->ctr == 1 && s->section[0].next == 6);
    fl_state_free(s);

    s = open_state(&f, 0); /* what was passed is passed after a restart too */
    CHECK(s && s->section[0].next == 6 && s->ctr == 1 && s->prev[0] == 6);
    CHECK_REFUSED(fl_state_admit(s, 5, 100), FL_REFUSED, "round 5 is over");
    const struct fl_round *r = fl_state_round(s, f.roster.digest, 5);
    CHECK(r && r->input[0] == 5 && r->root[31] == 6 && !memcmp(r->sid, sid, 32));
    CHECK(!fl_state_round(s, f.roster.digest, 4) && !fl_state_round(s, base, 5));
    fl_state_pair_key(s, 2, sid, later);
    CHECK(memcmp(k, later, 32));
    fl_roster_members(&f.roster, use);
    CHECK(!fl_state_check_base(s, base, use) && !fl_state_check_base(s, other_base, others));
    CHECK_REFUSED(fl_state_check_base(s, base, others), FL_REFUSED, "other sites");
    CHECK(!fl_state_check_terms(s, terms)); /* the first round's, also after a restart */
    CHECK_REFUSED(fl_state_check_terms(s, other_terms), FL_REFUSED, "earlier rounds");
    CHECK(!commit(s, &f, 9, base) && !commit(s, &f, 10, other_base) && s->base_count == 2);
    CHECK(!fl_state_drop_rounds(s, 2) && s->round_count == 2 && s->rounds[0].round == 9);
    fl_state_free(s);
    s = open_state(&f, 0);
    CHECK(s && s->round_count == 2 && s->rounds[1].round == 10 && s->ctr == 3);
    CHECK(s->section[0].next == 11 && s->base_count == 2);
    fl_state_free(s);
    fed_end(&f);
}

static void
copy_file(const struct federation *f, const char *from, const char *to)
{
    struct fl_buf b = {0};

    CHECK(!fl_read_file(fed_path(f, from), 1 << 20, &b));
    CHECK(!fl_output_write_file(fed_path(f, to), b.data, b.len, FL_OUTPUT_SECRET));
    fl_buf_release(&b);
}

/* A key that has a roster and not its own state. */
static void
test_lost(void)
{
    struct federation f;
    struct fl_state *s;

    fed_start(&f, 3, "");
    copy_file(&f, "a.key", "a.old");
    for (size_t i = 0; i < 3; i++)
        CHECK(!fed_accept(&f, i));
    s = open_state(&f, 0);
    CHECK(!commit(s, &f, 1, base));
    CHECK(!fl_state_open(fed_path(&f, "a.state"), f.site[0]) && fed_says("another program"));
    fl_state_free(s);
    /* An old copy of the key file, from before it had a roster, may not begin the epoch again. */
    struct fl_key *old = fl_key_read(fed_path(&f, "a.old"));
    bool already;
    CHECK_REFUSED(fl_state_accept(fed_path(&f, "a.state"), old, fed_path(&f, "a.old"), &f.roster,
                                  NULL, &already),
                  FL_REFUSED, "old copy");
    fl_key_free(old);
    CHECK(!fl_state_open(fed_path(&f, "b.state"), f.site[0]) && fl_error_status() == FL_REFUSED);
    CHECK(fed_says("another key"));
    CHECK(!unlink(fed_path(&f, "a.state/state")));
    CHECK(!open_state(&f, 0) && fl_error_status() == FL_REFUSED && fed_says("missing"));
    CHECK_REFUSED(fed_accept(&f, 0), FL_REFUSED, "missing");
    CHECK(!unlink(fed_path(&f, "a.state/lock")) && !rmdir(fed_path(&f, "a.state")));
    CHECK(!open_state(&f, 0) && fl_error_status() == FL_REFUSED && fed_says("missing"));
    CHECK_REFUSED(fed_accept(&f, 0), FL_REFUSED, "missing");
    CHECK(access(fed_path(&f, "a.state"), F_OK)); /* and none is made */
    CHECK(!chmod(fed_path(&f, "b.state"), 0755));
    CHECK(!open_state(&f, 1) && fl_error_status() == FL_REFUSED && fed_says("others"));
    CHECK(!chmod(fed_path(&f, "b.state"), 0700) && !chmod(fed_path(&f, "b.state/state"), 0640));
    CHECK(!open_state(&f, 1) && fl_error_status() == FL_REFUSED && fed_says("others"));
    fed_end(&f);
}

/* Any byte of the state changed, or the file cut: refused, not half believed. */
static void
test_damaged(void)
{
    struct federation f;
    struct fl_state *s;
    struct fl_buf b = {0};

    fed_start(&f, 3, "");
    CHECK(!fed_accept(&f, 0));
    s = open_state(&f, 0);
    CHECK(!commit(s, &f, 1, base));
    fl_state_free(s);
    CHECK(!fl_read_file(fed_path(&f, "a.state/state"), 1 << 20, &b));
    for (size_t i = 0; i < b.len; i += 3) {
        int fd = open(fed_path(&f, "a.state/state"), O_WRONLY | O_TRUNC);
        b.data[i] ^= 2;
        CHECK(!fl_write_full(fd, "state", b.data, i % 2 ? b.len : i));
        close(fd);
        b.data[i] ^= 2;
        CHECK(!open_state(&f, 0) && fl_error_status() != FL_OK);
    }
    fl_buf_release(&b);
    fed_end(&f);
}

/*
 * The next epoch: from the lines that uploads carry, and a joiner's. What a crash leaves between
 * the steps of accepting: state with both and the old key (old in force), state with both and the
 * new key (new in force).
 */
static void
test_next_epoch(void)
{
    struct federation f;
    struct fl_state *s;
    unsigned char first[32], use[32];
    struct fl_buf first_roster = {0};
    char command[400];

    fed_start(&f, 3, "");
    memcpy(first, f.roster.digest, 32);
    CHECK(!fl_buf_add(&first_roster, f.roster.canonical.data, f.roster.canonical.len));
    for (size_t i = 0; i < 3; i++)
        CHECK(!fed_accept(&f, i));
    CHECK((s = open_state(&f, 0)) && !commit(s, &f, 4, base));
    fl_state_free(s);
    f.site[3] = fl_key_new("d", 2);
    f.n = 4;
    CHECK(f.site[3] && !fl_key_write(f.site[3], fed_path(&f, "d.key")));

    CHECK(!fed_roster(&f, "first_round: 5\n") && f.roster.epoch == 2);
    copy_file(&f, "a.key", "a1.key");
    copy_file(&f, "a.state/state", "a1.state");
    CHECK(!fed_accept(&f, 0));
    CHECK((s = open_state(&f, 0)) && s->section_count == 1 && s->section[0].epoch == 2);
    CHECK(s->section[0].next == 5 && s->section[0].n == 4 && s->ctr == 1);
    CHECK(fl_state_round(s, first, 4) && !fl_state_round(s, f.roster.digest, 4));
    fl_roster_members(&f.roster, use);
    CHECK_REFUSED(fl_state_check_base(s, base, use), FL_REFUSED, "other sites");
    CHECK(!fl_state_check_terms(s, other_terms)); /* another epoch, other terms */
    fl_state_free(s);
    struct fl_key *old = fl_key_read(fed_path(&f, "a1.key"));
    CHECK(old && !fl_state_open(fed_path(&f, "a.state"), old) && fl_error_status() == FL_REFUSED);

    /* Crash between the first and the second step: sections of both epochs in the state. */
    struct fl_buf before = {0}, after = {0}, both = {0};
    CHECK(!fl_read_file(fed_path(&f, "a1.state"), 1 << 20, &before));
    CHECK(!fl_read_file(fed_path(&f, "a.state/state"), 1 << 20, &after));
    const char *new_part = strstr(fl_buf_text(&after), "\nroster ") + 1;
    const char *new_end = strstr(new_part, "\nround ") + 1;
    const char *at = strstr(fl_buf_text(&before), "\nround ") + 1;
    unsigned char check[32];
    char hex[65];
    fl_buf_add(&both, before.data, (size_t)(at - fl_buf_text(&before)));
    fl_buf_add(&both, new_part, (size_t)(new_end - new_part));
    fl_buf_add(&both, at, (size_t)(strstr(at, "\ncheck ") + 1 - at));
    fl_hash_once(check, NULL, "fl1.vault", both.data, both.len);
    fl_hex(hex, check, 32);
    fl_buf_printf(&both, "check %s\n", hex);
    CHECK(!fl_output_write_file(fed_path(&f, "a.state/state"), both.data, both.len,
                                FL_OUTPUT_SECRET));
    CHECK((s = fl_state_open(fed_path(&f, "a.state"), old)) && s->section[0].epoch == 1);
    CHECK(s && s->section[0].next == 5 && s->section_count == 1);
    fl_state_free(s); /* the attempt is gone; accepting again works, from the old key */
    bool already;
    CHECK(!fl_state_accept(fed_path(&f, "a.state"), old, fed_path(&f, "a1.key"), &f.roster, NULL,
                           &already) &&
          !already && old->epoch == 3);
    fl_key_free(old);
    /* Crash between the second and the third step. */
    CHECK(!fl_output_write_file(fed_path(&f, "a.state/state"), both.data, both.len,
                                FL_OUTPUT_SECRET));
    CHECK((s = open_state(&f, 0)) && s->section_count == 1 && s->section[0].epoch == 2);
    fl_state_free(s);
    snprintf(command, sizeof command,
             "grep -c ^roster %s >/dev/null && [ $(grep -c ^roster %s) = 1 ]",
             fed_path(&f, "a.state/state"), fed_path(&f, "a.state/state"));
    CHECK(!system(command)); /* the chains of the old epoch are nowhere in it */
    fl_buf_release(&before);
    fl_buf_release(&after);
    fl_buf_release(&both);

    /* Back to epoch 1. */
    fl_roster_release(&f.roster);
    CHECK(!fl_roster_decode(&f.roster, first_roster.data, first_roster.len));
    CHECK_REFUSED(fed_accept(&f, 0), FL_REFUSED, "");
    fl_buf_release(&first_roster);
    fed_end(&f);
}

static void
test_plans(void)
{
    struct federation f;
    struct fl_state *s;
    unsigned char one[32] = {1}, two[32] = {2};
    bool already;

    fed_start(&f, 3, "");
    CHECK(!fl_state_accept(fed_path(&f, "hub.state"), f.hub, fed_path(&f, "hub.key"), &f.roster,
                           NULL, &already));
    CHECK(f.hub->epoch == 1 && f.hub->has_roster);
    s = fl_state_open(fed_path(&f, "hub.state"), f.hub);
    CHECK(s && s->section[0].index == FL_SIGNER_HUB && !s->section[0].chains);
    CHECK(!fl_state_commit_plan(s, 7, one) && !fl_state_commit_plan(s, 7, one));
    CHECK_REFUSED(fl_state_commit_plan(s, 7, two), FL_REFUSED, "another plan was signed");
    CHECK(!fl_state_commit_plan(s, 6, two));
    fl_state_free(s);
    s = fl_state_open(fed_path(&f, "hub.state"), f.hub);
    CHECK_REFUSED(fl_state_commit_plan(s, 7, two), FL_REFUSED, "another plan was signed");
    CHECK(!fl_state_commit_plan(s, 7, one) && s->plan_count == 2);
    fl_state_free(s);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_accept);
    RUN(test_accept_refused);
    RUN(test_rounds);
    RUN(test_lost);
    RUN(test_damaged);
    RUN(test_next_epoch);
    RUN(test_plans);
    return test_end();
}
