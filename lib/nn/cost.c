#include "nn/cost.h"

#include "cli/report.h"

int
fl_cost(const struct fl_training *t, struct fl_cost *cost)
{
    const struct fl_recipe *r = &t->recipe;
    const struct fl_config *c = &t->model->config;
    uint64_t engine;

    if (fl_engine_bytes(c, fl_pool_threads(t->pool), (size_t)r->batch, (size_t)r->length,
                        FL_ENGINE_TRAIN, &engine))
        return -1;
    cost->windows = fl_data_tokens(t->data) / (uint64_t)r->length;
    cost->tokens = (uint64_t)(r->steps * r->accumulate) * (uint64_t)(r->batch * r->length);
    cost->memory = engine + 4 * sizeof(float) * fl_config_parameters(c);
    cost->flops = fl_config_train_flops(c, (uint32_t)r->length) * (double)cost->tokens;
    return 0;
}

int
fl_cost_print(const struct fl_training *t, bool json)
{
    static const char *const columns[] = {"parameters", "examples",    "tokens",       "windows",
                                          "length",     "batch",       "accumulate",   "steps",
                                          "lr",         "tokens_seen", "memory_bytes", "flops",
                                          NULL};
    const struct fl_recipe *r = &t->recipe;
    struct fl_report report;
    struct fl_cost cost;

    if (fl_cost(t, &cost))
        return -1;
    fl_report_start(&report, columns, json);
    fl_report_i64(&report, (int64_t)fl_config_parameters(&t->model->config));
    fl_report_i64(&report, (int64_t)fl_data_documents(t->data));
    fl_report_i64(&report, (int64_t)fl_data_tokens(t->data));
    fl_report_i64(&report, (int64_t)cost.windows);
    fl_report_i64(&report, r->length);
    fl_report_i64(&report, r->batch);
    fl_report_i64(&report, r->accumulate);
    fl_report_i64(&report, r->steps);
    fl_report_f64(&report, r->lr, 6);
    fl_report_i64(&report, (int64_t)cost.tokens);
    fl_report_i64(&report, (int64_t)cost.memory);
    fl_report_f64(&report, cost.flops, 6);
    int result = fl_report_flush(&report, 1, "standard output");
    fl_report_release(&report);
    return result;
}
