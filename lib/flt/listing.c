#include "flt/listing.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "crypt/hash.h"
#include "flt/values.h"

/* One row; a NULL and a negative number are cells without content. */
struct row {
    const char *row, *name, *type, *shape, *role;
    int64_t bytes;
    const char *value;
};

void
fl_listing_start(struct fl_listing *l, bool json)
{
    static const char *const columns[] = {"row",   "name",  "type",   "shape", "role",
                                          "bytes", "value", "object", "file",  NULL};

    *l = (struct fl_listing){0};
    fl_report_start(&l->report, columns, json);
}

static void
put_text(struct fl_report *r, const char *text)
{
    if (text)
        fl_report_text(r, text);
    else
        fl_report_none(r);
}

static void
put_row(struct fl_listing *l, const struct row *row)
{
    struct fl_report *r = &l->report;

    put_text(r, row->row);
    put_text(r, row->name);
    put_text(r, row->type);
    put_text(r, row->shape);
    put_text(r, row->role);
    if (row->bytes >= 0)
        fl_report_i64(r, row->bytes);
    else
        fl_report_none(r);
    put_text(r, row->value);
    fl_report_i64(r, l->object);
    fl_report_text(r, l->file);
}

static int
put_meta(struct fl_listing *l, const struct fl_meta *meta)
{
    struct fl_buf value = {0};
    int result = 0;

    for (size_t i = 0; i < meta->count && !result; i++) {
        const struct fl_meta_item *item = &meta->items[i];
        fl_buf_clear(&value);
        result = fl_meta_show(item, &value);
        put_row(l, &(struct row){.row = "meta",
                                 .name = item->key,
                                 .type = fl_meta_type_name(item->type),
                                 .bytes = -1,
                                 .value = fl_buf_text(&value)});
    }
    fl_buf_release(&value);
    return result;
}

int
fl_listing_object(struct fl_listing *l, struct fl_reader *in, const struct fl_head *head)
{
    const struct fl_tensor *t;
    uint64_t elements, bytes, total = 0, count = 0;
    char text[FL_DIMS_TEXT];
    int got;

    put_row(l, &(struct row){.row = "object", .name = head->kind, .bytes = -1});
    if (put_meta(l, &head->meta))
        return -1;
    for (; (got = fl_reader_tensor(in, &t)) == 1; count++) {
        if (fl_tensor_size(t, &elements, &bytes))
            return -1;
        put_row(l, &(struct row){.row = "tensor",
                                 .name = t->name,
                                 .type = fl_dtype_name(t->dtype),
                                 .shape = fl_dims_text(t, text, sizeof text),
                                 .role = fl_role_name(t->role),
                                 .bytes = (int64_t)bytes});
        total += bytes;
    }
    snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    put_row(l, &(struct row){.row = "total",
                             .name = "tensors",
                             .bytes = (int64_t)total,
                             .value = text});
    return got;
}

void
fl_listing_digest(struct fl_listing *l, const char *hex)
{
    put_row(l, &(struct row){.row = "digest", .name = "blake2b", .bytes = -1, .value = hex});
}

int
fl_listing_signs(struct fl_listing *l, struct fl_reader *in, fl_sign_check *check, void *arg)
{
    const struct fl_sign *sign;
    char key[2 * sizeof sign->key + 1], signer[32];
    int got;

    while ((got = fl_reader_sign(in, &sign)) == 1) {
        if (check && check(arg, sign))
            return fl_error_about(fl_reader_name(in));
        if (!l)
            continue;
        fl_hex(key, sign->key, sizeof sign->key);
        snprintf(signer, sizeof signer, sign->signer == UINT32_MAX ? "hub" : "site %lu",
                 (unsigned long)sign->signer);
        put_row(l, &(struct row){.row = "sign",
                                 .name = sign->name,
                                 .type = "ed25519",
                                 .role = signer,
                                 .bytes = -1,
                                 .value = key});
    }
    return got;
}
