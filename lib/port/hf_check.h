/*
 * Which tensor of a folder each parameter of its configuration is, and that nothing of the folder
 * is left out: only for port/hf_model.c.
 */
#ifndef FL_PORT_HF_CHECK_H
#define FL_PORT_HF_CHECK_H

#include "base/must.h"
#include "port/hf_model.h"

/* Fill m->sources. -1 with an error that names file and tensor. O(n log n), and copies are read. */
FL_MUST int fl_hf_check(struct fl_hf_model *m);

#endif
