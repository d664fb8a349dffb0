/* A free slot is 0, so a name whose check value is 0 counts as one whose value is 1. */
#include "flt/name_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/check.h"

void
fl_name_set_release(struct fl_name_set *names)
{
    free(names->slots);
    *names = (struct fl_name_set){0};
}

void
fl_name_set_clear(struct fl_name_set *names)
{
    if (names->slots)
        memset(names->slots, 0, names->size * sizeof *names->slots);
    names->count = 0;
}

/* The slot of VALUE, or the free one where it belongs. */
static uint64_t *
slot_of(uint64_t *slots, size_t size, uint64_t value)
{
    size_t i = (size_t)value & (size - 1);

    while (slots[i] && slots[i] != value)
        i = (i + 1) & (size - 1);
    return &slots[i];
}

static int
enlarge(struct fl_name_set *names)
{
    size_t size = names->size ? names->size * 2 : 64;
    uint64_t *slots = fl_alloc(size, sizeof *slots);

    if (!slots)
        return -1;
    for (size_t i = 0; i < names->size; i++)
        if (names->slots[i])
            *slot_of(slots, size, names->slots[i]) = names->slots[i];
    free(names->slots);
    names->slots = slots;
    names->size = size;
    return 0;
}

int
fl_name_set_add(struct fl_name_set *names, const char *name)
{
    uint64_t value = fl_check64(name, strlen(name));

    value += !value; /* 0 is a free slot */
    if (2 * (names->count + 1) > names->size && enlarge(names))
        return -1;
    uint64_t *slot = slot_of(names->slots, names->size, value);
    if (*slot)
        return fl_error(FL_FAILED, "the name \"%s\" comes twice in one object", name);
    *slot = value;
    names->count++;
    return 0;
}
