/* A folder becomes an object by the writer that fl-import uses, so that both have the same digest. */
#include "port/foreign.h"

#include "os/folder.h"
#include "port/hf_folder.h"
#include "port/peft.h"

static int
write_folder(void *arg, struct fl_writer *w)
{
    return fl_hf_folder_write(arg, w);
}

static struct fl_object *
open_folder(const char *path, struct fl_buf *notes)
{
    struct fl_hf_folder f;
    struct fl_object *o = NULL;

    if (!fl_hf_folder_open(&f, path) && !fl_buf_add(notes, f.notes.data, f.notes.len))
        o = fl_object_open_made(write_folder, &f, path, FL_KIND_MODEL);
    fl_hf_folder_close(&f);
    return o;
}

struct adapter {
    struct fl_peft peft;
    struct fl_object *base;
};

static int
write_adapter(void *arg, struct fl_writer *w)
{
    struct adapter *a = arg;

    return fl_peft_write(&a->peft, a->base, w);
}

static struct fl_object *
open_adapter(const char *path, struct fl_object *base, struct fl_buf *notes)
{
    struct adapter a = {.base = base};
    struct fl_object *o = NULL;

    if (!fl_peft_open(&a.peft, path) && !fl_buf_add(notes, a.peft.notes.data, a.peft.notes.len))
        o = fl_object_open_made(write_adapter, &a, path, FL_KIND_ADAPTER);
    fl_peft_close(&a.peft);
    return o;
}

struct fl_object *
fl_foreign_open(const char *path, struct fl_object *base, struct fl_buf *notes)
{
    if (!path || !fl_folder_exists(path))
        return fl_object_open(path, FL_KIND_BASE);
    return fl_peft_is_folder(path) ? open_adapter(path, base, notes) : open_folder(path, notes);
}
