/*
 * Adapters as PEFT writes them: a folder of adapter_config.json and adapter_model.safetensors, in
 * and out. Source: huggingface/peft, LoraConfig and save_and_load.py (names of tensors).
 */
#ifndef FL_PORT_PEFT_H
#define FL_PORT_PEFT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "nn/adapter.h"
#include "port/family.h"
#include "port/safetensors.h"

#define FL_PEFT_CONFIG  FL_ADAPTER_FILE
#define FL_PEFT_WEIGHTS "adapter_model.safetensors"

struct fl_peft {
    const struct fl_family *family; /* the first whose names these are */
    struct fl_adapter adapter;
    struct fl_safetensors *file;
    struct fl_buf config; /* the bytes of adapter_config.json */
    struct fl_buf notes;  /* lines about what is not taken over */
};

/* Is DIR the folder of an adapter? */
bool fl_peft_is_folder(const char *dir);

/*
 * Open DIR and check everything but values: LoRA without what would change what is computed (DoRA,
 * biases, other trained modules, patterns of alpha), each tensor one of a map that can have an
 * adapter here. -1 with an error; fl_peft_close it in any case.
 */
FL_MUST int fl_peft_open(struct fl_peft *p, const char *dir);
void fl_peft_close(struct fl_peft *p);

/*
 * Write it as an object of kind adapter, tensors in their own dtypes, to the bit. BASE, an open
 * model that the adapter is for, is checked and named in it (base.params); NULL: none is known but
 * the one that fl_peft_export noted, if it was made here. -1: FL_REFUSED when that is another than
 * BASE.
 */
FL_MUST int fl_peft_write(const struct fl_peft *p, struct fl_object *base, struct fl_writer *w);

/*
 * The reverse: O, of kind adapter, as the folder DIR (os/output_folder.h). Names are those of the
 * family that it came from, or was made for. -1 with an error and no folder.
 */
FL_MUST int fl_peft_export(struct fl_object *o, const char *dir);

/* In an adapter's metadata: the name of its family (port/family.h). */
#define FL_PEFT_FAMILY "family"

#endif
