/*
 * tokenizer.json to struct fl_tokenizer. Source: Hugging Face tokenizers 0.21,
 * tokenizer/serialization.rs and models/bpe/serialization.rs.
 */
#include "text/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/alphabet.h"
#include "text/spec.h"

enum { ADDED_MAX = 65536 };

static int
read_vocab(struct fl_tokenizer *t, const json_t *vocab)
{
    json_t *item;
    const char *name;

    if (!json_is_object(vocab) || !json_object_size(vocab))
        return fl_error(FL_FAILED, "model: \"vocab\" is missing or empty");
    json_object_foreach((json_t *)vocab, name, item)
    {
        if (!json_is_integer(item) || json_integer_value(item) < 0)
            return fl_error(FL_FAILED, "model: the id of \"%.60s\" is not a whole number", name);
        if (fl_vocab_add(&t->names, name, strlen(name), (uint64_t)json_integer_value(item),
                         FL_VOCAB_MAX))
            return -1;
    }
    return 0;
}

static int
read_added_token(struct fl_tokenizer *t, const json_t *item)
{
    const char *what = "added_tokens", *text;
    struct fl_added_token token = {0};
    bool normalized;
    long long id;

    if (fl_spec_only(item, what, "|id|content|single_word|lstrip|rstrip|normalized|special|") ||
        fl_spec_count(item, what, "id", FL_VOCAB_MAX - 1, &id) ||
        fl_spec_text(item, what, "content", &text) ||
        fl_spec_bool(item, what, "single_word", false, &token.single_word) ||
        fl_spec_bool(item, what, "lstrip", false, &token.left) ||
        fl_spec_bool(item, what, "rstrip", false, &token.right) ||
        fl_spec_bool(item, what, "special", false, &token.special) ||
        fl_spec_bool(item, what, "normalized", !token.special, &normalized))
        return -1;
    size_t len = strlen(text);
    if (!len)
        return fl_error(FL_FAILED, "added_tokens: a token without text is not supported");
    token.id = (uint32_t)id;
    token.outside = fl_vocab_find(&t->names, text, len) != id;
    if (token.outside && fl_vocab_add(&t->names, text, len, (uint64_t)id, FL_VOCAB_MAX))
        return -1;
    if (!normalized)
        return fl_added_add(&t->raw, text, len, &token);
    struct fl_normalizer_scratch scratch = {0};
    struct fl_buf buf = {0};
    int result = fl_buf_add(&buf, text, len);
    if (!result)
        result = fl_normalizer_run(&t->normalizer, &scratch, &buf);
    if (!result)
        result = fl_added_add(&t->normalized, (char *)buf.data, buf.len, &token);
    fl_buf_release(&buf);
    fl_normalizer_scratch_release(&scratch);
    return result;
}

static void
mark_added(struct fl_tokenizer *t, const struct fl_added *a)
{
    for (size_t i = 0; i < a->count; i++) {
        t->special[a->tokens[i].id] |= a->tokens[i].special;
        t->closed[a->tokens[i].id] |= a->tokens[i].special || a->tokens[i].outside;
    }
}

static int
read_added(struct fl_tokenizer *t, const json_t *list)
{
    const json_t *item;
    size_t i;

    if (list && !json_is_null(list) && !json_is_array(list))
        return fl_error(FL_FAILED, "\"added_tokens\" is not a list");
    if (json_array_size(list) > ADDED_MAX)
        return fl_error(FL_FAILED, "more than %d added tokens are not supported", ADDED_MAX);
    json_array_foreach(list, i, item)
    {
        if (read_added_token(t, item))
            return -1;
    }
    t->vocab = (uint32_t)t->names.ids;
    t->special = fl_alloc(t->vocab, 1);
    t->closed = fl_alloc(t->vocab, 1);
    if (!t->special || !t->closed)
        return -1;
    mark_added(t, &t->raw);
    mark_added(t, &t->normalized);
    return 0;
}

/* Special tokens and ends of text are not made of what a text spells. */
static void
guard_added(const struct fl_tokenizer *t, struct fl_added *a)
{
    for (size_t i = 0; i < a->count; i++)
        a->tokens[i].guarded = a->tokens[i].special || fl_marks_stops(&t->marks, a->tokens[i].id);
    fl_added_finish(a);
}

static int
read_marks(struct fl_tokenizer *t, const json_t *post_processor, const struct fl_ids *stops)
{
    if (fl_template_read(&t->marks, post_processor, &t->names) ||
        fl_marks_finish(&t->marks, stops, &t->names, t->special))
        return -1;
    guard_added(t, &t->raw);
    guard_added(t, &t->normalized);
    return 0;
}

/* The ids of single bytes, as the alphabet or as "<0x0A>". */
static int
read_bytes(struct fl_tokenizer *t)
{
    struct fl_bpe *b = &t->bpe;

    for (unsigned byte = 0; byte < 256 && (b->byte_level || b->fallback); byte++) {
        unsigned char c = (unsigned char)byte;
        struct fl_buf name = {0};
        int failed = b->byte_level ? fl_alphabet_write(&c, 1, &name)
                                   : fl_buf_printf(&name, "<0x%02X>", byte);
        int64_t id = failed ? -1 : fl_vocab_find(&t->names, name.data, name.len);
        fl_buf_release(&name);
        if (failed)
            return -1;
        if (id < 0 || t->closed[id])
            return fl_error(FL_FAILED, "model: byte 0x%02X has no token, which is not supported",
                            byte);
        b->byte_id[byte] = (uint32_t)id;
    }
    return 0;
}

/* The two names of a merge: ["a", "b"], or "a b" with one space. */
static int
split_merge(const json_t *item, const char **left, size_t *left_len, const char **right,
            size_t *right_len)
{
    const json_t *a = json_array_get(item, 0), *b = json_array_get(item, 1);

    if (json_array_size(item) == 2 && json_is_string(a) && json_is_string(b)) {
        *left = json_string_value(a);
        *left_len = json_string_length(a);
        *right = json_string_value(b);
        *right_len = json_string_length(b);
        return 0;
    }
    *left = json_string_value(item);
    const char *space = *left ? strchr(*left, ' ') : NULL;
    if (!space || strchr(space + 1, ' '))
        return -1;
    *left_len = (size_t)(space - *left);
    *right = space + 1;
    *right_len = json_string_length(item) - *left_len - 1;
    return 0;
}

static int
read_merges(struct fl_tokenizer *t, const json_t *merges)
{
    struct fl_buf joined = {0};
    const char *left, *right;
    size_t left_len, right_len, i;
    const json_t *item;
    int result = 0;

    if (!json_is_array(merges))
        return fl_error(FL_FAILED, "model: \"merges\" is missing or no list");
    if (fl_bpe_reserve(&t->bpe, json_array_size(merges)))
        return -1;
    json_array_foreach(merges, i, item)
    {
        if (split_merge(item, &left, &left_len, &right, &right_len)) {
            result = fl_error(FL_FAILED, "model: merge %zu does not have two parts", i);
            break;
        }
        fl_buf_clear(&joined);
        if (fl_buf_add(&joined, left, left_len) || fl_buf_add(&joined, right, right_len)) {
            result = -1;
            break;
        }
        int64_t a = fl_vocab_find(&t->names, left, left_len);
        int64_t b = fl_vocab_find(&t->names, right, right_len);
        int64_t ab = fl_vocab_find(&t->names, joined.data, joined.len);
        if (a < 0 || b < 0 || ab < 0) {
            result = fl_error(
                FL_FAILED,
                "model: merge %zu (\"%.40s\") has a part or a result that is not in the vocabulary",
                i, left);
            break;
        }
        fl_bpe_add(&t->bpe, (uint32_t)a, (uint32_t)b, (uint32_t)i, (uint32_t)ab);
    }
    fl_buf_release(&joined);
    if (!result)
        fl_bpe_finish(&t->bpe);
    return result;
}

static int
read_unknown(struct fl_tokenizer *t, const json_t *model)
{
    struct fl_bpe *b = &t->bpe;
    const json_t *unknown = json_object_get(model, "unk_token");

    b->unknown = FL_BPE_NONE;
    if (unknown && !json_is_null(unknown)) {
        int64_t id = fl_vocab_find(&t->names, json_string_value(unknown),
                                   json_string_length(unknown));
        if (!json_is_string(unknown) || id < 0)
            return fl_error(FL_FAILED, "model: \"unk_token\" is not in the vocabulary");
        b->unknown = (uint32_t)id;
    }
    if (!b->byte_level && !b->fallback && b->unknown == FL_BPE_NONE)
        return fl_error(FL_FAILED, "model: neither ByteLevel, nor byte_fallback, nor unk_token: "
                                   "text would be lost, which is not supported");
    return 0;
}

/*
 * The end of a document is not made of text either, whatever the file calls it. (But a single byte,
 * or what stands for all that is unknown, can always be in a text.)
 */
static void
guard_end(struct fl_tokenizer *t)
{
    bool base = t->marks.end < 0 || t->marks.end == t->bpe.unknown;

    for (unsigned byte = 0; byte < 256 && (t->bpe.byte_level || t->bpe.fallback); byte++)
        base = base || t->bpe.byte_id[byte] == t->marks.end;
    if (!base)
        t->special[t->marks.end] = t->closed[t->marks.end] = 1;
}

static int
read_model(struct fl_tokenizer *t, const json_t *model)
{
    struct fl_bpe *b = &t->bpe;

    b->names = &t->names;
    b->closed = t->closed;
    b->byte_level = fl_pretokenizer_is_byte_level(&t->pretokenizer);
    if (fl_spec_unused(model, "model", "dropout") ||
        fl_spec_unused(model, "model", "continuing_subword_prefix") ||
        fl_spec_unused(model, "model", "end_of_word_suffix") ||
        fl_spec_bool(model, "model", "fuse_unk", false, &b->fuse_unknown) ||
        fl_spec_bool(model, "model", "byte_fallback", false, &b->fallback) ||
        fl_spec_bool(model, "model", "ignore_merges", false, &b->ignore_merges))
        return -1;
    if (b->byte_level && b->fallback)
        return fl_error(FL_FAILED, "model: byte_fallback with ByteLevel is not supported");
    if (b->byte_level != t->decoder.byte_level)
        return fl_error(FL_FAILED,
                        "ByteLevel in one of pre_tokenizer and decoder only is not supported");
    if (b->fallback && !t->decoder.fallback)
        return fl_error(FL_FAILED, "byte_fallback without decoder ByteFallback is not supported");
    if (read_unknown(t, model) || read_bytes(t))
        return -1;
    guard_end(t);
    return read_merges(t, json_object_get(model, "merges"));
}

static int
make_pieces(struct fl_tokenizer *t)
{
    size_t len;

    t->piece_at = fl_alloc((size_t)t->vocab + 1, sizeof *t->piece_at);
    unsigned char *added = fl_alloc(t->vocab, 1);
    if (!t->piece_at || !added) {
        free(added);
        return -1;
    }
    for (size_t i = 0; i < t->raw.count; i++)
        added[t->raw.tokens[i].id] = 1;
    for (size_t i = 0; i < t->normalized.count; i++)
        added[t->normalized.tokens[i].id] = 1;
    int result = 0;
    for (uint32_t id = 0; id < t->vocab && !result; id++) {
        const char *name = fl_vocab_text(&t->names, id, &len);
        if (name)
            result = added[id] ? fl_buf_add(&t->pieces, name, len)
                               : fl_decoder_piece(&t->decoder, name, len, &t->pieces);
        t->piece_at[id + 1] = t->pieces.len;
    }
    free(added);
    return result;
}

/* What encoding puts before every text, and decoding takes off again or not. */
static int
find_prefix(struct fl_tokenizer *t)
{
    const struct fl_normalizer *n = &t->normalizer;
    const struct fl_pretokenizer *p = &t->pretokenizer;
    struct fl_normalizer_scratch scratch = {0};
    struct fl_buf text = {0};
    int result = 0;

    for (size_t i = 0; i < n->count && !result; i++) {
        const struct fl_normalizer rest = {.steps = n->steps + i + 1, .count = n->count - i - 1};
        if (n->steps[i].type == FL_NORMALIZER_PREPEND && !text.len)
            result = fl_buf_add_text(&text, n->steps[i].to) ||
                     fl_normalizer_run(&rest, &scratch, &text);
    }
    for (size_t i = 0; i < p->count && !result && !text.len; i++) {
        if (p->steps[i].type == FL_PRETOKENIZER_METASPACE && p->steps[i].prepend)
            result = fl_buf_add_text(&text, p->steps[i].mark);
        else if (p->steps[i].type == FL_PRETOKENIZER_BYTE_LEVEL && p->steps[i].prefix_space)
            result = fl_buf_add_byte(&t->prefix, ' ');
    }
    if (!result && text.len)
        result = fl_decoder_piece(&t->decoder, (const char *)text.data, text.len, &t->prefix);
    fl_buf_release(&text);
    fl_normalizer_scratch_release(&scratch);
    return result ? -1 : 0;
}

static int
read_all(struct fl_tokenizer *t, const json_t *top, const struct fl_ids *stops)
{
    const json_t *model = json_object_get(top, "model");

    if (fl_spec_only(top, "the file",
                     "|version|truncation|padding|added_tokens|normalizer|pre_tokenizer|post_"
                     "processor|decoder|model|") ||
        fl_spec_unused(top, "the file", "truncation") || fl_spec_unused(top, "the file", "padding"))
        return -1;
    if (strcmp(fl_spec_type(model), "BPE"))
        return fl_error(FL_FAILED, "model \"%.60s\" is not supported; BPE is", fl_spec_type(model));
    if (fl_spec_only(model, "model",
                     "|type|dropout|unk_token|continuing_subword_prefix|end_of_word_suffix|fuse_"
                     "unk|byte_fallback|ignore_merges|vocab|merges|") ||
        read_vocab(t, json_object_get(model, "vocab")) ||
        fl_normalizer_read(&t->normalizer, json_object_get(top, "normalizer")) ||
        read_added(t, json_object_get(top, "added_tokens")) ||
        fl_pretokenizer_read(&t->pretokenizer, json_object_get(top, "pre_tokenizer")) ||
        fl_decoder_read(&t->decoder, json_object_get(top, "decoder")) ||
        read_marks(t, json_object_get(top, "post_processor"), stops) || read_model(t, model) ||
        make_pieces(t))
        return -1;
    return find_prefix(t);
}

int
fl_tokenizer_parse_json(struct fl_tokenizer *t, const struct fl_ids *stops)
{
    json_error_t error;
    json_t *top = json_loadb(t->json, t->json_len, JSON_REJECT_DUPLICATES, &error);

    if (!top)
        return fl_error(FL_FAILED, "line %d: %s; a tokenizer.json is expected", error.line,
                        error.text);
    int result = !json_is_object(top) || json_object_get(top, "model")
                     ? read_all(t, top, stops)
                     : fl_error(FL_FAILED, "is JSON without a \"model\"; a tokenizer.json is "
                                           "expected");
    json_decref(top);
    return result;
}
