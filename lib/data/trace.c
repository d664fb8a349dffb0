/*
 * Edits are applied by walking along pieces and edits together: a piece is split where an edit
 * begins or ends within it. Of a piece that was changed before, its first part has all its source.
 */
#include "data/trace.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

const char *
fl_fate_name(enum fl_fate fate)
{
    static const char *const names[] = {"kept",       "escape",     "nfc",      "mojibake",
                                        "unit",       "date",       "code",     "role",
                                        "invalid",    "identifier", "space",    "control",
                                        "zero_width", "mark",       "unused",   "empty",
                                        "malformed",  "fields",     "no_field", "overlong",
                                        "bad_code",   "private",    "same",     "near",
                                        "added"};

    return names[fate];
}

void
fl_fates_add(struct fl_fates *to, const struct fl_fates *more)
{
    for (size_t i = 0; i < FL_FATES; i++)
        to->bytes[i] += more->bytes[i];
}

uint64_t
fl_fates_sum(const struct fl_fates *f, enum fl_fate first, enum fl_fate last)
{
    uint64_t sum = 0;

    for (size_t i = first; i <= last; i++)
        sum += f->bytes[i];
    return sum;
}

void
fl_trace_release(struct fl_trace *t)
{
    free(t->pieces);
    free(t->other);
    *t = (struct fl_trace){0};
}

void
fl_trace_clear(struct fl_trace *t)
{
    t->count = 0;
}

void
fl_edits_release(struct fl_edits *e)
{
    free(e->items);
    *e = (struct fl_edits){0};
}

int
fl_edits_add(struct fl_edits *e, size_t at, size_t len, size_t out, enum fl_fate fate)
{
    struct fl_edit *items = fl_grow(e->items, e->count, &e->cap, sizeof *items);

    if (!items)
        return -1;
    e->items = items;
    items[e->count++] = (struct fl_edit){(uint32_t)at, (uint32_t)len, (uint32_t)out, fate};
    return 0;
}

static bool
is_dropped(const struct fl_piece *p)
{
    return p->fate >= FL_FATE_SPACE && p->fate < FL_FATES && !p->out;
}

int
fl_trace_add(struct fl_trace *t, struct fl_piece piece)
{
    struct fl_piece *last = t->count ? &t->pieces[t->count - 1] : NULL;

    if (!piece.len && !piece.out)
        return 0;
    if (last && last->fate == piece.fate && last->from + last->len == piece.from &&
        (piece.fate == FL_FATE_KEPT || (is_dropped(last) && is_dropped(&piece)))) {
        last->len += piece.len;
        last->out += piece.out;
        return 0;
    }
    struct fl_piece *pieces = fl_grow(t->pieces, t->count, &t->cap, sizeof *pieces);
    if (!pieces)
        return -1;
    t->pieces = pieces;
    pieces[t->count++] = piece;
    return 0;
}

/* The part of a piece of which OUT bytes from AT on are wanted. */
static struct fl_piece
part_of(const struct fl_piece *p, uint32_t at, uint32_t out)
{
    if (p->fate == FL_FATE_KEPT)
        return (struct fl_piece){p->from + at, out, out, p->fate};
    return (struct fl_piece){at ? p->from + p->len : p->from, at ? 0 : p->len, out, p->fate};
}

struct walk {
    const struct fl_piece *p, *end;
    uint32_t at; /* bytes of the piece at hand that were taken */
    struct fl_trace *to;
};

/* Take N bytes of the text, as they are or with the fate of EDIT; pieces without text go along. */
static int
take(struct walk *w, uint32_t n, const struct fl_edit *edit)
{
    uint32_t out = edit ? edit->out : 0;

    while (w->p < w->end && (n || (!w->p->out && !edit))) {
        uint32_t left = w->p->out - w->at, got = left < n ? left : n;
        struct fl_piece part = part_of(w->p, w->at, got);
        if (edit && !is_dropped(w->p)) {
            part.fate = edit->fate;
            part.out = out;
            out = 0;
        }
        if (fl_trace_add(w->to, part))
            return -1;
        n -= got;
        w->at += got;
        if (w->at == w->p->out) {
            w->p++;
            w->at = 0;
        }
    }
    if (!out)
        return 0;
    uint32_t from = w->p < w->end ? w->p->from + w->at : 0;
    return fl_trace_add(w->to, (struct fl_piece){from, 0, out, edit->fate});
}

int
fl_trace_edit(struct fl_trace *t, const struct fl_edits *edits)
{
    struct fl_trace to = {.pieces = t->other, .cap = t->other_cap};
    struct walk w = {t->pieces, t->pieces + t->count, 0, &to};
    uint32_t at = 0;
    int failed = 0;

    if (!edits->count)
        return 0;
    for (size_t i = 0; i < edits->count && !failed; i++) {
        const struct fl_edit *e = &edits->items[i];
        failed = take(&w, e->at - at, NULL) || take(&w, e->len, e);
        at = e->at + e->len;
    }
    if (!failed)
        failed = take(&w, UINT32_MAX, NULL);
    struct fl_trace swap = *t;
    *t = (struct fl_trace){to.pieces, to.count, to.cap, swap.pieces, swap.cap};
    return failed ? -1 : 0;
}

/* Add what bytes FROM to FROM + LEN of the text of BASE stand for, as one piece or as they are. */
static int
add_slice(struct fl_trace *to, const struct fl_trace *base, const uint32_t *starts,
          const struct fl_piece *piece)
{
    size_t low = 0, high = base->count;
    uint32_t at = piece->from, end = piece->from + piece->len, out = piece->out;

    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        if (starts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    for (size_t i = low; i < base->count && (starts[i] < end || (i == low && at == end)); i++) {
        const struct fl_piece *b = &base->pieces[i];
        uint32_t stop = starts[i] + b->out < end ? starts[i] + b->out : end;
        struct fl_piece part = part_of(b, at - starts[i], stop - at);
        if (piece->fate != FL_FATE_KEPT) {
            part.fate = piece->fate;
            part.out = out;
            out = 0;
        }
        if (fl_trace_add(to, part))
            return -1;
        at = stop;
    }
    return out && piece->fate != FL_FATE_KEPT
               ? fl_trace_add(to, (struct fl_piece){0, 0, out, piece->fate})
               : 0;
}

int
fl_trace_through(struct fl_trace *t, const struct fl_trace *base)
{
    struct fl_trace to = {.pieces = t->other, .cap = t->other_cap};
    uint32_t *starts = fl_alloc(base->count + 1, sizeof *starts), at = 0;
    int failed = starts ? 0 : -1;

    for (size_t i = 0; i < base->count && !failed; i++) {
        starts[i] = at;
        at += base->pieces[i].out;
    }
    for (size_t i = 0; i < t->count && !failed; i++)
        failed = add_slice(&to, base, starts, &t->pieces[i]);
    free(starts);
    struct fl_trace swap = *t;
    *t = (struct fl_trace){to.pieces, to.count, to.cap, swap.pieces, swap.cap};
    return failed;
}

int
fl_trace_append(struct fl_trace *t, const struct fl_trace *more)
{
    for (size_t i = 0; i < more->count; i++)
        if (fl_trace_add(t, more->pieces[i]))
            return -1;
    return 0;
}

/* A piece without text belongs to the part of the text in which it stands. */
void
fl_trace_sum(const struct fl_trace *t, uint64_t from, uint64_t to, struct fl_fates *fates)
{
    uint64_t at = 0;

    for (size_t i = 0; i < t->count && at < to; at += t->pieces[i].out, i++) {
        const struct fl_piece *p = &t->pieces[i];
        uint64_t start = at > from ? at : from, end = at + p->out < to ? at + p->out : to;
        if (p->out ? end <= start : at < from)
            continue;
        struct fl_piece part = part_of(p, (uint32_t)(start - at), (uint32_t)(end - start));
        if (part.fate < FL_FATES)
            fates->bytes[part.fate] += part.len;
    }
}
