#include "sec/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "sec/vault.h"

#define STATE_MAGIC "fl-state-v1"
#define STATE_NAME  "state"

static int
read_index(struct fl_vault *v, struct fl_section *to)
{
    uint64_t value;

    to->index = FL_SIGNER_HUB;
    if (!strcmp(v->field[3], "hub"))
        return 0;
    if (fl_vault_number(v, 3, to->n - 1, &value))
        return -1;
    to->index = (uint32_t)value;
    return 0;
}

/* roster RD EPOCH INDEX N NEXT FEDERATION */
static int
read_roster(struct fl_vault *v, struct fl_state *s)
{
    struct fl_section *to = &s->section[s->section_count];
    uint64_t epoch, n;

    if (s->section_count == 2)
        return fl_vault_bad_line(v);
    if (fl_vault_bytes(v, 1, to->roster, 32) || fl_vault_number(v, 2, FL_EPOCH_MAX, &epoch) ||
        fl_vault_number(v, 4, FL_SITES_MAX, &n) || fl_vault_number(v, 5, INT64_MAX, &to->next))
        return -1;
    to->epoch = (int64_t)epoch;
    to->n = (uint32_t)n;
    if (n < FL_SITES_MIN || fl_name_check(v->field[6]))
        return fl_vault_bad_line(v);
    if (read_index(v, to))
        return -1;
    snprintf(to->federation, sizeof to->federation, "%s", v->field[6]);
    if (to->index != FL_SIGNER_HUB) {
        to->chains = fl_secret_alloc(n, FL_PAIR_KEY);
        if (!to->chains)
            return -1;
    }
    s->section_count++;
    return 0;
}

/* chain J HEX, of the section read last */
static int
read_chain(struct fl_vault *v, struct fl_state *s)
{
    struct fl_section *to = s->section_count ? &s->section[s->section_count - 1] : NULL;
    uint64_t j;

    if (!to || !to->chains)
        return fl_vault_bad_line(v);
    if (fl_vault_number(v, 1, to->n - 1, &j))
        return -1;
    unsigned char *row = to->chains + j * FL_PAIR_KEY;
    if (j == to->index || !fl_is_zero(row, FL_PAIR_KEY))
        return fl_vault_bad_line(v);
    return fl_vault_bytes(v, 2, row, FL_PAIR_KEY);
}

static int
read_round(struct fl_vault *v, struct fl_state *s)
{
    struct fl_round *rounds = fl_grow(s->rounds, s->round_count, &s->round_cap, sizeof *rounds);
    uint64_t epoch;

    if (!rounds)
        return -1;
    s->rounds = rounds;
    struct fl_round *to = &rounds[s->round_count];
    *to = (struct fl_round){0};
    if (fl_vault_bytes(v, 1, to->roster, 32) || fl_vault_number(v, 2, FL_EPOCH_MAX, &epoch) ||
        fl_vault_number(v, 3, INT64_MAX, &to->round) || fl_vault_bytes(v, 4, to->sid, 32) ||
        fl_vault_bytes(v, 5, to->input, 32) || fl_vault_bytes(v, 6, to->root, 32))
        return -1;
    to->epoch = (int64_t)epoch;
    s->round_count++;
    return 0;
}

static int
read_base(struct fl_vault *v, struct fl_state *s)
{
    struct fl_used_base *bases = fl_grow(s->bases, s->base_count, &s->base_cap, sizeof *bases);

    if (!bases)
        return -1;
    s->bases = bases;
    return fl_vault_bytes(v, 1, bases[s->base_count].base, 32) ||
           fl_vault_bytes(v, 2, bases[s->base_count++].use, 32);
}

static int
read_plan(struct fl_vault *v, struct fl_state *s)
{
    struct fl_signed_plan *plans = fl_grow(s->plans, s->plan_count, &s->plan_cap, sizeof *plans);

    if (!plans)
        return -1;
    s->plans = plans;
    struct fl_signed_plan *to = &plans[s->plan_count++];
    return fl_vault_bytes(v, 1, to->roster, 32) || fl_vault_number(v, 2, INT64_MAX, &to->round) ||
           fl_vault_bytes(v, 3, to->digest, 32);
}

static int
read_line(struct fl_vault *v, struct fl_state *s)
{
    bool bad = false;

    if (fl_vault_is(v, "key", 1, &bad))
        return bad || fl_vault_bytes(v, 1, s->key, sizeof s->key);
    if (fl_vault_is(v, "ctr", 1, &bad))
        return bad || fl_vault_number(v, 1, INT64_MAX, &s->ctr);
    if (fl_vault_is(v, "prev", 1, &bad))
        return bad || fl_vault_bytes(v, 1, s->prev, sizeof s->prev);
    if (fl_vault_is(v, "roster", 6, &bad))
        return bad || read_roster(v, s);
    if (fl_vault_is(v, "reveal", 1, &bad) && s->section_count)
        return bad || fl_vault_bytes(v, 1, s->section[s->section_count - 1].reveal, 32);
    if (fl_vault_is(v, "terms", 1, &bad) && s->section_count) {
        s->section[s->section_count - 1].has_terms = true;
        return bad || fl_vault_bytes(v, 1, s->section[s->section_count - 1].terms, 32);
    }
    if (fl_vault_is(v, "chain", 2, &bad))
        return bad || read_chain(v, s);
    if (fl_vault_is(v, "round", 6, &bad))
        return bad || read_round(v, s);
    if (fl_vault_is(v, "base", 2, &bad))
        return bad || read_base(v, s);
    if (fl_vault_is(v, "plan", 3, &bad))
        return bad || read_plan(v, s);
    return fl_vault_bad_line(v);
}

/* A chain that is missing would be a key of zeros. */
static int
check_whole(const struct fl_state *s, const char *path)
{
    for (size_t i = 0; i < s->section_count; i++) {
        const struct fl_section *at = &s->section[i];
        for (uint32_t j = 0; at->chains && j < at->n; j++)
            if (j != at->index && fl_is_zero(at->chains + (size_t)j * FL_PAIR_KEY, FL_PAIR_KEY))
                return fl_error(FL_FAILED, "%s: lacks the chain with site %u", path, (unsigned)j);
    }
    if (!s->section_count || fl_is_zero(s->key, sizeof s->key))
        return fl_error(FL_FAILED, "%s: lacks its key or roster", path);
    return 0;
}

int
fl_state_file_read(struct fl_state *s)
{
    struct fl_vault v;
    int r = 0;

    char *path = fl_folder_file(&s->folder, STATE_NAME);
    if (!path)
        return -1;
    if (access(path, F_OK)) { /* only one that is not there may be made */
        r = errno == ENOENT ? 0 : fl_error_errno(errno, "%s: cannot open", path);
        free(path);
        return r;
    }
    if (fl_vault_read(&v, path, STATE_MAGIC, "it should be the state of a key")) {
        free(path);
        return -1;
    }
    while ((r = fl_vault_next(&v)) == 1)
        if (read_line(&v, s)) {
            r = -1;
            break;
        }
    fl_vault_release(&v);
    if (!r)
        r = check_whole(s, path);
    free(path);
    return r ? -1 : 1;
}

static int
put_section(struct fl_vault *v, const struct fl_section *at)
{
    int bad = fl_vault_word(v, "roster") || fl_vault_put_bytes(v, at->roster, 32) ||
              fl_vault_put_number(v, (uint64_t)at->epoch) ||
              (at->index == FL_SIGNER_HUB ? fl_vault_word(v, "hub")
                                          : fl_vault_put_number(v, at->index)) ||
              fl_vault_put_number(v, at->n) || fl_vault_put_number(v, at->next) ||
              fl_vault_word(v, at->federation) || fl_vault_end_line(v) ||
              fl_vault_word(v, "reveal") || fl_vault_put_bytes(v, at->reveal, 32) ||
              fl_vault_end_line(v);

    if (!bad && at->has_terms)
        bad = fl_vault_word(v, "terms") || fl_vault_put_bytes(v, at->terms, 32) ||
              fl_vault_end_line(v);
    for (uint32_t j = 0; at->chains && j < at->n && !bad; j++)
        if (j != at->index)
            bad = fl_vault_word(v, "chain") || fl_vault_put_number(v, j) ||
                  fl_vault_put_bytes(v, at->chains + (size_t)j * FL_PAIR_KEY, FL_PAIR_KEY) ||
                  fl_vault_end_line(v);
    return bad;
}

static int
put_records(struct fl_vault *v, const struct fl_state *s)
{
    int bad = 0;

    for (size_t i = 0; i < s->round_count && !bad; i++) {
        const struct fl_round *r = &s->rounds[i];
        bad = fl_vault_word(v, "round") || fl_vault_put_bytes(v, r->roster, 32) ||
              fl_vault_put_number(v, (uint64_t)r->epoch) || fl_vault_put_number(v, r->round) ||
              fl_vault_put_bytes(v, r->sid, 32) || fl_vault_put_bytes(v, r->input, 32) ||
              fl_vault_put_bytes(v, r->root, 32) || fl_vault_end_line(v);
    }
    for (size_t i = 0; i < s->base_count && !bad; i++)
        bad = fl_vault_word(v, "base") || fl_vault_put_bytes(v, s->bases[i].base, 32) ||
              fl_vault_put_bytes(v, s->bases[i].use, 32) || fl_vault_end_line(v);
    for (size_t i = 0; i < s->plan_count && !bad; i++)
        bad = fl_vault_word(v, "plan") || fl_vault_put_bytes(v, s->plans[i].roster, 32) ||
              fl_vault_put_number(v, s->plans[i].round) ||
              fl_vault_put_bytes(v, s->plans[i].digest, 32) || fl_vault_end_line(v);
    return bad;
}

int
fl_state_file_write(const struct fl_state *s)
{
    struct fl_vault v = {0};
    char *path = fl_folder_file(&s->folder, STATE_NAME);
    int bad = !path || fl_vault_begin(&v, STATE_MAGIC) || fl_vault_word(&v, "key") ||
              fl_vault_put_bytes(&v, s->key, 32) || fl_vault_end_line(&v) ||
              fl_vault_word(&v, "ctr") || fl_vault_put_number(&v, s->ctr) ||
              fl_vault_end_line(&v) || fl_vault_word(&v, "prev") ||
              fl_vault_put_bytes(&v, s->prev, 32) || fl_vault_end_line(&v);

    for (size_t i = 0; i < s->section_count && !bad; i++)
        bad = put_section(&v, &s->section[i]);
    if (!bad)
        bad = put_records(&v, s) || fl_vault_write(&v, path, false);
    fl_vault_release(&v);
    free(path);
    return bad ? -1 : 0;
}
