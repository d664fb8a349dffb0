/* A map is named as in nn/adapter.h or as in its family: people know their model's words. */
#include "port/lora.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/glob.h"
#include "nn/adapter.h"
#include "port/hf_about.h"
#include "port/peft.h"

struct choice {
    const struct fl_lora *l;
    const struct fl_family *family; /* NULL: none, and the maps are those of single parameters */
    const struct fl_layout *layout;
};

/* PATTERN is the name of a map, without its layer, or its last word. */
static bool
names(const char *pattern, const char *map)
{
    const char *word = strrchr(map, '.');

    return fl_glob(pattern, map) || (word && fl_glob(pattern, word + 1));
}

/* The name of MODULE in the family without "h.0." or the like; false when it has no such map. */
static bool
family_name(const struct choice *c, unsigned module, char *text, size_t size)
{
    char full[128];

    if (!c->family) {
        snprintf(text, size, "%s", fl_module(module)->name);
        return fl_module(module)->count == 1;
    }
    if (!fl_family_module_name(c->family, module, 0, full, sizeof full))
        return false;
    const char *rest = strstr(full, ".0.");
    snprintf(text, size, "%s", rest ? rest + 3 : full);
    return true;
}

static bool
is_named(const struct choice *c, const char *pattern, unsigned module)
{
    char own[128];
    uint64_t in, out;

    return family_name(c, module, own, sizeof own) &&
           fl_module_sizes(c->layout, module, 0, &in, &out) &&
           (names(pattern, fl_module(module)->name) || names(pattern, own));
}

/* The targets one by one: an option may be given many times, each with many, between commas. */
struct targets {
    const struct fl_option_list *list;
    size_t item;
    const char *rest; /* of that item; NULL: not begun */
    char word[128];
};

static bool
next_target(struct targets *t)
{
    if (t->item == t->list->count)
        return false;
    const char *from = t->rest ? t->rest : t->list->items[t->item];
    size_t n = strcspn(from, ",");
    snprintf(t->word, sizeof t->word, "%.*s", (int)n, from);
    t->rest = from[n] ? from + n + 1 : NULL;
    t->item += !from[n];
    return true;
}

static bool
selects(const void *arg, unsigned module)
{
    const struct choice *c = arg;
    struct targets t = {.list = &c->l->targets};

    while (next_target(&t))
        if (is_named(c, t.word, module))
            return true;
    return !c->l->targets.count && is_named(c, "*", module);
}

/* Each target names a map; else the error lists those that there are. */
static int
check_targets(const struct choice *c)
{
    struct targets t = {.list = &c->l->targets};
    char all[400] = "", own[128];
    size_t n = 0;

    for (unsigned m = 0; fl_module(m) && n < sizeof all; m++)
        if (is_named(c, "*", m) && family_name(c, m, own, sizeof own))
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", own);
    while (next_target(&t)) {
        bool found = false;
        for (unsigned m = 0; fl_module(m); m++)
            found |= is_named(c, t.word, m);
        if (!found)
            return fl_error(FL_USAGE, "--lora-targets: \"%s\" is no map of the model; it has %s",
                            t.word, all);
    }
    return 0;
}

static int
make(const struct fl_lora *l, struct fl_object *model, struct fl_layout *layout,
     struct fl_adapter *a, struct fl_meta *meta)
{
    struct choice c = {.l = l, .layout = layout};

    if (fl_hf_family_of(&c.family, model, &layout->config) || check_targets(&c) ||
        fl_adapter_make(a, layout, (uint32_t)l->rank, selects, &c))
        return -1;
    return c.family ? fl_meta_set_text(meta, FL_PEFT_FAMILY, c.family->name) : 0;
}

int
fl_lora_write(const struct fl_lora *l, struct fl_object *model, uint64_t seed, struct fl_pool *pool,
              struct fl_writer *w)
{
    struct fl_adapter a = {.alpha = l->alpha > 0 ? l->alpha : 2 * (double)l->rank,
                           .rslora = l->rslora};
    struct fl_layout layout = {0};
    struct fl_meta meta = {0};
    struct fl_config c;
    unsigned char params[FL_HASH_BYTES];

    if (fl_config_from_meta(&c, &fl_object_head(model)->meta))
        return fl_error_about(fl_object_name(model));
    int failed = fl_layout_make(&layout, &c) || make(l, model, &layout, &a, &meta) ||
                 fl_object_params(model, pool, params) ||
                 fl_meta_set_bytes(&meta, "base.params", params, sizeof params) ||
                 fl_meta_set_i64(&meta, "round", 0) || fl_adapter_write_new(&a, &meta, seed, w);
    fl_meta_release(&meta);
    fl_adapter_release(&a);
    fl_layout_release(&layout);
    return failed ? -1 : 0;
}

struct making {
    const struct fl_lora *l;
    struct fl_object *model;
    struct fl_pool *pool;
};

static int
write_made(void *arg, struct fl_writer *w)
{
    const struct making *m = arg;

    return fl_lora_write(m->l, m->model, 0, m->pool, w);
}

int
fl_lora_adapt(const struct fl_lora *l, struct fl_bundle *b, struct fl_pool *pool)
{
    struct making m = {l, b->object, pool};
    bool tuned = l->targets.count || l->alpha > 0 || l->rslora;

    if (l->adapter && (l->rank || tuned))
        return fl_error(FL_USAGE, "--lora and what goes with it make a new adapter, and --adapter "
                                  "names one; give one of them");
    if (!l->rank && tuned)
        return fl_error(FL_USAGE, "--lora RANK is missing; it makes the adapter");
    if (!l->adapter && !l->rank)
        return l->freeze ? fl_error(FL_USAGE, "--lora-freeze is about an adapter; give one by "
                                              "--adapter or --lora")
                         : 0;
    struct fl_object *adapter = l->adapter ? fl_object_open(l->adapter, FL_KIND_ADAPTER)
                                           : fl_object_open_made(write_made, &m, "the new adapter",
                                                                 FL_KIND_ADAPTER);
    if (!adapter || fl_bundle_adapt(b, adapter, pool))
        return -1;
    if (l->freeze)
        fl_layout_hold(&b->model->layout, FL_PARAM_LORA_A);
    return 0;
}
