/* Uploads and answers are looked at as a sum would (fed/inspect.h); the small ones only here. */
#include "fed/inbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "fed/adding.h"
#include "fed/inspect.h"
#include "flt/object.h"
#include "os/file.h"
#include "sec/he_offer.h"
#include "sec/header.h"

struct sender {
    char name[FL_SITE_MAX + 1], kind[32];
    uint32_t party;
    int64_t number;   /* of ready.N */
    const char *made; /* the kind of object that it is */
};

static int
no_sender(const char *as)
{
    return fl_error(FL_USAGE,
                    "\"%.80s\" is not PARTY/KIND with a KIND of up, ready.N, answer and opened",
                    as);
}

static int
find_sender(struct sender *s, const struct fl_inbox *i)
{
    const char *slash = strchr(i->as, '/');
    int64_t party;

    if (!slash || (size_t)(slash - i->as) >= sizeof s->name || strlen(slash) > sizeof s->kind)
        return no_sender(i->as);
    snprintf(s->name, sizeof s->name, "%.*s", (int)(slash - i->as), i->as);
    snprintf(s->kind, sizeof s->kind, "%s", slash + 1);
    if (!strcmp(s->kind, "up"))
        s->made = i->plan->roster.protection == FL_PROTECTION_NONE ? FL_KIND_UPDATE
                                                                   : FL_KIND_MASKED;
    else if (!strcmp(s->kind, "answer"))
        s->made = FL_KIND_ANSWER;
    else if (!strcmp(s->kind, "opened"))
        s->made = FL_KIND_OPENED;
    else if (!strncmp(s->kind, "ready.", 6) && !fl_parse_i64(s->kind + 6, 1, INT64_MAX, &s->number))
        s->made = FL_KIND_READY;
    else
        return no_sender(i->as);
    party = fl_roster_find(&i->plan->roster, s->name);
    if (party < 0)
        return fl_roster_no_party(&i->plan->roster, s->name);
    s->party = (uint32_t)party;
    return 0;
}

/* The name of a file in the round's folder; free() it. */
static char *
beside(const char *plan_file, const char *name)
{
    const char *slash = strrchr(plan_file, '/');
    size_t n = slash ? (size_t)(slash - plan_file) + 1 : 0, size = n + strlen(name) + 1;
    char *path = fl_alloc(size, 1);

    if (path)
        snprintf(path, size, "%.*s%s", (int)n, plan_file, name);
    return path;
}

static int
not_asked(const char *file)
{
    return fl_error(FL_FAILED, "%s: nobody asked for it yet", file);
}

/* An upload or an answer, by all that a sum asks of it. */
static int
check_lanes(const struct fl_inbox *i, const struct sender *s, const char *file)
{
    const bool plain = i->plan->roster.protection == FL_PROTECTION_NONE;
    struct fl_plain round = {0};
    struct fl_inspect_settings settings = {.plan = plain ? NULL : i->plan, .progress = i->progress};
    struct fl_inspect *look;
    char *go = beside(i->plan_file, "go");
    const bool asked = go && !fl_input_missing(go);

    free(go);
    if (!strcmp(s->made, FL_KIND_ANSWER) && !asked)
        return not_asked(file);
    int failed = plain && fl_plain_start(&round, i->plan);
    settings.plain.memory = 1 << 30;
    if (!failed && plain)
        fl_adding_by_round(&settings.plain, &round);
    look = failed ? NULL : fl_inspect_new(&settings);
    failed = !look || fl_inspect_add(look, file) || fl_inspect_one(look, s->name);
    fl_inspect_free(look);
    fl_plain_release(&round);
    return failed ? -1 : 0;
}

/* The set that request N, which the hub made, is of. */
static int
asked_set(const struct fl_inbox *i, const struct sender *s, const char *file, unsigned char set[32])
{
    char name[40];
    const unsigned char *bytes;

    snprintf(name, sizeof name, "request.%lld.flt", (long long)s->number);
    char *path = beside(i->plan_file, name);
    if (!path || fl_input_missing(path)) {
        free(path);
        return path ? not_asked(file) : -1;
    }
    struct fl_object *o = fl_object_open(path, FL_KIND_REQUEST);
    free(path);
    if (!o)
        return -1;
    int failed = fl_meta_get_bytes(&fl_object_head(o)->meta, "set", 32, &bytes);
    if (!failed)
        memcpy(set, bytes, 32);
    fl_object_free(o);
    return failed ? -1 : 0;
}

/* Who says it, of which set. */
static int
check_words(const struct fl_inbox *i, const struct sender *s, const struct fl_head *head,
            const char *file)
{
    struct fl_ready_head ready;
    struct fl_opened_head opened;
    unsigned char set[32];
    uint32_t party;

    if (!strcmp(s->made, FL_KIND_READY)) {
        if (fl_ready_head_decode(&ready, i->plan, &head->meta))
            return fl_error_about(file);
        if (asked_set(i, s, file, set))
            return -1;
        if (memcmp(ready.set, set, sizeof set))
            return fl_error(FL_FAILED, "%s: is of another set than request %lld", file,
                            (long long)s->number);
        party = ready.party;
    } else {
        if (fl_opened_head_decode(&opened, i->plan, &head->meta))
            return fl_error_about(file);
        party = opened.party;
    }
    return party == s->party ? 0
                             : fl_error(FL_REFUSED, "%s: is of \"%s\", not of \"%s\"", file,
                                        i->plan->roster.parties[party].name, s->name);
}

/* What a party says and signs: ready, opened. */
static int
check_word(const struct fl_inbox *i, const struct sender *s, const char *file)
{
    struct fl_reader *in = fl_reader_open(file);
    unsigned char digest[32];
    const struct fl_head *head;
    const struct fl_tensor *t;
    const struct fl_sign *sign;
    bool own = false;
    int got = -1;

    if (in) {
        fl_reader_want_digest(in);
        if (fl_reader_expect(in, s->made, &head) == 1 && !check_words(i, s, head, file))
            got = 0;
    }
    while (!got && (got = fl_reader_tensor(in, &t)) == 1)
        got = 0;
    if (!got)
        fl_reader_digest(in, digest);
    while (!got && (got = fl_reader_sign(in, &sign)) == 1) {
        got = fl_roster_check_sign(&i->plan->roster, s->made, digest, sign);
        own |= sign->signer == s->party;
        if (got)
            fl_error_about(file);
    }
    fl_reader_free(in);
    return got ? -1 : own ? 0 : fl_error(FL_REFUSED, "%s: is not signed by \"%s\"", file, s->name);
}

/*
 * The kind comes first, since what an upload says of itself is not what an answer says. Ciphertexts
 * before an upload are a part of it.
 */
static int
check_kind(const struct fl_plan *plan, const struct sender *s, const char *file)
{
    const bool ciphers = plan->ciphertexts && !strcmp(s->made, FL_KIND_MASKED);
    struct fl_reader *in = fl_reader_open(file);
    const struct fl_head *head;
    int got = in ? fl_reader_object(in, &head) : -1;

    if (got == 0)
        got = fl_error(FL_FAILED, "%s: is empty", file);
    if (got == 1 && strcmp(head->kind, s->made) &&
        !(ciphers && !strcmp(head->kind, FL_KIND_CIPHER)))
        got = fl_error(FL_FAILED, "%s: is of another kind: a %s, where %s of \"%s\" is due", file,
                       head->kind, s->kind, s->name);
    fl_reader_free(in);
    return got == 1 ? 0 : -1;
}

int
fl_inbox_check(const struct fl_inbox *i, const char *file)
{
    struct sender s = {0};

    if (find_sender(&s, i) || check_kind(i->plan, &s, file))
        return -1;
    return !strcmp(s.kind, "up") || !strcmp(s.kind, "answer") ? check_lanes(i, &s, file)
                                                              : check_word(i, &s, file);
}

int
fl_inbox_check_keys(const char *roster, const char *as, const char *file)
{
    const char *slash = strchr(as, '/');
    char name[FL_SITE_MAX + 1] = "";
    struct fl_roster r;
    uint64_t round;

    if (slash && (size_t)(slash - as) < sizeof name)
        snprintf(name, sizeof name, "%.*s", (int)(slash - as), as);
    if (!*name || strncmp(slash, "/keys.", 6) || fl_parse_u64(slash + 6, 0, INT64_MAX / 2, &round))
        return fl_error(FL_USAGE,
                        "\"%.80s\" is not PARTY/keys.ROUND; other kinds are of a round that has a "
                        "plan, -p PLAN",
                        as);
    if (fl_roster_read(&r, roster))
        return -1;
    const int64_t party = fl_roster_find(&r, name);
    int failed = party < 0 ? fl_roster_no_party(&r, name)
                           : fl_he_batch_check(&r, (uint32_t)party, round, file);
    fl_roster_release(&r);
    return failed ? -1 : 0;
}
