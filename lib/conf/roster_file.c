/*
 * Single values are filled from a table of keys. What a table cannot say (ranges, lists of rules
 * with caps) is read from its node afterwards, while the line of a wrong item is still known.
 */
#include "conf/roster_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"

void
fl_policy_default(struct fl_policy *policy)
{
    *policy = (struct fl_policy){.protection = FL_PROTECT_PAIRWISE | FL_PROTECT_DOUBLE,
                                 .bits_min = 8,
                                 .bits_max = 64,
                                 .clip_min = 1e-6,
                                 .clip_max = 1000,
                                 .spread = 16,
                                 .max_skip = 4096};
    for (int i = 0; i < FL_WEIGHT_RULES; i++)
        policy->cap[i] = fl_weight_rule_cap((enum fl_weight_rule)i);
    policy->noise = fl_strdup("none");
}

void
fl_policy_release(struct fl_policy *policy)
{
    free(policy->noise);
    fl_name_list_release(&policy->plain);
    *policy = (struct fl_policy){0};
}

void
fl_roster_conf_release(struct fl_roster_conf *conf)
{
    free(conf->federation);
    free(conf->hub);
    fl_name_list_release(&conf->sites);
    fl_name_list_release(&conf->committee);
    fl_policy_release(&conf->policy);
    *conf = (struct fl_roster_conf){0};
}

/* "[MIN, MAX]", or one value that is both. */
static int
read_range(const char *file, const char *key, const struct fl_yaml *node, double least, double most,
           double *min, double *max)
{
    const struct fl_yaml *ends[2] = {node, node};

    if (!node)
        return 0;
    if (node->type == FL_YAML_LIST && node->count == 2)
        for (int i = 0; i < 2; i++)
            ends[i] = node->items[i];
    double *const to[2] = {min, max};
    for (int i = 0; i < 2; i++) {
        if (ends[i]->type != FL_YAML_SCALAR)
            return fl_yaml_error(file, node, "%s: must be one number or [MIN, MAX]", key);
        if (fl_parse_f64(ends[i]->text, least, most, to[i]))
            return fl_yaml_error(file, ends[i], "%s: \"%.40s\" is not a number from %g to %g", key,
                                 ends[i]->text, least, most);
    }
    if (*min > *max)
        return fl_yaml_error(file, node, "%s: its least value is above its greatest", key);
    return 0;
}

static int
read_protection(const char *file, const struct fl_yaml *node, struct fl_policy *policy)
{
    struct fl_name_list names = {0};
    int result = fl_name_list_read(&names, file, "protection", node);

    if (!result && node) {
        policy->protection = 0;
        for (size_t i = 0; i < names.count && !result; i++) {
            if (!strcmp(names.items[i], "pairwise"))
                policy->protection |= FL_PROTECT_PAIRWISE;
            else if (!strcmp(names.items[i], "double"))
                policy->protection |= FL_PROTECT_DOUBLE;
            else {
                fl_choice_check("pairwise|double", names.items[i]);
                result = fl_yaml_error(file, node, "protection: %s", fl_error_text());
            }
        }
        if (!result && !policy->protection)
            result = fl_yaml_error(file, node, "protection: allows none; name pairwise or double");
    }
    fl_name_list_release(&names);
    return result;
}

/* {RULE: CAP, ...}, or [RULE, ...] with the default caps. */
static int
read_weights(const char *file, const struct fl_yaml *node, struct fl_policy *policy)
{
    if (!node)
        return 0;
    if (node->type == FL_YAML_SCALAR || !node->count)
        return fl_yaml_error(file, node, "weights: must be {RULE: CAP, ...} or [RULE, ...]");
    memset(policy->cap, 0, sizeof policy->cap);
    for (size_t i = 0; i < node->count; i++) {
        const struct fl_yaml *item = node->items[i];
        const char *name = node->type == FL_YAML_MAP ? node->keys[i] : item->text;
        int rule = name ? fl_weight_rule_find(name) : -1;
        if (rule < 0) {
            fl_choice_check(FL_WEIGHT_CHOICES, name ? name : "");
            return fl_yaml_error(file, item, "weights: %s", fl_error_text());
        }
        policy->cap[rule] = fl_weight_rule_cap((enum fl_weight_rule)rule);
        if (node->type == FL_YAML_MAP &&
            (item->type != FL_YAML_SCALAR ||
             fl_parse_f64(item->text, 1e-12, 1e15, &policy->cap[rule])))
            return fl_yaml_error(file, item,
                                 "weights: the cap of %s must be a number from 1e-12 to 1e15",
                                 name);
    }
    return 0;
}

static int
read_policy(const char *file, const struct fl_yaml *node, struct fl_policy *policy)
{
    const struct fl_yaml *protection = NULL, *bits = NULL, *clip = NULL, *plain = NULL;
    const struct fl_yaml *weights = NULL;
    double bits_min = (double)policy->bits_min, bits_max = (double)policy->bits_max;
    const struct fl_yaml_key keys[] = {FL_KEY_NODE("protection", &protection),
                                       FL_KEY_NODE("bits", &bits),
                                       FL_KEY_NODE("clip", &clip),
                                       FL_KEY_NODE("plain", &plain),
                                       FL_KEY_NODE("weights", &weights),
                                       FL_KEY_F64("spread", 1, 1e9, &policy->spread),
                                       FL_KEY_I64("max_skip", 1, 65536, &policy->max_skip),
                                       FL_KEY_CHOICE("noise", "none", &policy->noise),
                                       FL_KEY_BOOL("vary", &policy->vary),
                                       FL_KEY_END};

    if (!node)
        return 0;
    if (node->type != FL_YAML_MAP)
        return fl_yaml_error(file, node, "policy: must be a mapping");
    if (fl_yaml_fill(file, node, keys) || read_protection(file, protection, policy) ||
        read_range(file, "bits", bits, 8, 64, &bits_min, &bits_max) ||
        read_range(file, "clip", clip, 1e-9, 1e9, &policy->clip_min, &policy->clip_max) ||
        read_weights(file, weights, policy) ||
        fl_name_list_read(&policy->plain, file, "plain", plain))
        return -1;
    policy->bits_min = (int64_t)bits_min;
    policy->bits_max = (int64_t)bits_max;
    if ((double)policy->bits_min != bits_min || (double)policy->bits_max != bits_max)
        return fl_yaml_error(file, bits, "bits: must be whole numbers");
    return 0;
}

static int
read_conf(struct fl_roster_conf *conf, const char *file, const struct fl_yaml *root)
{
    const struct fl_yaml *sites = NULL, *committee = NULL, *policy = NULL;
    bool epoch_given = false;
    const struct fl_yaml_key keys[] = {FL_KEY_TEXT("federation", &conf->federation),
                                       FL_KEY_I64("epoch", 0, 1e9, &conf->epoch,
                                                  .given = &epoch_given),
                                       FL_KEY_I64("first_round", 0, 9e15, &conf->first_round),
                                       FL_KEY_BOOL("psk", &conf->psk),
                                       FL_KEY_NODE("sites", &sites),
                                       FL_KEY_TEXT("hub", &conf->hub),
                                       FL_KEY_NODE("committee", &committee),
                                       FL_KEY_I64("threshold", 1, 255, &conf->threshold),
                                       FL_KEY_I64("min_sum", 1, 1e6, &conf->min_sum),
                                       FL_KEY_NODE("policy", &policy),
                                       FL_KEY_END};

    if (root->type != FL_YAML_MAP)
        return fl_yaml_error(file, root,
                             "a roster must be a mapping with federation, epoch, sites and hub");
    if (fl_yaml_fill(file, root, keys))
        return -1;
    if (!conf->federation || !epoch_given || !sites || !conf->hub)
        return fl_yaml_error(file, NULL,
                             "lacks \"%s\"; a roster has federation, epoch, sites and hub",
                             !conf->federation ? "federation"
                             : !epoch_given    ? "epoch"
                             : !sites          ? "sites"
                                               : "hub");
    conf->committee_given = committee != NULL;
    if (fl_name_list_read(&conf->sites, file, "sites", sites) ||
        fl_name_list_read(&conf->committee, file, "committee", committee))
        return -1;
    return read_policy(file, policy, &conf->policy);
}

static int
from_tree(struct fl_roster_conf *conf, const char *file, struct fl_yaml *root)
{
    int result = -1;

    *conf = (struct fl_roster_conf){0};
    if (root) {
        fl_policy_default(&conf->policy);
        result = conf->policy.noise ? read_conf(conf, file, root) : -1;
    }
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
    return from_tree(conf, !strcmp(path, "-") ? "standard input" : path, fl_yaml_read(path));
}
