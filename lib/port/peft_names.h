/*
 * Names of PEFT's tensors: "base_model.model.", the model's own name of a map, ".lora_A.weight" or
 * ".lora_B.weight"; and the key of its base among a file's notes.
 */
#ifndef FL_PORT_PEFT_NAMES_H
#define FL_PORT_PEFT_NAMES_H

#include <stdbool.h>

#include "port/family.h"

#define FL_PEFT_NOTE_BASE "fl.base.params"

/* Of the map MODULE of layer LAYER of FAMILY, its A or B (WHICH), into NAME of SIZE bytes. */
const char *fl_peft_name(const struct fl_family *f, unsigned module, uint32_t layer, char which,
                         char *name, size_t size);

/* The reverse: the map's name without the family's prefix into MODULE; false when it is no such. */
bool fl_peft_parse_name(const char *name, const struct fl_family *f, char *module, size_t size,
                        char *which);

#endif
