/* The object of a request, written by the hub and taken apart by helpers and by whoever replays. */
#include "sec/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "flt/rebuild.h"
#include "flt/writer.h"
#include "sec/set.h"

enum { HEAD_MAX = 16 << 10 }; /* of one upload, with tags for 16 helpers */

void
fl_request_release(struct fl_request *r)
{
    for (size_t i = 0; i < r->count; i++)
        fl_meta_release(&r->uploads[i].head.meta);
    free(r->uploads);
    *r = (struct fl_request){0};
}

/* The place of SITE, or where it would come. */
static size_t
place_of(const struct fl_request *r, uint32_t site)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->uploads[middle].upload.from.party < site)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct fl_shown *
fl_request_find(const struct fl_request *r, uint32_t site)
{
    size_t at = place_of(r, site);

    return at < r->count && r->uploads[at].upload.from.party == site ? &r->uploads[at] : NULL;
}

int
fl_request_add(struct fl_request *r, const struct fl_plan *plan, const struct fl_head *head,
               const unsigned char payload[32], const unsigned char digest[32],
               const unsigned char sign[64])
{
    struct fl_shown *uploads = fl_grow(r->uploads, r->count, &r->cap, sizeof *uploads);
    struct fl_shown shown = {0};

    if (!uploads)
        return -1;
    r->uploads = uploads;
    memcpy(shown.head.kind, head->kind, sizeof shown.head.kind);
    memcpy(shown.payload, payload, 32);
    memcpy(shown.digest, digest, 32);
    memcpy(shown.sign, sign, 64);
    if (fl_meta_copy(&shown.head.meta, &head->meta) ||
        fl_upload_head_decode(&shown.upload, plan, &shown.head.meta)) {
        fl_meta_release(&shown.head.meta);
        return -1;
    }
    uint32_t site = shown.upload.from.party;
    if (fl_request_find(r, site)) {
        fl_meta_release(&shown.head.meta);
        return fl_error(FL_REFUSED, "\"%s\" has an upload there already; a site counts once",
                        plan->roster.parties[site].name);
    }
    size_t at = place_of(r, site);
    memmove(uploads + at + 1, uploads + at, (r->count - at) * sizeof *uploads);
    uploads[at] = shown;
    r->count++;
    return 0;
}

static int
compute_set(const struct fl_request *r, const struct fl_plan *plan, unsigned char set[32])
{
    uint32_t *sites = fl_alloc(r->count, sizeof *sites);
    unsigned char *digests = fl_alloc(r->count, 32);
    int failed = !sites || !digests;

    for (size_t i = 0; i < r->count && !failed; i++) {
        sites[i] = r->uploads[i].upload.from.party;
        memcpy(digests + 32 * i, r->uploads[i].digest, 32);
    }
    if (!failed)
        fl_set_digest(set, plan->sid, sites, digests, r->count);
    free(sites);
    free(digests);
    return failed ? -1 : 0;
}

/* ---- writing ---- */

struct payloads { /* of the four tensors */
    struct fl_buf sites, heads, payloads, signs;
};

static void
release_payloads(struct payloads *p)
{
    fl_buf_release(&p->sites);
    fl_buf_release(&p->heads);
    fl_buf_release(&p->payloads);
    fl_buf_release(&p->signs);
}

static int
add_head(struct fl_buf *heads, const struct fl_head *head)
{
    struct fl_buf body = {0};
    int failed = fl_head_body(head->kind, &head->meta, &body) ||
                 fl_buf_add32(heads, (uint32_t)body.len) || fl_buf_add(heads, body.data, body.len);

    fl_buf_release(&body);
    return failed ? -1 : 0;
}

static int
make_payloads(struct payloads *p, const struct fl_request *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct fl_shown *s = &r->uploads[i];
        if (fl_buf_add32(&p->sites, s->upload.from.party) || add_head(&p->heads, &s->head) ||
            fl_buf_add(&p->payloads, s->payload, 32) || fl_buf_add(&p->signs, s->sign, 64))
            return -1;
    }
    return 0;
}

static int
write_tensor(struct fl_writer *w, const char *name, enum fl_dtype dtype, const struct fl_buf *data)
{
    const uint64_t count = data->len / fl_dtype_size(dtype);
    struct fl_tensor t;

    fl_tensor_init(&t, name, dtype, 1, &count);
    return fl_writer_tensor(w, &t) || fl_writer_data(w, data->data, data->len) ? -1 : 0;
}

static int
set_meta(struct fl_meta *meta, const struct fl_request *r, const struct fl_plan *plan)
{
    return fl_meta_set_bytes(meta, "roster", plan->roster.digest, 32) ||
           fl_meta_set_bytes(meta, "sid", plan->sid, 32) ||
           fl_meta_set_bytes(meta, "params", plan->params, 32) ||
           fl_meta_set_bytes(meta, "set", r->set, 32) ||
           fl_meta_set_i64(meta, "round", (int64_t)plan->round) ||
           fl_meta_set_i64(meta, "count", (int64_t)r->count);
}

int
fl_request_write(struct fl_request *r, const struct fl_plan *plan, const struct fl_key *key, int fd,
                 const char *name, int level)
{
    struct payloads p = {0};
    struct fl_meta meta = {0};
    struct fl_sign sign;
    unsigned char digest[32];
    struct fl_writer *w = fl_writer_new(fd, name, level);
    int failed = !w || compute_set(r, plan, r->set) || make_payloads(&p, r) ||
                 set_meta(&meta, r, plan);

    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_REQUEST, &meta) ||
                 write_tensor(w, "sites", FL_U32, &p.sites) ||
                 write_tensor(w, "heads", FL_U8, &p.heads) ||
                 write_tensor(w, "payloads", FL_U8, &p.payloads) ||
                 write_tensor(w, "signs", FL_U8, &p.signs) || fl_writer_done(w);
    }
    if (!failed) {
        fl_writer_digest(w, digest);
        fl_roster_sign(&plan->roster, FL_SIGNER_HUB, key, FL_KIND_REQUEST, digest, &sign);
        failed = fl_writer_sign(w, &sign);
    }
    release_payloads(&p);
    fl_meta_release(&meta);
    fl_writer_free(w);
    return failed ? -1 : 0;
}

/* ---- reading ---- */

static int
check_meta(const struct fl_meta *meta, const struct fl_plan *plan, int64_t *count,
           unsigned char set[32])
{
    const struct {
        const char *key;
        const unsigned char *want;
    } same[] = {{"roster", plan->roster.digest}, {"sid", plan->sid}, {"params", plan->params}};
    const unsigned char *bytes;
    int64_t round;

    if (meta->count != 6)
        return fl_error(FL_REFUSED, "says more or less than a request of this version");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (fl_meta_get_bytes(meta, same[i].key, 32, &bytes))
            return -1;
        if (memcmp(bytes, same[i].want, 32))
            return fl_error(FL_REFUSED, "is for another %s than this plan's",
                            i == 0   ? "roster"
                            : i == 1 ? "plan"
                                     : "model");
    }
    if (fl_meta_get_bytes(meta, "set", 32, &bytes) ||
        fl_meta_get_i64(meta, "round", 0, INT64_MAX, &round) ||
        fl_meta_get_i64(meta, "count", 1, (int64_t)plan->roster.n, count))
        return -1;
    memcpy(set, bytes, 32);
    return (uint64_t)round == plan->round ? 0 : fl_error(FL_REFUSED, "is for another round");
}

/* The payload of tensor I, which has this name and dtype and COUNT elements (~0: any number). */
static const unsigned char *
payload_of(struct fl_object *o, size_t i, const char *name, enum fl_dtype dtype, uint64_t count)
{
    const struct fl_tensor *t = i < fl_object_count(o) ? fl_object_tensor(o, i) : NULL;

    if (t && !strcmp(t->name, name) && t->dtype == dtype && t->rank == 1 && t->role == FL_PLAIN &&
        (count == UINT64_MAX || t->dims[0] == count))
        return fl_object_data(o, i);
    fl_error(FL_FAILED, "its \"%s\" is missing or has another form", name);
    return NULL;
}

static int
check_hub(struct fl_object *o, const struct fl_plan *plan, struct fl_pool *pool)
{
    unsigned char digest[32];
    bool hub = false;

    if (fl_object_digest(o, pool, digest))
        return -1;
    for (size_t i = 0; i < fl_object_sign_count(o); i++) {
        const struct fl_sign *sign = fl_object_sign(o, i);
        if (fl_roster_check_sign(&plan->roster, FL_KIND_REQUEST, digest, sign))
            return -1;
        hub |= sign->signer == FL_SIGNER_HUB;
    }
    return hub ? 0 : fl_error(FL_REFUSED, "is not signed by the hub; ask for a copy that is");
}

/* The next upload, from its head's bytes; it must be of SITE and signed by it. */
static int
take_upload(struct fl_request *r, const struct fl_plan *plan, const struct fl_schema *schema,
            const unsigned char *body, size_t len, uint32_t site)
{
    struct fl_shown *s = &r->uploads[r->count];

    if (fl_digest_rebuild(&s->head, body, len, schema, s->payload, s->digest))
        return -1;
    r->count++; /* now there is something to release */
    if (strcmp(s->head.kind, FL_KIND_MASKED))
        return fl_error(FL_REFUSED, "shows a head of kind \"%s\"", s->head.kind);
    if (fl_upload_head_decode(&s->upload, plan, &s->head.meta))
        return -1;
    if (s->upload.from.party != site)
        return fl_error(FL_REFUSED, "shows the head of another site");
    if (fl_sig_check(s->sign, FL_KIND_MASKED, plan->roster.digest, site, s->digest,
                     plan->roster.parties[site].sign))
        return fl_error(FL_REFUSED, "shows an upload that \"%s\" did not sign",
                        plan->roster.parties[site].name);
    return 0;
}

/* Sites ascend, so that none is there twice. */
static int
take_uploads(struct fl_request *r, const struct fl_plan *plan, struct fl_object *o, size_t count)
{
    const unsigned char *sites = payload_of(o, 0, "sites", FL_U32, count);
    const unsigned char *heads = sites ? payload_of(o, 1, "heads", FL_U8, UINT64_MAX) : NULL;
    const unsigned char *payloads = heads ? payload_of(o, 2, "payloads", FL_U8, 32 * count) : NULL;
    const unsigned char *signs = payloads ? payload_of(o, 3, "signs", FL_U8, 64 * count) : NULL;
    struct fl_schema schema = {0};
    size_t at = 0, size = heads ? (size_t)fl_object_bytes(o, 1) : 0;

    if (!signs || fl_object_count(o) != 4)
        return signs ? fl_error(FL_FAILED, "has more tensors than a request") : -1;
    r->uploads = fl_alloc(count, sizeof *r->uploads);
    int failed = !r->uploads || fl_schema_start(&schema, "an upload of this plan") ||
                 fl_plan_upload_schema(plan, &schema);
    for (size_t i = 0; i < count && !failed; i++) {
        uint32_t site = fl_get32(sites + 4 * i);
        size_t len = size - at >= 4 ? fl_get32(heads + at) : SIZE_MAX;
        if (site >= plan->roster.n || (i && site <= fl_get32(sites + 4 * (i - 1))) ||
            len > HEAD_MAX || len > size - at - 4) {
            failed = fl_error(FL_FAILED, "its sites do not ascend, or its heads are cut");
            break;
        }
        memcpy(r->uploads[i].payload, payloads + 32 * i, 32);
        memcpy(r->uploads[i].sign, signs + 64 * i, 64);
        failed = take_upload(r, plan, &schema, heads + at + 4, len, site);
        at += 4 + len;
    }
    if (!failed && at != size)
        failed = fl_error(FL_FAILED, "has more heads than sites");
    fl_schema_release(&schema);
    return failed ? -1 : 0;
}

static int
get_request(struct fl_request *r, const struct fl_plan *plan, struct fl_object *o,
            struct fl_pool *pool)
{
    unsigned char said[32];
    int64_t count;

    if (check_hub(o, plan, pool) || check_meta(&fl_object_head(o)->meta, plan, &count, said) ||
        take_uploads(r, plan, o, (size_t)count) || compute_set(r, plan, r->set))
        return -1;
    return memcmp(r->set, said, 32) ? fl_error(FL_REFUSED, "names another set than its sites make")
                                    : 0;
}

int
fl_request_read(struct fl_request *r, const struct fl_plan *plan, const char *path,
                struct fl_pool *pool)
{
    struct fl_object *o = fl_object_open(path, FL_KIND_REQUEST);
    int failed = !o;

    *r = (struct fl_request){0};
    if (o && get_request(r, plan, o, pool))
        failed = fl_error_about(fl_object_name(o));
    fl_object_free(o);
    if (failed)
        fl_request_release(r);
    return failed ? -1 : 0;
}
