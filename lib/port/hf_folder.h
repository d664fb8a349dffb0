/*
 * A whole Hugging Face folder, in: the model of its files, its tokenizer, what ends a text, and the
 * files that are carried along so that fl-export can give them back.
 */
#ifndef FL_PORT_HF_FOLDER_H
#define FL_PORT_HF_FOLDER_H

#include "base/buf.h"
#include "base/must.h"
#include "flt/writer.h"
#include "port/hf_model.h"
#include "text/tokenizer.h"

enum { FL_HF_FILES_MAX = 8 };

struct fl_hf_folder {
    struct fl_hf_model model;
    struct fl_buf files[FL_HF_FILES_MAX]; /* fl_model_files; empty: it is not there */
    struct fl_ids stops;                  /* that end a text, where the folder says it */
    struct fl_buf notes;                  /* lines about what is not taken over */
};

/*
 * Open DIR and check everything but the values of the weights. -1 with an error;
 * fl_hf_folder_close it in any case. Memory: its files but for the weights.
 */
FL_MUST int fl_hf_folder_open(struct fl_hf_folder *f, const char *dir);
void fl_hf_folder_close(struct fl_hf_folder *f);

/*
 * Write it as an object of kind model: weights in the dtypes that they have, or in DTYPE unless
 * that is 0 [fl_hf_model_write]. "round" and "parent" are those that fl-export noted in the
 * weights' file (fl.round, fl.parent), else round is 0.
 */
FL_MUST int fl_hf_folder_write(const struct fl_hf_folder *f, enum fl_dtype dtype,
                               struct fl_writer *w);

/* The "round" (0 when it is not noted) and "parent" of that into META. */
FL_MUST int fl_hf_read_origin(const struct fl_safetensors *file, struct fl_meta *meta);

/* Keys of "__metadata__" of a safetensors file, and of a model's metadata without FL_HF_NOTE. */
#define FL_HF_NOTE        "fl."
#define FL_HF_NOTE_ROUND  "fl.round"
#define FL_HF_NOTE_PARENT "fl.parent"

#endif
