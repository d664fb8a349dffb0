/*
 * Any bytes as a request, as they are and with every upload in it and all of it signed again: it is
 * refused with an error, or a helper looks at it and says whether it is ready.
 */
#include <sanitizer/lsan_interface.h>

#include "flt/rebuild.h"
#include "fuzz_round.h"
#include "sec/set.h"

static struct federation fed;
static struct round first;
static struct fl_state *state; /* of aux */
static struct fl_schema schema;
static int from, again, ready;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_start();
    fuzz_round(&first, &fed, 5, FUZZ_HELPERS);
    must(!round_ask(&first, "abcde", false));
    fuzz_seed(&first, "request.flt", "five");
    must(!round_ask(&first, "acd", false));
    fuzz_seed(&first, "request.flt", "three");
    state = fed_state(&fed, FED_AUX);
    must(state && !fl_schema_start(&schema, "an upload") &&
         !fl_plan_upload_schema(&first.plan, &schema));
    __lsan_register_root_region(state, sizeof *state); /* secret memory is not looked into */
    fuzz_seeded(&fed);
    from = fl_spool_open();
    again = fl_spool_open();
    ready = fl_spool_open();
    return from < 0 || again < 0 || ready < 0;
}

static void
read_request(int fd)
{
    struct fl_request request;
    struct fl_answering a = {.key = fed.key[FED_AUX],
                             .key_path = "none",
                             .state = state,
                             .plan = &first.plan,
                             .request = &request,
                             .kept = -1};
    char path[40];

    fl_error_clear();
    if (fl_request_read(&request, &first.plan, fuzz_path(fd, path), NULL)) {
        must(*fl_error_text() && fl_error_status() != FL_USAGE);
        return;
    }
    must(request.count && request.count <= first.plan.roster.n);
    for (size_t i = 0; i < request.count; i++) {
        uint32_t site = request.uploads[i].upload.from.party;
        must(site < first.plan.roster.n && fl_request_find(&request, site) == &request.uploads[i]);
    }
    if (!fl_answer_check(&a)) {
        must(request.count >= (size_t)first.plan.roster.min_sum && a.bad_count <= request.count);
        must(!ftruncate(ready, 0) && lseek(ready, 0, SEEK_SET) == 0 &&
             !fl_answer_ready(&a, ready, "ready"));
    } else {
        must(*fl_error_text() != '\0');
    }
    fl_answer_release(&a);
    fl_request_release(&request);
}

static struct fl_buf *
tensor_of(struct fuzz_message *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (!strcmp(m->tensors[i].name, name))
            return &m->data[i];
    return NULL;
}

/* Digests of the uploads that M shows, their signatures, and the set that they make. */
static void
sign_inside(struct fuzz_message *m)
{
    struct fl_buf *sites = tensor_of(m, "sites"), *heads = tensor_of(m, "heads");
    struct fl_buf *payloads = tensor_of(m, "payloads"), *signs = tensor_of(m, "signs");
    const struct fl_roster *r = &first.plan.roster;
    unsigned char digests[8][32], set[32];
    uint32_t list[8];
    size_t at = 0, i = 0;

    if (!sites || !heads || !payloads || !signs)
        return;
    for (; i < 8 && 4 * i + 4 <= sites->len && at + 4 <= heads->len; i++) {
        size_t len = fl_get32(heads->data + at);
        struct fl_head head;
        list[i] = fl_get32(sites->data + 4 * i);
        if (len > heads->len - at - 4 || 32 * i + 32 > payloads->len || 64 * i + 64 > signs->len ||
            list[i] >= r->n)
            break;
        if (fl_digest_rebuild(&head, heads->data + at + 4, len, &schema, payloads->data + 32 * i,
                              digests[i]))
            break;
        fl_meta_release(&head.meta);
        fl_sig_make(signs->data + 64 * i, FL_KIND_MASKED, r->digest, list[i], digests[i],
                    fuzz_key(&fed, r, list[i])->secret);
        at += 4 + len;
    }
    fl_set_digest(set, first.plan.sid, list, digests[0], i);
    must(!fl_meta_set_bytes(&m->head.meta, "set", set, 32));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input(data, size, from);
    read_request(from);
    struct fuzz_message *m = fuzz_take(from);
    if (!m)
        return 0;
    sign_inside(m);
    fuzz_write(m, &fed, &first.plan.roster, again);
    read_request(again);
    fuzz_release(m);
    return 0;
}
