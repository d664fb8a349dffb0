/*
 * Options are read before the file and win over it: a value of the file goes where nothing is set.
 * One table says what a setting is called, how large it may be and where it goes; a setting is a
 * key here, an option of fl-train, a "set." key of its checkpoints (nn/trainer.c) and a "recipe."
 * item of a roster's canonical form (sec/roster.c).
 */
#include "conf/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "conf/yaml.h"
#include "flt/meta.h"
#include "os/file.h"

enum type { I64, F64, FLAG, CHOICE };

static const char *const schedules[] = {"cosine", "wsd"}, *const precisions[] = {"f32", "bf16"},
                         *const units[] = {"record", "passage"};

/* A number below zero, false and NULL: not set. */
static const struct setting {
    const char *key;
    enum type type;
    size_t at; /* in struct fl_recipe */
    double min, max;
    const char *choices;      /* of a CHOICE, "a|b" */
    const char *const *words; /* the same one by one, as long as the program lives */
} settings[] = {
#define AT(member) #member, .at = offsetof(struct fl_recipe, member)
    {AT(steps), .type = I64, .max = 1e15},
    {AT(epochs), .type = I64, .max = 1e9},
    {AT(batch), .type = I64, .min = 1, .max = 1e6},
    {AT(accumulate), .type = I64, .min = 1, .max = 1e6},
    {AT(length), .type = I64, .min = 1, .max = 1e6},
    {AT(warmup), .type = I64, .max = 1e15},
    {AT(seed), .type = I64, .max = 9007199254740992.0},
    {AT(lr), .type = F64, .max = 1e38},
    {AT(min_lr), .type = F64, .max = 1e38},
    {AT(weight_decay), .type = F64, .max = 1e3},
    {AT(beta1), .type = F64, .max = 0.999999},
    {AT(beta2), .type = F64, .max = 0.999999999},
    {AT(clip), .type = F64, .max = 1e9},
    {AT(schedule), .type = CHOICE, .choices = FL_SCHEDULE_CHOICES, .words = schedules},
    {AT(decay), .type = I64, .max = 1e15},
    {AT(precision), .type = CHOICE, .choices = FL_PRECISION_CHOICES, .words = precisions},
    {AT(document_mask), .type = FLAG},
    {AT(dp_clip), .type = F64, .min = 1e-9, .max = 1e9},
    {AT(dp_noise), .type = F64, .min = 1e-6, .max = 127},
    {AT(dp_rate), .type = F64, .min = 1e-12, .max = 1},
    {AT(dp_unit), .type = CHOICE, .choices = FL_UNIT_CHOICES, .words = units},
#undef AT
};
enum { COUNT = sizeof settings / sizeof *settings };

/* Where setting S of R is; the type is S's. */
static void *
place(const struct setting *s, struct fl_recipe *r)
{
    return (char *)r + s->at;
}

static bool
is_set(const struct setting *s, const struct fl_recipe *r)
{
    const char *at = (const char *)r + s->at;

    switch (s->type) {
    case I64: return *(const int64_t *)at >= 0;
    case F64: return *(const double *)at >= 0;
    case FLAG: return *(const bool *)at;
    case CHOICE: return *(const char *const *)at;
    }
    return false;
}

/* The two that exclude each other count as one: neither is taken where the other is set. */
void
fl_recipe_take(struct fl_recipe *r, const struct fl_recipe *from)
{
    const bool timed = r->steps >= 0 || r->epochs >= 0;
    static const size_t sizes[] = {[I64] = sizeof(int64_t),
                                   [F64] = sizeof(double),
                                   [FLAG] = sizeof(bool),
                                   [CHOICE] = sizeof(char *)};

    for (const struct setting *s = settings; s < settings + COUNT; s++)
        if (!is_set(s, r) && !(timed && (s->at == offsetof(struct fl_recipe, steps) ||
                                         s->at == offsetof(struct fl_recipe, epochs))))
            memcpy(place(s, r), (const char *)from + s->at, sizes[s->type]);
}

int
fl_recipe_from_yaml(const char *name, const struct fl_yaml *map, struct fl_recipe *r)
{
    struct fl_yaml_key keys[COUNT + 1] = {{0}};
    char *texts[COUNT] = {0};

    for (size_t i = 0; i < COUNT; i++) {
        const struct setting *s = &settings[i];
        const struct fl_yaml_key rows[] = {
            [I64] = FL_KEY_I64(s->key, s->min, s->max, place(s, r)),
            [F64] = FL_KEY_F64(s->key, s->min, s->max, place(s, r)),
            [FLAG] = FL_KEY_BOOL(s->key, place(s, r)),
            [CHOICE] = FL_KEY_CHOICE(s->key, s->choices, &texts[i]),
        };
        keys[i] = rows[s->type];
    }
    keys[COUNT] = (struct fl_yaml_key)FL_KEY_END;
    int failed = fl_yaml_fill(name, map, keys);
    for (size_t i = 0; i < COUNT; i++) {
        if (texts[i] && !failed)
            *(const char **)place(&settings[i], r) =
                settings[i].words[fl_choice_find(settings[i].choices, texts[i])];
        free(texts[i]);
    }
    if (!failed && r->steps >= 0 && r->epochs >= 0)
        failed = fl_yaml_error(name, map, "has steps and epochs; give one of them");
    return failed ? -1 : 0;
}

int
fl_recipe_read(const char *path, struct fl_recipe *r)
{
    struct fl_recipe file = FL_RECIPE_UNSET;
    struct fl_yaml *map = fl_yaml_read(path);
    int result = map ? fl_recipe_from_yaml(fl_input_name(path), map, &file) : -1;

    fl_yaml_free(map);
    if (!result)
        fl_recipe_take(r, &file);
    return result;
}

static int
set(const struct setting *s, const struct fl_recipe *r, const char *key, struct fl_meta *meta)
{
    const char *at = (const char *)r + s->at;

    switch (s->type) {
    case I64: return fl_meta_set_i64(meta, key, *(const int64_t *)at);
    case F64: return fl_meta_set_f64(meta, key, *(const double *)at);
    case FLAG: return fl_meta_set_i64(meta, key, 1);
    case CHOICE: return fl_meta_set_text(meta, key, *(const char *const *)at);
    }
    return -1;
}

int
fl_recipe_to_meta(const struct fl_recipe *r, struct fl_meta *meta)
{
    char key[40];

    for (const struct setting *s = settings; s < settings + COUNT; s++) {
        snprintf(key, sizeof key, "recipe.%s", s->key);
        if (is_set(s, r) && set(s, r, key, meta))
            return -1;
    }
    return 0;
}

static int
get(const struct setting *s, const struct fl_meta *meta, const char *key, struct fl_recipe *r)
{
    const char *text;
    double number;
    int64_t one;

    switch (s->type) {
    case I64: return fl_meta_get_i64(meta, key, (int64_t)s->min, (int64_t)s->max, place(s, r));
    case FLAG: *(bool *)place(s, r) = true; return fl_meta_get_i64(meta, key, 1, 1, &one);
    case F64:
        if (fl_meta_get_f64(meta, key, &number))
            return -1;
        if (!(number >= s->min && number <= s->max))
            return fl_error(FL_USAGE, "%s: %g is not from %g to %g", key, number, s->min, s->max);
        *(double *)place(s, r) = number;
        return 0;
    case CHOICE:
        if (fl_meta_get_text(meta, key, &text))
            return -1;
        if (fl_choice_check(s->choices, text))
            return fl_error_about(key);
        *(const char **)place(s, r) = s->words[fl_choice_find(s->choices, text)];
        return 0;
    }
    return -1;
}

int
fl_recipe_from_meta(struct fl_recipe *r, const struct fl_meta *meta, size_t *count)
{
    char key[40];

    *r = (struct fl_recipe)FL_RECIPE_UNSET;
    *count = 0;
    for (const struct setting *s = settings; s < settings + COUNT; s++) {
        snprintf(key, sizeof key, "recipe.%s", s->key);
        if (!fl_meta_find(meta, key))
            continue;
        if (get(s, meta, key, r))
            return -1;
        ++*count;
    }
    return 0;
}

/* "steps 200" into TEXT. */
static int
put_words(const struct setting *s, const struct fl_recipe *r, char *text, size_t size)
{
    const char *at = (const char *)r + s->at;

    switch (s->type) {
    case I64: return snprintf(text, size, "%s %lld", s->key, (long long)*(const int64_t *)at);
    case F64: return snprintf(text, size, "%s %g", s->key, *(const double *)at);
    case FLAG: return snprintf(text, size, "%s", s->key);
    case CHOICE: return snprintf(text, size, "%s %s", s->key, *(const char *const *)at);
    }
    return 0;
}

const char *
fl_recipe_words(const struct fl_recipe *r, char text[FL_RECIPE_WORDS])
{
    size_t n = 0;

    *text = 0;
    for (const struct setting *s = settings; s < settings + COUNT && n < FL_RECIPE_WORDS; s++) {
        if (!is_set(s, r))
            continue;
        if (n)
            n += (size_t)snprintf(text + n, FL_RECIPE_WORDS - n, ", ");
        n += (size_t)put_words(s, r, text + n, FL_RECIPE_WORDS - n);
    }
    return text;
}
