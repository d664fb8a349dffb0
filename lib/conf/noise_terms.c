/* Each kind of noise is a mapping of one key, so that what belongs to another kind has no place. */
#include "conf/noise_terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/yaml.h"

void
fl_noise_terms_release(struct fl_noise_terms *terms)
{
    free(terms->kind);
    free(terms->clip);
    free(terms->multiplier);
    free(terms->rate);
    free(terms->epsilon);
    free(terms->delta);
    free(terms->accountant);
    *terms = (struct fl_noise_terms){0};
}

/* A value that was not given. */
static int
lacks(const char *file, const struct fl_yaml *node, const char *what, const char *key,
      const char *form)
{
    return fl_yaml_error(file, node, "%s: lacks \"%s\"; write %s", what, key, form);
}

static int
read_site(struct fl_noise_terms *terms, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("clip", &terms->clip),
        FL_KEY_TEXT("multiplier", &terms->multiplier),
        FL_KEY_END,
    };

    if (fl_yaml_fill(file, node, keys))
        return -1;
    return terms->clip && terms->multiplier
               ? 0
               : lacks(file, node, "noise: site", terms->clip ? "multiplier" : "clip",
                       "noise: {site: {clip: 0.5, multiplier: 1}}");
}

static int
read_local(struct fl_noise_terms *terms, const char *file, const struct fl_yaml *node)
{
    bool steps = false;
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("clip", &terms->clip),
        FL_KEY_TEXT("multiplier", &terms->multiplier),
        FL_KEY_TEXT("rate", &terms->rate),
        FL_KEY_I64("steps", 1, 1e9, &terms->steps, .given = &steps),
        FL_KEY_END,
    };

    if (fl_yaml_fill(file, node, keys))
        return -1;
    const char *missing = !terms->clip         ? "clip"
                          : !terms->multiplier ? "multiplier"
                          : !terms->rate       ? "rate"
                          : !steps             ? "steps"
                                               : NULL;
    return missing ? lacks(file, node, "noise: local", missing,
                           "noise: {local: {clip: 1, multiplier: 1.1, rate: 0.01, steps: 200}}")
                   : 0;
}

static int
read_noise(struct fl_noise_terms *terms, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml *site = NULL, *local = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("site", &site),
        FL_KEY_NODE("local", &local),
        FL_KEY_END,
    };

    if (node->type == FL_YAML_SCALAR && !strcmp(node->text, "none"))
        return 0;
    if (node->type != FL_YAML_MAP || node->count != 1)
        return fl_yaml_error(file, node,
                             "noise: must be none, {site: {clip: C, multiplier: Z}} or {local: "
                             "{clip: C, multiplier: Z, rate: Q, steps: N}}");
    if (fl_yaml_fill(file, node, keys))
        return -1;
    free(terms->kind);
    terms->kind = fl_strdup(site ? "site" : "local");
    if (!terms->kind)
        return -1;
    return site ? read_site(terms, file, site) : read_local(terms, file, local);
}

static int
read_budget(struct fl_noise_terms *terms, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("epsilon", &terms->epsilon),
        FL_KEY_TEXT("delta", &terms->delta),
        FL_KEY_CHOICE("accountant", FL_ACCOUNTANT_CHOICES, &terms->accountant),
        FL_KEY_END,
    };

    terms->budgeted = true;
    if (fl_yaml_fill(file, node, keys))
        return -1;
    return terms->epsilon && terms->delta
               ? 0
               : lacks(file, node, "budget", terms->epsilon ? "delta" : "epsilon",
                       "budget: {epsilon: 8, delta: 1e-6}");
}

int
fl_noise_terms_read(struct fl_noise_terms *terms, const char *file, const struct fl_yaml *noise,
                    const struct fl_yaml *budget)
{
    terms->kind = fl_strdup("none");
    terms->accountant = fl_strdup("rdp");
    if (!terms->kind || !terms->accountant || (noise && read_noise(terms, file, noise)) ||
        (budget && read_budget(terms, file, budget)))
        return -1;
    const bool none = !strcmp(terms->kind, "none");
    if (none && budget)
        return fl_yaml_error(file, budget,
                             "budget: there is no noise to pay for; write noise: "
                             "{site: ...} or {local: ...}, or leave the budget out");
    if (!none && !budget)
        return fl_yaml_error(file, noise,
                             "noise: lacks a budget, at which rounds end; write "
                             "budget: {epsilon: 8, delta: 1e-6}");
    return 0;
}
