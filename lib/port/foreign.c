/* A folder becomes an object by the writer of fl-import, so that both have the same digest. */
#include "port/foreign.h"

#include "os/folder.h"
#include "port/hf_folder.h"
#include "port/peft.h"
#include "port/same_tokenizer.h"

static int
write_folder(void *arg, struct fl_writer *w)
{
    return fl_hf_folder_write(arg, 0, w);
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

static int
write_numbers(void *arg, struct fl_writer *w)
{
    const struct fl_hf_model *m = arg;
    struct fl_meta meta = {0};
    int failed = fl_config_to_meta(&m->layout.config, &meta) ||
                 fl_writer_head(w, FL_KIND_MODEL, &meta) || fl_hf_model_write(m, 0, w) ||
                 fl_writer_done(w);

    fl_meta_release(&meta);
    return failed ? -1 : 0;
}

static struct fl_object *
open_numbers(const char *path, struct fl_buf *notes)
{
    struct fl_hf_model m;
    struct fl_object *o = NULL;

    if (!fl_hf_model_open(&m, path, notes))
        o = fl_object_open_made(write_numbers, &m, path, FL_KIND_MODEL);
    fl_hf_model_close(&m);
    return o;
}

static int
write_adapter(void *arg, struct fl_writer *w)
{
    return fl_peft_write(arg, NULL, w);
}

static struct fl_object *
open_adapter(const char *path, struct fl_buf *notes)
{
    struct fl_peft p;
    struct fl_object *o = NULL;

    if (!fl_peft_open(&p, path) && !fl_buf_add(notes, p.notes.data, p.notes.len))
        o = fl_object_open_made(write_adapter, &p, path, FL_KIND_ADAPTER);
    fl_peft_close(&p);
    return o;
}

struct fl_object *
fl_foreign_open(const char *path, struct fl_buf *notes)
{
    if (!path || !fl_folder_exists(path))
        return fl_object_open(path, FL_KIND_BASE);
    return fl_peft_is_folder(path) ? open_adapter(path, notes) : open_folder(path, notes);
}

struct fl_object *
fl_foreign_open_trained(const char *path, struct fl_object *base, struct fl_buf *notes)
{
    if (!path || !fl_folder_exists(path))
        return fl_object_open(path, FL_KIND_BASE);
    if (fl_same_tokenizer(base, path))
        return NULL;
    return fl_peft_is_folder(path) ? open_adapter(path, notes) : open_numbers(path, notes);
}
