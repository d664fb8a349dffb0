/*
 * Steps are nested calls: each cuts its stretch and hands the pieces to the next [run_step], the
 * last to the caller, so that no list of pieces is made. GPT-2's expression is matched by hand
 * within ASCII [fl_pretokenizer_gpt2_word]; where other characters decide, the expression itself is
 * asked.
 */
#include "text/pretokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/spec.h"
#include "text/unicode.h"

static struct fl_pretokenizer_step *
add_step(struct fl_pretokenizer *p, enum fl_pretokenizer_type type)
{
    struct fl_pretokenizer_step *steps = fl_grow(p->steps, p->count, &p->cap, sizeof *steps);

    if (!steps)
        return NULL;
    p->steps = steps;
    steps[p->count] = (struct fl_pretokenizer_step){.type = type};
    return &steps[p->count++];
}

static int
read_split(struct fl_pretokenizer *p, const json_t *spec)
{
    const char *what = "pre_tokenizer Split", *pattern, *behavior;
    const json_t *o = json_object_get(spec, "pattern");

    if (fl_spec_only(spec, what, "|type|pattern|behavior|invert|") ||
        fl_spec_only(o, "pre_tokenizer Split: pattern", "|Regex|") ||
        fl_spec_text(o, what, "Regex", &pattern) ||
        fl_spec_text(spec, what, "behavior", &behavior) || fl_spec_unused(spec, what, "invert"))
        return -1;
    if (strcmp(behavior, "Isolated"))
        return fl_error(FL_FAILED, "%s: behavior \"%.60s\" is not supported", what, behavior);
    struct fl_pretokenizer_step *step = add_step(p, FL_PRETOKENIZER_SPLIT);
    if (!step || !(step->regex = fl_regex_new(pattern)))
        return -1;
    return 0;
}

static int
read_byte_level(struct fl_pretokenizer *p, const json_t *spec)
{
    const char *what = "pre_tokenizer ByteLevel";
    struct fl_pretokenizer_step *step;
    bool prefix, regex, offsets;

    if (fl_spec_only(spec, what, "|type|add_prefix_space|trim_offsets|use_regex|") ||
        fl_spec_bool(spec, what, "add_prefix_space", true, &prefix) ||
        fl_spec_bool(spec, what, "trim_offsets", true, &offsets) ||
        fl_spec_bool(spec, what, "use_regex", true, &regex))
        return -1;
    step = add_step(p, FL_PRETOKENIZER_BYTE_LEVEL);
    if (!step)
        return -1;
    step->prefix_space = prefix;
    if (regex && !(step->regex = fl_regex_new(FL_REGEX_GPT2)))
        return -1;
    return 0;
}

static int
read_metaspace(struct fl_pretokenizer *p, const json_t *spec)
{
    const char *what = "pre_tokenizer Metaspace", *mark, *scheme = "always";
    struct fl_pretokenizer_step *step;
    bool split, prefix;

    if (fl_spec_only(spec, what, "|type|replacement|prepend_scheme|split|add_prefix_space|") ||
        fl_spec_text(spec, what, "replacement", &mark) ||
        fl_spec_bool(spec, what, "split", true, &split) ||
        fl_spec_bool(spec, what, "add_prefix_space", true, &prefix))
        return -1;
    if (json_object_get(spec, "prepend_scheme") &&
        fl_spec_text(spec, what, "prepend_scheme", &scheme))
        return -1;
    if (!prefix && json_object_get(spec, "prepend_scheme") && strcmp(scheme, "never"))
        return fl_error(FL_FAILED, "%s: \"add_prefix_space\" and \"prepend_scheme\" disagree",
                        what);
    if (!prefix)
        scheme = "never";
    if (!*mark)
        return fl_error(FL_FAILED, "%s: an empty replacement is not supported", what);
    step = add_step(p, FL_PRETOKENIZER_METASPACE);
    if (!step || !(step->mark = fl_strdup(mark)))
        return -1;
    step->split = split;
    if (!strcmp(scheme, "always"))
        step->prepend = FL_PREPEND_ALWAYS;
    else if (!strcmp(scheme, "first"))
        step->prepend = FL_PREPEND_FIRST;
    else if (strcmp(scheme, "never"))
        return fl_error(FL_FAILED, "%s: prepend_scheme \"%.60s\" is not supported", what, scheme);
    return 0;
}

static int
read_digits(struct fl_pretokenizer *p, const json_t *spec)
{
    const char *what = "pre_tokenizer Digits";
    bool individual;

    if (fl_spec_only(spec, what, "|type|individual_digits|") ||
        fl_spec_bool(spec, what, "individual_digits", false, &individual))
        return -1;
    struct fl_pretokenizer_step *step = add_step(p, FL_PRETOKENIZER_DIGITS);
    if (!step)
        return -1;
    step->individual = individual;
    return 0;
}

static int
read_step(struct fl_pretokenizer *p, const json_t *spec, int depth)
{
    const char *type = fl_spec_type(spec);
    const json_t *list, *item;
    size_t i;

    if (p->count && p->steps[p->count - 1].type >= FL_PRETOKENIZER_BYTE_LEVEL)
        return fl_error(FL_FAILED,
                        "pre_tokenizer \"%.60s\" after ByteLevel or Metaspace is not supported",
                        type);
    if (!strcmp(type, "Split"))
        return read_split(p, spec);
    if (!strcmp(type, "ByteLevel"))
        return read_byte_level(p, spec);
    if (!strcmp(type, "Metaspace"))
        return read_metaspace(p, spec);
    if (!strcmp(type, "Digits"))
        return read_digits(p, spec);
    if (strcmp(type, "Sequence") || depth)
        return fl_error(FL_FAILED, "pre_tokenizer \"%.60s\" is not supported", type);
    list = json_object_get(spec, "pretokenizers");
    if (fl_spec_only(spec, "pre_tokenizer Sequence", "|type|pretokenizers|"))
        return -1;
    if (!json_is_array(list))
        return fl_error(FL_FAILED, "pre_tokenizer Sequence: \"pretokenizers\" is not a list");
    json_array_foreach(list, i, item)
    {
        if (read_step(p, item, depth + 1))
            return -1;
    }
    return 0;
}

int
fl_pretokenizer_read(struct fl_pretokenizer *p, const json_t *spec)
{
    if (!spec || json_is_null(spec))
        return 0;
    if (read_step(p, spec, 0)) {
        fl_pretokenizer_release(p);
        return -1;
    }
    return 0;
}

int
fl_pretokenizer_init_gpt2(struct fl_pretokenizer *p)
{
    struct fl_pretokenizer_step *step = add_step(p, FL_PRETOKENIZER_BYTE_LEVEL);

    if (step && (step->regex = fl_regex_new(FL_REGEX_GPT2)))
        return 0;
    fl_pretokenizer_release(p);
    return -1;
}

void
fl_pretokenizer_release(struct fl_pretokenizer *p)
{
    for (size_t i = 0; i < p->count; i++) {
        fl_regex_free(p->steps[i].regex);
        free(p->steps[i].mark);
    }
    free(p->steps);
    *p = (struct fl_pretokenizer){0};
}

bool
fl_pretokenizer_is_byte_level(const struct fl_pretokenizer *p)
{
    return p->count && p->steps[p->count - 1].type == FL_PRETOKENIZER_BYTE_LEVEL;
}

int
fl_pretokenizer_scratch_init(struct fl_pretokenizer_scratch *s, const struct fl_pretokenizer *p)
{
    *s = (struct fl_pretokenizer_scratch){.count = p->count};
    s->searches = fl_alloc(p->count, sizeof *s->searches);
    s->bufs = fl_alloc(p->count, sizeof *s->bufs);
    bool made = s->searches && s->bufs;
    for (size_t i = 0; made && i < p->count; i++)
        made = !p->steps[i].regex || (s->searches[i] = fl_regex_search_new());
    if (!made)
        fl_pretokenizer_scratch_release(s);
    return made ? 0 : -1;
}

void
fl_pretokenizer_scratch_release(struct fl_pretokenizer_scratch *s)
{
    for (size_t i = 0; s->searches && i < s->count; i++)
        fl_regex_search_free(s->searches[i]);
    for (size_t i = 0; s->bufs && i < s->count; i++)
        fl_buf_release(&s->bufs[i]);
    free(s->searches);
    free(s->bufs);
    *s = (struct fl_pretokenizer_scratch){0};
}

/* What a run carries from step to step. */
struct run {
    const struct fl_pretokenizer *p;
    struct fl_pretokenizer_scratch *s;
    fl_word_fn *word;
    void *arg;
};

static int run_step(struct run *r, size_t step, const char *text, size_t len, bool first);

enum ascii { OTHER, LETTER, DIGIT, SPACE, BEYOND };

static inline enum ascii
ascii_class(unsigned char c)
{
    if ((unsigned char)((c | 32) - 'a') < 26)
        return LETTER;
    if ((unsigned char)(c - '0') < 10)
        return DIGIT;
    if (c == ' ' || (unsigned char)(c - 9) < 5)
        return SPACE;
    return c < 0x80 ? OTHER : BEYOND;
}

size_t
fl_pretokenizer_gpt2_word(const char *text, size_t len, size_t at)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t i = at;

    if (p[i] == '\'' && i + 1 < len) {
        if (strchr("stmd", p[i + 1]) && p[i + 1])
            return i + 2;
        if (i + 2 < len &&
            ((p[i + 1] == 'r' && p[i + 2] == 'e') || (p[i + 1] == 'v' && p[i + 2] == 'e') ||
             (p[i + 1] == 'l' && p[i + 2] == 'l')))
            return i + 3;
    }
    if (p[i] == ' ' && i + 1 < len && ascii_class(p[i + 1]) != SPACE)
        i++;
    enum ascii kind = ascii_class(p[i]);
    if (kind == BEYOND)
        return 0;
    size_t run = i;
    while (i < len && ascii_class(p[i]) == kind)
        i++;
    if (i < len && p[i] >= 0x80)
        return 0;
    if (kind == SPACE && i < len && i - run > 1)
        i--; /* the last space belongs to what follows */
    return i;
}

static int
run_regex(struct run *r, size_t step, const char *text, size_t len, bool first)
{
    const struct fl_pretokenizer_step *me = &r->p->steps[step];
    struct fl_regex_search *search = r->s->searches[step];
    bool gpt2 = me->type == FL_PRETOKENIZER_BYTE_LEVEL;
    size_t at = 0, start, end;

    fl_regex_search_start(search, me->regex, text, len);
    while (at < len) {
        start = at;
        end = gpt2 ? fl_pretokenizer_gpt2_word(text, len, at) : 0;
        if (!end) {
            int got = fl_regex_find(search, at, &start, &end);
            if (got < 0)
                return -1;
            if (!got)
                start = end = len;
        }
        if (start > at && run_step(r, step + 1, text + at, start - at, first && !at))
            return -1;
        if (end > start && run_step(r, step + 1, text + start, end - start, first && !start))
            return -1;
        at = end;
    }
    return 0;
}

static int
run_byte_level(struct run *r, size_t step, const char *text, size_t len, bool first)
{
    const struct fl_pretokenizer_step *me = &r->p->steps[step];
    struct fl_buf *buf = &r->s->bufs[step];

    if (me->prefix_space && text[0] != ' ') {
        fl_buf_clear(buf);
        if (fl_buf_add_byte(buf, ' ') || fl_buf_add(buf, text, len))
            return -1;
        text = (const char *)buf->data;
        len = buf->len;
    }
    return me->regex ? run_regex(r, step, text, len, first)
                     : run_step(r, step + 1, text, len, first);
}

static int
run_digits(struct run *r, size_t step, const char *text, size_t len, bool first)
{
    const unsigned char *p = (const unsigned char *)text;
    bool individual = r->p->steps[step].individual, was = false;
    size_t start = 0, size;

    for (size_t i = 0; i < len; i += size) {
        bool is = fl_unicode_is_number(fl_unicode_point(p + i, &size));
        if (i > start && (is != was || (is && individual))) {
            if (run_step(r, step + 1, text + start, i - start, first && !start))
                return -1;
            start = i;
        }
        was = is;
    }
    return run_step(r, step + 1, text + start, len - start, first && !start);
}

static int
run_metaspace(struct run *r, size_t step, const char *text, size_t len, bool first)
{
    const struct fl_pretokenizer_step *me = &r->p->steps[step];
    struct fl_buf *buf = &r->s->bufs[step];
    size_t mark = strlen(me->mark), start = 0, done = 0;

    fl_buf_clear(buf);
    if ((me->prepend == FL_PREPEND_ALWAYS || (me->prepend == FL_PREPEND_FIRST && first)) &&
        text[0] != ' ' && (len < mark || memcmp(text, me->mark, mark)) &&
        fl_buf_add_text(buf, me->mark))
        return -1;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != ' ')
            continue;
        if (fl_buf_add(buf, text + done, i - done) || (i < len && fl_buf_add_text(buf, me->mark)))
            return -1;
        done = i + 1;
    }
    text = (const char *)buf->data;
    len = buf->len;
    for (size_t i = 1; me->split && i + mark <= len; i++) {
        if (memcmp(text + i, me->mark, mark))
            continue;
        if (run_step(r, step + 1, text + start, i - start, first && !start))
            return -1;
        start = i;
        i += mark - 1;
    }
    return run_step(r, step + 1, text + start, len - start, first && !start);
}

static int
run_step(struct run *r, size_t step, const char *text, size_t len, bool first)
{
    if (step == r->p->count)
        return r->word(r->arg, (const unsigned char *)text, len);
    switch (r->p->steps[step].type) {
    case FL_PRETOKENIZER_SPLIT: return run_regex(r, step, text, len, first);
    case FL_PRETOKENIZER_DIGITS: return run_digits(r, step, text, len, first);
    case FL_PRETOKENIZER_BYTE_LEVEL: return run_byte_level(r, step, text, len, first);
    case FL_PRETOKENIZER_METASPACE: return run_metaspace(r, step, text, len, first);
    }
    return 0;
}

int
fl_pretokenizer_run(const struct fl_pretokenizer *p, struct fl_pretokenizer_scratch *s,
                    const char *text, size_t len, bool first, fl_word_fn *word, void *arg)
{
    struct run r = {p, s, word, arg};

    return len ? run_step(&r, 0, text, len, first) : 0;
}
