/* A set of names that is sorted as it is filled, so that missing ones are told in one order. */
#include "fed/expected.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/name.h"

void
fl_expected_release(struct fl_expected *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->sites[i]);
    free(e->sites);
    *e = (struct fl_expected){0};
}

bool
fl_expected_any(const struct fl_expected *e)
{
    return e->count || e->least;
}

/* The place of SITE among COUNT sorted ones; *FOUND: it is there, else it belongs there. */
static size_t
place_of(const char *const *sites, size_t count, const char *site, bool *found)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(sites[middle], site) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < count && !strcmp(sites[low], site);
    return low;
}

/* Takes SITE over. */
static int
add(struct fl_expected *e, char *site)
{
    bool found;
    size_t at = place_of((const char *const *)e->sites, e->count, site, &found);

    if (found)
        return fl_error(FL_USAGE, "site \"%s\" is named twice; name it once", site);
    char **grown = fl_grow(e->sites, e->count, &e->cap, sizeof *grown);
    if (!grown)
        return -1;
    e->sites = grown;
    memmove(grown + at + 1, grown + at, (e->count - at) * sizeof *grown);
    grown[at] = site;
    e->count++;
    return 0;
}

int
fl_expected_sites(struct fl_expected *e, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, ",");
        char *site = fl_strndup(text, len);
        if (!site || fl_name_check(site) || add(e, site)) {
            free(site);
            return -1;
        }
        if (!text[len])
            return 0;
        text += len + 1;
    }
}

int
fl_expected_admit(const struct fl_expected *e, const char *file, const char *site)
{
    struct fl_nearest nearest;
    char hint[100];
    bool found;

    if (!e->count)
        return 0;
    if (!site)
        return fl_error(FL_FAILED,
                        "%s: has no site, which --sites must know; make it with --site NAME", file);
    place_of((const char *const *)e->sites, e->count, site, &found);
    if (found)
        return 0;
    fl_nearest_start(&nearest, site, strlen(site));
    for (size_t i = 0; i < e->count; i++)
        fl_nearest_try(&nearest, e->sites[i], strlen(e->sites[i]));
    return fl_error(FL_REFUSED, "%s: is of site \"%s\", which is not one of --sites%s", file, site,
                    fl_nearest_hint(&nearest, "", hint, sizeof hint));
}

static int
missing(const struct fl_expected *e, const char *const *sites, size_t count)
{
    struct fl_buf names = {0};
    size_t absent = 0;
    int failed = 0;

    for (size_t i = 0; !failed && i < e->count; i++) {
        bool found;
        place_of(sites, count, e->sites[i], &found);
        if (!found)
            failed = fl_buf_printf(&names, "%s%s", absent++ ? ", " : "", e->sites[i]);
    }
    if (!failed && absent)
        failed = fl_error(FL_NOT_YET,
                          "%zu of %zu sites missing: %.800s; run it again when their updates are "
                          "here",
                          absent, e->count, fl_buf_text(&names));
    fl_buf_release(&names);
    return failed ? -1 : 0;
}

int
fl_expected_check(const struct fl_expected *e, const char *const *sites, size_t count,
                  uint64_t total)
{
    if (e->count)
        return missing(e, sites, count);
    if (total < e->least)
        return fl_error(FL_NOT_YET,
                        "%llu of at least %llu sites are in; run it again when more updates are "
                        "here",
                        (unsigned long long)total, (unsigned long long)e->least);
    return 0;
}
