/* The models of the last rounds by digest, and what updates of old ones count (lineage.h). */
#include "fed/lineage.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/update.h"
#include "os/file.h"

enum { MOST = 16 << 20, HEX = 2 * FL_HASH_BYTES };

static size_t
place(const struct fl_lineage *l, const unsigned char digest[FL_HASH_BYTES])
{
    size_t i = l->count;

    while (i > 0 && memcmp(l->models[i - 1], digest, FL_HASH_BYTES) != 0)
        i--;
    return i;
}

struct place {
    const unsigned char *digest;
    size_t line;
};

static int
by_digest(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = memcmp(x->digest, y->digest, FL_HASH_BYTES);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Each model is there once; sorted, since a search for each takes half a minute in a large file. */
static int
check_once(const struct fl_lineage *l, const char *file)
{
    struct place *sorted = fl_alloc(l->count, sizeof *sorted);
    size_t twice = 0;

    for (size_t i = 0; sorted && i < l->count; i++)
        sorted[i] = (struct place){l->models[i], i + 1};
    if (sorted)
        qsort(sorted, l->count, sizeof *sorted, by_digest);
    for (size_t i = 1; sorted && i < l->count; i++)
        if (!memcmp(sorted[i - 1].digest, sorted[i].digest, FL_HASH_BYTES) &&
            (!twice || sorted[i].line < twice))
            twice = sorted[i].line;
    const bool ok = sorted;
    free(sorted);
    if (twice)
        return fl_error(FL_USAGE,
                        "%s: line %zu has a model that an earlier line has; each is there once, "
                        "the oldest first",
                        file, twice);
    return ok ? 0 : -1;
}

static int
read_lines(struct fl_lineage *l, const char *file, const struct fl_buf *read)
{
    const char *text = fl_buf_text(read), *end = text + read->len; /* a zero byte is no digit */
    size_t cap = 0;

    for (size_t line = 1; text < end; line++) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((feed ? feed : end) - text);
        unsigned char(*grown)[FL_HASH_BYTES] = fl_grow(l->models, l->count, &cap, sizeof *grown);
        if (!grown)
            return -1;
        l->models = grown;
        if (len != HEX || fl_unhex_secret(grown[l->count], FL_HASH_BYTES, text)) /* lower case */
            return fl_error(FL_USAGE,
                            "%s: line %zu is no digest; write the %d digits of fl-info "
                            "--digest, those of one model a line",
                            file, line, HEX);
        l->count++;
        text += len + (feed != NULL);
    }
    return 0;
}

int
fl_lineage_read(struct fl_lineage *l, const char *file, size_t stale)
{
    struct fl_buf text = {0};
    int failed = fl_read_file(file, MOST, &text);

    *l = (struct fl_lineage){.stale = stale};
    failed = failed || read_lines(l, fl_input_name(file), &text) ||
             check_once(l, fl_input_name(file));
    if (!failed && !l->count)
        failed = fl_error(FL_USAGE, "%s: names no model; write their digests, the oldest first",
                          fl_input_name(file));
    fl_buf_release(&text);
    if (failed)
        fl_lineage_release(l);
    return failed ? -1 : 0;
}

void
fl_lineage_release(struct fl_lineage *l)
{
    free(l->models);
    *l = (struct fl_lineage){0};
}

const unsigned char *
fl_lineage_newest(const struct fl_lineage *l)
{
    return l->models[l->count - 1];
}

int
fl_lineage_age(const struct fl_lineage *l, const char *file,
               const unsigned char base[FL_HASH_BYTES])
{
    char got[FL_UPDATE_HEX];
    size_t at = place(l, base), age = l->count - at;

    if (!at)
        return fl_error(FL_REFUSED, "%s: belongs to the model %s..., which is none of the lineage",
                        file, fl_update_short(base, got));
    if (age > l->stale)
        return fl_error(FL_REFUSED,
                        "%s: began %zu models ago, and %zu may pass (--stale); leave it out, and "
                        "train from a newer model",
                        file, age, l->stale);
    return (int)age;
}

double
fl_lineage_weight(double weight, int age)
{
    return age ? fmax(nearbyint(ldexp(weight / sqrt(1.0 + age), 40)), 1) * 0x1p-40 : weight;
}
