/*
 * The lines of a state that say which sets were summed over which models (sec/near.h): members by
 * their keys, then each model with its sketch, as hexadecimal bytes, and its sets.
 */
#include "sec/state_near.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { SKETCH_BYTES = 8 * FL_SKETCH_SUMS, BITS_MAX = (1 << 20) / 8 };

static int
read_member(struct fl_vault *v, struct fl_near *near)
{
    unsigned char(*grown)[32] = fl_grow(near->members, near->member_count, &near->member_cap,
                                        sizeof *grown);

    if (!grown)
        return -1;
    near->members = grown;
    return fl_vault_get(v, "b", grown[near->member_count++]);
}

/* base OBJECT EPOCH SUMS|- */
static int
read_base(struct fl_vault *v, struct fl_near *near)
{
    struct fl_near_base *grown = fl_grow(near->bases, near->base_count, &near->base_cap,
                                         sizeof *grown);
    const bool sketched = v->count == 4 && strcmp(v->field[3], "-");
    unsigned char sums[SKETCH_BYTES];
    uint64_t epoch;
    char none[2];

    if (!grown)
        return -1;
    near->bases = grown;
    struct fl_near_base *to = &grown[near->base_count];
    *to = (struct fl_near_base){.sketched = sketched};
    if (sketched
            ? fl_vault_get(v, "bnB", to->object, (uint64_t)FL_EPOCH_MAX, &epoch, sums, sizeof sums)
            : fl_vault_get(v, "bnw", to->object, (uint64_t)FL_EPOCH_MAX, &epoch, none, sizeof none))
        return -1;
    for (int i = 0; sketched && i < FL_SKETCH_SUMS; i++)
        to->sketch.sum[i] = fl_get_f64(sums + 8 * i);
    to->epoch = (int64_t)epoch;
    near->base_count++;
    return 0;
}

/* set BITS, or asked PLAN BITS */
static int
read_set(struct fl_vault *v, struct fl_near *near)
{
    struct fl_near_base *base = near->base_count ? &near->bases[near->base_count - 1] : NULL;
    const bool asked = fl_vault_is(v, "asked");
    size_t bytes = v->count == (asked ? 3 : 2) ? strlen(v->field[asked ? 2 : 1]) / 2 : 0;

    if (!base || !bytes || bytes > BITS_MAX)
        return fl_vault_bad_line(v);
    struct fl_near_set *sets = fl_grow(base->sets, base->set_count, &base->set_cap, sizeof *sets);
    if (!sets)
        return -1;
    base->sets = sets;
    struct fl_near_set *to = &sets[base->set_count];
    *to = (struct fl_near_set){fl_alloc(bytes, 1), bytes, asked, {0}};
    if (!to->bits)
        return -1;
    base->set_count++;
    return asked ? fl_vault_get(v, "bB", to->plan, to->bits, bytes)
                 : fl_vault_get(v, "B", to->bits, bytes);
}

bool
fl_state_near_is(const struct fl_vault *v)
{
    return fl_vault_is(v, "member") || fl_vault_is(v, "base") || fl_vault_is(v, "set") ||
           fl_vault_is(v, "asked");
}

int
fl_state_near_read(struct fl_vault *v, struct fl_near *near)
{
    if (fl_vault_is(v, "member"))
        return read_member(v, near);
    return fl_vault_is(v, "base") ? read_base(v, near) : read_set(v, near);
}

static int
put_base(struct fl_vault *v, const struct fl_near_base *base)
{
    unsigned char sums[SKETCH_BYTES];

    for (int i = 0; i < FL_SKETCH_SUMS; i++)
        fl_put_f64(sums + 8 * i, base->sketch.sum[i]);
    if (base->sketched
            ? fl_vault_put(v, "base", "bnB", base->object, (uint64_t)base->epoch, sums, sizeof sums)
            : fl_vault_put(v, "base", "bnw", base->object, (uint64_t)base->epoch, "-"))
        return -1;
    for (size_t i = 0; i < base->set_count; i++) {
        const struct fl_near_set *set = &base->sets[i];
        if (set->asked ? fl_vault_put(v, "asked", "bB", set->plan, set->bits, set->bytes)
                       : fl_vault_put(v, "set", "B", set->bits, set->bytes))
            return -1;
    }
    return 0;
}

int
fl_state_near_put(struct fl_vault *v, const struct fl_near *near)
{
    if (near->keyed && fl_vault_put(v, "sketch", "b", near->key))
        return -1;
    for (size_t k = 0; k < near->member_count; k++)
        if (fl_vault_put(v, "member", "b", near->members[k]))
            return -1;
    for (size_t b = 0; b < near->base_count; b++)
        if (put_base(v, &near->bases[b]))
            return -1;
    return 0;
}
