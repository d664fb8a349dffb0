/* An update is known again by its model: a site trains one of each. */
#include "fed/late.h"

#include <string.h>
#include <unistd.h>

#include "crypt/hash.h"
#include "flt/object.h"
#include "os/file.h"

enum { HEX = 65 };

/* What the hub says of the upload of a round: was it taken? */
static bool
is_taken(struct fl_standing *s, uint64_t round)
{
    const char *receipt = fl_standing_file(s, round, "have.up");
    struct fl_buf text = {0};
    const bool taken = !access(receipt, F_OK) && !fl_read_file(receipt, 65536, &text) &&
                       strstr(fl_buf_text(&text), " taken");

    fl_buf_release(&text);
    return taken;
}

/* Has the hub taken the update of the model BASE, in whatever round? 1, 0 or -1. */
static int
was_taken(struct fl_standing *s, const char *base)
{
    char of[HEX];

    for (size_t i = s->count; i--;) {
        if (!is_taken(s, s->rounds[i]))
            continue;
        const char *up = fl_standing_file(s, s->rounds[i], "up.flt");
        if (access(up, F_OK))
            continue; /* somebody removed it: it names no model */
        if (fl_standing_base_of(up, FL_KIND_UPDATE, of))
            return -1;
        if (!strcmp(of, base))
            return 1;
    }
    return 0;
}

static bool
is_here(struct fl_standing *s, const char *folder, const char *model)
{
    return !access(fl_standing_own(s, "%s/%s.flt", folder, model), F_OK);
}

int
fl_late_find(struct fl_standing *s, uint64_t round, char base[HEX], bool *found)
{
    struct fl_object *o = fl_object_open(fl_standing_file(s, round, "plan.flt"), FL_KIND_PLAN);
    const struct fl_meta_item *item = o ? fl_meta_find(&fl_object_head(o)->meta, "lineage") : NULL;
    char model[HEX];
    int taken = 0;

    *found = false;
    if (!o)
        return -1;
    for (size_t i = item && item->type == FL_META_BYTES ? item->count / 32 : 0; i-- && !*found;) {
        fl_hex(model, item->value.bytes + 32 * i, 32);
        if (!is_here(s, "update", model) || !is_here(s, "model", model))
            continue;
        if ((taken = was_taken(s, model)) < 0)
            break;
        *found = !taken;
    }
    if (*found)
        memcpy(base, model, HEX);
    fl_object_free(o);
    return taken < 0 ? -1 : 0;
}
