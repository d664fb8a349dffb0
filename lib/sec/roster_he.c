/* What a roster says of encrypted tensors: a line of each helper, and who may be in it. */
#include "sec/roster_he.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "sec/he_line.h"

/* Left out, like a contract, where no tensor is encrypted. */
int
fl_roster_he_put(struct fl_meta *meta, const struct fl_name_list *lines)
{
    struct fl_he_line *parsed = fl_alloc(lines->count, sizeof *parsed);
    const char **texts = fl_alloc(lines->count, sizeof *texts);
    int failed = !parsed || !texts;

    for (size_t i = 0; i < lines->count && !failed; i++) {
        failed = fl_he_line_parse(&parsed[i], lines->items[i]);
        texts[i] = parsed[i].text;
        if (failed)
            fl_error_about("he");
    }
    if (!failed && lines->count)
        failed = fl_meta_set_text_list(meta, "he", texts, lines->count);
    free(parsed);
    free(texts);
    return failed ? -1 : 0;
}

/* The line's helper: its number, or -1. */
static int
he_helper(const struct fl_roster *r, const struct fl_he_line *line)
{
    const int64_t party = fl_roster_find(r, line->name);
    const int h = party < 0 ? -1 : fl_roster_helper(r, (uint32_t)party);

    if (h < 0)
        return fl_error(FL_USAGE, "he: \"%s\" is none of the roster's helpers", line->name);
    if (memcmp(r->parties[party].sign, line->sign, 32))
        return fl_error(FL_REFUSED, "he: the line of \"%s\" is of another key than the roster's",
                        line->name);
    if (strcmp(line->federation, r->federation) || line->epoch != r->epoch)
        return fl_error(FL_USAGE,
                        "he: the line of \"%s\" is for \"%s\", epoch %lld, and the roster is of "
                        "\"%s\", epoch %lld; ask for the line that fl-keygen --he %s prints",
                        line->name, line->federation, (long long)line->epoch, r->federation,
                        (long long)r->epoch, r->federation);
    return h;
}

/* One line for each helper, in any order; a root that two have would be one's copy of the other. */
int
fl_roster_he_get(struct fl_roster *r, const struct fl_meta *meta)
{
    static const unsigned char none[32];
    const struct fl_meta_item *lines = fl_meta_find(meta, "he");
    struct fl_he_line line;

    if (!lines)
        return 0;
    if (lines->type != FL_META_TEXT_LIST)
        return fl_error(FL_USAGE, "its \"he\" has another form");
    if (!(r->he = fl_alloc(r->m, sizeof *r->he)))
        return -1;
    for (size_t i = 0; i < lines->count; i++) {
        if (fl_he_line_parse(&line, lines->value.text_list[i]))
            return fl_error_about("he");
        const int h = he_helper(r, &line);
        if (h < 0)
            return -1;
        for (size_t k = 0; k < r->m; k++)
            if (!memcmp(r->he[k], line.root, 32))
                return fl_error(FL_REFUSED,
                                "he: \"%s\" has the root of another helper, or a line twice; each "
                                "makes its own with fl-keygen --he %s",
                                line.name, r->federation);
        if (memcmp(r->he[h], none, 32))
            return fl_error(FL_USAGE, "he: \"%s\" has two lines; one is wanted", line.name);
        memcpy(r->he[h], line.root, 32);
    }
    for (size_t h = 0; h < r->m; h++)
        if (!memcmp(r->he[h], none, 32))
            return fl_error(FL_USAGE,
                            "he: lacks the line of \"%s\"; each helper prints its own with "
                            "fl-keygen --he %s",
                            r->parties[r->helpers[h]].name, r->federation);
    return 0;
}

/* Who must be there for encrypted tensors, and how many: what noise and key are sized for. */
bool
fl_roster_he_commits(const struct fl_roster *r, size_t h, uint64_t k, const void *key,
                     const unsigned char path[FL_HE_PATH])
{
    const unsigned char *sign = r->parties[r->helpers[h]].sign;
    unsigned char leaf[32], root[32];

    fl_he_leaf(leaf, r->federation, r->epoch, sign, k, key, FL_HE_KEY);
    fl_he_climb(root, leaf, path, k);
    return !memcmp(root, r->he[h], 32);
}

int
fl_roster_he_check(const struct fl_roster *r)
{
    if (!r->encrypts)
        return r->he ? fl_error(FL_USAGE, "he: no tensor has protect: he; leave the lines out") : 0;
    if (r->protection != FL_PROTECTION_HELPERS)
        return fl_error(FL_USAGE,
                        "tensors: protect he needs protection: helpers, who hold the key");
    if (!r->he)
        return fl_error(
            FL_USAGE,
            "tensors: protect he needs he: [LINE, ...], what fl-keygen --he %s prints at "
            "each helper",
            r->federation);
    for (size_t i = 0; i < r->replay_count; i++)
        if (fl_roster_helper(r, r->replay[i]) < 0)
            return fl_error(FL_USAGE,
                            "replay: \"%s\" is no helper; with protect: he helpers alone see the "
                            "answers, by which a site that cheats would open what is encrypted",
                            r->parties[r->replay[i]].name);
    if (r->n > FL_HE_SITES_MAX || r->m > FL_HE_HELPERS_MAX)
        return fl_error(FL_USAGE,
                        "has %zu sites and %zu helpers; with protect: he at most %d and %d, or the "
                        "sum of noise would reach the values",
                        r->n, r->m, FL_HE_SITES_MAX, FL_HE_HELPERS_MAX);
    if (r->max_age > FL_HE_ROUNDS)
        return fl_error(FL_USAGE,
                        "max_age: %lld; with protect: he at most %d, the keys that a helper's line "
                        "is for",
                        (long long)r->max_age, FL_HE_ROUNDS);
    return 0;
}
