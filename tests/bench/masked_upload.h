/*
 * Uploads of many sites in a round of two helpers, by the protocol alone: no site has a state, so
 * that a thousand are made in seconds. Their X25519 keys are those of before they accepted.
 */
#ifndef FL_BENCH_MASKED_UPLOAD_H
#define FL_BENCH_MASKED_UPLOAD_H

#include "../unit/round.h"
#include "bench.h"

/* Write the upload of site I, whose key is KEY, to the file PATH: zeros at the roster's cap. */
static inline void
bench_masked_upload(const struct fl_plan *plan, const struct fl_key *key, size_t i,
                    const char *path)
{
    const struct fl_roster *r = &plan->roster;
    struct fl_mask *masks = fl_secret_alloc(2, sizeof *masks);
    unsigned char tags[2 * FL_PAIR_TAG], ck[32], rk[32], k[32];
    struct fl_line next;

    fl_key_line(key, &next);
    struct fl_upload_head head = {.from = {.party = (uint32_t)i, .ctr = 1}, .tags = tags};
    snprintf(head.from.next, sizeof head.from.next, "%s", next.text);
    fl_random_bytes(head.nonce, sizeof head.nonce);
    for (size_t h = 0; h < 2; h++) {
        const uint32_t party = r->helpers[h];
        const struct fl_pair pair = {(uint32_t)i, party, r->digest, true};
        const unsigned char *x_i = r->parties[i].dh, *x_h = r->parties[party].dh;
        bench_need(fl_pair_root(ck, &pair, key->dh, x_h, x_i, x_h, NULL));
        for (uint64_t round = (uint64_t)r->first_round; round < plan->round; round++)
            fl_pair_step(ck, &pair, round);
        fl_pair_round_key(rk, &pair, ck, plan->round);
        fl_pair_key(k, &pair, rk, plan->sid);
        fl_pair_mask(masks[h].key, &pair, k, plan->sid, head.nonce);
        fl_pair_tag(tags + h * FL_PAIR_TAG, &pair, k, plan->sid, head.nonce);
        masks[h].sign = 1;
    }
    struct fl_upload u = {.plan = plan,
                          .head = &head,
                          .key = key,
                          .masks = masks,
                          .mask_count = 2,
                          .q = UINT64_C(1) << FL_WEIGHT_BITS};
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    bench_need(fl_upload_write(&u, fd, "upload"));
    close(fd);
    fl_secret_free(masks);
}

#endif
