/* No key has its default here: some defaults follow from the roster, which sec/ knows. */
#include "conf/round.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"

void
fl_round_conf_release(struct fl_round_conf *conf)
{
    free(conf->protection);
    free(conf->rounding);
    free(conf->weights);
    free(conf->noise);
    free(conf->bandwidth);
    fl_name_list_release(&conf->plain);
    fl_name_list_release(&conf->bandwidth_sites);
    *conf = (struct fl_round_conf){0};
}

static int
read_bandwidth(struct fl_round_conf *conf, const char *file, const struct fl_yaml *node)
{
    if (!node)
        return 0;
    if (node->type != FL_YAML_MAP)
        return fl_yaml_error(file, node, "bandwidth: must be a mapping of sites to Mbit/s");
    conf->bandwidth = fl_alloc(node->count, sizeof *conf->bandwidth);
    if (!conf->bandwidth || fl_name_list_copy(&conf->bandwidth_sites, node->keys, node->count))
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        const struct fl_yaml *item = node->items[i];
        if (item->type != FL_YAML_SCALAR ||
            fl_parse_f64(item->text, 1e-6, 1e9, &conf->bandwidth[i]))
            return fl_yaml_error(
                file, item,
                "bandwidth: that of \"%.80s\" must be a number of Mbit/s from 1e-6 to 1e9",
                node->keys[i]);
    }
    return 0;
}

static int
read_conf(struct fl_round_conf *conf, const char *file, const struct fl_yaml *root)
{
    const struct fl_yaml *plain = NULL, *bandwidth = NULL;
    const struct fl_yaml_key keys[] =
        {FL_KEY_CHOICE("protection", "pairwise|double", &conf->protection),
         FL_KEY_I64("bits", 8, 64, &conf->bits),
         FL_KEY_F64("clip", 1e-9, 1e9, &conf->clip),
         FL_KEY_F64("scale", 1e-18, 1e27, &conf->scale),
         FL_KEY_CHOICE("rounding", "stochastic|nearest", &conf->rounding),
         FL_KEY_CHOICE("weights", "examples|uniform|loss|dynamic", &conf->weights),
         FL_KEY_F64("cap", 1e-12, 1e15, &conf->cap),
         FL_KEY_F64("alpha", 0, 4, &conf->alpha, .given = &conf->alpha_given),
         FL_KEY_NODE("bandwidth", &bandwidth),
         FL_KEY_NODE("plain", &plain),
         FL_KEY_CHOICE("noise", "none", &conf->noise),
         FL_KEY_END};

    if (fl_yaml_fill(file, root, keys) || read_bandwidth(conf, file, bandwidth) ||
        fl_name_list_read(&conf->plain, file, "plain", plain))
        return -1;
    return 0;
}

static int
from_tree(struct fl_round_conf *conf, const char *file, struct fl_yaml *root)
{
    int result;

    *conf = (struct fl_round_conf){0};
    result = root ? read_conf(conf, file, root) : -1;
    if (result)
        fl_round_conf_release(conf);
    fl_yaml_free(root);
    return result;
}

int
fl_round_conf_parse(struct fl_round_conf *conf, const char *text, size_t len, const char *name)
{
    return from_tree(conf, name, fl_yaml_parse(text, len, name));
}

int
fl_round_conf_read(struct fl_round_conf *conf, const char *path)
{
    return from_tree(conf, !strcmp(path, "-") ? "standard input" : path, fl_yaml_read(path));
}
