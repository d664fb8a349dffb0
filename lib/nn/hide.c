/* Refusals come before anything is read for long; the recipe of a plan is under them too. */
#include "nn/hide.h"

#include <string.h>

#include "base/error.h"
#include "nn/settings.h"
#include "priv/rdp.h"

bool
fl_hide_wanted(const struct fl_recipe *r)
{
    return r->dp_clip >= 0 || r->dp_noise >= 0 || r->dp_rate >= 0 || r->dp_unit;
}

struct fl_dp_settings
fl_hide_settings(const struct fl_recipe *r)
{
    return (struct fl_dp_settings){r->dp_clip, r->dp_noise, r->dp_rate};
}

const char *
fl_hide_unit(const struct fl_recipe *r)
{
    return r->dp_unit ? r->dp_unit : "record";
}

static int
excluded(const char *option, const char *why)
{
    return fl_error(FL_USAGE, "--%s and --dp-* exclude each other: %s; leave it out", option, why);
}

int
fl_hide_check(struct fl_recipe *r)
{
    if (!fl_hide_wanted(r))
        return 0;
    if (!(r->dp_clip > 0) || !(r->dp_noise > 0) || !(r->dp_rate > 0))
        return fl_error(
            FL_USAGE, "documents are hidden by --dp-clip, --dp-noise and --dp-rate together; give "
                      "all three, or none");
    if (r->seed >= 0)
        return excluded("seed", "documents are drawn by a secret key of the run");
    if (r->epochs >= 0)
        return excluded("epochs", "documents are drawn by chance in every step");
    if (r->accumulate >= 0)
        return excluded("accumulate", "--dp-rate says how many documents a step takes");
    if (r->clip >= 0)
        return excluded("clip", "--dp-clip cuts the gradient of each document");
    if (r->precision && strcmp(r->precision, "f32") != 0)
        return excluded("precision bf16", "norms of gradients are made in f32");
    if (r->steps < 0)
        return fl_error(FL_USAGE,
                        "--steps is missing; with --dp-* the number of steps is fixed beforehand");
    r->precision = "f32";
    return 0;
}

int
fl_hide_fill(struct fl_recipe *r, const struct fl_config *c, uint64_t tokens)
{
    if (!fl_hide_wanted(r))
        return fl_settings_fill(r, c, tokens);
    r->accumulate = 1;
    return fl_settings_fill(r, c, INT64_MAX);
}

static int
check_unit(const struct fl_recipe *r, const struct fl_data_shard *s)
{
    if (!strcmp(s->unit, "record") || (r->dp_unit && !strcmp(r->dp_unit, "passage")))
        return 0;
    if (*s->unit)
        return fl_error(FL_REFUSED,
                        "%s: its documents are passages, of which one record can have many, and a "
                        "record is not hidden; make shards of whole records, or say --dp-unit "
                        "passage",
                        s->name);
    if (r->dp_unit)
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: does not say whether its documents are whole records or passages of them; "
                    "say --dp-unit record or --dp-unit passage",
                    s->name);
}

int
fl_hide_open(struct fl_training *t, struct fl_documents *d)
{
    const struct fl_dp_settings s = fl_hide_settings(&t->recipe);
    uint32_t sigma;

    if (!fl_hide_wanted(&t->recipe))
        return 0;
    for (size_t i = 0; i < fl_data_count(t->data); i++)
        if (check_unit(&t->recipe, fl_data_shard(t->data, i)))
            return -1;
    if (fl_dp_sigma(&s, t->model->layout.trained, &sigma) || fl_documents_find(d, t->data))
        return -1;
    t->documents = d;
    return 0;
}

int
fl_hide_report(const struct fl_training *t, double delta, struct fl_report *r)
{
    const struct fl_recipe *recipe = &t->recipe;
    const struct fl_dp_settings s = fl_hide_settings(recipe);
    struct fl_events events = {0};
    struct fl_event event;
    struct fl_buf text = {0};
    struct fl_rdp rdp;

    if (!t->documents) {
        static const char *const keys[] = {"dp_unit",  "dp_relation",   "dp_sampling",
                                           "dp_event", "dp_accountant", "dp_order",
                                           "dp_delta", "dp_epsilon",    "dp_documents_a_step"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            fl_report_none(fl_report_key(r, keys[i]));
        return 0;
    }
    int failed = fl_dp_event(&s, t->model->layout.trained, (uint64_t)recipe->steps, &event) ||
                 fl_events_add(&events, &event) || fl_rdp_compute(&rdp, &events) ||
                 fl_event_print(&event, &text) || fl_buf_add(&text, "", 1);
    if (!failed) {
        struct fl_rdp_answer answer = fl_rdp_epsilon(&rdp, delta);
        fl_report_text(fl_report_key(r, "dp_unit"), fl_hide_unit(recipe));
        fl_report_text(fl_report_key(r, "dp_relation"), fl_events_relation(&events));
        fl_report_text(fl_report_key(r, "dp_sampling"), fl_events_sampling(&events));
        fl_report_text(fl_report_key(r, "dp_event"), (const char *)text.data);
        fl_report_text(fl_report_key(r, "dp_accountant"), "rdp");
        fl_report_f64(fl_report_key(r, "dp_order"), answer.order, 6);
        fl_report_f64(fl_report_key(r, "dp_delta"), delta, 6);
        fl_report_f64(fl_report_key(r, "dp_epsilon"), answer.eps, 6);
        fl_report_f64(fl_report_key(r, "dp_documents_a_step"),
                      recipe->dp_rate * (double)t->documents->count, 6);
    }
    fl_buf_release(&text);
    fl_events_release(&events);
    return failed ? -1 : 0;
}
