/*
 * Single values are filled from a table of keys. What a table cannot say (ranges, lists of rules
 * with caps) is read from its node afterwards, while the line of a wrong item is still known.
 */
#include "conf/roster_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "conf/weight_rule.h"
#include "os/file.h"

void
fl_roster_conf_release(struct fl_roster_conf *conf)
{
    free(conf->federation);
    free(conf->hub);
    free(conf->model);
    free(conf->contract);
    free(conf->apply_rule);
    free(conf->protection);
    free(conf->weight_rule);
    fl_noise_terms_release(&conf->noise);
    fl_name_list_release(&conf->sites);
    fl_name_list_release(&conf->helpers);
    fl_name_list_release(&conf->replay);
    fl_name_list_release(&conf->he);
    for (size_t i = 0; i < conf->tensor_count; i++) {
        free(conf->tensors[i].match);
        free(conf->tensors[i].protect);
    }
    free(conf->tensors);
    *conf = (struct fl_roster_conf){0};
}

static int
set_defaults(struct fl_roster_conf *conf)
{
    *conf = (struct fl_roster_conf){.lr = 1,
                                    .alpha = FL_WEIGHT_ALPHA,
                                    .tokens = 1e6,
                                    .mbit = 100,
                                    .unit = 1000,
                                    .steps = 64,
                                    .move = 1.0 / 64,
                                    .max_open = 4,
                                    .max_skip = 1024,
                                    .max_age = 1000,
                                    .recipe = FL_RECIPE_UNSET};
    conf->apply_rule = fl_strdup("sgd");
    conf->protection = fl_strdup("pairwise");
    conf->weight_rule = fl_strdup(fl_weight_rule_name(FL_WEIGHT_UNIFORM));
    return conf->apply_rule && conf->protection && conf->weight_rule ? 0 : -1;
}

static int
read_apply(struct fl_roster_conf *conf, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml_key keys[] = {
        FL_KEY_CHOICE("rule", FL_APPLY_CHOICES, &conf->apply_rule),
        FL_KEY_F64("lr", 1e-9, 1e6, &conf->lr),
        FL_KEY_F64("momentum", 0, 0.999999, &conf->momentum),
        FL_KEY_END,
    };

    return node ? fl_yaml_fill(file, node, keys) : 0;
}

static int
read_weights(struct fl_roster_conf *conf, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml_key keys[] = {
        FL_KEY_CHOICE("rule", FL_WEIGHT_CHOICES, &conf->weight_rule),
        FL_KEY_F64("floor", 1e-9, 1e9, &conf->floor),
        FL_KEY_F64("cap", 1e-9, 1e9, &conf->cap),
        FL_KEY_F64("alpha", 0, 4, &conf->alpha),
        FL_KEY_F64("tokens", 1, 1e15, &conf->tokens),
        FL_KEY_F64("mbit", 1e-6, 1e9, &conf->mbit),
        FL_KEY_F64("unit", 1, 1e15, &conf->unit),
        FL_KEY_BOOL("hide", &conf->hide),
        FL_KEY_END,
    };

    return node ? fl_yaml_fill(file, node, keys) : 0;
}

static int
read_tensor_rule(struct fl_tensor_rule_conf *rule, const char *file, const struct fl_yaml *node,
                 bool masked)
{
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("match", &rule->match),
        FL_KEY_CHOICE("protect", FL_PROTECT_CHOICES, &rule->protect),
        FL_KEY_I64("bits", 8, 64, &rule->bits),
        FL_KEY_F64("clip", 1e-9, 1e9, &rule->clip),
        FL_KEY_END,
    };

    if (fl_yaml_fill(file, node, keys))
        return -1;
    if (!rule->match || !rule->protect)
        return fl_yaml_error(file, node,
                             "tensors: lacks \"%s\"; a rule is {match: \"*\", protect: mask, bits: "
                             "16, clip: 0.2}",
                             rule->match ? "protect" : "match");
    bool frozen = !strcmp(rule->protect, "frozen");
    const bool none = frozen || !masked;
    if (none ? rule->bits || rule->clip != 0 : !rule->bits || rule->clip == 0)
        return fl_yaml_error(file, node, "tensors: \"%.80s\": %s", rule->match,
                             frozen ? "a frozen tensor does not travel, so it has no bits and clip"
                             : none ? "with protection none an update travels as it is, so that "
                                      "rules have no bits and clip"
                                    : "lacks bits and clip, in which its values travel");
    return 0;
}

static int
read_tensors(struct fl_roster_conf *conf, const char *file, const struct fl_yaml *node)
{
    const bool masked = strcmp(conf->protection, "none") != 0;

    if (node->type != FL_YAML_LIST || !node->count)
        return fl_yaml_error(file, node,
                             "tensors: must be a list of rules like {match: \"*\", protect: mask, "
                             "bits: 16, clip: 0.2}");
    conf->tensors = fl_alloc(node->count, sizeof *conf->tensors);
    if (!conf->tensors)
        return -1;
    for (; conf->tensor_count < node->count; conf->tensor_count++)
        if (read_tensor_rule(&conf->tensors[conf->tensor_count], file,
                             node->items[conf->tensor_count], masked)) {
            conf->tensor_count++; /* what was set of it is released too */
            return -1;
        }
    return 0;
}

/* Sites of all sizes take as many steps, so a recipe that all share says how many. */
static int
read_recipe(struct fl_roster_conf *conf, const char *file, const struct fl_yaml *node)
{
    if (!node)
        return 0;
    if (fl_recipe_from_yaml(file, node, &conf->recipe))
        return -1;
    return conf->recipe.steps >= 0
               ? 0
               : fl_yaml_error(
                     file, node,
                     "recipe: lacks \"steps\", which sites of all sizes take; a recipe is "
                     "{steps: 200, length: 256}");
}

static int
read_conf(struct fl_roster_conf *conf, const char *file, const struct fl_yaml *root)
{
    const struct fl_yaml *sites = NULL, *helpers = NULL, *replay = NULL, *apply = NULL;
    const struct fl_yaml *weights = NULL, *tensors = NULL, *recipe = NULL, *he = NULL;
    const struct fl_yaml *noise = NULL, *budget = NULL;
    bool epoch_given = false;
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("federation", &conf->federation),
        FL_KEY_I64("epoch", 0, 1e9, &conf->epoch, .given = &epoch_given),
        FL_KEY_I64("first_round", 0, 9e15, &conf->first_round),
        FL_KEY_BOOL("psk", &conf->psk),
        FL_KEY_TEXT("model", &conf->model),
        FL_KEY_TEXT("contract", &conf->contract),
        FL_KEY_NODE("apply", &apply),
        FL_KEY_NODE("sites", &sites),
        FL_KEY_TEXT("hub", &conf->hub),
        FL_KEY_CHOICE("protection", FL_PROTECTION_CHOICES, &conf->protection),
        FL_KEY_NODE("helpers", &helpers),
        FL_KEY_NODE("replay", &replay),
        FL_KEY_I64("min_sum", 1, 1e6, &conf->min_sum),
        FL_KEY_NODE("weights", &weights),
        FL_KEY_NODE("tensors", &tensors),
        FL_KEY_F64("steps", 1, 1e9, &conf->steps),
        FL_KEY_F64("move", 0, 1e9, &conf->move),
        FL_KEY_NODE("noise", &noise),
        FL_KEY_NODE("budget", &budget),
        FL_KEY_I64("max_open", 1, 16, &conf->max_open),
        FL_KEY_I64("max_skip", 1, 4096, &conf->max_skip),
        FL_KEY_I64("max_age", 1, 1e6, &conf->max_age),
        FL_KEY_I64("delay", 0, 1, &conf->delay),
        FL_KEY_I64("stale", 0, FL_STALE_MOST, &conf->stale),
        FL_KEY_NODE("recipe", &recipe),
        FL_KEY_NODE("he", &he),
        FL_KEY_END,
    };

    if (fl_yaml_fill(file, root, keys))
        return -1;
    const struct {
        const char *name;
        bool given;
    } required[] = {{"federation", conf->federation},
                    {"epoch", epoch_given},
                    {"model", conf->model},
                    {"sites", sites},
                    {"hub", conf->hub},
                    {"tensors", tensors}};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!required[i].given)
            return fl_yaml_error(file, NULL,
                                 "lacks \"%s\"; a roster has federation, epoch, model, sites, hub "
                                 "and tensors",
                                 required[i].name);
    return read_apply(conf, file, apply) || read_weights(conf, file, weights) ||
                   read_tensors(conf, file, tensors) || read_recipe(conf, file, recipe) ||
                   fl_name_list_read(&conf->sites, file, "sites", sites) ||
                   fl_name_list_read(&conf->helpers, file, "helpers", helpers) ||
                   fl_name_list_read(&conf->replay, file, "replay", replay) ||
                   fl_name_list_read(&conf->he, file, "he", he) ||
                   fl_noise_terms_read(&conf->noise, file, noise, budget)
               ? -1
               : 0;
}

static int
from_tree(struct fl_roster_conf *conf, const char *file, struct fl_yaml *root)
{
    int result = set_defaults(conf);

    if (!result)
        result = root ? read_conf(conf, file, root) : -1;
    if (result)
        fl_roster_conf_release(conf);
    fl_yaml_free(root);
    return result;
}

int
fl_roster_conf_parse(struct fl_roster_conf *conf, const char *text, size_t len, const char *name)
{
    return from_tree(conf, name, fl_yaml_parse(text, len, name));
}

int
fl_roster_conf_read(struct fl_roster_conf *conf, const char *path)
{
    return from_tree(conf, fl_input_name(path), fl_yaml_read(path));
}
