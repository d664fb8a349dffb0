/*
 * A training recipe: the settings of one local training, from a YAML file, from options, or both.
 * A number below zero has not been set; fl_settings_fill (nn/settings.h) sets what is left.
 */
#ifndef FL_CONF_RECIPE_H
#define FL_CONF_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "cli/option.h"

struct fl_recipe {
    int64_t steps, epochs; /* at most one of them is set */
    int64_t batch;         /* windows that go through the model at a time */
    int64_t accumulate;    /* batches whose gradients one step takes together */
    int64_t length;        /* tokens of a window */
    int64_t warmup;        /* steps in which the rate rises from 0 */
    int64_t seed;
    double lr, min_lr; /* highest and last rate */
    double weight_decay;
    double beta1, beta2;
    double clip;           /* largest norm of the gradient; 0: not clipped */
    const char *schedule;  /* of FL_SCHEDULE_CHOICES, which lives as long as the program; or NULL */
    int64_t decay;         /* of schedule wsd: last steps, in which the rate falls */
    bool document_mask;    /* a token sees only its own document */
    const char *precision; /* of FL_PRECISION_CHOICES, as long; or NULL */
    double dp_clip;        /* longest gradient of a document; all three, or none: noise is added */
    double dp_noise;       /* of it, what the noise's standard deviation is */
    double dp_rate;        /* chance of a document to come into a step */
    const char *dp_unit;   /* of FL_UNIT_CHOICES: what a document may be; or NULL */
};

#define FL_SCHEDULE_CHOICES  "cosine|wsd"
#define FL_PRECISION_CHOICES "f32|bf16"
#define FL_UNIT_CHOICES      "record|passage"

#define FL_RECIPE_UNSET                                                                            \
    {                                                                                              \
        .steps = -1, .epochs = -1, .batch = -1, .accumulate = -1, .length = -1, .warmup = -1,      \
        .seed = -1, .lr = -1, .min_lr = -1, .weight_decay = -1, .beta1 = -1, .beta2 = -1,          \
        .clip = -1, .decay = -1, .dp_clip = -1, .dp_noise = -1, .dp_rate = -1                      \
    }

/* Rows of a table of options (cli/option.h) for all of it. */
#define FL_RECIPE_OPTIONS(r)                                                                       \
    FL_OPT_I64(0, "steps", "N", 0, 1e15, "steps of the optimizer", &(r).steps),                    \
        FL_OPT_I64(0, "epochs", "N", 0, 1e9,                                                       \
                   "passes over the shards, instead of --steps (default 1)", &(r).epochs),         \
        FL_OPT_I64('b', "batch", "N", 1, 1e6, "windows at a time (default: by the model's size)",  \
                   &(r).batch),                                                                    \
        FL_OPT_I64(0, "accumulate", "N", 1, 1e6, "batches that one step takes together",           \
                   &(r).accumulate),                                                               \
        FL_OPT_I64('l', "length", "TOKENS", 1, 1e6,                                                \
                   "length of a window (default: the model's context)", &(r).length),              \
        FL_OPT_FLAG(0, "document-mask", "a token sees only what is before it in its own document", \
                    &(r).document_mask),                                                           \
        FL_OPT_F64(0, "lr", "X", 0, 1e38, "highest learning rate (default: by the model's size)",  \
                   &(r).lr),                                                                       \
        FL_OPT_F64(0, "min-lr", "X", 0, 1e38, "rate of the last step (default: a tenth of --lr)",  \
                   &(r).min_lr),                                                                   \
        FL_OPT_I64(0, "warmup", "N", 0, 1e15,                                                      \
                   "steps in which the rate rises (default: a tenth, at most 100)", &(r).warmup),  \
        FL_OPT_CHOICE(0, "schedule", "KIND", FL_SCHEDULE_CHOICES,                                  \
                      "how the rate falls: cosine, or wsd, at the end (default cosine)",           \
                      &(r).schedule),                                                              \
        FL_OPT_I64(0, "decay", "N", 0, 1e15,                                                       \
                   "with wsd: last steps, in which it falls (default: a tenth)", &(r).decay),      \
        FL_OPT_CHOICE(0, "precision", "KIND", FL_PRECISION_CHOICES,                                \
                      "of products: f32, or bf16 with sums in f32 (default f32)", &(r).precision), \
        FL_OPT_F64(0, "weight-decay", "X", 0, 1e3, "of matrices (default 0.1)",                    \
                   &(r).weight_decay),                                                             \
        FL_OPT_F64(0, "beta1", "X", 0, 0.999999, "AdamW's memory of gradients (default 0.9)",      \
                   &(r).beta1),                                                                    \
        FL_OPT_F64(0, "beta2", "X", 0, 0.999999999, "and of their squares (default 0.95)",         \
                   &(r).beta2),                                                                    \
        FL_OPT_F64(0, "clip", "X", 0, 1e9, "largest norm of a gradient, 0: any (default 1)",       \
                   &(r).clip),                                                                     \
        FL_OPT_F64(0, "dp-clip", "C", 1e-9, 1e9,                                                   \
                   "hide documents: largest norm of the gradient of one", &(r).dp_clip),           \
        FL_OPT_F64(0, "dp-noise", "Z", 1e-6, 127, "with noise of Z times C in every step",         \
                   &(r).dp_noise),                                                                 \
        FL_OPT_F64(0, "dp-rate", "Q", 1e-12, 1, "and each document in a step by this chance",      \
                   &(r).dp_rate),                                                                  \
        FL_OPT_CHOICE(0, "dp-unit", "UNIT", FL_UNIT_CHOICES,                                       \
                      "what is hidden: a record (default), or only a passage of one",              \
                      &(r).dp_unit)

struct fl_meta;
struct fl_yaml;

/*
 * Set from PATH ("-": standard input) what is not set in R: keys steps epochs batch accumulate
 * length warmup seed lr min_lr weight_decay beta1 beta2 clip schedule decay precision
 * document_mask dp_clip dp_noise dp_rate dp_unit. -1 with the file's line when it is wrong.
 */
FL_MUST int fl_recipe_read(const char *path, struct fl_recipe *r);

/* The same keys of a mapping inside of another file NAME, into a recipe of which nothing is set. */
FL_MUST int fl_recipe_from_yaml(const char *name, const struct fl_yaml *map, struct fl_recipe *r);

/* Set in R what is not set there and is in FROM. */
void fl_recipe_take(struct fl_recipe *r, const struct fl_recipe *from);

/*
 * What is set, as items "recipe.KEY" of META (i64, f64 or text), and back: *COUNT of them, whose
 * types and ranges were checked; -1 names the item.
 */
FL_MUST int fl_recipe_to_meta(const struct fl_recipe *r, struct fl_meta *meta);
FL_MUST int fl_recipe_from_meta(struct fl_recipe *r, const struct fl_meta *meta, size_t *count);

/* "steps 200, length 256, lr 0.001": what is set, for people; "" when nothing is. Returns TEXT. */
enum { FL_RECIPE_WORDS = 600 };
const char *fl_recipe_words(const struct fl_recipe *r, char text[FL_RECIPE_WORDS]);

#endif
