/*
 * Each length is compared with what is there before what it counts is looked at. Reserved bytes
 * must be zero: a later version can give them a meaning, and this one refuses such a stream by
 * name.
 */
#include "flt/record.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"
#include "flt/check.h"

void
fl_record_encode(const struct fl_record *rec, unsigned char out[FL_FLT_HEADER])
{
    memset(out, 0, FL_FLT_HEADER);
    fl_put32(out, rec->tag);
    fl_put32(out + 4, rec->flags);
    fl_put64(out + 8, rec->body);
    fl_put64(out + 16, rec->payload);
    fl_put64(out + 24, rec->flags & FL_FLAG_PACKED ? 0 : rec->payload);
    fl_put64(out + 40, rec->body_check);
    fl_put64(out + 48, rec->place);
    fl_put64(out + 56, fl_check64(out, 56));
}

int
fl_record_decode(struct fl_record *rec, const unsigned char in[FL_FLT_HEADER])
{
    rec->tag = fl_get32(in);
    rec->flags = fl_get32(in + 4);
    rec->body = fl_get64(in + 8);
    rec->payload = fl_get64(in + 16);
    rec->body_check = fl_get64(in + 40);
    rec->place = fl_get64(in + 48);
    if (fl_get64(in + 56) != fl_check64(in, 56)) {
        fl_error(FL_FAILED, "the record's header is damaged");
        return fl_error_cure(FL_CURE_DAMAGED);
    }
    if (rec->tag != FL_TAG_HEAD && rec->tag != FL_TAG_TENS && rec->tag != FL_TAG_DONE &&
        rec->tag != FL_TAG_SIGN)
        return fl_error(FL_FAILED, "the record has an unknown tag");
    if (rec->flags & ~(uint32_t)FL_FLAG_PACKED || fl_get64(in + 32))
        return fl_error(FL_FAILED, "the record has unknown flags");
    uint64_t stored = rec->flags & FL_FLAG_PACKED ? 0 : rec->payload;
    uint64_t most = rec->tag == FL_TAG_HEAD ? FL_FLT_HEAD_MAX : FL_FLT_BODY_MAX;
    if (fl_get64(in + 24) != stored || rec->body > most || rec->place > UINT64_C(1) << 31 ||
        rec->payload > UINT64_C(1) << 60 ||
        (rec->tag != FL_TAG_TENS && (rec->payload || rec->flags)))
        return fl_error(FL_FAILED, "the record's lengths are impossible");
    return 0;
}

static int
too_short(const char *what)
{
    return fl_error(FL_FAILED, "%s has a body of the wrong length", what);
}

int
fl_head_encode(const char *kind, const struct fl_meta *meta, struct fl_buf *body)
{
    static const struct fl_meta empty;
    size_t len = strlen(kind);

    if (fl_buf_add16(body, FL_FLT_VERSION) || fl_buf_add16(body, 0) ||
        fl_buf_add16(body, (uint16_t)len) || fl_buf_add(body, kind, len) ||
        fl_meta_encode(meta ? meta : &empty, body))
        return -1;
    if (body->len > FL_FLT_HEAD_MAX)
        return fl_error(FL_FAILED, "the metadata is larger than 16 MiB");
    return 0;
}

int
fl_head_decode(struct fl_head *head, const unsigned char *body, size_t len)
{
    size_t at = 6;

    memset(head, 0, sizeof *head);
    if (len < at)
        return too_short("the head");
    size_t n = fl_get16(body + 4);
    if (fl_get16(body) != FL_FLT_VERSION)
        return fl_error(FL_FAILED, "is of format %d; this fl reads format %d", fl_get16(body),
                        FL_FLT_VERSION);
    if (fl_get16(body + 2))
        return fl_error(FL_FAILED, "the head has unknown flags");
    if (n < 1 || n >= sizeof head->kind || n > len - at)
        return too_short("the head");
    memcpy(head->kind, body + at, n);
    at += n;
    if (strlen(head->kind) != n || fl_utf8_valid_prefix(head->kind, n) != n)
        return fl_error(FL_FAILED, "the kind is not text");
    if (fl_meta_decode(&head->meta, body, len, &at))
        return -1;
    if (at != len) {
        fl_meta_release(&head->meta);
        return too_short("the head");
    }
    return 0;
}

int
fl_tensor_encode(const struct fl_tensor *t, struct fl_buf *body)
{
    size_t len = strlen(t->name);
    int bad = fl_buf_add16(body, (uint16_t)t->dtype) | fl_buf_add_byte(body, t->role) |
              fl_buf_add_byte(body, t->rank);

    if (len < 1 || fl_utf8_valid_prefix(t->name, len) != len)
        return fl_error(FL_FAILED, "a tensor's name is not 1 to 255 bytes of UTF-8");
    if (!fl_dtype_size(t->dtype) || t->role > FL_CIPHER || t->rank > FL_FLT_RANK_MAX)
        return fl_error(FL_FAILED, "tensor \"%s\" has an impossible type or rank", t->name);
    for (unsigned i = 0; i < t->rank; i++)
        bad |= fl_buf_add64(body, t->dims[i]);
    bad |= fl_buf_add16(body, (uint16_t)len) | fl_buf_add(body, t->name, len);
    if (bad || fl_meta_encode(&t->attrs, body))
        return -1;
    if (body->len > FL_FLT_BODY_MAX)
        return fl_error(FL_FAILED, "the attributes of tensor \"%s\" exceed 64 KiB", t->name);
    return 0;
}

/* Attributes that a reader must understand begin with '!'; this version knows none. */
static int
check_attributes(const struct fl_tensor *t)
{
    for (size_t i = 0; i < t->attrs.count; i++)
        if (t->attrs.items[i].key[0] == '!')
            return fl_error(FL_FAILED, "tensor \"%s\" needs \"%s\", which this program lacks",
                            t->name, t->attrs.items[i].key);
    return 0;
}

int
fl_tensor_decode(struct fl_tensor *t, const unsigned char *body, size_t len)
{
    memset(t, 0, sizeof *t);
    if (len < 4)
        return too_short("the tensor");
    t->dtype = fl_get16(body);
    t->role = body[2];
    t->rank = body[3];
    if (!fl_dtype_size(t->dtype) || t->role > FL_CIPHER || t->rank > FL_FLT_RANK_MAX)
        return fl_error(FL_FAILED, "a tensor has an unknown type, role or rank");
    size_t at = 4 + 8 * (size_t)t->rank + 2;
    if (len < at)
        return too_short("the tensor");
    for (unsigned i = 0; i < t->rank; i++)
        t->dims[i] = fl_get64(body + 4 + 8 * i);
    size_t n = fl_get16(body + at - 2);
    if (n < 1 || n > FL_FLT_NAME_MAX || n > len - at)
        return too_short("the tensor");
    memcpy(t->name, body + at, n);
    at += n;
    if (strlen(t->name) != n || fl_utf8_valid_prefix(t->name, n) != n)
        return fl_error(FL_FAILED, "a tensor's name is not text");
    if (fl_meta_decode(&t->attrs, body, len, &at))
        return -1;
    if (at != len || check_attributes(t)) {
        if (at != len)
            too_short("the tensor");
        fl_meta_release(&t->attrs);
        return -1;
    }
    return 0;
}

int
fl_done_encode(const struct fl_done *done, struct fl_buf *body)
{
    return fl_buf_add64(body, done->records) | fl_buf_add64(body, done->payload) |
           fl_buf_add64(body, done->chain);
}

int
fl_done_decode(struct fl_done *done, const unsigned char *body, size_t len)
{
    if (len != 24)
        return too_short("the end of the object");
    done->records = fl_get64(body);
    done->payload = fl_get64(body + 8);
    done->chain = fl_get64(body + 16);
    return 0;
}

int
fl_sign_encode(const struct fl_sign *sign, struct fl_buf *body)
{
    size_t len = strlen(sign->name);

    return fl_buf_add32(body, sign->signer) | fl_buf_add16(body, (uint16_t)len) |
           fl_buf_add(body, sign->name, len) | fl_buf_add(body, sign->key, sizeof sign->key) |
           fl_buf_add(body, sign->roster, sizeof sign->roster) |
           fl_buf_add(body, sign->signature, sizeof sign->signature);
}

int
fl_sign_decode(struct fl_sign *sign, const unsigned char *body, size_t len)
{
    memset(sign, 0, sizeof *sign);
    size_t n = len < 6 ? 0 : fl_get16(body + 4);
    if (n < 1 || n > FL_FLT_NAME_MAX || len != 6 + n + 128)
        return too_short("the signature");
    sign->signer = fl_get32(body);
    memcpy(sign->name, body + 6, n);
    if (strlen(sign->name) != n || fl_utf8_valid_prefix(sign->name, n) != n)
        return fl_error(FL_FAILED, "a signer's name is not text");
    memcpy(sign->key, body + 6 + n, 32);
    memcpy(sign->roster, body + 38 + n, 32);
    memcpy(sign->signature, body + 70 + n, 64);
    return 0;
}
