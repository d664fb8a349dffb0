/* Names are told one by one, so that what cannot be removed holds up nothing else. */
#include "fed/leftover.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "fed/overlap.h"
#include "sec/he_offer.h"

enum { HEX = 65, NAME = 300 };

struct search {
    struct fl_standing *s;
    fl_leftover_tell *tell;
    void *arg;
    char (*stay)[HEX]; /* digests of models that are needed */
    size_t count;
};

/* "UNDER/NAME" from WORK on, if it is there. */
static bool
told(const struct search *f, const char *under, const char *name)
{
    char path[NAME];
    int n = snprintf(path, sizeof path, "%s%s%s", under, *under ? "/" : "", name);

    return n > 0 && (size_t)n < sizeof path && !access(fl_standing_own(f->s, "%s", path), F_OK) &&
           f->tell(f->arg, path);
}

/* Files of the folder UNDER that begin with BEFORE and then name a model that does not stay. */
static bool
told_models(const struct search *f, const char *under, const char *before)
{
    DIR *dir = opendir(fl_standing_own(f->s, "%s", under));
    const struct dirent *entry;
    bool enough = false;

    while (dir && !enough && (entry = readdir(dir))) {
        const char *model = entry->d_name + strlen(before);
        bool needed = strncmp(entry->d_name, before, strlen(before)) ||
                      strspn(model, "0123456789abcdef") != HEX - 1;
        for (size_t i = 0; i < f->count && !needed; i++)
            needed = !strncmp(model, f->stay[i], HEX - 1);
        enough = !needed && told(f, under, entry->d_name);
    }
    if (dir)
        closedir(dir);
    return enough;
}

/* The sums that were asked for, which lie in the hub's own folder. */
static bool
told_sums(const struct search *f, const char *under)
{
    DIR *dir = opendir(fl_standing_own(f->s, "%s", under));
    const struct dirent *entry;
    bool enough = false;

    while (dir && !enough && (entry = readdir(dir)))
        enough = !strncmp(entry->d_name, "sum.", 4) && told(f, under, entry->d_name);
    if (dir)
        closedir(dir);
    return enough;
}

static void
keep_model(struct search *f, const char *model)
{
    if (strlen(model) == HEX - 1)
        memcpy(f->stay[f->count++], model, HEX);
}

static int
find_at_hub(struct search *f)
{
    struct fl_standing *s = f->s;
    struct fl_overlap overlap;
    char under[64], next[HEX];
    int64_t closed = 0;

    if (s->setup.roster.delay) { /* two rounds are open, or another is opened over these */
        if (fl_overlap_look(s, &overlap))
            return -1;
        keep_model(f, overlap.newest[0]);
        keep_model(f, overlap.newest[1]);
    }

    for (size_t i = s->count; i; i--) {
        const unsigned long long round = s->rounds[i - 1];
        if (fl_standing_next(s, s->rounds[i - 1], next))
            return -1;
        if (!*next)
            continue;
        if (!closed++)
            keep_model(f, next);
        if (closed <= s->setup.conf.keep)
            continue;
        snprintf(under, sizeof under, "root/pub/round/%llu", round);
        if (told(f, under, "up") || told(f, under, "answer"))
            return 1;
        if (round + FL_HE_BATCH <= s->rounds[s->count - 1] && told(f, under, "keys"))
            return 1; /* of rounds that are over */
        snprintf(under, sizeof under, "root/plain/%llu", round);
        if (told(f, under, "up"))
            return 1;
        snprintf(under, sizeof under, "round/%llu", round);
        if (told_sums(f, under))
            return 1;
    }
    return closed && told_models(f, "root/pub/model", "");
}

static int
find_at_party(struct search *f)
{
    static const char *const large[] = {"mean.flt", "up", "answer", "c1"};
    struct fl_standing *s = f->s;
    const size_t keep = (size_t)s->setup.conf.keep, old = s->count > keep ? s->count - keep : 0;
    char under[64], model[HEX];

    for (size_t i = 0; i < old; i++) {
        snprintf(under, sizeof under, "round/%llu", (unsigned long long)s->rounds[i]);
        for (size_t k = 0; k < sizeof large / sizeof *large; k++)
            if (told(f, under, large[k]))
                return 1;
    }
    for (size_t i = old; i < s->count; i++) {
        if (fl_standing_next(s, s->rounds[i], model))
            return -1;
        keep_model(f, model);
        if (access(fl_standing_file(s, s->rounds[i], "plan.flt"), F_OK))
            continue;
        if (fl_standing_base(s, s->rounds[i], model))
            return -1;
        keep_model(f, model);
    }
    return told_models(f, "model", "") || told_models(f, "update", "") ||
           told_models(f, ".", "checkpoint.");
}

int
fl_leftover_find(struct fl_standing *s, fl_leftover_tell *tell, void *arg)
{
    struct search f = {.s = s, .tell = tell, .arg = arg};
    char first[HEX];

    f.stay = fl_alloc(2 * s->count + 3, sizeof *f.stay);
    if (!f.stay)
        return -1;
    fl_hex(first, s->setup.roster.model, sizeof s->setup.roster.model);
    keep_model(&f, first);
    int got = s->setup.conf.root ? find_at_hub(&f) : find_at_party(&f);
    free(f.stay);
    return got;
}
