/*
 * The identity is compared before an array is read, the base and the shards first, since they
 * explain settings that follow from them. The advice to remove a damaged file is given only where
 * the file is surely a checkpoint.
 */
#include "nn/checkpoint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "flt/emit.h"
#include "flt/object.h"
#include "flt/size.h"
#include "flt/sniff.h"
#include "os/file.h"

enum { ARRAYS = 3 };

/* What a checkpoint holds of every trained parameter. */
static struct fl_model_values
array(const struct fl_checkpoint *c, size_t i)
{
    const struct fl_model_values arrays[ARRAYS] = {
        {c->model, "weights/", FL_TRAINED, NULL},
        {c->model, "m/", FL_TRAINED, c->m},
        {c->model, "v/", FL_TRAINED, c->v},
    };

    return arrays[i];
}

void
fl_checkpoint_release(struct fl_checkpoint *c)
{
    fl_meta_release(&c->identity);
    fl_meta_release(&c->progress);
}

static int
merge_meta(const struct fl_checkpoint *c, struct fl_meta *all)
{
    if (fl_meta_copy(all, &c->identity))
        return -1;
    for (size_t i = 0; i < c->progress.count; i++)
        if (fl_meta_set_item(all, &c->progress.items[i]))
            return -1;
    return 0;
}

static int
write_state(void *arg, struct fl_writer *w)
{
    const struct fl_checkpoint *c = arg;
    struct fl_meta all = {0};
    int result = merge_meta(c, &all) || fl_writer_head(w, FL_KIND_CHECKPOINT, &all) ? -1 : 0;

    for (size_t i = 0; !result && i < ARRAYS; i++) {
        const struct fl_model_values v = array(c, i);
        result = fl_model_write_values(&v, w);
    }
    fl_meta_release(&all);
    return result || fl_writer_done(w) ? -1 : 0;
}

int
fl_checkpoint_write(struct fl_checkpoint *c)
{
    return c->secret ? fl_emit_secret(c->path, write_state, c)
                     : fl_emit(c->path, 0, write_state, c);
}

int
fl_checkpoint_bytes(const struct fl_checkpoint *c, uint64_t *bytes)
{
    struct fl_meta all = {0};

    *bytes = 0;
    int failed = merge_meta(c, &all) || fl_size_head(FL_KIND_CHECKPOINT, &all, bytes) ||
                 fl_size_done(bytes);
    for (size_t i = 0; !failed && i < ARRAYS; i++) {
        const struct fl_model_values v = array(c, i);
        failed = fl_model_size_values(&v, bytes);
    }
    fl_meta_release(&all);
    return failed ? -1 : 0;
}

/* A setting as text; "none" when there is no such item. */
static const char *
setting_text(const struct fl_meta_item *item, char *text, size_t size)
{
    if (!item)
        return "none";
    if (item->type == FL_META_I64)
        snprintf(text, size, "%lld", (long long)item->value.i64);
    else if (item->type == FL_META_F64)
        snprintf(text, size, "%.9g", item->value.f64);
    else if (item->type == FL_META_TEXT)
        snprintf(text, size, "%s", item->value.text);
    else
        return "of another form";
    return text;
}

/* The first name of list A that B has not; lists may be missing. NULL: there is none. */
static const char *
only_in(const struct fl_meta_item *a, const struct fl_meta_item *b)
{
    for (size_t i = 0; a && i < a->count; i++) {
        size_t k = 0;
        while (b && k < b->count && strcmp(a->value.text_list[i], b->value.text_list[k]))
            k++;
        if (!b || k == b->count)
            return a->value.text_list[i];
    }
    return NULL;
}

/* The lists of what is frozen differ; 0 when they do not, or one is no list. */
static int
frozen_differs(const struct fl_checkpoint *c, const struct fl_meta_item *theirs,
               const struct fl_meta_item *ours)
{
    if ((theirs && theirs->type != FL_META_TEXT_LIST) || (ours && ours->type != FL_META_TEXT_LIST))
        return 0;
    const char *before = only_in(theirs, ours), *now = only_in(ours, theirs);
    if (!before && !now)
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: is of a training with %zu frozen tensors, and %zu are frozen now: \"%s\" "
                    "was %s; give the plan to -p that it had (none, if it had none), or another "
                    "name to --checkpoint",
                    c->path, theirs ? theirs->count : 0, ours ? ours->count : 0,
                    before ? before : now, before ? "and is not" : "not, and is");
}

/* Say that KEY, of the checkpoint or of this run or of both, is not the same. */
static int
differs(const struct fl_checkpoint *c, const char *key, const struct fl_meta_item *theirs)
{
    char old[40], new[40];

    if (!strcmp(key, "base"))
        return fl_error(FL_REFUSED,
                        "%s: is of a training that began from another base model; give that model "
                        "to -m, or another name to --checkpoint",
                        c->path);
    if (!strcmp(key, "shards"))
        return fl_error(FL_REFUSED,
                        "%s: is of a training on other shards; give the same ones, or another name "
                        "to --checkpoint",
                        c->path);
    const struct fl_meta_item *ours = fl_meta_find(&c->identity, key);
    if (!strcmp(key, "set.frozen") && frozen_differs(c, theirs, ours))
        return -1;
    if (!strcmp(key, "set.products"))
        return fl_error(FL_REFUSED,
                        "%s: is of a training whose products were %s's, and now they are %s's, "
                        "which round in another way; set FL_GEMM=%s, or give another name to "
                        "--checkpoint",
                        c->path, setting_text(theirs, old, sizeof old),
                        setting_text(ours, new, sizeof new), old);
    return fl_error(FL_REFUSED,
                    "%s: is of a training with other settings: %s was %s and is %s now; give the "
                    "same ones, or another name to --checkpoint",
                    c->path, strncmp(key, "set.", 4) ? key : key + 4,
                    setting_text(theirs, old, sizeof old), setting_text(ours, new, sizeof new));
}

/* Base, shards and what is frozen first: they say more than a setting that follows from them. */
static int
check_identity(const struct fl_checkpoint *c, const struct fl_meta *meta)
{
    static const char *const first[] = {"base", "shards", "set.frozen"};

    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        const struct fl_meta_item *ours = fl_meta_find(&c->identity, first[i]);
        const struct fl_meta_item *theirs = fl_meta_find(meta, first[i]);
        if (ours && theirs ? !fl_meta_same_item(ours, theirs) : ours || theirs)
            return differs(c, first[i], theirs);
    }
    for (size_t i = 0; i < c->identity.count; i++) {
        const struct fl_meta_item *ours = &c->identity.items[i];
        const struct fl_meta_item *theirs = fl_meta_find(meta, ours->key);
        if (!theirs || !fl_meta_same_item(ours, theirs))
            return differs(c, ours->key, theirs);
    }
    for (size_t i = 0; i < meta->count; i++)
        if (!strncmp(meta->items[i].key, "set.", 4) &&
            !fl_meta_find(&c->identity, meta->items[i].key))
            return differs(c, meta->items[i].key, &meta->items[i]);
    return 0;
}

static int
read_progress(struct fl_checkpoint *c, const struct fl_meta *meta)
{
    fl_meta_release(&c->progress);
    for (size_t i = 0; i < meta->count; i++)
        if (!fl_meta_find(&c->identity, meta->items[i].key) &&
            fl_meta_set_item(&c->progress, &meta->items[i]))
            return -1;
    return 0;
}

/* Does the file say that it is a checkpoint, however damaged the rest of it may be? */
static bool
is_checkpoint(const char *path)
{
    char head[FL_SNIFF_BYTES], what[FL_SNIFF_TEXT];
    int fd = fl_open_input(path, true);
    ssize_t got = fd < 0 ? -1 : fl_pread_full(fd, path, head, sizeof head, 0);

    if (fd >= 0)
        fl_close_input(fd);
    return got > 0 && fl_sniff_own(head, (size_t)got, what) &&
           !strcmp(what, "an FLT stream of kind \"" FL_KIND_CHECKPOINT "\"");
}

/*
 * A checkpoint that is damaged can go; a file of another kind is somebody's, and named by mistake.
 */
static int
with_cure(const char *path)
{
    struct fl_error_copy error;

    if (fl_error_status() != FL_FAILED || fl_error_of_machine())
        return -1;
    fl_error_save(&error);
    bool ours = is_checkpoint(path);
    fl_error_restore(&error);
    return ours ? fl_error_cure("remove it to train from the beginning")
                : fl_error_cure("give another name to --checkpoint, where none is yet");
}

static int
check_arrays(const struct fl_checkpoint *c, const struct fl_object *o)
{
    struct fl_schema want;
    int failed = fl_schema_start(&want, "a checkpoint of this model");

    for (size_t i = 0; !failed && i < ARRAYS; i++) {
        const struct fl_model_values v = array(c, i);
        failed = fl_model_schema(c->model, v.prefix, v.which, &want);
    }
    if (!failed)
        failed = fl_schema_match(&want, o, 0);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

int
fl_checkpoint_read(struct fl_checkpoint *c)
{
    if (access(c->path, F_OK) && errno == ENOENT)
        return 0;
    struct fl_object *o = fl_object_open(c->path, FL_KIND_CHECKPOINT);
    if (!o)
        return with_cure(c->path);
    int result = check_identity(c, &fl_object_head(o)->meta);
    if (!result) {
        result = check_arrays(c, o);
        for (size_t i = 0; !result && i < ARRAYS; i++) {
            const struct fl_model_values v = array(c, i);
            result = fl_model_read(&v, o);
        }
        if (result || (result = read_progress(c, &fl_object_head(o)->meta)))
            with_cure(c->path);
    }
    fl_object_free(o);
    return result ? -1 : 1;
}
