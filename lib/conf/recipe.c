#include "conf/recipe.h"

#include "base/error.h"
#include "conf/yaml.h"
#include "os/file.h"

static void
take_i64(int64_t *to, int64_t from)
{
    if (*to < 0)
        *to = from;
}

static void
take_f64(double *to, double from)
{
    if (*to < 0)
        *to = from;
}

static int
fill(const char *name, const struct fl_yaml *map, struct fl_recipe *r)
{
    const double many = 1e15;
    const struct fl_field fields[] = {
        {"steps", FL_FIELD_I64, &r->steps, 0, many, NULL, NULL},
        {"epochs", FL_FIELD_I64, &r->epochs, 0, 1e9, NULL, NULL},
        {"batch", FL_FIELD_I64, &r->batch, 1, 1e6, NULL, NULL},
        {"accumulate", FL_FIELD_I64, &r->accumulate, 1, 1e6, NULL, NULL},
        {"length", FL_FIELD_I64, &r->length, 1, 1e6, NULL, NULL},
        {"warmup", FL_FIELD_I64, &r->warmup, 0, many, NULL, NULL},
        {"seed", FL_FIELD_I64, &r->seed, 0, 9007199254740992.0, NULL, NULL},
        {"lr", FL_FIELD_F64, &r->lr, 0, 1e38, NULL, NULL},
        {"min_lr", FL_FIELD_F64, &r->min_lr, 0, 1e38, NULL, NULL},
        {"weight_decay", FL_FIELD_F64, &r->weight_decay, 0, 1e3, NULL, NULL},
        {"beta1", FL_FIELD_F64, &r->beta1, 0, 0.999999, NULL, NULL},
        {"beta2", FL_FIELD_F64, &r->beta2, 0, 0.999999999, NULL, NULL},
        {"clip", FL_FIELD_F64, &r->clip, 0, 1e9, NULL, NULL},
        {.type = FL_FIELD_END},
    };

    if (fl_yaml_fill(name, map, fields))
        return -1;
    if (r->steps >= 0 && r->epochs >= 0)
        return fl_error(FL_USAGE, "%s: has steps and epochs; give one of them", name);
    return 0;
}

int
fl_recipe_read(const char *path, struct fl_recipe *r)
{
    struct fl_recipe file = FL_RECIPE_UNSET;
    struct fl_yaml *map = fl_yaml_read(path);
    int result = map ? fill(fl_input_name(path), map, &file) : -1;

    fl_yaml_free(map);
    if (result)
        return -1;
    if (r->steps < 0 && r->epochs < 0) { /* they exclude each other */
        r->steps = file.steps;
        r->epochs = file.epochs;
    }
    take_i64(&r->batch, file.batch);
    take_i64(&r->accumulate, file.accumulate);
    take_i64(&r->length, file.length);
    take_i64(&r->warmup, file.warmup);
    take_i64(&r->seed, file.seed);
    take_f64(&r->lr, file.lr);
    take_f64(&r->min_lr, file.min_lr);
    take_f64(&r->weight_decay, file.weight_decay);
    take_f64(&r->beta1, file.beta1);
    take_f64(&r->beta2, file.beta2);
    take_f64(&r->clip, file.clip);
    return 0;
}
