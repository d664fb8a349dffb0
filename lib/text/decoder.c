/*
 * Only those sequences are taken in which a token can be decoded alone, so that the bytes of every
 * id are computed once.
 */
#include "text/decoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/alphabet.h"
#include "text/normalizer.h"
#include "text/spec.h"

static int
read_byte_level(struct fl_decoder *d, const json_t *spec)
{
    d->byte_level = true;
    return fl_spec_only(spec, "decoder ByteLevel",
                        "|type|add_prefix_space|trim_offsets|use_regex|");
}

static int
read_replace(struct fl_decoder *d, const json_t *spec)
{
    const char *what = "decoder Replace", *from, *to;
    const json_t *pattern = json_object_get(spec, "pattern");

    if (fl_spec_only(spec, what, "|type|pattern|content|") ||
        fl_spec_only(pattern, "decoder Replace: pattern", "|String|") ||
        fl_spec_text(pattern, what, "String", &from) || fl_spec_text(spec, what, "content", &to))
        return -1;
    if (!*from)
        return fl_error(FL_FAILED, "%s: an empty pattern is not supported", what);
    if (d->fallback || d->fuse)
        return fl_error(FL_FAILED, "%s after ByteFallback or Fuse is not supported", what);
    struct fl_decoder_replace *list = fl_grow(d->replace, d->replace_count, &d->replace_cap,
                                              sizeof *list);
    if (!list)
        return -1;
    d->replace = list;
    struct fl_decoder_replace *r = &list[d->replace_count++];
    *r = (struct fl_decoder_replace){fl_strdup(from), fl_strdup(to)};
    return r->from && r->to ? 0 : -1;
}

static int
read_strip(struct fl_decoder *d, const json_t *spec)
{
    const char *what = "decoder Strip", *content;
    long long start, stop;

    if (fl_spec_only(spec, what, "|type|content|start|stop|") ||
        fl_spec_text(spec, what, "content", &content) ||
        fl_spec_count(spec, what, "start", 1000, &start) ||
        fl_spec_count(spec, what, "stop", 1000, &stop))
        return -1;
    if (strlen(content) != 1 || !d->fuse || d->strip)
        return fl_error(FL_FAILED, "%s is supported once, after Fuse, for one ASCII character",
                        what);
    d->strip = (unsigned char)content[0];
    d->strip_start = (size_t)start;
    d->strip_end = (size_t)stop;
    return 0;
}

static int
read_step(struct fl_decoder *d, const json_t *spec)
{
    const char *type = fl_spec_type(spec);

    if (!strcmp(type, "Replace"))
        return read_replace(d, spec);
    if (!strcmp(type, "Strip"))
        return read_strip(d, spec);
    if (!strcmp(type, "ByteFallback")) {
        d->fallback = true;
        return fl_spec_only(spec, "decoder ByteFallback", "|type|");
    }
    if (!strcmp(type, "Fuse")) {
        d->fuse = true;
        return fl_spec_only(spec, "decoder Fuse", "|type|");
    }
    return fl_error(FL_FAILED, "decoder \"%.60s\" is not supported in a Sequence", type);
}

static int
read_decoder(struct fl_decoder *d, const json_t *spec)
{
    const char *type = fl_spec_type(spec);
    const json_t *list = json_object_get(spec, "decoders"), *item;
    size_t i;

    if (!strcmp(type, "ByteLevel"))
        return read_byte_level(d, spec);
    if (!spec || json_is_null(spec))
        return fl_error(FL_FAILED, "a tokenizer without a decoder is not supported");
    if (strcmp(type, "Sequence"))
        return fl_error(FL_FAILED, "decoder \"%.60s\" is not supported", type);
    if (fl_spec_only(spec, "decoder Sequence", "|type|decoders|"))
        return -1;
    if (json_array_size(list) == 1 && !strcmp(fl_spec_type(json_array_get(list, 0)), "ByteLevel"))
        return read_byte_level(d, json_array_get(list, 0));
    if (!json_is_array(list))
        return fl_error(FL_FAILED, "decoder Sequence: \"decoders\" is not a list");
    json_array_foreach(list, i, item)
    {
        if (read_step(d, item))
            return -1;
    }
    if (!d->fuse)
        return fl_error(FL_FAILED, "a decoder Sequence without Fuse is not supported");
    return 0;
}

int
fl_decoder_read(struct fl_decoder *d, const json_t *spec)
{
    if (read_decoder(d, spec)) {
        fl_decoder_release(d);
        return -1;
    }
    return 0;
}

void
fl_decoder_release(struct fl_decoder *d)
{
    for (size_t i = 0; i < d->replace_count; i++) {
        free(d->replace[i].from);
        free(d->replace[i].to);
    }
    free(d->replace);
    *d = (struct fl_decoder){0};
}

static int
hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

int
fl_decoder_piece(const struct fl_decoder *d, const char *name, size_t len, struct fl_buf *out)
{
    size_t from = out->len;
    struct fl_buf copy = {0};
    int result = 0;

    if (d->byte_level) {
        int got = fl_alphabet_read(name, len, out);
        return got ? (got < 0 ? -1 : 0) : fl_buf_add(out, name, len);
    }
    if (d->fallback && len == 6 && !memcmp(name, "<0x", 3) && name[5] == '>' && hex(name[3]) >= 0 &&
        hex(name[4]) >= 0)
        return fl_buf_add_byte(out, (unsigned)(hex(name[3]) * 16 + hex(name[4])));
    if (fl_buf_add(out, name, len))
        return -1;
    for (size_t i = 0; i < d->replace_count && !result; i++) {
        fl_buf_clear(&copy);
        result = fl_buf_add(&copy, out->data + from, out->len - from);
        out->len = from;
        if (!result)
            result = fl_normalizer_replace((char *)copy.data, copy.len, d->replace[i].from,
                                           d->replace[i].to, out);
    }
    fl_buf_release(&copy);
    return result;
}

void
fl_decoder_strip(const struct fl_decoder *d, struct fl_buf *out, size_t from)
{
    size_t n = 0;

    if (!d->strip || out->len == from)
        return;
    while (n < d->strip_start && from + n < out->len && out->data[from + n] == d->strip)
        n++;
    memmove(out->data + from, out->data + from + n, out->len - from - n);
    out->len -= n;
    for (n = 0; n < d->strip_end && out->len > from && out->data[out->len - 1] == d->strip; n++)
        out->len--;
    out->data[out->len] = '\0';
}
