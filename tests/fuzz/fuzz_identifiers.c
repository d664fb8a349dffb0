/*
 * Any bytes as an own pattern (up to the first line feed) and a text: no crash, spans lie in order
 * within the text, cut no character of UTF-8 in two, and what takes their place is text again; its
 * words make shingles. A canary goes in and comes out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/canary.h"
#include "data/identifier.h"
#include "data/minhash.h"
#include "data/shingle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

/* TEXT with its placeholders in OUT. */
static void
replace(const struct fl_id_rules *rules, struct fl_id_scan *scan, const uint8_t *text, size_t len,
        struct fl_buf *out)
{
    size_t at = 0;

    must(!fl_id_find(rules, scan, text, len));
    for (size_t i = 0; i < scan->count; i++) {
        const struct fl_id_span *s = &scan->spans[i];
        must(s->at >= at && s->len && s->len <= len - s->at && s->type < fl_id_types(rules));
        at = s->at + s->len;
    }
    must(!fl_id_replace(rules, scan, text, len, out));
    if (fl_utf8_valid_prefix(text, len) == len)
        must(fl_utf8_valid_prefix(out->data, out->len) == out->len);
}

static void
put_canary(const struct fl_id_rules *rules, struct fl_id_scan *scan, const uint8_t *text,
           size_t len)
{
    struct fl_buf with = {0};
    struct fl_canary canary;
    bool placed;

    fl_canary_make(len, len % FL_ID_TYPES, len, &canary);
    must(canary.len <= FL_CANARY_MOST && canary.at + canary.size <= canary.len && canary.size);
    must(!fl_canary_insert(len, len, &canary, text, len, &with));
    must(!fl_id_find(rules, scan, with.data, with.len));
    fl_canary_found(&canary, scan, with.data, with.len, &placed);
    must(placed);
    fl_buf_release(&with);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    struct fl_id_rules *rules = fl_id_rules_new();
    struct fl_id_scan scan = {0};
    struct fl_shingles shingles = {0};
    struct fl_buf out = {0};

    must(rules != NULL);
    if (line) {
        char *pattern = strndup((const char *)data, (size_t)(line - data));
        must(pattern != NULL);
        if (fl_id_rules_pattern(rules, "own", pattern))
            fl_error_clear();
        free(pattern);
        size -= (size_t)(line + 1 - data);
        data = line + 1;
    }
    replace(rules, &scan, data, size, &out);
    put_canary(rules, &scan, data, size);
    if (fl_utf8_valid_prefix(out.data, out.len) == out.len) {
        must(!fl_shingles_make(&shingles, out.data, out.len, 1 + size % 7, size));
        must(shingles.count <= shingles.words);
    }
    fl_shingles_release(&shingles);
    fl_id_scan_release(&scan);
    fl_id_rules_free(rules);
    fl_buf_release(&out);
    return 0;
}
