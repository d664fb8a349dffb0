/*
 * Everything that can be wrong with a line is found when it is read, tokens included. Lines are
 * answered one by one, each with all threads.
 */
#include "nn/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "data/jsonl.h"

void
fl_prompts_release(struct fl_prompts *p)
{
    for (size_t i = 0; i < p->count; i++) {
        fl_ids_release(&p->items[i].ids);
        fl_stop_strings_release(&p->items[i].stops);
    }
    free(p->items);
    fl_json_rows_release(&p->rows);
    *p = (struct fl_prompts){.items = NULL};
}

static int
read_stops(struct fl_prompt *p, const json_t *o)
{
    const json_t *stop = json_object_get(o, "stop");
    size_t n = json_is_array(stop) ? json_array_size(stop) : 1;
    struct fl_json_text text;

    if (!stop || json_is_null(stop))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (json_is_array(stop) ? fl_json_item(stop, "stop", i, &text)
                                : fl_json_text(o, "stop", &text))
            return -1;
        if (fl_stop_strings_add(&p->stops, text.data, text.len))
            return fl_error_as(FL_FAILED);
    }
    p->how.stops = p->stops;
    return 0;
}

static int
read_sampling(struct fl_generation *how, const json_t *o)
{
    struct fl_sampling *s = &how->how;
    int64_t seed = (int64_t)how->seed;

    if (fl_json_whole(o, "seed", 0, INT64_MAX, &seed) ||
        fl_json_number(o, "temperature", 0, FL_TEMPERATURE_MAX, &s->temperature) ||
        fl_json_whole(o, "top_k", 0, INT64_MAX, &s->top_k) ||
        fl_json_number(o, "top_p", 0, 1, &s->top_p) ||
        fl_json_number(o, "min_p", 0, 1, &s->min_p) ||
        fl_json_number(o, "repetition_penalty", FL_PENALTY_MIN, FL_PENALTY_MAX,
                       &s->repetition_penalty))
        return -1;
    how->seed = (uint64_t)seed;
    return 0;
}

static int
read_prompt(struct fl_prompt *p, const json_t *o, const struct fl_tokenizer *t, bool answers)
{
    struct fl_json_text text;
    int64_t tokens = (int64_t)p->how.tokens;

    p->id = json_object_get(o, "id");
    if (json_is_null(p->id))
        p->id = NULL;
    if (p->id && !json_is_string(p->id) && !json_is_integer(p->id))
        return fl_error(FL_FAILED, "its field \"id\" is neither a string nor a whole number");
    if (fl_json_text(o, "prompt", &text) || (answers && fl_json_text(o, "answer", &p->answer)) ||
        read_stops(p, o) || fl_json_whole(o, "tokens", 0, FL_TOKENS_MAX, &tokens) ||
        (!answers && read_sampling(&p->how, o)))
        return -1;
    p->how.tokens = (size_t)tokens;
    return fl_prompt_encode(t, text.data, text.len, &p->ids) ? fl_error_as(FL_FAILED) : 0;
}

int
fl_prompts_read(struct fl_prompts *p, const char *path, const struct fl_tokenizer *t,
                const struct fl_generation *usual, bool answers)
{
    if (fl_json_rows_read(&p->rows, path))
        return -1;
    p->items = fl_alloc(p->rows.count, sizeof *p->items);
    if (!p->items)
        return -1;
    for (size_t i = 0; i < p->rows.count; i++) {
        p->count++;
        p->items[i].how = *usual;
        if (read_prompt(&p->items[i], p->rows.rows[i].object, t, answers))
            return fl_json_rows_fail(&p->rows, i);
    }
    return 0;
}

static int
collect(void *arg, const void *data, size_t len)
{
    return fl_buf_add(arg, data, len);
}

int
fl_prompts_generate(const struct fl_prompts *p, size_t i, struct fl_generator *g,
                    struct fl_buf *text, struct fl_generated *done)
{
    struct fl_generation how = p->items[i].how;

    fl_buf_clear(text);
    how.text = collect;
    how.arg = text;
    return fl_generate(g, &how, p->items[i].ids.data, p->items[i].ids.len, done)
               ? fl_json_rows_fail(&p->rows, i)
               : 0;
}

static int
add_id(struct fl_buf *out, const json_t *id)
{
    if (!id)
        return fl_buf_add_text(out, "null");
    if (json_is_integer(id))
        return fl_buf_printf(out, "%lld", (long long)json_integer_value(id));
    return fl_jsonl_quote(out, json_string_value(id), json_string_length(id));
}

int
fl_prompts_write(struct fl_buf *out, const struct fl_prompt *prompt, const struct fl_buf *text,
                 const struct fl_generated *done)
{
    const struct fl_stop_string *stop = done->end == FL_GENERATED_STOP
                                            ? &prompt->how.stops.items[done->stop]
                                            : NULL;

    if (fl_buf_add_text(out, "{\"id\": ") || add_id(out, prompt->id) ||
        fl_buf_add_text(out, ", \"text\": ") || fl_jsonl_quote(out, fl_buf_text(text), text->len) ||
        fl_buf_printf(out,
                      ", \"finish_reason\": \"%s\", \"stop\": ", fl_generated_reason(done->end)) ||
        (stop ? fl_jsonl_quote(out, stop->text, stop->len) : fl_buf_add_text(out, "null")))
        return -1;
    return fl_buf_printf(
        out, ", \"prompt_tokens\": %zu, \"dropped_tokens\": %zu, \"new_tokens\": %zu}\n",
        prompt->ids.len, done->dropped, done->tokens);
}

/* TEXT without white space at its ends. */
static struct fl_json_text
trimmed(struct fl_json_text text)
{
    static const char space[] = " \t\n\v\f\r";

    while (text.len && memchr(space, text.data[text.len - 1], sizeof space - 1))
        text.len--;
    while (text.len && memchr(space, text.data[0], sizeof space - 1)) {
        text.data++;
        text.len--;
    }
    return text;
}

bool
fl_prompts_match(const struct fl_prompt *prompt, const struct fl_buf *text)
{
    struct fl_json_text want = trimmed(prompt->answer);
    struct fl_json_text got = trimmed((struct fl_json_text){fl_buf_text(text), text->len});

    return got.len == want.len && !memcmp(got.data, want.data, got.len);
}
