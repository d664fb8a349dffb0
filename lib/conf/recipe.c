/*
 * Options are read before the file and win over it: a value of the file goes where nothing is set.
 * A setting is a key here, an option of fl-train and a "set." key of its checkpoints
 * (nn/trainer.c).
 */
#include "conf/recipe.h"

#include <stdlib.h>
#include <string.h>

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
fill(const char *name, const struct fl_yaml *map, struct fl_recipe *r, char **schedule,
     char **precision)
{
    const double many = 1e15;
    const struct fl_yaml_key keys[] = {
        FL_KEY_I64("steps", 0, many, &r->steps),
        FL_KEY_I64("epochs", 0, 1e9, &r->epochs),
        FL_KEY_I64("batch", 1, 1e6, &r->batch),
        FL_KEY_I64("accumulate", 1, 1e6, &r->accumulate),
        FL_KEY_I64("length", 1, 1e6, &r->length),
        FL_KEY_I64("warmup", 0, many, &r->warmup),
        FL_KEY_I64("seed", 0, 9007199254740992.0, &r->seed),
        FL_KEY_F64("lr", 0, 1e38, &r->lr),
        FL_KEY_F64("min_lr", 0, 1e38, &r->min_lr),
        FL_KEY_F64("weight_decay", 0, 1e3, &r->weight_decay),
        FL_KEY_F64("beta1", 0, 0.999999, &r->beta1),
        FL_KEY_F64("beta2", 0, 0.999999999, &r->beta2),
        FL_KEY_F64("clip", 0, 1e9, &r->clip),
        FL_KEY_CHOICE("schedule", FL_SCHEDULE_CHOICES, schedule),
        FL_KEY_CHOICE("precision", FL_PRECISION_CHOICES, precision),
        FL_KEY_I64("decay", 0, many, &r->decay),
        FL_KEY_BOOL("document_mask", &r->document_mask),
        FL_KEY_END,
    };

    if (fl_yaml_fill(name, map, keys))
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
    char *schedule = NULL, *precision = NULL;
    int result = map ? fill(fl_input_name(path), map, &file, &schedule, &precision) : -1;

    fl_yaml_free(map);
    if (schedule && !r->schedule)
        r->schedule = strcmp(schedule, "wsd") ? "cosine" : "wsd";
    if (precision && !r->precision)
        r->precision = strcmp(precision, "bf16") ? "f32" : "bf16";
    free(schedule);
    free(precision);
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
    take_i64(&r->decay, file.decay);
    r->document_mask |= file.document_mask;
    return 0;
}
