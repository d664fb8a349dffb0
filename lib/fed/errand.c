/*
 * Each function below looks at one kind of step in the order of a turn and offers what is due; the
 * first offer that was not tried yet is the answer. Files are made by whoever carries it out.
 */
#include "fed/errand.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/least.h"
#include "crypt/hash.h"
#include "fed/late.h"
#include "fed/leftover.h"
#include "fed/links.h"
#include "fed/listed.h"
#include "fed/round_he.h"
#include "os/file.h"
#include "os/resources.h"
#include "sec/he_offer.h"

const char *const fl_errand_columns[] = {"step", "round", "name", "file", "size", NULL};

enum { HEX = 65, NAME = 200 };

struct errand {
    struct fl_standing *s;
    struct fl_report *r;
    struct fl_listed list;
    struct fl_buf tried;   /* a line feed, lines */
    struct fl_links links; /* of the hub's chain, once they were asked for */
    bool helper, replay;
};

/* The size of what the hub has as a file of this round; -1: it has not. */
static int64_t
size_in(const struct errand *e, uint64_t round, const char *name)
{
    return fl_listed_of_round(&e->list, round, name);
}

/* ---- what there is at home ---- */

static bool
at_home(const struct errand *e, uint64_t round, const char *name)
{
    return !access(fl_standing_own(e->s, "round/%llu/%s", (unsigned long long)round, name), F_OK);
}

static bool
has_model(const struct errand *e, const char *model)
{
    return !access(fl_standing_own(e->s, "model/%s.flt", model), F_OK);
}

/* ---- offers ---- */

static void
put_number(struct fl_report *r, int64_t number)
{
    if (number < 0)
        fl_report_none(r);
    else
        fl_report_i64(r, number);
}

/* Tell the step, unless this turn tried it; ROUND -1 and NULL are not known. Was it told? */
static bool
offer(struct errand *e, const char *step, int64_t round, const char *name, const char *file,
      int64_t size)
{
    char line[1024], number[2][24] = {"-", "-"};

    if (round >= 0)
        snprintf(number[0], sizeof number[0], "%lld", (long long)round);
    if (size >= 0)
        snprintf(number[1], sizeof number[1], "%lld", (long long)size);
    snprintf(line, sizeof line, "\n%s\t%s\t%s\t%s\t%s\n", step, number[0], name ? name : "-",
             file ? file : "-", number[1]);
    if (strstr(fl_buf_text(&e->tried), line))
        return false;
    fl_report_text(e->r, step);
    put_number(e->r, round);
    fl_report_text(e->r, name);
    fl_report_text(e->r, file);
    put_number(e->r, size);
    return true;
}

/* To fetch "pub/NAME", if the hub has it and it is not at home as FILE. */
static bool
offer_fetch(struct errand *e, const char *step, int64_t round, const char *name, const char *file)
{
    char whole[NAME + 64];

    snprintf(whole, sizeof whole, "pub/%s", name);
    const int64_t size = fl_listed_size(&e->list, whole);
    return size >= 0 && access(fl_standing_own(e->s, "%s", file), F_OK) &&
           offer(e, step, round, name, file, size);
}

/* The file NAME of a round, under the same name at home. */
static bool
fetch_of_round(struct errand *e, uint64_t round, const char *name)
{
    char whole[NAME + 32];

    snprintf(whole, sizeof whole, "round/%llu/%s", (unsigned long long)round, name);
    return offer_fetch(e, "fetch", (int64_t)round, whole, whole);
}

/* How far is this clock from the hub's? Both stand in the list; people are told of 2 minutes. */
static bool
skew(struct errand *e)
{
    const int64_t ahead = e->list.here - e->list.theirs;
    char number[24];

    snprintf(number, sizeof number, "%lld", (long long)ahead);
    return e->list.theirs >= 0 && e->list.here >= 0 && (ahead > 120 || ahead < -120) &&
           offer(e, "skew", -1, number, NULL, -1);
}

/* ---- what has no receipt ---- */

/* KIND: its file is at home, of ROUND. */
static bool
post_one(struct errand *e, uint64_t round, const char *kind)
{
    const char *self = e->s->setup.conf.name;
    const unsigned long long r = round;
    char name[NAME], home[NAME], file[NAME];

    snprintf(file, sizeof file, "have.%s", kind);
    if (at_home(e, round, file))
        return false; /* taken or late; or bad, and what it says of our own bytes was told */
    snprintf(name, sizeof name, "round/%llu/have/%s/%s", r, self, kind);
    snprintf(home, sizeof home, "round/%llu/have.%s", r, kind);
    if (offer_fetch(e, "receipt", (int64_t)round, name, home))
        return true;
    snprintf(name, sizeof name, "in/%s/%llu.%s.flt", self, r, kind);
    if (!strcmp(kind, "keys") && size_in(e, round, "plan.flt") >= 0)
        return false; /* others of this helper were there already */
    if (size_in(e, round, "void") >= 0 || fl_listed_size(&e->list, name) >= 0 ||
        (strcmp(kind, "opened") && size_in(e, round, "closed") >= 0))
        return false;
    snprintf(name, sizeof name, "in/%s/.%llu.%s.part", self, r, kind);
    snprintf(file, sizeof file, "round/%llu/%s.flt", r, kind);
    const int64_t at = fl_listed_size(&e->list, name);
    return offer(e, "send", (int64_t)round, kind, file, at < 0 ? 0 : at);
}

/* It may have been away when a request before was asked. */
static bool
post_ready(struct errand *e, uint64_t round)
{
    DIR *dir = opendir(fl_standing_own(e->s, "round/%llu", (unsigned long long)round));
    const struct dirent *entry;
    char kind[40];
    bool told = false;

    while (dir && !told && (entry = readdir(dir))) {
        const int64_t n = fl_listed_between(entry->d_name, "ready.", ".flt");
        snprintf(kind, sizeof kind, "ready.%lld", (long long)n);
        told = n >= 0 && post_one(e, round, kind);
    }
    if (dir)
        closedir(dir);
    return told;
}

/* The list has the rounds from this one on. */
static uint64_t
first_listed(const struct errand *e)
{
    const struct fl_standing *s = e->s;
    const uint64_t newest = s->count ? s->rounds[s->count - 1] : 0;

    return newest > (uint64_t)s->setup.conf.keep ? newest - (uint64_t)s->setup.conf.keep : 0;
}

static bool
post(struct errand *e)
{
    static const char *const kinds[] = {"up", "answer", "opened", "keys"};
    const struct fl_standing *s = e->s;
    char file[NAME];

    for (size_t i = 0; i < s->count; i++) {
        if (s->rounds[i] < first_listed(e))
            continue;
        if (post_ready(e, s->rounds[i]))
            return true;
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            snprintf(file, sizeof file, "%s.flt", kinds[k]);
            if (at_home(e, s->rounds[i], file) && post_one(e, s->rounds[i], kinds[k]))
                return true;
        }
    }
    return false;
}

static bool
epochs(struct errand *e)
{
    char file[NAME];

    for (size_t i = 0; i < e->list.count; i++) {
        const int64_t epoch = fl_listed_between(e->list.files[i].name, "pub/roster/", ".yaml");
        if (epoch <= e->s->setup.roster.epoch)
            continue;
        snprintf(file, sizeof file, "./roster.%lld.yaml", (long long)epoch);
        if (offer(e, "epoch", -1, e->list.files[i].name + 4, file, e->list.files[i].size))
            return true;
    }
    return false;
}

/* ---- the chain of models ---- */

/* One that was fetched by a turn which was cut off before it was checked is fetched again. */
static bool
plan_of(struct errand *e, uint64_t round)
{
    const int64_t size = size_in(e, round, "plan.flt");
    char name[NAME];

    snprintf(name, sizeof name, "round/%llu/plan.flt", (unsigned long long)round);
    return size >= 0 && !at_home(e, round, "plan.flt") &&
           offer(e, "plan", (int64_t)round, name, ".part/plan.flt", size);
}

/* Is NAME, of a round, one of the files that a sum is opened or checked with? */
static bool
is_of_sum(const char *name)
{
    static const char *const folders[] = {"up/", "answer/", "opened/"};

    for (size_t i = 0; i < 3; i++) {
        const size_t n = strlen(folders[i]);
        if (!strncmp(name, folders[i], n))
            return name[n] && name[n] != '.' && !strchr(name + n, '/');
    }
    return !strcmp(name, "go") || fl_listed_between(name, "request.", ".flt") >= 0;
}

/* *WHOLE: the mean of ROUND is here, and what it was made of for who opens it. Was one told? */
static bool
files_of(struct errand *e, uint64_t round, bool *whole)
{
    const struct fl_roster *roster = &e->s->setup.roster;
    char before[40], name[NAME];

    *whole = false;
    if (fetch_of_round(e, round, "mean.flt"))
        return true;
    if (!at_home(e, round, "mean.flt"))
        return false;
    *whole = true;
    if (!e->helper && !e->replay)
        return false;
    const size_t n = (size_t)snprintf(before, sizeof before, "pub/round/%llu/",
                                      (unsigned long long)round);
    for (size_t i = 0; i < e->list.count; i++) {
        const char *rest = e->list.files[i].name + n;
        if (strncmp(e->list.files[i].name, before, n) || !is_of_sum(rest))
            continue;
        if (fetch_of_round(e, round, rest))
            return true;
        *whole = *whole && at_home(e, round, rest);
    }
    for (size_t i = 0; !e->replay && i < roster->replay_count; i++) { /* wait for what they sign */
        snprintf(name, sizeof name, "opened/%s.flt", roster->parties[roster->replay[i]].name);
        *whole = *whole && at_home(e, round, name);
    }
    return false;
}

/*
 * *LINK is the line of the hub's chain, once that is here, which led to model NEXT by a round below
 * BELOW; NULL: none. Where rounds overlap, one that was given up is repeated with a later number,
 * so that numbers say nothing there. 0 or -1.
 */
static int
link_to(struct errand *e, const char *next, int64_t below, const struct fl_link **link)
{
    const bool overlap = e->s->setup.roster.delay;
    const char *path = fl_standing_own(e->s, ".part/chain");

    *link = NULL;
    if (!e->links.text.len) {
        if (access(path, F_OK))
            return 0;
        if (fl_links_read(&e->links, path, overlap))
            return -1;
    }
    *link = fl_links_find(&e->links, next, overlap ? INT64_MAX : below);
    return 0;
}

/* The step to model NEXT from BASE, which is here, by round ROUND. */
static bool
step_to(struct errand *e, const char *next, const char *base, uint64_t round)
{
    bool whole;

    if (plan_of(e, round))
        return true;
    if (!at_home(e, round, "plan.flt"))
        return false;
    return files_of(e, round, &whole) ||
           (whole && offer(e, e->helper ? "advance" : "apply", (int64_t)round, base, next, -1));
}

/* To MODEL, by the means of rounds before ROUND: the first step that is missing. 1, 0 or -1. */
static int
follow(struct errand *e, const char *model, int64_t round)
{
    const char *next = model;
    char first[HEX], name[NAME];
    const struct fl_link *link;
    int64_t steps = 0;

    fl_hex(first, e->s->setup.roster.model, sizeof e->s->setup.roster.model);
    while (!has_model(e, next)) {
        if (!strcmp(next, first)) {
            snprintf(name, sizeof name, "model/%s.flt", first);
            return offer_fetch(e, "fetch", -1, name, name);
        }
        if (offer_fetch(e, "fetch", -1, "chain.tsv", ".part/chain"))
            return 1;
        if (link_to(e, next, round, &link))
            return -1;
        if (!link || steps++ > e->s->setup.roster.max_age) /* it goes in circles */
            return offer(e, "lost", -1, next, NULL, -1);
        if (has_model(e, link->from))
            return step_to(e, next, link->from, (uint64_t)link->round);
        next = link->from;
        round = link->round;
    }
    return 0;
}

/* ---- what a helper and a party under replay say ---- */

/* Keys that the hub has, or that it asked for before, are only in the way. */
static bool
drop_keys(struct errand *e, int64_t asked)
{
    char file[NAME];

    for (size_t i = 0; i < e->s->count; i++) {
        const uint64_t round = e->s->rounds[i];
        snprintf(file, sizeof file, "round/%llu/keys.flt", (unsigned long long)round);
        if ((round != (uint64_t)asked || at_home(e, round, "have.keys")) &&
            at_home(e, round, "keys.flt") && offer(e, "old", -1, file, NULL, -1))
            return true;
    }
    return false;
}

/* A round that has no plan yet needs keys of this helper. */
static bool
show_keys(struct errand *e)
{
    const struct fl_roster *roster = &e->s->setup.roster;
    const int64_t asked = fl_listed_greatest(&e->list, "pub/round/", "/limit", INT64_MAX);
    char rounds[48], file[NAME];

    if (!e->helper || !roster->he || asked < roster->first_round ||
        (uint64_t)asked > fl_he_batch_last(roster, (uint64_t)asked) ||
        size_in(e, (uint64_t)asked, "plan.flt") >= 0)
        return false;
    if (drop_keys(e, asked))
        return true;
    if (at_home(e, (uint64_t)asked, "keys.flt") || at_home(e, (uint64_t)asked, "have.keys"))
        return false;
    snprintf(rounds, sizeof rounds, "%lld..%llu", (long long)asked,
             (unsigned long long)fl_he_batch_last(roster, (uint64_t)asked));
    snprintf(file, sizeof file, "round/%lld/keys.flt", (long long)asked);
    return offer(e, "keys", asked, rounds, file, -1);
}

/* Of PART's site what of its upload is needed, if the hub has it: the NAME and FILE to fetch. */
static bool
find_part(const struct errand *e, uint64_t round, const struct fl_round_he_part *part,
          char name[NAME], char file[NAME])
{
    char whole[NAME + 8];

    snprintf(name, NAME, "round/%llu/up/%s.flt", (unsigned long long)round, part->site);
    snprintf(file, NAME, "round/%llu/c1/%s.flt", (unsigned long long)round, part->site);
    snprintf(whole, sizeof whole, "pub/%s", name);
    return part->bytes <= fl_listed_size(&e->list, whole);
}

/*
 * The ciphertexts of a request. *WHOLE: all are here. Was a step told? They are only begun when the
 * disk has room for all of them, which is told before the first.
 */
static bool
fetch_parts(struct errand *e, uint64_t round, const struct fl_round_he_go *go, bool *whole)
{
    const size_t count = fl_min(go->count, e->s->setup.roster.n);
    const int64_t room = fl_disk_free(fl_standing_own(e->s, "round"));
    char name[NAME], file[NAME];
    int64_t missing = 0;
    size_t here = 0;

    for (size_t i = 0; i < count; i++) {
        if (!find_part(e, round, &go->parts[i], name, file))
            continue; /* it is not shown to this party, or the hub has written nonsense */
        if (access(fl_standing_own(e->s, "%s", file), F_OK))
            missing += go->parts[i].bytes;
        else
            here++;
    }
    *whole = here == go->count;
    if (missing && (!here || (room >= 0 && room < missing)) &&
        offer(e, "room", (int64_t)round, NULL, NULL, missing))
        return true;
    for (size_t i = 0; i < count && (room < 0 || room >= missing); i++)
        if (find_part(e, round, &go->parts[i], name, file) &&
            access(fl_standing_own(e->s, "%s", file), F_OK) &&
            offer(e, "fetch", (int64_t)round, name, file, go->parts[i].bytes))
            return true;
    return false;
}

/* Request N, of the GO that was published (NULL: none yet): say ready, or answer. */
static bool
say_of(struct errand *e, uint64_t round, int64_t n, const struct fl_round_he_go *go)
{
    const unsigned long long r = round;
    char name[40], ready[40], request[80], file[80];
    bool whole = true;

    snprintf(name, sizeof name, "request.%lld.flt", (long long)n);
    if (fetch_of_round(e, round, name))
        return true;
    if (!at_home(e, round, name))
        return false;
    snprintf(ready, sizeof ready, "ready.%lld.flt", (long long)n);
    if (!go && at_home(e, round, ready))
        return false;
    if (go && fetch_parts(e, round, go, &whole))
        return true;
    if (!whole)
        return false;
    snprintf(request, sizeof request, "round/%llu/%s", r, name);
    snprintf(file, sizeof file, "round/%llu/%s", r, go ? "answer.flt" : ready);
    return offer(e, go ? "answer" : "ready", (int64_t)round, request, file, -1);
}

/* 1: a step was told; 0: there is none; -1. */
static int
help(struct errand *e, uint64_t round)
{
    char before[40];
    struct fl_round_he_go go = {.number = -1};
    int got = 0;

    snprintf(before, sizeof before, "pub/round/%llu/request.", (unsigned long long)round);
    const int64_t n = fl_listed_greatest(&e->list, before, ".flt", INT64_MAX);
    if (n < 0 || at_home(e, round, "answer.flt"))
        return 0;
    if (fetch_of_round(e, round, "go"))
        return 1;
    if (!at_home(e, round, "go"))
        return say_of(e, round, n, NULL);
    if (fl_round_he_read(&go, fl_standing_own(e->s, "round/%llu/go", (unsigned long long)round)))
        got = -1;
    else if (go.number >= 0)
        got = say_of(e, round, go.number, &go);
    fl_round_he_release(&go);
    return got;
}

/* Each mean that is over a model which is here. 1, 0 or -1. */
static int
recompute(struct errand *e)
{
    char base[HEX];
    bool whole;

    for (size_t i = 0; i < e->s->count; i++) {
        const uint64_t round = e->s->rounds[i];
        if (size_in(e, round, "mean.flt") < 0 || at_home(e, round, "opened.flt") ||
            !at_home(e, round, "plan.flt"))
            continue;
        if (fl_standing_base(e->s, round, base))
            return -1;
        if (has_model(e, base) && (files_of(e, round, &whole) ||
                                   (whole && offer(e, "verify", (int64_t)round, base, NULL, -1))))
            return 1;
    }
    return 0;
}

/* The model that round ROUND led to, once it is closed. 1, 0 or -1. */
static int
follow_closed(struct errand *e, int64_t round)
{
    char next[HEX];

    if (fetch_of_round(e, (uint64_t)round, "closed"))
        return 1;
    if (fl_standing_next(e->s, (uint64_t)round, next))
        return -1;
    return *next ? follow(e, next, round + 1) : 0;
}

/* Files that may go, one by one. */
static bool
offer_old(void *arg, const char *path)
{
    return offer(arg, "old", -1, path, NULL, -1);
}

/* May a site make its upload of this round now? */
static bool
may_train(const struct errand *e, uint64_t round)
{
    const struct fl_roster *roster = &e->s->setup.roster;

    return fl_roster_find(roster, e->s->setup.conf.name) < (int64_t)roster->n &&
           !at_home(e, round, "up.flt") && access(fl_standing_own(e->s, "pause"), F_OK) &&
           size_in(e, round, "go") < 0 && size_in(e, round, "closed") < 0 &&
           size_in(e, round, "void") < 0;
}

/* The newest of the rounds below BELOW that have a plan in the list; -1: none. */
static int64_t
newest_below(const struct errand *e, int64_t below)
{
    return fl_listed_greatest(&e->list, "pub/round/", "/plan.flt", below);
}

/* Plan and model of a round; *BASE "" while they are not here. 1: a step was told; 0; or -1. */
static int
reach(struct errand *e, int64_t round, char base[HEX])
{
    const uint64_t r = (uint64_t)round;
    int got;

    *base = '\0';
    if (plan_of(e, r))
        return 1;
    if (!at_home(e, r, "plan.flt"))
        return 0;
    if (fl_standing_base(e->s, r, base))
        return -1;
    if ((got = follow(e, base, round)))
        return got;
    if (!has_model(e, base)) {
        *base = '\0';
        return 0;
    }
    if (e->helper && (got = help(e, r)))
        return got;
    return (e->replay && (got = recompute(e))) ? got : follow_closed(e, round);
}

/* 1: a step was told; 0: there is none; -1. Rounds that overlap are trained in their order. */
static int
choose(struct errand *e)
{
    const struct fl_roster *roster = &e->s->setup.roster;
    const int64_t newest = newest_below(e, INT64_MAX);
    const int64_t rounds[2] = {roster->delay ? newest_below(e, newest) : -1, newest};
    char base[2][HEX] = {"", ""};
    bool late;
    int got;

    if (skew(e) || post(e) || epochs(e) || show_keys(e))
        return 1;
    for (size_t i = 0; i < 2; i++)
        if (rounds[i] >= roster->first_round && (got = reach(e, rounds[i], base[i])))
            return got;
    if (*base[1] && (got = fl_leftover_find(e->s, offer_old, e)))
        return got;
    for (size_t i = 0; i < 2; i++) {
        if (!*base[i] || !may_train(e, (uint64_t)rounds[i]))
            continue;
        if (roster->stale && fl_late_find(e->s, (uint64_t)rounds[i], base[i], &late))
            return -1;
        return offer(e, "train", rounds[i], base[i], NULL, -1);
    }
    return 0;
}

static int
read_tried(struct errand *e, const char *tried)
{
    if (fl_buf_add_byte(&e->tried, '\n'))
        return -1;
    struct fl_buf text = {0};
    int failed = 0;
    if (tried && !access(tried, F_OK))
        failed = fl_read_file(tried, 64 << 20, &text) ||
                 (text.len && fl_buf_add(&e->tried, text.data, text.len));
    fl_buf_release(&text);
    return failed ? -1 : 0;
}

int
fl_errand_next(struct fl_standing *s, const char *list, const char *tried, struct fl_report *r)
{
    struct errand e = {.s = s, .r = r};
    const struct fl_roster *roster = &s->setup.roster;
    const int64_t party = fl_roster_find(roster, s->setup.conf.name);

    if (party == (int64_t)FL_SIGNER_HUB)
        return fl_error(FL_USAGE, "the hub asks nobody for a list; leave out --list");
    e.helper = fl_roster_helper(roster, (uint32_t)party) >= 0;
    e.replay = fl_roster_replays(roster, (uint32_t)party);
    int failed = fl_listed_read(&e.list, list) || read_tried(&e, tried) || choose(&e) < 0;
    fl_links_release(&e.links);
    fl_listed_release(&e.list);
    fl_buf_release(&e.tried);
    return failed ? -1 : 0;
}
