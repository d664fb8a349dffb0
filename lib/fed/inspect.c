/*
 * Each object of an input is a row. A plain one is added to a sum of its own, so that what is
 * checked here is what a sum checks; a masked one is gathered into sums that are not kept.
 */
#include "fed/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/name.h"
#include "fed/gather.h"
#include "fed/update.h"
#include "os/file.h"

enum state { GOOD, BAD, MISSING };

struct row {
    enum state state;
    bool refused;                  /* bad: for safety's sake */
    char *file, *reason;           /* each may be NULL */
    char **sites;                  /* that it says it is of */
    size_t count;                  /* of them */
    uint64_t updates;              /* that are in it */
    int64_t place;                 /* masked: in the roster, or -1 */
    struct fl_aggregate_form form; /* plain and good */
};

struct fl_inspect {
    struct fl_inspect_settings set;
    bool masked;
    struct fl_lane_sum *look; /* masked: */
    struct fl_gather gather;
    struct row *rows;
    size_t count, cap;
    uint64_t bytes;
};

static const char *const columns[] = {"file", "site", "status", "reason", NULL};

struct fl_inspect *
fl_inspect_new(const struct fl_inspect_settings *settings)
{
    struct fl_inspect *i = fl_alloc(1, sizeof *i);

    if (!i)
        return NULL;
    i->set = *settings;
    i->set.plain.progress = NULL; /* each object begins at 0 */
    i->masked = i->set.plan != NULL;
    if (!i->masked)
        return i;
    i->look = fl_lane_sum_inspector(i->set.plan, i->set.progress);
    if (i->look && !fl_gather_start(&i->gather, i->set.plan, i->look, NULL))
        return i;
    fl_inspect_free(i);
    return NULL;
}

void
fl_inspect_free(struct fl_inspect *i)
{
    if (!i)
        return;
    for (size_t k = 0; k < i->count; k++) {
        struct row *row = &i->rows[k];
        for (size_t n = 0; n < row->count; n++)
            free(row->sites[n]);
        free(row->sites);
        free(row->file);
        free(row->reason);
    }
    free(i->rows);
    if (i->masked)
        fl_gather_release(&i->gather);
    fl_lane_sum_free(i->look);
    free(i);
}

static struct row *
new_row(struct fl_inspect *i, enum state state, const char *file)
{
    struct row *rows = fl_grow(i->rows, i->count, &i->cap, sizeof *rows);

    if (!rows)
        return NULL;
    i->rows = rows;
    struct row *row = &rows[i->count];
    *row = (struct row){.state = state, .place = -1};
    if (file && !(row->file = fl_strdup(file)))
        return NULL;
    i->count++;
    return row;
}

/* ROW is bad by the recorded error, whose subject the report has in a column of its own. */
static int
blame(struct row *row)
{
    const char *text = fl_error_text();
    size_t n = row->file ? strlen(row->file) : 0;

    if (n && !strncmp(text, row->file, n) && !strncmp(text + n, ": ", 2))
        text += n + 2;
    row->state = BAD;
    row->refused = fl_error_status() == FL_REFUSED;
    free(row->reason);
    row->reason = fl_strdup(text);
    return row->reason ? 0 : -1;
}

static int
add_site(struct row *row, const char *site)
{
    char **grown = fl_resize(row->sites, row->count + 1, sizeof *grown);

    if (!grown)
        return -1;
    row->sites = grown;
    row->sites[row->count] = fl_strdup(site);
    return row->sites[row->count++] ? 0 : -1;
}

/* Whom the head names, whether or not the rest is good; what is no name is left out. */
static int
note_sites(struct row *row, const struct fl_meta *meta)
{
    const struct fl_meta_item *site = fl_meta_find(meta, "site");
    const struct fl_meta_item *sites = fl_meta_find(meta, "sum.sites");
    const struct fl_meta_item *helper = fl_meta_find(meta, "helper");

    site = site ? site : helper;
    if (site && site->type == FL_META_TEXT && fl_name_valid(site->value.text))
        return add_site(row, site->value.text);
    for (size_t n = 0; sites && sites->type == FL_META_TEXT_LIST && n < sites->count; n++)
        if (fl_name_valid(sites->value.text_list[n]) && add_site(row, sites->value.text_list[n]))
            return -1;
    return 0;
}

/* A sum of one input; -1 with an error that says what is wrong with it. */
static int
try_plain(struct fl_inspect *i, struct fl_reader *in, const struct fl_head *head, struct row *row)
{
    struct fl_aggregate *a = fl_aggregate_new(&i->set.plain);
    int result = a ? fl_aggregate_add_object(a, in, head) : -1;

    if (!result)
        result = fl_aggregate_form(a, &row->form);
    if (a) {
        row->updates = fl_aggregate_updates(a);
        i->bytes += fl_aggregate_bytes(a);
    }
    fl_aggregate_free(a);
    if (i->set.progress)
        fl_progress_show(i->set.progress, i->bytes, "%s", "");
    return result;
}

static int
add_object(struct fl_inspect *i, struct fl_reader *in, const struct fl_head *head)
{
    struct row *row;

    if (i->masked && !strcmp(head->kind, FL_KIND_CIPHER) && i->set.plan->ciphertexts &&
        !fl_gather_object(&i->gather, in, head))
        return 0; /* a part of the upload after it */
    row = new_row(i, GOOD, fl_reader_name(in));
    if (!row || note_sites(row, &head->meta))
        return -1;
    if (i->masked && !strcmp(head->kind, FL_KIND_CIPHER) && i->set.plan->ciphertexts)
        return blame(row);
    int bad = i->masked ? fl_gather_object(&i->gather, in, head) : try_plain(i, in, head, row);
    if (!bad && i->masked && fl_kind_is(head->kind, FL_KIND_MASKED))
        row->place = i->gather.arrival.upload.from.party;
    return bad ? blame(row) : 0;
}

/* The stream cannot be read on: a row of its own, unless the row before says so. */
static int
add_damage(struct fl_inspect *i, const char *file, bool first)
{
    const struct row *before = first ? NULL : &i->rows[i->count - 1];
    const char *text = fl_error_text();
    size_t len = before && before->reason ? strlen(before->reason) : 0;

    if (len && strlen(text) >= len && !strcmp(text + strlen(text) - len, before->reason))
        return 0;
    struct row *row = new_row(i, BAD, file);
    return row ? blame(row) : -1;
}

int
fl_inspect_add(struct fl_inspect *i, const char *path)
{
    const size_t before = i->count;
    const struct fl_head *head;
    int got = 0, failed = 0;

    if (fl_input_missing(path))
        return new_row(i, MISSING, path) ? 0 : -1;
    struct fl_reader *in = fl_reader_open(path);
    if (!in)
        return fl_error_status() == FL_USAGE ? -1 : add_damage(i, fl_input_name(path), true);
    fl_reader_want_digest(in);
    while (!failed && (got = fl_reader_object(in, &head)) == 1)
        failed = add_object(i, in, head);
    if (!failed && got < 0)
        failed = add_damage(i, fl_reader_name(in), i->count == before);
    if (i->masked && fl_gather_end_file(&i->gather, in) && !failed && !got)
        failed = add_damage(i, fl_reader_name(in), i->count == before);
    fl_reader_free(in);
    return failed;
}

int
fl_inspect_one(const struct fl_inspect *i, const char *site)
{
    const struct row *row = i->rows;

    if (i->count != 1)
        return fl_error(FL_FAILED, "%s: has %zu objects, where one is due",
                        i->count ? row->file : "the input", i->count);
    if (row->state == MISSING)
        return fl_error(FL_NOT_YET, "%s: is not there", row->file);
    if (row->state == BAD)
        return fl_error(row->refused ? FL_REFUSED : FL_FAILED, "%s: %s", row->file, row->reason);
    if (row->count != 1 || strcmp(row->sites[0], site))
        return fl_error(FL_REFUSED, "%s: is of another party: \"%s\", not \"%s\"", row->file,
                        row->count ? row->sites[0] : "nobody", site);
    return 0;
}

/* ---- plain inputs beside each other ---- */

static int
by_form(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
    int order = memcmp(x->form.base, y->form.base, FL_HASH_BYTES);

    if (!order)
        order = memcmp(x->form.tensors, y->form.tensors, FL_HASH_BYTES);
    if (!order)
        order = (x->form.rule > y->form.rule) - (x->form.rule < y->form.rule);
    return order ? order : (x->form.alpha > y->form.alpha) - (x->form.alpha < y->form.alpha);
}

static int
unlike(struct row *row, const struct row *most)
{
    char got[FL_UPDATE_HEX], want[FL_UPDATE_HEX];

    if (memcmp(row->form.base, most->form.base, FL_HASH_BYTES))
        fl_error(FL_REFUSED, "belongs to the model %s..., and most of the others to %s...",
                 fl_update_short(row->form.base, got), fl_update_short(most->form.base, want));
    else if (memcmp(row->form.tensors, most->form.tensors, FL_HASH_BYTES))
        fl_error(FL_FAILED, "its tensors are not those of most of the others, as of %s",
                 most->file);
    else
        fl_error(FL_FAILED, "is weighted by %s, and most of the others by %s",
                 fl_weight_rule_name(row->form.rule), fl_weight_rule_name(most->form.rule));
    return blame(row);
}

/* The form that most of the COUNT good ones have, the first of them when others are as many. */
static int
compare_forms(struct row **good, size_t count)
{
    const struct row *most = NULL;
    size_t size = 0;

    if (count)
        qsort(good, count, sizeof *good, by_form);
    for (size_t from = 0, to; from < count; from = to) {
        const struct row *first = good[from];
        for (to = from; to < count && !by_form(&good[from], &good[to]); to++)
            first = good[to] < first ? good[to] : first;
        if (to - from > size || (to - from == size && first < most)) {
            most = first;
            size = to - from;
        }
    }
    for (size_t k = 0; k < count; k++)
        if (by_form(&good[k], &most) && unlike(good[k], most))
            return -1;
    return 0;
}

struct named {
    const char *site;
    struct row *row;
};

static int
by_site(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->site, y->site);

    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Each site once, and all with a name if there are several. */
static int
compare_sites(struct row **good, size_t count)
{
    struct named *named;
    size_t names = 0, at = 0;
    int result = 0;

    for (size_t k = 0; k < count; k++)
        names += good[k]->count;
    if (!(named = fl_alloc(names, sizeof *named)))
        return -1;
    for (size_t k = 0; k < count; k++) {
        for (size_t n = 0; n < good[k]->count; n++)
            named[at++] = (struct named){good[k]->sites[n], good[k]};
        if (!good[k]->count && count > 1 && !result) {
            fl_error(FL_FAILED, "has no site, so that it might count twice; make it again with "
                                "--site NAME");
            result = blame(good[k]);
        }
    }
    if (names)
        qsort(named, names, sizeof *named, by_site);
    const struct named *first = named;
    for (size_t k = 1; k < names && !result; k++) {
        if (strcmp(first->site, named[k].site) || first->row->state != GOOD) {
            first = &named[k];
        } else if (named[k].row->state == GOOD) {
            fl_error(FL_REFUSED, "site \"%s\" is in %s already; a site counts once", first->site,
                     first->row->file);
            result = blame(named[k].row);
        }
    }
    free(named);
    return result;
}

/* The rows that are good now, in their order; *COUNT of them. */
static struct row **
good_rows(struct fl_inspect *i, size_t *count)
{
    struct row **good = fl_alloc(i->count, sizeof *good);

    *count = 0;
    for (size_t k = 0; good && k < i->count; k++)
        if (i->rows[k].state == GOOD)
            good[(*count)++] = &i->rows[k];
    return good;
}

static int
compare_plain(struct fl_inspect *i)
{
    int result = 0;

    for (int pass = 0; !result && pass < 2; pass++) {
        size_t count;
        struct row **good = good_rows(i, &count);
        if (!good)
            return -1;
        result = pass ? compare_sites(good, count) : compare_forms(good, count);
        free(good);
    }
    return result;
}

/* ---- masked uploads beside each other ---- */

/* How many of the others that are still good speak against the tags of ROW? */
static size_t
strangers(const struct fl_inspect *i, const struct row *row)
{
    size_t count = 0;

    for (size_t k = 0; k < i->count; k++)
        if (i->rows[k].state == GOOD && i->rows[k].place >= 0)
            count += !fl_gather_agree(&i->gather, (uint32_t)row->place, (uint32_t)i->rows[k].place);
    return count;
}

/* Two ends of a pair differ: the one goes that most others speak against; of two alone, both. */
static int
compare_tags(struct fl_inspect *i)
{
    for (size_t most = 1; most;) {
        size_t *against = fl_alloc(i->count, sizeof *against);
        int failed = against ? 0 : -1;
        most = 0;
        for (size_t k = 0; against && k < i->count; k++) {
            if (i->rows[k].state == GOOD && i->rows[k].place >= 0)
                against[k] = strangers(i, &i->rows[k]);
            most = against[k] > most ? against[k] : most;
        }
        for (size_t k = 0; !failed && most && k < i->count; k++) {
            if (against[k] < most)
                continue;
            fl_error(
                FL_FAILED,
                "its tags differ from those of %zu other%s: they share no key in this round, so "
                "their masks would not cancel; all must accept a roster of a new epoch",
                most, most == 1 ? "" : "s");
            failed = blame(&i->rows[k]);
        }
        free(against);
        if (failed)
            return -1;
    }
    return 0;
}

/* ---- who is missing ---- */

static bool
is_here(const struct fl_inspect *i, const char *site)
{
    for (size_t k = 0; k < i->count; k++)
        for (size_t n = 0; n < i->rows[k].count; n++)
            if (!strcmp(i->rows[k].sites[n], site))
                return true;
    return false;
}

static int
expect(struct fl_inspect *i, const char *site)
{
    struct row *row;

    if (is_here(i, site))
        return 0;
    return (row = new_row(i, MISSING, NULL)) ? add_site(row, site) : -1;
}

int
fl_inspect_end(struct fl_inspect *i)
{
    const struct fl_roster *r = i->masked ? &i->set.plan->roster : NULL;
    const struct fl_expected *e = i->set.plain.expected;
    int result = i->masked ? compare_tags(i) : compare_plain(i);

    for (size_t k = 0; !result && r && k < r->n; k++)
        result = expect(i, r->parties[k].name);
    for (size_t k = 0; !result && e && !i->masked && k < e->count; k++)
        result = expect(i, e->sites[k]);
    return result;
}

static void
report_sites(const struct row *row, struct fl_report *report)
{
    struct fl_buf names = {0};

    for (size_t n = 0; n < row->count; n++)
        if (fl_buf_printf(&names, "%s%s", n ? "," : "", row->sites[n]))
            report->failed = true;
    if (row->count)
        fl_report_text(report, fl_buf_text(&names));
    else
        fl_report_none(report);
    fl_buf_release(&names);
}

static void
put_rows(const struct fl_inspect *i, struct fl_report *report)
{
    static const char *const words[] = {"good", "bad", "missing"};

    for (size_t k = 0; k < i->count; k++) {
        const struct row *row = &i->rows[k];
        if (row->file)
            fl_report_text(report, row->file);
        else
            fl_report_none(report);
        report_sites(row, report);
        fl_report_text(report, words[row->state]);
        if (row->reason)
            fl_report_text(report, row->reason);
        else
            fl_report_none(report);
    }
}

/*
 * The files or sites of all rows of one state, "x.flt, y.flt"; *COUNT of them. A file that is
 * missing says nothing where it is known who must be in.
 */
static int
list(const struct fl_inspect *i, enum state state, struct fl_buf *names, size_t *count)
{
    const struct fl_expected *e = i->set.plain.expected;
    bool known = i->masked || (e && fl_expected_any(e));

    for (size_t k = 0; k < i->count; k++) {
        const struct row *row = &i->rows[k];
        if (row->state != state || (state == MISSING && known && row->file))
            continue;
        if (fl_buf_printf(names, "%s%s", (*count)++ ? ", " : "",
                          row->file ? row->file : row->sites[0]))
            return -1;
    }
    return 0;
}

static int
judge(const struct fl_inspect *i)
{
    const struct fl_expected *e = i->set.plain.expected;
    struct fl_buf bad = {0}, missing = {0};
    size_t bad_count = 0, missing_count = 0;
    uint64_t updates = 0;
    bool refused = false;
    int result = list(i, BAD, &bad, &bad_count) || list(i, MISSING, &missing, &missing_count);

    for (size_t k = 0; k < i->count; k++) {
        updates += i->rows[k].state == GOOD ? i->rows[k].updates : 0;
        refused |= i->rows[k].state == BAD && i->rows[k].refused;
    }
    if (!result && bad_count)
        result = fl_error(refused ? FL_REFUSED : FL_FAILED, "%zu bad: %.800s; the report says why",
                          bad_count, fl_buf_text(&bad));
    else if (!result && missing_count)
        result = fl_error(FL_NOT_YET, "%zu missing: %.800s; run it again when they are here",
                          missing_count, fl_buf_text(&missing));
    else if (!result && e && !i->masked && !e->count)
        result = fl_expected_check(e, NULL, 0, updates);
    fl_buf_release(&bad);
    fl_buf_release(&missing);
    return result ? -1 : 0;
}

int
fl_inspect_write(const struct fl_inspect *i, bool json, struct fl_output *out)
{
    struct fl_report report;

    fl_report_start(&report, columns, json);
    put_rows(i, &report);
    return fl_report_end(&report, out->fd, out->name) || fl_output_commit(out) ? -1 : judge(i);
}
