/*
 * A row is its first six cells (begin_row), exactly one value, which may be a list, and the place
 * (end_row): so every kind of row fills every column.
 */
#include "flt/listing.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "flt/values.h"

/* The first cells of a row; a NULL and a negative number are cells without content. */
struct row {
    const char *row, *name, *type;
    const struct fl_tensor *shape;
    const char *role;
    int64_t bytes;
};

void
fl_listing_start(struct fl_listing *l, bool json)
{
    static const char *const columns[] = {"row",   "name",  "type",   "shape", "role",
                                          "bytes", "value", "object", "file",  NULL};

    *l = (struct fl_listing){0};
    fl_report_start(&l->report, columns, json);
}

/* All but its value, which the caller adds before the row's end. */
static struct fl_report *
begin_row(struct fl_listing *l, const struct row *row)
{
    struct fl_report *r = &l->report;

    fl_report_text(r, row->row);
    fl_report_text(r, row->name);
    fl_report_text(r, row->type);
    if (row->shape)
        fl_report_list_u64(r, row->shape->dims, row->shape->rank);
    else
        fl_report_none(r);
    fl_report_text(r, row->role);
    if (row->bytes >= 0)
        fl_report_i64(r, row->bytes);
    else
        fl_report_none(r);
    return r;
}

static void
end_row(struct fl_listing *l)
{
    fl_report_i64(&l->report, l->object);
    fl_report_text(&l->report, l->file);
}

static void
put_f64(struct fl_report *r, double value)
{
    unsigned char p[8];
    char text[32];

    fl_put_f64(p, value);
    fl_report_number(r, fl_value_text(FL_F64, p, 0, text, sizeof text));
}

static void
put_value(struct fl_report *r, const struct fl_meta_item *item)
{
    switch (item->type) {
    case FL_META_I64: fl_report_i64(r, item->value.i64); return;
    case FL_META_F64: put_f64(r, item->value.f64); return;
    case FL_META_TEXT: fl_report_text(r, item->value.text); return;
    case FL_META_BYTES: fl_report_hex(r, item->value.bytes, item->count); return;
    case FL_META_I64_LIST:
    case FL_META_F64_LIST:
    case FL_META_TEXT_LIST: break;
    }
    fl_report_list(r);
    for (size_t i = 0; i < item->count; i++) {
        if (item->type == FL_META_I64_LIST)
            fl_report_i64(r, item->value.i64_list[i]);
        else if (item->type == FL_META_F64_LIST)
            put_f64(r, item->value.f64_list[i]);
        else
            fl_report_text(r, item->value.text_list[i]);
    }
    fl_report_list_end(r);
}

static void
put_meta(struct fl_listing *l, const struct fl_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++) {
        const struct fl_meta_item *item = &meta->items[i];
        put_value(begin_row(l, &(struct row){.row = "meta",
                                             .name = item->key,
                                             .type = fl_meta_type_name(item->type),
                                             .bytes = -1}),
                  item);
        end_row(l);
    }
}

int
fl_listing_object(struct fl_listing *l, struct fl_reader *in, const struct fl_head *head)
{
    const struct fl_tensor *t;
    uint64_t elements, bytes, total = 0, count = 0;
    int got;

    fl_report_none(begin_row(l, &(struct row){.row = "object", .name = head->kind, .bytes = -1}));
    end_row(l);
    put_meta(l, &head->meta);
    for (; (got = fl_reader_tensor(in, &t)) == 1; count++) {
        if (fl_tensor_size(t, &elements, &bytes))
            return -1;
        fl_report_none(begin_row(l, &(struct row){.row = "tensor",
                                                  .name = t->name,
                                                  .type = fl_dtype_name(t->dtype),
                                                  .shape = t,
                                                  .role = fl_role_name(t->role),
                                                  .bytes = (int64_t)bytes}));
        end_row(l);
        total += bytes;
    }
    fl_report_u64(begin_row(l, &(struct row){.row = "total",
                                             .name = "tensors",
                                             .bytes = (int64_t)total}),
                  count);
    end_row(l);
    return got;
}

void
fl_listing_digest(struct fl_listing *l, const unsigned char digest[FL_HASH_BYTES])
{
    fl_report_hex(begin_row(l, &(struct row){.row = "digest", .name = "blake2b", .bytes = -1}),
                  digest, FL_HASH_BYTES);
    end_row(l);
}

int
fl_listing_signs(struct fl_listing *l, struct fl_reader *in, fl_sign_check *check, void *arg)
{
    const struct fl_sign *sign;
    char signer[32];
    int got;

    while ((got = fl_reader_sign(in, &sign)) == 1) {
        if (check && check(arg, sign))
            return fl_error_about(fl_reader_name(in));
        if (!l)
            continue;
        snprintf(signer, sizeof signer, sign->signer == UINT32_MAX ? "hub" : "site %lu",
                 (unsigned long)sign->signer);
        fl_report_hex(begin_row(l, &(struct row){.row = "sign",
                                                 .name = sign->name,
                                                 .type = "ed25519",
                                                 .role = signer,
                                                 .bytes = -1}),
                      sign->key, sizeof sign->key);
        end_row(l);
    }
    return got;
}

int
fl_listing_get(struct fl_listing *l, const struct fl_head *head, const char *const *keys,
               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fl_meta_item *item = fl_meta_find(&head->meta, keys[i]);
        if (!strcmp(keys[i], "kind"))
            fl_report_text(&l->report, head->kind);
        else if (item)
            put_value(&l->report, item);
        else
            return fl_error(FL_FAILED,
                            "%s: this %s has no \"%.80s\" in its metadata; fl-info lists it",
                            l->file, head->kind, keys[i]);
    }
    return 0;
}

void
fl_listing_stats(struct fl_report *r, const struct fl_stats *s, bool json)
{
    fl_report_start_record(r, json);
    fl_report_u64(fl_report_key(r, "count"), s->count);
    fl_report_u64(fl_report_key(r, "odd"), s->odd);
    fl_report_f64(fl_report_key(r, "min"), s->min, 9);
    fl_report_f64(fl_report_key(r, "max"), s->max, 9);
    fl_report_f64(fl_report_key(r, "mean"), s->mean, 9);
    fl_report_f64(fl_report_key(r, "rms"), s->rms, 9);
}

int
fl_listing_values(struct fl_report *r, const struct fl_tensor *t, const struct fl_view *v,
                  uint64_t count, int fd, const char *file)
{
    const uint64_t first = fl_dtype_count(t->dtype, v->from);
    const uint64_t end = fl_dtype_count(t->dtype, v->to);
    uint64_t at[FL_FLT_RANK_MAX];
    char text[40];

    for (uint64_t i = first; i < end && i < count; i++) {
        fl_index(t, i, at);
        fl_report_list_u64(r, at, t->rank);
        fl_report_number(r, fl_value_text(t->dtype, v->data, i - first, text, sizeof text));
        if (fl_report_drain(r, fd, file))
            return -1;
    }
    return 0;
}
