/* Of the file "state" the lines of a helper's keys of encryption; see state_file.h. */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "sec/state_file.h"

/* he FIRST HEX, then leaves HEX */
int
fl_state_he_read(struct fl_vault *v, struct fl_section *to)
{
    if (to->he.leaves)
        return fl_vault_bad_line(v);
    if (fl_vault_is(v, "he"))
        return fl_vault_get(v, "nb", (uint64_t)INT64_MAX, &to->he.first, to->he.hs);
    to->he.leaves = fl_alloc(FL_HE_ROUNDS, 32);
    return to->he.leaves ? fl_vault_get(v, "B", to->he.leaves, (size_t)(FL_HE_ROUNDS * 32)) : -1;
}

/* heopen R HEX, of an open round */
int
fl_state_he_read_open(struct fl_vault *v, struct fl_section *to)
{
    unsigned char hs[32];
    uint64_t round;
    size_t i = 0;

    if (fl_vault_get(v, "nb", (uint64_t)INT64_MAX, &round, hs))
        return -1;
    while (i < to->open_count && to->open[i].round != round)
        i++;
    int failed = i == to->open_count || !fl_is_zero(to->open[i].he, 32);
    if (!failed)
        memcpy(to->open[i].he, hs, 32);
    fl_wipe(hs, sizeof hs);
    return failed ? fl_vault_bad_line(v) : 0;
}

int
fl_state_he_check(const struct fl_section *at, const char *path)
{
    const bool chain = !fl_is_zero(at->he.hs, 32);
    bool whole = chain == (at->he.leaves != NULL);

    for (size_t k = 0; k < at->open_count; k++)
        whole &= chain == !fl_is_zero(at->open[k].he, 32);
    return whole ? 0 : fl_error(FL_FAILED, "%s: lacks a part of its chain of encryption", path);
}

int
fl_state_he_put(struct fl_vault *v, const struct fl_section *at)
{
    if (!at->he.leaves)
        return 0;
    for (size_t k = 0; k < at->open_count; k++)
        if (fl_vault_put(v, "heopen", "nb", at->open[k].round, at->open[k].he))
            return -1;
    return fl_vault_put(v, "he", "nb", at->he.first, at->he.hs) ||
           fl_vault_put(v, "leaves", "B", at->he.leaves, (size_t)(FL_HE_ROUNDS * 32));
}
