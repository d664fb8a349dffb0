/* What transformers would change a model by, when it loads the folder, is refused by name. */
#include "port/hf_folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/number.h"
#include "nn/model.h"
#include "os/file.h"
#include "port/json_file.h"
#include "port/text_marks.h"
#include "text/marks.h"

static int
check_adapter(const char *dir)
{
    char path[FL_PORT_PATH];
    struct stat st;

    if (fl_port_path(path, dir, "adapter_config.json"))
        return -1;
    if (lstat(path, &st))
        return 0;
    return fl_error(FL_FAILED, "%s: adapters are not read; merge it into the weights", path);
}

/* The tokenizer must be there, the others may be. */
static int
read_files(struct fl_hf_folder *f, const char *dir)
{
    char path[FL_PORT_PATH];
    struct stat st;

    for (size_t i = 0; fl_model_files[i]; i++)
        if (fl_port_path(path, dir, fl_model_files[i]) ||
            ((!i || !lstat(path, &st)) &&
             (fl_check_plain(path) || fl_read_file(path, FL_TOKENIZER_MAX, &f->files[i]))))
            return -1;
    return 0;
}

/* tokenizer.json is understood and fits the vocabulary. */
static int
read_tokenizer(struct fl_hf_folder *f, const char *dir)
{
    char path[FL_PORT_PATH];

    if (fl_port_path(path, dir, fl_model_files[0]))
        return -1;
    struct fl_tokenizer *t = fl_tokenizer_parse(path, f->files[0].data, f->files[0].len);
    if (!t)
        return -1;
    uint32_t vocab = fl_tokenizer_vocab(t), room = f->model.layout.config.vocab;
    int result = vocab > room
                     ? fl_error(FL_FAILED, "%s: has %u tokens, and the model's vocabulary %u", path,
                                vocab, room)
                     : fl_port_stops(dir, t, &f->stops, &f->notes);
    fl_tokenizer_free(t);
    return result;
}

int
fl_hf_folder_open(struct fl_hf_folder *f, const char *dir)
{
    *f = (struct fl_hf_folder){.stops = {0}};
    return fl_hf_model_open(&f->model, dir, &f->notes) || check_adapter(dir) ||
                   read_files(f, dir) || read_tokenizer(f, dir)
               ? -1
               : 0;
}

void
fl_hf_folder_close(struct fl_hf_folder *f)
{
    fl_hf_model_close(&f->model);
    for (size_t i = 0; i < FL_HF_FILES_MAX; i++)
        fl_buf_release(&f->files[i]);
    fl_ids_release(&f->stops);
    fl_buf_release(&f->notes);
}

/* What an export noted of the model: a folder that came from another tool has no such notes. */
int
fl_hf_read_origin(const struct fl_safetensors *files, struct fl_meta *meta)
{
    const char *round = fl_safetensors_note(files, FL_HF_NOTE_ROUND);
    const char *parent = fl_safetensors_note(files, FL_HF_NOTE_PARENT);
    unsigned char digest[FL_HASH_BYTES];
    int64_t number = 0;

    if ((round && fl_parse_i64(round, 0, INT64_MAX, &number)) ||
        (parent && fl_unhex(digest, sizeof digest, parent))) {
        fl_error_as(FL_FAILED);
        return fl_error_about(fl_safetensors_name(files));
    }
    return fl_meta_set_i64(meta, "round", number) ||
                   (parent && fl_meta_set_bytes(meta, "parent", digest, sizeof digest))
               ? -1
               : 0;
}

static int
write_files(const struct fl_hf_folder *f, struct fl_writer *w)
{
    struct fl_tensor t;

    for (size_t i = 0; fl_model_files[i]; i++) {
        uint64_t len = f->files[i].len;
        fl_tensor_init(&t, fl_model_files[i], FL_U8, 1, &len);
        if (len && (fl_writer_tensor(w, &t) || fl_writer_data(w, f->files[i].data, len)))
            return -1;
    }
    return 0;
}

int
fl_hf_folder_write(const struct fl_hf_folder *f, enum fl_dtype dtype, struct fl_writer *w)
{
    struct fl_meta meta = {0};
    int failed = fl_hf_read_origin(f->model.files, &meta) ||
                 (f->stops.len && fl_marks_write(&f->stops, &meta)) ||
                 fl_config_to_meta(&f->model.layout.config, &meta) ||
                 fl_writer_head(w, FL_KIND_MODEL, &meta) ||
                 fl_hf_model_write(&f->model, dtype, w) || write_files(f, w) || fl_writer_done(w);

    fl_meta_release(&meta);
    return failed ? -1 : 0;
}
