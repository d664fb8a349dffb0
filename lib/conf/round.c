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
    const struct fl_field fields[] =
        {{.key = "protection",
          .type = FL_FIELD_CHOICE,
          .value = &conf->protection,
          .choices = "pairwise|double"},
         {.key = "bits", .type = FL_FIELD_I64, .value = &conf->bits, .min = 8, .max = 64},
         {.key = "clip", .type = FL_FIELD_F64, .value = &conf->clip, .min = 1e-9, .max = 1e9},
         {.key = "scale", .type = FL_FIELD_F64, .value = &conf->scale, .min = 1e-18, .max = 1e27},
         {.key = "rounding",
          .type = FL_FIELD_CHOICE,
          .value = &conf->rounding,
          .choices = "stochastic|nearest"},
         {.key = "weights",
          .type = FL_FIELD_CHOICE,
          .value = &conf->weights,
          .choices = "examples|uniform|loss|dynamic"},
         {.key = "cap", .type = FL_FIELD_F64, .value = &conf->cap, .min = 1e-12, .max = 1e15},
         {.key = "alpha",
          .type = FL_FIELD_F64,
          .value = &conf->alpha,
          .min = 0,
          .max = 4,
          .given = &conf->alpha_given},
         {.key = "bandwidth", .type = FL_FIELD_NODE, .value = &bandwidth},
         {.key = "plain", .type = FL_FIELD_NODE, .value = &plain},
         {.key = "noise", .type = FL_FIELD_CHOICE, .value = &conf->noise, .choices = "none"},
         {.type = FL_FIELD_END}};

    if (fl_yaml_fill(file, root, fields) || read_bandwidth(conf, file, bandwidth) ||
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
