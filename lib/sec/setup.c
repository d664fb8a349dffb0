/* One call for a whole turn: the script asks once, and never reads YAML itself. */
#include "sec/setup.h"

#include <string.h>

#include "base/error.h"
#include "conf/recipe.h"
#include "os/file.h"

static void
put_own(struct fl_report *r, const struct fl_federation_conf *c)
{
    fl_report_text(fl_report_key(r, "name"), c->name);
    fl_report_text(fl_report_key(r, "hub"), c->hub);
    fl_report_text(fl_report_key(r, "root"), c->root);
    fl_report_text(fl_report_key(r, "roster"), c->roster);
    fl_report_text(fl_report_key(r, "key"), c->key);
    fl_report_text(fl_report_key(r, "work"), c->work);
    fl_report_text(fl_report_key(r, "shards"), c->shards);
    fl_report_text(fl_report_key(r, "recipe"), c->recipe);
    fl_report_text(fl_report_key(r, "trainer"), c->trainer);
    fl_report_text(fl_report_key(r, "ledger"), c->ledger);
    fl_report_text(fl_report_key(r, "valid"), c->valid);
    fl_report_i64(fl_report_key(r, "patience_seconds"), c->patience);
    fl_report_i64(fl_report_key(r, "due_seconds"), c->due);
    fl_report_i64(fl_report_key(r, "keep"), c->keep);
    fl_report_i64(fl_report_key(r, "rounds"), c->rounds);
}

static void
put_names(struct fl_report *r, const struct fl_roster *roster, const uint32_t *parties, size_t n)
{
    fl_report_list(r);
    for (size_t i = 0; i < n; i++)
        fl_report_text(r, roster->parties[parties ? parties[i] : i].name);
    fl_report_list_end(r);
}

static void
put_agreed(struct fl_report *r, const struct fl_roster *roster)
{
    char recipe[FL_RECIPE_WORDS];

    fl_report_text(fl_report_key(r, "federation"), roster->federation);
    fl_report_i64(fl_report_key(r, "epoch"), roster->epoch);
    fl_report_hex(fl_report_key(r, "roster_digest"), roster->digest, sizeof roster->digest);
    fl_report_text(fl_report_key(r, "agreed_recipe"),
                   *fl_recipe_words(&roster->recipe, recipe) ? recipe : NULL);
    fl_report_i64(fl_report_key(r, "first_round"), roster->first_round);
    fl_report_i64(fl_report_key(r, "max_age"), roster->max_age);
    fl_report_i64(fl_report_key(r, "max_open"), roster->max_open);
    fl_report_hex(fl_report_key(r, "model"), roster->model, sizeof roster->model);
    fl_report_text(fl_report_key(r, "apply"), fl_apply_rule_name(roster->apply));
    fl_report_text(fl_report_key(r, "protection"), fl_protection_name(roster->protection));
    fl_report_text(fl_report_key(r, "noise"), fl_noise_kind_name(roster->noise.kind));
    fl_report_i64(fl_report_key(r, "delay"), roster->delay);
    fl_report_i64(fl_report_key(r, "stale"), roster->stale);
    fl_report_i64(fl_report_key(r, "min_sum"), roster->min_sum);
    put_names(fl_report_key(r, "sites"), roster, NULL, roster->n);
    put_names(fl_report_key(r, "helpers"), roster, roster->helpers, roster->m);
    put_names(fl_report_key(r, "replay"), roster, roster->replay, roster->replay_count);
}

/* What a party's list of files at the hub has beside the usual: the word that fl-gate(1) takes. */
static void
put_lists(struct fl_report *r, const struct fl_federation_conf *c, const struct fl_roster *roster)
{
    const uint32_t party = (uint32_t)fl_roster_find(roster, c->name);
    const bool sums = fl_roster_helper(roster, party) >= 0 || fl_roster_replays(roster, party);

    fl_report_text(fl_report_key(r, "lists"), sums ? "sums" : NULL);
}

/* Whose file it is: the hub's has a root, a party's a hub. */
static int
check_name(const struct fl_federation_conf *c, const struct fl_roster *roster)
{
    int64_t party = fl_roster_find(roster, c->name);

    if (party < 0)
        return fl_roster_no_party(roster, c->name);
    if ((party == (int64_t)FL_SIGNER_HUB) != (c->root != NULL))
        return fl_error(FL_USAGE, "\"%s\" is %s of the roster, whose file has %s", c->name,
                        c->root ? "no hub" : "the hub",
                        c->root ? "hub: and no root:" : "root: and no hub:");
    return 0;
}

/* A site that trains here goes by the roster's recipe, or its own; one must say how many steps. */
static int
check_recipe(const struct fl_federation_conf *c, const struct fl_roster *roster)
{
    const int64_t party = fl_roster_find(roster, c->name);
    struct fl_recipe recipe = FL_RECIPE_UNSET;

    if (party >= (int64_t)roster->n || c->trainer)
        return 0;
    if (c->recipe && fl_recipe_read(c->recipe, &recipe))
        return -1;
    fl_recipe_take(&recipe, &roster->recipe);
    return recipe.steps >= 0
               ? 0
               : fl_error(FL_USAGE,
                          "%s: gives no steps, which sites of all sizes take; write steps: N in "
                          "the file of recipe:",
                          c->recipe ? c->recipe : c->name);
}

/* Where people are hidden, what is told of a site's text is counted in the ledger of that text. */
static int
check_ledger(const struct fl_federation_conf *c, const struct fl_roster *roster)
{
    const int64_t party = fl_roster_find(roster, c->name);

    if (roster->noise.kind == FL_NOISE_NONE || party >= (int64_t)roster->n || c->ledger)
        return 0;
    return fl_error(FL_USAGE,
                    "lacks ledger: FILE, in which the roster's noise is counted; fl-account "
                    "--new-ledger FILE makes one, for the whole life of the text");
}

int
fl_setup_read(struct fl_setup *s, const char *path)
{
    *s = (struct fl_setup){0};
    int failed = fl_federation_conf_read(&s->conf, path);

    if (!failed && fl_input_missing(s->conf.roster))
        failed = fl_error(FL_NOT_YET, "%s: is not there yet; it is the roster that was accepted",
                          s->conf.roster);
    if (!failed)
        failed = fl_roster_read(&s->roster, s->conf.roster);
    if (!failed && check_name(&s->conf, &s->roster))
        failed = fl_error_about(fl_input_name(path));
    if (failed)
        fl_setup_release(s);
    return failed ? -1 : 0;
}

void
fl_setup_release(struct fl_setup *s)
{
    fl_roster_release(&s->roster);
    fl_federation_conf_release(&s->conf);
}

int
fl_setup_report(struct fl_report *r, const char *path)
{
    struct fl_setup s;

    if (fl_setup_read(&s, path))
        return -1;
    int failed = check_recipe(&s.conf, &s.roster);
    if (!failed && check_ledger(&s.conf, &s.roster))
        failed = fl_error_about(fl_input_name(path));
    if (!failed) {
        put_own(r, &s.conf);
        put_agreed(r, &s.roster);
        put_lists(r, &s.conf, &s.roster);
    }
    fl_setup_release(&s);
    return failed ? -1 : 0;
}
