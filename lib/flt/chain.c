/*
 * The streaming form of XXH3-64, from the installed library: it takes 8 bytes for a record or a
 * block and need not be the vector code that check.c compiles in.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "flt/check.h"

struct fl_chain {
    XXH3_state_t *state;
};

struct fl_chain *
fl_chain_new(void)
{
    struct fl_chain *chain = fl_alloc(1, sizeof *chain);

    if (!chain)
        return NULL;
    chain->state = XXH3_createState();
    if (!chain->state) {
        fl_error_memory("out of memory for a check value");
        free(chain);
        return NULL;
    }
    fl_chain_reset(chain);
    return chain;
}

void
fl_chain_free(struct fl_chain *chain)
{
    if (chain)
        XXH3_freeState(chain->state);
    free(chain);
}

void
fl_chain_reset(struct fl_chain *chain)
{
    XXH3_64bits_reset(chain->state);
}

void
fl_chain_add64(struct fl_chain *chain, uint64_t value)
{
    unsigned char p[8];

    fl_put64(p, value);
    XXH3_64bits_update(chain->state, p, sizeof p);
}

uint64_t
fl_chain_value(const struct fl_chain *chain)
{
    return XXH3_64bits_digest(chain->state);
}
