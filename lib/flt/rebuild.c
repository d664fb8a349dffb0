/* The same hashes as flt/digest.c, with the payload's given. */
#include "flt/rebuild.h"

#include <string.h>

#include "base/error.h"
#include "flt/digest.h"
#include "flt/record.h"

int
fl_head_body(const char *kind, const struct fl_meta *meta, struct fl_buf *out)
{
    return fl_head_encode(kind, meta, out);
}

static int
add_tensors(struct fl_digest *d, const struct fl_schema *schema)
{
    struct fl_buf body = {0};
    int failed = 0;

    for (size_t i = 0; i < schema->count && !failed; i++) {
        fl_buf_clear(&body);
        failed = fl_tensor_encode(&schema->items[i].tensor, &body);
        if (!failed)
            fl_digest_body(d, body.data, body.len);
    }
    fl_buf_release(&body);
    return failed ? -1 : 0;
}

int
fl_digest_rebuild(struct fl_head *head, const void *body, size_t len,
                  const struct fl_schema *schema, const unsigned char payload[FL_HASH_BYTES],
                  unsigned char digest[FL_HASH_BYTES])
{
    struct fl_buf again = {0};
    struct fl_digest d;
    int failed = fl_head_decode(head, body, len);

    if (failed)
        return -1;
    fl_digest_init(&d);
    fl_digest_body(&d, body, len);
    failed = fl_head_encode(head->kind, &head->meta, &again) || add_tensors(&d, schema);
    if (!failed && (again.len != len || memcmp(again.data, body, len)))
        failed = fl_error(FL_FAILED, "the head is not in the form that a stream has");
    fl_buf_release(&again);
    if (failed) {
        fl_meta_release(&head->meta);
        return -1;
    }
    fl_digest_final_parts(&d, head->kind, payload, digest);
    return 0;
}
